//! People known from an earlier sign-in, with the directory's answers kept for a moment.
//!
//! **Invariant:** an answer is used for 30 seconds at most, only for the same connection and method, and only while the
//! configuration it was given by is in force. Refusals are never kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::account::{AccountId, Person};
use domain::connection::ConnectionName;
use domain::outcome::{Unavailable, Verdict};
use domain::timestamp::Timestamp;
use postern_proto::directory::{Answer, Method, Resolve};
use tracing::Instrument as _;

use super::DirectoryClient;

#[cfg(test)]
mod tests;

/// How long an answer is used.
pub const FRESH: Duration = Duration::from_secs(30);
/// Most answers kept.
const CAPACITY: usize = 10_000;

/// The directory, with a short memory.
#[derive(Debug)]
pub struct Accounts {
    directory: DirectoryClient,
    known: Mutex<HashMap<Key, Known>>,
}

type Key = (ConnectionName, AccountId, bool);

#[derive(Debug)]
struct Known {
    person: Person,
    revision: u64,
    asked: Timestamp,
}

impl Accounts {
    /// Asks through `directory`.
    #[must_use]
    pub fn new(directory: DirectoryClient) -> Self {
        Self {
            directory,
            known: Mutex::default(),
        }
    }

    /// The directory itself, for what must be asked anew.
    #[must_use]
    pub const fn directory(&self) -> &DirectoryClient {
        &self.directory
    }

    /// Finds the person a certificate names, always anew.
    ///
    /// # Errors
    /// When there is no complete answer in time.
    pub async fn resolve(
        &self,
        question: Resolve,
        now: Timestamp,
    ) -> Result<Verdict<Person>, Unavailable> {
        let (connection, method) = (question.connection.clone(), question.method);
        let answer = self.directory.resolve(question).await?;
        Ok(self.noted(&connection, method, answer, now))
    }

    /// A person known from an earlier sign-in, anew.
    ///
    /// # Errors
    /// When there is no complete answer in time.
    pub async fn anew(
        &self,
        connection: &ConnectionName,
        id: AccountId,
        method: Method,
        min_revision: u64,
        now: Timestamp,
    ) -> Result<Verdict<Person>, Unavailable> {
        let answer = self
            .directory
            .account(connection, id, method, min_revision)
            .await?;
        Ok(self.noted(connection, method, answer, now))
    }

    /// A person known from an earlier sign-in, from memory where that is fresh.
    ///
    /// # Errors
    /// When there is no complete answer in time.
    pub async fn known(
        &self,
        connection: &ConnectionName,
        id: AccountId,
        method: Method,
        min_revision: u64,
        now: Timestamp,
    ) -> Result<Verdict<Person>, Unavailable> {
        let key = key(connection, id, method);
        let person = self
            .lock()
            .get(&key)
            .filter(|known| known.revision >= min_revision && known.asked.is_alive(FRESH, now))
            .map(|known| known.person.clone());
        let span = tracing::info_span!("account check", postern.remembered = person.is_some());
        match person {
            Some(person) => span.in_scope(|| Ok(Verdict::Accepted(person))),
            None => {
                self.anew(connection, id, method, min_revision, now)
                    .instrument(span)
                    .await
            }
        }
    }

    /// Keeps the answer to a password question, too.
    pub fn noted(
        &self,
        connection: &ConnectionName,
        method: Method,
        answer: Answer,
        now: Timestamp,
    ) -> Verdict<Person> {
        if let Verdict::Accepted(person) = &answer.verdict {
            let mut known = self.lock();
            if known.len() >= CAPACITY {
                known.retain(|_, each| each.asked.is_alive(FRESH, now));
            }
            if known.len() < CAPACITY {
                known.insert(
                    key(connection, person.profile().id, method),
                    Known {
                        person: person.clone(),
                        revision: answer.revision,
                        asked: now,
                    },
                );
            }
        }
        answer.verdict
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(connection: &ConnectionName, id: AccountId, method: Method) -> Key {
    (connection.clone(), id, method == Method::Certificate)
}
