//! Who owns every task, and how the process ends.
//!
//! Two stops. The *soft* stop ([`Tasks::stopping`]) means: accept nothing
//! new, finish what is in flight. The *hard* stop drops what is left; it comes
//! at the drain's deadline or with the second signal.
//!
//! **Invariant:** no task outlives [`Tasks::finish`] except one that never
//! yields, and an essential task that panics or ends early stops the process
//! instead of leaving it half alive.

mod signals;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a drain may take before what is left is dropped.
pub const DRAIN: Duration = Duration::from_secs(30);

/// How long dropped tasks get to run their destructors.
const DROPPING: Duration = Duration::from_secs(1);

/// The owner of all tasks of one process (or of one role in a process that
/// runs several). Clones are the same owner.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tracker: TaskTracker,
    soft: CancellationToken,
    hard: CancellationToken,
    running: Mutex<BTreeMap<&'static str, usize>>,
    /// What the hard stop cut short.
    dropped: Mutex<BTreeSet<&'static str>>,
    failure: Mutex<Option<Failure>>,
}

/// Why an essential task did not live as long as the process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {task} {why}")]
pub struct Failure {
    /// The task's name.
    pub task: &'static str,
    /// What became of it: "panicked: …", "ended early".
    pub why: String,
}

/// A process that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unclean {
    /// An essential task failed and took the process with it.
    #[error("stopped because a task failed")]
    Failed(#[source] Failure),
    /// The drain's deadline (or a second signal) came before these tasks were
    /// done.
    #[error("stopped hard with work unfinished in: {}", .0.join(", "))]
    Unfinished(Vec<&'static str>),
}

impl Tasks {
    /// An owner without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task the process cannot do without, such as an accept loop. It
    /// should end after [`stopping`](Self::stopping) and not before: an
    /// earlier end, or a panic, stops the process softly and makes
    /// [`finish`](Self::finish) report it.
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.clone();
        self.track(name, future, move |end| match end {
            End::Panicked(message) => tasks.fail(name, format!("panicked: {message}")),
            End::Done if !tasks.inner.soft.is_cancelled() => {
                tasks.fail(name, "ended early".to_owned());
            }
            End::Done | End::Dropped => {}
        });
    }

    /// Starts a piece of work that ends by itself, such as one connection. Its
    /// panic is logged and harms nobody else; a drain waits for it.
    pub fn spawn_work(
        &self,
        name: &'static str,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        self.track(name, future, move |end| {
            if let End::Panicked(message) = end {
                tracing::error!(task = name, panic = message, "a task panicked");
            }
        });
    }

    /// Says that an essential task has failed: stops softly, remembers the
    /// first such report for [`finish`](Self::finish).
    pub fn fail(&self, task: &'static str, why: String) {
        tracing::error!(task, why, "a task failed, stopping");
        lock(&self.inner.failure).get_or_insert(Failure { task, why });
        self.stop();
    }

    /// Cancelled at the soft stop: stop accepting, finish what is in flight.
    pub fn stopping(&self) -> CancellationToken {
        self.inner.soft.clone()
    }

    /// Cancelled at the hard stop, when what is left is dropped. Tasks are
    /// dropped by themselves; this is for what they cannot drop, such as a
    /// blocking loop.
    pub fn stopped_hard(&self) -> CancellationToken {
        self.inner.hard.clone()
    }

    /// Begins the soft stop.
    pub fn stop(&self) {
        self.inner.soft.cancel();
    }

    /// Waits for the soft stop, then up to `drain` for all tasks, then drops
    /// what is left. The last call of a process.
    ///
    /// # Errors
    /// When an essential task failed, or work had to be dropped.
    pub async fn finish(&self, drain: Duration) -> Result<(), Unclean> {
        let inner = &self.inner;
        inner.soft.cancelled().await;
        inner.tracker.close();
        tokio::select! {
            () = inner.tracker.wait() => {}
            () = tokio::time::sleep(drain) => {}
            () = inner.hard.cancelled() => {}
        }
        inner.hard.cancel();
        let dropped = tokio::time::timeout(DROPPING, inner.tracker.wait()).await;
        let mut unfinished = self.running();
        if dropped.is_err() {
            tracing::error!(tasks = ?unfinished, "these tasks never yield and could not be dropped");
        }
        unfinished.extend(lock(&inner.dropped).iter());
        let failure = lock(&inner.failure).clone();
        match (failure, unfinished.is_empty()) {
            (Some(failure), _) => Err(Unclean::Failed(failure)),
            (None, false) => Err(Unclean::Unfinished(unfinished)),
            (None, true) => Ok(()),
        }
    }

    /// The names of the tasks that run now, each once, sorted.
    pub fn running(&self) -> Vec<&'static str> {
        lock(&self.inner.running).keys().copied().collect()
    }

    fn track(
        &self,
        name: &'static str,
        future: impl Future<Output = ()> + Send + 'static,
        ended: impl FnOnce(End) + Send + 'static,
    ) {
        let hard = self.inner.hard.clone();
        let counted = Counted::new(self.inner.clone(), name);
        let inner = self.inner.clone();
        self.inner.tracker.spawn(async move {
            let end = tokio::select! {
                biased;
                () = hard.cancelled() => End::Dropped,
                end = AssertUnwindSafe(future).catch_unwind() => match end {
                    Ok(()) => End::Done,
                    Err(panic) => End::Panicked(panic_message(&*panic)),
                },
            };
            drop(counted);
            if matches!(end, End::Dropped) {
                lock(&inner.dropped).insert(name);
            }
            ended(end);
        });
    }
}

/// The process's exit code for the end that [`Tasks::finish`] reported.
pub fn exit_code(end: &Result<(), Unclean>) -> ExitCode {
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

enum End {
    Done,
    Dropped,
    Panicked(String),
}

/// One entry of the list of running tasks, for as long as it lives.
struct Counted {
    inner: Arc<Inner>,
    name: &'static str,
}

impl Counted {
    fn new(inner: Arc<Inner>, name: &'static str) -> Self {
        *lock(&inner.running).entry(name).or_default() += 1;
        Self { inner, name }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut running = lock(&self.inner.running);
        if let Some(count) = running.get_mut(self.name) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                running.remove(self.name);
            }
        }
    }
}

/// What is kept under these locks is whole at every moment, so that a panic
/// elsewhere spoils nothing.
fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
