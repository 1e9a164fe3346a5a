//! PKITS: every section that can be judged without revocation lists.

use std::path::Path;
use std::process::Command;

use domain::timestamp::Timestamp;
use serde::Deserialize;

use super::super::Purpose;
use super::{Score, skipped, suite, verdict};

/// 2011-04-15 00:00:00 UTC.
const AT: Timestamp = Timestamp(1_302_825_600);

const AUTHORITY_AS_LEAF: &str = "an authority does not sign in";
const BEFORE_1970: &str = "webpki reads no dates before 1970";
const CRITICAL_POLICIES: &str = "critical policy extensions are not supported, and refused";
const DSA: &str = "DSA is not accepted";
const NAME_COMPARISON: &str = "names are compared byte for byte, without folding case or spaces";
const NAME_CONSTRAINTS: &str =
    "constraints on directory names, addresses of mail and URIs are not supported, and refused";
const POLICIES: &str = "certificate policies are not evaluated; a critical one is refused";
const REVOCATION: &str = "only a revocation list shows it, and those are not consulted here";
const SELF_ISSUED: &str = "webpki does not follow an authority's certificate for its own next key, or counts it into the path length";
const UNIQUE_IDENTIFIERS: &str = "unique identifiers are forbidden since RFC 5280 section 4.1.2.8";

/// Accepted here, though the suite demands a refusal.
const ACCEPTED: &[(&str, &str)] = &[
    ("4.5.2", REVOCATION),
    ("4.5.5", REVOCATION),
    ("4.5.7", REVOCATION),
    ("4.7.4", REVOCATION),
    ("4.7.5", REVOCATION),
    ("4.8.1 explicit NIST-test-policy-2", POLICIES),
    ("4.8.12", POLICIES),
    ("4.8.14 NIST-test-policy-2", POLICIES),
    ("4.8.2 explicit", POLICIES),
    ("4.8.3 explicit", POLICIES),
    (
        "4.8.3 explicit NIST-test-policy-1,NIST-test-policy-2",
        POLICIES,
    ),
    ("4.8.4", POLICIES),
    ("4.8.5", POLICIES),
    ("4.8.9", POLICIES),
];

/// Refused here, though the suite demands acceptance.
const REFUSED: &[(&str, &str)] = &[
    ("4.1.4", DSA),
    ("4.1.5", DSA),
    ("4.10.1.1 NIST-test-policy-1", CRITICAL_POLICIES),
    ("4.10.11", CRITICAL_POLICIES),
    ("4.10.12 NIST-test-policy-1", CRITICAL_POLICIES),
    ("4.10.12 NIST-test-policy-2", CRITICAL_POLICIES),
    ("4.10.13", CRITICAL_POLICIES),
    (
        "4.10.13 NIST-test-policy-1,NIST-test-policy-2",
        CRITICAL_POLICIES,
    ),
    ("4.10.14", CRITICAL_POLICIES),
    ("4.10.3 NIST-test-policy-2", CRITICAL_POLICIES),
    ("4.10.5 NIST-test-policy-1", CRITICAL_POLICIES),
    ("4.10.6 NIST-test-policy-1", CRITICAL_POLICIES),
    ("4.10.9", CRITICAL_POLICIES),
    ("4.11.2", CRITICAL_POLICIES),
    ("4.11.4", CRITICAL_POLICIES),
    ("4.11.7", CRITICAL_POLICIES),
    ("4.12.2", CRITICAL_POLICIES),
    ("4.12.3", CRITICAL_POLICIES),
    ("4.12.7", CRITICAL_POLICIES),
    ("4.12.9", CRITICAL_POLICIES),
    ("4.13.1", NAME_CONSTRAINTS),
    ("4.13.11", NAME_CONSTRAINTS),
    ("4.13.14", NAME_CONSTRAINTS),
    ("4.13.18", NAME_CONSTRAINTS),
    ("4.13.19", SELF_ISSUED),
    ("4.13.21", NAME_CONSTRAINTS),
    ("4.13.23", NAME_CONSTRAINTS),
    ("4.13.25", NAME_CONSTRAINTS),
    ("4.13.27", NAME_CONSTRAINTS),
    ("4.13.34", NAME_CONSTRAINTS),
    ("4.13.36", NAME_CONSTRAINTS),
    ("4.13.4", NAME_CONSTRAINTS),
    ("4.13.5", NAME_CONSTRAINTS),
    ("4.13.6", NAME_CONSTRAINTS),
    ("4.2.3", BEFORE_1970),
    ("4.3.11", NAME_COMPARISON),
    ("4.3.3", NAME_COMPARISON),
    ("4.3.4", NAME_COMPARISON),
    ("4.3.5", NAME_COMPARISON),
    ("4.3.6", UNIQUE_IDENTIFIERS),
    ("4.6.14", AUTHORITY_AS_LEAF),
    ("4.6.15", SELF_ISSUED),
    ("4.6.17", SELF_ISSUED),
    ("4.6.8", AUTHORITY_AS_LEAF),
    ("4.8.6", AUTHORITY_AS_LEAF),
    ("4.8.6 NIST-test-policy-1", AUTHORITY_AS_LEAF),
    ("4.9.1", CRITICAL_POLICIES),
    ("4.9.2", CRITICAL_POLICIES),
    ("4.9.4", CRITICAL_POLICIES),
    ("4.9.6", CRITICAL_POLICIES),
];

