//! What this instance says about itself: every few seconds, and at once when
//! something changed.
//!
//! It runs beside the applying side, so that a long fetch does not let the
//! instance look dead.
//!
//! **Invariant:** a report shows what is applied, never what was only offered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;
use tracing::{Instrument, Span, info_span};

use super::FollowerSettings;
use crate::bus::{Bucket, Bus};
use crate::clock::Clock;
use crate::live::instance::{REPORT_INTERVAL, REPORT_LIFE, Said};
use crate::live::{InstanceReport, InstanceState, Live};
use crate::trace::{TraceContext, continue_from};

/// How old the configuration is, at a moment.
type Age = Box<dyn Fn(SystemTime) -> Option<u64> + Send + Sync>;

pub(super) struct Reporting {
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    key: String,
    age: Age,
    report: Report,
}

/// The report as it stands, for the side that changes it.
#[derive(Clone)]
pub(super) struct Report {
    shared: Arc<Shared>,
}

struct Shared {
    standing: Mutex<Standing>,
    changed: Notify,
}

struct Standing {
    said: Said,
    /// The work that the next report acknowledges.
    acknowledges: Option<TraceContext>,
}

impl Reporting {
    pub(super) fn new<V: Send + Sync + 'static>(
        settings: &FollowerSettings,
        live: &Live<V>,
    ) -> Self {
        let live = live.clone();
        let started_at = settings.clock.unix_seconds();
        let said = Said::at_first(InstanceReport::of(&settings.instance, started_at));
        Self {
            bus: Arc::clone(&settings.bus),
            clock: Arc::clone(&settings.clock),
            key: settings.instance.key(),
            age: Box::new(move |now| live.age(now).map(|age| age.as_secs())),
            report: Report {
                shared: Arc::new(Shared {
                    standing: Mutex::new(Standing {
                        said,
                        acknowledges: None,
                    }),
                    changed: Notify::new(),
                }),
            },
        }
    }

    pub(super) fn report(&self) -> Report {
        self.report.clone()
    }

    /// Reports for ever.
    pub(super) async fn run(&self) {
        let mut states = self.bus.state();
        loop {
            self.send(REPORT_LIFE).await;
            tokio::select! {
                () = self.report.shared.changed.notified() => {}
                // A bus that is back may have lost what it held.
                Ok(()) = states.changed() => {}
                () = tokio::time::sleep(REPORT_INTERVAL) => {}
            }
        }
    }

    /// The last report, which disappears soon.
    pub(super) async fn farewell(&self) {
        self.report
            .change(|report| report.state = InstanceState::Stopping);
        self.send(std::time::Duration::from_secs(1)).await;
    }

    async fn send(&self, life: std::time::Duration) {
        let (mut said, acknowledged) = self.report.next();
        said.report.age_s = (self.age)(self.clock.now());
        let Ok(bytes) = serde_json::to_vec(&said) else {
            return;
        };
        let life = Some(life);
        let sent = self
            .bus
            .put(Bucket::Instances, &self.key, bytes.into(), life);
        let span = match acknowledged {
            Some(work) => acknowledgement(work, &said.report),
            None => Span::none(),
        };
        if let Err(error) = sent.instrument(span).await {
            tracing::debug!(%error, "the instance's report was not sent");
            // The next one says it.
            let mut standing = self.report.lock();
            standing.acknowledges = standing.acknowledges.or(acknowledged);
        }
    }
}

impl Report {
    /// A snapshot is in use; `signed` is what proves that there is such a one.
    pub(super) fn applied(&self, revision: u64, at: u64, signed: &[u8]) {
        let mut standing = self.lock();
        standing.acknowledges = TraceContext::current();
        standing.said.prove(signed);
        let report = &mut standing.said.report;
        report.revision = revision;
        report.applied_at = at;
        report.state = InstanceState::Current;
        report.problem = None;
        drop(standing);
        self.shared.changed.notify_one();
    }

    /// A snapshot would survive a restart without the bus.
    pub(super) fn persisted(&self, revision: u64) {
        self.change(|report| report.persisted_revision = revision);
    }

    /// What is offered is what is in use.
    pub(super) fn current(&self) {
        if self.lock().said.report.state != InstanceState::Current {
            self.change(|report| {
                report.state = InstanceState::Current;
                report.problem = None;
            });
        }
    }

    /// A snapshot was refused.
    pub(super) fn refused(&self, why: &str) {
        self.change(|report| {
            report.state = match report.revision {
                0 => InstanceState::Starting,
                _ => InstanceState::Refusing,
            };
            report.problem = Some(InstanceReport::shortened(why));
        });
    }

    /// What to say now, and the work that this acknowledges.
    fn next(&self) -> (Said, Option<TraceContext>) {
        let mut standing = self.lock();
        (standing.said.clone(), standing.acknowledges.take())
    }

    fn change(&self, change: impl FnOnce(&mut InstanceReport)) {
        change(&mut self.lock().said.report);
        self.shared.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        let standing = self.shared.standing.lock();
        standing.unwrap_or_else(PoisonError::into_inner)
    }
}

fn acknowledgement(work: TraceContext, report: &InstanceReport) -> Span {
    let span = info_span!(
        parent: None,
        "report revision",
        otel.kind = "producer",
        revision = report.revision,
    );
    continue_from(&span, work);
    span
}
