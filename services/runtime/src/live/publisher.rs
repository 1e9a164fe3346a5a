//! Control's side: make snapshots, sign them, keep them all, and see to it
//! that the bus holds the newest.
//!
//! A write goes to this process's disk first (the outbox), then its blobs to
//! the bus, then the head by compare-and-set, which is the lock among several
//! controls; then it moves from the outbox to the history. The bus may lose
//! everything: what is on disk is put there again.
//!
//! **Invariant:** the published revision never goes backwards, on disk, on the
//! bus, or here; and nothing is signed that is not durably on this disk.

mod bus_side;
mod errors;
mod history;
mod keeping;
mod rollout;
mod sweeping;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument, info_span};

use super::{
    BlobReference, Digest, Manifest, ManifestInvalid, SignedManifest, SigningKey, TrustedKeys,
};
use crate::bus::{BLOB_LIMIT, Bus, BusUnavailable, Cause, WriteError};
use crate::clock::{Clock, unix_seconds};
use bus_side::Head;
pub use errors::{PublishError, PublisherError};
use history::History;
use keeping::CHECK_AGAIN;
pub use rollout::{Applied, Rollout};

/// What a publisher needs.
#[derive(Debug)]
pub struct PublisherSettings {
    /// Where snapshots go, and reports come from.
    pub bus: Arc<dyn Bus>,
    /// The key that signs.
    pub key: SigningKey,
    /// Whose snapshots are adopted: this key, and the one before it while keys
    /// are changed. Usually `TrustedKeys::of(&key)`.
    pub trusted: TrustedKeys,
    /// Where every snapshot is kept: a folder of mode 0700, made if missing.
    pub folder: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Publishes snapshots. Clones are the same publisher.
#[derive(Clone)]
pub struct Publisher {
    inner: Arc<Inner>,
}

struct Inner {
    bus: Arc<dyn Bus>,
    key: SigningKey,
    trusted: TrustedKeys,
    clock: Arc<dyn Clock>,
    history: History,
    current: ArcSwapOption<SignedManifest>,
    rollout: Rollout,
    /// One write at a time.
    writing: Mutex<()>,
    /// Counts what this publisher put on the bus.
    published: watch::Sender<u64>,
}

impl Publisher {
    /// Opens the store and, where the bus is there, brings both to the newest
    /// of the two.
    ///
    /// # Errors
    /// When the store cannot be used. A bus that is away is no error.
    pub async fn open(settings: PublisherSettings) -> Result<Self, PublisherError> {
        let history = History::open(&settings.folder, &settings.trusted)?;
        let newest = history.newest()?.map(Arc::new);
        let publisher = Self {
            inner: Arc::new(Inner {
                bus: settings.bus,
                key: settings.key,
                rollout: Rollout::new(settings.trusted.clone()),
                trusted: settings.trusted,
                clock: settings.clock,
                history,
                current: ArcSwapOption::from(newest),
                writing: Mutex::new(()),
                published: watch::Sender::new(0),
            }),
        };
        if let Err(error) = publisher.check(true).await {
            tracing::warn!(%error, "the bus was not checked yet");
        }
        Ok(publisher)
    }

    /// The newest snapshot; `None` before the first.
    pub fn current(&self) -> Option<Arc<SignedManifest>> {
        self.inner.current.load_full()
    }

    /// The newest snapshot's number; 0 before the first.
    pub fn revision(&self) -> u64 {
        self.current().map_or(0, |now| now.manifest.revision)
    }

    /// The newest `most` snapshots that this store has seen, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn history(&self, most: usize) -> Result<Vec<SignedManifest>, PublisherError> {
        self.on_disk(move |history| history.list(most)).await
    }

