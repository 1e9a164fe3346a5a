//! The memory that decides that a code is used once.
//!
//! A redemption takes two steps: it reserves the code, and it settles the reservation when tokens are ready to be given out.
//! The newest reservation counts, so that a redemption that got lost or could not be decided stands in nobody's way, and of
//! several at once the last to reserve can always settle, unless another one has before.
//!
//! **Invariant:** at most one reservation of a code is ever settled, and only a settled code makes a later use a second one.
//! Memory is bounded, and nobody fills it alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::account::AccountId;
use domain::timestamp::Timestamp;

use super::{Grant, Invalid, Kept, LIFE};
use crate::ids::{CodeId, SessionId};
use crate::oidc::tokens;

/// Most codes that are open at a time.
const OPEN: usize = 100_000;
/// Most codes that one account has open: its oldest gives way. Far more than its browsers need within [`LIFE`].
pub(super) const OPEN_PER_ACCOUNT: usize = 256;
/// Most redeemed codes remembered. Past it the oldest is forgotten: it is refused still, but as unknown.
const REDEEMED: usize = 250_000;
/// How long after its end a code that was reserved in time may still be settled: as long as the directory and two
/// questions between gateways may take.
const SETTLING: Duration = Duration::from_secs(10);

/// Why a code cannot be reserved.
#[derive(Debug)]
pub(super) enum NotReserved {
    /// Too old, or never there.
    Unknown,
    /// Not for this redemption.
    Refused(Invalid),
    /// Tokens were given out for it before, in this session.
    Redeemed {
        session: SessionId,
        /// When nothing of the session can be alive any more.
        until: Timestamp,
    },
}

/// All codes of this gateway's present start.
#[derive(Debug, Default)]
pub(super) struct Store(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    entries: HashMap<CodeId, Entry>,
    /// The open ones in the order they were issued.
    open: BTreeMap<Place, CodeId>,
    /// The same by account.
    by_account: HashMap<AccountId, BTreeSet<Place>>,
    /// The redeemed ones in the order they were redeemed.
    redeemed: VecDeque<(Timestamp, CodeId)>,
    /// The last number given to a place or a reservation.
    number: u64,
}

/// When a code was issued, and a number that no other code has.
type Place = (Timestamp, u64);

#[derive(Debug)]
enum Entry {
    Open {
        kept: Box<Kept>,
        place: Place,
        /// The newest reservation.
        reservation: Option<u64>,
    },
    Redeemed {
        reservation: u64,
        session: SessionId,
        until: Timestamp,
    },
}

impl Store {
    /// Keeps a new code; `false` when there is no room.
    pub(super) fn keep(&self, id: CodeId, kept: Kept, now: Timestamp) -> bool {
        let mut held = self.lock();
        held.forget_old(now);
        let account = kept.grant.session.account;
        held.make_room(account);
        if held.open.len() >= OPEN {
            return false;
        }
        let place = (now, held.next());
        held.open.insert(place, id);
        held.by_account.entry(account).or_default().insert(place);
        let entry = Entry::Open {
            kept: Box::new(kept),
            place,
            reservation: None,
        };
        held.entries.insert(id, entry);
        true
    }

    /// Reserves a code that is found good by `judge`: what it stands for, and the number to settle it by. One that is
    /// refused is gone, for whoever holds it does not know what belongs to it.
    pub(super) fn reserve(
        &self,
        id: CodeId,
        now: Timestamp,
        judge: impl FnOnce(Kept) -> Result<Grant, Invalid>,
    ) -> Result<(Grant, u64), NotReserved> {
        let mut held = self.lock();
        let number = held.next();
        let judged = match held.entries.get_mut(&id) {
            None => return Err(NotReserved::Unknown),
            Some(Entry::Redeemed { session, until, .. }) => {
                return Err(NotReserved::Redeemed {
                    session: *session,
                    until: *until,
                });
            }
            Some(Entry::Open { place, .. }) if !place.0.is_alive(LIFE, now) => {
                Err(NotReserved::Unknown)
            }
            Some(Entry::Open {
                kept, reservation, ..
            }) => {
                *reservation = Some(number);
                judge((**kept).clone()).map_err(NotReserved::Refused)
            }
        };
        if judged.is_err() {
            held.close(id);
        }
        judged.map(|grant| (grant, number))
    }

    /// Settles a reservation: whether tokens may be given out. The same one may be settled again, for an answer that was
    /// lost.
    pub(super) fn settle(&self, id: CodeId, number: u64, now: Timestamp) -> bool {
        let mut held = self.lock();
        let redeemed = match held.entries.get(&id) {
            Some(Entry::Redeemed { reservation, .. }) => return *reservation == number,
            Some(Entry::Open {
                kept,
                place,
                reservation,
            }) if *reservation == Some(number) && place.0.is_alive(LIFE + SETTLING, now) => {
                Entry::Redeemed {
                    reservation: number,
                    session: kept.grant.session.id,
                    until: tokens::end(&kept.grant.session),
                }
            }
            _ => return false,
        };
        held.close(id);
        if held.redeemed.len() >= REDEEMED
            && let Some((_, oldest)) = held.redeemed.pop_front()
        {
            held.entries.remove(&oldest);
        }
        held.redeemed.push_back((now, id));
        held.entries.insert(id, redeemed);
        true
    }

    /// How many codes are open, those included whose time is over and that nobody has looked at since.
    pub(super) fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// How many codes are open, and how many are remembered as redeemed.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let held = self.lock();
        assert_eq!(
            held.entries.len(),
            held.open.len() + held.redeemed.len(),
            "entries that nobody forgets"
        );
        let of_accounts: usize = held.by_account.values().map(BTreeSet::len).sum();
        assert_eq!(held.open.len(), of_accounts);
        (held.open.len(), held.redeemed.len())
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    const fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Forgets an open code.
    fn close(&mut self, id: CodeId) {
        let Some(Entry::Open { kept, place, .. }) = self.entries.remove(&id) else {
            return;
        };
        self.open.remove(&place);
        let account = kept.grant.session.account;
        if let Some(places) = self.by_account.get_mut(&account) {
            places.remove(&place);
            if places.is_empty() {
                self.by_account.remove(&account);
            }
        }
    }

    fn make_room(&mut self, account: AccountId) {
        let oldest = self
            .by_account
            .get(&account)
            .filter(|places| places.len() >= OPEN_PER_ACCOUNT)
            .and_then(BTreeSet::first)
            .and_then(|place| self.open.get(place));
        if let Some(oldest) = oldest.copied() {
            self.close(oldest);
        }
    }

    fn forget_old(&mut self, now: Timestamp) {
        while let Some(((issued, _), id)) = self.open.first_key_value()
            && issued.plus(LIFE + SETTLING) <= now
        {
            let id = *id;
            self.close(id);
        }
        // As long as tokens of it can be alive, a second use must be known for one.
        while let Some((at, id)) = self.redeemed.front().copied()
            && at.plus(LIFE + tokens::LIFE) <= now
        {
            self.redeemed.pop_front();
            self.entries.remove(&id);
        }
    }
}
