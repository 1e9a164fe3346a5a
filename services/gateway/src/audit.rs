//! The audit trail: one typed event per end of a sign-in, and of a handshake that ended before anything else could.
//!
//! Each event is counted, too, and its outcome noted on the span of the request.
//!
//! **Invariant:** an event has codes and ids, and never a transaction, a code, a token or a password, nor what was typed. People
//! are told by their account's id; only a refusal's detail, which the help desk needs, may quote what a certificate says.

use domain::account::AccountId;
use domain::address::ClientAddress;
use domain::application::ClientId;
use domain::connection::ConnectionName;
use domain::digest::Digest;
use domain::outcome::{Refusal, Unavailable};
use domain::reason::{Fault, Reason};
use postern_proto::directory::Method;
use tracing::Span;

use crate::ids::TransactionId;
use crate::numbers::{Numbers, method_name};
use crate::request_id::RequestId;
use crate::session::{Method as Signed, Session};
use crate::visit::Visit;

/// A sign-in on its way: what every event about it has in common.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) method: Option<Method>,
    pub(crate) connection: Option<ConnectionName>,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) transaction: Option<TransactionId>,
    /// Who, once that is known (objectGUID).
    pub(crate) account: Option<AccountId>,
    /// SHA-256 of the certificate that was presented.
    pub(crate) leaf: Option<Digest>,
    /// At which of our hosts.
    host: &'static str,
    address: ClientAddress,
    request_id: RequestId,
    numbers: Numbers,
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
    /// The person went back to the application without signing in.
    Cancelled,
    /// No, on the user's side.
    Refused(&'a Refusal),
    /// Not now, on our side.
    Unavailable(&'a Unavailable),
    /// A code was not redeemed; why.
    CodeRefused(&'static str),
    /// The client left in the middle of its handshake; how.
    Left(&'a str),
    /// A handshake was refused: for a reason of the table, where one says it, and in words.
    NotTaken(Option<Reason>, &'a str),
    /// A handshake could not be served: for a fault of the table, where one says it, and in words.
    NotServed(Option<Fault>, &'a str),
}

impl Outcome<'_> {
    const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::Continued => "continued",
            Self::Redeemed => "redeemed",
            Self::SignedOut => "signed_out",
            Self::Cancelled => "cancelled",
            Self::Refused(_) | Self::CodeRefused(_) | Self::NotTaken(..) => "refused",
            Self::Unavailable(_) | Self::NotServed(..) => "unavailable",
            Self::Left(_) => "abandoned",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason.code(),
            Self::Unavailable(unavailable) => unavailable.fault.code(),
            Self::CodeRefused(_) => "invalid_grant",
            Self::NotTaken(Some(reason), _) => reason.code(),
            Self::NotServed(Some(fault), _) => fault.code(),
            _ => "",
        }
    }

    /// What the help desk needs beside the code. What was unavailable is told apart from this.
    fn detail(&self) -> &str {
        match self {
            Self::CodeRefused(why) => why,
            Self::Left(why) | Self::NotTaken(_, why) | Self::NotServed(_, why) => why,
            Self::Refused(refusal) => &refusal.detail,
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
            account: None,
            leaf: None,
            host: visit.arrival.host.kind(),
            address: visit.arrival.address,
            request_id: visit.request_id,
            numbers: visit.numbers.clone(),
        }
    }

    /// An event of a handshake without a request. `asked` is whether a certificate was asked for.
    pub(crate) fn without_request(
        host: &'static str,
        asked: bool,
        address: ClientAddress,
        request_id: RequestId,
        numbers: &Numbers,
    ) -> Self {
        Self {
            method: asked.then_some(Method::Certificate),
            connection: None,
            client_id: None,
            transaction: None,
            account: None,
            leaf: None,
            host,
            address,
            request_id,
            numbers: numbers.clone(),
        }
    }

    /// The event of what this span is about. The span begins with this at the latest.
    pub(crate) fn traced_by(mut self, span: &Span) -> Self {
        self.request_id = RequestId::of(span);
        self
    }

    /// Notes whose session it is about.
    pub(crate) fn of(&mut self, session: &Session) {
        self.method = Some(session.method.kind());
        self.connection = Some(session.connection.clone());
        self.account = Some(session.account);
        if let Signed::Certificate { leaf, .. } = session.method {
            self.leaf = Some(leaf);
        }
    }

    /// Counts the event, without writing it.
    pub(crate) fn counted(&self, outcome: Outcome<'_>) {
        let (name, code) = (outcome.name(), outcome.code());
        self.numbers
            .sign_in(self.method, self.connection.as_ref(), name, code);
    }

    /// Writes the event, and counts it.
    pub(crate) fn ended(&self, outcome: Outcome<'_>) {
        let (name, code) = (outcome.name(), outcome.code());
        self.counted(outcome);
        noted(name, code);
        tracing::info!(
            target: "postern::signin",
            outcome = name,
            code,
            why = outcome.detail(),
            method = method_name(self.method),
            connection = self.connection.as_ref().map(ConnectionName::as_str),
            client_id = self.client_id.as_ref().map(ClientId::as_str),
            account = self.account.map(tracing::field::display),
            leaf = self.leaf.map(tracing::field::display),
            host = self.host,
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

/// Notes on the span of the present request how it ended. The code is of a closed table.
pub(crate) fn noted(outcome: &'static str, code: &'static str) {
    let span = Span::current();
    span.record("postern.outcome", outcome);
    if !code.is_empty() {
        span.record("postern.code", code);
    }
}
