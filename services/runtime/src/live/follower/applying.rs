//! From signed bytes to the applied view.
//!
//! The order is fixed: signature, bounds, number, critical extensions, blobs
//! by hash, decode aside, swap, keep. Each step can refuse; only the swap
//! changes what requests see.
//!
//! **Invariant:** a number is applied at most once, and numbers only grow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{Instrument, info_span};

use super::last_good::LastGood;
use super::reporting::Report;
use super::tracing_offers::Offered;
use super::{RECONCILE, SnapshotRefused};
use crate::bus::{Bucket, Bus, Change, Entry, Watch};
use crate::clock::{Clock, unix_seconds};
use crate::live::{
    Confirmation, Decoder, Digest, FRESHNESS, Freshness, HEAD, Live, Manifest, ManifestInvalid,
    Revisioned, SignedManifest, TrustedKeys,
};
use crate::metrics::Counter;
use crate::telemetry::chain;

/// How often, in seconds, the newest freshness is written to disk.
const KEEP_FRESHNESS: u64 = 60;

/// How soon a snapshot that may pass later is tried again, at first; each time
/// twice as late, up to [`RECONCILE`].
pub(super) const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Applying<V> {
    pub(super) live: Live<V>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) keys: TrustedKeys,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) decoder: Arc<dyn Decoder<V>>,
    pub(super) last_good: LastGood,
    pub(super) report: Report,
    /// Counts offers that were refused.
    pub(super) refusals: Counter,
    /// The last offer that was dealt with for good.
    pub(super) settled: Option<Bytes>,
    /// The last offer that was refused.
    pub(super) refused: Option<Bytes>,
    /// What is applied and could not be written to disk yet.
    pub(super) unpersisted: Option<Complete>,
    /// Of which snapshot the freshness on disk is, and when it was issued.
    pub(super) freshness_kept: Option<(Digest, u64)>,
    /// What was fetched of a snapshot that lacks something yet.
    pub(super) fetched: BTreeMap<Digest, Bytes>,
    /// The wait before it is tried again.
    pub(super) wait: Duration,
}

/// A checked snapshot with all the content that this role wants.
#[derive(Debug, Clone)]
pub(super) struct Complete {
    signed: SignedManifest,
    blobs: BTreeMap<String, Bytes>,
}

