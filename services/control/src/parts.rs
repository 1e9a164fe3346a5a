//! The parts of a snapshot as control reads and writes them.
//!
//! control never rewrites a secret it was not asked to change: the sealed parts travel on byte by byte, so their blobs
//! stay the same from revision to revision.
//!
//! **Invariant:** secrets leave this module sealed for one role, under the part's name.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use domain::configuration::{Configuration, DirectorySecrets, GatewaySecrets, part};
use domain::seal::{Purpose, SealKeys};
use runtime::random::{self, Randomness};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::change::validity;
use crate::initial::FirstRevision;

/// The blobs of a snapshot by the name of their part.
pub type Parts = BTreeMap<String, Bytes>;

/// The keys that each role's secrets are sealed with. control alone has them all.
pub struct RoleSeals {
    /// Of [`part::GATEWAY_SECRETS`].
    pub gateway: SealKeys,
    /// Of [`part::DIRECTORY_SECRETS`].
    pub directory: SealKeys,
}

impl fmt::Debug for RoleSeals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RoleSeals([redacted])")
    }
}

/// control's own view of a snapshot. Clones are cheap.
#[derive(Debug, Clone)]
pub struct View {
    /// The public part.
    pub configuration: Arc<Configuration>,
    /// Every part as it came, for the next revision.
    parts: Parts,
}

/// A part that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the part `{part}` of the configuration: {why}")]
pub struct PartError {
    part: &'static str,
    why: String,
}

/// Reads a snapshot, with every part that control may have to hand on.
///
/// # Errors
/// In words, when a part is missing, damaged, sealed with another key, or does not hold together as a whole.
pub fn decode(parts: &Parts, seals: &RoleSeals) -> Result<View, String> {
    let public = parts
        .get(part::CONFIGURATION)
        .ok_or_else(|| format!("the part `{}` is missing", part::CONFIGURATION))?;
    let configuration: Configuration = serde_json::from_slice(public)
        .map_err(|error| format!("the part `{}` cannot be read: {error}", part::CONFIGURATION))?;
    let problems = validity::problems(&configuration);
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    opened::<GatewaySecrets>(parts, part::GATEWAY_SECRETS, &seals.gateway)?;
    opened::<DirectorySecrets>(parts, part::DIRECTORY_SECRETS, &seals.directory)?;
    Ok(View {
        configuration: Arc::new(configuration),
        parts: parts.clone(),
    })
}

/// The parts of a first revision.
///
/// # Errors
/// When a part cannot be written or sealed.
pub fn first(
    revision: &FirstRevision,
    seals: &RoleSeals,
    randomness: &dyn Randomness,
) -> Result<Parts, PartError> {
    let sealed = |name, secrets, keys| sealed(name, secrets, keys, randomness);
    let gateway = json(part::GATEWAY_SECRETS, &revision.gateway)?;
    let directory = json(part::DIRECTORY_SECRETS, &revision.directory)?;
    Ok(Parts::from([
        public(&revision.configuration)?,
        sealed(part::GATEWAY_SECRETS, &gateway, &seals.gateway)?,
        sealed(part::DIRECTORY_SECRETS, &directory, &seals.directory)?,
    ]))
}

impl View {
    /// The parts of the next revision: this one's with another public part.
    ///
    /// # Errors
    /// When the public part cannot be written.
    pub fn with(&self, configuration: &Configuration) -> Result<Parts, PartError> {
        let mut parts = self.parts.clone();
        parts.extend([public(configuration)?]);
        Ok(parts)
    }
}

fn public(configuration: &Configuration) -> Result<(String, Bytes), PartError> {
    let mut plain = json(part::CONFIGURATION, configuration)?;
    let plain = std::mem::take(&mut *plain);
    Ok((part::CONFIGURATION.to_owned(), plain.into()))
}

fn json(part: &'static str, value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, PartError> {
    serde_json::to_vec(value)
        .map(Zeroizing::new)
        .map_err(|error| PartError {
            part,
            why: error.to_string(),
        })
}

fn sealed(
    part: &'static str,
    plain: &[u8],
    keys: &SealKeys,
    randomness: &dyn Randomness,
) -> Result<(String, Bytes), PartError> {
    let failed = |why: String| PartError { part, why };
    let nonce = random::bytes(randomness).map_err(|error| failed(error.to_string()))?;
    let sealed = keys
        .seal(Purpose::Secrets, part, plain, nonce)
        .map_err(|error| failed(error.to_string()))?;
    Ok((part.to_owned(), sealed.into()))
}

fn opened<T: serde::de::DeserializeOwned>(
    parts: &Parts,
    part: &str,
    keys: &SealKeys,
) -> Result<T, String> {
    let sealed = parts
        .get(part)
        .ok_or_else(|| format!("the part `{part}` is missing"))?;
    let plain = keys.open(Purpose::Secrets, part, sealed).map_err(|_| {
        format!("the part `{part}` was sealed with another key than control has for that role")
    })?;
    serde_json::from_slice(&plain).map_err(|_| format!("the part `{part}` cannot be read"))
}
