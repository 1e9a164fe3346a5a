use std::path::Path;

use super::traces::Traces;
use super::{LogSettings, Process, TelemetryError, TracesSettings, chain, dispatch, open};

#[test]
fn lines_are_json_and_the_filter_holds() {
    let lines = logged("info,runtime=debug", || {
        tracing::debug!(part = "one", "seen");
        tracing::trace!("not seen");
        tracing::debug!(target: "elsewhere", "not seen");
    });
    let line: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
    assert_eq!(line["message"], "seen");
    assert_eq!(line["part"], "one");
    assert_eq!(line["level"], "DEBUG");
}

#[test]
fn no_filter_makes_a_library_show_the_wire() {
    let lines = logged("trace,h2=trace,rustls=trace", || {
        tracing::debug!(target: "h2::codec", "headers of a request");
        tracing::trace!(target: "rustls::conn", "a record");
        tracing::info!(target: "h2", "fine");
    });
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[test]
fn libraries_are_quiet_unless_named() {
    let quiet = logged("info", || tracing::info!(target: "tower", "chatter"));
    assert_eq!(quiet, "");
    let named = logged(
        "info,tower=info",
        || tracing::info!(target: "tower", "asked"),
    );
    assert!(named.contains("asked"));
}

#[test]
fn a_filter_that_is_not_understood_is_an_error() {
    let settings = LogSettings {
        filter: "gateway=loud".to_owned(),
    };
    let refused = dispatch(&settings, &traces(), std::io::sink);
    assert!(matches!(refused, Err(TelemetryError::Filter { .. })));
}

fn logged(filter: &str, speak: impl FnOnce()) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let settings = LogSettings {
        filter: filter.to_owned(),
    };
    let dispatch = dispatch(&settings, &traces(), open(&path).unwrap()).unwrap();
    tracing::dispatcher::with_default(&dispatch, speak);
    read(&path)
}

fn traces() -> Traces {
    Traces::start(&TracesSettings::nowhere(), &Process::of("test", "0")).unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_chain_names_every_cause() {
    let bytes = std::io::Error::other("the disk is full");
    let error = TelemetryError::File {
        path: "/var/log/postern.log".into(),
        source: bytes,
    };
    let line = chain(&error);
    assert!(line.starts_with(&error.to_string()), "{line}");
    assert!(line.ends_with(": the disk is full"), "{line}");
    assert_eq!(line.matches("the disk is full").count(), 1, "{line}");
}

#[test]
fn a_line_names_its_trace_first() {
    let lines = logged("info", || {
        tracing::info!("outside");
        let span = tracing::info_span!(target: "gateway", "request");
        span.in_scope(|| tracing::info!(target: "gateway", "inside"));
    });
    let (outside, inside) = lines.trim().split_once('\n').unwrap();
    let outside: serde_json::Value = serde_json::from_str(outside).unwrap();
    let inside: serde_json::Value = serde_json::from_str(inside).unwrap();
    assert_eq!(outside["trace_id"], serde_json::Value::Null);
    assert_eq!(inside["message"], "inside");
    let id = inside["trace_id"].as_str().unwrap();
    assert_eq!(id.len(), 32, "{id}");
    assert_ne!(id, "0".repeat(32));
}

#[test]
fn settings_of_traces_that_cannot_be_are_refused() {
    let start = |endpoint: &str, ratio| {
        let settings = TracesSettings {
            endpoint: endpoint.to_owned(),
            ratio,
            ca_file: None,
        };
        Traces::start(&settings, &Process::of("test", "0")).map(drop)
    };
    for ratio in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(start("", ratio), Err(TelemetryError::Ratio(_))));
    }
    for endpoint in [
        "jaeger:4317",
        "jaeger",
        "ftp://jaeger",
        "http://",
        " ",
        "http://jaeger:99999",
        "http://jon:secret@jaeger:4317",
        "http://jaeger:4317/v1/traces",
        "http://jaeger:4317?x",
    ] {
        let refused = start(endpoint, 1.0);
        assert!(
            matches!(refused, Err(TelemetryError::Endpoint)),
            "{endpoint}"
        );
    }
    let refused = start("https://jaeger:4317", 1.0);
    assert!(matches!(refused, Err(TelemetryError::NoCollectorAuthority)));
}

#[test]
fn spans_and_lines_of_libraries_stay_here() {
    // The filter of what leaves, by what it is asked about.
    let leaves = |span: &tracing::Span| span.metadata().is_some_and(super::traces::leaves);
    let dispatch = dispatch(
        &LogSettings {
            filter: "trace".to_owned(),
        },
        &traces(),
        std::io::sink,
    )
    .unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        assert!(leaves(
            &tracing::info_span!(target: "gateway::signin", "ours")
        ));
        assert!(!leaves(
            &tracing::debug_span!(target: "gateway", "too fine")
        ));
        assert!(!leaves(&tracing::info_span!(target: "h2::codec", "theirs")));
        assert!(!leaves(
            &tracing::info_span!(target: "gatewayish", "not ours")
        ));
    });
}

#[tokio::test]
async fn what_is_kept_is_decided_where_a_trace_begins() {
    let kept = |ratio: f64, parent: Option<&str>| {
        let settings = TracesSettings {
            // Nobody is there; nothing waits for that.
            endpoint: "http://127.0.0.1:9".to_owned(),
            ratio,
            ca_file: None,
        };
        let traces = Traces::start(&settings, &Process::of("test", "0")).unwrap();
        let quiet = LogSettings {
            filter: "off".to_owned(),
        };
        let dispatch = dispatch(&quiet, &traces, std::io::sink).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!(target: "gateway", "request");
            if let Some(parent) = parent {
                crate::trace::continue_from(&span, parent.parse().unwrap());
            }
            let context = crate::trace::TraceContext::of(&span).unwrap();
            // Its end would wait for the collector.
            std::mem::forget(traces);
            context.to_string().ends_with("-01")
        })
    };
    let sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    assert!(kept(1.0, None));
    assert!(!kept(0.0, None));
    assert!(kept(0.0, Some(sampled)));
    assert!(!kept(1.0, Some(unsampled)));
}
