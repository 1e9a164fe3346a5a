//! Which of the certificates sent can lie on a path at all.
//!
//! **Invariant:** only names and key identifiers are compared here; leaving a certificate out can refuse a chain, never
//! accept one.

use super::path::Question;
use crate::certificate::Certificate;

/// The certificates sent that can lie on a path: reachable from the leaf and leading to an authority, by names and key
/// identifiers. Without this a stranger orders thousands of signature checks with eight certificates of one name.
pub(super) fn of<'q>(question: &Question<'q>) -> Vec<&'q Certificate<'q>> {
    let presented = question.presented;
    let anchors = question.authorities.anchors();
    let mut useful: Vec<&Certificate<'_>> = Vec::new();
    for certificate in &presented.above {
        let is_anchor = anchors.iter().any(|anchor| {
            anchor.subject == certificate.subject && anchor.key_info == certificate.key_info
        });
        let is_known = certificate.der == presented.leaf.der
            || useful.iter().any(|known| known.der == certificate.der);
        if !is_anchor && !is_known {
            useful.push(certificate);
        }
    }
    let up = spread(&useful, |certificate, reached| {
        may_have_issued(certificate, &presented.leaf)
            || reached
                .iter()
                .any(|child| may_have_issued(certificate, child))
    });
    spread(&up, |certificate, reached| {
        anchors
            .iter()
            .any(|anchor| anchor.subject == certificate.issuer)
            || reached
                .iter()
                .any(|issuer| may_have_issued(issuer, certificate))
    })
}

/// The members of `all`, in their order, that `joins` lets in, given those already in, until nothing changes.
fn spread<'q>(
    all: &[&'q Certificate<'q>],
    joins: impl Fn(&Certificate<'q>, &[&Certificate<'q>]) -> bool,
) -> Vec<&'q Certificate<'q>> {
    let mut reached: Vec<&Certificate<'_>> = Vec::new();
    loop {
        let before = reached.len();
        for certificate in all {
            let is_in = reached.iter().any(|known| known.der == certificate.der);
            if !is_in && joins(certificate, &reached) {
                reached.push(certificate);
            }
        }
        if reached.len() == before {
            break;
        }
    }
    all.iter()
        .filter(|certificate| reached.iter().any(|known| known.der == certificate.der))
        .copied()
        .collect()
}

/// Whether names and, where both are there, key identifiers allow that `issuer` issued `certificate`.
fn may_have_issued(issuer: &Certificate<'_>, certificate: &Certificate<'_>) -> bool {
    let keys = (
        issuer.extensions.subject_key,
        certificate.extensions.authority_key,
    );
    issuer.subject == certificate.issuer
        && match keys {
            (Some(subject), Some(authority)) => subject == authority,
            _ => true,
        }
}
