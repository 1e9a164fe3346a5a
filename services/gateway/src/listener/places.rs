//! Places that are taken and given back: so many in total, so many for one client address.
//!
//! Somebody with IPv6 has a whole /64 of addresses, so that is what counts as one there.
//!
//! **Invariant:** a place is given back when it is dropped, however its connection ends; addresses without a place take no
//! memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use domain::address::ClientAddress;

#[cfg(test)]
mod tests;

/// Places of one kind. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    total: usize,
    per_address: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    taken: Arc<Mutex<Taken>>,
    address: IpAddr,
}

/// There is no place left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("all places are taken")]
    Total,
    #[error("all places of this address are taken")]
    Address,
}

impl Places {
    pub(crate) fn new(total: usize, per_address: usize) -> Self {
        Self {
            total,
            per_address,
            taken: Arc::default(),
        }
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .total
    }

    /// Takes a place for `address`.
    pub(crate) fn take(&self, address: ClientAddress) -> Result<Place, Full> {
        let address = address.neighbourhood();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.total >= self.total {
            return Err(Full::Total);
        }
        let here = taken.by_address.get(&address).copied().unwrap_or_default();
        if here >= self.per_address {
            return Err(Full::Address);
        }
        taken.total += 1;
        taken.by_address.insert(address, here + 1);
        drop(taken);
        Ok(Place {
            taken: self.taken.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total = taken.total.saturating_sub(1);
        match taken.by_address.get_mut(&self.address) {
            Some(here) if *here > 1 => *here -= 1,
            _ => {
                taken.by_address.remove(&self.address);
            }
        }
    }
}
