//! A handshake as its trace sees it: a span that waits for the first request on its connection, to be part of that
//! request's trace.
//!
//! **Invariant:** the span ends with the handshake, however long it waits afterwards; one that no request comes for is a
//! trace of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use runtime::trace::{self, TraceContext};
use tracing::Span;
use tracing::field::Empty;

use crate::request_id::RequestId;

/// A handshake that was finished, until its connection's first request.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// Its span, and before it that of one that the same client left. Never entered, so that their parent can be said
    /// afterwards.
    spans: Mutex<Vec<Span>>,
    has_request: AtomicBool,
}

impl Handshake {
    /// Finished; its spans wait.
    pub(crate) fn finished(spans: impl IntoIterator<Item = Span>) -> Self {
        Self {
            spans: Mutex::new(spans.into_iter().collect()),
            has_request: AtomicBool::new(false),
        }
    }

    /// A request came.
    pub(crate) fn requested(&self) {
        self.has_request.store(true, Ordering::Relaxed);
    }

    /// Whether any came.
    pub(crate) fn has_request(&self) -> bool {
        self.has_request.load(Ordering::Relaxed)
    }

    /// The id of its trace, as long as it is in one of its own.
    pub(crate) fn request_id(&self) -> RequestId {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.last().map(RequestId::of).unwrap_or_default()
    }

    /// Lets it stand below the span of a request, if it is the first one that is traced.
    pub(crate) fn join(&self, request: &Span) {
        let Some(parent) = TraceContext::of(request) else {
            return;
        };
        let waiting =
            std::mem::take(&mut *self.spans.lock().unwrap_or_else(PoisonError::into_inner));
        for span in waiting {
            trace::continue_from(&span, parent);
        }
    }
}

/// The span of a handshake that begins now, at a site of this kind.
pub(crate) fn begun(host: &'static str) -> Span {
    tracing::info_span!(
        parent: None,
        "handshake",
        otel.status_code = Empty,
        tls.protocol.version = Empty,
        postern.host = host,
        postern.asked = Empty,
        postern.result = Empty,
    )
}

/// Ends the handshake of this span, with this result.
pub(crate) fn over(span: &Span, result: &'static str) {
    span.record("postern.result", result);
    // A span's end is when it was left last. Entering it would also begin it, which it must not before its parent is known.
    span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
}
