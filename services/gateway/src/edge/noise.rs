//! How many events of handshakes the audit trail takes: anybody can begin a handshake and leave.
//!
//! **Invariant:** within [`WINDOW`] at most [`PER_ADDRESS`] times [`ADDRESSES`] are written, and what was left out is told by
//! its number.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::address::ClientAddress;

#[cfg(test)]
mod tests;

const WINDOW: Duration = Duration::from_secs(60);
/// Most events of one client address (IPv6: one /64).
const PER_ADDRESS: u32 = 20;
/// Most addresses.
const ADDRESSES: usize = 500;

/// The events of late.
#[derive(Debug)]
pub(super) struct Noise(Mutex<Window>);

#[derive(Debug)]
struct Window {
    since: Instant,
    written: HashMap<IpAddr, u32>,
    left_out: u64,
}

impl Noise {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Window {
            since: now,
            written: HashMap::new(),
            left_out: 0,
        }))
    }

    /// Whether one more is written.
    pub(super) fn allows(&self, address: ClientAddress, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.since) >= WINDOW {
            if window.left_out > 0 {
                tracing::warn!(
                    events = window.left_out,
                    "too many handshakes ended without a request to write an event of each"
                );
            }
            *window = Window {
                since: now,
                written: HashMap::new(),
                left_out: 0,
            };
        }
        let address = address.neighbourhood();
        let is_full = window.written.len() >= ADDRESSES;
        let allowed = match window.written.get_mut(&address) {
            Some(written) if *written < PER_ADDRESS => {
                *written += 1;
                true
            }
            None if !is_full => {
                window.written.insert(address, 1);
                true
            }
            _ => false,
        };
        window.left_out += u64::from(!allowed);
        allowed
    }
}
