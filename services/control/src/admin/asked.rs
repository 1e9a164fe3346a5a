//! A request to the admin API as operators see it: a span, an id, and a count.
//!
//! The id is the trace's, so that what somebody quotes from an answer finds the trace, the log lines and the record.
//!
//! **Invariant:** spans and counts name routes, never paths; whoever asks cannot choose the trace, only be linked to it.

use axum::extract::{MatchedPath, Request};
use http::{Method, StatusCode};
use runtime::metrics::{Counter, Metrics, label};
use runtime::random::{self, Randomness, RandomnessUnavailable};
use runtime::trace::{self, TraceContext};
use tracing::field::Empty;
use tracing::{Span, info_span};

/// Counts requests.
#[derive(Debug)]
pub(crate) struct Requests(Counter);

impl Requests {
    /// None yet.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self(metrics.counter(
            "postern_admin_requests",
            "Requests to the admin API, by route and HTTP status.",
        ))
    }
}

/// A request that is being answered.
pub(super) struct Asked {
    span: Span,
    /// Like `GET /v1/connections/{name}`.
    route: String,
}

impl Asked {
    pub(super) fn new(request: &Request) -> Self {
        let method = known(request.method());
        let path = request.extensions().get::<MatchedPath>();
        let path = path.map_or("(no such path)", MatchedPath::as_str);
        let route = format!("{method} {path}");
        let span = info_span!(
            parent: None,
            "request",
            otel.name = route,
            otel.kind = "server",
            otel.status_code = Empty,
            http.route = path,
            http.response.status_code = Empty,
            problem = Empty,
        );
        if let Some(theirs) = trace::incoming(request.headers()) {
            trace::link_to(&span, theirs);
        }
        Self { span, route }
    }

    /// What its work belongs to.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Its id; random where nothing is traced.
    pub(super) fn id(&self, randomness: &dyn Randomness) -> Result<String, RandomnessUnavailable> {
        if let Some(context) = TraceContext::of(&self.span) {
            return Ok(context.trace_id().to_string());
        }
        let bytes = random::bytes::<16>(randomness)?;
        Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// It is answered; `problem` is the kind of problem, if it is one.
    pub(super) fn ended(self, requests: &Requests, status: StatusCode, problem: Option<&str>) {
        self.span
            .record("http.response.status_code", status.as_u16());
        if let Some(problem) = problem {
            self.span.record("problem", problem);
        }
        if status.is_server_error() {
            self.span.record("otel.status_code", "ERROR");
        }
        let status = label("status", status.as_str().to_owned());
        requests.0.count(&[label("route", self.route), status]);
    }
}

/// A stranger can invent methods.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE => method.as_str(),
        _ => "OTHER",
    }
}
