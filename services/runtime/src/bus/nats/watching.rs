//! A watch that survives its server: begun anew after every return of the
//! connection, with the differences to what was delivered before.
//!
//! **Invariant:** after [`Change::CaughtUp`] the reader knows every value of
//! the bucket and holds none that is gone, however long the outage was.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use futures::stream::{self, BoxStream, StreamExt};

use super::deliveries::{Delivered, Deliveries, Message};
use super::link::{Line, Link};
use super::{streams, values};
use crate::bus::{Bucket, Change, Entry, SMALL_OPERATION};

/// The longest wait between two tries to begin.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The changes under a prefix.
pub(super) fn changes(link: &Link, bucket: Bucket, prefix: &str) -> BoxStream<'static, Change> {
    let watching = Watching {
        beginning: Beginning::of(link),
        link: link.clone(),
        bucket,
        prefix: prefix.to_owned(),
        running: None,
        known: BTreeSet::new(),
        seen: BTreeSet::new(),
        starting: true,
        ready: VecDeque::new(),
    };
    stream::unfold(watching, |mut watching| async move {
        let change = watching.next().await?;
        Some((change, watching))
    })
    .boxed()
}

/// When to begin (again): with the connection, and not too often.
pub(super) struct Beginning {
    line: tokio::sync::watch::Receiver<Line>,
    wait: Duration,
}

impl Beginning {
    pub(super) fn of(link: &Link) -> Self {
        Self {
            line: link.line.clone(),
            wait: Duration::ZERO,
        }
    }

    /// The number of the present connection; waits for one. `None`: there will
    /// never be one again.
    pub(super) async fn connection(&mut self) -> Option<u64> {
        let line = self.line.wait_for(|line| line.connected).await.ok()?;
        Some(line.number)
    }

    /// Waits until the connection is another one, or none.
    pub(super) async fn lost(&mut self, number: u64) {
        let is_other = |line: &Line| !line.connected || line.number != number;
        // A closed channel means the bus was dropped: lost as well.
        drop(self.line.wait_for(is_other).await);
    }

    /// Notes that beginning went well.
    pub(super) fn succeeded(&mut self) {
        self.wait = Duration::ZERO;
    }

    /// Notes that it did not, and waits a little longer each time.
    pub(super) async fn failed(&mut self) {
        self.wait = (self.wait * 2).clamp(Duration::from_millis(50), LONGEST_WAIT);
        tokio::time::sleep(self.wait).await;
    }
}

struct Watching {
    beginning: Beginning,
    link: Link,
    bucket: Bucket,
    prefix: String,
    /// The delivery and the number of its connection.
    running: Option<(u64, Deliveries)>,
    /// Keys the reader holds a value of.
    known: BTreeSet<String>,
    /// Keys delivered since the start.
    seen: BTreeSet<String>,
    starting: bool,
    ready: VecDeque<Change>,
}

impl Watching {
    async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Some(change);
            }
            let Some((number, deliveries)) = &mut self.running else {
                self.begin().await?;
                continue;
            };
            let delivered = tokio::select! {
                biased;
                () = self.beginning.lost(*number) => Delivered::Broken,
                delivered = deliveries.next() => delivered,
            };
            match delivered {
                Delivered::Message(message) => self.take(message),
                Delivered::Idle if self.starting => {
                    if deliveries.delivered_all().await {
                        self.caught_up();
                    }
                }
                Delivered::Idle => {}
                Delivered::Broken => self.running = None,
            }
        }
    }

    async fn begin(&mut self) -> Option<()> {
        let number = self.beginning.connection().await?;
        let stream = streams::of(self.bucket);
        let subject = format!("$KV.{}.>", self.bucket.name());
        let from = DeliverPolicy::LastPerSubject;
        let begun = Deliveries::begin(&self.link, &stream, subject, from);
        let begun = tokio::time::timeout(SMALL_OPERATION, begun).await;
        let Ok(Ok(deliveries)) = begun else {
            self.beginning.failed().await;
            return Some(());
        };
        self.beginning.succeeded();
        self.starting = true;
        self.seen.clear();
        if deliveries.waiting_at_start == 0 {
            self.caught_up();
        }
        self.running = Some((number, deliveries));
        Some(())
    }

    fn take(&mut self, message: Message) {
        let subject = format!("$KV.{}.", self.bucket.name());
        let key = message.subject.strip_prefix(&subject).map(str::to_owned);
        if let Some(key) = key.filter(|key| key.starts_with(&self.prefix)) {
            if values::is_removal(message.headers.as_ref()) {
                self.seen.remove(&key);
                if self.known.remove(&key) {
                    self.ready.push_back(Change::Removed { key });
                }
            } else {
                if self.starting {
                    self.seen.insert(key.clone());
                }
                self.known.insert(key.clone());
                self.ready.push_back(Change::Put(Entry {
                    trace: values::trace_of(message.headers.as_ref()),
                    key,
                    value: message.payload,
                    version: message.number,
                }));
            }
        }
        if self.starting && message.waiting == 0 {
            self.caught_up();
        }
    }

    /// Ends the start: what is known and was not seen is gone.
    fn caught_up(&mut self) {
        self.starting = false;
        let seen = std::mem::take(&mut self.seen);
        for key in self.known.difference(&seen) {
            self.ready.push_back(Change::Removed { key: key.clone() });
        }
        self.known = seen;
        self.ready.push_back(Change::CaughtUp);
    }
}
