//! The pages people see: server-rendered, and without script but for the one that hands an answer to another window.
//!
//! **Invariant:** every value is escaped by the template; every page forbids framing and caching, and scripts except, on
//! that one page, its own.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use domain::reason::{Explanation, Fault, Reason};

use crate::halt::Ways;
use crate::request_id::RequestId;
use text::{Moment, Piece, pieces};
use words::{Language, Words};

pub(crate) use text::Authorities;

pub(crate) mod brand;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod words;

/// The icon.
pub(crate) const ICON: &str = include_str!("../templates/assets/icon.svg");

/// What all pages have in common.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) product: String,
    /// Whether the product has a logo of its own.
    pub(crate) has_logo: bool,
    pub(crate) request_id: RequestId,
    pub(crate) time: Moment,
    pub(crate) language: Language,
    /// The origin assets come from: empty on the login host itself. The certificate host sends browsers there, too, for on
    /// itself every request would be another handshake with a certificate.
    pub(crate) assets: String,
    pub(crate) assets_version: String,
}

impl Frame {
    /// What the page says.
    pub(crate) const fn words(&self) -> &'static Words {
        self.language.words()
    }
}

/// "Choose your certificate".
#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct Choose<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) application: &'a str,
    pub(crate) authorities: Authorities<'a>,
    pub(crate) certificate_url: &'a str,
    /// Where it waits: to be asked anew, whatever the browser remembers.
    pub(crate) another_url: Option<String>,
    pub(crate) password_url: Option<String>,
    pub(crate) back: Back,
    /// Whether it waits for a click instead of going on by itself.
    pub(crate) waits: bool,
}

/// The user name and password form.
#[derive(Template)]
#[template(path = "password.html")]
pub(crate) struct Password<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) application: &'a str,
    pub(crate) connection: &'a str,
    pub(crate) transaction: &'a str,
    pub(crate) user_name: &'a str,
    /// Whether "I prefer the password on this device" is ticked.
    pub(crate) prefers: bool,
    pub(crate) alert: Option<Alert>,
    pub(crate) certificate: WithCertificate,
    pub(crate) back: Back,
}

impl Password<'_> {
    /// Whether what was typed is wrong, rather than something around it.
    fn is_wrong(&self) -> bool {
        matches!(self.alert, Some(Alert::Reason(Reason::WrongCredentials)))
    }

    /// Whether the name was typed as Windows takes it elsewhere: with a domain.
    fn names_domain(&self) -> bool {
        self.is_wrong() && self.user_name.contains(['@', '\\'])
    }
}

/// Where a certificate is asked for instead of the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WithCertificate {
    /// Not at this address.
    Nowhere,
    /// There.
    At(String),
    /// Once the person takes back that the password is preferred on this device.
    OnRequest,
}

/// Why the form is shown (again).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alert {
    Reason(Reason),
    Fault(Fault),
}

impl Alert {
    const fn code(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.code(),
            Self::Fault(fault) => fault.code(),
        }
    }

    const fn sentence(self, language: Language) -> &'static str {
        match self {
            Self::Reason(reason) => language.refusal(reason).user,
            Self::Fault(fault) => language.fault(fault).user,
        }
    }
}

/// The way back to the application.
#[derive(Debug, Clone)]
pub(crate) struct Back {
    /// Its name.
    pub(crate) application: String,
    pub(crate) url: String,
}

/// The choice between connections.
#[derive(Template)]
#[template(path = "connections.html")]
pub(crate) struct Connections<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) application: &'a str,
    pub(crate) choices: Vec<Choice<'a>>,
}

/// One connection to choose.
#[derive(Debug, Clone)]
pub(crate) struct Choice<'a> {
    pub(crate) name: &'a str,
    pub(crate) url: String,
}

/// Why somebody is not signed in.
#[derive(Template)]
#[template(path = "reason.html")]
pub(crate) struct ReasonPage<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) title: &'a str,
    pub(crate) told: Explanation,
    /// Facts of this case, in English; may be empty.
    pub(crate) detail: &'a str,
    pub(crate) code: &'a str,
    pub(crate) ways: Ways,
}

impl ReasonPage<'_> {
    fn cause(&self) -> Vec<Piece<'_>> {
        pieces(self.told.help_desk)
    }

    fn remedy(&self) -> Vec<Piece<'_>> {
        pieces(self.told.remedy)
    }

    fn has_ways(&self) -> bool {
        let ways = &self.ways;
        ways.again.is_some() || ways.another_certificate.is_some() || ways.password.is_some()
    }
}

/// What is not about a person: a wrong application, an unknown page, a failure.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct Problem<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) title: &'a str,
    pub(crate) sentence: &'a str,
    /// For the help desk, in English; may be empty.
    pub(crate) detail: &'a str,
}

/// "Do you want to sign out?"
#[derive(Template)]
#[template(path = "sign_out.html")]
pub(crate) struct SignOut<'a> {
    pub(crate) frame: &'a Frame,
}

/// "You are signed out."
#[derive(Template)]
#[template(path = "signed_out.html")]
pub(crate) struct SignedOutPage<'a> {
    pub(crate) frame: &'a Frame,
    /// After a session by certificate, which the browser may remember: how to use another one.
    pub(crate) another_certificate: Option<&'static str>,
}

/// What a page does besides being read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does<'a> {
    /// Nothing.
    Nothing,
    /// Its forms lead to us, and by our redirects to these CSP sources.
    Forms(&'a [String]),
    /// It runs a script of ours.
    Script,
}

/// Renders a page as an answer.
pub(crate) fn answer(
    status: StatusCode,
    page: &impl Template,
    frame: &Frame,
    does: Does<'_>,
) -> Response {
    let Ok(body) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let assets = match frame.assets.as_str() {
        "" => "'self'",
        login => login,
    };
    let (script, form_action) = match does {
        Does::Nothing => (String::new(), "'none'".to_owned()),
        Does::Forms(also) => (
            String::new(),
            [&["'self'".to_owned()], also].concat().join(" "),
        ),
        Does::Script => (format!(" script-src {assets};"), "'none'".to_owned()),
    };
    let policy = format!(
        "default-src 'none';{script} style-src {assets}; img-src {assets}; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // A source that no header can hold narrows the policy to nothing.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'")),
    );
    response
}
