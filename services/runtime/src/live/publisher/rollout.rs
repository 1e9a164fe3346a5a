//! Who is there, and which snapshot each uses.
//!
//! **Invariant:** an instance counts while its report lives; one that fell
//! silent disappears with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::bus::{Bucket, Bus, Change};
use crate::live::InstanceReport;

/// The living instances.
#[derive(Debug)]
pub struct Rollout {
    reports: watch::Sender<Arc<BTreeMap<String, InstanceReport>>>,
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
    pub(super) fn new() -> Self {
        Self {
            reports: watch::Sender::new(Arc::default()),
        }
    }

    /// Every living instance, by role and id.
    pub fn instances(&self) -> Vec<InstanceReport> {
        self.reports.borrow().values().cloned().collect()
    }

    /// Waits until every living instance uses `revision` or a newer one, for
    /// at most `deadline`, and answers how far it came.
    pub async fn wait_applied(&self, revision: u64, deadline: Duration) -> Applied {
        let mut reports = self.reports.subscribe();
        let all = |reports: &Arc<BTreeMap<String, InstanceReport>>| {
            reports.values().all(|report| report.revision >= revision)
        };
        // Past the deadline, how far it came is the answer. What `wait_for`
        // gives is a lock on the reports, to be let go before they are read.
        drop(tokio::time::timeout(deadline, reports.wait_for(all)).await);
        let (applied, missing) = self
            .instances()
            .into_iter()
            .partition(|report| report.revision >= revision);
        Applied { applied, missing }
    }

    /// The instance that uses the newest snapshot of all.
    pub(super) fn newest(&self) -> Option<InstanceReport> {
        let reports = self.reports.borrow();
        let newest = reports.values().max_by_key(|report| report.revision);
        newest.cloned()
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
                let report = InstanceReport::read(&entry.value);
                // The key is what permissions guard: a report under another
                // role's or instance's key is nobody's.
                let own = report.filter(|report| {
                    entry.key.split_once('.').map(|(role, _)| role) == Some(report.role.as_str())
                });
                if let Some(report) = own {
                    self.reports.send_modify(|reports| {
                        Arc::make_mut(reports).insert(entry.key, report);
                    });
                }
            }
            Change::Removed { key } => self.reports.send_modify(|reports| {
                Arc::make_mut(reports).remove(&key);
            }),
            Change::CaughtUp => {}
        }
    }
}
