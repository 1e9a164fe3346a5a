//! The token signing keys of a snapshot, prepared.
//!
//! **Invariant:** a token is verified with the key its `kid` names and that key's own algorithm, never with one the token
//! chose.

use domain::application::SigningAlgorithm;
use domain::configuration::TokenKey;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(test)]
mod tests;

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 64 << 10;

/// All keys of a snapshot.
pub struct TokenKeys {
    keys: Vec<PreparedKey>,
    published: JwkSet,
}

struct PreparedKey {
    key_id: String,
    algorithm: Algorithm,
    signing: EncodingKey,
    verifying: DecodingKey,
}

/// A signing key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKey {
    /// The private key is not one of its algorithm.
    #[error("token signing key `{key_id}` cannot be used")]
    Key {
        /// Which.
        key_id: String,
        /// What is wrong with it.
        #[source]
        source: jsonwebtoken::errors::Error,
    },
    /// Two keys of one name.
    #[error("there are two token signing keys `{0}`")]
    Repeated(String),
}

/// No token could be made.
#[derive(Debug, thiserror::Error)]
pub enum CannotSign {
    /// The snapshot has no key of that algorithm.
    #[error("there is no {0:?} signing key")]
    NoKey(SigningAlgorithm),
    /// Signing failed.
    #[error("a token could not be signed")]
    Failed(#[from] jsonwebtoken::errors::Error),
}

/// The text is no token of ours; why is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this issuer")]
pub struct NotOurs;

impl TokenKeys {
    /// Prepares the keys.
    ///
    /// # Errors
    /// When a key cannot be used, or two have one name.
    pub fn new(keys: &[TokenKey]) -> Result<Self, InvalidKey> {
        let mut prepared: Vec<PreparedKey> = Vec::new();
        let mut published = Vec::new();
        for key in keys {
            if prepared.iter().any(|other| other.key_id == key.key_id) {
                return Err(InvalidKey::Repeated(key.key_id.clone()));
            }
            let (key, jwk) = prepare(key).map_err(|source| InvalidKey::Key {
                key_id: key.key_id.clone(),
                source,
            })?;
            prepared.push(key);
            published.push(jwk);
        }
        Ok(Self {
            keys: prepared,
            published: JwkSet { keys: published },
        })
    }

    /// The public keys (RFC 7517 section 5).
    #[must_use]
    pub const fn published(&self) -> &JwkSet {
        &self.published
    }

    /// Whether a token of this algorithm can be signed.
    #[must_use]
    pub fn can_sign(&self, algorithm: SigningAlgorithm) -> bool {
        self.signing_key(algorithm).is_ok()
    }

    /// Signs `claims` with the first key of `algorithm`. `kind` becomes the header's `typ`.
    ///
    /// # Errors
    /// When there is no such key, or it fails.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        kind: &str,
        claims: &impl Serialize,
    ) -> Result<String, CannotSign> {
        let key = self.signing_key(algorithm)?;
        let mut header = Header::new(key.algorithm);
        header.typ = Some(kind.to_owned());
        header.kid = Some(key.key_id.clone());
        Ok(jsonwebtoken::encode(&header, claims, &key.signing)?)
    }

    /// The claims of a token that one of these keys signed, whatever its age or audience: that is the caller's to judge.
    ///
    /// # Errors
    /// [`NotOurs`], whatever is wrong with it.
    pub fn verify<T: DeserializeOwned>(&self, kind: &str, token: &str) -> Result<T, NotOurs> {
        if token.len() > MAX_TOKEN {
            return Err(NotOurs);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| NotOurs)?;
        if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(kind)) {
            return Err(NotOurs);
        }
        let key_id = header.kid.ok_or(NotOurs)?;
        let key = self
            .keys
            .iter()
            .find(|key| key.key_id == key_id)
            .ok_or(NotOurs)?;
        let mut validation = Validation::new(key.algorithm);
        // The library would ask the system's clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode(token, &key.verifying, &validation)
            .map(|token| token.claims)
            .map_err(|_| NotOurs)
    }

    fn signing_key(&self, algorithm: SigningAlgorithm) -> Result<&PreparedKey, CannotSign> {
        self.keys
            .iter()
            .find(|key| key.algorithm == library(algorithm))
            .ok_or(CannotSign::NoKey(algorithm))
    }
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_list()
            .entries(self.keys.iter().map(|key| &key.key_id))
            .finish()
    }
}

const fn library(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::RS256 => Algorithm::RS256,
    }
}

fn prepare(key: &TokenKey) -> Result<(PreparedKey, Jwk), jsonwebtoken::errors::Error> {
    let algorithm = library(key.algorithm);
    let signing = match key.algorithm {
        SigningAlgorithm::ES256 => EncodingKey::from_ec_der(key.private_key.expose()),
        // The library takes RSA keys as PKCS#1 or as PEM of PKCS#8, and only the latter keeps what we have.
        SigningAlgorithm::RS256 => {
            EncodingKey::from_rsa_pem(pem(key.private_key.expose()).as_bytes())?
        }
    };
    let mut jwk = Jwk::from_encoding_key(&signing, algorithm)?;
    jwk.common.key_id = Some(key.key_id.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let verifying = DecodingKey::from_jwk(&jwk)?;
    let prepared = PreparedKey {
        key_id: key.key_id.clone(),
        algorithm,
        signing,
        verifying,
    };
    Ok((prepared, jwk))
}

fn pem(pkcs8: &[u8]) -> zeroize::Zeroizing<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let body = zeroize::Zeroizing::new(STANDARD.encode(pkcs8));
    let mut text =
        zeroize::Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    for line in body.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}
