//! Where the instances of a role are: names to addresses.
//!
//! A name may lead to several instances, and to others a minute later: a
//! headless Service of Kubernetes has one address for each pod. Every address
//! takes part, with a connection of its own that stays while a name leads to
//! it. Names are looked up again when a call comes and the last answer is no
//! longer fresh. The call waits for the new answer only for a moment, and what
//! was found last serves on while names cannot be looked up.
//!
//! **Invariant:** at most one look-up runs at a time, and a call waits for it
//! longer than a moment only while nothing has ever been found.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use crate::telemetry::chain;

/// How long an answer is used without asking again.
const FRESH: Duration = Duration::from_secs(2);

/// How long a call waits for a new answer while there is an old one.
const MOMENT: Duration = Duration::from_millis(100);

/// The most addresses that one place may lead to.
const MOST: usize = 256;

type Found = io::Result<Vec<SocketAddr>>;
type LookUp = dyn Fn(String) -> BoxFuture<'static, Found> + Send + Sync;

/// The places given for one role, and what they led to last.
pub(super) struct Places {
    /// Those that are names; the others never change.
    names: Vec<String>,
    look_up: Box<LookUp>,
    state: Mutex<State>,
    /// How many look-ups have ended.
    ended: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// What each place led to last.
    led: BTreeMap<String, Vec<SocketAddr>>,
    addresses: BTreeMap<SocketAddr, Arc<Address>>,
    failed: Option<String>,
    asked: Option<Instant>,
    asking: bool,
}

impl Places {
    /// Places (`host:port` each), looked up as the system does.
    pub(super) fn new(given: Vec<String>) -> Arc<Self> {
        Self::with(given, |place| {
            Box::pin(async move { Ok(tokio::net::lookup_host(place).await?.collect()) })
        })
    }

    fn with(
        given: Vec<String>,
        look_up: impl Fn(String) -> BoxFuture<'static, Found> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let mut state = State::default();
        // An address needs nobody to be asked, ever.
        let names = given.into_iter().filter(|place| match place.parse() {
            Ok(address) => {
                state.led.insert(place.clone(), vec![address]);
                false
            }
            Err(_) => true,
        });
        let names = names.collect();
        state.connect();
        Arc::new(Self {
            names,
            look_up: Box::new(look_up),
            state: Mutex::new(state),
            ended: watch::Sender::new(0),
        })
    }

    /// How many addresses are known.
    pub(super) fn known(&self) -> usize {
        self.state().addresses.len()
    }

    /// The addresses to try, in a stable order. None: why.
    pub(super) async fn now(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<Vec<Arc<Address>>, String> {
        let mut ended = self.ended.subscribe();
        if let Some(asked) = self.asked() {
            let until = match self.known() {
                0 => deadline,
                _ => deadline.min(asked + MOMENT),
            };
            // Late or not, what is known now is what there is.
            let _ = timeout_at(until, ended.changed()).await;
        }
        let state = self.state();
        if state.addresses.is_empty() {
            let failed = state.failed.clone();
            return Err(failed.unwrap_or_else(|| "it has no address".to_owned()));
        }
        Ok(state.addresses.values().cloned().collect())
    }

    /// Begins a look-up if it is time for one; since when one runs.
    fn asked(self: &Arc<Self>) -> Option<Instant> {
        let mut state = self.state();
        let now = Instant::now();
        let fresh = state.asked.is_some_and(|asked| now < asked + FRESH);
        let fresh = fresh && !state.addresses.is_empty();
        if !state.asking && (fresh || self.names.is_empty()) {
            return None;
        }
        if !state.asking {
            state.asking = true;
            state.asked = Some(now);
            // Its own task, for the call that began it may be given up.
            let places = self.clone();
            tokio::spawn(async move { places.ask().await });
        }
        state.asked
    }

    async fn ask(&self) {
        let answers = self.names.iter().map(|place| (self.look_up)(place.clone()));
        let answers = futures::future::join_all(answers).await;
        let mut state = self.state();
        state.failed = None;
        for (name, answer) in self.names.iter().zip(answers) {
            match answer {
                Ok(mut addresses) => {
                    addresses.truncate(MOST);
                    state.led.insert(name.clone(), addresses);
                }
                // It may still lead where it led.
                Err(error) => {
                    let why = format!("{name}: {}", chain(&error));
                    tracing::debug!(error = why, "a name of the mesh could not be looked up");
                    state.failed = Some(why);
                }
            }
        }
        state.connect();
        state.asking = false;
        drop(state);
        self.ended.send_modify(|ended| *ended += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One address for each that is led to; those there were keep their
    /// connections.
    fn connect(&mut self) {
        let before = std::mem::take(&mut self.addresses);
        for address in self.led.values().flatten() {
            let kept = || before.get(address).cloned();
            self.addresses
                .entry(*address)
                .or_insert_with(|| kept().unwrap_or_else(|| Arc::new(Address::new(*address))));
        }
    }
}
