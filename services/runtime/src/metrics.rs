//! Numbers about a process, for Prometheus.
//!
//! A role makes its instruments once, at its start, and keeps them where it
//! counts; [`operations`](crate::operations) serves them all as text. Every
//! number has the label `role`, so that several roles can share a process.
//!
//! **Invariant:** labels come from closed sets or from the configuration,
//! never from what a stranger sends, so that their number is bounded.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};
use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};

/// Upper bounds of the buckets that times are counted in, in seconds. The last
/// ones are for people who choose a certificate.
const SECONDS: [f64; 17] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0, 120.0,
];

/// The most counts of one instrument: a hundred connections with every code by
/// every method, and room. Past it they are told together, without labels.
const SERIES: usize = 20_000;

/// What tells one count of an instrument from another.
#[derive(Debug, Clone)]
pub struct Label(KeyValue);

/// The label `name` with this value.
pub fn label(name: &'static str, value: impl Into<Cow<'static, str>>) -> Label {
    Label(KeyValue::new(name, value.into()))
}

/// Why there can be no numbers.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The exporter could not be made.
    #[error("the metrics cannot be exported")]
    Exporter(#[from] OTelSdkError),
    /// The numbers of the process itself could not be registered, or written.
    #[error("the metrics cannot be gathered")]
    Registry(#[from] prometheus::Error),
}

/// The numbers of one process. Clones are the same numbers.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// Kept, for the numbers end with it.
    _provider: SdkMeterProvider,
    meter: Meter,
    role: Option<&'static str>,
}

impl Metrics {
    /// No numbers yet, except those of the process itself.
    ///
    /// # Errors
    /// When they cannot be registered.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .without_target_info()
            .without_units()
            .build()?;
        let provider = SdkMeterProvider::builder()
            .with_reader(exporter)
            .with_view(|_: &Instrument| {
                let room = Stream::builder().with_cardinality_limit(SERIES);
                room.build().ok()
            })
            .build();
        let meter = provider.meter("postern");
        Ok(Self {
            registry,
            _provider: provider,
            meter,
            role: None,
        })
    }

    /// The same numbers; what is made from now on counts for this role.
    #[must_use]
    pub fn of_role(&self, role: &'static str) -> Self {
        Self {
            role: Some(role),
            ..self.clone()
        }
    }

    /// Counts events. `name` without `_total`, which is added.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        Counter {
            counts: self.meter.u64_counter(name).with_description(help).build(),
            role: self.role,
        }
    }

    /// Counts how long something took, in seconds.
    pub fn seconds(&self, name: &'static str, help: &'static str) -> Seconds {
        Seconds {
            counts: self
                .meter
                .f64_histogram(name)
                .with_description(help)
                .with_boundaries(SECONDS.to_vec())
                .build(),
            role: self.role,
        }
    }

    /// Tells a number as it is, by asking for it whenever the numbers are read.
    /// `read` lives as long as the numbers, and so does what it holds.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn(&mut dyn FnMut(f64, &[Label])) + Send + Sync + 'static,
    ) {
        let role = self.role;
        let _ = self
            .meter
            .f64_observable_gauge(name)
            .with_description(help)
            .with_callback(move |observer| {
                read(&mut |value, labels| observer.observe(value, &with_role(role, labels)));
            })
            .build();
    }

    /// All numbers, in Prometheus' text format (version 0.0.4).
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn text(&self) -> Result<String, MetricsError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}

/// How often something happened.
#[derive(Debug, Clone)]
pub struct Counter {
    counts: opentelemetry::metrics::Counter<u64>,
    role: Option<&'static str>,
}

impl Counter {
    /// It happened once more.
    pub fn count(&self, labels: &[Label]) {
        self.add(1, labels);
    }

    /// It happened so many times more. With 0 the count is there from the
    /// start, so that its first growth is seen.
    pub fn add(&self, times: u64, labels: &[Label]) {
        self.counts.add(times, &with_role(self.role, labels));
    }
}

/// How long something took.
#[derive(Debug, Clone)]
pub struct Seconds {
    counts: opentelemetry::metrics::Histogram<f64>,
    role: Option<&'static str>,
}

impl Seconds {
    /// It took this long.
    pub fn took(&self, time: std::time::Duration, labels: &[Label]) {
        self.counts
            .record(time.as_secs_f64(), &with_role(self.role, labels));
    }
}

fn with_role(role: Option<&'static str>, labels: &[Label]) -> Vec<KeyValue> {
    let role = role.map(|role| KeyValue::new("role", role));
    role.into_iter()
        .chain(labels.iter().map(|label| label.0.clone()))
        .collect()
}