impl<V: Send + Sync + 'static> Applying<V> {
    /// Applies what is on disk, without the bus.
    pub(super) async fn start_from_disk(&mut self) {
        let (head, freshness) = (self.last_good.head(), self.last_good.freshness());
        if let Ok(Some(freshness)) = freshness {
            self.freshen(freshness);
        }
        let applied = match head {
            Ok(None) => return,
            Ok(Some(head)) => self.apply_from_disk(head).await,
            Err(error) => Err(error.to_string()),
        };
        match applied {
            Ok(revision) => {
                tracing::info!(revision, "configuration applied from disk");
                self.report.persisted(revision);
            }
            Err(why) => {
                tracing::error!(why, "the last good configuration on disk is ignored");
                self.report.refused(&why);
            }
        }
    }

    /// Follows for ever.
    pub(super) async fn run(&mut self) {
        let mut reconcile = tokio::time::interval(RECONCILE);
        reconcile.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch: Option<Watch> = None;
        let mut retry: Option<Instant> = None;
        loop {
            if watch.is_none() {
                watch = self.bus.watch(Bucket::Configuration, "").await.ok();
            }
            let again = retry.unwrap_or_else(|| Instant::now() + RECONCILE);
            tokio::select! {
                change = next(&mut watch) => match change {
                    Some(Change::Put(entry)) if entry.key == HEAD => {
                        retry = self.offer(entry).await;
                    }
                    Some(Change::Put(entry)) if entry.key == FRESHNESS => {
                        self.freshen(entry.value);
                        self.keep_freshness().await;
                    }
                    Some(_) => {}
                    None => watch = None,
                },
                _ = reconcile.tick() => retry = self.reconcile().await,
                () = tokio::time::sleep_until(again) => retry = self.reconcile().await,
            }
        }
    }

    /// Asks for what the watch should have brought.
    async fn reconcile(&mut self) -> Option<Instant> {
        self.persist().await;
        let retry = match self.bus.read(Bucket::Configuration, HEAD).await {
            Ok(Some(head)) => self.offer(head).await,
            Ok(None) | Err(_) => None,
        };
        if let Ok(Some(freshness)) = self.bus.read(Bucket::Configuration, FRESHNESS).await {
            self.freshen(freshness.value);
        }
        retry
    }

    /// Deals with a snapshot from the bus. Answers when to try again, if that
    /// may help.
    async fn offer(&mut self, head: Entry) -> Option<Instant> {
        if self.settled.as_ref() == Some(&head.value) {
            return None;
        }
        let opened = SignedManifest::open(head.value.clone(), &self.keys);
        if let Ok(signed) = &opened
            && let Ok(false) = self.is_newer(signed)
        {
            self.report.current();
            self.settle(head.value);
            return None;
        }
        let offered = Offered::new(opened.as_ref().ok(), head.trace, self.clock.now());
        let span = offered.span();
        let applied = async {
            let applied = self.apply_from_bus(opened).await;
            if let Err(refused) = &applied {
                self.refuse(refused, &head.value);
            }
            applied
        };
        let applied = applied.instrument(span).await;
        offered.ended(&applied);
        if applied.is_err_and(|refused| refused.may_pass()) {
            let again = Instant::now() + self.wait;
            self.wait = (self.wait * 2).min(RECONCILE);
            return Some(again);
        }
        self.settle(head.value);
        None
    }

    fn settle(&mut self, head: Bytes) {
        self.settled = Some(head);
        self.fetched.clear();
        self.wait = RETRY;
    }

    /// Says that an offer is not used, and counts it, though it be tried again,
    /// once.
    fn refuse(&mut self, refused: &SnapshotRefused, head: &Bytes) {
        let (why, applied) = (chain(refused), self.live.revision());
        let what_to_do = refused.what_to_do();
        match refused {
            SnapshotRefused::SameNumber { .. } | SnapshotRefused::Manifest(_) => {
                tracing::error!(
                    alarm = true,
                    why,
                    applied,
                    what_to_do,
                    "configuration refused"
                );
            }
            _ => tracing::warn!(why, applied, what_to_do, "configuration refused"),
        }
        self.report.refused(&why);
        if self.refused.as_ref() != Some(head) {
            self.refusals.count(&[]);
            self.refused = Some(head.clone());
        }
    }

    async fn apply_from_bus(
        &mut self,
        opened: Result<SignedManifest, ManifestInvalid>,
    ) -> Result<(), SnapshotRefused> {
        let signed = opened?;
        self.is_newer(&signed)?;
        self.checked_extensions(&signed.manifest)?;
        let fetching = info_span!("fetch parts", parts = self.wanted(&signed.manifest).len());
        let fetched = self.obtained(&signed.manifest).instrument(fetching);
        let blobs = fetched.await?;
        let complete = Complete { signed, blobs };
        self.apply(&complete).await?;
        self.unpersisted = Some(complete);
        self.persist().await;
        Ok(())
    }

    async fn apply_from_disk(&mut self, head: Bytes) -> Result<u64, String> {
        let opened = SignedManifest::open(head.clone(), &self.keys);
        let signed = opened.map_err(|invalid| chain(&invalid))?;
        let checked = self.checked_extensions(&signed.manifest);
        checked.map_err(|refused| chain(&refused))?;
        let mut blobs = BTreeMap::new();
        for (name, blob) in self.wanted(&signed.manifest) {
            let content = self.kept(blob).await;
            let content =
                content.ok_or_else(|| format!("blob \"{name}\" is missing or damaged"))?;
            blobs.insert(name, content);
        }
        let complete = Complete { signed, blobs };
        let applied = self.apply(&complete).await;
        applied.map_err(|refused| chain(&refused))?;
        self.settled = Some(head);
        Ok(complete.signed.manifest.revision)
    }

    /// Whether it is newer than what is applied; `false` for the very same.
    fn is_newer(&self, signed: &SignedManifest) -> Result<bool, SnapshotRefused> {
        let Some(current) = self.live.current() else {
            return Ok(true);
        };
        let (offered, applied) = (signed.manifest.revision, current.revision);
        if offered < applied {
            return Err(SnapshotRefused::Older { offered, applied });
        }
        if offered == applied && signed.digest != current.digest {
            return Err(SnapshotRefused::SameNumber { revision: applied });
        }
        Ok(offered > applied)
    }

    fn checked_extensions(&self, manifest: &Manifest) -> Result<(), SnapshotRefused> {
        let mut critical = manifest.critical.iter();
        match critical.find(|extension| !self.decoder.understands(extension)) {
            None => Ok(()),
            Some(extension) => Err(SnapshotRefused::UnknownCritical {
                extension: extension.clone(),
            }),
        }
    }

    /// Decodes aside and swaps.
    async fn apply(&mut self, complete: &Complete) -> Result<(), SnapshotRefused> {
        let decoder = Arc::clone(&self.decoder);
        let from = complete.clone();
        let span = info_span!("decode");
        let decoding = tokio::task::spawn_blocking(move || {
            span.in_scope(|| decoder.decode(&from.signed.manifest, &from.blobs))
        });
        let view = match decoding.await {
            Ok(decoded) => decoded.map_err(|why| SnapshotRefused::Undecodable { why })?,
            Err(_) => {
                let why = "the decoder failed".to_owned();
                return Err(SnapshotRefused::Undecodable { why });
            }
        };
        let (signed, now) = (&complete.signed, self.clock.now());
        let revision = signed.manifest.revision;
        self.live.apply(Revisioned {
            revision,
            digest: signed.digest,
            created_at: signed.manifest.created_at,
            applied_at: now,
            view,
        });
        tracing::info!(
            revision,
            author = signed.manifest.author,
            "configuration applied"
        );
        self.report
            .applied(revision, unix_seconds(now), &signed.signed);
        Ok(())
    }

    /// Writes what is applied to disk, if it is not there yet.
    async fn persist(&mut self) {
        let Some(complete) = self.unpersisted.take() else {
            return;
        };
        let (last_good, kept) = (self.last_good.clone(), complete.clone());
        let span = info_span!("keep");
        let keeping = tokio::task::spawn_blocking(move || {
            span.in_scope(|| last_good.keep(&kept.signed, &kept.blobs))
        });
        let revision = complete.signed.manifest.revision;
        match keeping.await {
            Ok(Ok(())) => self.report.persisted(revision),
            Ok(Err(error)) => {
                tracing::error!(
                    error = chain(&error),
                    revision,
                    what_to_do = "see to the instance's folder: without it a restart needs the bus",
                    "configuration not kept on disk"
                );
                self.unpersisted = Some(complete);
            }
            Err(_) => self.unpersisted = Some(complete),
        }
    }

    fn freshen(&self, signed: Bytes) {
        let now = self.clock.now();
        if let Some(freshness) = Freshness::open(&signed, &self.keys, now) {
            self.live.freshen(Confirmation { freshness, signed });
        }
    }

    /// Writes the newest freshness of what is applied to disk, now and then.
    async fn keep_freshness(&mut self) {
        let Some(Confirmation { freshness, signed }) = self.live.confirmation() else {
            return;
        };
        let kept = self
            .freshness_kept
            .filter(|(digest, _)| *digest == freshness.digest);
        if kept.is_some_and(|(_, issued)| freshness.issued < issued.saturating_add(KEEP_FRESHNESS))
        {
            return;
        }
        let last_good = self.last_good.clone();
        let keeping = tokio::task::spawn_blocking(move || last_good.keep_freshness(&signed));
        if let Ok(Ok(())) = keeping.await {
            self.freshness_kept = Some((freshness.digest, freshness.issued));
        }
    }
}

async fn next(watch: &mut Option<Watch>) -> Option<Change> {
    match watch {
        Some(watch) => watch.next().await,
        // The bus is closed for good; the reconcile poll goes on asking.
        None => std::future::pending().await,
    }
}
