//! What is asked of the leaf itself, whoever issued it.
//!
//! **Invariant:** every question is asked, also after one has failed, so that an explanation shows all of it.

use domain::reason::Reason;

use super::path::Question;
use super::report::Report;
use crate::authorities::{not_understood, outside};
use crate::oid;
use crate::purposes::lacks;
use crate::signature::{self, Standing};

/// Whether the leaf can be accepted if a path to an authority is found.
pub(super) fn is_good(question: &Question<'_>, report: &mut Report) -> bool {
    [
        signature_algorithm(question, report),
        key(question, report),
        validity(question, report),
        authority(question, report),
        critical_extensions(question, report),
        key_usage(question, report),
        extended_key_usage(question, report),
    ]
    .into_iter()
    .all(|good| good)
}

fn signature_algorithm(question: &Question<'_>, report: &mut Report) -> bool {
    let algorithm = question.presented.leaf.signature_algorithm;
    let words = signature::words(algorithm);
    let outcome = match signature::standing(algorithm) {
        Standing::Accepted => Ok(format!("signed by {words}")),
        Standing::Outdated => Err((Reason::Sha1Signature, outdated(&words))),
        Standing::NotAccepted => Err((
            Reason::BadChain,
            format!("signed by {words}, which is not accepted"),
        )),
    };
    record(question, report, "signature_algorithm", outcome)
}

fn key(question: &Question<'_>, report: &mut Report) -> bool {
    let key = &question.presented.leaf.public_key;
    let outcome = match key.weakness() {
        Some(weakness) => Err((Reason::WeakKey, weakness)),
        None => Ok(key.words()),
    };
    record(question, report, "key", outcome)
}

fn validity(question: &Question<'_>, report: &mut Report) -> bool {
    let validity = question.presented.leaf.validity;
    let outcome = match outside(validity, question.at.into()) {
        Some(refusal) => Err(refusal),
        None => Ok(format!(
            "valid from {} to {}",
            validity.not_before.words(),
            validity.not_after.words()
        )),
    };
    record(question, report, "validity", outcome)
}

fn authority(question: &Question<'_>, report: &mut Report) -> bool {
    let leaf = &question.presented.leaf;
    let is_ours = question
        .authorities
        .anchors()
        .iter()
        .any(|anchor| anchor.key_info == leaf.key_info);
    let outcome = if leaf.extensions.authority() && !question.purpose.authority_as_leaf {
        Err((
            Reason::BadChain,
            "it is an authority (CA:TRUE); people sign in with certificates of their own"
                .to_owned(),
        ))
    } else if is_ours {
        Err((
            Reason::BadChain,
            "its key is an authority's own; people sign in with keys of their own".to_owned(),
        ))
    } else if leaf.is_self_issued() && signature::is_by(leaf, leaf.key_info) {
        Err((
            Reason::UnknownIssuer,
            "it is signed by itself; no authority issued it".to_owned(),
        ))
    } else if leaf.extensions.constrains_names {
        Err((
            Reason::BadChain,
            "it has name constraints, which only authorities may have".to_owned(),
        ))
    } else {
        Ok("it is not an authority".to_owned())
    };
    record(question, report, "not_an_authority", outcome)
}

fn critical_extensions(question: &Question<'_>, report: &mut Report) -> bool {
    let unknown = &question.presented.leaf.extensions.not_understood;
    let outcome = if unknown.is_empty() {
        Ok("none that is not supported".to_owned())
    } else {
        Err((Reason::BadChain, not_understood(unknown)))
    };
    record(question, report, "critical_extensions", outcome)
}

fn key_usage(question: &Question<'_>, report: &mut Report) -> bool {
    let extensions = &question.presented.leaf.extensions;
    let outcome = match extensions.key_usage {
        None => Ok("not restricted".to_owned()),
        Some(usage) if usage.certificate_signing && !extensions.authority() => Err((
            Reason::WrongKeyUsage,
            "it may sign certificates (keyCertSign), but is no authority".to_owned(),
        )),
        Some(usage) if usage.digital_signature || question.purpose.required.is_none() => {
            Ok("digitalSignature".to_owned())
        }
        Some(_) if extensions.authority() => Ok("an authority's".to_owned()),
        Some(_) => Err((
            Reason::WrongKeyUsage,
            "its key usage lacks digitalSignature".to_owned(),
        )),
    };
    record(question, report, "key_usage", outcome)
}

fn extended_key_usage(question: &Question<'_>, report: &mut Report) -> bool {
    let purposes = question.presented.leaf.extensions.purposes.as_deref();
    let Some(required) = question.purpose.required else {
        return true;
    };
    let wanted = oid::words(required);
    let outcome = match purposes {
        None if question.purpose.present => Err((
            Reason::WrongKeyUsage,
            format!("it has no extended key usage; {wanted} is needed"),
        )),
        None => Ok("not restricted".to_owned()),
        Some(purposes) if purposes.contains(&required) => Ok(wanted),
        Some(purposes) => Err((Reason::WrongKeyUsage, lacks(&wanted, purposes))),
    };
    record(question, report, "extended_key_usage", outcome)
}

/// What is said of a signature by SHA-1, MD5 or older.
pub(super) fn outdated(words: &str) -> String {
    format!("signed by {words}; SHA-256 or better is needed")
}

fn record(
    question: &Question<'_>,
    report: &mut Report,
    name: &str,
    outcome: Result<String, (Reason, String)>,
) -> bool {
    let words = &question.presented.leaf_words;
    match outcome {
        Ok(detail) => {
            report.passed(name, words, detail);
            true
        }
        Err((reason, detail)) => {
            report.failed(name, words, reason, detail);
            false
        }
    }
}
