//! Reading and writing the values of buckets.
//!
//! **Invariant:** a conditional write names the version it replaces on the
//! wire, so that the server decides, also when the write arrives late.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use bytes::Bytes;

use super::link::Link;
use super::streams;
use crate::bus::local::whole_seconds;
use crate::bus::{
    Bucket, BusUnavailable, Entry, SMALL_OPERATION, WriteError, checked_key, checked_value,
};
use crate::trace::{TRACEPARENT, TraceContext};

/// The newest value, from the stream's leader.
pub(super) async fn read(
    link: &Link,
    bucket: Bucket,
    key: &str,
) -> Result<Option<Entry>, BusUnavailable> {
    Ok(match newest(link, "read", bucket, key).await? {
        Some(Newest::Value(entry)) => Some(entry),
        Some(Newest::Mark(_)) | None => None,
    })
}

/// Writes whatever stands there.
pub(super) async fn put(
    link: &Link,
    bucket: Bucket,
    key: &str,
    value: Bytes,
    life: Option<Duration>,
) -> Result<u64, WriteError> {
    checked_key("put", key)?;
    let message = message(value, life)?;
    publish(link, "put", subject(bucket, key), message).await
}

/// Writes if version `expected` stands there (`None`: if no value does).
pub(super) async fn write_if(
    link: &Link,
    bucket: Bucket,
    key: &str,
    value: Bytes,
    life: Option<Duration>,
    expected: Option<u64>,
) -> Result<u64, WriteError> {
    const OPERATION: &str = "compare and set";
    checked_key(OPERATION, key)?;
    let message = message(value, life)?;
    let replacing = |version| message.clone().expected_last_subject_sequence(version);
    let first = replacing(expected.unwrap_or(0));
    match publish(link, OPERATION, subject(bucket, key), first).await {
        Err(WriteError::Conflict) if expected.is_none() => {}
        outcome => return outcome,
    }
    // The mark of a removed value counts as a version of its own.
    match newest(link, OPERATION, bucket, key).await? {
        Some(Newest::Mark(version)) => {
            publish(link, OPERATION, subject(bucket, key), replacing(version)).await
        }
        Some(Newest::Value(_)) | None => Err(WriteError::Conflict),
    }
}

/// Sends a message to a stream and waits for its number there.
pub(super) async fn publish(
    link: &Link,
    operation: &'static str,
    subject: String,
    message: PublishMessage,
) -> Result<u64, WriteError> {
    let sent = async { link.jetstream.send_publish(subject, message).await?.await };
    match link.within(operation, SMALL_OPERATION, sent).await? {
        Ok(ack) => Ok(ack.sequence),
        Err(error) => Err(match error.kind() {
            PublishErrorKind::WrongLastSequence => WriteError::Conflict,
            _ => BusUnavailable::other(operation, error).into(),
        }),
    }
}

/// Whether these headers mark that a value was removed or has expired.
pub(super) fn is_removal(headers: Option<&HeaderMap>) -> bool {
    let Some(headers) = headers else { return false };
    let operation = headers
        .get("KV-Operation")
        .map(async_nats::HeaderValue::as_str);
    headers.get("Nats-Marker-Reason").is_some() || matches!(operation, Some("DEL" | "PURGE"))
}

/// The message, saying which work writes it.
pub(super) fn traced(message: PublishMessage) -> PublishMessage {
    match TraceContext::current() {
        Some(now) => message.header(TRACEPARENT.as_str(), now.to_string().as_str()),
        None => message,
    }
}

/// Which work wrote a message, if its headers say so.
pub(super) fn trace_of(headers: Option<&HeaderMap>) -> Option<TraceContext> {
    let said = headers?.get(TRACEPARENT.as_str())?;
    said.as_str().parse().ok()
}

enum Newest {
    Value(Entry),
    Mark(u64),
}

async fn newest(
    link: &Link,
    operation: &'static str,
    bucket: Bucket,
    key: &str,
) -> Result<Option<Newest>, BusUnavailable> {
    checked_key(operation, key)?;
    let subject = subject(bucket, key);
    let asked = async {
        let stream = link.jetstream.get_stream_no_info(streams::of(bucket)).await;
        let stream = stream.map_err(|error| BusUnavailable::other(operation, error))?;
        match stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok(Some(message)),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                _ => Err(BusUnavailable::other(operation, error)),
            },
        }
    };
    let message = link.within(operation, SMALL_OPERATION, asked).await??;
    Ok(message.map(|message| {
        if is_removal(Some(&message.headers)) {
            Newest::Mark(message.sequence)
        } else {
            Newest::Value(Entry {
                key: key.to_owned(),
                value: message.payload,
                version: message.sequence,
                trace: trace_of(Some(&message.headers)),
            })
        }
    }))
}

fn message(value: Bytes, life: Option<Duration>) -> Result<PublishMessage, WriteError> {
    checked_value(&value)?;
    let message = traced(PublishMessage::build().payload(value));
    Ok(match life {
        Some(life) => message.ttl(whole_seconds(life)),
        None => message,
    })
}

fn subject(bucket: Bucket, key: &str) -> String {
    format!("$KV.{}.{key}", bucket.name())
}
