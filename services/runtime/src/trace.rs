//! Where in which trace a piece of work stands, and how that travels.
//!
//! Spans are [`tracing`]'s. What is here joins them over processes: by the
//! `traceparent` of W3C Trace Context, in headers of gRPC, of NATS and of
//! HTTP, and in what a browser carries for us under seal.
//!
//! A parent is believed ([`continue_from`]) only where it comes from a process
//! of ours; anybody else's is a remark ([`link_to`]).
//!
//! **Invariant:** no span begins in a stranger's trace, and nothing but the
//! ids and the sampling decision travels: no baggage, no `tracestate`.

#[cfg(test)]
mod tests;

use std::fmt::{self, Display};
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde::{Deserialize, Serialize};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header that carries a [`TraceContext`]: W3C Trace Context, section 3.2.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A place in a trace. As text, and in JSON, it is a `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TraceContext {
    trace: TraceId,
    span: SpanId,
    sampled: bool,
}

/// A text that is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a traceparent")]
pub struct NotATraceparent;

impl TraceContext {
    /// Where the work that runs now stands; `None` outside of any span.
    pub fn current() -> Option<Self> {
        Self::of_context(&Context::current())
    }

    /// Where `span` stands; `None` where nothing is traced. It begins with
    /// this at the latest: what it continues or links to is said before.
    pub fn of(span: &Span) -> Option<Self> {
        Self::of_context(&span.context())
    }

    /// The id of the whole trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> impl Display + use<> {
        self.trace
    }

    /// The id of the whole trace as it is counted: 16 bytes.
    pub fn trace_id_bytes(&self) -> [u8; 16] {
        self.trace.to_bytes()
    }

    fn of_context(context: &Context) -> Option<Self> {
        let span = context.span();
        let found = span.span_context();
        found.is_valid().then(|| Self {
            trace: found.trace_id(),
            span: found.span_id(),
            sampled: found.is_sampled(),
        })
    }

    fn remote(self) -> SpanContext {
        let flags = match self.sampled {
            true => TraceFlags::SAMPLED,
            false => TraceFlags::default(),
        };
        SpanContext::new(self.trace, self.span, flags, true, TraceState::NONE)
    }
}

impl Display for TraceContext {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace,
            span,
            sampled,
        } = self;
        write!(to, "00-{trace}-{span}-{:02x}", u8::from(*sampled))
    }
}

impl FromStr for TraceContext {
    type Err = NotATraceparent;

    fn from_str(text: &str) -> Result<Self, NotATraceparent> {
        let found = TraceContextPropagator::new().extract_with_context(&Context::new(), &One(text));
        Self::of_context(&found).ok_or(NotATraceparent)
    }
}

impl From<TraceContext> for String {
    fn from(context: TraceContext) -> Self {
        context.to_string()
    }
}

impl TryFrom<String> for TraceContext {
    type Error = NotATraceparent;

    fn try_from(text: String) -> Result<Self, NotATraceparent> {
        text.parse()
    }
}

/// Makes `span` a child of `parent`, which a process of ours said. Has an
/// effect only before the span is entered for the first time.
pub fn continue_from(span: &Span, parent: TraceContext) {
    // An error says that nothing is traced, or that the span has begun.
    let _ = span.set_parent(Context::new().with_remote_span_context(parent.remote()));
}

/// Notes on `span` that somebody whom we do not believe said it belongs to
/// `other`.
pub fn link_to(span: &Span, other: TraceContext) {
    span.add_link(other.remote());
}

/// The one `traceparent` of these headers, if it is one.
pub fn incoming(headers: &HeaderMap) -> Option<TraceContext> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let first = given.next()?;
    match given.next() {
        None => first.to_str().ok()?.parse().ok(),
        Some(_) => None,
    }
}

/// Puts where the present work stands into `headers`, in place of any that
/// stands there.
pub fn outgoing(headers: &mut HeaderMap) {
    headers.remove(TRACEPARENT);
    let value = TraceContext::current().map(|now| HeaderValue::try_from(now.to_string()));
    if let Some(Ok(value)) = value {
        headers.insert(TRACEPARENT, value);
    }
}

/// Headers with a `traceparent` alone.
struct One<'a>(&'a str);

impl Extractor for One<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT.as_str()).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}
