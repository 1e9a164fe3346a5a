//! The connections to domain controllers in numbers.
//!
//! **Invariant:** only back ends of the newest snapshot are told about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use domain::connection::ConnectionName;
use runtime::metrics::{Metrics, label};

use super::Prepared;
use crate::active_directory::pool::PoolState;

type Held = Mutex<BTreeMap<ConnectionName, Prepared>>;

/// Tells them from now on. It holds none of them: the process ends once their connections do.
pub(super) fn tell(metrics: &Metrics, backends: &Arc<Held>) {
    let of = Arc::downgrade(backends);
    metrics.gauge(
        "postern_directory_connections",
        "Open connections to domain controllers, by connection and by whether they wait for a question.",
        move |tell| {
            for (connection, pool) in pools(&of) {
                for (state, count) in [("idle", pool.idle), ("busy", pool.busy)] {
                    let connection = label("connection", connection.clone());
                    tell(count as f64, &[connection, label("state", state)]);
                }
            }
        },
    );
    let of = Arc::downgrade(backends);
    metrics.gauge(
        "postern_directory_server_up",
        "Whether a domain controller worked when it was last used: 1, or else 0.",
        move |tell| {
            for (connection, pool) in pools(&of) {
                for (server, up) in pool.servers {
                    let connection = label("connection", connection.clone());
                    tell(
                        f64::from(u8::from(up)),
                        &[connection, label("server", server)],
                    );
                }
            }
        },
    );
}

fn pools(backends: &Weak<Held>) -> Vec<(String, PoolState)> {
    let Some(backends) = backends.upgrade() else {
        return Vec::new();
    };
    let backends = backends.lock().unwrap_or_else(PoisonError::into_inner);
    let pools = backends.iter().filter_map(|(connection, prepared)| {
        let state = prepared.backend.pool()?;
        Some((connection.to_string(), state))
    });
    pools.collect()
}
