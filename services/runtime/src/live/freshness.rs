//! Control's statement that a snapshot is still the newest.
//!
//! **Invariant:** signed apart from content, so that an unchanged
//! configuration stays fresh while control lives, and a replayed old one does
//! not.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{Digest, Purpose, Signed, SigningKey, TrustedKeys};
use crate::clock::unix_seconds;

/// How often control says it.
pub const FRESHNESS_INTERVAL: Duration = Duration::from_secs(30);

/// How long a statement can be believed.
pub const FRESHNESS_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How far control's clock may be ahead of an instance's.
const AHEAD: u64 = 300;

/// The largest statement in its travelling form, in bytes.
const LIMIT: usize = 4096;

/// "At `issued`, the newest snapshot was this one."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// The snapshot's number.
    pub revision: u64,
    /// The SHA-256 of its manifest.
    pub digest: Digest,
    /// When it was said, in seconds since 1970.
    pub issued: u64,
    /// Until when it may be believed, in seconds since 1970.
    pub expires: u64,
}

impl Freshness {
    /// What control says at `now` about a snapshot.
    pub fn at(revision: u64, digest: Digest, now: SystemTime) -> Self {
        let issued = unix_seconds(now);
        Self {
            revision,
            digest,
            issued,
            expires: issued.saturating_add(FRESHNESS_LIFE.as_secs()),
        }
    }

    /// Signs it.
    pub fn sign(&self, key: &SigningKey) -> Signed {
        // Numbers and a digest only: this serialisation cannot fail.
        let payload = serde_json::to_vec(self).unwrap_or_default();
        key.sign(Purpose::Freshness, payload)
    }

    /// Reads it, if a trusted key signed it and it may be believed at `now`.
    pub fn open(bytes: &[u8], keys: &TrustedKeys, now: SystemTime) -> Option<Self> {
        if bytes.len() > LIMIT {
            return None;
        }
        let payload = keys.open(Purpose::Freshness, bytes).ok()?;
        let freshness: Self = serde_json::from_slice(&payload).ok()?;
        let now = unix_seconds(now);
        let believable = freshness.issued <= now.saturating_add(AHEAD) && now < freshness.expires;
        believable.then_some(freshness)
    }
}
