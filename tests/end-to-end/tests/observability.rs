//! The files for Prometheus and Grafana hold together with what is documented, and the alerts fire when they should.

#![expect(clippy::panic, reason = "a test may fail by a panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The numbers that a text of expressions speaks of.
fn numbers_in(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_name(c));
    let ours = words.filter(|word| word.starts_with("postern_") || word.starts_with("process_"));
    ours.map(|word| {
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| word.strip_suffix(suffix));
        base.unwrap_or(word).to_owned()
    })
    .collect()
}

fn documented() -> BTreeSet<String> {
    let page = text("docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next().map(str::to_owned))
        .collect()
}

#[test]
fn every_number_in_alerts_and_dashboard_is_documented() {
    let documented = documented();
    assert!(documented.len() > 20, "{documented:?}");
    for path in [
        "deploy/observability/alerts.yml",
        "deploy/observability/grafana-dashboard.json",
        "docs/run-book.md",
    ] {
        let used = numbers_in(&text(path));
        assert!(used.len() > 5, "{path} speaks of {used:?} only");
        let unknown: Vec<&String> = used.difference(&documented).collect();
        assert!(unknown.is_empty(), "{path} speaks of {unknown:?}");
    }
}

#[test]
fn every_alert_has_its_section_in_the_run_book() {
    let (rules, book) = (
        text("deploy/observability/alerts.yml"),
        text("docs/run-book.md"),
    );
    let sections: BTreeSet<String> = book
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(str::to_ascii_lowercase)
        .collect();
    let mut alerts = 0;
    for block in rules.split("- alert: ").skip(1) {
        alerts += 1;
        let name = block.lines().next().unwrap_or_default();
        let page = block
            .lines()
            .find_map(|line| line.trim().strip_prefix("runbook: docs/run-book.md#"))
            .unwrap_or_else(|| panic!("{name} names no page"));
        assert!(sections.contains(page), "{name}: no section {page}");
        // One section may serve a warning and what becomes of it.
        assert!(
            name.to_ascii_lowercase().starts_with(page),
            "{name}: {page}"
        );
        assert!(book.contains(name), "the run-book does not name {name}");
    }
    assert!(alerts >= 15, "{alerts} alerts");
}

#[test]
fn prometheus_takes_the_files_and_the_alerts_fire_when_they_should() {
    let promtool = |arguments: &[&str]| {
        let mut command = Command::new("promtool");
        command.args(arguments).current_dir(file("."));
        command.output()
    };
    if promtool(&["--version"]).is_err() {
        println!("skipped: no promtool on the search path; tests/install brings it");
        return;
    }
    for arguments in [
        &["check", "rules", "deploy/observability/alerts.yml"][..],
        &["test", "rules", "tests/end-to-end/tests/alerts.yml"],
    ] {
        let output = promtool(arguments).unwrap_or_else(|error| panic!("promtool: {error}"));
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
