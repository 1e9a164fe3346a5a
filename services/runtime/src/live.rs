//! The live configuration of a process: an immutable, numbered, signed
//! snapshot that is swapped while the process runs.
//!
//! A snapshot is a [`Manifest`] that names content-addressed blobs. The
//! [`Publisher`] (one process: control) signs it and puts it on the bus; the
//! [`Follower`] of every instance checks it, decodes it aside into a view `V`
//! of its own, swaps it in, keeps it on disk as last-good, and says so. The
//! process reads it through [`Live`]:
//!
//! ```ignore
//! let (live, follower) = Follower::start(settings, decoder).await?;
//! tasks.spawn("configuration", follower.run(tasks.stopping()));
//! let snapshot = live.at_least(min_revision, Duration::from_millis(500)).await?;
//! ```
//!
//! Nothing here knows what a snapshot says: the decoder does.
//!
//! **Invariant:** [`Live::current`] never goes backwards, and every view it
//! gives was decoded from content that a trusted key signed, whatever the bus
//! or the disk held.

mod decoder;
mod digest;
mod follower;
mod freshness;
mod instance;
mod manifest;
mod publisher;
mod signed;
mod store;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use tokio::sync::watch;

pub use decoder::Decoder;
pub use digest::{Digest, NotADigest};
pub use follower::{Follower, FollowerSettings, SnapshotRefused};
pub use freshness::{FRESHNESS_INTERVAL, FRESHNESS_LIFE, Freshness};
pub use instance::{Instance, InstanceReport, InstanceState};
pub use manifest::{
    BlobReference, MANIFEST_BLOBS, MANIFEST_LIMIT, Manifest, ManifestInvalid, SignedManifest,
};
pub use publisher::{Applied, PublishError, Publisher, PublisherError, PublisherSettings, Rollout};
pub use signed::{KeyInvalid, NotTrusted, Purpose, Signed, SigningKey, TrustedKeys};

/// The key of the signed manifest in [`Bucket::Configuration`](crate::bus::Bucket).
pub const HEAD: &str = "head";

/// The key of the signed freshness in [`Bucket::Configuration`](crate::bus::Bucket).
pub const FRESHNESS: &str = "freshness";

/// The longest that [`Live::at_least`] waits.
pub const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// The live configuration, for reading. Clones read the same one.
#[derive(Debug)]
pub struct Live<V> {
    shared: Arc<Shared<V>>,
}

#[derive(Debug)]
struct Shared<V> {
    current: ArcSwapOption<Revisioned<V>>,
    revision: watch::Sender<u64>,
    heard: Mutex<Heard>,
}

/// The newest freshness of what is applied, and the newest of anything else.
///
/// Kept apart: what control says of a snapshot that this process does not use
/// neither confirms what it uses nor takes its confirmation away.
#[derive(Debug, Default)]
struct Heard {
    applied: Option<Confirmation>,
    other: Option<Confirmation>,
}

/// A valid freshness, as it was read and as it was signed.
#[derive(Debug, Clone)]
pub(crate) struct Confirmation {
    pub(crate) freshness: Freshness,
    pub(crate) signed: Bytes,
}

/// A view and where it comes from.
#[derive(Debug)]
pub struct Revisioned<V> {
    /// The snapshot's number.
    pub revision: u64,
    /// The SHA-256 of its manifest.
    pub digest: Digest,
    /// When control made it, in seconds since 1970.
    pub created_at: u64,
    /// When this process began to use it.
    pub applied_at: SystemTime,
    /// What the decoder made of it.
    pub view: V,
}

/// This process has not applied the wanted revision yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("revision {wanted} is wanted and {have} is applied")]
pub struct Behind {
    /// The revision that was asked for.
    pub wanted: u64,
    /// The one that is applied; 0 for none.
    pub have: u64,
}

impl<V> Live<V> {
    pub(crate) fn empty() -> Self {
        Self {
            shared: Arc::new(Shared {
                current: ArcSwapOption::empty(),
                revision: watch::Sender::new(0),
                heard: Mutex::default(),
            }),
        }
    }

    /// A live configuration that is `view` and stays it: for tests of those
    /// who read one.
    pub fn fixed(view: V, revision: u64, applied_at: SystemTime) -> Self {
        let live = Self::empty();
        live.apply(Revisioned {
            revision,
            digest: Digest::of(&revision.to_be_bytes()),
            created_at: crate::clock::unix_seconds(applied_at),
            applied_at,
            view,
        });
        live
    }

