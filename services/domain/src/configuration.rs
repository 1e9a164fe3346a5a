//! The content of a snapshot: everything that changes while Postern runs.
//!
//! The public part goes to every role. Secrets are parts of their own, sealed for the one role that uses them.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::application::{Application, ClientId, SigningAlgorithm};
use crate::connection::{Connection, ConnectionName};
use crate::digest::Digest;

/// Names of the snapshot's parts (blobs of the manifest).
pub mod part {
    /// [`super::Configuration`] as JSON.
    pub const CONFIGURATION: &str = "configuration";
    /// [`super::GatewaySecrets`] as JSON, sealed for the gateway role.
    pub const GATEWAY_SECRETS: &str = "secrets.gateway";
    /// [`super::DirectorySecrets`] as JSON, sealed for the directory role.
    pub const DIRECTORY_SECRETS: &str = "secrets.directory";
}

/// The public part of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Connections by name.
    pub connections: BTreeMap<ConnectionName, Connection>,
    /// Applications by client id.
    pub applications: BTreeMap<ClientId, Application>,
    /// Server certificates of the front door.
    pub server_certificates: Vec<ServerCertificate>,
}

/// A server certificate without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCertificate {
    /// SHA-256 of the leaf; names the private key in [`GatewaySecrets::server_keys`].
    pub fingerprint: Digest,
    /// Host names it is for, lower case; `*.` stands for exactly one label.
    pub hosts: Vec<String>,
    /// The chain, DER, leaf first.
    pub chain: Vec<CertificateBytes>,
}

/// One DER certificate inside the configuration; base64 in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CertificateBytes(#[serde(with = "base64_bytes")] pub Bytes);

/// What only gateways may read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GatewaySecrets {
    /// PKCS#8 private keys of the server certificates, by the certificate's fingerprint.
    pub server_keys: BTreeMap<Digest, SecretBytes>,
    /// Token signing keys; the first of each algorithm signs, all are published.
    pub signing_keys: Vec<TokenKey>,
    /// Keys of cookies, transactions and codes; the first seals, all open. At most two.
    pub cookie_keys: Vec<SecretBytes>,
}

/// One token signing key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenKey {
    /// The `kid` in token headers and in the key set.
    pub key_id: String,
    /// Its algorithm.
    pub algorithm: SigningAlgorithm,
    /// The private key, PKCS#8 DER.
    pub private_key: SecretBytes,
}

/// What only the directory service may read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DirectorySecrets {
    /// Passwords of the bind accounts, UTF-8, by connection.
    pub bind_passwords: BTreeMap<ConnectionName, SecretBytes>,
}

/// Secret bytes: never printed, wiped when dropped; base64 in JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretBytes(#[serde(with = "base64_secret")] Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes into keeping.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one place that uses them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Base64 in JSON for public bytes.
pub(crate) mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(D::Error::custom)
    }
}

/// Base64 in JSON for secret bytes; the text in between is wiped, too.
mod base64_secret {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Zeroizing<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(bytes.as_slice())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Zeroizing<Vec<u8>>, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        STANDARD
            .decode(text.as_bytes())
            .map(Zeroizing::new)
            .map_err(D::Error::custom)
    }
}
