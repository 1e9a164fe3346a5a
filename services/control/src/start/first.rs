//! The making of revision 1, once it is certain that there is no configuration.
//!
//! **Invariant:** the initial configuration is read only after the bus was asked and the instances had the time to report.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::timestamp::Timestamp;
use runtime::clock::Clock;
use runtime::live::Publisher;
use runtime::random::Randomness;
use runtime::tasks::Tasks;
use runtime::telemetry::chain;

use crate::Settings;
use crate::initial::{Initial, InitialConfiguration, InitialError};
use crate::inspector::Inspector;
use crate::parts::{self, RoleSeals};
use crate::writer::{WriteFailure, Writer};

/// How soon the first revision is tried again, at first and at most.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The roles that are heard before the first revision is made.
const ROLES: &[&str] = &["gateway", "certval", "directory"];

/// What there is to begin with.
pub(super) enum Begin {
    /// Made in this process.
    With(Initial),
    /// The file that the settings name.
    File(PathBuf),
    /// Nothing but fresh keys: everything is set over the admin API.
    Empty,
}

/// What to begin with, if there is no configuration in the store.
pub(super) fn beginning(
    settings: &Settings,
    given: Option<Initial>,
    publisher: &Publisher,
) -> Option<Begin> {
    let named = settings.initial_configuration.clone();
    if let Some(standing) = publisher.current() {
        unread(standing.manifest.revision, named.as_deref());
        return None;
    }
    let begin = given.map(Begin::With).or(named.map(Begin::File));
    Some(begin.unwrap_or(Begin::Empty))
}

fn unread(revision: u64, named: Option<&Path>) {
    match named {
        Some(file) => tracing::info!(
            revision,
            file = %file.display(),
            "there is a configuration: the initial one is not read; the admin API changes what is in force"
        ),
        None => tracing::info!(revision, "there is a configuration"),
    }
}

/// The making of revision 1.
pub(super) struct First {
    pub(super) begin: Begin,
    pub(super) publisher: Publisher,
    pub(super) patience: Duration,
    pub(super) inspector: Arc<dyn Inspector>,
    pub(super) seals: Arc<RoleSeals>,
    pub(super) writer: Arc<Writer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) randomness: Arc<dyn Randomness>,
    pub(super) tasks: Tasks,
}

impl First {
    /// Tries until there is a configuration, or the initial one turns out to be wrong.
    pub(super) async fn make(self) {
        let stopping = self.tasks.stopping();
        let (mut pause, longest) = TRY_AGAIN;
        loop {
            let why = match self.attempt().await {
                Ok(()) => return,
                Err(InitialError::Mistakes(mistakes)) => {
                    self.tasks.fail("first configuration", mistakes.to_string());
                    return;
                }
                Err(InitialError::Unavailable(why)) => why,
            };
            if pause == longest {
                tracing::warn!(why, "there is no configuration yet, trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopping.cancelled() => return,
            }
            pause = (pause * 2).min(longest);
        }
    }

    async fn attempt(&self) -> Result<(), InitialError> {
        // A store that was lost is not the beginning: first whoever may still hold a configuration is asked.
        let stopping = self.tasks.stopping();
        let standing = tokio::select! {
            standing = self.publisher.standing(ROLES, self.patience) => standing,
            () = stopping.cancelled() => return Err(unavailable("control is stopping".to_owned())),
        };
        if let Some(standing) = standing.map_err(|error| unavailable(chain(&error)))? {
            let named = match &self.begin {
                Begin::File(file) => Some(file.as_path()),
                Begin::With(_) | Begin::Empty => None,
            };
            unread(standing.manifest.revision, named);
            return Ok(());
        }
        match &self.begin {
            Begin::With(initial) => self.make_of(initial).await,
            Begin::File(file) => {
                let initial = Initial::read(file).map_err(InitialError::Mistakes)?;
                self.make_of(&initial).await
            }
            Begin::Empty => {
                let nothing = Initial {
                    origin: "nothing: the admin API sets what is needed".to_owned(),
                    ..Initial::given(InitialConfiguration::default())
                };
                self.make_of(&nothing).await
            }
        }
    }

    async fn make_of(&self, initial: &Initial) -> Result<(), InitialError> {
        let now = Timestamp(self.clock.unix_seconds());
        let prepared = initial
            .prepare(&*self.inspector, &*self.randomness, now)
            .await?;
        let parts = parts::first(&prepared, &self.seals, &*self.randomness)
            .map_err(|error| unavailable(error.to_string()))?;
        let origin = &initial.origin;
        let mut words = vec![format!("the first configuration, from {origin}")];
        words.extend(prepared.words);
        match self.writer.first(parts, words).await {
            Ok(written) => {
                let revision = written.revision;
                tracing::info!(revision, from = origin, "the first configuration was made");
                Ok(())
            }
            Err(WriteFailure::Conflict { detail }) => {
                tracing::info!(
                    detail,
                    "there is a configuration: the initial one is not used"
                );
                Ok(())
            }
            Err(failure) => Err(unavailable(failure.in_words())),
        }
    }
}

fn unavailable(why: String) -> InitialError {
    InitialError::Unavailable(why)
}
