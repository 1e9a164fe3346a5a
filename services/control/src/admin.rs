//! The admin API: HTTPS, JSON, one bearer token; the only way anything live changes.
//!
//! **Invariant:** every request passes [`guard`] before anything looks at its path, and every change goes through
//! [`Writer`](crate::writer::Writer).

mod asked;
mod body;
mod door;
mod guard;
mod problem;
mod query;
mod read;
mod shapes;
#[cfg(test)]
mod tests;
mod throttle;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, put};
use http::StatusCode;
use runtime::clock::Clock;
use runtime::random::Randomness;
use runtime::tasks::Tasks;

use crate::inspector::Inspector;
use crate::token::AdminToken;
use crate::writer::Writer;

pub use door::{AdminTls, DoorError};
pub use problem::Problem;

pub(crate) use asked::Requests;
pub(crate) use door::Door;
pub(crate) use throttle::Throttle;

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Admin {
    /// Who writes.
    pub(crate) writer: Arc<Writer>,
    /// Who says what certificates are.
    pub(crate) inspector: Arc<dyn Inspector>,
    /// The accepted token.
    pub(crate) token: AdminToken,
    /// Wrong tokens so far.
    pub(crate) throttle: Throttle,
    /// The names the API is asked by, lower case, without port.
    pub(crate) hosts: Vec<String>,
    /// Requests so far.
    pub(crate) requests: Requests,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// For request ids.
    pub(crate) randomness: Arc<dyn Randomness>,
    /// Who owns writes under way.
    pub(crate) tasks: Tasks,
}

/// The routes, behind the guard.
pub(crate) fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/v1/configuration", get(read::configuration))
        .route("/v1/connections", get(read::connections))
        .route("/v1/connections/{name}", get(read::connection))
        .route(
            "/v1/connections/{name}/authorities",
            get(read::authorities).post(write::add_authorities),
        )
        .route(
            "/v1/connections/{name}/authorities/{fingerprint}",
            delete(write::remove_authority),
        )
        .route(
            "/v1/connections/{name}/ranges",
            get(read::ranges)
                .post(write::add_ranges)
                .delete(write::remove_ranges),
        )
        .route(
            "/v1/connections/{name}/methods/{method}",
            put(write::set_method),
        )
        .route("/v1/instances", get(read::instances))
        .route("/v1/revisions", get(read::revisions))
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(admin.clone(), guard::guard))
        .with_state(admin)
}

async fn unknown_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown-path",
        "Unknown path",
        "the admin API has no such path",
        "the paths begin with /v1/configuration, /v1/connections, /v1/instances or /v1/revisions",
    )
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        "this path does not take this method",
        "read with GET, add with POST, remove with DELETE, set with PUT",
    )
}
