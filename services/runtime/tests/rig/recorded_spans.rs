//! The spans of this process as a collector would get them.
//!
//! **Invariant:** a test sees the spans of its own trace and no other's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use opentelemetry::trace::{SpanId, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use runtime::trace::TraceContext;
use tracing_subscriber::layer::SubscriberExt;

/// Every span that ended so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded(Arc<Mutex<Vec<SpanData>>>);

/// One span.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) name: String,
    /// The name of its parent, if that ended, too.
    pub(crate) parent: Option<String>,
    /// Like `Producer`.
    pub(crate) kind: String,
    /// The traces it links to.
    pub(crate) links: Vec<String>,
    pub(crate) fields: BTreeMap<String, String>,
}

/// Records the spans of this process from the first call on.
pub(crate) fn recorded() -> &'static Recorded {
    static RECORDED: OnceLock<Recorded> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let recorded = Recorded::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(recorded.clone())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        // Of spans that another test came to meanwhile.
        tracing::callsite::rebuild_interest_cache();
        recorded
    })
}

impl Recorded {
    /// The spans of this trace.
    pub(crate) fn of(&self, trace: TraceContext) -> Vec<Seen> {
        self.of_id(&trace.trace_id().to_string())
    }

    /// The spans of the trace with this id.
    pub(crate) fn of_id(&self, trace: &str) -> Vec<Seen> {
        let all = self.0.lock().unwrap();
        let of = all
            .iter()
            .filter(|span| span.span_context.trace_id().to_string() == trace);
        let of: Vec<&SpanData> = of.collect();
        let name = |id: SpanId| {
            let found = of.iter().find(|span| span.span_context.span_id() == id);
            found.map(|span| span.name.to_string())
        };
        of.iter()
            .map(|span| Seen {
                name: span.name.to_string(),
                parent: name(span.parent_span_id),
                kind: format!("{:?}", span.span_kind),
                links: span
                    .links
                    .iter()
                    .map(|link| link.span_context.trace_id().to_string())
                    .collect(),
                fields: span
                    .attributes
                    .iter()
                    .map(|field| (field.key.to_string(), field.value.to_string()))
                    .collect(),
            })
            .collect()
    }

    /// The spans of any trace with this name.
    pub(crate) fn named(&self, name: &str) -> Vec<Seen> {
        let traces: Vec<String> = {
            let all = self.0.lock().unwrap();
            let named = all.iter().filter(|span| span.name == name);
            named
                .map(|span| span.span_context.trace_id().to_string())
                .collect()
        };
        let of_each = traces.iter().flat_map(|trace| self.of_id(trace));
        of_each.filter(|span| span.name == name).collect()
    }
}

impl SpanExporter for Recorded {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}
