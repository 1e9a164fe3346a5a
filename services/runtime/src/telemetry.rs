//! What a process says about itself: JSON lines on stderr or in a file.
//!
//! This is also the one place where traces and metrics will be exported from:
//! [`start`] will build their pipeline and [`Telemetry::finish`] flush it.
//!
//! **Invariant:** libraries that see bytes of the wire never log below
//! `info`, whatever the filter says, so no setting can put a password or a
//! token into a log.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracing::{Dispatch, Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::settings::Key;

/// The settings of this module, for a section `log` of any settings type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct LogSettings {
    /// What is logged, as `tracing` directives: `info,gateway=debug`.
    pub filter: String,
}

impl LogSettings {
    /// The documented keys of [`LogSettings`].
    pub const KEYS: &'static [Key] = &[Key {
        path: "filter",
        default: r#""info""#,
        doc: "What is logged: a level (error, warn, info, debug), and levels for single modules after commas, as in info,gateway=debug.",
        secret: false,
    }];
}

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard error.
    Stderr,
    /// The end of this file, made with mode 0600 where it is missing.
    File(PathBuf),
}

/// Why nothing can be logged.
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
    /// The process logs already.
    #[error("logging was started before")]
    Twice,
}

/// Held by the process until its end.
#[derive(Debug)]
#[must_use = "finish it at the end of the process"]
pub struct Telemetry(());

impl Telemetry {
    /// Sends what has not been sent yet. The last thing a process does.
    pub fn finish(self) {}
}

/// Begins logging for this process, panics included.
///
/// # Errors
/// For a filter that is not understood, a file that cannot be opened, or a
/// second call.
pub fn start(settings: &LogSettings, output: &Output) -> Result<Telemetry, TelemetryError> {
    let dispatch = match output {
        Output::Stderr => dispatch(settings, io::stderr)?,
        Output::File(path) => dispatch(settings, open(path)?)?,
    };
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("nothing");
        let location = panic.location().map(ToString::to_string);
        tracing::error!(said, location, "panic");
    }));
    Ok(Telemetry(()))
}

/// Libraries that only speak up when something is wrong, unless asked by name.
const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,rustls=warn,\
                     async_nats=warn,ldap3=warn,x509_parser=warn,mio=warn";

/// Libraries that log what passes over the wire at `debug` and `trace`.
const SEES_THE_WIRE: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "rustls",
    "ldap3",
    "lber",
    "async_nats",
];

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
    settings: &LogSettings,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> Result<Dispatch, TelemetryError> {
    let filter = &settings.filter;
    let directives = EnvFilter::builder()
        .parse(format!("{QUIET},{filter}"))
        .map_err(|source| TelemetryError::Filter {
            filter: filter.clone(),
            source,
        })?;
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
        .with_filter(directives.and(filter_fn(reveals_nothing)));
    Ok(Dispatch::new(Registry::default().with(lines)))
}

fn reveals_nothing(metadata: &Metadata<'_>) -> bool {
    let library = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || !SEES_THE_WIRE.contains(&library)
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
