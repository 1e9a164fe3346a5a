//! One ordered delivery of a stream's messages: an ephemeral push consumer
//! without acknowledgements, of which this side checks that nothing is missing
//! and that the server still speaks.
//!
//! The client library has such a consumer too; it mends itself in the
//! background, which after an outage leaves a second consumer on the server
//! and hides where delivery began again. Here a break is an answer, and the
//! reader starts over.
//!
//! **Invariant:** messages come in order and without a gap, or
//! [`Delivered::Broken`] comes.

use std::time::Duration;

use async_nats::header::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, push};
use async_nats::{StatusCode, Subscriber, jetstream};
use bytes::Bytes;
use futures::StreamExt;

use super::link::Link;

/// How often the server says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// After which silence it is not.
const SILENCE: Duration = Duration::from_secs(5);

/// How long the server keeps a consumer that nobody listens to.
const UNHEARD: Duration = Duration::from_secs(5);

/// A running delivery.
pub(super) struct Deliveries {
    link: Link,
    stream: String,
    consumer: String,
    messages: Subscriber,
    /// The consumer's number of the last message.
    delivered: u64,
    /// How many messages were waiting when the delivery began.
    pub(super) waiting_at_start: u64,
}

/// What came.
pub(super) enum Delivered {
    /// The next message.
    Message(Message),
    /// Nothing new; the server is there.
    Idle,
    /// Something may be missing: begin a new delivery.
    Broken,
}

/// One message of a stream.
pub(super) struct Message {
    pub(super) subject: String,
    pub(super) payload: Bytes,
    pub(super) headers: Option<HeaderMap>,
    /// Its number in the stream.
    pub(super) number: u64,
    /// How many more the server has ready.
    pub(super) waiting: u64,
}

impl Deliveries {
    /// Begins a delivery of the messages of `stream` under `subject`.
    pub(super) async fn begin(
        link: &Link,
        stream: &str,
        subject: String,
        from: DeliverPolicy,
    ) -> Result<Self, async_nats::Error> {
        let inbox = link.client.new_inbox();
        let messages = link.client.subscribe(inbox.clone()).await?;
        // The inbox's last part is unique, and a consumer's name has no dots.
        let name = inbox.rsplit('.').next().unwrap_or(&inbox).to_owned();
        let config = push::Config {
            deliver_subject: inbox,
            name: Some(name.clone()),
            deliver_policy: from,
            ack_policy: AckPolicy::None,
            max_deliver: 1,
            filter_subject: subject,
            replay_policy: ReplayPolicy::Instant,
            flow_control: true,
            idle_heartbeat: HEARTBEAT,
            inactive_threshold: UNHEARD,
            num_replicas: 1,
            memory_storage: true,
            ..push::Config::default()
        };
        let consumer = link
            .jetstream
            .create_consumer_on_stream(config, stream)
            .await?;
        Ok(Self {
            link: link.clone(),
            stream: stream.to_owned(),
            consumer: name,
            messages,
            delivered: 0,
            waiting_at_start: consumer.cached_info().num_pending,
        })
    }

    /// The next thing that comes.
    pub(super) async fn next(&mut self) -> Delivered {
        loop {
            let next = tokio::time::timeout(SILENCE, self.messages.next());
            let Ok(Some(message)) = next.await else {
                return Delivered::Broken;
            };
            match message.status {
                None => return self.content(message),
                Some(StatusCode::IDLE_HEARTBEAT) => match self.control(message).await {
                    Some(delivered) => return delivered,
                    None => continue,
                },
                Some(_) => return Delivered::Broken,
            }
        }
    }

    /// Whether the server has delivered all it had: asked when the count that
    /// came with the messages may be out of date, because some expired before
    /// they were delivered.
    pub(super) async fn delivered_all(&self) -> bool {
        let asked = self
            .link
            .jetstream
            .get_consumer_from_stream::<push::Config, _, _>(&self.consumer, &self.stream);
        match tokio::time::timeout(HEARTBEAT, asked).await {
            Ok(Ok(consumer)) => {
                let info = consumer.cached_info();
                info.num_pending == 0 && info.delivered.consumer_sequence == self.delivered
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }

    fn content(&mut self, message: async_nats::Message) -> Delivered {
        let message = jetstream::Message {
            message,
            context: self.link.jetstream.clone(),
        };
        let Ok(info) = message.info() else {
            return Delivered::Broken;
        };
        if info.consumer_sequence != self.delivered + 1 {
            return Delivered::Broken;
        }
        let (number, waiting) = (info.stream_sequence, info.pending);
        self.delivered += 1;
        let message = message.message;
        Delivered::Message(Message {
            subject: message.subject.to_string(),
            payload: message.payload,
            headers: message.headers,
            number,
            waiting,
        })
    }

    /// Heartbeats and flow control. `None`: nothing to report.
    async fn control(&self, message: async_nats::Message) -> Option<Delivered> {
        let header = |name: &str| {
            let headers = message.headers.as_ref()?;
            headers.get(name).map(|value| value.as_str().to_owned())
        };
        let stalled = header("Nats-Consumer-Stalled");
        if let Some(to) = message.reply.as_ref().map(ToString::to_string).or(stalled) {
            let answered = self.link.client.publish(to, Bytes::new()).await;
            return answered.is_err().then_some(Delivered::Broken);
        }
        let last = header("Nats-Last-Consumer").and_then(|last| last.parse::<u64>().ok());
        Some(match last {
            Some(last) if last != self.delivered => Delivered::Broken,
            _ => Delivered::Idle,
        })
    }
}
