//! Why no path was found: the walk from the leaf upwards again, this time for people.
//!
//! **Invariant:** nothing here accepts anything; it only chooses the words and the code of a refusal that already stands.

use domain::reason::Reason;
use webpki::Error;

use super::leaf::outdated;
use super::path::{Question, flaw_of_intermediate};
use super::report::Failure;
use super::{intermediate_words, leaf_words};
use crate::certificate::Certificate;
use crate::name;
use crate::purposes;
use crate::signature::{self, Standing};

/// The refusal that explains webpki's `error` best.
pub(super) fn of(question: &Question<'_>, error: &Error) -> Failure {
    let mut child = &question.presented.leaf;
    let mut seen: Vec<&[u8]> = vec![child.der];
    loop {
        match issuer_of(question, child, &seen) {
            Issuer::Anchor => return by_error(error),
            Issuer::Sent(issuer) => {
                if let Some(failure) = flaw(question, issuer) {
                    return failure;
                }
                seen.push(issuer.der);
                child = issuer;
            }
            Issuer::Unfit(failure) => return failure,
            Issuer::Nobody(reason, detail) => {
                let words = if child.der == question.presented.leaf.der {
                    leaf_words(child.subject)
                } else {
                    intermediate_words(child.subject)
                };
                let check = match reason {
                    Reason::UnknownIssuer => "issuer",
                    _ => "signature",
                };
                return Failure::new(check, words, reason, detail);
            }
        }
    }
}

/// Who issued a certificate.
enum Issuer<'q> {
    /// One of the accepted authorities.
    Anchor,
    /// Another certificate that was sent.
    Sent(&'q Certificate<'q>),
    /// Somebody of the right name whose key is of no use.
    Unfit(Failure),
    /// Nobody who is known; why, and in words.
    Nobody(Reason, String),
}

fn issuer_of<'q>(question: &Question<'q>, child: &Certificate<'q>, seen: &[&[u8]]) -> Issuer<'q> {
    let name = name::words(child.issuer);
    let mut anchors = question
        .authorities
        .anchors()
        .iter()
        .filter(|anchor| anchor.subject == child.issuer)
        .peekable();
    let sent = || {
        question
            .presented
            .above
            .iter()
            .filter(|issuer| issuer.subject == child.issuer && !seen.contains(&issuer.der))
    };
    let is_named_by_anchor = anchors.peek().is_some();
    if anchors.any(|anchor| signature::is_by(child, &anchor.key_info)) {
        return Issuer::Anchor;
    }
    if let Some(issuer) = sent().find(|issuer| signature::is_by(child, issuer.key_info)) {
        return Issuer::Sent(issuer);
    }
    // A weak key verifies nothing, so whether it is the right one is not known; that it is weak is what can be mended.
    if let Some(failure) = weak_anchor(question, child).or_else(|| sent().find_map(weak_issuer)) {
        return Issuer::Unfit(failure);
    }
    if is_named_by_anchor {
        return Issuer::Nobody(
            Reason::UnknownIssuer,
            format!(
                "issued by {name}: an authority of the same name is accepted here, but it has another key"
            ),
        );
    }
    if sent().next().is_some() {
        return Issuer::Nobody(
            Reason::BadChain,
            format!("its signature was not made by the key of {name} that was sent with it"),
        );
    }
    Issuer::Nobody(
        Reason::UnknownIssuer,
        format!("issued by {name}, which is neither accepted here nor sent with it"),
    )
}

fn weak_anchor(question: &Question<'_>, child: &Certificate<'_>) -> Option<Failure> {
    let anchors = question.authorities.anchors().iter();
    anchors
        .filter(|anchor| anchor.subject == child.issuer)
        .find_map(|anchor| {
            let flaw = anchor.flaws.iter().find(|flaw| flaw.check == "key")?;
            let detail = flaw.detail.clone();
            Some(Failure::new(flaw.check, &anchor.words, flaw.reason, detail))
        })
}

fn weak_issuer(issuer: &Certificate<'_>) -> Option<Failure> {
    let weakness = issuer.public_key.weakness()?;
    let words = intermediate_words(issuer.subject);
    Some(Failure::new("key", words, Reason::WeakKey, weakness))
}

/// What is wrong with an intermediate on the way up, its own signature included.
fn flaw(question: &Question<'_>, issuer: &Certificate<'_>) -> Option<Failure> {
    let words = intermediate_words(issuer.subject);
    let algorithm = signature::words(issuer.signature_algorithm);
    match signature::standing(issuer.signature_algorithm) {
        Standing::Accepted => {}
        Standing::Outdated => {
            return Some(Failure::new(
                "signature_algorithm",
                words,
                Reason::Sha1Signature,
                outdated(&algorithm),
            ));
        }
        Standing::NotAccepted => {
            return Some(Failure::new(
                "signature_algorithm",
                words,
                Reason::BadChain,
                format!("signed by {algorithm}, which is not accepted"),
            ));
        }
    }
    if let Some(failure) = flaw_of_intermediate(issuer, question.at) {
        return Some(failure);
    }
    let purposes = issuer.extensions.purposes.as_deref();
    let flaw = purposes::flaw(purposes, question.purpose.required?)?;
    Some(Failure::new(flaw.check, words, flaw.reason, flaw.detail))
}

/// What an error of webpki means when every signature on the way up is right.
fn by_error(error: &Error) -> Failure {
    let (check, reason, detail) = match error {
        Error::PathLenConstraintViolated => (
            "path_length",
            Reason::BadChain,
            "an intermediate has more authorities below it than it allows",
        ),
        Error::NameConstraintViolation | Error::UnsupportedNameType => (
            "name_constraints",
            Reason::BadChain,
            "a name is outside what an authority on the path may issue for, or of a kind of constraint that is not supported",
        ),
        Error::MaximumPathDepthExceeded => (
            "path_length",
            Reason::BadChain,
            "there are more than 6 intermediates between leaf and authority",
        ),
        Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => (
            "path",
            Reason::BadChain,
            "there are too many ways to put the certificates together",
        ),
        _ => {
            return Failure::new(
                "path",
                "",
                Reason::BadChain,
                format!("no path to an accepted authority holds ({error:?})"),
            );
        }
    };
    Failure::new(check, "", reason, detail)
}
