//! The instance's side: take what control signed, use it, keep it, say so.
//!
//! The watch brings a new snapshot at once; a poll every [`RECONCILE`] makes
//! up for a watch that went silent.
//!
//! **Invariant:** a snapshot that was refused changes nothing but the
//! instance's report.

mod applying;
mod last_good;
mod numbers;
mod obtaining;
mod reporting;
mod tracing_offers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Decoder, Instance, Live, ManifestInvalid, TrustedKeys};
use crate::bus::{Bus, BusUnavailable};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::private_files::PrivateFileError;
use applying::Applying;
use last_good::LastGood;
use reporting::Reporting;

/// How often the bus is asked for what the watch should have brought.
const RECONCILE: Duration = Duration::from_secs(10);

/// What a follower needs.
#[derive(Debug, Clone)]
pub struct FollowerSettings {
    /// Where snapshots come from and reports go to.
    pub bus: Arc<dyn Bus>,
    /// Whom to believe.
    pub keys: TrustedKeys,
    /// Where last-good is kept: a folder of this instance's own, mode 0700,
    /// made if missing.
    pub folder: PathBuf,
    /// Who this instance is.
    pub instance: Instance,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The numbers of this instance's role.
    pub metrics: Metrics,
}

/// Keeps a [`Live`] up to date; [`run`](Self::run) does the work.
pub struct Follower<V> {
    applying: Applying<V>,
    reporting: Reporting,
}

impl<V: Send + Sync + 'static> Follower<V> {
    /// Starts from the last good snapshot on disk, if there is one; the bus is
    /// not asked. A damaged one is reported and ignored.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub async fn start(
        settings: FollowerSettings,
        decoder: impl Decoder<V>,
    ) -> Result<(Live<V>, Self), PrivateFileError> {
        let live = Live::empty();
        let last_good = LastGood::open(settings.folder.clone())?;
        let reporting = Reporting::new(&settings, &live);
        let refusals = numbers::tell(&settings, &live);
        let mut applying = Applying {
            live: live.clone(),
            bus: settings.bus,
            keys: settings.keys,
            clock: settings.clock,
            decoder: Arc::new(decoder),
            last_good,
            report: reporting.report(),
            refusals,
            settled: None,
            refused: None,
            unpersisted: None,
            freshness_kept: None,
            fetched: BTreeMap::new(),
            wait: applying::RETRY,
        };
        applying.start_from_disk().await;
        let follower = Self {
            applying,
            reporting,
        };
        Ok((live, follower))
    }

    /// Follows until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = self.applying.run() => {}
            () = self.reporting.run() => {}
            () = stop.cancelled() => {}
        }
        self.reporting.farewell().await;
    }
}

impl<V> std::fmt::Debug for Follower<V> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Follower")
    }
}

/// Why a snapshot was not used. What was applied before stays.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefused {
    /// Not signed by a trusted key, not readable, or past a bound.
    #[error("its manifest is not acceptable")]
    Manifest(#[from] ManifestInvalid),
    /// Its number is lower than what is applied.
    #[error("its revision {offered} is older than the applied {applied}")]
    Older {
        /// Its number.
        offered: u64,
        /// The number of what is applied.
        applied: u64,
    },
    /// Two signed snapshots have one number: an alarm.
    #[error("it is another snapshot with the applied revision {revision}")]
    SameNumber {
        /// The number of both.
        revision: u64,
    },
    /// It needs something this version does not know.
    #[error("it needs \"{extension}\", which this version does not know")]
    UnknownCritical {
        /// The extension's name.
        extension: String,
    },
    /// The bus holds something else under the blob's hash, or nothing.
    #[error("the bus does not hold its blob \"{name}\" as it was signed")]
    WrongBlob {
        /// The blob's name in the manifest.
        name: String,
    },
    /// A blob could not be fetched.
    #[error("its blob \"{name}\" could not be fetched")]
    Unfetched {
        /// The blob's name in the manifest.
        name: String,
        /// Why.
        #[source]
        source: BusUnavailable,
    },
    /// The decoder could not use it.
    #[error("it cannot be used: {why}")]
    Undecodable {
        /// What the decoder said.
        why: String,
    },
}

impl SnapshotRefused {
    /// It as one word, for traces.
    fn code(&self) -> &'static str {
        match self {
            Self::Manifest(_) => "manifest",
            Self::Older { .. } => "older",
            Self::SameNumber { .. } => "same_number",
            Self::UnknownCritical { .. } => "unknown_critical",
            Self::WrongBlob { .. } => "wrong_blob",
            Self::Unfetched { .. } => "unfetched",
            Self::Undecodable { .. } => "undecodable",
        }
    }

    /// What the operator can do about it.
    fn what_to_do(&self) -> &'static str {
        match self {
            Self::Manifest(_) => {
                "find out who wrote to the bus besides control; after a change of control's key, give this instance the new public key"
            }
            Self::Older { .. } => {
                "nothing, if control is about to put the newest one there; otherwise see whether control's store came from a backup"
            }
            Self::SameNumber { .. } => {
                "see whether two controls with stores of their own use this bus; the next change ends this"
            }
            Self::UnknownCritical { .. } => "upgrade this instance to control's version",
            Self::WrongBlob { .. } | Self::Unfetched { .. } => {
                "nothing: it is tried again; if it lasts, see whether control and NATS are there"
            }
            Self::Undecodable { .. } => {
                "compare this instance's key files and settings with control's, or take the change back"
            }
        }
    }

    /// Whether the same bytes can become acceptable later.
    fn may_pass(&self) -> bool {
        matches!(self, Self::WrongBlob { .. } | Self::Unfetched { .. })
    }
}