    /// A look at it that does not keep it.
    pub fn glimpse(&self) -> Glimpse<V> {
        Glimpse {
            shared: Arc::downgrade(&self.shared),
        }
    }

    /// What is applied now; `None` before the first snapshot. Take it once per
    /// request, so that the request sees one revision throughout.
    pub fn current(&self) -> Option<Arc<Revisioned<V>>> {
        self.shared.current.load_full()
    }

    /// The number of what is applied now; 0 for none.
    pub fn revision(&self) -> u64 {
        *self.shared.revision.borrow()
    }

    /// What is applied, at `revision` or newer; waits for it at most `wait`
    /// and at most [`LONGEST_WAIT`].
    ///
    /// # Errors
    /// [`Behind`] when it did not come, or nothing is applied at all.
    pub async fn at_least(
        &self,
        revision: u64,
        wait: Duration,
    ) -> Result<Arc<Revisioned<V>>, Behind> {
        let wanted = revision.max(1);
        let mut revisions = self.subscribe();
        let reached = revisions.wait_for(|have| *have >= wanted);
        // Only whether: what `wait_for` gives is a lock on the revision.
        let reached = tokio::time::timeout(wait.min(LONGEST_WAIT), reached)
            .await
            .is_ok_and(|reached| reached.is_ok());
        let behind = || Behind {
            wanted: revision,
            have: self.revision(),
        };
        if !reached {
            return Err(behind());
        }
        self.current().ok_or_else(behind)
    }

    /// How old the knowledge is that what is applied is what control wants:
    /// counted from the newest valid [`Freshness`] of just this snapshot, or
    /// from its making. What control says of another snapshot changes nothing.
    /// `None` when nothing is applied.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        let current = self.current()?;
        let confirmed = self.confirmation();
        let confirmed = confirmed.filter(|it| it.freshness.digest == current.digest);
        let confirmed = confirmed.map_or(0, |it| it.freshness.issued);
        let known = confirmed.max(current.created_at);
        let now = crate::clock::unix_seconds(now);
        Some(Duration::from_secs(now.saturating_sub(known)))
    }

    /// The number of what is applied, now and as it changes.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.shared.revision.subscribe()
    }

    /// The newest freshness of what is applied.
    pub(crate) fn confirmation(&self) -> Option<Confirmation> {
        self.heard().applied.clone()
    }

    /// Takes a valid freshness, if it is newer than the one that is held of
    /// what is applied, or else of anything else.
    pub(crate) fn freshen(&self, confirmation: Confirmation) {
        let mut heard = self.heard();
        let current = self.current();
        let of_applied = current.is_some_and(|now| now.digest == confirmation.freshness.digest);
        let held = match of_applied {
            true => &mut heard.applied,
            // It may come before the snapshot that it is of.
            false => &mut heard.other,
        };
        let newer = |held: &Confirmation| held.freshness.issued < confirmation.freshness.issued;
        if held.as_ref().is_none_or(newer) {
            *held = Some(confirmation);
        }
    }

    /// Swaps a newer view in. The caller made sure that it is newer.
    pub(crate) fn apply(&self, revisioned: Revisioned<V>) {
        let (revision, digest) = (revisioned.revision, revisioned.digest);
        let mut heard = self.heard();
        heard.applied = heard.other.take_if(|it| it.freshness.digest == digest);
        self.shared.current.store(Some(Arc::new(revisioned)));
        drop(heard);
        self.shared.revision.send_replace(revision);
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        let heard = self.shared.heard.lock();
        heard.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A look at a live configuration that does not keep it: what a view holds
/// ends with its last user, and numbers are read for as long as the process
/// lives.
#[derive(Debug)]
pub struct Glimpse<V> {
    shared: Weak<Shared<V>>,
}

impl<V> Glimpse<V> {
    /// The live configuration, as long as anybody uses it.
    pub fn live(&self) -> Option<Live<V>> {
        let shared = self.shared.upgrade()?;
        Some(Live { shared })
    }
}

impl<V> Clone for Glimpse<V> {
    fn clone(&self) -> Self {
        Self {
            shared: Weak::clone(&self.shared),
        }
    }
}

impl<V> Clone for Live<V> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}
