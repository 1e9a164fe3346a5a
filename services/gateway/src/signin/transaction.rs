//! The transaction: one sign-in from the authorize request to its code, sealed into the `tx` parameter.
//!
//! **Invariant:** it lives 10 minutes, may be used by several tabs at once, and becomes a session only in the browser that
//! began it: that is what [`OwnTransaction`] proves.

use std::time::Duration;

use domain::account::AccountId;
use domain::address::ClientAddress;
use domain::connection::ConnectionName;
use domain::reason::Reason;
use domain::seal::{Purpose, SealKeys};
use domain::timestamp::Timestamp;
use runtime::trace::TraceContext;
use serde::{Deserialize, Serialize};

use super::binding::{Binding, BindingHash};
use crate::ids::TransactionId;
use crate::oidc::authorize_request::AuthorizeRequest;
use crate::seals::{self, Sealed};

/// How long a transaction lives.
pub(crate) const LIFE: Duration = Duration::from_secs(10 * 60);

/// What is sealed into `tx`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) id: TransactionId,
    pub(crate) request: AuthorizeRequest,
    /// Whom the application wants to sign in, and nobody else (`id_token_hint`).
    pub(crate) about: Option<AccountId>,
    /// The connection that was decided on.
    pub(crate) connection: ConnectionName,
    /// Where the request came from.
    pub(crate) address: ClientAddress,
    /// The revision the request was judged by.
    pub(crate) revision: u64,
    /// The browser it was begun in.
    pub(crate) binding: BindingHash,
    pub(crate) created: Timestamp,
    /// The place in its trace that the sign-in began at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<TraceContext>,
}

impl Sealed for Transaction {
    const PURPOSE: Purpose = Purpose::Transaction;
}

/// A transaction in the browser that began it.
#[derive(Debug, Clone)]
pub(crate) struct OwnTransaction(Transaction);

impl Transaction {
    /// Opens the `tx` parameter.
    ///
    /// # Errors
    /// [`Reason::TransactionUnknown`] when it cannot be read, [`Reason::TransactionExpired`] when it is too old.
    pub(crate) fn open(
        keys: &SealKeys,
        host: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<Self, Reason> {
        let transaction: Self =
            seals::open(keys, host, text).map_err(|_| Reason::TransactionUnknown)?;
        if transaction.created.is_alive(LIFE, now) {
            Ok(transaction)
        } else {
            Err(Reason::TransactionExpired)
        }
    }

    /// The proof that `browser` began it.
    ///
    /// # Errors
    /// [`Reason::TransactionUnknown`] in any other browser.
    pub(crate) fn in_browser(self, browser: Option<Binding>) -> Result<OwnTransaction, Reason> {
        if browser.is_some_and(|browser| browser.hash() == self.binding) {
            Ok(OwnTransaction(self))
        } else {
            Err(Reason::TransactionUnknown)
        }
    }
}

impl std::ops::Deref for OwnTransaction {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.0
    }
}
