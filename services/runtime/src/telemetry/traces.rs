//! Where spans go: to a collector that speaks OTLP over gRPC, such as Jaeger.
//!
//! Without an address they go nowhere, and the ids are there all the same: on
//! pages, in log lines, and between processes.
//!
//! **Invariant:** only spans of Postern's own code leave, without the events
//! inside of them: log lines name addresses and accounts, traces do not.

use std::path::PathBuf;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanProcessor};
use serde::{Deserialize, Serialize};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::{Process, TelemetryError};
use crate::private_files;
use crate::settings::Key;

/// The settings of traces, for a section `traces` of any settings type.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct TracesSettings {
    /// Where spans are sent: `http://…` or `https://…`; empty for nowhere.
    pub endpoint: String,
    /// Which share of traces is kept, from 0 to 1. Decided once, where a trace
    /// begins.
    pub ratio: f64,
    /// The certificates (PEM) that the collector's own is trusted by.
    pub ca_file: Option<PathBuf>,
}

impl TracesSettings {
    /// The documented keys of [`TracesSettings`].
    pub const KEYS: &'static [Key] = &[
        Key {
            path: "endpoint",
            default: r#""""#,
            doc: "Where traces are sent, by OTLP over gRPC: http://jaeger:4317, or https:// with ca_file. Empty: nowhere; request ids are there all the same.",
            secret: false,
        },
        Key {
            path: "ratio",
            default: "1.0",
            doc: "Which share of traces is sent, from 0.0 to 1.0. Decided where a trace begins: at the gateway for sign-ins, at control for changes.",
            secret: false,
        },
        Key {
            path: "ca_file",
            default: "",
            doc: "Certificates (PEM) that the collector's own certificate is trusted by, for https.",
            secret: false,
        },
    ];

    /// Traces that go nowhere.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            endpoint: String::new(),
            ratio: 1.0,
            ca_file: None,
        }
    }
}

/// How long the last spans may take to leave at the end.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The longest a batch of spans may take to be taken in.
const EXPORT: Duration = Duration::from_secs(5);

/// The largest file of certificates.
const LIMIT: usize = 256 << 10;

/// The crates whose spans leave.
const OURS: [&str; 7] = [
    "certval",
    "control",
    "directory",
    "domain",
    "gateway",
    "postern",
    "runtime",
];

/// The end of the pipeline; whoever holds it sees to the last spans.
#[derive(Debug)]
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Builds the pipeline. Wants to be called inside the asynchronous runtime.
    pub(super) fn start(
        settings: &TracesSettings,
        process: &Process,
    ) -> Result<Self, TelemetryError> {
        let TracesSettings {
            endpoint, ratio, ..
        } = settings;
        if !(0.0..=1.0).contains(ratio) {
            return Err(TelemetryError::Ratio(*ratio));
        }
        let resource = Resource::builder_empty()
            .with_service_name(process.service.clone())
            .with_attribute(KeyValue::new("service.version", process.version))
            .with_attributes(
                process
                    .host
                    .clone()
                    .map(|host| KeyValue::new("host.name", host)),
            )
            .build();
        let provider = SdkTracerProvider::builder().with_resource(resource);
        let provider = match endpoint.as_str() {
            "" => provider.with_sampler(Sampler::AlwaysOff),
            _ => provider
                .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                    *ratio,
                ))))
                .with_batch_exporter(exporter(settings)?),
        };
        Ok(Self(provider.build()))
    }

    /// A pipeline that ends in `processor`, with every trace.
    pub(super) fn processed_by(processor: impl SpanProcessor + 'static) -> Self {
        let provider = SdkTracerProvider::builder().with_span_processor(processor);
        Self(provider.build())
    }

    /// The layer that turns spans of ours into spans of the trace.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("postern"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(leaves))
    }

    /// Sends what has not been sent.
    pub(super) fn finish(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_SPANS) {
            tracing::debug!(%error, "the last spans did not leave");
        }
    }
}

fn exporter(settings: &TracesSettings) -> Result<SpanExporter, TelemetryError> {
    let endpoint = &settings.endpoint;
    let secure = match url_scheme(endpoint) {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(TelemetryError::Endpoint),
    };
    let builder = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT);
    let failed = |source: ExporterBuildError| TelemetryError::Exporter {
        endpoint: endpoint.clone(),
        source,
    };
    if !secure {
        return builder.build().map_err(failed);
    }
    let Some(file) = &settings.ca_file else {
        return Err(TelemetryError::NoCollectorAuthority);
    };
    let trusted =
        private_files::read_public(file, LIMIT).map_err(TelemetryError::CollectorAuthority)?;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(trusted));
    builder.with_tls_config(tls).build().map_err(failed)
}

/// The scheme of an address that is a host, perhaps with a port, and nothing
/// else: a user's password would be in messages, and a path is not for gRPC.
fn url_scheme(endpoint: &str) -> Option<&str> {
    let uri: http::Uri = endpoint.parse().ok()?;
    let authority = uri.authority()?;
    let plain =
        !authority.as_str().contains('@') && matches!(uri.path(), "/") && uri.query().is_none();
    let has_port =
        authority.as_str().len() == authority.host().len() || authority.port_u16().is_some();
    if authority.host().is_empty() || !plain || !has_port {
        return None;
    }
    match uri.scheme_str()? {
        "http" => Some("http"),
        "https" => Some("https"),
        _ => None,
    }
}

pub(super) fn leaves(metadata: &Metadata<'_>) -> bool {
    let krate = metadata.target().split("::").next().unwrap_or_default();
    metadata.is_span() && *metadata.level() <= Level::INFO && OURS.contains(&krate)
}
