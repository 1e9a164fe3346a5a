//! What uploaded certificates are, and whether they may be authorities.
//!
//! **Invariant:** an upload with a private key in it is refused before any of it is decoded; nothing of an upload is kept.

mod upload;

#[cfg(test)]
mod tests;

use domain::digest::Digest;
use domain::timestamp::Timestamp;
use postern_proto::certval::v1;

use crate::authorities::{flaws, outside};
use crate::certificate::Certificate;
use crate::der::Malformed;
use crate::name;
use crate::oid;
use crate::purposes;
use crate::signature;

/// Most bytes of one upload.
pub const MAX_UPLOAD: usize = 1 << 20;
/// Most certificates of one upload.
pub const MAX_CERTIFICATES: usize = 100;

/// Describes the certificates of an upload (one DER certificate, or PEM text) as of `at`.
///
/// # Errors
/// In words for the person who uploaded it: what is wrong and what to do.
pub fn inspect(upload: &[u8], at: Timestamp) -> Result<Vec<v1::Certificate>, String> {
    let certificates = upload::certificates(upload)?;
    let several = certificates.len() > 1;
    certificates
        .iter()
        .enumerate()
        .map(|(index, der)| {
            describe(der, at).map_err(|error| {
                let which = if several {
                    format!("certificate {}", index + 1)
                } else {
                    "the certificate".to_owned()
                };
                format!("{which} cannot be read: {error}; issue it again, or upload another one")
            })
        })
        .collect()
}

fn describe(der: &[u8], at: Timestamp) -> Result<v1::Certificate, Malformed> {
    let certificate = Certificate::read(der)?;
    Ok(v1::Certificate {
        der: der.to_vec().into(),
        subject_der: certificate.subject.to_vec().into(),
        subject: name::words(certificate.subject),
        issuer: name::words(certificate.issuer),
        serial: name::hexadecimal(certificate.serial),
        sha256: Digest::of(der).as_bytes().to_vec().into(),
        key_sha256: Digest::of(certificate.key_info).as_bytes().to_vec().into(),
        key: certificate.public_key.words(),
        signature_algorithm: signature::words(certificate.signature_algorithm),
        not_before: certificate.validity.not_before.timestamp().0,
        not_after: certificate.validity.not_after.timestamp().0,
        self_issued: certificate.is_self_issued(),
        dns_names: certificate
            .extensions
            .dns_names()
            .map(ToOwned::to_owned)
            .collect(),
        authority_problems: authority_problems(&certificate, at),
    })
}

/// Everything that would make every chain of this authority be refused now. Its own signature is not looked at: an
/// authority is trusted because its key is listed, so a root that makecert signed with SHA-1 is no worse for it.
fn authority_problems(certificate: &Certificate<'_>, at: Timestamp) -> Vec<String> {
    let restricted = certificate.extensions.purposes.as_deref();
    flaws(certificate)
        .into_iter()
        .chain(purposes::flaw(restricted, oid::CLIENT_AUTHENTICATION))
        .map(|flaw| flaw.detail)
        .chain(outside(certificate.validity, at.into()).map(|(_, detail)| detail))
        .collect()
}
