//! Headers that claim an address, a host or an identity: taken off every request.
//!
//! Postern takes the address from the socket or a listed peer's PROXY header, its own names from its settings, and who
//! somebody is from the handshake and the sign-in. A header of this family can only be a mistake or a lie, and the surest
//! way never to believe one is not to see it.
//!
//! **Invariant:** whatever spelling, case or number of such a header a client sends, no site sees it.

use http::{HeaderMap, HeaderName};

#[cfg(test)]
mod tests;

/// Names with any of these beginnings, `_` read as `-`.
const BEGINNINGS: &[&str] = &[
    "x-forwarded",
    "x-original-",
    "x-rewrite-",
    "x-real-",
    "x-client-",
    "x-ssl-",
    "ssl-",
    "client-cert",
    "x-arr-clientcert",
    "x-tls-",
    "x-remote-",
    "remote-",
    "x-auth-request-",
    "x-authenticated-",
    "x-envoy-",
    "x-goog-authenticated-user",
    "x-ms-client-principal",
    "cf-",
];

/// Names as a whole, `_` read as `-`.
const NAMES: &[&str] = &[
    "forwarded",
    "forwarded-for",
    "x-forward-for",
    "x-cluster-client-ip",
    "true-client-ip",
    "fastly-client-ip",
    "client-ip",
    "x-proxyuser-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method-override",
    "x-method-override",
    "x-user",
    "x-username",
    "proxy-connection",
];

/// Takes them off.
pub(super) fn take_off(headers: &mut HeaderMap) {
    let untrusted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_untrusted(name.as_str()))
        .cloned()
        .collect();
    for name in untrusted {
        headers.remove(name);
    }
}

/// Whether a header (lower case) is of the family. Names with `_` all are: no browser or client library sends one, and what
/// stands behind a gateway may read `_` as `-`.
fn is_untrusted(name: &str) -> bool {
    name.contains('_')
        || NAMES.contains(&name)
        || BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
}
