//! A directory in a file: for demonstrations and tests, with the states and groups of a real one.
//!
//! The file is JSON (see [`Directory`]) and is read again for every question, so that a change needs no restart. It has
//! password hashes, so it must be a private file in a private folder.
//!
//! **Invariant:** the same decisions as for Active Directory, made by the same functions; a file that cannot be read is
//! `unavailable`.

pub mod hash;
pub mod people;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use domain::account::{AccountName, Person};
use domain::outcome::{Unavailable, Verdict};
use domain::reason::{Fault, Reason};
use domain::timestamp::Timestamp;
use postern_proto::directory::{Method, Who};
use runtime::clock::Clock;
use runtime::private_files::{self, PrivateFileError};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::field::Empty;
use tracing::info_span;

use crate::backend::Backend;
use crate::candidate::{Identified, identified, the_only};
use crate::numbers::{Numbers, OK, Operation};
use crate::password::Password;
pub use hash::PasswordHash;
pub use people::{Directory, FilePerson, render};

/// Most bytes of a directory file.
const MAX_FILE: usize = 4 << 20;
/// Passwords hashed at a time; each takes a core for a while.
const MAX_HASHING: usize = 2;

/// The directory in a file.
#[derive(Debug)]
pub struct FileDirectory {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    /// Each turn lasts until its hashing has ended, whether somebody still waits for it or not.
    hashing: Arc<Semaphore>,
    numbers: Numbers,
}

/// Why the file gives no answer.
#[derive(Debug, thiserror::Error)]
enum Fail {
    #[error("{0}")]
    File(#[from] PrivateFileError),
    #[error("the directory file is not a valid one: {0}")]
    Content(#[from] serde_json::Error),
    #[error("the work was given up: {0}")]
    Work(#[from] tokio::task::JoinError),
    #[error("no more passwords are checked")]
    Closed,
}

impl FileDirectory {
    /// The directory in the file at `path`, which need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf, clock: Arc<dyn Clock>, numbers: Numbers) -> Self {
        Self {
            path,
            clock,
            hashing: Arc::new(Semaphore::new(MAX_HASHING)),
            numbers,
        }
    }

    /// The directory as it is now, and who in it `who` stands for.
    async fn lookup(&self, who: &Who) -> Result<(Directory, Verdict<Identified>), Fail> {
        let span = info_span!(
            "file lookup",
            otel.status_code = Empty,
            outcome = Empty,
            entries = Empty,
        );
        let path = self.path.clone();
        let looked = async {
            let directory = spawn_blocking(move || read(&path)).await??;
            let found = find(&directory, who);
            Ok((directory, found))
        };
        let outcome = |looked: &Result<_, Fail>| looked.as_ref().map_or("unavailable", |_| OK);
        let looked = self
            .numbers
            .run(Operation::FileLookup, &span, looked, outcome);
        let (directory, found) = looked.await?;
        span.record("entries", u8::from(matches!(found, Verdict::Accepted(_))));
        Ok((directory, found))
    }

    fn judged(&self, directory: &Directory, found: Identified, method: Method) -> Verdict<Person> {
        let groups = directory.groups_of(found.candidate().id);
        found
            .live(method, Timestamp::from(self.clock.now()))
            .map(|live| live.person(groups))
    }

    async fn who_is(&self, who: &Who, method: Method) -> Result<Verdict<Person>, Fail> {
        let (directory, found) = self.lookup(who).await?;
        Ok(match found {
            Verdict::Accepted(found) => self.judged(&directory, found, method),
            Verdict::Refused(refusal) => Verdict::Refused(refusal),
        })
    }

    async fn check(
        &self,
        account: &AccountName,
        password: &Password,
    ) -> Result<Verdict<Person>, Fail> {
        let who = Who::Certificate {
            account: account.clone(),
            sid: None,
        };
        let (directory, found) = self.lookup(&who).await?;
        let found = match found {
            Verdict::Accepted(found) => Some(found),
            Verdict::Refused(_) => None,
        };
        let hash = found
            .as_ref()
            .and_then(|found| directory.password_of(found.candidate().id))
            // The same work for a name that nobody has.
            .unwrap_or_else(PasswordHash::of_nobody);
        let password = password.clone();
        let hashing = Arc::clone(&self.hashing);
        let turn = hashing.acquire_owned().await.map_err(|_| Fail::Closed)?;
        let right = spawn_blocking(move || {
            let right = hash.is_of(&password);
            drop(turn);
            right
        })
        .await?;
        Ok(match found {
            Some(found) if right => self.judged(&directory, found, Method::Password),
            _ => Verdict::refused(Reason::WrongCredentials),
        })
    }
}

#[async_trait]
impl Backend for FileDirectory {
    async fn resolve(&self, who: &Who, method: Method) -> Result<Verdict<Person>, Unavailable> {
        self.who_is(who, method).await.map_err(unavailable)
    }

    async fn authenticate(
        &self,
        account: &AccountName,
        password: &Password,
    ) -> Result<Verdict<Person>, Unavailable> {
        self.check(account, password).await.map_err(unavailable)
    }
}

fn find(directory: &Directory, who: &Who) -> Verdict<Identified> {
    match the_only(directory.candidates(who)) {
        Verdict::Accepted(candidate) => identified(candidate, who),
        Verdict::Refused(refusal) => Verdict::Refused(refusal),
    }
}

fn read(path: &Path) -> Result<Directory, Fail> {
    Ok(serde_json::from_slice(&private_files::read(
        path, MAX_FILE,
    )?)?)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn unavailable(fail: Fail) -> Unavailable {
    Unavailable::new(Fault::DirectoryUnavailable, fail.to_string())
}
