//! Whether a request is meant for the host its connection was opened to.
//!
//! The handshake chose whether a certificate was asked for by the server name, so a request for another name must not be
//! answered on this connection (RFC 9110 section 15.5.20). Browsers repeat it on a connection of its own.
//!
//! **Invariant:** every name the request gives (`:authority` or the target's authority, and each `Host`) is the server name,
//! or the request goes nowhere.

use http::header::HOST;
use http::uri::Authority;
use http::{Request, StatusCode};

#[cfg(test)]
mod tests;

/// Compares the names of a request with the server name (lower case). Ports are not looked at: what is before us may listen
/// on another one.
///
/// # Errors
/// 400 when the request names no host, several, or none that can be read (RFC 9112 section 3.2); 421 when it names another.
pub(super) fn check<B>(request: &Request<B>, server_name: &str) -> Result<(), StatusCode> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (host, another) = (hosts.next(), hosts.next());
    let host = match host.map(|value| Authority::try_from(value.as_bytes())) {
        Some(Ok(host)) => Some(host),
        Some(Err(_)) => return Err(StatusCode::BAD_REQUEST),
        None => None,
    };
    let target = request.uri().authority();
    if another.is_some() || (host.is_none() && target.is_none()) {
        return Err(StatusCode::BAD_REQUEST);
    }
    // An absolute target does not free HTTP/1.1 from `Host`.
    if host.is_none() && request.version() < http::Version::HTTP_2 {
        return Err(StatusCode::BAD_REQUEST);
    }
    for named in target.into_iter().chain(host.as_ref()) {
        if named.as_str().contains('@') {
            return Err(StatusCode::BAD_REQUEST);
        }
        if !named.host().eq_ignore_ascii_case(server_name) {
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
    }
    Ok(())
}
