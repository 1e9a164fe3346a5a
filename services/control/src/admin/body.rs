//! Reading a request's body, within a size and a time.
//!
//! **Invariant:** no handler reads a body by itself.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Problem;
use crate::inspector::LARGEST_UPLOAD;

/// How long a body may take.
const BODY: Duration = Duration::from_secs(15);

/// The whole body, at most [`LARGEST_UPLOAD`] bytes.
pub(super) async fn read(body: Body) -> Result<Bytes, Problem> {
    match timeout(BODY, to_bytes(body, LARGEST_UPLOAD)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The body is too large",
            format!("the body is larger than {LARGEST_UPLOAD} bytes, or broke off"),
            "send less at a time",
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            "The body came too slowly",
            format!("the body was not complete after {} seconds", BODY.as_secs()),
            "send it again",
        )),
    }
}

/// A JSON body.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8], example: &str) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::bad_request(
            format!("the body is not what is expected: {error}"),
            format!("send JSON like {example}"),
        )
    })
}
