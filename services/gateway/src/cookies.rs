//! The cookies of the login host.
//!
//! All carry the `__Host-` prefix (RFC 6265bis section 4.1.3.2), so no sibling host and no http page can set them.
//!
//! **Invariant:** a cookie that comes twice counts as absent, for one of the two is somebody else's.

use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

#[cfg(test)]
mod tests;

/// The browser binding.
pub(crate) const BROWSER: &str = "__Host-browser";
/// The session.
pub(crate) const SESSION: &str = "__Host-session";
/// Present after a sign-out until the next sign-in: certificates then wait for a click. It outlives the browser, for one
/// that chooses certificates by itself would else sign people in again as soon as it is restarted.
pub(crate) const SIGNED_OUT: &str = "__Host-signed-out";
/// Present where people asked to go straight to the password.
pub(crate) const PREFER_PASSWORD: &str = "__Host-prefer-password";

/// How long a cookie lives that outlives the browser.
pub(crate) const LASTING: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The value of the cookie `name`, if it came exactly once.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = named(headers, name);
    match (found.next(), found.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

fn named<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Whether there is a cookie `name` at all, however often it came.
pub(crate) fn is_there(headers: &HeaderMap, name: &str) -> bool {
    named(headers, name).next().is_some()
}

/// A `Set-Cookie` value that ends with the browser. `None` when `value` has characters that no cookie has.
pub(crate) fn set(name: &str, value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"
    ))
    .ok()
}

/// A `Set-Cookie` value that says yes to `name` for [`LASTING`], whether the browser ends or not.
pub(crate) fn lasting(name: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!(
        "{name}=1; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}",
        LASTING.as_secs()
    ))
    .ok()
}

/// A `Set-Cookie` value that removes the cookie.
pub(crate) fn removed(name: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!(
        "{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    ))
    .ok()
}
