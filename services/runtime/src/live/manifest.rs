//! What a snapshot consists of.
//!
//! **Invariant:** a [`SignedManifest`] exists only after its signature and
//! every bound were checked.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Digest, NotTrusted, Purpose, SigningKey, TrustedKeys};
use crate::bus::{BLOB_LIMIT, VALUE_LIMIT};

/// The largest manifest, in bytes.
pub const MANIFEST_LIMIT: usize = 1 << 20;

/// The most blobs of one manifest.
pub const MANIFEST_BLOBS: usize = 10_000;

/// The longest name, author or critical extension, in bytes.
const NAME_LIMIT: usize = 256;

/// The longest reason, in bytes.
const REASON_LIMIT: usize = 4096;

/// A snapshot: its number, where it comes from, and its content by hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The snapshot's number; from 1, never reused, never backwards.
    pub revision: u64,
    /// The digest of the manifest it was made from; none for the first.
    pub parent: Option<Digest>,
    /// When control made it, in seconds since 1970.
    pub created_at: u64,
    /// Who made it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// The content, by the name under which decoders look for it.
    pub blobs: BTreeMap<String, BlobReference>,
    /// Extensions without which this snapshot must not be used.
    #[serde(default)]
    pub critical: Vec<String>,
}

/// A blob as a manifest names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobReference {
    /// The SHA-256 of its content, which is also its name on the bus.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl BlobReference {
    /// The reference to `content`.
    pub fn of(content: &[u8]) -> Self {
        Self {
            digest: Digest::of(content),
            size: content.len() as u64,
        }
    }

    /// Whether `content` is what is meant.
    pub fn is(&self, content: &[u8]) -> bool {
        content.len() as u64 == self.size && Digest::of(content) == self.digest
    }
}

/// A manifest that a trusted key signed, with the bytes that prove it.
#[derive(Debug, Clone)]
pub struct SignedManifest {
    /// The manifest.
    pub manifest: Manifest,
    /// The SHA-256 of the manifest's exact bytes.
    pub digest: Digest,
    /// The travelling form.
    pub(crate) signed: Bytes,
}

impl SignedManifest {
    /// Reads and checks the travelling form.
    ///
    /// # Errors
    /// When no trusted key signed it, or it is past a bound.
    pub fn open(signed: Bytes, keys: &TrustedKeys) -> Result<Self, ManifestInvalid> {
        if signed.len() > VALUE_LIMIT {
            return Err(ManifestInvalid::TooLarge("manifest"));
        }
        let payload = keys.open(Purpose::Manifest, &signed)?;
        let manifest = checked(&payload)?;
        Ok(Self {
            manifest,
            digest: Digest::of(&payload),
            signed,
        })
    }

    /// Signs a manifest.
    ///
    /// # Errors
    /// When it is past a bound.
    pub fn sign(manifest: &Manifest, key: &SigningKey) -> Result<Self, ManifestInvalid> {
        let payload = serde_json::to_vec(manifest).map_err(ManifestInvalid::Malformed)?;
        // Read back, so that what is signed is what every reader will accept.
        let manifest = checked(&payload)?;
        let digest = Digest::of(&payload);
        let signed = key.sign(Purpose::Manifest, payload).to_bytes().into();
        Ok(Self {
            manifest,
            digest,
            signed,
        })
    }
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestInvalid {
    /// No trusted key signed it.
    #[error("the manifest is not trusted")]
    NotTrusted(#[from] NotTrusted),
    /// The signed bytes are not a manifest.
    #[error("the manifest cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// A bound was passed.
    #[error("the {0} is too large")]
    TooLarge(&'static str),
    /// A value no manifest may have.
    #[error("the manifest has no valid {0}")]
    Missing(&'static str),
}

fn checked(payload: &[u8]) -> Result<Manifest, ManifestInvalid> {
    let bounded = |name: &'static str, size: usize, limit: usize| {
        if size > limit {
            return Err(ManifestInvalid::TooLarge(name));
        }
        Ok(())
    };
    bounded("manifest", payload.len(), MANIFEST_LIMIT)?;
    let manifest: Manifest = serde_json::from_slice(payload).map_err(ManifestInvalid::Malformed)?;
    if manifest.revision == 0 {
        return Err(ManifestInvalid::Missing("revision"));
    }
    bounded("author", manifest.author.len(), NAME_LIMIT)?;
    bounded("reason", manifest.reason.len(), REASON_LIMIT)?;
    bounded("number of blobs", manifest.blobs.len(), MANIFEST_BLOBS)?;
    for (name, blob) in &manifest.blobs {
        bounded("name of a blob", name.len(), NAME_LIMIT)?;
        let size = usize::try_from(blob.size).unwrap_or(usize::MAX);
        bounded("size of a blob", size, BLOB_LIMIT)?;
    }
    for critical in &manifest.critical {
        bounded("name of an extension", critical.len(), NAME_LIMIT)?;
    }
    Ok(manifest)
}
