//! An instance's configuration in numbers.
//!
//! **Invariant:** the numbers tell what is applied when they are read, never
//! what was only offered.

use std::sync::Arc;

use super::FollowerSettings;
use crate::bus::BusState;
use crate::live::Live;
use crate::metrics::Counter;

/// Tells them from now on. Answers the counter of refused snapshots.
pub(super) fn tell<V: Send + Sync + 'static>(
    settings: &FollowerSettings,
    live: &Live<V>,
) -> Counter {
    let metrics = &settings.metrics;
    let applied = live.glimpse();
    metrics.gauge(
        "postern_revision",
        "The revision of the configuration that is in use; 0 before the first.",
        move |tell| {
            if let Some(applied) = applied.live() {
                tell(applied.revision() as f64, &[]);
            }
        },
    );
    let (applied, clock) = (live.glimpse(), Arc::clone(&settings.clock));
    metrics.gauge(
        "postern_configuration_age_seconds",
        "How long ago control last confirmed the configuration that is in use.",
        move |tell| {
            let age = applied.live().and_then(|live| live.age(clock.now()));
            if let Some(age) = age {
                tell(age.as_secs_f64(), &[]);
            }
        },
    );
    let state = settings.bus.state();
    metrics.gauge(
        "postern_bus_connected",
        "Whether the bus (NATS) can be spoken to: 1, or else 0.",
        move |tell| {
            let connected = *state.borrow() == BusState::Connected;
            tell(f64::from(u8::from(connected)), &[]);
        },
    );
    let refusals = metrics.counter(
        "postern_snapshots_refused",
        "Snapshots of the configuration that were offered and not used.",
    );
    refusals.add(0, &[]);
    refusals
}
