//! Why a snapshot was not published, or the store cannot be used.
//!
//! **Invariant:** each says whether anything was written.

use std::io;
use std::path::PathBuf;

use crate::bus::BusUnavailable;
use crate::live::ManifestInvalid;
use crate::private_files::PrivateFileError;

/// Why a snapshot was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Another snapshot is the newest by now. Nothing was written.
    #[error("another change came first: the current revision is {current}")]
    Conflict {
        /// Its number.
        current: u64,
    },
    /// An instance uses a newer snapshot than this store and the bus know:
    /// both lost something. Nothing was written.
    #[error(
        "instance {instance} uses revision {revision}, and this store knows {current}: restore the store"
    )]
    Ahead {
        /// The instance's id.
        instance: String,
        /// The revision it uses.
        revision: u64,
        /// The newest known here.
        current: u64,
    },
    /// A bound was passed. Nothing was written.
    #[error("the change cannot be published")]
    Invalid(#[from] ManifestInvalid),
    /// The bus could not be asked. Nothing was written.
    #[error("the change was not published")]
    Unavailable(#[source] BusUnavailable),
    /// The bus did not confirm the last step. The change is kept and is
    /// finished, or dropped in favour of another one, when the bus is back.
    #[error("the bus did not confirm revision {revision}")]
    Unconfirmed {
        /// The number it was to have.
        revision: u64,
        /// Why.
        #[source]
        source: BusUnavailable,
    },
    /// The store on disk failed.
    #[error("the store failed")]
    Store(#[from] PublisherError),
}

impl PublishError {
    /// It as one word, for traces.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::Ahead { .. } => "ahead",
            Self::Invalid(_) => "invalid",
            Self::Unavailable(_) => "unavailable",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Store(_) => "store",
        }
    }
}

/// The store on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// A file or folder.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The folder.
    #[error("failed to use {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A snapshot in the store is damaged, or signed by another key.
    #[error("{} is damaged or signed by another key", path.display())]
    Damaged {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ManifestInvalid,
    },
    /// A blob in the store is missing or damaged.
    #[error("blob \"{name}\" is missing or damaged in the store")]
    BlobDamaged {
        /// Its name in the manifest.
        name: String,
    },
    /// The process is ending.
    #[error("the work was interrupted")]
    Interrupted,
}
