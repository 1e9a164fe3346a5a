//! Signatures on certificates: by which algorithm, and whether a key made one.
//!
//! **Invariant:** only the algorithms of [`ACCEPTED`] are ever verified; SHA-1 and MD5 are told apart to be explained, not
//! to be used.

use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use webpki::RawPublicKeyEntity;

use crate::certificate::Certificate;
use crate::der;
use crate::oid;

/// The algorithms a path may be signed with: SHA-256 or better, on aws-lc-rs.
pub(crate) const ACCEPTED: &[&dyn SignatureVerificationAlgorithm] = webpki::ALL_VERIFICATION_ALGS;

/// How a signature algorithm is looked upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may be used.
    Accepted,
    /// It rests on SHA-1, MD5 or older: collisions can be made.
    Outdated,
    /// It is not one of those that may be used.
    NotAccepted,
}

/// How the algorithm with these contents of its AlgorithmIdentifier is looked upon.
pub(crate) fn standing(algorithm: &[u8]) -> Standing {
    if ACCEPTED
        .iter()
        .any(|accepted| accepted.signature_alg_id().as_ref() == algorithm)
    {
        return Standing::Accepted;
    }
    let (numbers, parameters) = parts(algorithm);
    match numbers.as_str() {
        "1.2.840.113549.1.1.2"
        | "1.2.840.113549.1.1.3"
        | "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.3.14.3.2.29"
        | "1.3.14.3.2.27"
        | "1.2.840.10040.4.3"
        | "1.2.840.10045.4.1" => Standing::Outdated,
        oid::RSA_PSS if !names_sha2(parameters) => Standing::Outdated,
        _ => Standing::NotAccepted,
    }
}

/// The algorithm in words, like `RSA with SHA-256 (1.2.840.113549.1.1.11)`.
pub(crate) fn words(algorithm: &[u8]) -> String {
    der::Reader::new(algorithm).element().map_or_else(
        |_| "an algorithm that cannot be read".to_owned(),
        |kind| oid::words(kind.contents),
    )
}

/// Whether the key of `key_info` (a DER SubjectPublicKeyInfo) made the signature on `certificate`.
pub(crate) fn is_by(certificate: &Certificate<'_>, key_info: &[u8]) -> bool {
    let key_info = SubjectPublicKeyInfoDer::from(key_info);
    let Ok(key) = RawPublicKeyEntity::try_from(&key_info) else {
        return false;
    };
    ACCEPTED
        .iter()
        .filter(|accepted| accepted.signature_alg_id().as_ref() == certificate.signature_algorithm)
        .any(|accepted| {
            key.verify_signature(*accepted, certificate.signed, certificate.signature)
                .is_ok()
        })
}

fn parts(algorithm: &[u8]) -> (String, &[u8]) {
    let mut reader = der::Reader::new(algorithm);
    let kind = reader.element();
    let parameters = reader.element();
    (
        kind.map_or_else(|_| String::new(), |kind| oid::dotted(kind.contents)),
        parameters.map_or(&[], |parameters| parameters.contents),
    )
}

/// Whether the parameters of RSASSA-PSS name a hash of the SHA-2 family (2.16.840.1.101.3.4.2); without a name it is SHA-1.
fn names_sha2(parameters: &[u8]) -> bool {
    const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    parameters.windows(SHA2.len()).any(|window| window == SHA2)
}
