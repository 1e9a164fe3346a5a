//! The path from the leaf to an authority: webpki's search, with the rules that webpki lacks asked of every path it finds.
//!
//! **Invariant:** a path is accepted only if webpki verified it and [`flaw_of`] found nothing against it; the search costs
//! at most webpki's budget over certificates that can lie on a path at all.

use std::cell::RefCell;
use std::time::Duration;

use domain::reason::Reason;
use domain::timestamp::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, VerifiedPath};

use super::presented::Presented;
use super::report::{Failure, Report};
use super::{Purpose, candidates, diagnosis, intermediate_words};
use crate::authorities::{Anchor, Authorities, flaws, outside};
use crate::certificate::Certificate;
use crate::purposes;
use crate::signature;

/// One judgement's givens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) authorities: &'q Authorities,
    pub(super) presented: &'q Presented<'q>,
    pub(super) at: Timestamp,
    pub(super) purpose: Purpose,
}

/// A path that was verified: what lies between leaf and authority, the leaf's issuer first.
#[derive(Debug)]
pub(super) struct Path<'q> {
    pub(super) intermediates: Vec<&'q Certificate<'q>>,
    pub(super) anchor: &'q Anchor,
}

/// Finds a path, and says in the report what it rests on or why there is none.
pub(super) fn find<'q>(question: &Question<'q>, report: &mut Report) -> Option<Path<'q>> {
    if question.authorities.is_empty() {
        report.failed(
            "issuer",
            "",
            Reason::UnknownIssuer,
            "this connection accepts no authority at all",
        );
        return None;
    }
    match search(question) {
        Ok(path) => {
            describe(question, &path, report);
            Some(path)
        }
        Err(failure) => {
            report.failure(&failure);
            None
        }
    }
}

fn search<'q>(question: &Question<'q>) -> Result<Path<'q>, Failure> {
    let candidates = candidates::of(question);
    let intermediates: Vec<CertificateDer<'_>> = candidates
        .iter()
        .map(|certificate| CertificateDer::from(certificate.der))
        .collect();
    let leaf = CertificateDer::from(question.presented.leaf.der);
    // A refused path may be followed by a better one; if none is, the first refusal is the most telling.
    let refused: RefCell<Option<Failure>> = RefCell::new(None);
    let found: RefCell<Option<Path<'q>>> = RefCell::new(None);
    let verify = |verified: &VerifiedPath<'_>| {
        let outcome = path_of(verified, &candidates, question.authorities)
            .ok_or_else(unexpected)
            .and_then(|path| match flaw_of(&path, question) {
                Some(failure) => Err(failure),
                None => Ok(path),
            });
        match outcome {
            Ok(path) => {
                found.replace(Some(path));
                Ok(())
            }
            Err(failure) => {
                refused.borrow_mut().get_or_insert(failure);
                Err(webpki::Error::CertDistrusted)
            }
        }
    };
    let outcome = EndEntityCert::try_from(&leaf).and_then(|leaf| {
        leaf.verify_for_usage(
            signature::ACCEPTED,
            question.authorities.trusted(),
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(question.at.0)),
            question.purpose,
            None,
            Some(&verify),
        )
        .map(|_| ())
    });
    match (outcome, found.into_inner(), refused.into_inner()) {
        (Ok(()), Some(path), _) => Ok(path),
        (Err(_), _, Some(failure)) => Err(failure),
        (Err(error), _, None) => Err(diagnosis::of(question, &error)),
        (Ok(()), None, _) => Err(unexpected()),
    }
}

/// Our own view of a path that webpki found.
fn path_of<'q>(
    verified: &VerifiedPath<'_>,
    candidates: &[&'q Certificate<'q>],
    authorities: &'q Authorities,
) -> Option<Path<'q>> {
    let intermediates = verified
        .intermediate_certificates()
        .map(|found| {
            let der = found.der();
            candidates
                .iter()
                .copied()
                .find(|candidate| candidate.der == der.as_ref())
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Path {
        intermediates,
        anchor: authorities.behind(verified.anchor())?,
    })
}

