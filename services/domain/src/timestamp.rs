//! Points in time, in whole seconds since 1970-01-01 UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Seconds since the Unix epoch, UTC. Times before 1970 do not occur and read as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This moment plus `duration`, in whole seconds; saturates.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// How long after `earlier` this is; `None` when it lies before it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_secs)
    }

    /// Whether something made at this moment, with `life`, still lives at `now`. What comes from the future (a clock
    /// that ran ahead by more than `SKEW`) does not.
    #[must_use]
    pub fn is_alive(self, life: Duration, now: Self) -> bool {
        self.0 <= now.plus(SKEW).0 && now.0 < self.plus(life).0
    }
}

/// How far the clocks of two instances may differ before a value counts as coming from the future.
pub const SKEW: Duration = Duration::from_secs(30);

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(
            time.duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs(),
        )
    }
}
