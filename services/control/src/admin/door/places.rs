//! Places at the door: so many in all, and a share of them for each address, so that nobody can shut out the others.
//!
//! **Invariant:** a place is given back when its holder is dropped, and no address without a connection is remembered.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places of one door. Clones are the same ones.
#[derive(Debug, Clone)]
pub(super) struct Places {
    total: usize,
    each: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One place, as long as it lives.
#[derive(Debug)]
pub(super) struct Place {
    address: IpAddr,
    places: Places,
}

impl Places {
    pub(super) fn new(total: usize, each: usize) -> Self {
        Self {
            total,
            each,
            taken: Arc::default(),
        }
    }

    /// A place for `address`; `None` when all, or all of this address's, are taken.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let mut taken = self.lock();
        let mine = taken.get(&address).copied().unwrap_or_default();
        if mine >= self.each || taken.values().sum::<usize>() >= self.total {
            return None;
        }
        taken.insert(address, mine + 1);
        Some(Place {
            address,
            places: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match taken.get_mut(&self.address) {
            Some(mine) if *mine > 1 => *mine -= 1,
            _ => {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn one_address_leaves_room_for_another_and_places_come_back() {
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let places = Places::new(5, 3);
        let held: Vec<_> = (0..3).map(|_| places.take(one).unwrap()).collect();
        assert!(places.take(one).is_none(), "its share is taken");
        let others = (places.take(two).unwrap(), places.take(two).unwrap());
        assert!(places.take(two).is_none(), "all are taken");
        drop(held);
        assert!(places.take(one).is_some());
        drop(others);
        assert!(
            places.lock().is_empty(),
            "an address is remembered for nothing"
        );
    }
}
