//! A proof is made where it is proved, and nowhere else.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file of the product, with its path from the top, tests left out.
fn sources() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![top.join("services"), top.join("proto")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let shown = path.strip_prefix(&top).unwrap().display().to_string();
                if !shown.contains("/tests")
                    && !shown.contains("testing")
                    && !shown.contains("workshop")
                {
                    found.push((shown, fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    found
}

fn makers(proof: &str) -> Vec<String> {
    let mut makers: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains(proof))
        .map(|(path, _)| path)
        .collect();
    makers.sort();
    makers
}

#[test]
fn only_the_judgement_and_the_wire_say_that_a_certificate_is_verified() {
    assert_eq!(
        makers("VerifiedCertificate::assertion("),
        ["proto/src/certval.rs", "services/certval/src/judge.rs"]
    );
}

#[test]
fn only_the_directory_and_the_wire_say_that_somebody_is_a_person() {
    assert_eq!(
        makers("Person::assertion("),
        [
            "proto/src/directory.rs",
            "services/directory/src/candidate.rs"
        ]
    );
}
