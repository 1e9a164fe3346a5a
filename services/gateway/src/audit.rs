//! The audit trail: one typed event per end of a sign-in.
//!
//! **Invariant:** an event has codes and ids, never names of people, and never a transaction, a code, a token or a password.

use domain::address::ClientAddress;
use domain::application::ClientId;
use domain::connection::ConnectionName;
use domain::outcome::{Refusal, Unavailable};
use postern_proto::directory::Method;

use crate::ids::TransactionId;
use crate::request_id::RequestId;
use crate::visit::Visit;

/// A sign-in on its way: what every event about it has in common.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) method: Option<Method>,
    pub(crate) connection: Option<ConnectionName>,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) transaction: Option<TransactionId>,
    address: ClientAddress,
    request_id: RequestId,
}

/// How it ended, here and now.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome<'a> {
    /// A session was opened.
    SignedIn,
    /// A code was issued for a session that was there.
    Continued,
    /// A code was redeemed.
    Redeemed,
    /// A session was ended by its person.
    SignedOut,
    /// No, on the user's side.
    Refused(&'a Refusal),
    /// Not now, on our side.
    Unavailable(&'a Unavailable),
    /// A code was not redeemed; why.
    CodeRefused(&'static str),
}

impl Outcome<'_> {
    const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::Continued => "continued",
            Self::Redeemed => "redeemed",
            Self::SignedOut => "signed_out",
            Self::Refused(_) | Self::CodeRefused(_) => "refused",
            Self::Unavailable(_) => "unavailable",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason.code(),
            Self::Unavailable(unavailable) => unavailable.fault.code(),
            Self::CodeRefused(_) => "invalid_grant",
            _ => "",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::CodeRefused(why) => why,
            _ => "",
        }
    }
}

impl SignIn {
    /// An event of which nothing is known yet but where it happens.
    pub(crate) fn at(visit: &Visit) -> Self {
        Self {
            method: None,
            connection: None,
            client_id: None,
            transaction: None,
            address: visit.arrival.address,
            request_id: visit.request_id,
        }
    }

    /// Writes the event.
    pub(crate) fn ended(&self, outcome: Outcome<'_>) {
        let method = match self.method {
            Some(Method::Certificate) => "certificate",
            Some(Method::Password) => "password",
            None => "",
        };
        tracing::info!(
            target: "postern::signin",
            outcome = outcome.name(),
            code = outcome.code(),
            why = outcome.detail(),
            method,
            connection = self.connection.as_ref().map(ConnectionName::as_str),
            client_id = self.client_id.as_ref().map(ClientId::as_str),
            address = %self.address,
            request_id = %self.request_id,
            transaction = self.transaction.map(tracing::field::display),
            "sign-in"
        );
        if let Outcome::Unavailable(unavailable) = outcome {
            tracing::warn!(
                fault = unavailable.fault.code(),
                detail = unavailable.detail,
                request_id = %self.request_id,
                "a sign-in could not be decided"
            );
        }
    }
}
