//! JSON answers to applications (RFC 6749 sections 5.1 and 5.2, RFC 6750 section 3).
//!
//! **Invariant:** an answer about a person or a token is stored by nobody on its way.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error_code::ErrorCode;

/// A good answer that nobody may keep.
pub(crate) fn private(value: serde_json::Value) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

/// A good answer that everybody may keep for five minutes.
pub(crate) fn public(value: serde_json::Value) -> Response {
    ([(CACHE_CONTROL, "public, max-age=300")], Json(value)).into_response()
}

/// An error of the token endpoint.
pub(crate) fn error(error: ErrorCode, description: &str) -> Response {
    let status = match error {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({ "error": error.code(), "error_description": description });
    let mut response = (status, private(body)).into_response();
    let headers = response.headers_mut();
    match error {
        ErrorCode::InvalidClient => {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"token\""),
            );
        }
        ErrorCode::TemporarilyUnavailable => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        _ => {}
    }
    response
}

/// An error about a bearer token; none was sent at all when `error` is `None`.
pub(crate) fn bearer(error: Option<ErrorCode>) -> Response {
    let (status, challenge, body) = match error {
        None => (StatusCode::UNAUTHORIZED, "Bearer".to_owned(), json!({})),
        Some(error) => (
            match error {
                ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
                _ => StatusCode::BAD_REQUEST,
            },
            format!("Bearer error=\"{}\"", error.code()),
            json!({ "error": error.code() }),
        ),
    };
    let mut response = (status, private(body)).into_response();
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
