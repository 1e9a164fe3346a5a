//! Blobs on this process's own disk, by hash.
//!
//! **Invariant:** a blob is read only if its content is what its name says;
//! a damaged one counts as missing.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{BlobReference, Digest};
use crate::bus::BLOB_LIMIT;
use crate::private_files::{self, PRIVATE, PrivateFileError};

/// A folder of blobs.
#[derive(Debug, Clone)]
pub(super) struct BlobStore {
    folder: PathBuf,
}

impl BlobStore {
    /// The folder, made if it is missing.
    pub(super) fn open(folder: PathBuf) -> Result<Self, PrivateFileError> {
        private_files::create_folder(&folder)?;
        Ok(Self { folder })
    }

    /// The blob, if it is there and whole.
    pub(super) fn read(&self, blob: &BlobReference) -> Option<Bytes> {
        let path = self.path(&blob.digest);
        let mut content = match private_files::read(&path, BLOB_LIMIT) {
            Ok(content) => content,
            Err(PrivateFileError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                return None;
            }
            Err(error) => {
                tracing::error!(%error, blob = %blob.digest, "a stored blob cannot be read");
                return None;
            }
        };
        if !blob.is(&content) {
            tracing::error!(blob = %blob.digest, "a stored blob is damaged");
            return None;
        }
        Some(std::mem::take(&mut *content).into())
    }

    /// Keeps a blob, durably. One that is there whole is left alone.
    pub(super) fn write(
        &self,
        blob: &BlobReference,
        content: &[u8],
    ) -> Result<(), PrivateFileError> {
        if self.read(blob).is_some() {
            return Ok(());
        }
        private_files::write_atomically(&self.path(&blob.digest), content, PRIVATE)
    }

    /// Removes every blob that is not in `kept`.
    pub(super) fn keep_only(&self, kept: &BTreeSet<Digest>) -> io::Result<()> {
        for file in std::fs::read_dir(&self.folder)? {
            let file = file?;
            let name = file.file_name();
            let digest = name.to_str().and_then(|name| name.parse::<Digest>().ok());
            if digest.is_none_or(|digest| !kept.contains(&digest)) {
                std::fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }
}

/// The content of a private file; `None` when there is none.
pub(super) fn read_if_there(path: &Path, limit: usize) -> Result<Option<Bytes>, PrivateFileError> {
    match private_files::read(path, limit) {
        Ok(mut content) => Ok(Some(std::mem::take(&mut *content).into())),
        Err(PrivateFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
