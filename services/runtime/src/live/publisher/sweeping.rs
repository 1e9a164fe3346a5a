//! Removing from the bus what no recent snapshot names.
//!
//! The store on disk keeps everything; the bus has a limit, and past it no
//! change would be possible any more.
//!
//! **Invariant:** what one of the newest [`KEPT`] snapshots names stays, and so
//! does what was unnamed for less than [`GRACE`]: another control puts the
//! blobs of a change there before its head.

use std::collections::{BTreeMap, BTreeSet};

use super::Publisher;
use super::history::History;
use crate::bus::BusUnavailable;
use crate::clock::unix_seconds;
use crate::live::Manifest;
use crate::telemetry::chain;

/// How many snapshots keep their blobs on the bus.
const KEPT: usize = 32;

/// How long a blob is unnamed before it goes, in seconds.
const GRACE: u64 = 600;

/// Since when blobs are unnamed, in seconds since 1970, by name.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    unnamed: BTreeMap<String, u64>,
}

impl Publisher {
    /// Removes what is unnamed for long. A failure is said, and harms nothing.
    pub(super) async fn sweep(&self, sweep: &mut Sweep) {
        if self.current().is_none() {
            return;
        }
        match self.removed(sweep).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "blobs of old revisions left the bus"),
            Err(error) => tracing::debug!(error = chain(&error), "old blobs were not removed"),
        }
    }

    async fn removed(&self, sweep: &mut Sweep) -> Result<usize, BusUnavailable> {
        // No change of this control puts a blob there meanwhile.
        let _one = self.inner.writing.lock().await;
        let Ok(mut named) = self.on_disk(named).await else {
            return Ok(0);
        };
        // Whatever became of its file.
        let current = self.current();
        named.extend(current.iter().flat_map(|now| names(&now.manifest)));
        let there = self.inner.bus.blobs().await?;
        let now = unix_seconds(self.inner.clock.now());
        let unnamed = there.into_iter().filter(|name| !named.contains(name));
        let since = |name: &String| sweep.unnamed.get(name).copied().unwrap_or(now);
        sweep.unnamed = unnamed.map(|name| (name.clone(), since(&name))).collect();
        let over = sweep.unnamed.iter();
        let over = over.filter(|(_, since)| now.saturating_sub(**since) >= GRACE);
        let over: Vec<String> = over.map(|(name, _)| name.clone()).collect();
        for name in &over {
            self.inner.bus.remove_blob(name).await?;
            sweep.unnamed.remove(name);
        }
        Ok(over.len())
    }
}

/// The names of the blobs of the newest snapshots and of what is under way.
fn named(history: &History) -> Result<BTreeSet<String>, super::PublisherError> {
    let mut snapshots = history.list(KEPT)?;
    snapshots.extend(history.pending()?);
    let named = snapshots.iter().flat_map(|it| names(&it.manifest));
    Ok(named.collect())
}

fn names(manifest: &Manifest) -> impl Iterator<Item = String> {
    manifest.blobs.values().map(|blob| blob.digest.to_string())
}
