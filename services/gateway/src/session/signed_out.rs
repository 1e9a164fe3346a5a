//! Sessions that ended before their time: in memory, and on the bus for the other gateways.
//!
//! **Invariant:** a session is refused here from the moment it is signed out; other gateways hear of it through the bus, or,
//! when that is away, as soon as it is back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::timestamp::Timestamp;
use runtime::bus::{Bucket, Bus, Change};
use runtime::clock::Clock;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::ABSOLUTE;
use crate::ids::SessionId;

#[cfg(test)]
mod tests;

/// Most sessions remembered. People who signed in made them, so this is far more than there can be.
const CAPACITY: usize = 1 << 20;
/// How long to wait before telling the bus again what it did not take.
const RETRY: Duration = Duration::from_secs(5);

/// The signed-out sessions this gateway knows of.
#[derive(Debug, Default)]
pub struct SignedOut {
    known: Mutex<HashMap<SessionId, Known>>,
    news: Notify,
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
        Self::default()
    }

    /// Whether this session was signed out.
    #[must_use]
    pub fn contains(&self, session: SessionId) -> bool {
        self.lock().contains_key(&session)
    }

    /// Refuses this session from now on, and lets the others know. `until` is when nothing of it can be alive any more.
    pub fn sign_out(&self, session: SessionId, until: Timestamp, now: Timestamp) {
        self.remember(session, until, now, false);
        self.news.notify_one();
    }

    fn remember(&self, session: SessionId, until: Timestamp, now: Timestamp, announced: bool) {
        // What comes from the bus is not believed to last longer than a session can.
        let until = until.min(now.plus(2 * ABSOLUTE));
        let mut known = self.lock();
        if known.len() >= CAPACITY {
            known.retain(|_, each| each.until > now);
        }
        if known.len() >= CAPACITY {
            tracing::error!("too many signed-out sessions, one is not remembered");
            return;
        }
        known
            .entry(session)
            .and_modify(|each| {
                each.until = each.until.max(until);
                each.announced |= announced;
            })
            .or_insert(Known { until, announced });
    }

    /// Exchanges sign-outs with the other gateways until `stop`.
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
                () = stop.cancelled() => {
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
                    Some(Change::CaughtUp) => self.announce(&*bus, &*clock).await,
                    // A sign-out is not taken back: each ends with its own time.
                    Some(Change::Removed { .. }) => {}
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

    /// Tells the bus what it does not know yet, and forgets what is over.
    async fn announce(&self, bus: &dyn Bus, clock: &dyn Clock) {
        let now = Timestamp(clock.unix_seconds());
        let pending: Vec<(SessionId, Timestamp)> = {
            let mut known = self.lock();
            known.retain(|_, each| each.until > now);
            known
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
                    if let Some(each) = self.lock().get_mut(&session) {
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

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One sign-out as it stands on the bus: the session id is the key, the end in seconds the value.
fn read(key: &str, value: &[u8]) -> Option<(SessionId, Timestamp)> {
    let until = std::str::from_utf8(value).ok()?.parse().ok()?;
    Some((key.parse().ok()?, Timestamp(until)))
}
