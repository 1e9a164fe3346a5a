//! How long a connection may do nothing, take for a request's head, or take for an answer.
//!
//! **Invariant:** in every state a connection can be in there is a moment at which it is overdue, and no later request moves
//! that of an earlier one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::settings::{Settings, seconds};

#[cfg(test)]
mod tests;

/// The pace of one connection. Clones are the same connection's.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    state: Mutex<State>,
    /// The deadline came nearer.
    nearer: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    head: Duration,
    /// A request, its body and its answer.
    request: Duration,
    idle: Duration,
}

#[derive(Debug)]
struct State {
    /// When each request in flight began. Its number grows from one to the next.
    in_flight: BTreeMap<u64, Instant>,
    begun: u64,
    reading_head: bool,
    /// When the connection began to idle or to read a head.
    since: Instant,
}

/// One request in flight, until dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    pace: Pace,
    number: u64,
}

impl Pace {
    /// Of a connection whose handshake has just ended: the first request is waited for as for a head.
    pub(super) fn new(settings: &Settings) -> Self {
        let request = [settings.body_s, settings.request_s, settings.answer_s];
        Self {
            shared: Arc::new(Shared {
                limits: Limits {
                    head: seconds(settings.head_s),
                    request: request.into_iter().map(seconds).sum(),
                    idle: seconds(settings.idle_s),
                },
                state: Mutex::new(State {
                    in_flight: BTreeMap::new(),
                    begun: 0,
                    reading_head: true,
                    since: Instant::now(),
                }),
                nearer: Notify::new(),
            }),
        }
    }

    /// Bytes came that may begin a request's head.
    pub(super) fn bytes_came(&self) {
        self.change(|state| {
            if state.in_flight.is_empty() && !state.reading_head {
                state.reading_head = true;
                state.since = Instant::now();
                self.shared.nearer.notify_one();
            }
        });
    }

    /// A request's head is complete.
    pub(super) fn begin(&self) -> InFlight {
        let number = self.change(|state| {
            state.begun += 1;
            state.in_flight.insert(state.begun, Instant::now());
            state.reading_head = false;
            state.begun
        });
        InFlight {
            pace: self.clone(),
            number,
        }
    }

    /// Whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.change(|state| !state.in_flight.is_empty())
    }

    /// Waits until the connection is overdue; says in what.
    pub(super) async fn overdue(&self) -> &'static str {
        loop {
            let (deadline, what) = self.deadline();
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => {
                    if self.deadline().0 <= Instant::now() {
                        return what;
                    }
                }
                () = self.shared.nearer.notified() => {}
            }
        }
    }

    fn deadline(&self) -> (Instant, &'static str) {
        let limits = self.shared.limits;
        self.change(|state| match state.in_flight.first_key_value() {
            Some((_, oldest)) => (*oldest + limits.request, "request"),
            None if state.reading_head => (state.since + limits.head, "head"),
            None => (state.since + limits.idle, "idle"),
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(
            &mut self
                .shared
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.pace.change(|state| {
            state.in_flight.remove(&self.number);
            state.since = Instant::now();
        });
        // Idle may be shorter than what a request was given.
        self.pace.shared.nearer.notify_one();
    }
}
