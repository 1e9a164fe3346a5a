//! Sign-ins one after the other, in the background, while something is taken away.
//!
//! **Invariant:** every sign-in that was begun is in the report, as done or with the reason why not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use testkit::processes::wait_for;

use crate::program::block_on;
use crate::sign_in::{Person, Site};

/// A running trickle.
#[derive(Debug)]
pub struct Trickle {
    ending: Arc<AtomicBool>,
    finished: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Result<Report>>>,
}

/// What came of the sign-ins of a trickle.
#[derive(Debug, Default)]
pub struct Report {
    /// How long each that worked took.
    pub signed_in: Vec<Duration>,
    /// Those that did not: when, counted from the trickle's begin, and why.
    pub lost: Vec<(Duration, String)>,
}

impl Trickle {
    /// Begins `at_once` rows of sign-ins, each with so much time between two of them.
    #[must_use]
    pub fn begin(site: &Site, person: &Person, at_once: usize, between: Duration) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let finished = Arc::new(AtomicUsize::new(0));
        let threads = (0..at_once).map(|_| {
            let (site, person) = (site.clone(), person.clone());
            let (ending, finished) = (Arc::clone(&ending), Arc::clone(&finished));
            thread::spawn(move || block_on(row(&site, &person, between, &ending, &finished)))
        });
        let threads = threads.collect();
        Self {
            ending,
            finished,
            threads,
        }
    }

    /// Waits until so many more sign-ins have come to an end, one way or the other.
    ///
    /// # Errors
    /// If they take longer than `within`.
    pub fn await_more(&self, count: usize, within: Duration) -> Result<()> {
        let enough = self.finished.load(Ordering::Relaxed) + count;
        wait_for(within, &format!("{count} more sign-ins"), || {
            Ok((self.finished.load(Ordering::Relaxed) >= enough).then_some(()))
        })
    }

    /// Lets those that are under way finish, and reports.
    ///
    /// # Errors
    /// If a row itself broke off.
    pub fn end(mut self) -> Result<Report> {
        self.ending.store(true, Ordering::Relaxed);
        let mut whole = Report::default();
        for thread in self.threads.drain(..) {
            let row = thread
                .join()
                .map_err(|_| anyhow!("a row of sign-ins panicked"))??;
            whole.signed_in.extend(row.signed_in);
            whole.lost.extend(row.lost);
        }
        Ok(whole)
    }
}

impl Drop for Trickle {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
    }
}

impl Report {
    /// Demands at least so many sign-ins and none lost.
    ///
    /// # Errors
    /// Otherwise: how many were lost, when, and why.
    pub fn none_lost(&self, at_least: usize) -> Result<()> {
        let reasons: Vec<String> = self
            .lost
            .iter()
            .take(5)
            .map(|(at, why)| format!("after {:.1} s: {why}", at.as_secs_f64()))
            .collect();
        ensure!(
            self.lost.is_empty(),
            "{} of {} sign-ins were lost:\n{}",
            self.lost.len(),
            self.lost.len() + self.signed_in.len(),
            reasons.join("\n")
        );
        ensure!(
            self.signed_in.len() >= at_least,
            "only {} sign-ins, too few to say anything ({at_least} were wanted)",
            self.signed_in.len()
        );
        Ok(())
    }

    /// The slowest sign-in that worked.
    ///
    /// # Errors
    /// If none did.
    pub fn slowest(&self) -> Result<Duration> {
        self.signed_in
            .iter()
            .max()
            .copied()
            .context("nobody was signed in")
    }
}

async fn row(
    site: &Site,
    person: &Person,
    between: Duration,
    ending: &AtomicBool,
    finished: &AtomicUsize,
) -> Result<Report> {
    let began = Instant::now();
    let mut report = Report::default();
    while !ending.load(Ordering::Relaxed) {
        let at = began.elapsed();
        match site.sign_in(person).await {
            Ok(signed_in) => report.signed_in.push(signed_in.took),
            Err(error) => report.lost.push((at, format!("{error:#}"))),
        }
        finished.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(between).await;
    }
    Ok(report)
}
