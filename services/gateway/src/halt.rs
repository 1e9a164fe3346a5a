//! Why a request of a browser is not answered with what it asked for, and how that looks.
//!
//! **Invariant:** each kind has one look; nothing but [`Halt::Application`] leads to an application.

use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::outcome::{Refusal, Unavailable};
use domain::reason::{Fault, Reason};
use runtime::random::RandomnessUnavailable;
use tracing::Span;

use crate::audit::noted;
use crate::codes::CannotIssue;
use crate::desk::Desk;
use crate::oidc::answer::{Answer, Says, with_query};
use crate::oidc::authorize_request::{AuthorizeError, PageError};
use crate::oidc::parameters::{InvalidParameters, Repeated};
use crate::oidc::return_address::ReturnAddress;
use crate::pages::{self, Back, Does, Frame, Problem, ReasonPage};
use crate::seals::CannotSeal;
use crate::visit::Visit;

/// Why a request goes no further.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The user's side: a reason page.
    Refused(Refusal),
    /// Our side: a 503 page.
    Unavailable(Unavailable),
    /// The application is told.
    Application(Answer),
    /// The application cannot be told, for it is not known.
    Page(PageError),
    /// The request is not one that our pages make; what is wrong with it, for the help desk.
    Rejected(StatusCode, &'static str),
    /// Something of ours failed that should not; what, for the log.
    Broken(&'static str),
}

/// What else the person can do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ways {
    /// To the same once more, should it have been our fault.
    pub(crate) again: Option<String>,
    /// To be asked for a certificate anew.
    pub(crate) another_certificate: Option<String>,
    /// To the password form.
    pub(crate) password: Option<String>,
    /// Back to the application, without signing in.
    pub(crate) back: Option<Back>,
}

impl From<Reason> for Halt {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unavailable> for Halt {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

impl From<AuthorizeError> for Halt {
    fn from(error: AuthorizeError) -> Self {
        match error {
            AuthorizeError::Page(error) => Self::Page(error),
            AuthorizeError::Answer(answer) => Self::Application(answer),
        }
    }
}

impl From<InvalidParameters> for Halt {
    fn from(_: InvalidParameters) -> Self {
        Self::Rejected(
            StatusCode::BAD_REQUEST,
            "the request is too large or not text",
        )
    }
}

impl From<Repeated> for Halt {
    fn from(_: Repeated) -> Self {
        Self::Rejected(StatusCode::BAD_REQUEST, "a parameter is repeated")
    }
}

impl From<CannotSeal> for Halt {
    fn from(_: CannotSeal) -> Self {
        Self::Broken("a value could not be sealed")
    }
}

impl From<RandomnessUnavailable> for Halt {
    fn from(_: RandomnessUnavailable) -> Self {
        Self::Broken("there is no randomness")
    }
}

impl From<CannotIssue> for Halt {
    fn from(error: CannotIssue) -> Self {
        match error {
            CannotIssue::Broken => Self::Broken("a code could not be made"),
            CannotIssue::Full => Self::Broken("too many codes are open"),
        }
    }
}

impl Desk {
    /// What all pages of this visit have in common.
    pub(crate) fn frame(&self, visit: &Visit) -> Frame {
        Frame {
            product: self.brand.name.clone(),
            has_logo: self.brand.logo.is_some(),
            request_id: visit.request_id,
            time: visit.now.into(),
            language: visit.language(),
            assets: match visit.arrival.host {
                crate::arrival::Site::Login => String::new(),
                _ => self.hosts.issuer().to_owned(),
            },
            assets_version: self.brand.version.clone(),
        }
    }

