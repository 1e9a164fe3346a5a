//! Why a request of a browser is not answered with what it asked for, and how that looks.
//!
//! **Invariant:** each kind has one look; nothing but [`Halt::Application`] leads to an application.

use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::outcome::{Refusal, Unavailable};
use domain::reason::Reason;
use runtime::random::RandomnessUnavailable;

use crate::codes::CannotIssue;
use crate::desk::Desk;
use crate::oidc::answer::with_error;
use crate::oidc::authorize_request::{AuthorizeError, ErrorAnswer, PageError};
use crate::oidc::parameters::{InvalidParameters, Repeated};
use crate::pages::words::ENGLISH;
use crate::pages::{self, Forms, Frame, Problem, ReasonPage};
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
    Application(ErrorAnswer),
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
    /// To be asked for a certificate anew.
    pub(crate) another_certificate: Option<String>,
    /// To the password form.
    pub(crate) password: Option<String>,
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
            product: self.settings.product_name.clone(),
            request_id: visit.request_id,
            words: &ENGLISH,
            assets: match visit.arrival.host {
                crate::arrival::Site::Login => String::new(),
                _ => self.hosts.issuer().to_owned(),
            },
            assets_version: self.assets_version.clone(),
        }
    }

    /// The answer to a request that goes no further.
    pub(crate) fn halted(&self, visit: &Visit, halt: Halt, ways: Ways) -> Response {
        let frame = self.frame(visit);
        let words = frame.words;
        match halt {
            Halt::Refused(refusal) => self.refused(&frame, &refusal, ways),
            Halt::Unavailable(unavailable) => {
                let explained = unavailable.fault.explanation();
                let page = ReasonPage {
                    frame: &frame,
                    title: words.unavailable_title,
                    user: explained.user,
                    help_desk: explained.help_desk,
                    remedy: explained.remedy,
                    detail: "",
                    code: unavailable.fault.code(),
                    another_url: None,
                    password_url: ways.password,
                };
                retry_later(pages::answer(
                    StatusCode::SERVICE_UNAVAILABLE,
                    &page,
                    &frame,
                    Forms::None,
                ))
            }
            Halt::Application(answer) => {
                tracing::info!(
                    error = answer.error.code(),
                    description = answer.description,
                    request_id = %visit.request_id,
                    "an application's request was refused"
                );
                see_other(&with_error(&answer, self.hosts.issuer()))
            }
            Halt::Page(error) => problem(
                &frame,
                StatusCode::BAD_REQUEST,
                (words.application_title, words.application_sentence),
                &error.to_string(),
            ),
            Halt::Rejected(status, detail) => problem(
                &frame,
                status,
                (words.rejected_title, words.rejected_sentence),
                detail,
            ),
            Halt::Broken(what) => {
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

    /// The page for a path where nothing is.
    pub(crate) fn nothing_here(&self, visit: &Visit) -> Response {
        let frame = self.frame(visit);
        problem(
            &frame,
            StatusCode::NOT_FOUND,
            (frame.words.not_found_title, frame.words.not_found_sentence),
            "",
        )
    }

    fn refused(&self, frame: &Frame, refusal: &Refusal, ways: Ways) -> Response {
        let explained = refusal.reason.explanation();
        let page = ReasonPage {
            frame,
            title: frame.words.reason_title,
            user: explained.user,
            help_desk: explained.help_desk,
            remedy: explained.remedy,
            detail: &refusal.detail,
            code: refusal.reason.code(),
            another_url: ways.another_certificate,
            password_url: ways.password,
        };
        pages::answer(status_of(refusal.reason), &page, frame, Forms::None)
    }
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
    pages::answer(status, &page, frame, Forms::None)
}
