//! Files that hold secrets: who may read them, how large they may be, and how
//! they are replaced.
//!
//! A secret's file is its owner's alone: mode 0600 in a folder of mode 0700.
//! There is one exception, for secrets that root hands to a process of an
//! ordinary user, as Kubernetes mounts them: files of root with mode 0440 and
//! the group of the process, reached by links, in folders that are root's and
//! sticky. Such a file is taken if it is root's, nobody but root may change
//! it, "others" may not read it, and nobody but root could have put it there.
//! Which group may read it is root's decision. A process that itself runs as
//! root, and a file of anybody else, get no exception.
//!
//! **Invariant:** no secret is taken from a file that anybody but its owner
//! can open, or, where root owns it, anybody but root and the group that root
//! chose; and a file written here is at every moment either the old one or
//! the new one, whole.

#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

/// The mode of a file with secrets.
pub const PRIVATE: u32 = 0o600;

/// The mode of a file everybody may read.
pub const PUBLIC: u32 = 0o644;

/// The mode of a folder with secrets.
pub const PRIVATE_FOLDER: u32 = 0o700;

/// The user who may hand secrets to others.
const ROOT: u32 = 0;

/// Why a private file could not be read or written. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The operating system said no.
    #[error("failed to {doing} {}", path.display())]
    Io {
        /// What was tried: "read", "create", "replace".
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others can open the file.
    #[error(
        "{path} holds a secret and has mode {mode:04o}, so that others can open it; run: chmod 600 {path}",
        path = path.display()
    )]
    FileTooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others can enter the folder.
    #[error(
        "others can open the folder {path} (mode {mode:04o}), and files with secrets need a folder of mode 0700; move them into one of their own, or, if {path} is only for them, run: chmod 700 {path}",
        path = path.display()
    )]
    FolderTooOpen {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Something else stands under this name.
    #[error("{} is not a {expected}; give another path", path.display())]
    WrongKind {
        /// The path.
        path: PathBuf,
        /// "regular file" or "folder".
        expected: &'static str,
    },
    /// The file is larger than what it should hold can be.
    #[error("{} is larger than {limit} bytes, too large for what it should hold", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: usize,
    },
}

/// Reads a file with a secret of at most `limit` bytes. It must be a regular
/// file of mode 0600 or stricter in a folder of mode 0700 or stricter, or one
/// that root handed to this process (see the module).
///
/// # Errors
/// [`PrivateFileError`], each with what to do about it.
pub fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    read_as(path, limit, rustix::process::geteuid().as_raw())
}

fn read_as(path: &Path, limit: usize, reader: u32) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let folder = check_folder(folder_of(path));
    let opened = open_regular(path);
    if let Ok((file, metadata)) = &opened
        && handed_by_root(path, metadata, reader)
    {
        return read_bounded(path, file, limit);
    }
    folder?;
    let (file, metadata) = opened?;
    let mode = permissions(&metadata);
    if mode & 0o177 != 0 {
        let path = path.to_owned();
        return Err(PrivateFileError::FileTooOpen { path, mode });
    }
    read_bounded(path, &file, limit)
}

/// Whether this is a file that root hands to `reader` and a group of its
/// choice, and to nobody else.
fn handed_by_root(path: &Path, file: &Metadata, reader: u32) -> bool {
    let closed = permissions(file) & 0o137 == 0;
    // A second name may be one that somebody else gave to another file of root's.
    let only_name = file.nlink() == 1;
    reader != ROOT && file.uid() == ROOT && closed && only_name && only_root_fills(path)
}

/// Whether nobody but root can have put anything under this name: true of the
/// folder that it names, and of the one it leads to by links.
fn only_root_fills(path: &Path) -> bool {
    let roots = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|folder| {
            let mode = permissions(&folder);
            // In a sticky folder others may add, but not take root's away.
            folder.uid() == ROOT && (mode & 0o022 == 0 || mode & 0o1000 != 0)
        })
    };
    let link = fs::symlink_metadata(path).is_ok_and(|link| link.uid() == ROOT);
    let target = fs::canonicalize(path).is_ok_and(|target| roots(folder_of(&target)));
    link && target && roots(folder_of(path))
}

/// Reads a file without secrets (a certificate, settings) of at most `limit`
/// bytes; its mode does not matter.
///
/// # Errors
/// [`PrivateFileError`], each with what to do about it.
pub fn read_public(path: &Path, limit: usize) -> Result<Vec<u8>, PrivateFileError> {
    let (file, _) = open_regular(path)?;
    let mut bytes = read_bounded(path, &file, limit)?;
    Ok(std::mem::take(&mut *bytes))
}

/// Makes a folder for secrets, with the folders above it, or checks the one
/// that is there.
///
/// # Errors
/// When it cannot be made, is something else, or others can open it.
pub fn create_folder(path: &Path) -> Result<(), PrivateFileError> {
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_FOLDER)
        .create(path)
        .map_err(failed("create", path))?;
    check_folder(path)
}

/// Checks that `path` is a folder only its owner can open.
///
/// # Errors
/// When it is not there, is something else, or others can open it.
pub fn check_folder(path: &Path) -> Result<(), PrivateFileError> {
    let metadata = fs::metadata(path).map_err(failed("open", path))?;
    let mode = permissions(&metadata);
    let path = path.to_owned();
    if !metadata.is_dir() {
        let expected = "folder";
        return Err(PrivateFileError::WrongKind { path, expected });
    }
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::FolderTooOpen { path, mode });
    }
    Ok(())
}

/// Replaces `path` by a file of `bytes` with `mode` ([`PRIVATE`] or
/// [`PUBLIC`]): written beside it, synced, renamed, and the folder synced. A
/// reader, and a machine that loses power, sees the old file or the new one.
///
/// # Errors
/// When any step fails; the old file is then still there.
pub fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PrivateFileError> {
    let beside = name_beside(path)?;
    let written = write_synced(&beside, bytes, mode)
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| File::open(folder_of(path))?.sync_all());
    if written.is_err() {
        // Gone already when the rename succeeded; otherwise it is litter.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed("replace", path))
}

fn open_regular(path: &Path) -> Result<(File, Metadata), PrivateFileError> {
    // Asked before it is opened, because opening a pipe would wait for ever.
    let expected = "regular file";
    if !fs::metadata(path).map_err(failed("read", path))?.is_file() {
        let path = path.to_owned();
        return Err(PrivateFileError::WrongKind { path, expected });
    }
    let file = File::open(path).map_err(failed("read", path))?;
    let metadata = file.metadata().map_err(failed("read", path))?;
    Ok((file, metadata))
}

fn permissions(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

fn read_bounded(
    path: &Path,
    file: &File,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit.min(4096)));
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(failed("read", path))?;
    if bytes.len() > limit {
        let path = path.to_owned();
        return Err(PrivateFileError::TooLarge { path, limit });
    }
    Ok(bytes)
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path)?;
    // Explicitly, because the process's umask may have taken bits away.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn name_beside(path: &Path) -> Result<PathBuf, PrivateFileError> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        let path = path.to_owned();
        let expected = "regular file";
        return Err(PrivateFileError::WrongKind { path, expected });
    };
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    let (process, number) = (std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
    beside.push(format!(".{process}-{number}.new"));
    Ok(path.with_file_name(beside))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn failed<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> PrivateFileError + 'a {
    move |source| PrivateFileError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
