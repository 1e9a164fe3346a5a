//! Blobs in a NATS object store.
//!
//! Written in the object store's own layout, so that its tools can read them;
//! read chunk by chunk with direct gets, which leaves no consumer on the
//! server, however many instances fetch however many blobs.
//!
//! **Invariant:** a blob is returned whole or not at all.

use std::time::Duration;

use async_nats::jetstream::object_store::{ObjectInfo, ObjectMetadata};
use async_nats::jetstream::stream::{DirectGetErrorKind, LastRawMessageErrorKind};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;

use super::link::Link;
use super::streams::BLOBS;
use crate::bus::{BLOB_LIMIT, BusUnavailable, Cause, SMALL_OPERATION, WriteError, checked_key};

/// The size of a chunk in bytes.
const CHUNK: usize = 256 << 10;

/// Keeps a blob, unless it stands there whole.
pub(super) async fn put(link: &Link, name: &str, blob: Bytes) -> Result<(), WriteError> {
    const OPERATION: &str = "put a blob";
    checked_key(OPERATION, name)?;
    if blob.len() > BLOB_LIMIT {
        return Err(WriteError::TooLarge {
            size: blob.len(),
            limit: BLOB_LIMIT,
        });
    }
    if let Ok(Some(standing)) = read(link, name).await
        && standing == blob
    {
        return Ok(());
    }
    let limit = deadline(blob.len());
    let written = async {
        let store = link.jetstream.get_object_store(BLOBS).await;
        let store = store.map_err(|error| BusUnavailable::other(OPERATION, error))?;
        let meta = ObjectMetadata {
            name: name.to_owned(),
            chunk_size: Some(CHUNK),
            ..ObjectMetadata::default()
        };
        let put = store.put(meta, &mut blob.as_ref()).await;
        put.map_err(|error| BusUnavailable::other(OPERATION, error))
    };
    link.within(OPERATION, limit, written).await??;
    Ok(())
}

/// The blob under a name.
pub(super) async fn read(link: &Link, name: &str) -> Result<Option<Bytes>, BusUnavailable> {
    checked_key(OPERATION, name)?;
    let asked = link.within(OPERATION, SMALL_OPERATION, info(link, name));
    let Some(info) = asked.await?? else {
        return Ok(None);
    };
    if info.deleted {
        return Ok(None);
    }
    if info.size > BLOB_LIMIT {
        return Err(incomplete());
    }
    let chunks = chunks(link, &info);
    let blob = link
        .within(OPERATION, deadline(info.size), chunks)
        .await??;
    Ok(Some(blob))
}

/// The names of all blobs.
pub(super) async fn list(link: &Link) -> Result<Vec<String>, BusUnavailable> {
    const OPERATION: &str = "list the blobs";
    let failed =
        |error: Box<dyn std::error::Error + Send + Sync>| BusUnavailable::other(OPERATION, error);
    let listed = async {
        let stream = link.jetstream.get_stream(format!("OBJ_{BLOBS}")).await;
        let stream = stream.map_err(|error| failed(error.into()))?;
        let subjects = stream.info_with_subjects(format!("$O.{BLOBS}.M.>")).await;
        let mut subjects = subjects.map_err(|error| failed(error.into()))?;
        let mut names = Vec::new();
        while let Some(subject) = subjects.next().await {
            let (subject, _) = subject.map_err(|error| failed(error.into()))?;
            let name = subject.strip_prefix(&format!("$O.{BLOBS}.M."));
            let name = name.and_then(|name| URL_SAFE.decode(name).ok());
            names.extend(name.and_then(|name| String::from_utf8(name).ok()));
        }
        Ok(names)
    };
    link.within(OPERATION, SMALL_OPERATION, listed).await?
}

/// Removes a blob: what describes it first, so that nobody finds a part of it.
pub(super) async fn remove(link: &Link, name: &str) -> Result<(), BusUnavailable> {
    const OPERATION: &str = "remove a blob";
    checked_key(OPERATION, name)?;
    let removed = async {
        let Some(info) = info(link, name).await? else {
            return Ok(());
        };
        let stream = link.jetstream.get_stream_no_info(format!("OBJ_{BLOBS}"));
        let stream = stream.await;
        let stream = stream.map_err(|error| BusUnavailable::other(OPERATION, error))?;
        let mut subjects = vec![format!("$O.{BLOBS}.M.{}", URL_SAFE.encode(name))];
        // It comes from the bus: a single part, no wildcard.
        if is_plain(&info.nuid) {
            subjects.push(format!("$O.{BLOBS}.C.{}", info.nuid));
        }
        for subject in subjects {
            let purged = stream.purge().filter(subject).await;
            purged.map_err(|error| BusUnavailable::other(OPERATION, error))?;
        }
        Ok(())
    };
    link.within(OPERATION, SMALL_OPERATION, removed).await?
}

fn is_plain(nuid: &str) -> bool {
    !nuid.is_empty() && nuid.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

const OPERATION: &str = "read a blob";

async fn info(link: &Link, name: &str) -> Result<Option<ObjectInfo>, BusUnavailable> {
    let stream = link
        .jetstream
        .get_stream_no_info(format!("OBJ_{BLOBS}"))
        .await
        .map_err(|error| BusUnavailable::other(OPERATION, error))?;
    let subject = format!("$O.{BLOBS}.M.{}", URL_SAFE.encode(name));
    let message = match stream.get_last_raw_message_by_subject(&subject).await {
        Ok(message) => message,
        Err(error) => {
            return match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                _ => Err(BusUnavailable::other(OPERATION, error)),
            };
        }
    };
    let info = serde_json::from_slice(&message.payload)
        .map_err(|error| BusUnavailable::other(OPERATION, error))?;
    Ok(Some(info))
}

async fn chunks(link: &Link, info: &ObjectInfo) -> Result<Bytes, BusUnavailable> {
    let stream = link
        .jetstream
        .get_stream_no_info(format!("OBJ_{BLOBS}"))
        .await
        .map_err(|error| BusUnavailable::other(OPERATION, error))?;
    // The chunks' subject comes from the bus: a single part, no wildcard.
    if !is_plain(&info.nuid) {
        return Err(incomplete());
    }
    let subject = format!("$O.{BLOBS}.C.{}", info.nuid);
    let mut blob = BytesMut::with_capacity(info.size);
    let mut from = 1;
    while blob.len() < info.size {
        let chunk = stream.direct_get_next_for_subject(subject.clone(), Some(from));
        let chunk = chunk.await.map_err(|error| match error.kind() {
            DirectGetErrorKind::NotFound => incomplete(),
            _ => BusUnavailable::other(OPERATION, error),
        })?;
        if chunk.payload.is_empty() {
            return Err(incomplete());
        }
        blob.extend_from_slice(&chunk.payload);
        from = chunk.sequence + 1;
    }
    if blob.len() != info.size {
        return Err(incomplete());
    }
    Ok(blob.freeze())
}

fn incomplete() -> BusUnavailable {
    BusUnavailable::new(OPERATION, Cause::Incomplete)
}

/// That of a small operation, and a second for every megabyte.
fn deadline(size: usize) -> Duration {
    let megabytes = u32::try_from(size >> 20).unwrap_or(u32::MAX);
    SMALL_OPERATION.saturating_add(Duration::from_secs(1).saturating_mul(megabytes))
}
