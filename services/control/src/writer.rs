//! The one way a configuration comes to be: read what stands, apply a change, publish the whole, record it.
//!
//! Writes of this process take turns. Another control may write at the same time; the publisher's compare-and-set then
//! lets one of both through, and the other change is applied again to what the first one made — unless its author said
//! which revision they had seen.
//!
//! **Invariant:** what is published was made by [`apply`](crate::change::apply) from exactly the revision before it, and
//! is in the audit record before anybody can see it.

mod failure;

use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::clock::Clock;
use runtime::live::{InstanceReport, Live, PublishError, Publisher};

use tracing::field::Empty;
use tracing::info_span;

use crate::audit::{Audit, AuditError, Author, Entry, Stage};
use crate::change::authorities::number_added;
use crate::change::{self, Change};
use crate::numbers::Changes;
use crate::parts::{self, Parts, RoleSeals, View};
use failure::{conflict, not_published, unreadable, unrecorded};

pub use failure::WriteFailure;

/// How often a change is applied again after another control was faster.
const ATTEMPTS: usize = 3;
/// Longest reason in the history, in characters.
const LONGEST_REASON: usize = 1000;
/// Most revisions that are listed.
const LISTED: usize = 1000;

/// A change somebody asks for.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Who asks.
    pub author: Author,
    /// For what.
    pub change: Change,
    /// The reason for the history, in their words; the difference in words when left out.
    pub why: Option<String>,
    /// The revision they have seen: the change is not made when there is a newer one.
    pub seen: Option<u64>,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The revision it made.
    pub revision: u64,
    /// What it changed, in words.
    pub words: Vec<String>,
}

/// What stands: the newest configuration.
#[derive(Debug)]
pub struct Standing {
    /// Its number.
    pub revision: u64,
    /// Its content.
    pub view: View,
}

/// One revision of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub revision: u64,
    /// The number of the one it was made from.
    pub parent: Option<u64>,
    /// Who made it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When, in seconds since 1970-01-01 UTC.
    pub created_at: u64,
}

/// How far a revision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// How many live instances use it or a newer one.
    pub applied: usize,
    /// How many live instances there are.
    pub instances: usize,
    /// How long was waited for them.
    pub waited_ms: u64,
}

/// Makes configurations.
#[derive(Debug)]
pub struct Writer {
    publisher: Publisher,
    live: Live<View>,
    seals: Arc<RoleSeals>,
    audit: Arc<Audit>,
    clock: Arc<dyn Clock>,
    changes: Changes,
    turn: tokio::sync::Mutex<()>,
}

