//! The streams behind buckets, blobs and logs.
//!
//! **Invariant:** every stream has a size limit, and no stream deletes what it
//! holds to make room, except the log, which drops its oldest records.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};

use crate::bus::{Bucket, VALUE_LIMIT};

/// The object store of blobs.
pub(super) const BLOBS: &str = "postern_blobs";

/// The stream of the log.
pub(super) const EVENTS: &str = "postern_events";

/// The subjects of the log; the part after it is the writing user.
pub(super) const EVENT_SUBJECTS: &str = "postern.events";

/// How long the mark of a removed or expired value stands, so that watches
/// that were away for a moment hear of it.
const REMOVAL_MARK: Duration = Duration::from_secs(60);

/// How long records stay in the log.
const RECORD_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The stream of a bucket.
pub(super) fn of(bucket: Bucket) -> String {
    format!("KV_{}", bucket.name())
}

/// Creates what is missing and leaves what is there as it is.
pub(super) async fn create(jetstream: &Context, replicas: usize) -> Result<(), String> {
    let buckets = Bucket::ALL.map(|bucket| of_bucket(bucket, replicas));
    for config in buckets
        .into_iter()
        .chain([blobs(replicas), events(replicas)])
    {
        let name = config.name.clone();
        let missing = match jetstream.get_stream(&name).await {
            Ok(_) => false,
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(answer)
                    if answer.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    true
                }
                _ => return Err(format!("stream {name} cannot be read: {error}")),
            },
        };
        if missing {
            created(jetstream, config).await?;
        }
    }
    Ok(())
}

async fn created(jetstream: &Context, config: Config) -> Result<(), String> {
    let name = config.name.clone();
    match jetstream.create_stream(config).await {
        Ok(_) => {
            tracing::info!(stream = name, "bus stream created");
            Ok(())
        }
        // Another control was quicker.
        Err(error)
            if matches!(error.kind(), CreateStreamErrorKind::JetStream(answer)
                if answer.error_code() == ErrorCode::STREAM_NAME_EXIST) =>
        {
            Ok(())
        }
        Err(error) => Err(format!("stream {name} cannot be created: {error}")),
    }
}

fn of_bucket(bucket: Bucket, replicas: usize) -> Config {
    // One value of the buckets that every role or every gateway may write is small, so that none can fill them alone.
    let (megabytes, largest_value) = match bucket {
        Bucket::Configuration => (64, VALUE_LIMIT),
        Bucket::Instances => (64, 64 << 10),
        Bucket::SignedOut => (256, 1 << 10),
    };
    Config {
        name: of(bucket),
        subjects: vec![format!("$KV.{}.>", bucket.name())],
        max_messages_per_subject: 1,
        max_bytes: megabytes << 20,
        max_message_size: i32::try_from(largest_value + 4096).unwrap_or(i32::MAX),
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: replicas,
        allow_rollup: true,
        allow_direct: true,
        deny_delete: true,
        allow_message_ttl: true,
        subject_delete_marker_ttl: Some(REMOVAL_MARK),
        ..Config::default()
    }
}

fn blobs(replicas: usize) -> Config {
    Config {
        name: format!("OBJ_{BLOBS}"),
        subjects: vec![format!("$O.{BLOBS}.C.>"), format!("$O.{BLOBS}.M.>")],
        max_bytes: 1 << 30,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: replicas,
        allow_rollup: true,
        allow_direct: true,
        ..Config::default()
    }
}

fn events(replicas: usize) -> Config {
    Config {
        name: EVENTS.to_owned(),
        subjects: vec![format!("{EVENT_SUBJECTS}.>")],
        max_bytes: 512 << 20,
        max_age: RECORD_AGE,
        max_message_size: i32::try_from(VALUE_LIMIT + 4096).unwrap_or(i32::MAX),
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        num_replicas: replicas,
        ..Config::default()
    }
}
