//! Applications: the OpenID Connect clients people sign in to.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::connection::{ConnectionName, InvalidIdentifier, identifier};
use crate::digest::Digest;

#[cfg(test)]
mod tests;

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

/// The origin of a page whose scripts may sign people in: `https://app.example.com`, with the port where it is not 443.
///
/// Written as browsers write it (RFC 6454 section 6.2), so that it can be compared byte by byte. `http` is taken for the
/// loopback only, where developers work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

/// Text that is no [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// Not a scheme, a host and perhaps a port, as browsers write them.
    #[error(
        "must be an origin as browsers write it, like https://app.example.com or https://app.example.com:8443: lower case, without a path or a slash at the end"
    )]
    NotAnOrigin,
    /// Plain http to another machine.
    #[error("must begin with https:// (http:// is accepted for localhost only)")]
    NotSecure,
}

/// Longest origin in bytes: a host name of 253, and what is around it.
const MAX_ORIGIN: usize = 272;

impl Origin {
    /// The origin as browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text.len() > MAX_ORIGIN {
            return Err(InvalidOrigin::NotAnOrigin);
        }
        let url = Url::parse(text).map_err(|_| InvalidOrigin::NotAnOrigin)?;
        let is_origin = matches!(url.scheme(), "https" | "http")
            && url.origin().ascii_serialization() == text
            // URLs may have hosts that no browser finds anything at: an asterisk would look like a pattern.
            && !text.contains(|each: char| !each.is_ascii_alphanumeric() && !":/.-_[]".contains(each));
        if !is_origin {
            return Err(InvalidOrigin::NotAnOrigin);
        }
        if url.scheme() == "https" || is_loopback(&url) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidOrigin::NotSecure)
        }
    }
}

/// Whether browsers never leave the machine for it (W3C Secure Contexts section 3.1).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
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
    /// Origins whose pages may sign people in with a popup (`response_mode=web_message`) and read tokens by script.
    #[serde(default)]
    pub origins: BTreeSet<Origin>,
    /// The connections people may use for it; empty means none.
    pub connections: BTreeSet<ConnectionName>,
    /// The algorithm of its ID tokens.
    #[serde(default)]
    pub id_token_algorithm: SigningAlgorithm,
}
