//! The front door's numbers.
//!
//! **Invariant:** a label is of a closed set.

use std::time::Duration;

use http::StatusCode;
use runtime::metrics::{Counter, Metrics, Seconds, label};

use crate::numbers::{self, NONE};

/// How handshakes end at a host of ours.
const RESULTS: [&str; 6] = [
    "done",
    "abandoned",
    "late",
    "refused",
    "unavailable",
    "stopping",
];

/// How connections end before it is known which host they are for.
const UNKNOWN: [&str; 5] = ["no_hello", "unknown_host", "late", "no_place", "stopping"];

/// Counted per connection.
#[derive(Debug)]
pub(super) struct Numbers {
    handshakes: Counter,
    handshake_seconds: Seconds,
    /// Those of sign-ins and requests.
    pub(super) events: numbers::Numbers,
}

impl Numbers {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let handshakes = metrics.counter(
            "postern_handshakes",
            "Connections by how their handshake ended, and at which kind of host.",
        );
        let known = ["login", "certificate", "other"].map(|host| (host, RESULTS.as_slice()));
        for (host, results) in known.into_iter().chain([(NONE, UNKNOWN.as_slice())]) {
            for result in results {
                handshakes.add(0, &[label("host", host), label("result", *result)]);
            }
        }
        Self {
            handshakes,
            handshake_seconds: metrics.seconds(
                "postern_handshake_seconds",
                "How long handshakes took from the connection on, the choice of a certificate included.",
            ),
            events: numbers::Numbers::new(metrics),
        }
    }

    /// A handshake ended, or a connection before it.
    pub(super) fn handshake(&self, host: Option<&'static str>, result: &'static str) {
        let host = label("host", host.unwrap_or(NONE));
        self.handshakes.count(&[host, label("result", result)]);
    }

    /// A handshake was finished after this time.
    pub(super) fn finished(&self, host: &'static str, took: Duration) {
        self.handshake_seconds.took(took, &[label("host", host)]);
    }

    /// A request was refused before it reached any site.
    pub(super) fn turned_away(&self, status: StatusCode, took: Duration) {
        self.events.request(NONE, Some(status), took);
    }
}
