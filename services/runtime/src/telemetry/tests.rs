use std::path::Path;

use super::{LogSettings, TelemetryError, chain, dispatch, open};

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
    let refused = dispatch(&settings, std::io::sink);
    assert!(matches!(refused, Err(TelemetryError::Filter { .. })));
}

fn logged(filter: &str, speak: impl FnOnce()) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let settings = LogSettings {
        filter: filter.to_owned(),
    };
    let dispatch = dispatch(&settings, open(&path).unwrap()).unwrap();
    tracing::dispatcher::with_default(&dispatch, speak);
    read(&path)
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
