//! The numbers of a gateway that operators watch. (Those of calls to other roles are the mesh's.)
//!
//! **Invariant:** a label is a code of ours, a route of ours, or a name out of the configuration; nothing that a stranger
//! sends becomes one.

use std::time::Duration;

use axum::http::StatusCode;
use domain::connection::ConnectionName;
use domain::reason::Fault;
use domain::timestamp::Timestamp;
use postern_proto::directory::Method;
use runtime::metrics::{Counter, Label, Metrics, Seconds, label};

/// The value of a label that does not apply.
pub(crate) const NONE: &str = "none";

/// Counted per sign-in and per request.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    sign_ins: Counter,
    requests: Counter,
    request_seconds: Seconds,
}

impl Numbers {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let numbers = Self {
            sign_ins: metrics.counter(
                "postern_sign_ins",
                "Ends of sign-ins as the audit trail has them, by method, connection, outcome and code.",
            ),
            requests: metrics.counter(
                "postern_requests",
                "Requests that browsers and applications made, by route and status.",
            ),
            request_seconds: metrics.seconds(
                "postern_request_seconds",
                "How long it took to answer requests of browsers and applications.",
            ),
        };
        numbers.await_faults(None);
        numbers
    }

    /// Lets the faults of sign-ins at a connection be there before they happen for the first time: what grows from nothing
    /// at all, an alert does not see grow.
    pub(crate) fn await_faults(&self, connection: Option<&ConnectionName>) {
        for method in [Method::Certificate, Method::Password] {
            for fault in Fault::ALL {
                let labels = sign_in(Some(method), connection, "unavailable", fault.code());
                self.sign_ins.add(0, &labels);
            }
        }
    }

    /// One more audit event.
    pub(crate) fn sign_in(
        &self,
        method: Option<Method>,
        connection: Option<&ConnectionName>,
        outcome: &'static str,
        code: &'static str,
    ) {
        self.sign_ins
            .count(&sign_in(method, connection, outcome, code));
    }

    /// One more request: to this route, answered like this, or not at all.
    pub(crate) fn request(&self, route: &str, status: Option<StatusCode>, took: Duration) {
        let route = label("route", route.to_owned());
        self.request_seconds
            .took(took, std::slice::from_ref(&route));
        let status = status.map_or_else(|| NONE.to_owned(), |status| status.as_u16().to_string());
        self.requests.count(&[route, label("status", status)]);
    }
}

/// A moment, as a number that is told.
#[expect(
    clippy::cast_precision_loss,
    reason = "dates come nowhere near 2^52 seconds"
)]
pub(crate) const fn seconds(moment: Timestamp) -> f64 {
    moment.0 as f64
}

/// How many, as a number that is told.
#[expect(
    clippy::cast_precision_loss,
    reason = "nothing is counted here that comes near 2^52"
)]
pub(crate) const fn number(count: usize) -> f64 {
    count as f64
}

/// The method as audit trail and numbers have it; empty where it is not known.
pub(crate) const fn method_name(method: Option<Method>) -> &'static str {
    match method {
        Some(Method::Certificate) => "certificate",
        Some(Method::Password) => "password",
        None => "",
    }
}

fn sign_in(
    method: Option<Method>,
    connection: Option<&ConnectionName>,
    outcome: &'static str,
    code: &'static str,
) -> [Label; 4] {
    let or_none = |text: &'static str| if text.is_empty() { NONE } else { text };
    [
        label("method", or_none(method_name(method))),
        match connection {
            Some(connection) => label("connection", connection.as_str().to_owned()),
            None => label("connection", NONE),
        },
        label("outcome", outcome),
        label("code", or_none(code)),
    ]
}
