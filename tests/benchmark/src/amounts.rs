//! How much is done before a figure is believed.
//!
//! **Invariant:** a full run spends far more processor time per figure than the 20 ms to which the kernel's ticks are true.

use std::time::Duration;

use serde::Serialize;

/// How much is done.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Amounts {
    /// Rounds; in each of them everything that is compared has its turn.
    pub(crate) rounds: u32,
    /// Handshakes in a turn.
    pub(crate) handshakes: u32,
    /// Sign-ins in a turn.
    pub(crate) sign_ins: u32,
    /// How many are under way at any moment of a turn.
    pub(crate) at_once: u32,
    /// Handshakes that wait for a certificate. Below the 256 that a gateway lets one address have.
    pub(crate) waiting: u32,
    /// How long latency is measured.
    pub(crate) latency: Duration,
    /// Restarts of each role.
    pub(crate) restarts: u32,
}

impl Amounts {
    /// Enough for figures.
    pub(crate) const fn full() -> Self {
        Self {
            rounds: 7,
            handshakes: 2500,
            sign_ins: 800,
            at_once: 8,
            waiting: 240,
            latency: Duration::from_secs(10),
            restarts: 5,
        }
    }

    /// Enough to see that everything can be measured.
    pub(crate) const fn short() -> Self {
        Self {
            rounds: 1,
            handshakes: 24,
            sign_ins: 12,
            at_once: 4,
            waiting: 16,
            latency: Duration::from_millis(700),
            restarts: 1,
        }
    }
}
