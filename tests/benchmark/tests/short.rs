//! Everything that the benchmark is to measure can be measured. No figure is judged: a machine that runs tests is busy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Every figure of a run.
const KEYS: [&str; 30] = [
    "nginx-p256",
    "gateway-p256",
    "gateway-p256-post-quantum",
    "nginx-p256-answer",
    "gateway-p256-answer",
    "nginx-rsa2048",
    "gateway-rsa2048",
    "sign-in-all-in-one-file",
    "sign-in-processes-file",
    "sign-in-processes-file-traced",
    "sign-in-processes-active-directory",
    "again-processes-file",
    "sign-in-all-in-one-file-p50",
    "sign-in-all-in-one-file-p99",
    "sign-in-processes-file-p50",
    "sign-in-processes-file-p99",
    "sign-in-processes-file-traced-p50",
    "sign-in-processes-file-traced-p99",
    "sign-in-processes-active-directory-p50",
    "sign-in-processes-active-directory-p99",
    "idle-gateway",
    "idle-certval",
    "idle-directory",
    "idle-control",
    "idle-all-in-one",
    "waiting",
    "ready-gateway",
    "ready-certval",
    "ready-directory",
    "ready-control",
];

/// Those that are compared with nginx.
const COMPARED: [&str; 9] = [
    "gateway-p256",
    "gateway-p256-post-quantum",
    "gateway-p256-answer",
    "gateway-rsa2048",
    "sign-in-all-in-one-file",
    "sign-in-processes-file",
    "sign-in-processes-file-traced",
    "sign-in-processes-active-directory",
    "again-processes-file",
];

fn postern() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_benchmark")).with_file_name("postern");
    assert!(
        beside.is_file(),
        "postern is not built: cargo build -p postern"
    );
    beside
}

#[test]
fn a_quick_run_measures_everything() {
    let output = Command::new(env!("CARGO_BIN_EXE_benchmark"))
        .args(["--short", "--json", "--postern"])
        .arg(postern())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["missing"], Value::Array(Vec::new()), "{said}");
    let rows = report["rows"].as_array().unwrap();
    let rows: BTreeMap<&str, &Value> = rows
        .iter()
        .map(|row| (row["key"].as_str().unwrap(), row))
        .collect();
    for key in KEYS {
        let row = rows.get(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert!(row["figure"]["median"].is_f64(), "{key}: {row}");
        let compared = COMPARED.contains(&key);
        assert_eq!(row["times_nginx"].is_object(), compared, "{key}: {row}");
    }
    assert_eq!(rows.len(), KEYS.len(), "{:?}", rows.keys());
    for key in [
        "idle-gateway",
        "ready-gateway",
        "sign-in-processes-file-p50",
    ] {
        let median = rows[key]["figure"]["median"].as_f64();
        assert!(median.is_some_and(|value| value > 0.0), "{key}");
    }
}

#[test]
fn figures_of_a_quick_run_do_not_get_into_the_documentation() {
    let output = Command::new(env!("CARGO_BIN_EXE_benchmark"))
        .args(["--short", "--write-docs"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--short"), "{said}");
}
