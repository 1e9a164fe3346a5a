//! Sealed values: what goes out to a browser, an application or the bus and must come back unread and unchanged.
//!
//! AES-256-GCM-SIV (RFC 8452), so that a repeated nonce would cost nothing but the knowledge that two values are equal.
//! The text is base64url of `key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. Purpose, host and key id are authenticated
//! with it, so a value sealed for one place opens in no other.
//!
//! **Invariant:** a value that does not open says nothing about why.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::digest::Digest;

#[cfg(test)]
mod tests;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes of the nonce a caller draws for every seal.
pub const NONCE_BYTES: usize = 12;
/// Longest sealed text that is looked at: a cookie or URL parameter, never a document.
pub const MAX_SEALED_TEXT: usize = 16 << 10;

const KEY_ID_BYTES: usize = 4;

/// What a sealed value is for. Its text is authenticated with the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The `tx` parameter.
    Transaction,
    /// The `r` parameter.
    CertificateResult,
    /// The session cookie.
    Session,
    /// An authorization code.
    Code,
    /// Secrets of one role inside a snapshot.
    Secrets,
}

impl Purpose {
    const fn text(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::CertificateResult => "certificate-result",
            Self::Session => "session",
            Self::Code => "code",
            Self::Secrets => "secrets",
        }
    }
}

/// The value cannot be opened: not sealed by these keys, for this purpose and host, or changed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value cannot be opened")]
pub struct CannotOpen;

/// A key, or the sealing itself, that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not [`KEY_BYTES`] long, or no key at all.
    #[error("a seal key has {KEY_BYTES} bytes, and there must be one or two of them")]
    Key,
    /// The cipher refused (a value beyond its limits).
    #[error("the value cannot be sealed")]
    Cipher,
}

/// The keys of one use: the first seals, all open. Two generations, so that keys can change while values are out.
pub struct SealKeys {
    keys: Vec<(Digest, LessSafeKey)>,
}

impl SealKeys {
    /// Takes one or two keys, the sealing one first.
    ///
    /// # Errors
    /// When a key has the wrong length, or there are none or more than two.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, SealError> {
        let keys = keys
            .into_iter()
            .map(|bytes| {
                let key = UnboundKey::new(&AES_256_GCM_SIV, bytes).map_err(|_| SealError::Key)?;
                Ok((key_digest(bytes), LessSafeKey::new(key)))
            })
            .collect::<Result<Vec<_>, SealError>>()?;
        if (1..=2).contains(&keys.len()) {
            Ok(Self { keys })
        } else {
            Err(SealError::Key)
        }
    }

    /// Seals `plain` for one purpose and place. `nonce` must be drawn afresh.
    ///
    /// # Errors
    /// When the cipher refuses.
    pub fn seal(
        &self,
        purpose: Purpose,
        host: &str,
        plain: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, SealError> {
        let (digest, key) = self.keys.first().ok_or(SealError::Key)?;
        let key_id = key_id(digest);
        let mut body = plain.to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            associated(purpose, host, key_id),
            &mut body,
        )
        .map_err(|_| SealError::Cipher)?;
        Ok([key_id.as_slice(), &nonce, &body].concat())
    }

    /// Opens what [`Self::seal`] made for the same purpose and host.
    ///
    /// # Errors
    /// [`CannotOpen`], whatever is wrong with it.
    pub fn open(
        &self,
        purpose: Purpose,
        host: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (key_id_sent, rest) = sealed
            .split_first_chunk::<KEY_ID_BYTES>()
            .ok_or(CannotOpen)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
        let (_, key) = self
            .keys
            .iter()
            .find(|(digest, _)| key_id(digest) == *key_id_sent)
            .ok_or(CannotOpen)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                associated(purpose, host, *key_id_sent),
                &mut body,
            )
            .map_err(|_| CannotOpen)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// [`Self::seal`] as base64url text, for URLs and cookies.
    ///
    /// # Errors
    /// When the cipher refuses.
    pub fn seal_text(
        &self,
        purpose: Purpose,
        host: &str,
        plain: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<String, SealError> {
        self.seal(purpose, host, plain, nonce)
            .map(|sealed| URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`Self::seal_text`] made.
    ///
    /// # Errors
    /// [`CannotOpen`], whatever is wrong with it.
    pub fn open_text(
        &self,
        purpose: Purpose,
        host: &str,
        text: &str,
    ) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        if text.len() > MAX_SEALED_TEXT {
            return Err(CannotOpen);
        }
        self.open(
            purpose,
            host,
            &URL_SAFE_NO_PAD.decode(text).map_err(|_| CannotOpen)?,
        )
    }
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SealKeys({} generations)", self.keys.len())
    }
}

/// Keys are told apart by a hash of themselves, under a label of its own so that it is of no other use.
fn key_digest(key: &[u8]) -> Digest {
    let labelled = Zeroizing::new([b"postern seal key id\0".as_slice(), key].concat());
    Digest::of(&labelled)
}

fn key_id(digest: &Digest) -> [u8; KEY_ID_BYTES] {
    let [a, b, c, d, ..] = *digest.as_bytes();
    [a, b, c, d]
}

fn associated(purpose: Purpose, host: &str, key_id: [u8; KEY_ID_BYTES]) -> Aad<Vec<u8>> {
    Aad::from(
        [
            purpose.text().as_bytes(),
            b"\0",
            host.as_bytes(),
            b"\0",
            &key_id,
        ]
        .concat(),
    )
}
