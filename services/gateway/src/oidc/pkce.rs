//! Proof Key for Code Exchange (RFC 7636), S256 only.
//!
//! **Invariant:** a challenge is 32 bytes; there is no `plain`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::digest::Digest;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// An S256 challenge: the SHA-256 of a verifier that its application keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(Digest);

/// Text that is no S256 challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("code_challenge must be the base64url SHA-256 of the verifier, 43 characters")]
pub struct InvalidChallenge;

impl Challenge {
    /// Whether `verifier` (43 to 128 unreserved characters) is the one this challenge was made of.
    #[must_use]
    pub fn is_answered_by(self, verifier: &str) -> bool {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        (43..=128).contains(&verifier.len())
            && verifier.bytes().all(unreserved)
            && aws_lc_rs::constant_time::verify_slices_are_equal(
                self.0.as_bytes(),
                Digest::of(verifier.as_bytes()).as_bytes(),
            )
            .is_ok()
    }
}

impl std::fmt::Display for Challenge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

impl std::str::FromStr for Challenge {
    type Err = InvalidChallenge;

    fn from_str(text: &str) -> Result<Self, InvalidChallenge> {
        if text.len() != 43 {
            return Err(InvalidChallenge);
        }
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(|bytes| Self(Digest::from_bytes(bytes)))
            .ok_or(InvalidChallenge)
    }
}
