//! Clients that left while they were asked for a certificate. Chromium does so whenever it is asked, and comes again once
//! its user has chosen; only who stays away has abandoned anything.
//!
//! Whether somebody came again is told by the address. Behind one address one who stays away may be taken for another who
//! came: an event less, never one that is not true of this gateway.
//!
//! **Invariant:** memory is bounded, and whoever does not fit in is told at once.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::address::ClientAddress;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::audit::SignIn;

#[cfg(test)]
mod tests;

/// Most clients that are waited for.
const MOST: usize = 4096;

/// Those who left of late.
#[derive(Debug)]
pub(super) struct Left {
    gone: Mutex<VecDeque<Gone>>,
    /// How long choosing may take.
    patience: Duration,
    news: Notify,
}

/// One who left.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) address: ClientAddress,
    pub(super) event: SignIn,
    /// Its handshake's span.
    pub(super) span: Span,
    until: Instant,
}

impl Left {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            gone: Mutex::default(),
            patience,
            news: Notify::new(),
        }
    }

    /// Somebody left. Given back where too many did.
    pub(super) fn waits_for(
        &self,
        address: ClientAddress,
        event: SignIn,
        span: Span,
    ) -> Option<Gone> {
        let until = Instant::now() + self.patience;
        let gone = Gone {
            address,
            event,
            span,
            until,
        };
        let mut all = self.lock();
        if all.len() >= MOST {
            return Some(gone);
        }
        all.push_back(gone);
        drop(all);
        self.news.notify_one();
        None
    }

    /// Somebody finished a handshake from this address: whoever left it before is not waited for any more. The span of the
    /// handshake that was left, if there was one only: theirs, as far as an address tells.
    pub(super) fn came_again(&self, address: ClientAddress) -> Option<Span> {
        let here = address.neighbourhood();
        let is_here = |gone: &Gone| neighbourhood(gone) == here;
        let mut all = self.lock();
        if !all.iter().any(is_here) {
            return None;
        }
        let (mut back, others) = all.drain(..).partition::<VecDeque<_>, _>(is_here);
        *all = others;
        drop(all);
        match (back.pop_front(), back.is_empty()) {
            (Some(only), true) => Some(only.span),
            _ => None,
        }
    }

    /// Calls `tell` for everybody who stays away, until the soft stop: who is choosing then comes to another gateway.
    pub(super) async fn follow(&self, stopping: CancellationToken, tell: impl Fn(&Gone)) {
        loop {
            let next = self.lock().front().map(|gone| gone.until);
            let due = async {
                match next {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => self.news.notified().await,
                }
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = due => {}
            }
            for gone in self.overdue(Instant::now()) {
                tell(&gone);
            }
        }
    }

    fn overdue(&self, now: Instant) -> Vec<Gone> {
        let mut all = self.lock();
        let due = all.iter().take_while(|gone| gone.until <= now).count();
        all.drain(..due).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Gone>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn neighbourhood(gone: &Gone) -> IpAddr {
    gone.address.neighbourhood()
}
