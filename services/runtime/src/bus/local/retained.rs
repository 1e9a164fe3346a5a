//! The values of all buckets, with their lives.
//!
//! **Invariant:** a value whose life is over is never seen again, whether or
//! not it was swept out yet.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::time::Instant;

use crate::bus::{Bucket, Entry};
use crate::trace::TraceContext;

#[derive(Default)]
pub(super) struct Retained {
    buckets: BTreeMap<Bucket, BTreeMap<String, Value>>,
    last_version: u64,
}

struct Value {
    bytes: Bytes,
    trace: Option<TraceContext>,
    version: u64,
    ends: Option<Instant>,
}

impl Value {
    fn lives(&self, now: Instant) -> bool {
        self.ends.is_none_or(|ends| ends > now)
    }
}

impl Retained {
    /// The value of `key` at `now`.
    pub(super) fn read(&self, bucket: Bucket, key: &str, now: Instant) -> Option<Entry> {
        let value = self.buckets.get(&bucket)?.get(key)?;
        value.lives(now).then(|| entry(key, value))
    }

    /// Writes a value and answers its version.
    pub(super) fn write(
        &mut self,
        bucket: Bucket,
        key: &str,
        bytes: Bytes,
        ends: Option<Instant>,
    ) -> u64 {
        self.last_version += 1;
        let value = Value {
            bytes,
            trace: TraceContext::current(),
            version: self.last_version,
            ends,
        };
        let values = self.buckets.entry(bucket).or_default();
        values.insert(key.to_owned(), value);
        self.last_version
    }

    /// Every value under `prefix` that lives at `now`, after sweeping out the
    /// others.
    pub(super) fn living(&mut self, bucket: Bucket, prefix: &str, now: Instant) -> Vec<Entry> {
        let values = self.buckets.entry(bucket).or_default();
        values.retain(|_, value| value.lives(now));
        values
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| entry(key, value))
            .collect()
    }

    /// When the next value of the bucket ends, if any does.
    pub(super) fn next_end(&self, bucket: Bucket) -> Option<Instant> {
        let values = self.buckets.get(&bucket)?;
        values.values().filter_map(|value| value.ends).min()
    }
}

fn entry(key: &str, value: &Value) -> Entry {
    Entry {
        key: key.to_owned(),
        value: value.bytes.clone(),
        version: value.version,
        trace: value.trace,
    }
}
