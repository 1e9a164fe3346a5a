//! The time, as an argument.
//!
//! Decisions take a [`Clock`] (or a moment read from one) so that a test can
//! stand at any moment it likes.
//!
//! **Invariant:** apart from [`SystemClock`] nothing in Postern asks the
//! system for the date.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the date and time come from.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> SystemTime;

    /// The present moment in whole seconds since 1970-01-01T00:00:00Z; 0 for
    /// a clock that stands before it.
    fn unix_seconds(&self) -> u64 {
        unix_seconds(self.now())
    }
}

/// A moment in whole seconds since 1970-01-01T00:00:00Z; 0 for anything
/// before it.
pub fn unix_seconds(moment: SystemTime) -> u64 {
    moment
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that stands still until it is moved. Clones share the hands.
#[derive(Debug, Clone)]
pub struct TestClock {
    moment: Arc<Mutex<SystemTime>>,
}

impl TestClock {
    /// A clock standing at `moment`.
    pub fn at(moment: SystemTime) -> Self {
        Self {
            moment: Arc::new(Mutex::new(moment)),
        }
    }

    /// A clock standing `seconds` after 1970-01-01T00:00:00Z.
    pub fn at_unix_seconds(seconds: u64) -> Self {
        Self::at(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    /// Moves the hands to `moment`, forwards or backwards.
    pub fn set(&self, moment: SystemTime) {
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }

    /// Moves the hands forwards by `step`.
    pub fn advance(&self, step: Duration) {
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner) += step;
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_test_clock_share_its_hands() {
        let clock = TestClock::at_unix_seconds(1_000);
        let same: Arc<dyn Clock> = Arc::new(clock.clone());
        clock.advance(Duration::from_secs(5));
        assert_eq!(same.unix_seconds(), 1_005);
        clock.set(UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(same.unix_seconds(), 0);
    }
}
