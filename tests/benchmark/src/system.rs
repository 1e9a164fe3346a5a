//! What is done to a running system besides load: its memory, and its starts.
//!
//! **Invariant:** memory is read before any load, and a start counts from the start of the process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::system::{Role, System};
use tokio::runtime::Runtime;

use crate::amounts::Amounts;
use crate::figures::Figure;
use crate::load::{Dialer, Handshakes, KeyExchange, closed_loop};
use crate::meter::resident_mb;
use crate::place::Place;

/// How long a start may take.
const READY: Duration = Duration::from_secs(30);
/// Between two looks at a log.
const LOOK: Duration = Duration::from_millis(1);
/// Handshakes before memory is read, so that what the first ones make once is not counted to those that wait.
const FIRST: u32 = 16;

/// What `rig.json` would say of a system.
///
/// # Errors
/// When the machine has no random bytes.
pub(crate) fn place(system: &System) -> Result<Place> {
    Ok(serde_json::from_value(serde_json::to_value(
        system.describe()?,
    )?)?)
}

/// Kills one role's process and starts it again, with everything else running and the last configuration on its disk;
/// the milliseconds until it says that it is ready.
///
/// # Errors
/// When it does not become ready.
pub(crate) fn start_to_ready(system: &mut System, role: Role, restarts: u32) -> Result<Figure> {
    let mut times = Vec::new();
    for _ in 0..restarts {
        system.process(role, 0)?.kill()?;
        let started = Instant::now();
        system.relaunch(role, 0)?;
        while !says_ready(&system.process(role, 0)?.log()) {
            let name = role.name();
            ensure!(
                started.elapsed() < READY,
                "{name} is not ready in {READY:?}"
            );
            std::thread::sleep(LOOK);
        }
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        system.wait_until_ready()?;
    }
    Figure::of(times)
}

fn says_ready(log: &str) -> bool {
    log.lines()
        .any(|line| line.contains(r#""message":"ready""#))
}

/// Kilobytes by which a gateway grows with each handshake that waits for its client to choose a certificate.
///
/// # Errors
/// When the gateway does not let so many wait.
pub(crate) fn memory_per_waiting(
    runtime: &Runtime,
    place: &Place,
    amounts: &Amounts,
) -> Result<f64> {
    let gateway = place.gateway()?;
    let host = place.certificate_host();
    let dialer = Dialer::new(place, place.address()?, host, true, KeyExchange::Classical)?;
    runtime.block_on(async {
        closed_loop(&Arc::new(Handshakes::bare(dialer.clone())), FIRST, 1).await?;
        let before = resident_mb(gateway)?;
        let mut waiting = Vec::new();
        for _ in 0..amounts.waiting {
            waiting.push(dialer.wait().await?);
        }
        let grown = resident_mb(gateway)? - before;
        drop(waiting);
        Ok(grown * 1024.0 / f64::from(amounts.waiting))
    })
}
