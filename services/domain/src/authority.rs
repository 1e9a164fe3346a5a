//! Uploaded certificate authorities.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::timestamp::Timestamp;

/// One authority of a connection. It is known by its key: two authorities of the same name are two authorities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// SHA-256 of the SubjectPublicKeyInfo: what chains are pinned to.
    pub key: Digest,
    /// SHA-256 of the certificate: what people compare.
    pub fingerprint: Digest,
    /// The certificate, DER.
    #[serde(with = "crate::configuration::base64_bytes")]
    pub certificate: Bytes,
    /// The subject as DER, ready for a CertificateRequest (RFC 8446 section 4.2.4).
    #[serde(with = "crate::configuration::base64_bytes")]
    pub subject: Bytes,
    /// The subject in words.
    pub name: String,
    /// End of its validity.
    pub not_after: Timestamp,
    /// The revision that added it to its connection. What was judged by an earlier one was judged by a listing that has ended
    /// since, though the key be the same. 0 where it has been there from the beginning.
    #[serde(default)]
    pub added_in: u64,
}
