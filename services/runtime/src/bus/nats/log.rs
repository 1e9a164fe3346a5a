//! The log: a stream of records by number.
//!
//! **Invariant:** a follower that begins again goes on after the last record
//! it delivered, unless the server lost the stream; then it starts over.

use std::collections::VecDeque;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

use super::deliveries::{Delivered, Deliveries};
use super::link::Link;
use super::streams::{EVENT_SUBJECTS, EVENTS};
use super::values;
use super::watching::Beginning;
use crate::bus::{Log, SMALL_OPERATION, WriteError, checked_value};

/// Appends under this user's own subject.
pub(super) async fn append(link: &Link, log: Log, record: Bytes) -> Result<u64, WriteError> {
    let Log::Events = log;
    checked_value(&record)?;
    let subject = format!("{EVENT_SUBJECTS}.{}", link.user);
    let message = values::traced(PublishMessage::build().payload(record));
    values::publish(link, "append", subject, message).await
}

/// The records after a number.
pub(super) fn records(link: &Link, log: Log, after: u64) -> BoxStream<'static, (u64, Bytes)> {
    let Log::Events = log;
    let following = Following {
        beginning: Beginning::of(link),
        link: link.clone(),
        after,
        running: None,
        ready: VecDeque::new(),
    };
    stream::unfold(following, |mut following| async move {
        let record = following.next().await?;
        Some((record, following))
    })
    .boxed()
}

struct Following {
    beginning: Beginning,
    link: Link,
    after: u64,
    running: Option<(u64, Deliveries)>,
    ready: VecDeque<(u64, Bytes)>,
}

impl Following {
    async fn next(&mut self) -> Option<(u64, Bytes)> {
        loop {
            if let Some((number, record)) = self.ready.pop_front() {
                self.after = number;
                return Some((number, record));
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
                Delivered::Message(message) => {
                    self.ready.push_back((message.number, message.payload));
                }
                Delivered::Idle => {}
                Delivered::Broken => self.running = None,
            }
        }
    }

    async fn begin(&mut self) -> Option<()> {
        let number = self.beginning.connection().await?;
        match tokio::time::timeout(SMALL_OPERATION, self.deliveries()).await {
            Ok(Ok((after, deliveries))) => {
                self.beginning.succeeded();
                self.after = after;
                self.running = Some((number, deliveries));
            }
            Ok(Err(_)) | Err(_) => self.beginning.failed().await,
        }
        Some(())
    }

    async fn deliveries(&self) -> Result<(u64, Deliveries), async_nats::Error> {
        let stream = self.link.jetstream.get_stream(EVENTS).await?;
        let newest = stream.cached_info().state.last_sequence;
        let after = if self.after > newest { 0 } else { self.after };
        let from = DeliverPolicy::ByStartSequence {
            start_sequence: after + 1,
        };
        let subject = format!("{EVENT_SUBJECTS}.>");
        let deliveries = Deliveries::begin(&self.link, EVENTS, subject, from).await?;
        Ok((after, deliveries))
    }
}
