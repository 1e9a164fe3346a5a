//! Whether this process can do its work yet, and what it now lacks.
//!
//! A process is ready once every named part has said
//! [`complete`](Readiness::complete). Losing a part later makes the process
//! *degraded*, still ready: taking every instance out of service because a
//! peer is away would turn a small fault into an outage. From the soft stop on
//! it is not ready.
//!
//! **Invariant:** only an explicit `complete` counts; dropping something,
//! panicking or ending never makes anything ready.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};

use crate::tasks::Tasks;

/// The readiness of one process. Clones speak for the same process.
#[derive(Debug, Clone)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
    parts: Arc<[&'static str]>,
}

/// What is known about a process's readiness at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The parts that have not been complete yet.
    pub missing: Vec<&'static str>,
    /// What was lost or is failing: the part's name and why.
    pub degraded: BTreeMap<&'static str, String>,
    /// Whether the process is on its way down.
    pub stopping: bool,
}

impl State {
    /// Whether requests should be sent here.
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty() && !self.stopping
    }

    /// One word for lists of instances: `starting`, `ready`, `degraded` or
    /// `stopping`.
    pub fn word(&self) -> &'static str {
        match self {
            State { stopping: true, .. } => "stopping",
            State { missing, .. } if !missing.is_empty() => "starting",
            State { degraded, .. } if !degraded.is_empty() => "degraded",
            State { .. } => "ready",
        }
    }
}

impl Readiness {
    /// Not ready until each of `parts` is complete.
    pub fn new(parts: &[&'static str]) -> Self {
        let (state, _) = watch::channel(State {
            missing: parts.to_vec(),
            ..State::default()
        });
        Self {
            state: Arc::new(state),
            parts: parts.into(),
        }
    }

    /// The parts it needs.
    pub fn parts(&self) -> &[&'static str] {
        &self.parts
    }

    /// `part` has what it needs for the first time. Says nothing new when
    /// repeated; a name that was not declared is reported in the log and
    /// changes nothing.
    pub fn complete(&self, part: &'static str) {
        let mut left = 0;
        let news = self.state.send_if_modified(|state| {
            let before = state.missing.len();
            state.missing.retain(|missing| *missing != part);
            left = state.missing.len();
            left != before
        });
        if news {
            tracing::info!(part, left, "part ready");
        } else {
            tracing::debug!(part, "completed again, or never declared");
        }
    }

    /// `part` is lost or failing; the process stays ready.
    pub fn degraded(&self, part: &'static str, why: impl Into<String>) {
        let why = why.into();
        let news = self.state.send_if_modified(|state| {
            let before = state.degraded.insert(part, why.clone());
            before.as_ref() != Some(&why)
        });
        if news {
            tracing::warn!(part, why, "degraded");
        }
    }

    /// `part` is back.
    pub fn recovered(&self, part: &'static str) {
        if self
            .state
            .send_if_modified(|state| state.degraded.remove(part).is_some())
        {
            tracing::info!(part, "recovered");
        }
    }

    /// The process is on its way down: not ready from now on.
    pub fn stopping(&self) {
        self.state
            .send_if_modified(|state| !std::mem::replace(&mut state.stopping, true));
    }

    /// Whether requests should be sent here now.
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_ready()
    }

    /// What is known now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Every change from now on, beginning with the present state.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Waits until the process is ready; for ever when it never is, so callers
    /// bring a deadline.
    pub async fn ready(&self) {
        let mut states = self.state.subscribe();
        // The sender lives in `self`, so the channel cannot close meanwhile.
        let _ = states.wait_for(State::is_ready).await;
    }

    /// The standard gRPC health service, `SERVING` exactly while the process
    /// is ready. It follows in a task of `tasks`; the soft stop makes it
    /// `NOT_SERVING` and ends watchers, so that they hold up no drain.
    pub async fn health_service(&self, tasks: &Tasks) -> HealthServer<impl Health> {
        let (mut reporter, server) = tonic_health::server::health_reporter();
        // The reporter is born saying SERVING.
        reporter
            .set_service_status("", ServingStatus::NotServing)
            .await;
        let mut states = self.watch();
        let readiness = self.clone();
        let stopping = tasks.stopping();
        tasks.spawn("health", async move {
            loop {
                let status = if states.borrow_and_update().is_ready() {
                    ServingStatus::Serving
                } else {
                    ServingStatus::NotServing
                };
                reporter.set_service_status("", status).await;
                tokio::select! {
                    changed = states.changed() => if changed.is_err() { break },
                    () = stopping.cancelled() => break,
                }
            }
            readiness.stopping();
            reporter
                .set_service_status("", ServingStatus::NotServing)
                .await;
            reporter.clear_service_status("").await;
        });
        server
    }
}
