//! Ed25519 signatures over what control says.
//!
//! A signature covers a purpose and the payload, so that a freshness can never
//! pass as a manifest. Keys are files in the common forms (PKCS#8 and
//! SubjectPublicKeyInfo, RFC 8410, as PEM), which `openssl pkey` can read.
//!
//! **Invariant:** a payload leaves [`TrustedKeys::open`] only after its
//! signature was verified, and private keys are never shown.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::Digest;
use crate::random::{self, Randomness, RandomnessUnavailable};

/// What comes before the seed in an Ed25519 private key (RFC 8410, section 7).
const PRIVATE_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What comes before the point in an Ed25519 public key (RFC 8410, section 4).
const PUBLIC_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// What a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A snapshot's manifest.
    Manifest,
    /// A statement that a snapshot is still the newest.
    Freshness,
}

impl Purpose {
    fn prefix(self) -> &'static [u8] {
        match self {
            Self::Manifest => b"postern snapshot manifest v1\0",
            Self::Freshness => b"postern snapshot freshness v1\0",
        }
    }
}

/// A payload and its signature, as they travel: one JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The exact bytes that were signed.
    #[serde(with = "in_base64")]
    pub payload: Vec<u8>,
    /// Which key signed.
    pub key_id: String,
    /// The signature over purpose and payload, 64 bytes.
    #[serde(with = "in_base64")]
    pub signature: Vec<u8>,
}

impl Signed {
    /// The travelling form.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and base64 only: this serialisation cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The key that signs. Its `Debug` shows the key's id only.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
    id: String,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// When `randomness` gives no bytes.
    pub fn generate(
        randomness: &(impl Randomness + ?Sized),
    ) -> Result<Self, RandomnessUnavailable> {
        let seed = Zeroizing::new(random::bytes::<32>(randomness)?);
        // Every 32 bytes are an Ed25519 seed, so this fails only with aws-lc.
        Self::from_seed(seed).map_err(|_| RandomnessUnavailable)
    }

    /// Reads a key as [`to_pem`](Self::to_pem) writes it (`openssl genpkey
    /// -algorithm ed25519` writes the same).
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyInvalid> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(KeyInvalid::Pem)?;
        let seed = key.secret_pkcs8_der().strip_prefix(&PRIVATE_PREFIX);
        let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        Self::from_seed(Zeroizing::new(seed.ok_or(KeyInvalid::NotEd25519)?))
    }

    /// The private key as PEM, for a private file.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let mut der = Zeroizing::new(PRIVATE_PREFIX.to_vec());
        der.extend_from_slice(&*self.seed);
        Zeroizing::new(pem("PRIVATE KEY", &der))
    }

    /// The public key as PEM, for every instance.
    pub fn public_pem(&self) -> String {
        let mut der = PUBLIC_PREFIX.to_vec();
        der.extend_from_slice(self.pair.public_key().as_ref());
        pem("PUBLIC KEY", &der)
    }

    /// The key's id: the first half of the SHA-256 of the public key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Signs.
    pub fn sign(&self, purpose: Purpose, payload: Vec<u8>) -> Signed {
        let signature = self.pair.sign(&signed_bytes(purpose, &payload));
        Signed {
            payload,
            key_id: self.id.clone(),
            signature: signature.as_ref().to_vec(),
        }
    }

    fn from_seed(seed: Zeroizing<[u8; 32]>) -> Result<Self, KeyInvalid> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed);
        let pair = pair.map_err(|_| KeyInvalid::NotEd25519)?;
        let id = key_id(pair.public_key().as_ref());
        Ok(Self { seed, pair, id })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.id)
    }
}

/// The one or two public keys that are believed; two while a key is changed.
#[derive(Debug, Clone)]
pub struct TrustedKeys(Vec<TrustedKey>);

#[derive(Debug, Clone)]
struct TrustedKey {
    id: String,
    point: Vec<u8>,
}

impl TrustedKeys {
    /// Reads one or two public keys, as [`SigningKey::public_pem`] writes
    /// them, one after the other.
    ///
    /// # Errors
    /// When there are none, more than two, or something else.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyInvalid> {
        let mut keys = Vec::new();
        for key in SubjectPublicKeyInfoDer::pem_slice_iter(pem) {
            let key = key.map_err(KeyInvalid::Pem)?;
            let point = key.strip_prefix(&PUBLIC_PREFIX);
            let point = point.filter(|point| point.len() == 32);
            let point = point.ok_or(KeyInvalid::NotEd25519)?.to_vec();
            keys.push(TrustedKey {
                id: key_id(&point),
                point,
            });
        }
        if !(1..=2).contains(&keys.len()) {
            return Err(KeyInvalid::Count { found: keys.len() });
        }
        Ok(Self(keys))
    }

    /// Trust in one key: for the process that holds it.
    pub fn of(key: &SigningKey) -> Self {
        Self(vec![TrustedKey {
            id: key.id.clone(),
            point: key.pair.public_key().as_ref().to_vec(),
        }])
    }

    /// The payload, if a trusted key signed it for this purpose.
    ///
    /// # Errors
    /// When it is not signed so, or `bytes` is not a [`Signed`].
    pub fn open(&self, purpose: Purpose, bytes: &[u8]) -> Result<Vec<u8>, NotTrusted> {
        let signed: Signed = serde_json::from_slice(bytes).map_err(NotTrusted::Unreadable)?;
        let key = self.0.iter().find(|key| key.id == signed.key_id);
        let key = key.ok_or(NotTrusted::UnknownKey)?;
        let message = signed_bytes(purpose, &signed.payload);
        UnparsedPublicKey::new(&ED25519, &key.point)
            .verify(&message, &signed.signature)
            .map_err(|_| NotTrusted::BadSignature)?;
        Ok(signed.payload)
    }
}

/// Why something was not believed.
#[derive(Debug, thiserror::Error)]
pub enum NotTrusted {
    /// Not the travelling form of a signature.
    #[error("it is not signed content")]
    Unreadable(#[source] serde_json::Error),
    /// Signed by a key that is not trusted here.
    #[error("the key that signed it is not trusted")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    BadSignature,
}

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyInvalid {
    /// Not PEM, or not a key.
    #[error("the key is not readable PEM")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// Another kind of key.
    #[error("the key is not an Ed25519 key")]
    NotEd25519,
    /// None, or too many.
    #[error("one or two public keys are wanted and {found} are there")]
    Count {
        /// How many there are.
        found: usize,
    },
}

fn signed_bytes(purpose: Purpose, payload: &[u8]) -> Vec<u8> {
    [purpose.prefix(), payload].concat()
}

fn key_id(point: &[u8]) -> String {
    Digest::of(point).to_string().chars().take(32).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    // Ed25519 keys fit one line of base64.
    let mut body = STANDARD.encode(der);
    let pem = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    body.zeroize();
    pem
}

mod in_base64 {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
