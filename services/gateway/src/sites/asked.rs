//! What every request of the sites is for those who watch: a span in the trace of its sign-in, an id, a number.
//!
//! **Invariant:** a span's parent is sealed by us or there is none; no span has a value in it that a person or a stranger
//! typed, and what anybody may ask for by the thousand has none at all.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use runtime::trace;
use tracing::Span;
use tracing::field::Empty;

use super::MAX_BODY;
use crate::desk::Desk;
use crate::handshake::Handshake;
use crate::numbers::Numbers;
use crate::request_id::RequestId;
use crate::signin::belonging::is_in_form;

/// A request that is being answered. Dropped without an answer where its client went away, or nobody answered in time.
#[derive(Debug)]
pub(super) struct Asked {
    span: Span,
    /// Its route, with the site before it where that is not the login host.
    route: String,
    began: Instant,
    numbers: Numbers,
    status: Option<StatusCode>,
}

impl Asked {
    /// Begins the span of a request to the site of this kind, in the trace it belongs to. The request comes back whole.
    pub(super) async fn begin(
        desk: &Desk,
        site: &'static str,
        request: Request,
    ) -> (Self, Request) {
        let began = Instant::now();
        let matched = request.extensions().get::<MatchedPath>().cloned();
        let path = matched.as_ref().map_or("unknown", MatchedPath::as_str);
        let route = match site {
            "certificate" => format!("cert {path}"),
            _ => path.to_owned(),
        };
        let (span, request) = match is_dull(path) {
            true => (Span::none(), request),
            false => {
                let span = span(site, request.method(), &route);
                (span.clone(), placed(desk, path, &span, request).await)
            }
        };
        let asked = Self {
            span,
            route,
            began,
            numbers: desk.numbers.clone(),
            status: None,
        };
        (asked, request)
    }

    /// What the request's work belongs to.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The id of the request.
    pub(super) fn id(&self, desk: &Desk) -> RequestId {
        RequestId::of(&self.span).or_draw(&*desk.randomness)
    }

    /// It is answered.
    pub(super) fn answered(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        match self.status {
            Some(status) => self
                .span
                .record("http.response.status_code", status.as_u16()),
            None => self.span.record("postern.outcome", "unanswered"),
        };
        if self.status.is_none_or(|status| status.is_server_error()) {
            self.span.record("otel.status_code", "ERROR");
        }
        self.numbers
            .request(&self.route, self.status, self.began.elapsed());
    }
}

/// Whether a request to this route has nothing to tell: files that never change, and paths that anybody may ask for by
/// the thousand. Spans of theirs would push those of sign-ins out.
fn is_dull(path: &str) -> bool {
    let files = ["/assets/", "/sdk/", "/.well-known/"];
    matches!(path, "unknown" | "/jwks") || files.iter().any(|files| path.starts_with(files))
}

fn span(site: &'static str, method: &Method, route: &str) -> Span {
    tracing::info_span!(
        parent: None,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method.as_str(),
        http.route = route,
        http.response.status_code = Empty,
        postern.host = site,
        postern.outcome = Empty,
        postern.code = Empty,
        postern.error = Empty,
    )
}

/// Puts the span into the trace that the request belongs to, and its connection's handshake below it.
async fn placed(desk: &Desk, path: &str, span: &Span, request: Request) -> Request {
    let request = match is_in_form(path, request.method() == Method::POST) {
        true => {
            let (request, form) = with_form(request).await;
            continued(desk, path, &form, span);
            request
        }
        false => {
            let query = request.uri().query().unwrap_or_default();
            continued(desk, path, query.as_bytes(), span);
            request
        }
    };
    if let Some(other) = trace::incoming(request.headers()) {
        trace::link_to(span, other);
    }
    if let Some(handshake) = request.extensions().get::<Arc<Handshake>>() {
        handshake.join(span);
    }
    request
}

fn continued(desk: &Desk, path: &str, parameters: &[u8], span: &Span) {
    if let Some(parent) = desk.goes_on_from(path, parameters) {
        trace::continue_from(span, parent);
    }
}

/// The form of a request whose body is in memory already and within the bounds. Any other is left to its handler.
async fn with_form(request: Request) -> (Request, Bytes) {
    let is_there = request
        .body()
        .size_hint()
        .exact()
        .is_some_and(|bytes| bytes <= MAX_BODY as u64);
    if !is_there {
        return (request, Bytes::new());
    }
    let (head, body) = request.into_parts();
    // It cannot fail in memory; a handler that finds nothing says so.
    let form = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    (Request::from_parts(head, Body::from(form.clone())), form)
}
