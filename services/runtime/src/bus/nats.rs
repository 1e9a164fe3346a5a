//! The bus over NATS JetStream.
//!
//! Values are messages of a key-value bucket's stream, written and read with
//! the stream's own subjects, so that permissions stay narrow: a role needs
//! `$KV.<bucket>.<key>` to write a key and nothing to administer. Reads go to
//! the stream's leader, never to a replica that may be behind.
//!
//! The client library buffers what is sent while disconnected and applies it
//! later. Operations therefore refuse to begin while the bus is away, end when
//! it goes away, and report "unavailable", which for a write means "unknown".
//!
//! **Invariant:** nothing is sent before the server's certificate was checked
//! against our own authorities, and nothing is asked of a server older than
//! [`OLDEST_SERVER`] unless the settings allow it.

mod blobs;
mod deliveries;
mod link;
mod log;
mod settings;
mod streams;
#[cfg(test)]
mod tests;
mod values;
mod watching;

use std::fmt;
use std::time::Duration;

use async_nats::RequestErrorKind;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::watch;

use super::{
    Bucket, Bus, BusState, BusUnavailable, Cause, Entry, Follow, Log, Reply, ReplyPath, Request,
    Requests, SMALL_OPERATION, VALUE_LIMIT, Watch, WriteError, checked_key,
};
use crate::trace::{TRACEPARENT, TraceContext};
use link::{Link, Supervisor};
pub use settings::{InvalidNatsSettings, NatsSettings};

/// The oldest server that is spoken to: the first with the fixes of
/// CVE-2026-33222, -33223, -33246 and -33248.
pub const OLDEST_SERVER: (u64, u64, u64) = (2, 12, 6);

/// The queue group in which the servers of one subject share its requests.
const SERVERS: &str = "postern";

/// A connection to NATS.
pub struct NatsBus {
    link: Link,
    /// Reconnects, checks the server, creates the streams; ends with the bus.
    _supervisor: Supervisor,
}

impl NatsBus {
    /// Opens the connection. It does not wait for the server and does not
    /// fail when that is away: it goes on trying, every 50 ms to 1 s, and
    /// [`Bus::state`] tells.
    ///
    /// # Errors
    /// When the settings cannot be right whatever the server does.
    pub async fn connect(settings: NatsSettings) -> Result<Self, InvalidNatsSettings> {
        let (link, supervisor) = link::connect(settings).await?;
        Ok(Self {
            link,
            _supervisor: supervisor,
        })
    }
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NatsBus")
            .field("state", &*self.link.state.borrow())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Bus for NatsBus {
    async fn read(&self, bucket: Bucket, key: &str) -> Result<Option<Entry>, BusUnavailable> {
        values::read(&self.link, bucket, key).await
    }

    async fn create(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
    ) -> Result<u64, WriteError> {
        values::write_if(&self.link, bucket, key, value, life, None).await
    }

    async fn compare_and_set(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        expected: Option<u64>,
    ) -> Result<u64, WriteError> {
        values::write_if(&self.link, bucket, key, value, None, expected).await
    }

    async fn put(
        &self,
        bucket: Bucket,
        key: &str,
        value: Bytes,
        life: Option<Duration>,
    ) -> Result<u64, WriteError> {
        values::put(&self.link, bucket, key, value, life).await
    }

    async fn watch(&self, bucket: Bucket, prefix: &str) -> Result<Watch, BusUnavailable> {
        Ok(Watch::new(watching::changes(&self.link, bucket, prefix)))
    }

    async fn put_blob(&self, name: &str, blob: Bytes) -> Result<(), WriteError> {
        blobs::put(&self.link, name, blob).await
    }

    async fn blob(&self, name: &str) -> Result<Option<Bytes>, BusUnavailable> {
        blobs::read(&self.link, name).await
    }

    async fn blobs(&self) -> Result<Vec<String>, BusUnavailable> {
        blobs::list(&self.link).await
    }

    async fn remove_blob(&self, name: &str) -> Result<(), BusUnavailable> {
        blobs::remove(&self.link, name).await
    }

    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, BusUnavailable> {
        checked_key("request", subject)?;
        let mut request = async_nats::Request::new()
            .payload(payload)
            .timeout(Some(deadline));
        if let Some(now) = TraceContext::current() {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert(TRACEPARENT.as_str(), now.to_string());
            request = request.headers(headers);
        }
        let sent = self.link.client.send_request(subject.to_owned(), request);
        let answer = self.link.within("request", deadline, sent).await?;
        let answer = answer.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => BusUnavailable::new("request", Cause::NobodyThere),
            RequestErrorKind::TimedOut => BusUnavailable::new("request", Cause::Deadline),
            _ => BusUnavailable::other("request", error),
        })?;
        Ok(answer.payload)
    }

    async fn serve(&self, subject: &str) -> Result<Requests, BusUnavailable> {
        checked_key("serve", subject)?;
        let client = self.link.client.clone();
        let subscribed = client.queue_subscribe(subject.to_owned(), SERVERS.to_owned());
        let subscribed = tokio::time::timeout(SMALL_OPERATION, subscribed).await;
        let messages = subscribed
            .map_err(|_| BusUnavailable::new("serve", Cause::Deadline))?
            .map_err(|error| BusUnavailable::other("serve", error))?;
        let requests = messages.filter_map(move |message| {
            let client = client.clone();
            async move {
                let subject = message.reply?;
                let small = message.payload.len() <= VALUE_LIMIT;
                small.then_some(Request {
                    trace: values::trace_of(message.headers.as_ref()),
                    payload: message.payload,
                    reply: Reply(ReplyPath::Nats(ReplyTo { client, subject })),
                })
            }
        });
        Ok(Requests::new(requests.boxed()))
    }

    async fn append(&self, log: Log, record: Bytes) -> Result<u64, WriteError> {
        log::append(&self.link, log, record).await
    }

    async fn follow(&self, log: Log, after: u64) -> Result<Follow, BusUnavailable> {
        Ok(Follow::new(log::records(&self.link, log, after)))
    }

    fn state(&self) -> watch::Receiver<BusState> {
        self.link.state.clone()
    }
}

/// Where the answer to a request goes.
pub(super) struct ReplyTo {
    client: async_nats::Client,
    subject: async_nats::Subject,
}

impl ReplyTo {
    pub(super) async fn answer(self, payload: Bytes) -> Result<(), BusUnavailable> {
        let sent = self.client.publish(self.subject, payload);
        tokio::time::timeout(SMALL_OPERATION, sent)
            .await
            .map_err(|_| BusUnavailable::new("answer", Cause::Deadline))?
            .map_err(|error| BusUnavailable::other("answer", error))
    }
}

impl fmt::Debug for ReplyTo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReplyTo")
    }
}
