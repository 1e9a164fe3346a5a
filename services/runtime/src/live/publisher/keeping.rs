//! Keeping the bus as it should be while control runs: its head, its blobs, and
//! the statement that they are the newest.
//!
//! **Invariant:** one check or write at a time; each looks at the bus before it
//! writes there.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::Publisher;
use super::sweeping::Sweep;
use crate::bus::{Bucket, BusState, BusUnavailable, Change, Watch};
use crate::live::{FRESHNESS_INTERVAL, HEAD};

/// How often the bus is checked for what it should hold.
const CHECK: Duration = Duration::from_secs(10);

/// Every which check looks at every blob, too; it also does after every change.
const WHOLE_CHECK: u32 = 30;

/// How soon after a failed check.
pub(super) const CHECK_AGAIN: Duration = Duration::from_secs(1);

impl Publisher {
    pub(super) async fn keep_fresh(&self) {
        let mut published = self.inner.published.subscribe();
        let mut interval = tokio::time::interval(FRESHNESS_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut states = self.inner.bus.state();
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                Ok(()) = published.changed() => {}
                changed = states.changed() => if changed.is_err() {
                    std::future::pending::<()>().await;
                },
            }
            if let Err(error) = self.say_fresh().await {
                tracing::debug!(%error, "freshness was not sent");
            }
        }
    }

    pub(super) async fn keep_published(&self) {
        let mut states = self.inner.bus.state();
        let mut watch = self.inner.bus.watch(Bucket::Configuration, "").await.ok();
        let mut published = self.inner.published.subscribe();
        let mut sweep = Sweep::default();
        let mut whole = true;
        let mut since_whole = 0;
        let mut complained = false;
        loop {
            let wait = match self.check(whole).await {
                Ok(()) => {
                    if whole {
                        since_whole = 0;
                        self.sweep(&mut sweep).await;
                    }
                    since_whole += 1;
                    whole = since_whole >= WHOLE_CHECK;
                    complained = false;
                    CHECK
                }
                Err(error) => {
                    if !complained {
                        tracing::warn!(%error, "the bus was not checked");
                    }
                    complained = true;
                    CHECK_AGAIN
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                changed = states.changed() => {
                    whole = true;
                    if changed.is_err() {
                        tokio::time::sleep(wait).await;
                    }
                    // A bus that went away needs no check until it is back.
                    drop(states.wait_for(|state| *state == BusState::Connected).await);
                }
                () = self.altered(&mut watch) => whole = true,
                Ok(()) = published.changed() => whole = true,
            }
        }
    }

    /// Brings the bus and this store to the newest of the two; with `whole`
    /// also every blob.
    pub(super) async fn check(&self, whole: bool) -> Result<(), BusUnavailable> {
        let _one = self.inner.writing.lock().await;
        self.agree(whole).await.map(drop)
    }

    /// Waits until the bus's configuration is not what this publisher put
    /// there: a value is gone, or another head stands there.
    async fn altered(&self, watch: &mut Option<Watch>) {
        while let Some(running) = watch {
            match running.next().await {
                Some(Change::Removed { .. }) => return,
                Some(Change::Put(entry)) if entry.key == HEAD => {
                    let own = self.current().is_some_and(|now| now.signed == entry.value);
                    if !own {
                        return;
                    }
                }
                Some(_) => {}
                None => *watch = None,
            }
        }
        std::future::pending::<()>().await;
    }
}
