//! Every snapshot this control has seen, on disk; and the outbox for the one
//! that is under way.
//!
//! **Invariant:** a snapshot enters `snapshots/` after its blobs and after the
//! bus confirmed it (or it came from there), so the highest number there is
//! the current one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::PublisherError;
use crate::bus::VALUE_LIMIT;
use crate::live::store::{BlobStore, read_if_there};
use crate::live::{BlobReference, SignedManifest, TrustedKeys};
use crate::private_files::{self, PRIVATE};

/// The store's folder.
#[derive(Debug, Clone)]
pub(super) struct History {
    snapshots: PathBuf,
    outbox: PathBuf,
    blobs: BlobStore,
    trusted: TrustedKeys,
}

impl History {
    pub(super) fn open(folder: &Path, trusted: &TrustedKeys) -> Result<Self, PublisherError> {
        private_files::create_folder(folder)?;
        let snapshots = folder.join("snapshots");
        private_files::create_folder(&snapshots)?;
        Ok(Self {
            snapshots,
            blobs: BlobStore::open(folder.join("blobs"))?,
            outbox: folder.join("outbox"),
            trusted: trusted.clone(),
        })
    }

    /// The snapshot with the highest number.
    ///
    /// A damaged one is an error and not skipped: going on from an older one
    /// would publish a number twice.
    pub(super) fn newest(&self) -> Result<Option<SignedManifest>, PublisherError> {
        match self.revisions()?.last() {
            Some(revision) => self.read(*revision),
            None => Ok(None),
        }
    }

    /// The newest `most`, newest first. Damaged ones are left out.
    pub(super) fn list(&self, most: usize) -> Result<Vec<SignedManifest>, PublisherError> {
        let revisions = self.revisions()?;
        let newest = revisions.iter().rev().take(most);
        let readable = newest.filter_map(|revision| match self.read(*revision) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::error!(%error, revision, "a snapshot of the history is left out");
                None
            }
        });
        Ok(readable.collect())
    }

    pub(super) fn read(&self, revision: u64) -> Result<Option<SignedManifest>, PublisherError> {
        self.read_file(self.file(revision))
    }

    /// The content that `references` name.
    pub(super) fn content(
        &self,
        references: &BTreeMap<String, BlobReference>,
    ) -> Result<BTreeMap<String, Bytes>, PublisherError> {
        let mut contents = BTreeMap::new();
        for (name, blob) in references {
            let content = self.blobs.read(blob);
            let name = name.clone();
            let Some(content) = content else {
                return Err(PublisherError::BlobDamaged { name });
            };
            contents.insert(name, content);
        }
        Ok(contents)
    }

    pub(super) fn blob(&self, blob: &BlobReference) -> Option<Bytes> {
        self.blobs.read(blob)
    }

    /// Writes a blob again that is missing or damaged here.
    pub(super) fn mend(&self, blob: &BlobReference, content: &[u8]) -> Result<(), PublisherError> {
        Ok(self.blobs.write(blob, content)?)
    }

    /// Puts a snapshot into the outbox, blobs first.
    pub(super) fn begin(
        &self,
        signed: &SignedManifest,
        contents: &BTreeMap<String, Bytes>,
    ) -> Result<(), PublisherError> {
        self.write_blobs(signed, contents)?;
        private_files::write_atomically(&self.outbox, &signed.signed, PRIVATE)?;
        Ok(())
    }

    /// What the outbox holds.
    pub(super) fn pending(&self) -> Result<Option<SignedManifest>, PublisherError> {
        self.read_file(self.outbox.clone())
    }

    /// Moves the outbox into the history.
    pub(super) fn complete(&self) -> Result<(), PublisherError> {
        let Some(pending) = self.pending()? else {
            return Ok(());
        };
        self.enter(&pending)?;
        self.abandon()
    }

    /// Empties the outbox.
    pub(super) fn abandon(&self) -> Result<(), PublisherError> {
        match fs::remove_file(&self.outbox) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                let path = self.outbox.clone();
                Err(PublisherError::Folder { path, source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Enters a snapshot that came from the bus.
    pub(super) fn adopt(
        &self,
        signed: &SignedManifest,
        contents: &BTreeMap<String, Bytes>,
    ) -> Result<(), PublisherError> {
        self.write_blobs(signed, contents)?;
        self.enter(signed)
    }

    fn write_blobs(
        &self,
        signed: &SignedManifest,
        contents: &BTreeMap<String, Bytes>,
    ) -> Result<(), PublisherError> {
        for (name, blob) in &signed.manifest.blobs {
            if let Some(content) = contents.get(name) {
                self.blobs.write(blob, content)?;
            }
        }
        Ok(())
    }

    fn enter(&self, signed: &SignedManifest) -> Result<(), PublisherError> {
        let path = self.file(signed.manifest.revision);
        private_files::write_atomically(&path, &signed.signed, PRIVATE)?;
        Ok(())
    }

    fn read_file(&self, path: PathBuf) -> Result<Option<SignedManifest>, PublisherError> {
        let Some(signed) = read_if_there(&path, VALUE_LIMIT)? else {
            return Ok(None);
        };
        match SignedManifest::open(signed, &self.trusted) {
            Ok(signed) => Ok(Some(signed)),
            Err(source) => Err(PublisherError::Damaged { path, source }),
        }
    }

    /// Every number in the history, ascending.
    fn revisions(&self) -> Result<Vec<u64>, PublisherError> {
        let failed = |source| PublisherError::Folder {
            path: self.snapshots.clone(),
            source,
        };
        let mut revisions = Vec::new();
        for file in fs::read_dir(&self.snapshots).map_err(failed)? {
            let name = file.map_err(failed)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".json"));
            revisions.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        revisions.sort_unstable();
        Ok(revisions)
    }

    fn file(&self, revision: u64) -> PathBuf {
        self.snapshots.join(format!("{revision:020}.json"))
    }
}
