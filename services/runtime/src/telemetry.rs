//! What a process says about itself: JSON lines on stderr or in a file, and
//! spans to a collector. (Numbers are in [`metrics`](crate::metrics).)
//!
//! **Invariant:** neither says a secret: see [`logs`] and [`traces`] for what
//! holds it.

mod logs;
mod recorded;
#[cfg(test)]
mod tests;
mod traces;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::Dispatch;
use tracing_subscriber::Registry;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

pub use logs::LogSettings;
pub use recorded::{RecordedSpan, Recorder};
use traces::Traces;
pub use traces::TracesSettings;

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard error.
    Stderr,
    /// The end of this file, made with mode 0600 where it is missing.
    File(PathBuf),
}

/// What a process is called in traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its kind: `postern-gateway`.
    pub service: String,
    /// The version it runs.
    pub version: &'static str,
    /// The machine it runs on, where that is known.
    pub host: Option<String>,
}

impl Process {
    /// This process, as a service of this name, on this machine.
    pub fn of(service: impl Into<String>, version: &'static str) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
        Self {
            service: service.into(),
            version,
            host: host.ok().map(|name| name.trim().to_owned()),
        }
    }
}

/// Why nothing can be logged or traced.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("the log filter {filter:?} is not understood; an example: info,gateway=debug")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The log file cannot be opened.
    #[error("failed to open the log file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The share of traces is none.
    #[error("traces.ratio is {0}, and must be from 0.0 (none) to 1.0 (all)")]
    Ratio(f64),
    /// The collector's address is none.
    #[error(
        "traces.endpoint is not an address to send traces to: http:// or https://, a host and a port, and nothing else; an example: http://jaeger:4317"
    )]
    Endpoint,
    /// Nothing to trust the collector by.
    #[error("traces.endpoint is https, so traces.ca_file must name the collector's authority")]
    NoCollectorAuthority,
    /// The collector's authority cannot be read.
    #[error("traces.ca_file cannot be used")]
    CollectorAuthority(#[source] crate::private_files::PrivateFileError),
    /// Nothing can be sent there.
    #[error("traces cannot be sent to {endpoint}")]
    Exporter {
        /// The address.
        endpoint: String,
        /// Why.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// The process logs already.
    #[error("logging was started before")]
    Twice,
}

/// Held by the process until its end.
#[derive(Debug)]
#[must_use = "finish it at the end of the process"]
pub struct Telemetry(Traces);

impl Telemetry {
    /// Sends what has not been sent yet, within two seconds. The last thing a
    /// process does.
    pub async fn finish(self) {
        // The pipeline waits for tasks of this runtime, so it must not hold one of its threads.
        if let Err(error) = tokio::task::spawn_blocking(move || self.0.finish()).await {
            tracing::debug!(%error, "the last spans did not leave");
        }
    }
}

/// Begins logging and tracing for this process, panics included. Called inside
/// the asynchronous runtime.
///
/// # Errors
/// For settings that are not understood, a file that cannot be opened, or a
/// second call.
pub fn start(
    logs: &LogSettings,
    traces: &TracesSettings,
    process: &Process,
    output: &Output,
) -> Result<Telemetry, TelemetryError> {
    let traces = Traces::start(traces, process)?;
    let dispatch = match output {
        Output::Stderr => dispatch(logs, &traces, io::stderr)?,
        Output::File(path) => dispatch(logs, &traces, open(path)?)?,
    };
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("nothing");
        let location = panic.location().map(ToString::to_string);
        tracing::error!(said, location, "panic");
    }));
    Ok(Telemetry(traces))
}

/// An error with its causes on one line, outermost first: for log lines and for
/// people.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

fn dispatch(
    logs: &LogSettings,
    traces: &Traces,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> Result<Dispatch, TelemetryError> {
    let lines = logs::layer(logs, writer)?;
    Ok(Dispatch::new(
        Registry::default().with(traces.layer()).with(lines),
    ))
}

fn open(path: &PathBuf) -> Result<Arc<File>, TelemetryError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(crate::private_files::PRIVATE)
        .open(path)
        .map(Arc::new)
        .map_err(|source| TelemetryError::File {
            path: path.clone(),
            source,
        })
}
