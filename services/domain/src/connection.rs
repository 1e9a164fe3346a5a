//! Connections: one Active Directory with its methods, ranges and authorities, and what a client address may do there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::address::ClientAddress;
use crate::authority::Authority;
use crate::digest::Digest;
use crate::ranges::Ranges;

/// The name applications ask for a connection by, like `FabrikamAD`: 1 to 64 letters, digits, `-`, `_` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionName(String);

/// Text that is no identifier of a connection or application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 64 letters, digits, `-`, `_` or `.`, beginning with a letter or digit")]
pub struct InvalidIdentifier;

pub(crate) fn identifier(text: &str) -> Result<String, InvalidIdentifier> {
    let good = |each: char| each.is_ascii_alphanumeric() || "-_.".contains(each);
    let fits = (1..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric());
    if fits && text.chars().all(good) {
        Ok(text.to_owned())
    } else {
        Err(InvalidIdentifier)
    }
}

impl ConnectionName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConnectionName {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        identifier(text).map(Self)
    }
}

impl TryFrom<String> for ConnectionName {
    type Error = InvalidIdentifier;

    fn try_from(text: String) -> Result<Self, InvalidIdentifier> {
        text.parse()
    }
}

impl From<ConnectionName> for String {
    fn from(name: ConnectionName) -> Self {
        name.0
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The ways to sign in that a connection offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Methods {
    /// Client certificates, for addresses in a range.
    pub certificate: bool,
    /// The user name and password form.
    pub password: bool,
}

/// One Active Directory as people sign in to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// What applications call it.
    pub name: ConnectionName,
    /// What people are shown.
    pub display_name: String,
    /// The methods it offers.
    pub methods: Methods,
    /// Where certificates are asked for.
    pub ranges: Ranges,
    /// The authorities whose certificates are accepted.
    pub authorities: Vec<Authority>,
    /// The directory behind it.
    pub directory: DirectorySource,
}

/// Where a connection's people are looked up. Bind secrets are not here: they travel sealed, for the directory role only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DirectorySource {
    /// A file on the directory service's machine, named in its settings: for demonstrations and tests.
    File,
    /// Active Directory over LDAPS or StartTLS.
    ActiveDirectory(ActiveDirectory),
}

/// How to reach and search one Active Directory domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveDirectory {
    /// Domain controllers in order of preference: `ldaps://host[:port]`, or `ldap://host[:port]` which always starts TLS.
    pub servers: Vec<String>,
    /// The search base, like `DC=fabrikam,DC=test`.
    pub base: String,
    /// The account that searches: a distinguished name or user principal name.
    pub bind_account: String,
    /// What the servers' certificates are trusted by.
    pub trust: DirectoryTrust,
}

/// What a domain controller's certificate is trusted by; the operating system's store never is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DirectoryTrust {
    /// Certificates of these authorities (PEM), with the host name checked.
    Authorities {
        /// One or more PEM certificates.
        pem: String,
    },
    /// Exactly these keys, by the SHA-256 of their SubjectPublicKeyInfo; names and dates are not looked at.
    PinnedKeys {
        /// The accepted keys.
        keys: Vec<Digest>,
    },
}

/// What a client address may do at one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A certificate is asked for. The password form is offered beside it where `password` says so.
    Certificate {
        /// Whether the password form is offered, too.
        password: bool,
    },
    /// The password form.
    Password,
    /// Nothing: certificates only, and the address is in no range.
    Nothing,
}

impl Connection {
    /// What `address` may do here. With no authority there is nothing to ask a certificate of, so none is asked for.
    #[must_use]
    pub fn admission(&self, address: ClientAddress) -> Admission {
        let certificate = self.methods.certificate
            && !self.authorities.is_empty()
            && self.ranges.contains(address);
        match (certificate, self.methods.password) {
            (true, password) => Admission::Certificate { password },
            (false, true) => Admission::Password,
            (false, false) => Admission::Nothing,
        }
    }

    /// The authority with this key, if it is (still) one of the connection's.
    #[must_use]
    pub fn authority(&self, key: Digest) -> Option<&Authority> {
        self.authorities
            .iter()
            .find(|authority| authority.key == key)
    }
}