    /// One snapshot of the history.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn snapshot(&self, revision: u64) -> Result<Option<SignedManifest>, PublisherError> {
        self.on_disk(move |history| history.read(revision)).await
    }

    /// The content of a snapshot, from the store.
    ///
    /// # Errors
    /// When a blob is missing or damaged.
    pub async fn content(
        &self,
        manifest: &Manifest,
    ) -> Result<BTreeMap<String, Bytes>, PublisherError> {
        let wanted = manifest.blobs.clone();
        self.on_disk(move |history| history.content(&wanted)).await
    }

    /// Makes `blobs` the newest snapshot, if `expected` (0: none) is the number
    /// of the one it was made from, and answers its number. It is on disk and
    /// on the bus then; see [`rollout`](Self::rollout) for who uses it.
    ///
    /// # Errors
    /// [`PublishError::Conflict`] when another snapshot is the newest by now.
    pub async fn publish(
        &self,
        author: &str,
        reason: &str,
        blobs: BTreeMap<String, Bytes>,
        expected: u64,
    ) -> Result<u64, PublishError> {
        // Current while the head is written, so every instance goes on with it.
        let span = info_span!(
            "publish revision",
            otel.kind = "producer",
            otel.status_code = Empty,
            revision = Empty,
            outcome = Empty,
        );
        let published = self.publish_one(author, reason, blobs, expected);
        let published = published.instrument(span.clone()).await;
        match &published {
            Ok(revision) => span
                .record("revision", revision)
                .record("outcome", "published"),
            Err(error) => span
                .record("outcome", error.code())
                .record("otel.status_code", "ERROR"),
        };
        published
    }

    async fn publish_one(
        &self,
        author: &str,
        reason: &str,
        blobs: BTreeMap<String, Bytes>,
        expected: u64,
    ) -> Result<u64, PublishError> {
        if blobs.values().any(|blob| blob.len() > BLOB_LIMIT) {
            return Err(ManifestInvalid::TooLarge("size of a blob").into());
        }
        let _one = self.inner.writing.lock().await;
        // Asked before the bus is: whatever an instance uses by now stands
        // there, so only what was lost can still be ahead afterwards.
        let ahead = self.inner.rollout.newest();
        // Adopts what another control wrote, and finishes what this one began.
        let standing = self.agree(false).await.map_err(PublishError::Unavailable)?;
        let current = self.current();
        let revision = current.as_ref().map_or(0, |now| now.manifest.revision);
        self.not_behind(ahead)?;
        if revision != expected {
            return Err(PublishError::Conflict { current: revision });
        }
        let references = blobs
            .iter()
            .map(|(name, content)| (name.clone(), BlobReference::of(content)));
        let manifest = Manifest {
            revision: revision + 1,
            parent: current.as_ref().map(|now| now.digest),
            created_at: unix_seconds(self.inner.clock.now()),
            author: author.to_owned(),
            reason: reason.to_owned(),
            blobs: references.collect(),
            critical: Vec::new(),
        };
        let signed = Arc::new(SignedManifest::sign(&manifest, &self.inner.key)?);
        self.write(signed, blobs, standing).await?;
        Ok(manifest.revision)
    }

    /// What stands once the bus was asked and the instances had the time to
    /// report: to be called before the first snapshot is made, so that a
    /// control that lost its store begins nothing anew. Waits at most
    /// `patience` for an instance of each of `roles`; needs
    /// [`run`](Self::run).
    ///
    /// # Errors
    /// [`PublishError::Unavailable`] when the bus could not be asked;
    /// [`PublishError::Ahead`] when an instance proves a snapshot whose content
    /// is nowhere. Nothing was written.
    pub async fn standing(
        &self,
        roles: &[&str],
        patience: Duration,
    ) -> Result<Option<Arc<SignedManifest>>, PublishError> {
        let unavailable = PublishError::Unavailable;
        self.check(false).await.map_err(unavailable)?;
        if self.current().is_none() {
            // The reports that stand on the bus are read in any case.
            let reading = patience.max(CHECK_AGAIN);
            if !self.inner.rollout.gathered(&[], reading).await {
                let late = BusUnavailable::new("read the instances' reports", Cause::Deadline);
                return Err(unavailable(late));
            }
            self.inner.rollout.gathered(roles, patience).await;
            let ahead = self.inner.rollout.newest();
            self.check(false).await.map_err(unavailable)?;
            self.not_behind(ahead)?;
        }
        Ok(self.current())
    }

    /// Who uses which snapshot, and waiting until all use one.
    pub fn rollout(&self) -> &Rollout {
        &self.inner.rollout
    }

    /// Signs freshness, watches the instances, and keeps the bus as it should
    /// be, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.keep_fresh() => {}
            () = self.keep_published() => {}
            () = self.inner.rollout.watch(&*self.inner.bus) => {}
            () = stop.cancelled() => {}
        }
    }

    /// Refuses to go on from what stands if an instance proved a newer one.
    fn not_behind(&self, ahead: Option<(String, Arc<SignedManifest>)>) -> Result<(), PublishError> {
        let current = self.revision();
        match ahead {
            Some((instance, ahead)) if ahead.manifest.revision > current => {
                Err(PublishError::Ahead {
                    instance,
                    revision: ahead.manifest.revision,
                    current,
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn write(
        &self,
        signed: Arc<SignedManifest>,
        blobs: BTreeMap<String, Bytes>,
        standing: Head,
    ) -> Result<(), PublishError> {
        let outgoing = Arc::clone(&signed);
        let contents = blobs.clone();
        self.on_disk(move |history| history.begin(&outgoing, &contents))
            .instrument(info_span!("store revision"))
            .await?;
        let putting = info_span!("put parts", parts = blobs.len());
        if let Err(error) = self.put_blobs(blobs).instrument(putting).await {
            // The head still stands as it was: nothing happened.
            self.on_disk(History::abandon).await?;
            return Err(PublishError::from_blob(error));
        }
        self.finish(signed, standing).await
    }

    async fn put_blobs(&self, blobs: BTreeMap<String, Bytes>) -> Result<(), WriteError> {
        for blob in blobs.into_values() {
            let name = Digest::of(&blob).to_string();
            self.inner.bus.put_blob(&name, blob).await?;
        }
        Ok(())
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        doing: impl FnOnce(&History) -> Result<T, PublisherError> + Send + 'static,
    ) -> Result<T, PublisherError> {
        let history = self.inner.history.clone();
        let done = tokio::task::spawn_blocking(move || doing(&history)).await;
        done.map_err(|_| PublisherError::Interrupted)?
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Publisher")
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}
