//! The public suites for path validation, x509-limbo and NIST's PKITS, run against the judgement of leaf and path.
//!
//! The suites are not part of this repository. They are looked for in the folder that `POSTERN_CERTIFICATE_SUITES` names,
//! or else in `../shared/testdata` beside the workspace; where they are not, the tests say so, in words that the test
//! command counts as skipped, and judge nothing.
//!
//! **Invariant:** every case that is judged otherwise than the suite demands stands in a list here with its reason, and a
//! case that no longer belongs in its list fails the test, too.

mod limbo;
mod pkits;
mod second_reader;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use domain::certificate::PresentedChain;
use domain::timestamp::Timestamp;

use super::path::Question;
use super::presented::Presented;
use super::report::Report;
use super::{Purpose, certified};
use crate::authorities::Authorities;
use crate::certificate::Certificate;
use crate::workshop::configured;

/// Where a file of a suite is, if it is anywhere.
fn suite(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("POSTERN_CERTIFICATE_SUITES").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../../shared/testdata"
            ))
        },
        PathBuf::from,
    );
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!(
        "{} is not there (set POSTERN_CERTIFICATE_SUITES to its folder)",
        path.display()
    ));
    None
}

/// Says that tests were left out, past the test harness, which would keep it to itself: one line of its own, as the test
/// command counts them.
fn skipped(what: &str) {
    let line = format!("\nskipped: {what}\n");
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Whether leaf and path are good; else why not.
fn verdict(
    anchors: &[Vec<u8>],
    chain: &[Vec<u8>],
    at: Timestamp,
    purpose: Purpose,
) -> Result<(), String> {
    let authorities = anchors
        .iter()
        .map(|der| {
            let certificate =
                Certificate::read(der).map_err(|error| format!("unusable authority: {error}"))?;
            Ok(configured(der, certificate.key_info))
        })
        .collect::<Result<Vec<_>, String>>()?;
    let authorities = Authorities::prepare(&authorities).map_err(|error| error.to_string())?;
    let chain = chain.iter().map(|der| der.clone().into()).collect();
    let chain = PresentedChain::new(chain).map_err(|reason| reason.to_string())?;
    let mut report = Report::default();
    let found = Presented::read(&chain, &mut report).and_then(|presented| {
        let question = Question {
            authorities: &authorities,
            presented: &presented,
            at,
            purpose,
        };
        certified(&question, &mut report).map(|_| ())
    });
    let (_, refusal) = report.finish();
    match (found, refusal) {
        (Some(()), None) => Ok(()),
        (_, Some(refusal)) => Err(format!("{}: {}", refusal.reason, refusal.detail)),
        (None, None) => Err("refused without a reason".to_owned()),
    }
}

/// How a suite went.
#[derive(Default)]
struct Score {
    passed: usize,
    accepted: BTreeMap<String, String>,
    refused: BTreeMap<String, String>,
}

impl Score {
    fn note(&mut self, id: &str, expected: bool, verdict: Result<(), String>) {
        match (expected, verdict) {
            (true, Ok(())) | (false, Err(_)) => self.passed += 1,
            (false, Ok(())) => {
                self.accepted.insert(id.to_owned(), String::new());
            }
            (true, Err(why)) => {
                self.refused.insert(id.to_owned(), why);
            }
        }
    }

    /// Prints the score and compares what was judged otherwise with the lists of what is known.
    fn settle(&self, suite: &str, accepted: &[(&str, &str)], refused: &[(&str, &str)]) {
        println!(
            "{suite}: {} as demanded, {} accepted that should be refused, {} refused that should be accepted",
            self.passed,
            self.accepted.len(),
            self.refused.len()
        );
        let wrong: Vec<String> = differences("accepted", &self.accepted, accepted)
            .chain(differences("refused", &self.refused, refused))
            .collect();
        assert!(wrong.is_empty(), "{suite}:\n{}", wrong.join("\n"));
    }
}

fn differences<'a>(
    kind: &'a str,
    found: &'a BTreeMap<String, String>,
    known: &'a [(&'a str, &'a str)],
) -> impl Iterator<Item = String> + 'a {
    let new = found
        .iter()
        .filter(|(id, _)| !known.iter().any(|(known, _)| known == id))
        .map(move |(id, why)| format!("wrongly {kind}, and not listed: {id} {why}"));
    let gone = known
        .iter()
        .filter(|(id, _)| !found.contains_key(*id))
        .map(move |(id, _)| format!("listed as wrongly {kind}, but is not: {id}"));
    new.chain(gone)
}
