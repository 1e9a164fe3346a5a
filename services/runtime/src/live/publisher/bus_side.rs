//! The bus's copy of the newest snapshot: compare, adopt, or put it right.
//!
//! **Invariant:** the bus's head is replaced only over the version that was
//! judged, so two controls cannot undo each other's work.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::history::History;
use super::{PublishError, Publisher, PublisherError};
use crate::bus::{Bucket, BusUnavailable, Cause, Entry, WriteError};
use crate::live::{FRESHNESS, Freshness, HEAD, SignedManifest};

/// The version of the bus's head, as it was judged; `None`: there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head(Option<u64>);

impl Publisher {
    /// Adopts the bus's head if it is newer, finishes what the outbox holds,
    /// and puts the current snapshot on the bus if that holds less. Answers
    /// what the next write replaces.
    pub(super) async fn agree(&self, whole: bool) -> Result<Head, BusUnavailable> {
        let entry = self.inner.bus.read(Bucket::Configuration, HEAD).await?;
        let there = entry.as_ref().and_then(|entry| self.judged(entry));
        let head = Head(entry.map(|entry| entry.version));
        if let Some(there) = &there {
            self.adopt(there).await?;
        }
        if let Some(put) = self.resume(there.as_ref(), head).await? {
            return Ok(put);
        }
        let Some(current) = self.current() else {
            return Ok(head);
        };
        let revision = current.manifest.revision;
        let behind = there.is_none_or(|there| there.manifest.revision < revision);
        if whole || behind {
            self.put_content(&current).await?;
        }
        if !behind {
            return Ok(head);
        }
        tracing::warn!(
            revision,
            "the bus does not hold the configuration; it is put there"
        );
        let put = self.replace(&current, head).await?;
        self.inner.published.notify_one();
        Ok(put)
    }

    /// Puts the head of a snapshot on the bus that is in the outbox, and moves
    /// it to the history.
    pub(super) async fn finish(
        &self,
        signed: Arc<SignedManifest>,
        Head(expected): Head,
    ) -> Result<(), PublishError> {
        let value = signed.signed.clone();
        let set = self
            .inner
            .bus
            .compare_and_set(Bucket::Configuration, HEAD, value, expected);
        let revision = signed.manifest.revision;
        match set.await {
            Ok(_) => {
                self.on_disk(History::complete).await?;
                self.inner.current.store(Some(signed));
                self.inner.published.notify_one();
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

    /// Signs that the current snapshot is the newest, and says so.
    pub(super) async fn say_fresh(&self) -> Result<(), WriteError> {
        let Some(current) = self.current() else {
            return Ok(());
        };
        let revision = current.manifest.revision;
        let freshness = Freshness::at(revision, current.digest, self.inner.clock.now());
        let signed = freshness.sign(&self.inner.key).to_bytes().into();
        let bus = &self.inner.bus;
        bus.put(Bucket::Configuration, FRESHNESS, signed, None)
            .await
            .map(drop)
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

    /// Takes a newer snapshot over from the bus, with its content.
    async fn adopt(&self, there: &SignedManifest) -> Result<(), BusUnavailable> {
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
        tracing::info!(revision, "configuration adopted from the bus");
        Ok(())
    }

    /// Finishes what was begun before a crash or an outage. Answers the new
    /// head if it was put there now.
    async fn resume(
        &self,
        there: Option<&SignedManifest>,
        head: Head,
    ) -> Result<Option<Head>, BusUnavailable> {
        let pending = self.on_disk(History::pending).await.map_err(store_failed)?;
        let Some(pending) = pending else {
            return Ok(None);
        };
        let revision = pending.manifest.revision;
        let settle = |outcome: Result<(), PublisherError>| outcome.map_err(store_failed);
        if there.is_some_and(|there| there.digest == pending.digest) {
            settle(self.on_disk(History::complete).await)?;
            tracing::info!(revision, "an unconfirmed change had been published");
            return Ok(None);
        }
        let parent = self.current().map(|current| current.digest);
        if pending.manifest.parent != parent {
            settle(self.on_disk(History::abandon).await)?;
            tracing::warn!(
                revision,
                "an unconfirmed change was dropped for a newer one"
            );
            return Ok(None);
        }
        self.put_content(&pending).await?;
        let put = self.replace(&pending, head).await?;
        settle(self.on_disk(History::complete).await)?;
        self.inner.current.store(Some(Arc::new(pending)));
        self.inner.published.notify_one();
        tracing::info!(revision, "an unconfirmed change was published");
        Ok(Some(put))
    }

    async fn put_content(&self, signed: &SignedManifest) -> Result<(), BusUnavailable> {
        for blob in signed.manifest.blobs.values().copied() {
            let held = self.on_disk(move |history| Ok(history.blob(&blob))).await;
            let content = held.map_err(store_failed)?;
            let Some(content) = content else {
                // Said by the store already; the bus may still hold it.
                continue;
            };
            let name = blob.digest.to_string();
            let put = self.inner.bus.put_blob(&name, content).await;
            put.map_err(unwritten)?;
        }
        Ok(())
    }

    async fn replace(
        &self,
        signed: &SignedManifest,
        Head(expected): Head,
    ) -> Result<Head, BusUnavailable> {
        let value = signed.signed.clone();
        let bus = &self.inner.bus;
        let set = bus.compare_and_set(Bucket::Configuration, HEAD, value, expected);
        let version = set.await.map_err(unwritten)?;
        Ok(Head(Some(version)))
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
