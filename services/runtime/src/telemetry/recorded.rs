//! Spans kept in memory instead of sent: how tests see what a collector would.
//!
//! **Invariant:** the same spans leave as in a real process; only where they go differs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::SpanId;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tracing::Dispatch;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::traces::Traces;

/// Records the spans that end while its [`dispatch`](Self::dispatch) is in
/// force.
#[derive(Debug, Clone)]
pub struct Recorder {
    ended: Ended,
    dispatch: Dispatch,
    /// With one subscriber alone, tracing asks the thread that comes first
    /// whether a span is wanted, and other tests' threads want none.
    _second: Dispatch,
}

/// A span as it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedSpan {
    /// Its name.
    pub name: String,
    /// The id of its trace: 32 hexadecimal digits.
    pub trace: String,
    /// Its own id: 16 hexadecimal digits.
    pub id: String,
    /// Its parent's id, of this process or another one.
    pub parent: Option<String>,
    /// The ids of the traces it is linked with.
    pub linked: Vec<String>,
    /// What is said about it, as text.
    pub attributes: BTreeMap<String, String>,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
}

impl Recorder {
    /// Nothing recorded yet.
    #[must_use]
    pub fn new() -> Self {
        let ended = Ended::default();
        let traces = Traces::processed_by(ended.clone());
        Self {
            ended,
            dispatch: Dispatch::new(Registry::default().with(traces.layer())),
            _second: Dispatch::new(Registry::default()),
        }
    }

    /// What spans are made with while they are recorded.
    #[must_use]
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The spans that have ended, in this order.
    #[must_use]
    pub fn spans(&self) -> Vec<RecordedSpan> {
        self.ended.lock().clone()
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Vec<RecordedSpan>>>);

impl Ended {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<RecordedSpan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let parent = Some(span.parent_span_id).filter(|parent| *parent != SpanId::INVALID);
        let attributes = span.attributes.iter();
        self.lock().push(RecordedSpan {
            name: span.name.into_owned(),
            trace: span.span_context.trace_id().to_string(),
            id: span.span_context.span_id().to_string(),
            parent: parent.map(|parent| parent.to_string()),
            linked: span
                .links
                .iter()
                .map(|link| link.span_context.trace_id().to_string())
                .collect(),
            attributes: attributes
                .map(|each| (each.key.to_string(), each.value.to_string()))
                .collect(),
            began: span.start_time,
            ended: span.end_time,
        });
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
