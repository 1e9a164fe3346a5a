//! A certificate chain on its way from what was sent to what was proved.
//!
//! **Invariant:** a [`VerifiedCertificate`] is made by certval's judgement and by the wire conversion of its answer, and
//! nowhere else.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::account::{AccountName, Sid};
use crate::digest::Digest;
use crate::reason::Reason;

/// Most certificates above the leaf that are looked at.
pub const MAX_INTERMEDIATES: usize = 8;
/// Most bytes of one certificate.
pub const MAX_CERTIFICATE_BYTES: usize = 16 << 10;
/// Most bytes of a whole chain.
pub const MAX_CHAIN_BYTES: usize = 64 << 10;

/// The DER certificates a client sent, leaf first, within the size limits. The handshake proved that the client holds the
/// leaf's key; nothing else is known about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedChain(Vec<Bytes>);

impl PresentedChain {
    /// Takes a chain if it is within the limits.
    ///
    /// # Errors
    /// [`Reason::NoCertificate`] when it is empty, [`Reason::TooLarge`] when it is over a limit.
    pub fn new(certificates: Vec<Bytes>) -> Result<Self, Reason> {
        if certificates.iter().all(Bytes::is_empty) {
            return Err(Reason::NoCertificate);
        }
        let total: usize = certificates.iter().map(Bytes::len).sum();
        let largest = certificates.iter().map(Bytes::len).max().unwrap_or(0);
        if certificates.len() > MAX_INTERMEDIATES + 1
            || largest > MAX_CERTIFICATE_BYTES
            || total > MAX_CHAIN_BYTES
        {
            return Err(Reason::TooLarge);
        }
        Ok(Self(certificates))
    }

    /// The client's own certificate.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        self.0.first().map_or(&[], |leaf| leaf.as_ref())
    }

    /// What was sent above it, in the order it was sent.
    pub fn intermediates(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().skip(1).map(AsRef::as_ref)
    }

    /// All certificates, leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[Bytes] {
        &self.0
    }

    /// SHA-256 of the leaf.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.leaf())
    }
}

/// The rule by which an identity was read out of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityRule {
    /// The subject's one common name is the sAMAccountName.
    CommonName,
}

/// Whom a certificate names, and how that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateIdentity {
    /// The rule that produced the name.
    pub rule: IdentityRule,
    /// The account name.
    pub account: AccountName,
    /// The security identifier inside the certificate (MS-WCCE 2.2.2.7.7.4), when it has one: the account must agree.
    pub sid: Option<Sid>,
}

/// A chain that was judged good, and what the judgement found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCertificate {
    identity: CertificateIdentity,
    leaf: Digest,
    authority: Digest,
    revision: u64,
}

impl VerifiedCertificate {
    /// States that a chain was judged good. Only the judgement itself and the wire conversion of its answer may say so.
    #[must_use]
    pub const fn assertion(
        identity: CertificateIdentity,
        leaf: Digest,
        authority: Digest,
        revision: u64,
    ) -> Self {
        Self {
            identity,
            leaf,
            authority,
            revision,
        }
    }

    /// Whom it names.
    #[must_use]
    pub const fn identity(&self) -> &CertificateIdentity {
        &self.identity
    }

    /// SHA-256 of the leaf.
    #[must_use]
    pub const fn leaf(&self) -> Digest {
        self.leaf
    }

    /// The authority the chain ends in: SHA-256 of its SubjectPublicKeyInfo.
    #[must_use]
    pub const fn authority(&self) -> Digest {
        self.authority
    }

    /// The revision of the configuration it was judged by.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }
}
