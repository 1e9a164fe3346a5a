//! A connection while it is in use, and what follows when its question is given up.
//!
//! A question is given up when its caller goes away or its time is over: its future is dropped in the midst of waiting.
//! The pool would take such a connection back as a good one, with an answer still on its way over it.
//!
//! **Invariant:** only a connection whose question was answered returns to the pool. A server that kept somebody waiting
//! for half of an operation's time, and in vain, is passed over like one that failed; a caller that goes away sooner says
//! nothing about the server.

use std::time::{Duration, Instant};

use deadpool::managed::Object;

use super::super::connection::{Results, Search, Trouble};
use super::Dialler;

/// A connection out of the pool, with one question.
#[derive(Debug)]
pub(super) struct Lease<'p> {
    /// Taken out when the question has ended.
    pooled: Option<Object<Dialler>>,
    dialler: &'p Dialler,
}

impl<'p> Lease<'p> {
    pub(super) const fn of(pooled: Object<Dialler>, dialler: &'p Dialler) -> Self {
        Self {
            pooled: Some(pooled),
            dialler,
        }
    }

    /// Asks for entries.
    pub(super) async fn search(&mut self, search: &Search) -> Result<Results, Trouble> {
        let Some(pooled) = self.pooled.as_mut() else {
            return Err(Trouble::Unreadable("the connection is gone".into()));
        };
        let deadline = self.dialler.ways.deadlines.operation;
        let patience = Patience::with(self.dialler, pooled.server, deadline);
        let results = pooled.connection.search(search).await;
        patience.rewarded();
        results
    }

    /// Back into the pool: the question was answered.
    pub(super) fn give_back(mut self) {
        drop(self.pooled.take());
    }

    /// Away with it, because of `trouble`.
    pub(super) fn throw_away(self, trouble: &Trouble) {
        if let (Trouble::Silent, Some(pooled)) = (trouble, &self.pooled) {
            self.dialler.failed_with(pooled.server, trouble);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(pooled) = self.pooled.take() {
            drop(Object::take(pooled));
        }
    }
}

/// Somebody waits for a server; dropped before the wait ended, it holds that against the server.
#[derive(Debug)]
pub(super) struct Patience<'p> {
    dialler: &'p Dialler,
    server: usize,
    began: Instant,
    /// A wait shorter than this is not held against the server.
    fair: Duration,
    rewarded: bool,
}

impl<'p> Patience<'p> {
    /// From now on; `deadline` is the time that what is waited for may take.
    pub(super) fn with(dialler: &'p Dialler, server: usize, deadline: Duration) -> Self {
        Self {
            dialler,
            server,
            began: Instant::now(),
            fair: deadline / 2,
            rewarded: false,
        }
    }

    /// The wait has ended, well or not.
    pub(super) fn rewarded(mut self) {
        self.rewarded = true;
    }
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if !self.rewarded && self.began.elapsed() >= self.fair {
            self.dialler.failed_with(self.server, &Trouble::Silent);
        }
    }
}
