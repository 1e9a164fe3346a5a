//! The directory's contract and its domain types.

use std::fmt;

use domain::account::{AccountId, AccountName, Person, Profile, Sid};
use domain::connection::ConnectionName;
use domain::outcome::{Refusal, Verdict};
use zeroize::Zeroizing;

use crate::InvalidMessage;

/// The generated messages and services.
#[expect(
    missing_docs,
    clippy::all,
    reason = "generated from proto/postern/directory/v1, documented there"
)]
pub mod v1 {
    tonic::include_proto!("postern.directory.v1");
}

/// The method a person signs in, or signed in, with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A client certificate.
    Certificate,
    /// A user name and password.
    Password,
}

/// Whom to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The person a certificate names.
    Certificate {
        /// sAMAccountName.
        account: AccountName,
        /// The identifier in the certificate, which must be the account's.
        sid: Option<Sid>,
    },
    /// A person known from an earlier sign-in.
    Account(AccountId),
}

/// A question who somebody is.
#[derive(Debug, Clone)]
pub struct Resolve {
    /// Whose directory.
    pub connection: ConnectionName,
    /// The lowest revision to answer by.
    pub min_revision: u64,
    /// Whom to find.
    pub who: Who,
    /// How they sign in.
    pub method: Method,
}

/// A question whether a password is somebody's.
#[derive(Clone)]
pub struct Authenticate {
    /// Whose directory.
    pub connection: ConnectionName,
    /// The lowest revision to answer by.
    pub min_revision: u64,
    /// As typed, within the size limit, not yet a name.
    pub user_name: String,
    /// As typed, within the size limit; may be empty, which the directory refuses before any bind.
    pub password: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authenticate")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// The directory's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict<Person>,
    /// The revision it was answered by.
    pub revision: u64,
}

/// Most bytes of a user name as typed.
pub const MAX_USER_NAME: usize = 256;
/// Most bytes of a password.
pub const MAX_PASSWORD: usize = 1024;

impl TryFrom<v1::ResolveRequest> for Resolve {
    type Error = InvalidMessage;

    fn try_from(wire: v1::ResolveRequest) -> Result<Self, InvalidMessage> {
        use v1::resolve_request::Who as Wire;
        let method = match wire.method() {
            v1::Method::Certificate => Method::Certificate,
            v1::Method::Password => Method::Password,
            v1::Method::Unspecified => return Err(InvalidMessage("no method")),
        };
        let who = match wire.who.ok_or(InvalidMessage("nobody asked for"))? {
            Wire::Certificate(identity) => Who::Certificate {
                account: identity
                    .account
                    .parse()
                    .map_err(|_| InvalidMessage("not an account name"))?,
                sid: match identity.sid.as_str() {
                    "" => None,
                    sid => Some(sid.parse().map_err(|_| InvalidMessage("not a SID"))?),
                },
            },
            Wire::AccountId(id) => Who::Account(account_id(&id)?),
        };
        let connection = connection(&wire.connection)?;
        Ok(Self {
            connection,
            min_revision: wire.min_revision,
            who,
            method,
        })
    }
}

impl From<Resolve> for v1::ResolveRequest {
    fn from(question: Resolve) -> Self {
        use v1::resolve_request::Who as Wire;
        Self {
            connection: question.connection.into(),
            min_revision: question.min_revision,
            who: Some(match question.who {
                Who::Certificate { account, sid } => Wire::Certificate(v1::CertificateIdentity {
                    account: account.into(),
                    sid: sid.map(Into::into).unwrap_or_default(),
                }),
                Who::Account(id) => Wire::AccountId(id.to_string()),
            }),
            method: match question.method {
                Method::Certificate => v1::Method::Certificate.into(),
                Method::Password => v1::Method::Password.into(),
            },
        }
    }
}

impl TryFrom<v1::AuthenticateRequest> for Authenticate {
    type Error = InvalidMessage;

    fn try_from(wire: v1::AuthenticateRequest) -> Result<Self, InvalidMessage> {
        if wire.user_name.len() > MAX_USER_NAME || wire.password.len() > MAX_PASSWORD {
            return Err(InvalidMessage(
                "user name or password is over the size limit",
            ));
        }
        Ok(Self {
            connection: connection(&wire.connection)?,
            min_revision: wire.min_revision,
            user_name: wire.user_name,
            password: Zeroizing::new(wire.password.to_vec()),
        })
    }
}

impl From<Answer> for v1::PersonResponse {
    fn from(answer: Answer) -> Self {
        use v1::person_response::Verdict as Wire;
        let verdict = match answer.verdict {
            Verdict::Accepted(person) => Wire::Accepted(person.profile().clone().into()),
            Verdict::Refused(refusal) => Wire::Refused(v1::Refusal {
                reason: refusal.reason.code().to_owned(),
                detail: refusal.detail,
            }),
        };
        Self {
            verdict: Some(verdict),
            revision: answer.revision,
        }
    }
}

impl TryFrom<v1::PersonResponse> for Answer {
    type Error = InvalidMessage;

    fn try_from(wire: v1::PersonResponse) -> Result<Self, InvalidMessage> {
        use v1::person_response::Verdict as Wire;
        let verdict = match wire.verdict.ok_or(InvalidMessage("no verdict"))? {
            Wire::Accepted(person) => Verdict::Accepted(Person::assertion(person.try_into()?)),
            Wire::Refused(refusal) => Verdict::Refused(Refusal {
                reason: refusal
                    .reason
                    .parse()
                    .map_err(|_| InvalidMessage("unknown reason code"))?,
                detail: refusal.detail,
            }),
        };
        Ok(Self {
            verdict,
            revision: wire.revision,
        })
    }
}

impl From<Profile> for v1::Person {
    fn from(profile: Profile) -> Self {
        Self {
            id: profile.id.to_string(),
            account: profile.account.into(),
            display_name: profile.display_name,
            given_name: profile.given_name,
            family_name: profile.family_name,
            email: profile.email,
            user_principal_name: profile.user_principal_name,
            groups: profile.groups,
        }
    }
}

impl TryFrom<v1::Person> for Profile {
    type Error = InvalidMessage;

    fn try_from(wire: v1::Person) -> Result<Self, InvalidMessage> {
        Ok(Self {
            id: account_id(&wire.id)?,
            account: wire
                .account
                .parse()
                .map_err(|_| InvalidMessage("not an account name"))?,
            display_name: wire.display_name,
            given_name: wire.given_name,
            family_name: wire.family_name,
            email: wire.email,
            user_principal_name: wire.user_principal_name,
            groups: wire.groups,
        })
    }
}

fn connection(name: &str) -> Result<ConnectionName, InvalidMessage> {
    name.parse()
        .map_err(|_| InvalidMessage("connection is not a name"))
}

fn account_id(text: &str) -> Result<AccountId, InvalidMessage> {
    text.parse()
        .map(AccountId)
        .map_err(|_| InvalidMessage("not an account id"))
}
