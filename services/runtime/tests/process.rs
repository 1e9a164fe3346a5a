//! What only a whole process can show: signals, and logging with its panics.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

use std::process::Command;
use std::time::Duration;

use runtime::tasks::{Tasks, Unclean};
use runtime::telemetry::{self, LogSettings, Output, Process, TracesSettings};

#[tokio::test]
async fn the_first_signal_drains_and_the_second_stops_hard() {
    let tasks = Tasks::new();
    tasks.stop_on_signals().unwrap();
    tasks.spawn_work("for ever", std::future::pending());
    signal("-TERM");
    tasks.stopping().cancelled().await;
    assert!(!tasks.stopped_hard().is_cancelled());
    let finishing = tasks.clone();
    let finishing = tokio::spawn(async move { finishing.finish(Duration::from_secs(60)).await });
    signal("-INT");
    let ended = tokio::time::timeout(Duration::from_secs(20), finishing).await;
    let unfinished = Unclean::Unfinished(vec!["for ever"]);
    assert_eq!(ended.unwrap().unwrap(), Err(unfinished));
}

#[tokio::test]
async fn lines_and_panics_go_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.log");
    let settings = LogSettings {
        filter: "info".to_owned(),
    };
    let output = Output::File(path.clone());
    let nowhere = TracesSettings::nowhere();
    let process = Process::of("postern-test", "0");
    let telemetry = telemetry::start(&settings, &nowhere, &process, &output).unwrap();
    let again = telemetry::start(&settings, &nowhere, &process, &Output::Stderr);
    assert!(again.is_err());
    tracing::info!("a line");
    let panicked = std::panic::catch_unwind(|| panic!("in the file, too"));
    assert!(panicked.is_err());
    telemetry.finish().await;
    let text = std::fs::read_to_string(&path).unwrap();
    let messages: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for expected in ["a line", "panic"] {
        assert!(
            messages.iter().any(|line| line["message"] == expected),
            "{text}"
        );
    }
    assert!(text.contains("in the file, too"));
}

fn signal(which: &str) {
    // The shell's own `kill`: not every machine has it as a program.
    let line = format!("kill {which} {}", std::process::id());
    let sent = Command::new("sh").args(["-c", &line]).status();
    assert!(sent.unwrap().success());
}
