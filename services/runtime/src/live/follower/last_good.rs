//! The last good snapshot on this instance's own disk.
//!
//! **Invariant:** the head is written after all its blobs, so a head on disk
//! is complete unless the disk is damaged; and it is trusted no more than the
//! bus is: everything is checked again when it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::Bytes;

use crate::bus::VALUE_LIMIT;
use crate::live::store::{BlobStore, read_if_there};
use crate::live::{BlobReference, SignedManifest};
use crate::private_files::{self, PRIVATE, PrivateFileError};

/// The folder of one instance.
#[derive(Debug, Clone)]
pub(super) struct LastGood {
    folder: PathBuf,
    blobs: BlobStore,
}

impl LastGood {
    pub(super) fn open(folder: PathBuf) -> Result<Self, PrivateFileError> {
        private_files::create_folder(&folder)?;
        let blobs = BlobStore::open(folder.join("blobs"))?;
        Ok(Self { folder, blobs })
    }

    /// The signed manifest, unchecked; `None` when there is none.
    pub(super) fn head(&self) -> Result<Option<Bytes>, PrivateFileError> {
        read_if_there(&self.folder.join("head"), VALUE_LIMIT)
    }

    /// The signed freshness, unchecked; `None` when there is none.
    pub(super) fn freshness(&self) -> Result<Option<Bytes>, PrivateFileError> {
        read_if_there(&self.folder.join("freshness"), VALUE_LIMIT)
    }

    /// A blob, if it is there and whole.
    pub(super) fn blob(&self, blob: &BlobReference) -> Option<Bytes> {
        self.blobs.read(blob)
    }

    /// Keeps a snapshot with those blobs this role wants, durably, and lets go
    /// of what it no longer names.
    pub(super) fn keep(
        &self,
        signed: &SignedManifest,
        blobs: &BTreeMap<String, Bytes>,
    ) -> Result<(), PrivateFileError> {
        let mut kept = BTreeSet::new();
        for (name, content) in blobs {
            if let Some(blob) = signed.manifest.blobs.get(name) {
                self.blobs.write(blob, content)?;
                kept.insert(blob.digest);
            }
        }
        private_files::write_atomically(&self.folder.join("head"), &signed.signed, PRIVATE)?;
        if let Err(error) = self.blobs.keep_only(&kept) {
            tracing::warn!(%error, "old blobs could not be removed");
        }
        Ok(())
    }

    /// Keeps a freshness.
    pub(super) fn keep_freshness(&self, signed: &[u8]) -> Result<(), PrivateFileError> {
        private_files::write_atomically(&self.folder.join("freshness"), signed, PRIVATE)
    }
}