/// Sections about revocation lists alone.
const ABOUT_REVOCATION: &[&str] = &["4.4.", "4.14.", "4.15."];

#[derive(Deserialize)]
struct Case {
    number: String,
    /// Trust anchor first, end entity last.
    certs: Vec<String>,
    should_validate: bool,
    explicit: bool,
    inhibit_map: bool,
    inhibit_any: bool,
    initial_policy_set: Option<String>,
}

impl Case {
    /// Some tests run several times with other policy inputs; those that no policy input changes have none.
    fn id(&self) -> String {
        let mut id = self.number.clone();
        let inputs = [
            (self.explicit, " explicit"),
            (self.inhibit_map, " inhibit-map"),
            (self.inhibit_any, " inhibit-any"),
        ];
        for (_, words) in inputs.iter().filter(|(set, _)| *set) {
            id.push_str(words);
        }
        if let Some(policies) = &self.initial_policy_set {
            id.push(' ');
            id.push_str(policies);
        }
        id
    }

    fn judged(&self, folder: &Path) -> Result<(), String> {
        let read =
            |name: &String| std::fs::read(folder.join(format!("pkits/certs/{name}.crt"))).unwrap();
        let anchor: Vec<_> = self.certs.first().map(read).into_iter().collect();
        let chain: Vec<_> = self.certs.iter().skip(1).rev().map(read).collect();
        let purpose = Purpose {
            required: None,
            present: false,
            authority_as_leaf: true,
        };
        verdict(&anchor, &chain, AT, purpose)
    }
}

#[test]
fn pkits() {
    let Some(archive) = suite("pkits.tar.xz") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("tar")
        .arg("-xJf")
        .arg(&archive)
        .arg("-C")
        .arg(folder.path())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        skipped(&format!("tar cannot open {}", archive.display()));
        return;
    }
    let cases = std::fs::read(folder.path().join("pkits.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&cases).unwrap();
    let mut score = Score::default();
    let mut left_out = 0;
    for case in &cases {
        if ABOUT_REVOCATION
            .iter()
            .any(|section| case.number.starts_with(section))
        {
            left_out += 1;
            continue;
        }
        score.note(&case.id(), case.should_validate, case.judged(folder.path()));
    }
    println!("PKITS: {left_out} cases about revocation lists (sections 4.4, 4.14, 4.15) left out");
    score.settle("PKITS", ACCEPTED, REFUSED);
}
