//! Sessions that ended before their time: in memory, and on the bus for the other gateways.
//!
//! Memory is bounded. Where more sessions were signed out than it holds, all sessions that began before that moment count as
//! signed out here: people sign in once more, and nobody's sign-out is forgotten.
//!
//! **Invariant:** a session is refused here from the moment it is signed out; other gateways hear of it through the bus, or,
//! when that is away, as soon as it is back, up to the end of the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::timestamp::Timestamp;
use runtime::bus::{Bucket, Bus, Change};
use runtime::clock::Clock;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::ABSOLUTE;
use crate::ids::SessionId;
use crate::oidc::tokens;

#[cfg(test)]
mod tests;

/// Most sessions remembered one by one. People who signed in made them, so this is far more than there should be.
const CAPACITY: usize = 1 << 20;
/// How long to wait before telling the bus again what it did not take.
const RETRY: Duration = Duration::from_secs(5);

/// How often a process that ends looks whether anybody is left who could sign somebody out.
const ENDING: Duration = Duration::from_millis(50);

/// The signed-out sessions this gateway knows of.
#[derive(Debug)]
pub struct SignedOut {
    memory: Mutex<Memory>,
    capacity: usize,
    news: Notify,
    caught_up: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Memory {
    sessions: HashMap<SessionId, Known>,
    /// Sessions that began up to then are refused, too.
    all_up_to: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// When neither the session nor a token of it can be alive any more.
    until: Timestamp,
    announced: bool,
}

impl SignedOut {
    /// None at all.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            memory: Mutex::default(),
            capacity,
            news: Notify::new(),
            caught_up: watch::Sender::new(false),
        }
    }

    /// Whether this session, begun at `auth_time`, was signed out.
    #[must_use]
    pub fn ends(&self, session: SessionId, auth_time: Timestamp) -> bool {
        let memory = self.lock();
        memory.sessions.contains_key(&session)
            || memory.all_up_to.is_some_and(|end| auth_time <= end)
    }

    /// Whether just this session was signed out.
    #[cfg(test)]
    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.lock().sessions.contains_key(&session)
    }

    /// Waits until all that stood on the bus is known, for the first time.
    pub async fn caught_up(&self) {
        // It only fails when the sender is gone, which is in `self`.
        let _ = self.caught_up.subscribe().wait_for(|done| *done).await;
    }

    /// Refuses this session from now on, and lets the others know. `until` is when nothing of it can be alive any more.
    pub fn sign_out(&self, session: SessionId, until: Timestamp, now: Timestamp) {
        self.remember(session, until, now, false);
        self.news.notify_one();
    }

    fn remember(&self, session: SessionId, until: Timestamp, now: Timestamp, announced: bool) {
        // What comes from the bus is not believed to last longer than a session can.
        let until = until.min(now.plus(2 * ABSOLUTE));
        let mut memory = self.lock();
        if memory.sessions.len() >= self.capacity && !memory.sessions.contains_key(&session) {
            memory.make_room(self.capacity, now);
        }
        memory
            .sessions
            .entry(session)
            .and_modify(|each| {
                each.until = each.until.max(until);
                each.announced |= announced;
            })
            .or_insert(Known { until, announced });
    }

    /// Exchanges sign-outs with the other gateways until `stop`, and then until nobody else holds `self`.
    pub async fn follow(
        self: Arc<Self>,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
    ) {
        let mut watch = match bus.watch(Bucket::SignedOut, "").await {
            Ok(watch) => watch,
            Err(error) => {
                tracing::error!(error = %error.cause, "sign-outs of other gateways cannot be followed");
                stop.cancelled().await;
                return;
            }
        };
        loop {
            tokio::select! {
                () = ending(&self, &stop) => {
                    self.announce(&*bus, &*clock).await;
                    return;
                }
                change = watch.next() => match change {
                    Some(Change::Put(entry)) => {
                        if let Some((session, until)) = read(&entry.key, &entry.value) {
                            self.remember(session, until, Timestamp(clock.unix_seconds()), true);
                        }
                    }
                    // Also after an outage: then what was only known here is told.
                    Some(Change::CaughtUp) => {
                        self.caught_up.send_replace(true);
                        self.announce(&*bus, &*clock).await;
                    }
                    // A sign-out is not taken back: each ends with its own time. One that is gone before was lost with
                    // the bus's store, and those who come later must hear of it, too.
                    Some(Change::Removed { key }) => {
                        self.tell_again(&key, Timestamp(clock.unix_seconds()));
                        self.announce(&*bus, &*clock).await;
                    }
                    None => {
                        stop.cancelled().await;
                        return;
                    }
                },
                () = self.news.notified() => self.announce(&*bus, &*clock).await,
                () = tokio::time::sleep(RETRY) => self.announce(&*bus, &*clock).await,
            }
        }
    }

    /// Counts a sign-out that has yet to end as not announced.
    fn tell_again(&self, key: &str, now: Timestamp) {
        let Ok(session) = key.parse() else { return };
        if let Some(each) = self.lock().sessions.get_mut(&session) {
            each.announced &= each.until <= now;
        }
    }

    /// Tells the bus what it does not know yet, and forgets what is over.
    async fn announce(&self, bus: &dyn Bus, clock: &dyn Clock) {
        let now = Timestamp(clock.unix_seconds());
        let pending: Vec<(SessionId, Timestamp)> = {
            let sessions = &mut self.lock().sessions;
            sessions.retain(|_, each| each.until > now);
            sessions
                .iter()
                .filter(|(_, each)| !each.announced)
                .map(|(session, each)| (*session, each.until))
                .collect()
        };
        for (session, until) in pending {
            let life = until.since(now).unwrap_or_default();
            let told = bus
                .put(
                    Bucket::SignedOut,
                    &session.to_string(),
                    Bytes::from(until.0.to_string()),
                    Some(life),
                )
                .await;
            match told {
                Ok(_) => {
                    if let Some(each) = self.lock().sessions.get_mut(&session) {
                        each.announced = true;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a sign-out is known to this gateway only, for now");
                    return;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SignedOut {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// Forgets what is over. If that is not enough, refuses all sessions that have begun, which makes most entries needless:
    /// not those that other gateways have yet to hear of, and not those of sessions that began at a clock ahead of this one.
    fn make_room(&mut self, capacity: usize, now: Timestamp) {
        self.sessions.retain(|_, each| each.until > now);
        if self.sessions.len() < capacity {
            return;
        }
        tracing::error!(
            "too many signed-out sessions, so everybody who is signed in has to sign in anew"
        );
        self.all_up_to = Some(now);
        let begun = now.plus(ABSOLUTE + tokens::LIFE);
        self.sessions
            .retain(|_, each| !each.announced || each.until > begun);
    }
}

/// Waits until `stop`, and then until nobody else holds `signed_out`.
async fn ending(signed_out: &Arc<SignedOut>, stop: &CancellationToken) {
    stop.cancelled().await;
    while Arc::strong_count(signed_out) > 1 {
        tokio::time::sleep(ENDING).await;
    }
}

/// One sign-out as it stands on the bus: the session id is the key, the end in seconds the value.
fn read(key: &str, value: &[u8]) -> Option<(SessionId, Timestamp)> {
    let until = std::str::from_utf8(value).ok()?.parse().ok()?;
    Some((key.parse().ok()?, Timestamp(until)))
}
