//! The bus inside one process.
//!
//! It keeps nothing beyond the process: control's store on disk does that, and
//! publishes it again at every start. [`LocalBus::set_away`] and
//! [`LocalBus::wipe`] play an outage and a lost store for tests.
//!
//! **Invariant:** while away it changes and delivers nothing, exactly as an
//! unreachable server would.

mod retained;
#[cfg(test)]
mod tests;
mod watching;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::{
    BLOB_LIMIT, Bucket, Bus, BusState, BusUnavailable, Cause, Entry, Follow, Log, Reply, ReplyPath,
    Request, Requests, VALUE_LIMIT, Watch, WriteError, checked_key, checked_value,
};
use crate::trace::TraceContext;
use retained::Retained;

/// How many records a log keeps.
const RECORDS: usize = 10_000;

/// How many requests wait for one server of a subject.
const REQUESTS: usize = 64;

/// A bus for one process. Clones are the same bus.
#[derive(Clone)]
pub struct LocalBus(Arc<Shared>);

struct Shared {
    held: Mutex<Held>,
    /// Counts every change; watches and follows look again when it moves.
    changed: watch::Sender<u64>,
    state: watch::Sender<BusState>,
}

#[derive(Default)]
struct Held {
    retained: Retained,
    blobs: BTreeMap<String, Bytes>,
    records: VecDeque<(u64, Bytes)>,
    last_record: u64,
    servers: BTreeMap<String, VecDeque<mpsc::Sender<Request>>>,
}

