//! The two sites as routers, for the edge to send requests to by their host.
//!
//! **Invariant:** the certificate host has one route; every answer of either carries the request's id, is never guessed at
//! by its content, and is cached only where its handler says so.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::digest::Digest;

use crate::desk::Desk;
use crate::oidc::{discovery, sign_out, token, userinfo};
use crate::pages::{ICON, STYLE};
use crate::request_id::RequestId;
use crate::signin::{authorize, certificate, password, resume};
use crate::visit::Visit;

#[cfg(test)]
mod tests;

/// Most bytes of a request body.
const MAX_BODY: usize = 16 << 10;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The routers of the two sites. Each request needs its `Arc<Arrival>` as an extension.
#[derive(Debug, Clone)]
pub struct Sites {
    /// The login host's.
    pub login: Router,
    /// The certificate host's, and of every name before it.
    pub certificate: Router,
}

impl Sites {
    /// The sites of this desk.
    #[must_use]
    pub fn of(desk: &Arc<Desk>) -> Self {
        let login = Router::new()
            .route("/authorize", get(authorize::get).post(authorize::post))
            .route("/password", get(password::get).post(password::post))
            .route("/resume", get(resume::get))
            .route("/token", post(token::post))
            .route("/userinfo", get(userinfo::get).post(userinfo::post))
            .route("/signout", get(sign_out::get).post(sign_out::post))
            .route("/jwks", get(discovery::keys))
            .route(
                "/.well-known/openid-configuration",
                get(discovery::metadata),
            )
            .route("/assets/style.css", get(style))
            .route("/assets/icon.svg", get(icon));
        let certificate = Router::new().route("/", get(certificate::get));
        Self {
            // A referrer keeps forms of ours telling their origin; it never leaves the host.
            login: finished(login, desk, "same-origin"),
            certificate: finished(certificate, desk, "no-referrer"),
        }
    }
}

/// Tells browsers' caches one stylesheet from the next.
pub(crate) fn assets_version() -> String {
    Digest::of(STYLE.as_bytes())
        .to_string()
        .chars()
        .take(8)
        .collect()
}

fn finished(router: Router<Arc<Desk>>, desk: &Arc<Desk>, referrer: &'static str) -> Router {
    router
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(
            (Arc::clone(desk), HeaderValue::from_static(referrer)),
            dressed,
        ))
        .with_state(Arc::clone(desk))
}

/// Gives the request its id, and the answer what every answer has.
async fn dressed(
    State((desk, referrer)): State<(Arc<Desk>, HeaderValue)>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::draw(&*desk.randomness);
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(REFERRER_POLICY, referrer);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    or_else(headers, CACHE_CONTROL, "no-store");
    or_else(
        headers,
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    response
}

fn or_else(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert(HeaderValue::from_static(value));
}

async fn nothing_here(State(desk): State<Arc<Desk>>, visit: Visit) -> Response {
    desk.nothing_here(&visit)
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}

fn asset(kind: &'static str, content: &'static str) -> Response {
    (
        [
            (CONTENT_TYPE, kind),
            (CACHE_CONTROL, "public, max-age=86400"),
        ],
        content,
    )
        .into_response()
}
