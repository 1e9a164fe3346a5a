//! The bus's copy of the newest snapshot: compare, adopt, or put it right.
//!
//! **Invariant:** the bus's head is replaced only over the version that was
//! judged, so two controls cannot undo each other's work.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{Instrument, info_span};

use super::history::History;
use super::{PublishError, Publisher, PublisherError};
use crate::bus::{Bucket, BusUnavailable, Cause, Entry, WriteError};
use crate::live::{Digest, FRESHNESS, Freshness, HEAD, SignedManifest};
use crate::telemetry::chain;

/// How often freshness is said again when another control was quicker.
const TRIES: usize = 3;

/// The bus's head, as it was judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// Its version; `None`: there is none.
    version: Option<u64>,
    /// Whether it is the current snapshot.
    current: bool,
}

impl Publisher {
    /// Adopts the newest of the bus's head and what the instances proved to
    /// have, finishes what the outbox holds, and puts the current snapshot on
    /// the bus if that holds less. Answers what the next write replaces.
    pub(super) async fn agree(&self, whole: bool) -> Result<Head, BusUnavailable> {
        // Before the bus: what an instance uses was there first.
        let proven = self.inner.rollout.newest();
        let entry = self.inner.bus.read(Bucket::Configuration, HEAD).await?;
        let there = entry.as_ref().and_then(|entry| self.judged(entry));
        let version = entry.map(|entry| entry.version);
        if let Some(there) = &there {
            self.adopt(there, "the bus").await?;
        }
        if let Some((instance, proven)) = proven
            && proven.manifest.revision > self.revision()
            && let Err(error) = self.adopt(&proven, "an instance").await
        {
            // Nothing is published any more until the store is restored.
            let revision = proven.manifest.revision;
            let error = chain(&error);
            tracing::error!(
                alarm = true,
                instance,
                revision,
                error,
                "an instance uses a newer snapshot, and its content is nowhere: restore control's store"
            );
        }
        if let Some(put) = self.resume(there.as_ref(), version).await? {
            return Ok(put);
        }
        let Some(current) = self.current() else {
            return Ok(Head {
                version,
                current: false,
            });
        };
        let revision = current.manifest.revision;
        let standing = Head {
            version,
            current: there.as_ref().is_some_and(|it| it.digest == current.digest),
        };
        let behind = there.is_none_or(|there| there.manifest.revision < revision);
        if whole || behind {
            self.put_content(&current).await?;
        }
        if !behind {
            return Ok(standing);
        }
        tracing::warn!(
            revision,
            "the bus does not hold the configuration; it is put there"
        );
        let put = self.replace(&current, version).await?;
        self.tell();
        Ok(put)
    }

    /// Puts the head of a snapshot on the bus that is in the outbox, and moves
    /// it to the history.
    pub(super) async fn finish(
        &self,
        signed: Arc<SignedManifest>,
        replacing: Head,
    ) -> Result<(), PublishError> {
        let (value, expected) = (signed.signed.clone(), replacing.version);
        let set = self
            .inner
            .bus
            .compare_and_set(Bucket::Configuration, HEAD, value, expected);
        let revision = signed.manifest.revision;
        match set.await {
            Ok(_) => {
                self.on_disk(History::complete).await?;
                self.inner.current.store(Some(signed));
                self.tell();
                tracing::info!(revision, "configuration published");
                Ok(())
            }
            Err(WriteError::Conflict) => {
                self.on_disk(History::abandon).await?;
                let there = self.inner.bus.read(Bucket::Configuration, HEAD).await;
                let there = there.ok().flatten();
                let there = there.and_then(|entry| self.judged(&entry));
                let current = there.map_or(self.revision(), |there| there.manifest.revision);
                Err(PublishError::Conflict { current })
            }
            Err(WriteError::TooLarge { .. }) => {
                self.on_disk(History::abandon).await?;
                let too_large = crate::live::ManifestInvalid::TooLarge("manifest");
                Err(too_large.into())
            }
            Err(WriteError::Unavailable(source)) => {
                Err(PublishError::Unconfirmed { revision, source })
            }
        }
    }

    /// Signs that the current snapshot is the newest, and says so: only after
    /// the bus was asked and holds just this one.
    pub(super) async fn say_fresh(&self) -> Result<(), WriteError> {
        let bus = &self.inner.bus;
        let mut said = Ok(());
        for _ in 0..TRIES {
            let _one = self.inner.writing.lock().await;
            // Read first: what another control says about a newer snapshot
            // from here on is not replaced.
            let before = bus.read(Bucket::Configuration, FRESHNESS).await?;
            let head = self.agree(false).await?;
            let Some(current) = self.current().filter(|_| head.current) else {
                return Ok(());
            };
            let revision = current.manifest.revision;
            let freshness = Freshness::at(revision, current.digest, self.inner.clock.now());
            let signed = freshness.sign(&self.inner.key).to_bytes().into();
            let expected = before.map(|entry| entry.version);
            let set = bus.compare_and_set(Bucket::Configuration, FRESHNESS, signed, expected);
            said = set.await.map(drop);
            if !matches!(said, Err(WriteError::Conflict)) {
                break;
            }
        }
        said
    }

    fn tell(&self) {
        self.inner.published.send_modify(|puts| *puts += 1);
    }

    /// The bus's head, if a trusted key signed it.
    fn judged(&self, entry: &Entry) -> Option<SignedManifest> {
        match SignedManifest::open(entry.value.clone(), &self.inner.trusted) {
            Ok(there) => Some(there),
            Err(error) => {
                tracing::error!(alarm = true, %error, "the bus holds a head that is not ours");
                None
            }
        }
    }

