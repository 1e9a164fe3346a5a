//! The demonstration application, as an application developer would write one: a page that signs people in by script,
//! and beside it a server that does so without any.
//!
//! **Invariant:** it knows Postern only through OpenID Connect, over HTTPS like everybody else, and whatever it was told
//! from outside is text in its pages, never markup.

use askama::Template;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use url::Url;

pub(crate) mod sample;
mod server_side;
#[cfg(test)]
mod tests;

use crate::https::Client;
use sample::Sample;
pub(super) use server_side::request;

/// What the application was registered with.
pub(crate) struct Registration {
    /// The issuer.
    pub issuer: Url,
    /// Its own address.
    pub home: Url,
    /// Its `client_id`.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: String,
}

/// The application's pages. `client` is how its server reaches the issuer.
pub(crate) fn router(sample: Sample, registration: Registration, client: Client) -> Router {
    Router::new()
        .route("/style.css", get(style))
        .route("/icon.svg", get(icon))
        .merge(sample::router(sample))
        .merge(server_side::router(registration, client))
}

async fn style() -> Response {
    file(
        "text/css; charset=utf-8",
        include_str!("../../templates/application.css"),
    )
}

async fn icon() -> Response {
    file(
        "image/svg+xml",
        include_str!("../../templates/application.svg"),
    )
}

/// A file of the application's own.
fn file(kind: &'static str, content: impl Into<String>) -> Response {
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        content.into(),
    )
        .into_response()
}

/// A page that may load its own style and icon, and beyond that what `more` allows (a part of a Content Security Policy,
/// with a semicolon before it).
fn page(page: &impl Template, more: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'{more}"
    );
    let (Ok(html), Ok(policy)) = (page.render(), HeaderValue::try_from(policy)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let fixed = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    (
        [
            (header::CONTENT_SECURITY_POLICY, policy),
            fixed(header::CACHE_CONTROL, "no-store"),
            fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // Codes arrive in the addresses of these pages.
            fixed(header::REFERRER_POLICY, "no-referrer"),
        ],
        Html(html),
    )
        .into_response()
}
