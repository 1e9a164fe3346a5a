//! What the processes of one installation tell one another: retained values,
//! blobs, requests and a log, behind one trait with two implementations.
//!
//! [`NatsBus`] speaks to NATS JetStream; [`LocalBus`] lives in one process and
//! needs nothing. Both pass the same conformance suite
//! (`tests/bus_conformance.rs`). The bus is a transport: what is read from it
//! is checked by whoever reads it (see [`live`](crate::live)), and what is
//! written to it also stands on its writer's own disk.
//!
//! **Invariant:** every operation ends within its deadline. While the bus is
//! away it ends at once, with [`BusUnavailable`]; a watch stays silent until
//! the bus is back and then starts over, so that nothing is missed.

mod errors;
pub mod local;
pub mod nats;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::{oneshot, watch};

pub use errors::{BusUnavailable, Cause, WriteError};
pub use local::LocalBus;
pub use nats::{NatsBus, NatsSettings};

use crate::trace::TraceContext;

/// How long a small operation (anything but a blob or a request) may take.
pub const SMALL_OPERATION: Duration = Duration::from_secs(2);

/// The largest value of a key and the largest log record, in bytes.
pub const VALUE_LIMIT: usize = 2 << 20;

/// The largest blob, in bytes.
pub const BLOB_LIMIT: usize = 64 << 20;

/// The longest key, in bytes.
pub const KEY_LIMIT: usize = 256;

/// A set of retained values. Closed: permissions are granted per bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// The signed head of the configuration and its freshness. Only control may
    /// publish there; another role can still have the server's answer to a
    /// request put there, by naming a key as the reply subject. Readers believe
    /// signatures alone, and control puts its own back.
    Configuration,
    /// What every instance last said about itself, with a life: an instance
    /// that no longer says anything disappears.
    Instances,
    /// Sessions that ended before their time, each with the rest of its life.
    SignedOut,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 3] = [Self::Configuration, Self::Instances, Self::SignedOut];

    /// The bucket's name on NATS.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "postern_configuration",
            Self::Instances => "postern_instances",
            Self::SignedOut => "postern_signed_out",
        }
    }
}

/// A numbered sequence of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// What happened, for other systems to follow.
    Events,
}

/// A value as it stands under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, without the bucket's name.
    pub key: String,
    /// The value.
    pub value: Bytes,
    /// The number of the write that put it there. It grows with every write
    /// to the bucket, and starts over if the bus loses its store.
    pub version: u64,
    /// Which work wrote it, as far as that was traced. Anybody on the bus can
    /// say anything there.
    pub trace: Option<TraceContext>,
}

/// What a [`Watch`] delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The key has this value. After a start over, values that were delivered
    /// before come again.
    Put(Entry),
    /// The key has no value any more: removed, expired, or lost by the bus.
    Removed {
        /// The key.
        key: String,
    },
    /// Every value that stood at the start was delivered; what follows are
    /// changes. Comes once for each start: at first, and again after every
    /// outage.
    CaughtUp,
}

/// Whether the bus can be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusState {
    /// It can.
    Connected,
    /// It cannot. Operations answer [`BusUnavailable`] at once.
    Away,
}

/// The bus. Cheap to share as `Arc<dyn Bus>`.
///
/// A write that ends with [`WriteError::Unavailable`] may have happened all
/// the same: its writer does not know. Where that matters, use
/// [`compare_and_set`](Self::compare_and_set), and look before writing again.
#[async_trait]
pub trait Bus: Debug + Send + Sync + 'static {
    /// The newest value of `key`; `None` when there is none.
    ///
    /// # Errors
    /// When the bus could not be asked.
    async fn read(&self, bucket: Bucket, key: &str) -> Result<Option<Entry>, BusUnavailable>;

    /// Writes `value` if `key` has none, and answers its version. With a
    /// `life` the value disappears when that is over (rounded up to whole
    /// seconds), and the key can be created again.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when the key has a value.
    async fn create(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
    ) -> Result<u64, WriteError>;

    /// Writes `value` if the key's version is `expected` (`None`: if it has no
    /// value), and answers the new version. Of several who try at once, one
    /// succeeds.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when another version stands there.
    async fn compare_and_set(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        expected: Option<u64>,
    ) -> Result<u64, WriteError>;

    /// Writes `value` whatever stands there, and answers its version. `life`
    /// as in [`create`](Self::create); each put starts it anew.
    ///
    /// # Errors
    /// When the bus could not be asked, or the value is too large.
    async fn put(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
    ) -> Result<u64, WriteError>;

    /// Watches the keys that begin with `prefix` (empty: all). May be called
    /// while the bus is away: the watch begins when it is back.
    ///
    /// # Errors
    /// When the bus is closed for good.
    async fn watch(&self, bucket: Bucket, prefix: &str) -> Result<Watch, BusUnavailable>;

    /// Keeps `blob` under `name`, the SHA-256 of its content in hexadecimal.
    /// A blob that already stands there whole is left alone.
    ///
    /// # Errors
    /// [`WriteError::TooLarge`] past [`BLOB_LIMIT`].
    async fn put_blob(&self, name: &str, blob: Bytes) -> Result<(), WriteError>;

    /// The blob under `name`; `None` when there is none. The caller checks the
    /// content against the name.
    ///
    /// # Errors
    /// When the bus could not be asked, or holds only a part of the blob.
    async fn blob(&self, name: &str) -> Result<Option<Bytes>, BusUnavailable>;

    /// The names of the blobs that are kept.
    ///
    /// # Errors
    /// When the bus could not be asked.
    async fn blobs(&self) -> Result<Vec<String>, BusUnavailable>;

    /// Removes the blob under `name`, if there is one.
    ///
    /// # Errors
    /// When the bus could not be asked. A part of it may be gone then.
    async fn remove_blob(&self, name: &str) -> Result<(), BusUnavailable>;

    /// Asks whoever serves `subject`, and waits at most `deadline`.
    ///
    /// # Errors
    /// When nobody serves it (at once), or no answer came in time.
    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, BusUnavailable>;

    /// Serves `subject`. Several servers of one subject share its requests.
    ///
    /// # Errors
    /// When the bus is closed for good.
    async fn serve(&self, subject: &str) -> Result<Requests, BusUnavailable>;

    /// Appends `record` and answers its number.
    ///
    /// # Errors
    /// When the bus could not be asked, or the record is too large.
    async fn append(&self, log: Log, record: Bytes) -> Result<u64, WriteError>;

    /// The records after number `after` (0: from the oldest kept), then the
    /// new ones as they come. If the bus lost its store and numbers start
    /// over, so does this.
    ///
    /// # Errors
    /// When the bus is closed for good.
    async fn follow(&self, log: Log, after: u64) -> Result<Follow, BusUnavailable>;

    /// Whether the bus can be spoken to, now and as it changes.
    fn state(&self) -> watch::Receiver<BusState>;
}

