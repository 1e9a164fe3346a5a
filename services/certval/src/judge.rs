//! The judgement: is this chain good for signing in, and whom does it name?
//!
//! Webpki finds and verifies the path; what it does not look at is asked here: before it, of every path it finds, and
//! after it. Every question leaves a [`domain::check::Check`] behind; the first that fails is the verdict.
//!
//! Each step is a span; what it says are counts, and how it ended.
//!
//! **Invariant:** a pure function of its arguments. It reads no clock, sends nothing, and follows no address that a
//! certificate names. No span says what is in a certificate.

mod candidates;
mod diagnosis;
mod leaf;
mod path;
mod presented;
mod report;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

use domain::certificate::{CertificateIdentity, IdentityRule, PresentedChain, VerifiedCertificate};
use domain::outcome::{Refusal, Verdict};
use domain::reason::Reason;
use domain::timestamp::Timestamp;
use postern_proto::certval::Judgement;
use tracing::field::Empty;
use tracing::info_span;

use crate::authorities::Authorities;
use crate::identity;
use crate::judge::path::{Path, Question};
use crate::judge::presented::Presented;
use crate::judge::report::Report;
use crate::name;
use crate::oid;

/// Judges `chain` by `authorities`, the accepted ones of one connection in configuration `revision`, as of `at`.
#[must_use]
pub fn judge(
    authorities: &Authorities,
    chain: &PresentedChain,
    at: Timestamp,
    revision: u64,
) -> Judgement {
    let mut report = Report::default();
    let accepted = accepted(authorities, chain, at, revision, &mut report);
    let (checks, refusal) = report.finish();
    let verdict = match (accepted, refusal) {
        (Some(certificate), None) => Verdict::Accepted(certificate),
        (_, Some(refusal)) => Verdict::Refused(refusal),
        // Not reachable: whatever gives no certificate says why. If it ever did not, it would be no yes.
        (None, None) => Verdict::refused(Reason::BadChain),
    };
    Judgement {
        verdict,
        checks,
        revision,
    }
}

fn accepted(
    authorities: &Authorities,
    chain: &PresentedChain,
    at: Timestamp,
    revision: u64,
    report: &mut Report,
) -> Option<VerifiedCertificate> {
    let reading = info_span!(
        "parse chain",
        certificates = 1 + chain.intermediates().count(),
        revision,
        outcome = Empty,
        code = Empty,
    );
    let presented = report.step(&reading, |report| Presented::read(chain, report))?;
    let question = Question {
        authorities,
        presented: &presented,
        at,
        purpose: Purpose::CLIENT,
    };
    let path = certified(&question, report);
    // Asked also when the path is refused: an explanation should show everything at once.
    let naming = info_span!("read identity", outcome = Empty, code = Empty);
    let identity = report.step(&naming, |report| named(&presented, report))?;
    Some(VerifiedCertificate::assertion(
        identity,
        chain.fingerprint(),
        path?.anchor.key,
        revision,
    ))
}

/// What a certificate is judged for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose {
    /// The purpose that the extended key usage must name; `None` asks nothing (in conformance suites only).
    required: Option<&'static [u8]>,
    /// Whether the leaf must name it; otherwise it may have no extended key usage at all.
    present: bool,
    /// Whether the leaf may be an authority itself.
    authority_as_leaf: bool,
}

impl Purpose {
    /// Signing in: clientAuth, said explicitly.
    const CLIENT: Self = Self {
        required: Some(oid::CLIENT_AUTHENTICATION),
        present: true,
        authority_as_leaf: false,
    };
}

/// The path from the leaf to an authority, if leaf and path are good.
fn certified<'q>(question: &Question<'q>, report: &mut Report) -> Option<Path<'q>> {
    let checking = info_span!("check leaf", outcome = Empty, code = Empty);
    if report.step(&checking, |report| leaf::is_good(question, report)) {
        let finding = info_span!(
            "find path",
            intermediates = question.presented.above.len(),
            authorities = question.authorities.len(),
            outcome = Empty,
            code = Empty,
        );
        report.step(&finding, |report| path::find(question, report))
    } else {
        report.not_applicable(
            "path",
            "",
            "no path was looked for: the certificate itself is refused",
        );
        None
    }
}

/// Whom the leaf names.
fn named(presented: &Presented<'_>, report: &mut Report) -> Option<CertificateIdentity> {
    let leaf = &presented.leaf;
    let account = match identity::common_name(leaf.subject) {
        Ok(account) => {
            report.passed(
                "common_name",
                &presented.leaf_words,
                format!("names {account}"),
            );
            Some(account)
        }
        Err(refusal) => {
            report.refused("common_name", &presented.leaf_words, &refusal);
            None
        }
    };
    let sid = match identity::security_identifier(&leaf.extensions) {
        Ok(Some(sid)) => {
            report.passed(
                "security_identifier",
                &presented.leaf_words,
                format!("holds {sid}; the account must have it, too"),
            );
            Some(sid)
        }
        Ok(None) => {
            report.not_applicable(
                "security_identifier",
                &presented.leaf_words,
                "it holds none",
            );
            None
        }
        Err(refusal) => {
            report.refused("security_identifier", &presented.leaf_words, &refusal);
            return None;
        }
    };
    Some(CertificateIdentity {
        rule: IdentityRule::CommonName,
        account: account?,
        sid,
    })
}

/// What a whole chain that cannot be taken at all is answered with.
#[must_use]
pub fn not_taken(reason: Reason, revision: u64) -> Judgement {
    let mut report = Report::default();
    let refusal = Refusal::because(reason, reason.explanation().help_desk);
    let reading = info_span!("parse chain", revision, outcome = Empty, code = Empty);
    report.step(&reading, |report| report.refused("chain", "", &refusal));
    let (checks, refusal) = report.finish();
    Judgement {
        verdict: Verdict::Refused(refusal.unwrap_or_else(|| reason.into())),
        checks,
        revision,
    }
}

/// The leaf in words.
fn leaf_words(subject: &[u8]) -> String {
    format!("leaf {}", name::words(subject))
}

/// An intermediate in words.
fn intermediate_words(subject: &[u8]) -> String {
    format!("intermediate {}", name::words(subject))
}