/// What is wrong with a path that webpki verified.
fn flaw_of(path: &Path<'_>, question: &Question<'_>) -> Option<Failure> {
    let intermediate = path
        .intermediates
        .iter()
        .find_map(|certificate| flaw_of_intermediate(certificate, question.at));
    intermediate.or_else(|| flaw_of_anchor(path, question))
}

/// What is wrong with an intermediate, apart from who signed it.
pub(super) fn flaw_of_intermediate(
    certificate: &Certificate<'_>,
    at: Timestamp,
) -> Option<Failure> {
    let words = intermediate_words(certificate.subject);
    if let Some((reason, detail)) = outside(certificate.validity, at.into()) {
        return Some(Failure::new("validity", words, reason, detail));
    }
    flaws(certificate)
        .into_iter()
        .next()
        .map(|flaw| Failure::new(flaw.check, words, flaw.reason, flaw.detail))
}

fn flaw_of_anchor(path: &Path<'_>, question: &Question<'_>) -> Option<Failure> {
    let anchor = path.anchor;
    if let Some((reason, detail)) = outside(anchor.validity, question.at.into()) {
        return Some(Failure::new("validity", &anchor.words, reason, detail));
    }
    // Webpki reads no extended key usage of an authority that is trusted by its key.
    let restriction = question
        .purpose
        .required
        .and_then(|required| purposes::flaw(anchor.purposes.as_deref(), required));
    if let Some(flaw) = anchor.flaws.first().cloned().or(restriction) {
        return Some(Failure::new(
            flaw.check,
            &anchor.words,
            flaw.reason,
            flaw.detail,
        ));
    }
    let below = path
        .intermediates
        .iter()
        .filter(|certificate| !certificate.is_self_issued())
        .count();
    match anchor.path_length {
        Some(most) if usize::try_from(most).is_ok_and(|most| below > most) => Some(Failure::new(
            "path_length",
            &anchor.words,
            Reason::BadChain,
            format!("{below} intermediates follow it; it allows {most}"),
        )),
        _ => None,
    }
}

/// Says what a good path rests on.
fn describe(question: &Question<'_>, path: &Path<'_>, report: &mut Report) {
    let leaf = question.presented.leaf_words.as_str();
    let above: Vec<String> = path
        .intermediates
        .iter()
        .map(|certificate| intermediate_words(certificate.subject))
        .chain([path.anchor.words.clone()])
        .collect();
    let children = std::iter::once(leaf).chain(above.iter().map(String::as_str));
    for (child, issuer) in children.zip(&above) {
        report.passed("signature", child, format!("signed by {issuer}"));
    }
    for (certificate, words) in path.intermediates.iter().zip(&above) {
        let end = certificate.validity.not_after.words();
        report.passed("validity", words, format!("valid until {end}"));
        report.passed("authority", words, "CA:TRUE, and may sign certificates");
    }
    let anchor = path.anchor;
    let end = anchor.validity.not_after.words();
    report.passed("validity", &anchor.words, format!("valid until {end}"));
    report.passed(
        "authority",
        &anchor.words,
        "CA:TRUE, and may sign certificates",
    );
    report.passed(
        "issuer",
        &anchor.words,
        format!(
            "accepted by this connection; its key has the SHA-256 {}",
            anchor.key
        ),
    );
    report.passed("path_length", "", "within every limit on the path");
    report.passed("name_constraints", "", "none is violated");
    report.not_applicable("revocation", "", "no revocation list is consulted");
}

fn unexpected() -> Failure {
    Failure::new(
        "path",
        "",
        Reason::BadChain,
        "the path found is not one of the certificates sent",
    )
}

/// The extended key usage of leaf and intermediates: where one is there, it must name the purpose. The leaf's was asked
/// more strictly before, the authority's is asked by [`flaw_of_anchor`].
impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        match self.required {
            Some(required) => KeyUsage::required_if_present(required).validate(purposes),
            None => purposes
                .into_iter()
                .try_for_each(|purpose| purpose.map(|_| ())),
        }
    }
}
