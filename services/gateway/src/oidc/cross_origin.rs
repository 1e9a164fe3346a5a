//! Which pages of other origins may read an answer by script (the Fetch standard's CORS protocol).
//!
//! **Invariant:** never with cookies; answers about a person for registered origins only; the certificate host has none of
//! this.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::desk::Desk;
use crate::sites::X_REQUEST_ID;

/// How long a browser remembers what it may ask.
const REMEMBERED: Duration = Duration::from_secs(600);

/// For pages of origins that some application has registered.
pub(crate) fn registered(desk: &Arc<Desk>) -> CorsLayer {
    let desk = Arc::clone(desk);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(
            move |origin: &HeaderValue, _: &Parts| is_registered(&desk, origin),
        ))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([X_REQUEST_ID])
        .max_age(REMEMBERED)
}

/// For all pages: what is the same for everybody.
pub(crate) fn anybody() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET])
        .max_age(REMEMBERED)
}

fn is_registered(desk: &Desk, origin: &HeaderValue) -> bool {
    let Ok(snapshot) = desk.live() else {
        return false;
    };
    let mut applications = snapshot.view.configuration.applications.values();
    applications.any(|application| {
        let mut origins = application.origins.iter();
        origins.any(|each| each.as_str().as_bytes() == origin.as_bytes())
    })
}