impl Writer {
    /// The writer of this publisher's configurations. `live` is what this process itself follows.
    #[must_use]
    pub(crate) fn new(
        publisher: Publisher,
        live: Live<View>,
        seals: Arc<RoleSeals>,
        audit: Audit,
        clock: Arc<dyn Clock>,
        changes: Changes,
    ) -> Self {
        Self {
            publisher,
            live,
            seals,
            audit: Arc::new(audit),
            clock,
            changes,
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// What stands.
    ///
    /// # Errors
    /// [`WriteFailure::Unavailable`] when there is none yet, or the store cannot be read.
    pub async fn current(&self) -> Result<Standing, WriteFailure> {
        let applied = self.live.current();
        let published = self.publisher.revision();
        // Instances, this one too, see a snapshot a moment before its publishing is over.
        if let Some(applied) = applied.filter(|applied| applied.revision >= published) {
            return Ok(Standing {
                revision: applied.revision,
                view: applied.view.clone(),
            });
        }
        let Some(newest) = self.publisher.current() else {
            return Err(WriteFailure::Unavailable {
                detail: "there is no configuration yet".to_owned(),
                what_to_do: "see control's log for what it waits for".to_owned(),
            });
        };
        let content = self
            .publisher
            .content(&newest.manifest)
            .await
            .map_err(|error| unreadable(&error))?;
        let view =
            parts::decode(&content, &self.seals).map_err(|why| WriteFailure::Unavailable {
                detail: format!(
                    "revision {} cannot be used: {why}",
                    newest.manifest.revision
                ),
                what_to_do: "compare control's key files with those it was written with".to_owned(),
            })?;
        Ok(Standing {
            revision: newest.manifest.revision,
            view,
        })
    }

    /// Makes one change. It is stored and published when this returns.
    ///
    /// # Errors
    /// [`WriteFailure`]; nothing was changed then, except where it says that nobody knows.
    pub async fn write(&self, proposal: Proposal) -> Result<Written, WriteFailure> {
        let _turn = self.turn.lock().await;
        let mut attempt = 1;
        let outcome = loop {
            match self.attempt(&proposal).await {
                Ok(written) => break Ok(written),
                Err(stopped) if stopped.overtaken && attempt < ATTEMPTS => attempt += 1,
                Err(stopped) => break Err(stopped.failure),
            }
        };
        self.changes.ended(&outcome);
        outcome
    }

    /// Publishes revision 1, unless there is a configuration.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn first(&self, parts: Parts, words: Vec<String>) -> Result<Written, WriteFailure> {
        let _turn = self.turn.lock().await;
        let author = Author {
            who: "control".to_owned(),
            address: None,
            request: "start".to_owned(),
        };
        let reason = reason(&words);
        let published = self.publish(&author, &reason, parts, 0, words).await;
        let outcome = published.map_err(|stopped| stopped.failure);
        self.changes.ended(&outcome);
        outcome
    }

    /// How far `revision` has come; waits for every live instance to use it, at most `wait`.
    pub async fn rollout(&self, revision: u64, wait: Duration) -> Reached {
        let began = Instant::now();
        let reached = self.publisher.rollout().wait_applied(revision, wait).await;
        Reached {
            applied: reached.applied.len(),
            instances: reached.applied.len() + reached.missing.len(),
            waited_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Every live process.
    #[must_use]
    pub fn instances(&self) -> Vec<InstanceReport> {
        self.publisher.rollout().instances()
    }

    /// The newest revisions, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn history(&self) -> Result<Vec<Revision>, WriteFailure> {
        let listed = self
            .publisher
            .history(LISTED)
            .await
            .map_err(|error| unreadable(&error))?;
        let revisions = listed.into_iter().map(|signed| {
            let manifest = signed.manifest;
            Revision {
                revision: manifest.revision,
                parent: manifest.parent.map(|_| manifest.revision.saturating_sub(1)),
                author: manifest.author,
                reason: manifest.reason,
                created_at: manifest.created_at,
            }
        });
        Ok(revisions.collect())
    }

    async fn attempt(&self, proposal: &Proposal) -> Result<Written, Stopped> {
        let standing = self.current().await?;
        let checking = info_span!("check change", outcome = Empty);
        let checked = checking.in_scope(|| checked(&standing, proposal));
        let outcome = checked
            .as_ref()
            .map_or_else(WriteFailure::outcome, |_| "accepted");
        checking.record("outcome", outcome);
        drop(checking);
        let (parts, words) = checked?;
        let reason = proposal.why.clone().unwrap_or_else(|| reason(&words));
        let author = &proposal.author;
        self.publish(author, &reason, parts, standing.revision, words)
            .await
    }

    async fn publish(
        &self,
        author: &Author,
        reason: &str,
        parts: Parts,
        expected: u64,
        words: Vec<String>,
    ) -> Result<Written, Stopped> {
        let entry = Entry {
            at: self.clock.unix_seconds(),
            stage: Stage::Proposed,
            author: author.clone(),
            revision: expected + 1,
            words: words.clone(),
            problem: None,
        };
        self.record(entry.clone())
            .await
            .map_err(|error| unrecorded(&error))?;
        let published = self
            .publisher
            .publish(&author.who, reason, parts, expected)
            .await;
        let outcome = match published {
            Ok(revision) => Ok(Written { revision, words }),
            Err(error) => Err(Stopped {
                overtaken: matches!(
                    error,
                    PublishError::Conflict { .. } | PublishError::Ahead { .. }
                ),
                failure: not_published(&error),
            }),
        };
        let ended = Entry {
            at: self.clock.unix_seconds(),
            stage: if outcome.is_ok() {
                Stage::Published
            } else {
                Stage::Failed
            },
            problem: outcome
                .as_ref()
                .err()
                .map(|stopped| stopped.failure.in_words()),
            ..entry
        };
        // The proposal is on disk; its end is also in the history.
        if let Err(error) = self.record(ended).await {
            tracing::error!(%error, "the end of a write was not recorded");
        }
        outcome
    }

    async fn record(&self, entry: Entry) -> Result<(), AuditError> {
        let audit = self.audit.clone();
        let path = audit.path().to_owned();
        let span = info_span!("record change");
        let appended =
            tokio::task::spawn_blocking(move || span.in_scope(|| audit.append(&entry))).await;
        appended.unwrap_or_else(|ended| Err(AuditError::interrupted(path, ended)))
    }
}

/// What a change makes of what stands, and the difference in words.
fn checked(standing: &Standing, proposal: &Proposal) -> Result<(Parts, Vec<String>), WriteFailure> {
    if let Some(seen) = proposal.seen.filter(|seen| *seen != standing.revision) {
        return Err(conflict(Some(seen), standing.revision));
    }
    let before = &standing.view.configuration;
    let applied = change::apply(before, &proposal.change, proposal.author.address);
    let mut applied = applied.map_err(WriteFailure::Refused)?;
    number_added(before, &mut applied.configuration, standing.revision + 1);
    let parts = standing.view.with(&applied.configuration);
    let parts = parts.map_err(|error| WriteFailure::Unavailable {
        detail: error.to_string(),
        what_to_do: "nothing was changed; report this".to_owned(),
    })?;
    Ok((parts, applied.words))
}

/// Why an attempt did not come to its end.
struct Stopped {
    failure: WriteFailure,
    /// Whether another control was faster, so that another attempt begins elsewhere.
    overtaken: bool,
}

impl From<WriteFailure> for Stopped {
    fn from(failure: WriteFailure) -> Self {
        Self {
            failure,
            overtaken: false,
        }
    }
}

/// The difference in words, short enough for the history.
fn reason(words: &[String]) -> String {
    words.join("; ").chars().take(LONGEST_REASON).collect()
}
