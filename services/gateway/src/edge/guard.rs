//! What every request passes on its way to a site and back.
//!
//! **Invariant:** in this order: meant for this host (400, 421), a method we have (405), headers that claim something taken
//! off, a body within size and time (413, 408), an answer in time (503) whatever the site does, a panic included (500).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use futures::FutureExt as _;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::settings::seconds;
use super::{Door, misdirected, untrusted};
use crate::arrival::Arrival;

const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

/// A year, as is customary (RFC 6797).
const INSIST_ON_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Answers one request.
pub(super) async fn answer(
    door: &Door,
    arrival: Arc<Arrival>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (version, began) = (request.version(), Instant::now());
    let server_name = arrival.server_name.clone();
    let answered = match admit(door, arrival, request).await {
        Ok((site, request)) => answered(door, site, request).await,
        Err(status) => {
            door.numbers.turned_away(status, began.elapsed());
            Err(status)
        }
    };
    let mut response = answered.unwrap_or_else(|status| plain(status, version));
    if door
        .settings
        .strict_transport_security
        .applies_to(&server_name)
    {
        response
            .headers_mut()
            .insert(STRICT_TRANSPORT_SECURITY, INSIST_ON_HTTPS);
    }
    response
}

/// What a request is answered by, and the request as that sees it.
async fn admit(
    door: &Door,
    arrival: Arc<Arrival>,
    request: Request<Incoming>,
) -> Result<(Router, Request<Body>), StatusCode> {
    misdirected::check(&request, &arrival.server_name)?;
    if ![Method::GET, Method::HEAD, Method::POST, Method::OPTIONS].contains(request.method()) {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let site = door.site(&arrival.host).ok_or(StatusCode::NOT_FOUND)?;
    let (mut head, body) = request.into_parts();
    untrusted::take_off(&mut head.headers);
    let body = whole(door, body).await?;
    head.extensions.insert(arrival);
    Ok((site, Request::from_parts(head, body)))
}

async fn answered(
    door: &Door,
    site: Router,
    request: Request<Body>,
) -> Result<Response<Body>, StatusCode> {
    let answered = AssertUnwindSafe(site.oneshot(request)).catch_unwind();
    match timeout(seconds(door.settings.request_s), answered).await {
        Ok(Ok(Ok(response))) => Ok(response),
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(_panic)) => {
            tracing::error!("a site panicked over a request");
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Err(_) => {
            tracing::warn!("a request was not answered in time");
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// The whole body, so that no site waits for a client. The bound makes that cheap.
async fn whole(door: &Door, body: Incoming) -> Result<Body, StatusCode> {
    let limit = door.settings.body_bytes;
    if body.is_end_stream() {
        return Ok(Body::empty());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let collected = Limited::new(body, limit).collect();
    match timeout(seconds(door.settings.body_s), collected).await {
        Ok(Ok(collected)) => Ok(Body::from(collected.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// A refusal of the edge's own, before any site: one line of text. HTTP/1 connections end with it, since what else was sent
/// on them is not to be trusted.
fn plain(status: StatusCode, version: Version) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{status}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, ALLOWED);
    }
    if version < Version::HTTP_2 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
