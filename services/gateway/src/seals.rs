//! The gateway's sealed values: one purpose per type, all sealed for the login host's name.
//!
//! **Invariant:** a type opens only as what it was sealed as; why a value did not open is not told.

use domain::seal::{CannotOpen, NONCE_BYTES, Purpose, SealKeys};
use runtime::random::{self, Randomness};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(test)]
mod tests;

/// A value that travels sealed.
pub(crate) trait Sealed: Serialize + DeserializeOwned {
    /// What it is for.
    const PURPOSE: Purpose;
}

/// A value that could not be sealed: no randomness, or over the cipher's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value could not be sealed")]
pub(crate) struct CannotSeal;

/// Seals `value` as text for a URL or cookie.
///
/// # Errors
/// When there is no randomness for the nonce.
pub(crate) fn seal<T: Sealed>(
    keys: &SealKeys,
    host: &str,
    value: &T,
    randomness: &dyn Randomness,
) -> Result<String, CannotSeal> {
    let plain = serde_json::to_vec(value).map_err(|_| CannotSeal)?;
    let nonce: [u8; NONCE_BYTES] = random::bytes(randomness).map_err(|_| CannotSeal)?;
    keys.seal_text(T::PURPOSE, host, &plain, nonce)
        .map_err(|_| CannotSeal)
}

/// Opens what [`seal`] made of a `T`.
///
/// # Errors
/// [`CannotOpen`], whatever is wrong with it.
pub(crate) fn open<T: Sealed>(keys: &SealKeys, host: &str, text: &str) -> Result<T, CannotOpen> {
    let plain = keys.open_text(T::PURPOSE, host, text)?;
    serde_json::from_slice(&plain).map_err(|_| CannotOpen)
}