impl LocalBus {
    /// An empty bus.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            held: Mutex::default(),
            changed: watch::Sender::new(0),
            state: watch::Sender::new(BusState::Connected),
        }))
    }

    /// Takes the bus away, or brings it back with all it held.
    pub fn set_away(&self, away: bool) {
        self.0.state.send_replace(if away {
            BusState::Away
        } else {
            BusState::Connected
        });
    }

    /// Forgets everything, as a server does that lost its store: versions and
    /// numbers start over.
    pub fn wipe(&self) {
        let mut held = self.0.held();
        let servers = std::mem::take(&mut held.servers);
        *held = Held {
            servers,
            ..Held::default()
        };
        drop(held);
        self.0.tell();
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalBus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalBus")
            .field("state", &*self.0.state.borrow())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }

    fn present(&self, operation: &'static str) -> Result<(), BusUnavailable> {
        match *self.state.borrow() {
            BusState::Connected => Ok(()),
            BusState::Away => Err(BusUnavailable::new(operation, Cause::Away)),
        }
    }

    fn write(
        &self,
        operation: &'static str,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
        allowed: impl FnOnce(Option<u64>) -> bool,
    ) -> Result<u64, WriteError> {
        checked_key(operation, key)?;
        checked_value(&value)?;
        self.present(operation)?;
        let now = Instant::now();
        let ends = life.map(|life| now + whole_seconds(life));
        let mut held = self.held();
        let standing = held.retained.read(bucket, key, now).map(|at| at.version);
        if !allowed(standing) {
            return Err(WriteError::Conflict);
        }
        let version = held.retained.write(bucket, key, value, ends);
        drop(held);
        self.tell();
        Ok(version)
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn read(&self, bucket: Bucket, key: &str) -> Result<Option<Entry>, BusUnavailable> {
        checked_key("read", key)?;
        self.0.present("read")?;
        Ok(self.0.held().retained.read(bucket, key, Instant::now()))
    }

    async fn create(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
    ) -> Result<u64, WriteError> {
        self.0
            .write("create", bucket, key, value, life, |at| at.is_none())
    }

    async fn compare_and_set(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        expected: Option<u64>,
    ) -> Result<u64, WriteError> {
        self.0
            .write("compare and set", bucket, key, value, None, |at| {
                at == expected
            })
    }

    async fn put(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
    ) -> Result<u64, WriteError> {
        self.0.write("put", bucket, key, value, life, |_| true)
    }

    async fn watch(&self, bucket: Bucket, prefix: &str) -> Result<Watch, BusUnavailable> {
        Ok(Watch::new(watching::changes(&self.0, bucket, prefix)))
    }

    async fn put_blob(&self, name: &str, blob: Bytes) -> Result<(), WriteError> {
        checked_key("put a blob", name)?;
        if blob.len() > BLOB_LIMIT {
            return Err(WriteError::TooLarge {
                size: blob.len(),
                limit: BLOB_LIMIT,
            });
        }
        self.0.present("put a blob")?;
        self.0.held().blobs.insert(name.to_owned(), blob);
        Ok(())
    }

    async fn blob(&self, name: &str) -> Result<Option<Bytes>, BusUnavailable> {
        checked_key("read a blob", name)?;
        self.0.present("read a blob")?;
        Ok(self.0.held().blobs.get(name).cloned())
    }

    async fn blobs(&self) -> Result<Vec<String>, BusUnavailable> {
        self.0.present("list the blobs")?;
        Ok(self.0.held().blobs.keys().cloned().collect())
    }

    async fn remove_blob(&self, name: &str) -> Result<(), BusUnavailable> {
        checked_key("remove a blob", name)?;
        self.0.present("remove a blob")?;
        self.0.held().blobs.remove(name);
        Ok(())
    }

    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, BusUnavailable> {
        let failed = |cause| BusUnavailable::new("request", cause);
        checked_key("request", subject)?;
        self.0.present("request")?;
        if payload.len() > VALUE_LIMIT {
            return Err(failed(Cause::InvalidName));
        }
        let server = self.0.held().server(subject);
        let server = server.ok_or_else(|| failed(Cause::NobodyThere))?;
        let (asker, answer) = oneshot::channel();
        let request = Request {
            payload,
            trace: TraceContext::current(),
            reply: Reply(ReplyPath::Local(asker)),
        };
        let exchange = async {
            server.send(request).await.ok()?;
            answer.await.ok()
        };
        match tokio::time::timeout(deadline, exchange).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(failed(Cause::NobodyThere)),
            Err(_) => Err(failed(Cause::Deadline)),
        }
    }

    async fn serve(&self, subject: &str) -> Result<Requests, BusUnavailable> {
        checked_key("serve", subject)?;
        let (sender, receiver) = mpsc::channel(REQUESTS);
        let mut held = self.0.held();
        let servers = held.servers.entry(subject.to_owned()).or_default();
        servers.push_back(sender);
        Ok(Requests::new(Box::pin(
            tokio_stream::wrappers::ReceiverStream::new(receiver),
        )))
    }

    async fn append(&self, log: Log, record: Bytes) -> Result<u64, WriteError> {
        let Log::Events = log;
        checked_value(&record)?;
        self.0.present("append")?;
        let number = self.0.held().append(record);
        self.0.tell();
        Ok(number)
    }

    async fn follow(&self, log: Log, after: u64) -> Result<Follow, BusUnavailable> {
        let Log::Events = log;
        Ok(Follow::new(watching::records(&self.0, after)))
    }

    fn state(&self) -> watch::Receiver<BusState> {
        self.0.state.subscribe()
    }
}

impl Held {
    /// The subject's next living server, in turn.
    fn server(&mut self, subject: &str) -> Option<mpsc::Sender<Request>> {
        let servers = self.servers.get_mut(subject)?;
        servers.retain(|server| !server.is_closed());
        servers.rotate_left(usize::from(servers.len() > 1));
        servers.back().cloned()
    }

    fn append(&mut self, record: Bytes) -> u64 {
        self.last_record += 1;
        self.records.push_back((self.last_record, record));
        if self.records.len() > RECORDS {
            self.records.pop_front();
        }
        self.last_record
    }
}

/// A life as NATS keeps it: in whole seconds, rounded up, at least one.
pub(super) fn whole_seconds(life: Duration) -> Duration {
    let up = u64::from(life.subsec_nanos() > 0);
    Duration::from_secs(life.as_secs().saturating_add(up).max(1))
}
