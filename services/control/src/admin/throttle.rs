//! How many wrong tokens an address may send.
//!
//! Nobody guesses 256 bits; the limit keeps a mistaken script from filling the log, and makes an attack visible. The
//! right token is taken at any time, so nobody can lock an administrator out by failing beside them.
//!
//! **Invariant:** memory is bounded; when it is full, newcomers share one count.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use domain::address::ClientAddress;

/// Wrong tokens an address may send within [`WINDOW_S`].
pub(crate) const ALLOWED: u32 = 10;
/// Seconds in which wrong tokens are counted together.
pub(crate) const WINDOW_S: u64 = 60;
/// Most addresses that are counted apart.
const MOST: usize = 4096;

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    counts: Mutex<HashMap<IpAddr, Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: u64,
    failures: u32,
}

impl Throttle {
    /// Counts a wrong token from `address` at `now` (Unix seconds).
    ///
    /// # Errors
    /// With the seconds to wait, when there were too many.
    pub(crate) fn failed(&self, address: ClientAddress, now: u64) -> Result<(), u64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let running = |count: &Count| {
            now.checked_sub(count.since)
                .is_some_and(|age| age < WINDOW_S)
        };
        let mut who = site(address.ip());
        if !counts.contains_key(&who) && counts.len() >= MOST {
            counts.retain(|_, count| running(count));
            if counts.len() >= MOST {
                who = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let count = counts.entry(who).or_insert(Count {
            since: now,
            failures: 0,
        });
        if !running(count) {
            *count = Count {
                since: now,
                failures: 0,
            };
        }
        count.failures = count.failures.saturating_add(1);
        if count.failures <= ALLOWED {
            Ok(())
        } else {
            Err(count
                .since
                .saturating_add(WINDOW_S)
                .saturating_sub(now)
                .max(1))
        }
    }
}

/// Who is counted together: an IPv4 address, or an IPv6 /64, which is what one customer has.
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}