    /// The answer to a request that goes no further.
    pub(crate) fn halted(&self, visit: &Visit, halt: Halt, ways: Ways) -> Response {
        let frame = self.frame(visit);
        let words = frame.words();
        match halt {
            Halt::Refused(refusal) => self.refused(&frame, &refusal, ways),
            Halt::Unavailable(unavailable) => {
                // Passwords are the directory's to judge, too.
                let password = ways
                    .password
                    .filter(|_| unavailable.fault != Fault::DirectoryUnavailable);
                let page = ReasonPage {
                    frame: &frame,
                    title: words.unavailable_title,
                    told: frame.language.fault(unavailable.fault),
                    detail: "",
                    code: unavailable.fault.code(),
                    ways: Ways {
                        another_certificate: None,
                        password,
                        ..ways
                    },
                };
                retry_later(pages::answer(
                    StatusCode::SERVICE_UNAVAILABLE,
                    &page,
                    &frame,
                    Does::Nothing,
                ))
            }
            Halt::Application(answer) => {
                if let Says::Error(error, description) = &answer.says {
                    told(error.code());
                    tracing::debug!(
                        error = error.code(),
                        description,
                        request_id = %visit.request_id,
                        "an application was answered with an error"
                    );
                }
                self.answered(visit, &answer)
            }
            Halt::Page(error) => {
                noted("rejected", "");
                problem(
                    &frame,
                    StatusCode::BAD_REQUEST,
                    (words.application_title, words.application_sentence),
                    &error.to_string(),
                )
            }
            Halt::Rejected(status, detail) => {
                noted("rejected", "");
                problem(
                    &frame,
                    status,
                    (words.rejected_title, words.rejected_sentence),
                    detail,
                )
            }
            Halt::Broken(what) => {
                noted("broken", "");
                tracing::error!(what, request_id = %visit.request_id, "a request failed");
                problem(
                    &frame,
                    StatusCode::INTERNAL_SERVER_ERROR,
                    (words.broken_title, words.broken_sentence),
                    "",
                )
            }
        }
    }

    /// Hands an answer to the application.
    pub(crate) fn answered(&self, visit: &Visit, answer: &Answer) -> Response {
        match &answer.to {
            ReturnAddress::Redirect(uri) => {
                see_other(&with_query(uri, answer.parameters(self.hosts.issuer())))
            }
            ReturnAddress::Message(origin) => self.message(visit, origin, answer),
        }
    }

    /// The page for a path where nothing is.
    pub(crate) fn nothing_here(&self, visit: &Visit) -> Response {
        let frame = self.frame(visit);
        problem(
            &frame,
            StatusCode::NOT_FOUND,
            (
                frame.words().not_found_title,
                frame.words().not_found_sentence,
            ),
            "",
        )
    }

    fn refused(&self, frame: &Frame, refusal: &Refusal, ways: Ways) -> Response {
        let page = ReasonPage {
            frame,
            title: frame.words().reason_title,
            told: frame.language.refusal(refusal.reason),
            detail: &refusal.detail,
            code: refusal.reason.code(),
            ways: Ways {
                // Anything else would end the same way.
                again: ways
                    .again
                    .filter(|_| refusal.reason == Reason::TransactionUnknown),
                ..ways
            },
        };
        pages::answer(status_of(refusal.reason), &page, frame, Does::Nothing)
    }
}

/// Notes on the span of the present request which error an application was told.
pub(crate) fn told(error: &'static str) {
    Span::current().record("postern.error", error);
}

/// The HTTP status of a refusal.
pub(crate) const fn status_of(reason: Reason) -> StatusCode {
    match reason {
        Reason::TransactionExpired | Reason::TransactionUnknown => StatusCode::BAD_REQUEST,
        Reason::Throttled => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::FORBIDDEN,
    }
}

/// Sends the browser elsewhere with a GET. A 307 would send a password along.
pub(crate) fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Says when to try again.
pub(crate) fn retry_later(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn problem(
    frame: &Frame,
    status: StatusCode,
    (title, sentence): (&str, &str),
    detail: &str,
) -> Response {
    let page = Problem {
        frame,
        title,
        sentence,
        detail,
    };
    pages::answer(status, &page, frame, Does::Nothing)
}
