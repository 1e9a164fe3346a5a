//! Log lines: JSON, each with the trace it belongs to.
//!
//! **Invariant:** libraries that see bytes of the wire never log below
//! `info`, whatever the filter says, so no setting can put a password or a
//! token into a log.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use serde::{Deserialize, Serialize};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::TelemetryError;
use crate::settings::Key;

/// The settings of log lines, for a section `log` of any settings type.
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

/// Libraries that only speak up when something is wrong, unless asked by name.
const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,rustls=warn,\
                     async_nats=warn,ldap3=warn,x509_parser=warn,mio=warn,opentelemetry=warn,\
                     opentelemetry_sdk=warn,opentelemetry_otlp=warn";

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

/// The layer that writes the lines.
pub(super) fn layer<S, W>(
    settings: &LogSettings,
    writer: W,
) -> Result<impl Layer<S> + use<S, W>, TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = &settings.filter;
    let directives = EnvFilter::builder()
        .parse(format!("{QUIET},{filter}"))
        .map_err(|source| TelemetryError::Filter {
            filter: filter.clone(),
            source,
        })?;
    let line = tracing_subscriber::fmt::format()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(Unwritten)
        .event_format(WithTrace(line))
        .with_writer(writer)
        .with_filter(directives.and(filter_fn(reveals_nothing)));
    Ok(lines)
}

/// The fields of spans: no line shows them, so they are not written out.
struct Unwritten;

impl<'to> FormatFields<'to> for Unwritten {
    fn format_fields<R: RecordFields>(&self, _: Writer<'to>, _: R) -> fmt::Result {
        Ok(())
    }
}

/// A line, with the id of the trace that it belongs to in front.
struct WithTrace(Format<Json>);

impl<S> FormatEvent<S, Unwritten> for WithTrace
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, Unwritten>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = Context::current();
        let span = now.span();
        let standing = span.span_context();
        if !standing.is_valid() {
            return self.0.format_event(ctx, to, event);
        }
        let mut line = String::new();
        self.0.format_event(ctx, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(rest) => write!(to, "{{\"trace_id\":\"{}\",{rest}", standing.trace_id()),
            None => to.write_str(&line),
        }
    }
}

fn reveals_nothing(metadata: &Metadata<'_>) -> bool {
    let library = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || !SEES_THE_WIRE.contains(&library)
}
