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
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tracing::Instrument as _;

use crate::desk::Desk;
use crate::oidc::{cross_origin, discovery, sign_out, token, userinfo, web_message};
use crate::pages::ICON;
use crate::signin::{authorize, cancel, certificate, password, preference, resume};
use crate::visit::Visit;

mod asked;
#[cfg(test)]
mod tests;

use asked::Asked;

/// Most bytes of a request body.
const MAX_BODY: usize = 16 << 10;

/// The request's id on every answer.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The JavaScript SDK, as it is published.
const SDK: &str = include_str!("../../../sdk/js/dist/postern.global.js");

const SCRIPT_TYPE: &str = "text/javascript; charset=utf-8";

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
            .route(
                "/authorize",
                get(authorize::get).post(authorize::post).head(no_head),
            )
            .route(
                "/password",
                get(password::get).post(password::post).head(no_head),
            )
            .route("/resume", get(resume::get).head(no_head))
            .route("/cancel", get(cancel::get).head(no_head))
            .route("/preference", post(preference::post))
            .route(
                "/token",
                post(token::post).layer(cross_origin::registered(desk)),
            )
            .route(
                "/userinfo",
                get(userinfo::get)
                    .post(userinfo::post)
                    .layer(cross_origin::registered(desk)),
            )
            .route(
                "/signout",
                get(sign_out::get).post(sign_out::post).head(no_head),
            )
            .route("/jwks", get(discovery::keys).layer(cross_origin::anybody()))
            .route(
                "/.well-known/openid-configuration",
                get(discovery::metadata).layer(cross_origin::anybody()),
            )
            .route("/sdk/v1.js", get(sdk).layer(cross_origin::anybody()))
            .route("/assets/message.js", get(message_script))
            .route("/assets/style.css", get(style))
            .route("/assets/icon.svg", get(icon))
            .route("/assets/logo", get(logo));
        let certificate = Router::new().route("/", get(certificate::get).head(no_head));
        Self {
            // A referrer keeps forms of ours telling their origin; it never leaves the host.
            login: finished(login, desk, "login", "same-origin"),
            certificate: finished(certificate, desk, "certificate", "no-referrer"),
        }
    }
}

fn finished(
    router: Router<Arc<Desk>>,
    desk: &Arc<Desk>,
    site: &'static str,
    referrer: &'static str,
) -> Router {
    let dress = Dress {
        desk: Arc::clone(desk),
        site,
        referrer: HeaderValue::from_static(referrer),
    };
    router
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(dress, dressed))
        .with_state(Arc::clone(desk))
}

/// What all requests of a site have in common.
#[derive(Clone)]
struct Dress {
    desk: Arc<Desk>,
    site: &'static str,
    referrer: HeaderValue,
}

/// Gives the request its span and its id, and the answer what every answer has.
async fn dressed(State(dress): State<Dress>, request: Request, next: Next) -> Response {
    let Dress {
        desk,
        site,
        referrer,
    } = dress;
    let (asked, mut request) = Asked::begin(&desk, site, request).await;
    let id = asked.id(&desk);
    request.extensions_mut().insert(id);
    let mut response = next.run(request).instrument(asked.span()).await;
    asked.answered(response.status());
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

/// To look without doing anything is not possible there: sign-ins begin and end.
async fn no_head() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

async fn nothing_here(State(desk): State<Arc<Desk>>, visit: Visit) -> Response {
    desk.nothing_here(&visit)
}

async fn style(State(desk): State<Arc<Desk>>) -> Response {
    asset("text/css; charset=utf-8", desk.brand.style.clone())
}

/// The logo, where there is one. Whoever opens it by itself gets a drawing that can do nothing; its own styles are part of
/// the drawing.
async fn logo(State(desk): State<Arc<Desk>>, visit: Visit) -> Response {
    let Some(logo) = &desk.brand.logo else {
        return desk.nothing_here(&visit);
    };
    let mut response = asset(logo.kind, logo.content.clone());
    response.headers_mut().insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
        ),
    );
    response
}

async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}

async fn message_script() -> Response {
    asset(SCRIPT_TYPE, web_message::SCRIPT)
}

/// The SDK that fits this gateway. Pages of other origins load it, so they must be allowed to, even where they demand
/// that everything they load says so (Cross-Origin-Embedder-Policy).
async fn sdk() -> Response {
    (
        [
            (CONTENT_TYPE, SCRIPT_TYPE),
            (CACHE_CONTROL, "public, max-age=3600"),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "cross-origin",
            ),
        ],
        SDK,
    )
        .into_response()
}

fn asset(kind: &'static str, content: impl IntoResponse) -> Response {
    (
        [
            (CONTENT_TYPE, kind),
            (CACHE_CONTROL, "public, max-age=86400"),
        ],
        content,
    )
        .into_response()
}
