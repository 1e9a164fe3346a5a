//! How often a password may be wrong, for one account and from one address, before it has to wait.
//!
//! An attempt is counted before it is made, so that many at once do not slip through, and taken back when it was not wrong.
//!
//! **Invariant:** memory is bounded, whatever names and addresses are tried.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::account::AccountName;
use domain::address::ClientAddress;
use domain::connection::ConnectionName;
use domain::digest::Digest;
use domain::timestamp::Timestamp;

use crate::settings::Settings;

#[cfg(test)]
mod tests;

/// Most accounts, and most addresses, counted at a time.
const CAPACITY: usize = 50_000;

/// The attempts of late.
#[derive(Debug)]
pub(crate) struct Attempts {
    counted: Mutex<Counted>,
    per_account: u32,
    per_address: u32,
    window: Duration,
}

#[derive(Debug, Default)]
struct Counted {
    accounts: HashMap<Digest, Count>,
    addresses: HashMap<IpAddr, Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Timestamp,
    attempts: u32,
}

/// One attempt that was allowed and counted.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt {
    account: Digest,
    address: IpAddr,
}

impl Attempts {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            counted: Mutex::default(),
            per_account: settings.attempts_per_account,
            per_address: settings.attempts_per_address,
            window: Duration::from_secs(settings.attempt_window_s),
        }
    }

    /// Counts an attempt; `None` when there were too many.
    pub(crate) fn begin(
        &self,
        connection: &ConnectionName,
        user_name: &str,
        address: ClientAddress,
        now: Timestamp,
    ) -> Option<Attempt> {
        let attempt = Attempt {
            account: account(connection, user_name),
            address: address.neighbourhood(),
        };
        let mut counted = self.lock();
        let window = self.window;
        if reached(
            &counted.addresses,
            &attempt.address,
            self.per_address,
            window,
            now,
        ) || reached(
            &counted.accounts,
            &attempt.account,
            self.per_account,
            window,
            now,
        ) {
            return None;
        }
        count(&mut counted.addresses, attempt.address, window, now);
        count(&mut counted.accounts, attempt.account, window, now);
        Some(attempt)
    }

    /// The password was right: the account's failures are forgotten, the address's stay.
    pub(crate) fn right(&self, attempt: &Attempt) {
        let mut counted = self.lock();
        counted.accounts.remove(&attempt.account);
        take_back(&mut counted.addresses, &attempt.address);
    }

    /// Nobody could tell whether it was right: as if it had not been made.
    pub(crate) fn undecided(&self, attempt: &Attempt) {
        let mut counted = self.lock();
        take_back(&mut counted.accounts, &attempt.account);
        take_back(&mut counted.addresses, &attempt.address);
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reached<K: Hash + Eq>(
    counts: &HashMap<K, Count>,
    key: &K,
    limit: u32,
    window: Duration,
    now: Timestamp,
) -> bool {
    counts
        .get(key)
        .is_some_and(|count| count.since.is_alive(window, now) && count.attempts >= limit)
}

fn count<K: Hash + Eq>(counts: &mut HashMap<K, Count>, key: K, window: Duration, now: Timestamp) {
    if counts.len() >= CAPACITY {
        counts.retain(|_, count| count.since.is_alive(window, now));
    }
    if counts.len() >= CAPACITY {
        // A flood of names: starting over is better than refusing everybody, and addresses are counted beside names.
        tracing::warn!("too many password attempts to count, counting starts over");
        counts.clear();
    }
    let count = counts.entry(key).or_insert(Count {
        since: now,
        attempts: 0,
    });
    if !count.since.is_alive(window, now) {
        *count = Count {
            since: now,
            attempts: 0,
        };
    }
    count.attempts = count.attempts.saturating_add(1);
}

fn take_back<K: Hash + Eq>(counts: &mut HashMap<K, Count>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        count.attempts = count.attempts.saturating_sub(1);
    }
}

/// One account however it is typed: `JON`, `jon@fabrikam.test` and `FABRIKAM\jon` are counted together. Names are kept as
/// hashes: what people type there is sometimes their password.
fn account(connection: &ConnectionName, user_name: &str) -> Digest {
    let name = user_name.trim();
    let name = name.rsplit_once('\\').map_or(name, |(_, name)| name);
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    // One spelling for composed and decomposed letters, as the directory sees one name in both.
    let name = name
        .parse::<AccountName>()
        .map_or(name.to_owned(), String::from);
    Digest::of(format!("{connection}\0{}", name.to_lowercase()).as_bytes())
}
