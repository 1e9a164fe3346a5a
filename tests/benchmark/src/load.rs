//! The load: clients that do what browsers and applications do, many at a time.
//!
//! Every handshake is a full one, and whoever proves a key proves it anew. What the clients themselves cost is never
//! counted: the meter reads the processes of the servers.
//!
//! **Invariant:** what ended with another answer than the one that was due is counted as failed, never as done.

mod connection;
mod handshake;
mod sign_in;
mod tls;

pub(crate) use handshake::Handshakes;
pub(crate) use sign_in::{Again, SignIns};
pub(crate) use tls::{Dialer, KeyExchange};

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Most that are under way when they come at a rate; past it they wait, and the wait counts.
const MOST_UNDER_WAY: usize = 128;

/// What can be done again and again.
pub(crate) trait Work: Send + Sync + 'static {
    /// Does it once.
    fn once(&self) -> impl Future<Output = Result<()>> + Send;
}

/// What came of much work.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// How long each took that ended as it should.
    pub(crate) times: Vec<Duration>,
    /// How many did not.
    pub(crate) failed: u32,
    /// From the first to the last.
    pub(crate) took: Duration,
}

impl Done {
    /// How many a second.
    pub(crate) fn rate(&self) -> Result<f64> {
        Ok(f64::from(u32::try_from(self.times.len())?) / self.took.as_secs_f64())
    }
}

/// Does work `count` times, `at_once` at any moment.
///
/// # Errors
/// When one in ten or more fails.
pub(crate) async fn closed_loop<W: Work>(work: &Arc<W>, count: u32, at_once: u32) -> Result<Done> {
    let left = Arc::new(AtomicU32::new(count));
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let (left, work) = (left.clone(), work.clone());
        workers.spawn(async move {
            let mut outcomes = Vec::new();
            let one_less = |left: u32| left.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
                .is_ok()
            {
                let began = Instant::now();
                outcomes.push(work.once().await.map(|()| began.elapsed()));
            }
            outcomes
        });
    }
    let outcomes = workers.join_all().await.into_iter().flatten();
    summed_up(outcomes, started.elapsed())
}

/// Does work at a rate for a while, whether or not what came before is done. Times are counted from the moment at which
/// each was due.
///
/// # Errors
/// When one in ten or more fails.
pub(crate) async fn at_a_rate<W: Work>(
    work: &Arc<W>,
    per_second: f64,
    for_how_long: Duration,
) -> Result<Done> {
    let places = Arc::new(Semaphore::new(MOST_UNDER_WAY));
    let started = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = JoinSet::new();
    while started.elapsed() < for_how_long {
        let due = ticks.tick().await;
        let (work, places) = (work.clone(), places.clone());
        under_way.spawn(async move {
            let _place = places.acquire_owned().await?;
            work.once().await.map(|()| due.elapsed())
        });
    }
    let outcomes = under_way.join_all().await;
    summed_up(outcomes.into_iter(), started.elapsed())
}

fn summed_up(outcomes: impl Iterator<Item = Result<Duration>>, took: Duration) -> Result<Done> {
    let mut done = Done {
        took,
        ..Done::default()
    };
    let mut first = None;
    for outcome in outcomes {
        match outcome {
            Ok(time) => done.times.push(time),
            Err(error) => {
                done.failed += 1;
                first.get_or_insert(error);
            }
        }
    }
    let all = u32::try_from(done.times.len())?.saturating_add(done.failed);
    match first {
        Some(error) if done.failed.saturating_mul(10) >= all => {
            Err(error).with_context(|| format!("{} of {all} failed; the first", done.failed))
        }
        None if all == 0 => bail!("nothing was done"),
        _ => Ok(done),
    }
}
