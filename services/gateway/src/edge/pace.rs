//! How long a connection may do nothing, take for a request's head, or take for an answer.
//!
//! **Invariant:** in every state a connection can be in there is a moment at which it is overdue.

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
    in_flight: usize,
    reading_head: bool,
    since: Instant,
}

/// One request in flight, until dropped.
#[derive(Debug)]
pub(super) struct InFlight(Pace);

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
                    in_flight: 0,
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
            if state.in_flight == 0 && !state.reading_head {
                state.reading_head = true;
                state.since = Instant::now();
                self.shared.nearer.notify_one();
            }
        });
    }

    /// A request's head is complete.
    pub(super) fn begin(&self) -> InFlight {
        self.change(|state| {
            state.in_flight += 1;
            state.reading_head = false;
            state.since = Instant::now();
        });
        InFlight(self.clone())
    }

    /// Whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.change(|state| state.in_flight > 0)
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
        self.change(|state| match state {
            State { in_flight: 1.., .. } => (state.since + limits.request, "request"),
            State {
                reading_head: true, ..
            } => (state.since + limits.head, "head"),
            State { .. } => (state.since + limits.idle, "idle"),
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
        self.0.change(|state| {
            state.in_flight = state.in_flight.saturating_sub(1);
            state.since = Instant::now();
        });
        // Idle may be shorter than what a request was given.
        self.0.shared.nearer.notify_one();
    }
}
