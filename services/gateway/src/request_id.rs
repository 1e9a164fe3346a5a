//! The id of a request: on every page, in every event, so that the help desk finds one by the other, and the operator
//! finds the trace by either.
//!
//! **Invariant:** it is the id of the trace the request belongs to, or drawn here; what a client sends under that name is
//! not read.

use runtime::random::{self, Randomness};
use runtime::trace::TraceContext;
use tracing::Span;

/// 128 bits, or none where nothing is traced and there was no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RequestId(Option<[u8; 16]>);

impl RequestId {
    /// The id of the trace this span stands in, if there is one.
    pub(crate) fn of(span: &Span) -> Self {
        Self(TraceContext::of(span).map(|context| context.trace_id_bytes()))
    }

    /// This one, or where there is none another one.
    pub(crate) fn or_draw(self, randomness: &dyn Randomness) -> Self {
        Self(self.0.or_else(|| random::bytes(randomness).ok()))
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(bytes) => write!(formatter, "{:032x}", u128::from_be_bytes(bytes)),
            None => formatter.write_str("none"),
        }
    }
}
