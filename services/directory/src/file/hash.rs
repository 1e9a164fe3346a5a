//! Salted password hashes: PBKDF2 with HMAC-SHA-256 (RFC 8018 section 5.2).
//!
//! **Invariant:** a hash that is read from a file costs at least as much to try as one made here, and at most ten times.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use runtime::random::{self, Randomness, RandomnessUnavailable};
use serde::{Deserialize, Serialize};

use crate::password::Password;

/// Rounds of a new hash (OWASP Password Storage Cheat Sheet, 2023).
pub const ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();
/// Most rounds that are worked for a file.
const MAX_ROUNDS: u32 = ROUNDS.get() * 10;

/// The hash of one password. Text form: `pbkdf2-sha256$rounds$salt$hash`, base64 without padding.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash {
    rounds: NonZeroU32,
    salt: [u8; 16],
    hash: [u8; 32],
}

/// Text that is no hash made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a password hash of the form pbkdf2-sha256$rounds$salt$hash")]
pub struct InvalidHash;

impl PasswordHash {
    /// The hash of `password` with a fresh salt. Takes a fraction of a second.
    ///
    /// # Errors
    /// When there is no randomness for the salt.
    pub fn new(
        password: &Password,
        randomness: &(impl Randomness + ?Sized),
    ) -> Result<Self, RandomnessUnavailable> {
        let salt: [u8; 16] = random::bytes(randomness)?;
        let mut hash = [0; 32];
        let secret = password.expose().as_bytes();
        pbkdf2::derive(PBKDF2_HMAC_SHA256, ROUNDS, &salt, secret, &mut hash);
        Ok(Self {
            rounds: ROUNDS,
            salt,
            hash,
        })
    }

    /// A hash that no password has, and that costs as much to try as any other.
    #[must_use]
    pub const fn of_nobody() -> Self {
        Self {
            rounds: ROUNDS,
            salt: [0; 16],
            hash: [0; 32],
        }
    }

    /// Whether it is the hash of `password`; compares in constant time. Takes a fraction of a second.
    #[must_use]
    pub fn is_of(&self, password: &Password) -> bool {
        let secret = password.expose().as_bytes();
        pbkdf2::verify(
            PBKDF2_HMAC_SHA256,
            self.rounds,
            &self.salt,
            secret,
            &self.hash,
        )
        .is_ok()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = InvalidHash;

    fn try_from(text: String) -> Result<Self, InvalidHash> {
        let mut parts = text.split('$');
        let (Some("pbkdf2-sha256"), Some(rounds), Some(salt), Some(hash), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(InvalidHash);
        };
        let rounds = rounds.parse::<NonZeroU32>().map_err(|_| InvalidHash)?;
        if !(ROUNDS.get()..=MAX_ROUNDS).contains(&rounds.get()) {
            return Err(InvalidHash);
        }
        Ok(Self {
            rounds,
            salt: decoded(salt)?,
            hash: decoded(hash)?,
        })
    }
}

fn decoded<const N: usize>(text: &str) -> Result<[u8; N], InvalidHash> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| InvalidHash)?;
    bytes.try_into().map_err(|_| InvalidHash)
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        let PasswordHash { rounds, salt, hash } = hash;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        format!("pbkdf2-sha256${rounds}${salt}${hash}")
    }
}