/// The values under a prefix and their changes.
pub struct Watch(BoxStream<'static, Change>);

impl Watch {
    pub(crate) fn new(changes: BoxStream<'static, Change>) -> Self {
        Self(changes)
    }

    /// The next change; waits for it. `None`: the bus is closed for good.
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Change> {
        self.0.next().await
    }
}

impl Debug for Watch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Watch")
    }
}

/// The records of a log.
pub struct Follow(BoxStream<'static, (u64, Bytes)>);

impl Follow {
    pub(crate) fn new(records: BoxStream<'static, (u64, Bytes)>) -> Self {
        Self(records)
    }

    /// The next record and its number; waits for it. `None`: the bus is
    /// closed for good. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<(u64, Bytes)> {
        self.0.next().await
    }
}

impl Debug for Follow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Follow")
    }
}

/// The requests to one subject.
pub struct Requests(BoxStream<'static, Request>);

impl Requests {
    pub(crate) fn new(requests: BoxStream<'static, Request>) -> Self {
        Self(requests)
    }

    /// The next request; waits for it. `None`: the bus is closed for good.
    pub async fn next(&mut self) -> Option<Request> {
        self.0.next().await
    }
}

impl Debug for Requests {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Requests")
    }
}

/// A question from the bus.
#[derive(Debug)]
pub struct Request {
    /// What was asked. Untrusted, at most [`VALUE_LIMIT`] bytes.
    pub payload: Bytes,
    /// Which work asks, as far as that is traced.
    pub trace: Option<TraceContext>,
    /// Where the answer goes.
    pub reply: Reply,
}

/// The one answer to a [`Request`].
#[derive(Debug)]
pub struct Reply(ReplyPath);

#[derive(Debug)]
enum ReplyPath {
    Local(oneshot::Sender<Bytes>),
    Nats(nats::ReplyTo),
}

impl Reply {
    /// Answers. Whether the asker still waits is not known.
    ///
    /// # Errors
    /// When the answer could not be handed to the bus.
    pub async fn answer(self, payload: Bytes) -> Result<(), BusUnavailable> {
        match self.0 {
            ReplyPath::Local(asker) => asker
                .send(payload)
                .map_err(|_| BusUnavailable::new("answer", Cause::NobodyThere)),
            ReplyPath::Nats(to) => to.answer(payload).await,
        }
    }
}

/// Refuses keys that not every bus can hold: letters, digits and `-_=/.`, no
/// empty part between dots, at most [`KEY_LIMIT`] bytes.
fn checked_key(operation: &'static str, key: &str) -> Result<(), BusUnavailable> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=/.".contains(&byte);
    if key.len() <= KEY_LIMIT
        && key.bytes().all(allowed)
        && key.split('.').all(|part| !part.is_empty())
    {
        Ok(())
    } else {
        Err(BusUnavailable::new(operation, Cause::InvalidName))
    }
}

/// Refuses values past [`VALUE_LIMIT`].
fn checked_value(value: &Bytes) -> Result<(), WriteError> {
    if value.len() > VALUE_LIMIT {
        return Err(WriteError::TooLarge {
            size: value.len(),
            limit: VALUE_LIMIT,
        });
    }
    Ok(())
}
