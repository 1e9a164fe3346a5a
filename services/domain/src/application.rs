//! Applications: the OpenID Connect clients people sign in to.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::connection::{ConnectionName, InvalidIdentifier, identifier};
use crate::digest::Digest;

/// An application's `client_id`: 1 to 64 letters, digits, `-`, `_` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

impl ClientId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        identifier(text).map(Self)
    }
}

impl TryFrom<String> for ClientId {
    type Error = InvalidIdentifier;

    fn try_from(text: String) -> Result<Self, InvalidIdentifier> {
        text.parse()
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The algorithm of an application's ID tokens (RFC 7518 section 3.1).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum SigningAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    #[default]
    ES256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
}

/// One registered application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its `client_id`.
    pub client_id: ClientId,
    /// What people are shown.
    pub name: String,
    /// SHA-256 of its generated, 256-bit client secret; `None` for a public client, which proves itself by PKCE alone.
    pub secret: Option<Digest>,
    /// Redirect URIs, compared byte by byte.
    pub redirect_uris: BTreeSet<String>,
    /// Where people may be sent after signing out, compared byte by byte.
    #[serde(default)]
    pub post_logout_redirect_uris: BTreeSet<String>,
    /// The connections people may use for it; empty means none.
    pub connections: BTreeSet<ConnectionName>,
    /// The algorithm of its ID tokens.
    #[serde(default)]
    pub id_token_algorithm: SigningAlgorithm,
}
