//! What every request to the admin API has to pass: the right host, no browser, the right token.
//!
//! **Invariant:** a request that does not pass learns nothing but how to pass, and its token is never logged.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::address::ClientAddress;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode};
use tracing::Instrument;

use super::asked::Asked;
use super::{Admin, Problem};
use crate::audit::Author;

/// The address a request came from; put there by the accept loop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller(pub(super) SocketAddr);

const REQUEST_ID: &str = "x-request-id";

/// Lets a request through to its handler, with its [`Author`], or answers it with a [`Problem`].
pub(super) async fn guard(
    State(admin): State<Arc<Admin>>,
    request: Request,
    next: Next,
) -> Response {
    let asked = Asked::new(&request);
    let id = match asked.id(&*admin.randomness) {
        Ok(id) => id,
        Err(error) => return Problem::unavailable(error.to_string(), "try again").into_response(),
    };
    let span = asked.span();
    let mut response = answer(&admin, request, next, &id).instrument(span).await;
    let problem = Problem::named(&mut response, &id);
    asked.ended(&admin.requests, response.status(), problem.as_deref());
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    response
}

async fn answer(admin: &Admin, mut request: Request, next: Next, id: &str) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let caller = request
        .extensions()
        .get::<Caller>()
        .map(|Caller(address)| ClientAddress::from(*address));
    let response = match admit(admin, &request, caller) {
        Ok(()) => {
            request.extensions_mut().insert(Author {
                who: "admin-token".to_owned(),
                address: caller,
                request: id.to_owned(),
            });
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    tracing::info!(
        request = id,
        %method,
        path = crate::change::shown(&path),
        status = response.status().as_u16(),
        from = caller.map(|caller| caller.to_string()),
        "admin API"
    );
    response
}

fn admit(admin: &Admin, request: &Request, caller: Option<ClientAddress>) -> Result<(), Problem> {
    let headers = request.headers();
    let host = asked_host(request)
        .ok_or_else(|| Problem::bad_request("no host was named", "send one Host header"))?;
    if !admin.hosts.contains(&host) {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown-host",
            "Unknown host",
            format!("this is not `{}`", crate::change::shown(&host)),
            "ask by a name that `control.admin_hosts` lists",
        ));
    }
    if from_browser(headers) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "browser",
            "Not for browsers",
            "the request came from a page in a browser",
            "use the command line, or a program that sends no Origin",
        ));
    }
    authenticate(admin, headers, caller)?;
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity")
    {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-encoding",
            "Compressed bodies are not taken",
            "the body is compressed",
            "send it as it is, without Content-Encoding",
        ));
    }
    Ok(())
}

fn authenticate(
    admin: &Admin,
    headers: &HeaderMap,
    caller: Option<ClientAddress>,
) -> Result<(), Problem> {
    let Some(sent) = headers.get(AUTHORIZATION) else {
        return Err(Problem::unauthenticated("no token was sent"));
    };
    let bytes = sent.as_bytes();
    let token = bytes
        .split_at_checked(7)
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
        .map(|(_, token)| token.trim_ascii());
    let once = headers.get_all(AUTHORIZATION).iter().count() == 1;
    if once && token.is_some_and(|token| admin.token.accepts(token)) {
        return Ok(());
    }
    let Some(caller) = caller else {
        return Err(Problem::unauthenticated("the token is wrong"));
    };
    match admin.throttle.failed(caller, admin.clock.unix_seconds()) {
        Ok(()) => {
            tracing::warn!(from = %caller, "wrong admin token");
            Err(Problem::unauthenticated("the token is wrong"))
        }
        Err(wait_s) => Err(Problem::throttled(wait_s)),
    }
}

/// The host a request is for, lower case and without port; `None` when it is not said exactly once.
fn asked_host(request: &Request) -> Option<String> {
    let mut sent = request.headers().get_all(HOST).iter();
    let authority = match (request.uri().authority(), sent.next(), sent.next()) {
        (Some(authority), _, None) => authority.clone(),
        (None, Some(host), None) => Authority::try_from(host.as_bytes()).ok()?,
        _ => return None,
    };
    Some(authority.host().to_ascii_lowercase())
}

/// Browsers say so: with `Origin` on anything that changes state, and with fetch metadata everywhere.
fn from_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site")
}
