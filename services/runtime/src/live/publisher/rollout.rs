//! Who is there, and which snapshot each uses.
//!
//! **Invariant:** an instance counts while its report lives; one that fell
//! silent disappears with it. What a report says informs; only a manifest that
//! came with it and was verified says which snapshots exist.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::bus::{Bucket, Bus, Change, Entry};
use crate::live::instance::Said;
use crate::live::{InstanceReport, SignedManifest, TrustedKeys};

/// The living instances.
#[derive(Debug)]
pub struct Rollout {
    trusted: TrustedKeys,
    known: watch::Sender<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Whether every report that stood on the bus was read.
    caught_up: bool,
    /// By key.
    instances: BTreeMap<String, Heard>,
}

#[derive(Debug)]
struct Heard {
    report: InstanceReport,
    /// The snapshot that this instance proved to have.
    proven: Option<Arc<SignedManifest>>,
}

/// How far a snapshot has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The instances that use it, or a newer one.
    pub applied: Vec<InstanceReport>,
    /// The instances that do not yet.
    pub missing: Vec<InstanceReport>,
}

impl Rollout {
    pub(super) fn new(trusted: TrustedKeys) -> Self {
        Self {
            trusted,
            known: watch::Sender::new(Known::default()),
        }
    }

    /// Every living instance, by role and id.
    pub fn instances(&self) -> Vec<InstanceReport> {
        let known = self.known.borrow();
        let reports = known.instances.values().map(|heard| heard.report.clone());
        reports.collect()
    }

    /// Waits until every living instance uses `revision` or a newer one, for
    /// at most `deadline`, and answers how far it came. Before the first
    /// instance was heard, and before all that stand on the bus were, nobody
    /// knows how far.
    pub async fn wait_applied(&self, revision: u64, deadline: Duration) -> Applied {
        let mut known = self.known.subscribe();
        let all = |known: &Known| {
            let mut instances = known.instances.values();
            known.caught_up
                && !known.instances.is_empty()
                && instances.all(|heard| heard.report.revision >= revision)
        };
        // Past the deadline, how far it came is the answer. What `wait_for`
        // gives is a lock on the reports, to be let go before they are read.
        drop(tokio::time::timeout(deadline, known.wait_for(all)).await);
        let (applied, missing) = self
            .instances()
            .into_iter()
            .partition(|report| report.revision >= revision);
        Applied { applied, missing }
    }

    /// Waits until every report that stood on the bus was read, and then until
    /// an instance of each of these roles was heard or one proved a snapshot;
    /// for each at most `patience`. Whether the reports were read.
    pub(super) async fn gathered(&self, roles: &[&str], patience: Duration) -> bool {
        let mut known = self.known.subscribe();
        let read = known.wait_for(|known| known.caught_up);
        if !tokio::time::timeout(patience, read)
            .await
            .is_ok_and(|read| read.is_ok())
        {
            return false;
        }
        let heard = |known: &Known| {
            let instances = || known.instances.values();
            instances().any(|heard| heard.proven.is_some())
                || roles
                    .iter()
                    .all(|role| instances().any(|heard| heard.report.role == *role))
        };
        drop(tokio::time::timeout(patience, known.wait_for(heard)).await);
        true
    }

    /// The newest snapshot that an instance proved to have, and whose id.
    pub(super) fn newest(&self) -> Option<(String, Arc<SignedManifest>)> {
        let known = self.known.borrow();
        let proven = known.instances.values().filter_map(|heard| {
            let proven = heard.proven.as_ref()?;
            Some((heard.report.id.clone(), Arc::clone(proven)))
        });
        proven.max_by_key(|(_, proven)| proven.manifest.revision)
    }

    /// Follows the reports for ever.
    pub(super) async fn watch(&self, bus: &dyn Bus) {
        while let Ok(mut watch) = bus.watch(Bucket::Instances, "").await {
            while let Some(change) = watch.next().await {
                self.take(change);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    }

    fn take(&self, change: Change) {
        match change {
            Change::Put(entry) => {
                if let Some(heard) = self.heard(&entry) {
                    self.known.send_modify(|known| {
                        known.instances.insert(entry.key, heard);
                    });
                }
            }
            Change::Removed { key } => self.known.send_modify(|known| {
                known.instances.remove(&key);
            }),
            Change::CaughtUp => self.known.send_modify(|known| known.caught_up = true),
        }
    }

    /// The report of an entry, if it is one and stands where it belongs: the
    /// key is what permissions guard, so a report under another role's or
    /// instance's key is nobody's.
    fn heard(&self, entry: &Entry) -> Option<Heard> {
        let said = Said::read(&entry.value)?;
        if said.report.key() != entry.key {
            return None;
        }
        let proven = said.proven(&self.trusted).map(Arc::new);
        let report = said.report;
        let claimed = report.revision;
        if claimed > 0 && proven.as_ref().map(|it| it.manifest.revision) != Some(claimed) {
            let known = self.known.borrow();
            let before = known.instances.get(&entry.key);
            if before.is_none_or(|before| before.report.revision != claimed) {
                tracing::warn!(
                    instance = entry.key,
                    revision = claimed,
                    "an instance does not prove that it has the revision it reports"
                );
            }
        }
        Some(Heard { report, proven })
    }
}
