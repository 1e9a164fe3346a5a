//! Watches and follows of the in-process bus: look, compare with what was
//! delivered, deliver the difference, wait until something moves.
//!
//! **Invariant:** nothing is queued per change; a slow reader sees the newest
//! value once instead of every value late, as on NATS.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Shared;
use crate::bus::{Bucket, BusState, Change};

/// How many records are copied out at a time.
const RECORDS_AT_A_TIME: usize = 256;

/// The changes under a prefix.
pub(super) fn changes(
    shared: &Arc<Shared>,
    bucket: Bucket,
    prefix: &str,
) -> BoxStream<'static, Change> {
    let watching = Watching {
        shared: Arc::clone(shared),
        signals: Signals::of(shared),
        bucket,
        prefix: prefix.to_owned(),
        delivered: BTreeMap::new(),
        starting: true,
        ready: VecDeque::new(),
    };
    stream::unfold(watching, |mut watching| async move {
        let change = watching.next().await?;
        Some((change, watching))
    })
    .boxed()
}

/// The records after a number.
pub(super) fn records(shared: &Arc<Shared>, after: u64) -> BoxStream<'static, (u64, Bytes)> {
    let following = Following {
        shared: Arc::clone(shared),
        signals: Signals::of(shared),
        after,
        ready: VecDeque::new(),
    };
    stream::unfold(following, |mut following| async move {
        let record = following.next().await?;
        Some((record, following))
    })
    .boxed()
}

/// What makes a reader look again.
struct Signals {
    changed: watch::Receiver<u64>,
    state: watch::Receiver<BusState>,
}

impl Signals {
    fn of(shared: &Shared) -> Self {
        Self {
            changed: shared.changed.subscribe(),
            state: shared.state.subscribe(),
        }
    }

    /// Whether the bus is there, and whether it was away since the last look;
    /// marks everything up to now as seen.
    fn look(&mut self) -> (bool, bool) {
        self.changed.mark_unchanged();
        let was_away = self.state.has_changed().unwrap_or(true);
        let present = *self.state.borrow_and_update() == BusState::Connected;
        (present, was_away)
    }

    /// Waits until something moved or `end` came. `None`: the bus is gone.
    async fn moved(&mut self, end: Option<Instant>) -> Option<()> {
        let end = end.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            changed = self.changed.changed() => changed.ok(),
            state = self.state.changed() => state.ok(),
            () = tokio::time::sleep_until(end) => Some(()),
        }
    }
}

struct Watching {
    shared: Arc<Shared>,
    signals: Signals,
    bucket: Bucket,
    prefix: String,
    delivered: BTreeMap<String, u64>,
    starting: bool,
    ready: VecDeque<Change>,
}

impl Watching {
    async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Some(change);
            }
            let (present, was_away) = self.signals.look();
            self.starting |= was_away;
            let end = present.then(|| self.look()).flatten();
            if self.ready.is_empty() {
                self.signals.moved(end).await?;
            }
        }
    }

    /// Makes the differences ready and answers when to look again by itself.
    fn look(&mut self) -> Option<Instant> {
        let mut held = self.shared.held();
        let mut living = held
            .retained
            .living(self.bucket, &self.prefix, Instant::now());
        let end = held.retained.next_end(self.bucket);
        drop(held);
        let now: BTreeMap<String, u64> = living
            .iter()
            .map(|entry| (entry.key.clone(), entry.version))
            .collect();
        for key in self.delivered.keys() {
            if !now.contains_key(key) {
                self.ready.push_back(Change::Removed { key: key.clone() });
            }
        }
        living.sort_by_key(|entry| entry.version);
        for entry in living {
            let known = self.delivered.get(&entry.key) == Some(&entry.version);
            if self.starting || !known {
                self.ready.push_back(Change::Put(entry));
            }
        }
        self.delivered = now;
        if std::mem::take(&mut self.starting) {
            self.ready.push_back(Change::CaughtUp);
        }
        end
    }
}

struct Following {
    shared: Arc<Shared>,
    signals: Signals,
    after: u64,
    ready: VecDeque<(u64, Bytes)>,
}

impl Following {
    async fn next(&mut self) -> Option<(u64, Bytes)> {
        loop {
            if let Some((number, record)) = self.ready.pop_front() {
                self.after = number;
                return Some((number, record));
            }
            if let (true, _) = self.signals.look() {
                let held = self.shared.held();
                if self.after > held.last_record {
                    self.after = 0;
                }
                let newer = held.records.partition_point(|(at, _)| *at <= self.after);
                let newer = held.records.range(newer..).take(RECORDS_AT_A_TIME);
                self.ready.extend(newer.cloned());
            }
            if self.ready.is_empty() {
                self.signals.moved(None).await?;
            }
        }
    }
}
