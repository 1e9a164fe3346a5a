//! The bearer token of the admin API.
//!
//! 256 random bits, made at first start and written where its owner can fetch it. The folder keeps the token's hash
//! apart: once the token is in a safe place its file may be removed, and the API goes on taking it.
//!
//! **Invariant:** tokens are compared by their hashes, in constant time, and never logged.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::digest::Digest;
use runtime::private_files::{self, PRIVATE, PrivateFileError};
use runtime::random::{self, Randomness, RandomnessUnavailable};
use zeroize::Zeroizing;

/// The token's file in the data folder.
pub const TOKEN_FILE: &str = "admin-token";
/// The file of its hash.
pub const HASH_FILE: &str = "admin-token.sha256";

/// What tokens begin with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "postern_admin_";
const LARGEST_FILE: usize = 1024;

/// The token that is accepted, by its hash.
#[derive(Clone)]
pub struct AdminToken {
    hash: Digest,
}

/// The token cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A file of it cannot be read or written.
    #[error("failed to keep the admin token")]
    File(#[from] PrivateFileError),
    /// No randomness for a new one.
    #[error("failed to make the admin token")]
    Randomness(#[from] RandomnessUnavailable),
    /// A file holds something else.
    #[error("{} does not hold {what}; remove it, and a new token is made at the next start", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
    },
}

impl AdminToken {
    /// The token of this data folder; makes one where there is none.
    ///
    /// # Errors
    /// [`TokenError`], with what to do.
    pub fn of_folder(folder: &Path, randomness: &dyn Randomness) -> Result<Self, TokenError> {
        let (token_path, hash_path) = (folder.join(TOKEN_FILE), folder.join(HASH_FILE));
        let damaged = |path: &PathBuf, what| TokenError::Damaged {
            path: path.clone(),
            what,
        };
        if hash_path.exists() {
            let text = private_files::read(&hash_path, LARGEST_FILE)?;
            let hash = std::str::from_utf8(&text)
                .ok()
                .and_then(|text| text.trim().parse().ok());
            return hash
                .map(|hash| Self { hash })
                .ok_or_else(|| damaged(&hash_path, "the hash of an admin token"));
        }
        let hash = if token_path.exists() {
            let text = private_files::read(&token_path, LARGEST_FILE)?;
            let token = text.trim_ascii();
            if token.len() < 32 || !token.iter().all(u8::is_ascii_graphic) {
                return Err(damaged(&token_path, "an admin token"));
            }
            Digest::of(token)
        } else {
            let drawn = Zeroizing::new(random::bytes::<32>(randomness)?);
            let token = Zeroizing::new(format!(
                "{PREFIX}{}",
                URL_SAFE_NO_PAD.encode(drawn.as_slice())
            ));
            private_files::write_atomically(&token_path, token.as_bytes(), PRIVATE)?;
            tracing::info!(file = %token_path.display(), "an admin token was made");
            Digest::of(token.as_bytes())
        };
        private_files::write_atomically(&hash_path, hash.to_string().as_bytes(), PRIVATE)?;
        Ok(Self { hash })
    }

    /// Whether this is the token.
    #[must_use]
    pub fn accepts(&self, token: &[u8]) -> bool {
        verify_slices_are_equal(self.hash.as_bytes(), Digest::of(token).as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AdminToken([redacted])")
    }
}