    /// Takes a newer snapshot over, with its content from here or the bus.
    async fn adopt(&self, there: &SignedManifest, from: &str) -> Result<(), BusUnavailable> {
        let revision = there.manifest.revision;
        if let Some(current) = self.current() {
            if revision == current.manifest.revision && there.digest != current.digest {
                // Two controls, or a store from a backup. The next change gets
                // a number of its own and ends this.
                tracing::error!(alarm = true, revision, "two snapshots have one number");
            }
            if revision <= current.manifest.revision {
                return Ok(());
            }
        }
        let mut blobs = BTreeMap::new();
        for (name, blob) in &there.manifest.blobs {
            let wanted = *blob;
            let held = self.on_disk(move |history| Ok(history.blob(&wanted))).await;
            let content = match held.map_err(store_failed)? {
                Some(content) => Some(content),
                None => self.inner.bus.blob(&blob.digest.to_string()).await?,
            };
            let content = content.filter(|content| blob.is(content));
            let content = content.ok_or_else(|| BusUnavailable::new("adopt", Cause::Incomplete))?;
            blobs.insert(name.clone(), content);
        }
        let signed = Arc::new(there.clone());
        let kept = Arc::clone(&signed);
        self.on_disk(move |history| history.adopt(&kept, &blobs))
            .await
            .map_err(store_failed)?;
        self.inner.current.store(Some(signed));
        tracing::info!(revision, from, "configuration adopted");
        Ok(())
    }

    /// Finishes what was begun before a crash or an outage. Answers the new
    /// head if it was put there now.
    async fn resume(
        &self,
        there: Option<&SignedManifest>,
        version: Option<u64>,
    ) -> Result<Option<Head>, BusUnavailable> {
        let pending = self.on_disk(History::pending).await.map_err(store_failed)?;
        let Some(pending) = pending else {
            return Ok(None);
        };
        let revision = pending.manifest.revision;
        let settle = |outcome: Result<(), PublisherError>| outcome.map_err(store_failed);
        let current = self.current();
        let is_pending = |digest: &Digest| *digest == pending.digest;
        if there.is_some_and(|there| is_pending(&there.digest))
            || current.as_ref().is_some_and(|now| is_pending(&now.digest))
        {
            settle(self.on_disk(History::complete).await)?;
            tracing::info!(revision, "an unconfirmed change had been published");
            return Ok(None);
        }
        let parent = current.map(|current| current.digest);
        if pending.manifest.parent != parent {
            settle(self.on_disk(History::abandon).await)?;
            tracing::warn!(
                revision,
                "an unconfirmed change was dropped for a newer one"
            );
            return Ok(None);
        }
        self.put_content(&pending).await?;
        let put = self.replace(&pending, version).await?;
        settle(self.on_disk(History::complete).await)?;
        self.inner.current.store(Some(Arc::new(pending)));
        self.tell();
        tracing::info!(revision, "an unconfirmed change was published");
        Ok(Some(put))
    }

    /// Puts every blob of a snapshot on the bus. Where one is missing here and
    /// there, the snapshot's head must not be put there: no instance could use
    /// it.
    async fn put_content(&self, signed: &SignedManifest) -> Result<(), BusUnavailable> {
        for (name, blob) in &signed.manifest.blobs {
            let wanted = *blob;
            let held = self.on_disk(move |history| Ok(history.blob(&wanted))).await;
            let at = blob.digest.to_string();
            if let Some(content) = held.map_err(store_failed)? {
                let put = self.inner.bus.put_blob(&at, content).await;
                put.map_err(unwritten)?;
                continue;
            }
            let there = self.inner.bus.blob(&at).await?;
            let Some(content) = there.filter(|content| blob.is(content)) else {
                tracing::error!(alarm = true, blob = name, "a blob is nowhere");
                return Err(BusUnavailable::new("put the content", Cause::Incomplete));
            };
            let mended = self.on_disk(move |history| history.mend(&wanted, &content));
            mended.await.map_err(store_failed)?;
        }
        Ok(())
    }

    /// Puts a head there that no request waits for any more: in a trace of its
    /// own, for the bus tells instances who wrote it.
    async fn replace(
        &self,
        signed: &SignedManifest,
        expected: Option<u64>,
    ) -> Result<Head, BusUnavailable> {
        let value = signed.signed.clone();
        let bus = &self.inner.bus;
        let set = bus.compare_and_set(Bucket::Configuration, HEAD, value, expected);
        let revision = signed.manifest.revision;
        let span = info_span!(
            parent: None,
            "restore revision",
            otel.kind = "producer",
            revision
        );
        let version = set.instrument(span).await.map_err(unwritten)?;
        Ok(Head {
            version: Some(version),
            current: true,
        })
    }
}

impl PublishError {
    pub(super) fn from_blob(error: WriteError) -> Self {
        match error {
            WriteError::TooLarge { .. } => {
                crate::live::ManifestInvalid::TooLarge("size of a blob").into()
            }
            other => Self::Unavailable(unwritten(other)),
        }
    }
}

fn unwritten(error: WriteError) -> BusUnavailable {
    match error {
        WriteError::Unavailable(unavailable) => unavailable,
        other => BusUnavailable::other("publish", other),
    }
}

fn store_failed(error: PublisherError) -> BusUnavailable {
    BusUnavailable::other("use the store to agree", error)
}
