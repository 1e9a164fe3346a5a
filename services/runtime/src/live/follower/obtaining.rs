//! Getting the blobs of a snapshot: from this instance's disk, or else the bus.
//!
//! **Invariant:** content is what its manifest says, wherever it came from.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::SnapshotRefused;
use super::applying::Applying;
use crate::live::{BlobReference, Manifest};

impl<V: Send + Sync + 'static> Applying<V> {
    /// Every blob that this role wants.
    pub(super) async fn obtained(
        &mut self,
        manifest: &Manifest,
    ) -> Result<BTreeMap<String, Bytes>, SnapshotRefused> {
        let wanted = self.wanted(manifest);
        self.fetched
            .retain(|digest, _| wanted.iter().any(|(_, blob)| blob.digest == *digest));
        let mut blobs = BTreeMap::new();
        let mut lacking = None;
        for (name, blob) in wanted {
            let held = match self.fetched.get(&blob.digest) {
                Some(content) => Some(content.clone()),
                None => self.kept(blob).await,
            };
            let content = match held {
                Some(content) => content,
                None => match self.fetch(&name, &blob).await {
                    // Kept as it arrives: one that is missing does not make
                    // all others be fetched again.
                    Ok(content) => {
                        self.fetched.insert(blob.digest, content.clone());
                        content
                    }
                    Err(refused @ SnapshotRefused::WrongBlob { .. }) => {
                        lacking.get_or_insert(refused);
                        continue;
                    }
                    Err(refused) => return Err(refused),
                },
            };
            blobs.insert(name, content);
        }
        if let Some(refused) = lacking {
            return Err(refused);
        }
        Ok(blobs)
    }

    pub(super) fn wanted(&self, manifest: &Manifest) -> Vec<(String, BlobReference)> {
        let wanted = |(name, _): &(&String, &BlobReference)| self.decoder.wants(name);
        let blobs = manifest.blobs.iter().filter(wanted);
        blobs.map(|(name, blob)| (name.clone(), *blob)).collect()
    }

    pub(super) async fn kept(&self, blob: BlobReference) -> Option<Bytes> {
        let last_good = self.last_good.clone();
        let read = tokio::task::spawn_blocking(move || last_good.blob(&blob));
        read.await.ok().flatten()
    }

    async fn fetch(&self, name: &str, blob: &BlobReference) -> Result<Bytes, SnapshotRefused> {
        let name = name.to_owned();
        let content = match self.bus.blob(&blob.digest.to_string()).await {
            Ok(content) => content,
            Err(source) => return Err(SnapshotRefused::Unfetched { name, source }),
        };
        let right = content.filter(|content| blob.is(content));
        right.ok_or(SnapshotRefused::WrongBlob { name })
    }
}
