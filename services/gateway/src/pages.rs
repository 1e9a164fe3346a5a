//! The pages people see: server-rendered, without script.
//!
//! **Invariant:** every value is escaped by the template; every page forbids framing, scripts and caching.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::request_id::RequestId;
use words::Words;

#[cfg(test)]
mod tests;
pub(crate) mod words;

/// The one stylesheet.
pub(crate) const STYLE: &str = include_str!("../templates/assets/style.css");
/// The icon.
pub(crate) const ICON: &str = include_str!("../templates/assets/icon.svg");

/// What all pages have in common.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) product: String,
    pub(crate) request_id: RequestId,
    pub(crate) words: &'static Words,
    /// The origin assets come from: empty on the login host itself. The certificate host sends browsers there, too, for on
    /// itself every request would be another handshake with a certificate.
    pub(crate) assets: String,
    pub(crate) assets_version: String,
}

/// "Choose your certificate".
#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct Choose<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) application: &'a str,
    pub(crate) connection: &'a str,
    pub(crate) authorities: Vec<&'a str>,
    pub(crate) certificate_url: &'a str,
    /// Where it waits: to be asked anew, whatever the browser remembers.
    pub(crate) another_url: Option<String>,
    pub(crate) password_url: Option<String>,
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
    pub(crate) alert: Option<Alert>,
    pub(crate) certificate_url: Option<String>,
}

/// Why the form is shown (again).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alert {
    pub(crate) sentence: &'static str,
    pub(crate) code: &'static str,
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
    pub(crate) user: &'a str,
    pub(crate) help_desk: &'a str,
    pub(crate) remedy: &'a str,
    /// Facts of this case; may be empty.
    pub(crate) detail: &'a str,
    pub(crate) code: &'a str,
    pub(crate) another_url: Option<String>,
    pub(crate) password_url: Option<String>,
}

/// What is not about a person: a wrong application, an unknown page, a failure.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct Problem<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) title: &'a str,
    pub(crate) sentence: &'a str,
    /// For the help desk; may be empty.
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
}

/// Where the forms of a page may lead.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Forms<'a> {
    /// There are none.
    None,
    /// To us, and by our redirect to this CSP source.
    Ours(Option<&'a str>),
}

/// Renders a page as an answer.
pub(crate) fn answer(
    status: StatusCode,
    page: &impl Template,
    frame: &Frame,
    forms: Forms<'_>,
) -> Response {
    let Ok(body) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let form_action = match forms {
        Forms::None => "'none'".to_owned(),
        Forms::Ours(None) => "'self'".to_owned(),
        Forms::Ours(Some(also)) => format!("'self' {also}"),
    };
    let assets = match frame.assets.as_str() {
        "" => "'self'",
        login => login,
    };
    let policy = format!(
        "default-src 'none'; style-src {assets}; img-src {assets}; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
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
