//! Sessions: a person who signed in at one connection, sealed into a cookie of the login host.
//!
//! **Invariant:** a code is issued for a [`LiveSession`] only, and one comes from a sign-in just made or from a cookie that
//! passed every rule at this moment, by this configuration.

use std::time::Duration;

use domain::account::{AccountId, Person};
use domain::configuration::Configuration;
use domain::connection::ConnectionName;
use domain::digest::Digest;
use domain::seal::Purpose;
use domain::timestamp::Timestamp;
use runtime::random::{Randomness, RandomnessUnavailable};
use serde::{Deserialize, Serialize};

use crate::ids::SessionId;
use crate::seals::Sealed;
use crate::signin::certificate_result::OwnResult;
use signed_out::SignedOut;

pub mod signed_out;
#[cfg(test)]
mod tests;

/// How long a session lives at most.
pub const ABSOLUTE: Duration = Duration::from_secs(8 * 3600);
/// How long it lives unused.
pub const IDLE: Duration = Duration::from_secs(3600);
/// How often its last use is written anew.
const RENEWAL: Duration = Duration::from_secs(60);

/// What is sealed into the session cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// New at every sign-in.
    pub id: SessionId,
    /// Who.
    pub account: AccountId,
    /// At which connection. It satisfies no other.
    pub connection: ConnectionName,
    /// How they signed in.
    pub method: Method,
    /// When they did; the absolute life counts from here.
    pub auth_time: Timestamp,
    /// When it was used last.
    seen: Timestamp,
}

/// How a person signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By a client certificate.
    Certificate {
        /// SHA-256 of the leaf.
        leaf: Digest,
        /// The authority it was accepted by: the session ends when that is removed.
        authority: Trusted,
    },
    /// By user name and password.
    Password,
}

/// An authority as it was listed when a certificate was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    /// Its key.
    pub key: Digest,
    /// The revision certval judged by. An authority that was added later is another listing of it.
    pub revision: u64,
}

/// Why a session cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Past [`ABSOLUTE`].
    TooOld,
    /// Past [`IDLE`].
    Idle,
    /// Signed out, here or at another gateway.
    SignedOut,
    /// Its connection is gone, or no longer offers its method.
    ConnectionChanged,
    /// The authority of its certificate was removed, and perhaps added again since.
    AuthorityRemoved,
}

/// A session that may be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession(Session);

impl Sealed for Session {
    const PURPOSE: Purpose = Purpose::Session;
}

impl Method {
    /// The method as the directory and the audit trail know it.
    #[must_use]
    pub const fn kind(self) -> postern_proto::directory::Method {
        match self {
            Self::Certificate { .. } => postern_proto::directory::Method::Certificate,
            Self::Password => postern_proto::directory::Method::Password,
        }
    }
}

impl Session {
    /// Every rule but the account's own state, which the directory knows.
    ///
    /// # Errors
    /// Why it has ended.
    pub fn live(
        self,
        configuration: &Configuration,
        signed_out: &SignedOut,
        now: Timestamp,
    ) -> Result<LiveSession, Ended> {
        if !self.auth_time.is_alive(ABSOLUTE, now) {
            return Err(Ended::TooOld);
        }
        if !self.seen.is_alive(IDLE, now) {
            return Err(Ended::Idle);
        }
        stands(&self.connection, self.method.authority(), configuration)?;
        if signed_out.ends(self.id, self.auth_time) {
            return Err(Ended::SignedOut);
        }
        Ok(LiveSession(self))
    }

    /// When nothing of it can be alive any more.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.auth_time.plus(ABSOLUTE)
    }
}

impl Method {
    /// The authority a certificate sign-in rests on.
    #[must_use]
    pub const fn authority(self) -> Option<Trusted> {
        match self {
            Self::Certificate { authority, .. } => Some(authority),
            Self::Password => None,
        }
    }
}

/// Whether the configuration still has what a sign-in rests on: its connection with that method, and, for a certificate
/// (`authority` is there), its authority, listed ever since.
///
/// # Errors
/// What is gone.
pub(crate) fn stands(
    connection: &ConnectionName,
    authority: Option<Trusted>,
    configuration: &Configuration,
) -> Result<(), Ended> {
    let connection = configuration
        .connections
        .get(connection)
        .ok_or(Ended::ConnectionChanged)?;
    match authority {
        Some(_) if !connection.methods.certificate => Err(Ended::ConnectionChanged),
        Some(trusted)
            if connection
                .authority(trusted.key)
                .is_none_or(|there| there.added_in > trusted.revision) =>
        {
            Err(Ended::AuthorityRemoved)
        }
        None if !connection.methods.password => Err(Ended::ConnectionChanged),
        _ => Ok(()),
    }
}

impl LiveSession {
    /// Opens a session for somebody who gave their password just now.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(crate) fn by_password(
        person: &Person,
        connection: ConnectionName,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<Self, RandomnessUnavailable> {
        Ok(Self(Session {
            id: SessionId::draw(randomness)?,
            account: person.profile().id,
            connection,
            method: Method::Password,
            auth_time: now,
            seen: now,
        }))
    }

    /// Opens a session for somebody whose certificate was found good, if the configuration still has its authority.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(crate) fn by_certificate(
        result: &OwnResult,
        connection: ConnectionName,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<Self, RandomnessUnavailable> {
        Ok(Self(Session {
            id: SessionId::draw(randomness)?,
            account: result.account(),
            connection,
            method: Method::Certificate {
                leaf: result.leaf(),
                authority: result.authority(),
            },
            auth_time: result.handshake_at(),
            seen: now,
        }))
    }

    /// Whether the sign-in is at most this many seconds old.
    #[must_use]
    pub fn is_within(&self, max_age: Option<u32>, now: Timestamp) -> bool {
        max_age.is_none_or(|seconds| {
            self.0
                .auth_time
                .is_alive(Duration::from_secs(seconds.into()), now)
        })
    }

    /// The session with its last use written anew, when that is worth a new cookie.
    #[must_use]
    pub fn renewed(&self, now: Timestamp) -> Option<Self> {
        (!self.0.seen.is_alive(RENEWAL, now)).then(|| {
            Self(Session {
                seen: now,
                ..self.0.clone()
            })
        })
    }

    /// The session itself, to be sealed or handed on.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.0
    }
}
