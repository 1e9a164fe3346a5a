//! The memory that decides that a code is used once.
//!
//! **Invariant:** bounded; an entry outlives its code by the life of the tokens it led to, so that a second use is known
//! for one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::timestamp::Timestamp;

use super::{Grant, Invalid, Kept, LIFE};
use crate::ids::CodeId;
use crate::oidc::tokens;
use crate::session::Session;

/// Most codes that are open or remembered.
const CAPACITY: usize = 100_000;

/// Why a code cannot be spent.
#[derive(Debug)]
pub(super) enum NotSpent {
    /// Too old, or never there.
    Unknown,
    /// Not for this redemption.
    Refused(Invalid),
    /// Spent before; this is its session.
    Before(Box<Session>),
}

/// All codes of this gateway's present start.
#[derive(Debug, Default)]
pub(super) struct Store(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    entries: HashMap<CodeId, Entry>,
    /// In the order they were issued, for forgetting.
    order: VecDeque<(Timestamp, CodeId)>,
}

#[derive(Debug)]
struct Entry {
    kept: Kept,
    issued: Timestamp,
    spent: bool,
}

impl Store {
    /// Keeps a new code; `false` when there is no room.
    pub(super) fn keep(&self, id: CodeId, kept: Kept, now: Timestamp) -> bool {
        let mut held = self.lock();
        held.forget_old(now);
        if held.order.len() >= CAPACITY {
            return false;
        }
        held.order.push_back((now, id));
        held.entries.insert(
            id,
            Entry {
                kept,
                issued: now,
                spent: false,
            },
        );
        true
    }

    /// Spends a code: of any number of callers, one has it judged. That happens before anybody else can find it spent, so
    /// that the session which a second use ends is still whole for the first. A code that `judge` refuses is gone for
    /// good, but nothing came of it: a later use finds no session to end.
    pub(super) fn spend(
        &self,
        id: CodeId,
        now: Timestamp,
        judge: impl FnOnce(Kept) -> Result<Grant, Invalid>,
    ) -> Result<Grant, NotSpent> {
        let mut held = self.lock();
        let entry = held.entries.get_mut(&id).ok_or(NotSpent::Unknown)?;
        if entry.spent {
            return Err(NotSpent::Before(Box::new(entry.kept.grant.session.clone())));
        }
        entry.spent = true;
        let judged = if entry.issued.is_alive(LIFE, now) {
            judge(entry.kept.clone()).map_err(NotSpent::Refused)
        } else {
            Err(NotSpent::Unknown)
        };
        if judged.is_err() {
            held.entries.remove(&id);
        }
        judged
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn forget_old(&mut self, now: Timestamp) {
        let remembered = LIFE + tokens::LIFE;
        while let Some((issued, id)) = self.order.front().copied() {
            if issued.plus(remembered) > now {
                break;
            }
            self.order.pop_front();
            self.entries.remove(&id);
        }
    }
}
