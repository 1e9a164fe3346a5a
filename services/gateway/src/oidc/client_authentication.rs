//! Who asks at the token endpoint (RFC 6749 section 2.3.1, OpenID Connect Core section 9): `client_secret_basic`,
//! `client_secret_post`, or `none` for a public client.
//!
//! **Invariant:** one way at a time; a secret is compared by its SHA-256 in constant time.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::application::{Application, ClientId};
use domain::digest::Digest;

use super::error_code::ErrorCode;
use super::parameters::{Parameters, Repeated};

#[cfg(test)]
mod tests;

/// Why nobody is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientError {
    /// The protocol's code.
    pub error: ErrorCode,
    /// For the application's developer.
    pub description: &'static str,
}

const INVALID_CLIENT: ClientError = ClientError {
    error: ErrorCode::InvalidClient,
    description: "the client could not be authenticated",
};

impl From<Repeated> for ClientError {
    fn from(_: Repeated) -> Self {
        request("a parameter is repeated")
    }
}

const fn request(description: &'static str) -> ClientError {
    ClientError {
        error: ErrorCode::InvalidRequest,
        description,
    }
}

/// What was sent to prove who asks.
struct Credentials {
    client_id: String,
    secret: Option<String>,
}

/// The application that asks, proved.
///
/// # Errors
/// [`ClientError`] as the token endpoint answers it.
pub fn authenticate<'a>(
    headers: &HeaderMap,
    form: &Parameters,
    applications: &'a BTreeMap<ClientId, Application>,
) -> Result<&'a Application, ClientError> {
    let credentials = credentials(headers, form)?;
    let application = credentials
        .client_id
        .parse::<ClientId>()
        .ok()
        .and_then(|id| applications.get(&id))
        .ok_or(INVALID_CLIENT)?;
    match (application.secret, credentials.secret) {
        (None, None) => Ok(application),
        (Some(expected), Some(secret)) if is_secret(expected, &secret) => Ok(application),
        _ => Err(INVALID_CLIENT),
    }
}

fn credentials(headers: &HeaderMap, form: &Parameters) -> Result<Credentials, ClientError> {
    let client_id = form.only("client_id")?;
    let secret = form.only("client_secret")?;
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    let Some(authorization) = authorizations.next() else {
        return Ok(Credentials {
            client_id: client_id.ok_or(INVALID_CLIENT)?.to_owned(),
            secret: secret.map(ToOwned::to_owned),
        });
    };
    if authorizations.next().is_some() || secret.is_some() {
        return Err(request("the client is authenticated in more than one way"));
    }
    let (id, secret) = authorization
        .to_str()
        .ok()
        .and_then(basic)
        .ok_or(INVALID_CLIENT)?;
    if client_id.is_some_and(|named| named != id) {
        return Err(request("client_id is not the authenticated client"));
    }
    Ok(Credentials {
        client_id: id,
        secret: Some(secret),
    })
}

/// `Basic base64(form-encoded id ":" form-encoded secret)`.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let text = std::str::from_utf8(&decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(text: &str) -> Option<String> {
    // The text is one value: what would end it in a form must not end it here.
    if text.contains(['&', '=']) {
        return Some(text.to_owned());
    }
    let line = format!("v={text}");
    let mut pairs = form_urlencoded::parse(line.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned())
}

fn is_secret(expected: Digest, secret: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(
        expected.as_bytes(),
        Digest::of(secret.as_bytes()).as_bytes(),
    )
    .is_ok()
}
