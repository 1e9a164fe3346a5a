//! The record of every write: who, when, from where, and what it changed, in words.
//!
//! Each write leaves two lines in `audit.jsonl`: what is about to be done, before it is done, and how it ended. A write
//! that cannot be recorded is not made.
//!
//! **Invariant:** lines are only ever appended, each whole and on disk before the write goes on, and none holds a secret.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use domain::address::ClientAddress;
use serde::Serialize;

use crate::moment::written;

/// The record's file in the data folder.
pub const AUDIT_FILE: &str = "audit.jsonl";

/// Who asks for a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name they proved: `admin-token`, or `control` for what control does by itself.
    pub who: String,
    /// Where they are; `None` for control itself.
    pub address: Option<ClientAddress>,
    /// The id of their request; also in the log and in the answer.
    pub request: String,
}

/// How far a write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is about to be published.
    Proposed,
    /// It is published.
    Published,
    /// It was not published, or nobody knows whether it was.
    Failed,
}

/// The open record.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    file: Mutex<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    stage: Stage,
    request: &'a str,
    who: &'a str,
    from: Option<ClientAddress>,
    revision: u64,
    words: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

/// The record cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the audit record {}", path.display())]
pub struct AuditError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl AuditError {
    /// The work of writing was interrupted.
    pub(crate) fn interrupted(path: PathBuf, why: tokio::task::JoinError) -> Self {
        Self {
            path,
            source: io::Error::other(why),
        }
    }
}

/// One line's content.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Seconds since 1970-01-01 UTC.
    pub at: u64,
    /// How far it has come.
    pub stage: Stage,
    /// Who asks.
    pub author: Author,
    /// The revision it makes.
    pub revision: u64,
    /// The difference in words.
    pub words: Vec<String>,
    /// Why it failed.
    pub problem: Option<String>,
}

impl Audit {
    /// Opens the record of a data folder; makes it where there is none, with mode 0600.
    ///
    /// # Errors
    /// When it cannot be opened for appending.
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        let path = folder.join(AUDIT_FILE);
        let opened = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&path);
        let opened = opened.and_then(|file| {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            end_line(&file)?;
            Ok(file)
        });
        match opened {
            Ok(file) => Ok(Self {
                path,
                file: Mutex::new(file),
            }),
            Err(source) => Err(AuditError { path, source }),
        }
    }

    /// Where the record is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one line and waits until it is on disk. Blocks for as long as that takes.
    ///
    /// # Errors
    /// When it is not certain to be on disk.
    pub fn append(&self, entry: &Entry) -> Result<(), AuditError> {
        let Entry {
            at,
            stage,
            author,
            revision,
            words,
            problem,
        } = entry;
        tracing::info!(
            target: "postern::audit",
            stage = ?stage,
            request = author.request,
            who = author.who,
            from = author.address.map(|address| address.to_string()),
            revision = *revision,
            words = words.join("; "),
            problem = problem.as_deref(),
            "configuration write"
        );
        let line = Line {
            at: written(*at),
            stage: *stage,
            request: &author.request,
            who: &author.who,
            from: author.address,
            revision: *revision,
            words,
            problem: problem.as_deref(),
        };
        let append = || -> io::Result<()> {
            let mut bytes = serde_json::to_vec(&line)?;
            bytes.push(b'\n');
            let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            whole_or_nothing(&file, |mut file| {
                file.write_all(&bytes)?;
                file.sync_data()
            })
        };
        append().map_err(|source| AuditError {
            path: self.path.clone(),
            source,
        })
    }
}

/// Writes at the end, or leaves the file as long as it was: half a line would run into the next one.
fn whole_or_nothing(file: &File, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let length = file.metadata()?.len();
    write(file).inspect_err(|_| {
        if let Err(error) = file.set_len(length) {
            tracing::error!(%error, "half a line stays in the audit record");
        }
    })
}

/// Ends a line that a crash left without its end; what there is of it stays.
fn end_line(mut file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let Some(last) = length.checked_sub(1) else {
        return Ok(());
    };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    if byte != *b"\n" {
        file.write_all(b"\n")?;
        file.sync_data()?;
    }
    Ok(())
}
