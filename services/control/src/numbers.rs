//! Changes and instances in numbers.
//!
//! **Invariant:** labels are from closed sets, whatever an instance says its role is.

use runtime::live::{InstanceState, Publisher};
use runtime::metrics::{Counter, Label, Metrics, label};

use crate::writer::WriteFailure;

/// The roles there are.
const ROLES: [&str; 4] = ["gateway", "certval", "directory", "control"];

/// How an instance can be, as it is called.
const STATES: [(InstanceState, &str); 4] = [
    (InstanceState::Starting, "starting"),
    (InstanceState::Current, "current"),
    (InstanceState::Refusing, "refusing"),
    (InstanceState::Stopping, "stopping"),
];

/// Counts changes by how they ended.
#[derive(Debug)]
pub(crate) struct Changes(Counter);

impl Changes {
    /// None yet.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let counter = metrics.counter(
            "postern_changes",
            "Changes of the configuration that somebody asked for, by how they ended.",
        );
        for outcome in ["published", "refused", "conflict", "unavailable"] {
            counter.add(0, &[label("outcome", outcome)]);
        }
        Self(counter)
    }

    /// One ended.
    pub(crate) fn ended<T>(&self, outcome: &Result<T, WriteFailure>) {
        let outcome = match outcome {
            Ok(_) => "published",
            Err(failure) => failure.outcome(),
        };
        self.0.count(&[label("outcome", outcome)]);
    }
}

/// Tells from now on how many instances live, by role and state.
pub(crate) fn tell_instances(metrics: &Metrics, publisher: &Publisher) {
    let publisher = publisher.clone();
    metrics.gauge(
        "postern_instances",
        "Live instances, by their role and by how they are with the configuration.",
        move |tell| count(&publisher, tell),
    );
}

fn count(publisher: &Publisher, tell: &mut dyn FnMut(f64, &[Label])) {
    let instances = publisher.rollout().instances();
    for role in ROLES {
        for (state, word) in STATES {
            let of = |it: &&_| is_of(it, role, state);
            let count = instances.iter().filter(of).count();
            // The label `role` is that of who tells it: control.
            tell(
                count as f64,
                &[label("instance_role", role), label("state", word)],
            );
        }
    }
}

fn is_of(instance: &runtime::live::InstanceReport, role: &str, state: InstanceState) -> bool {
    instance.role == role && instance.state == state
}
