//! The certificate result: what the certificate host found out, sealed into the `r` parameter on its way to the login host.
//!
//! **Invariant:** it is made of a [`VerifiedCertificate`] and the [`Person`] it names, lives 60 seconds from the handshake,
//! and counts only together with the transaction it was made in, in the browser that began that.

use std::time::Duration;

use domain::account::{AccountId, Person};
use domain::address::ClientAddress;
use domain::certificate::VerifiedCertificate;
use domain::digest::Digest;
use domain::reason::Reason;
use domain::seal::{Purpose, SealKeys};
use domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::transaction::OwnTransaction;
use crate::ids::TransactionId;
use crate::seals::{self, Sealed};
use crate::session::Trusted;

/// How long a result lives, counted from the handshake.
pub(crate) const LIFE: Duration = Duration::from_secs(60);

/// What is sealed into `r`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificateResult {
    transaction: TransactionId,
    account: AccountId,
    leaf: Digest,
    authority: Digest,
    address: ClientAddress,
    revision: u64,
    handshake_at: Timestamp,
}

impl Sealed for CertificateResult {
    const PURPOSE: Purpose = Purpose::CertificateResult;
}

/// A result in its own transaction, in its own browser, in time.
#[derive(Debug, Clone)]
pub(crate) struct OwnResult(CertificateResult);

impl CertificateResult {
    /// What a good certificate of a live person leads to.
    pub(crate) fn new(
        transaction: TransactionId,
        certificate: &VerifiedCertificate,
        person: &Person,
        address: ClientAddress,
        handshake_at: Timestamp,
    ) -> Self {
        Self {
            transaction,
            account: person.profile().id,
            leaf: certificate.leaf(),
            authority: certificate.authority(),
            address,
            revision: certificate.revision(),
            handshake_at,
        }
    }

    /// Opens the `r` parameter in its transaction.
    ///
    /// # Errors
    /// [`Reason::TransactionUnknown`] when it cannot be read or belongs to another transaction,
    /// [`Reason::TransactionExpired`] when it is too old.
    pub(crate) fn open(
        keys: &SealKeys,
        host: &str,
        text: &str,
        transaction: &OwnTransaction,
        now: Timestamp,
    ) -> Result<OwnResult, Reason> {
        let result: Self = seals::open(keys, host, text).map_err(|_| Reason::TransactionUnknown)?;
        if result.transaction != transaction.id {
            return Err(Reason::TransactionUnknown);
        }
        if result.handshake_at.is_alive(LIFE, now) {
            Ok(OwnResult(result))
        } else {
            Err(Reason::TransactionExpired)
        }
    }
}

impl OwnResult {
    /// The person.
    pub(crate) const fn account(&self) -> AccountId {
        self.0.account
    }

    /// SHA-256 of the leaf.
    pub(crate) const fn leaf(&self) -> Digest {
        self.0.leaf
    }

    /// The authority the chain ended in, by the revision certval judged by.
    pub(crate) const fn authority(&self) -> Trusted {
        Trusted {
            key: self.0.authority,
            revision: self.0.revision,
        }
    }

    /// When the person proved the key.
    pub(crate) const fn handshake_at(&self) -> Timestamp {
        self.0.handshake_at
    }
}
