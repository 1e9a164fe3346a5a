//! The one folder a demonstration keeps everything in.
//!
//! **Invariant:** nothing is written to, or removed from, a folder that does not carry a demonstration's mark, and only
//! one demonstration uses a folder at a time.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use domain::application::Origin;
use runtime::private_files::{self, PRIVATE};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The mark of a demonstration's folder.
const MARK: &str = "postern-demo.json";
/// Locked while a demonstration runs; never replaced, so that the lock stays where others look for it.
const LOCK: &str = "lock";
/// The layout that this version writes and reads.
const FORMAT: u32 = 1;
const MARK_LIMIT: usize = 4096;

/// The mark's content.
#[derive(Serialize, Deserialize)]
struct Mark {
    made_by: String,
    format: u32,
    #[serde(flatten)]
    made_for: MadeFor,
}

/// What a demonstration's configuration was made for: it is made once, with these addresses in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MadeFor {
    /// The port of the sign-in hosts and the application.
    pub port: u16,
    /// Where a developer's own application is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A demonstration's folder, held by this process.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked as long as it lives.
    _lock: File,
}

impl Folder {
    /// Opens the folder, or makes it. `fresh` removes what an earlier demonstration left in it.
    ///
    /// # Errors
    /// When the folder is somebody else's, damaged, in use, or cannot be written: what, why, and what to do.
    pub(crate) fn open(path: &Path, wanted: &MadeFor, fresh: bool) -> Result<Self> {
        let elsewhere = "choose another folder with --data";
        if !path.exists() {
            private_files::create_folder(path)
                .with_context(|| format!("{} cannot be made: {elsewhere}", path.display()))?;
        }
        let mark = path.join(MARK);
        if !mark.exists() {
            let mut entries = fs::read_dir(path)
                .with_context(|| format!("{} cannot be read: {elsewhere}", path.display()))?;
            if entries.next().is_some() {
                bail!(
                    "{} holds files that no demonstration made, and they stay as they are: {elsewhere}",
                    path.display()
                );
            }
            private_files::check_folder(path)?;
            write_mark(&mark, wanted)
                .with_context(|| format!("{} cannot be written: {elsewhere}", path.display()))?;
        }
        private_files::check_folder(path)?;
        let made_for = check_mark(&mark)?;
        let lock = path.join(LOCK);
        let file = File::options()
            .create(true)
            .append(true)
            .mode(PRIVATE)
            .open(&lock);
        let file =
            file.with_context(|| format!("{} cannot be written: {elsewhere}", lock.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another demonstration is running in {}: stop it, or {elsewhere}",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{} cannot be locked", lock.display()));
            }
        }
        let folder = Self {
            path: path.to_owned(),
            _lock: file,
        };
        if fresh {
            folder.clear()?;
            write_mark(&mark, wanted)?;
        } else if made_for.port != wanted.port {
            let port = made_for.port;
            bail!(
                "{} was made for port {port}: start it with --port {port}, or start over with --fresh",
                path.display()
            );
        } else if let Some(origin) = &wanted.origin
            && made_for.origin != wanted.origin
        {
            bail!(
                "{} was made without an application at {origin}: start over with --fresh, or choose another folder with --data",
                path.display()
            );
        }
        // Asked now, so that a read-only folder is said to be one instead of failing at some file inside.
        let probe = folder.file("writable");
        private_files::write_atomically(&probe, b"", PRIVATE)
            .and_then(|()| {
                fs::remove_file(&probe).map_err(|source| private_files::PrivateFileError::Io {
                    doing: "remove",
                    path: probe.clone(),
                    source,
                })
            })
            .with_context(|| format!("{} cannot be written: {elsewhere}", path.display()))?;
        Ok(folder)
    }

    /// Whether a demonstration runs in the folder now. Nothing is made.
    pub(crate) fn is_in_use(path: &Path) -> bool {
        let lock = File::open(path.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// A file or folder inside.
    #[must_use]
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder itself.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes everything but the mark and the lock.
    fn clear(&self) -> Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() == MARK || entry.file_name() == LOCK {
                continue;
            }
            let removed = if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
            removed.with_context(|| format!("{} cannot be removed", entry.path().display()))?;
        }
        Ok(())
    }
}

fn write_mark(mark: &Path, made_for: &MadeFor) -> Result<()> {
    let content = Mark {
        made_by: "postern demo".to_owned(),
        format: FORMAT,
        made_for: made_for.clone(),
    };
    private_files::write_atomically(mark, &serde_json::to_vec(&content)?, PRIVATE)?;
    Ok(())
}

fn check_mark(path: &Path) -> Result<MadeFor> {
    let bytes = private_files::read(path, MARK_LIMIT)?;
    let mark: Mark = serde_json::from_slice(&bytes).with_context(|| {
        format!("{} is damaged, so this may not be a demonstration's folder: look at it, remove the folder, or choose another with --data", path.display())
    })?;
    if mark.format != FORMAT {
        bail!(
            "{} was made by another version of Postern (layout {}, this one knows {FORMAT}): use that version, or choose another folder with --data",
            path.display(),
            mark.format
        );
    }
    Ok(mark.made_for)
}
