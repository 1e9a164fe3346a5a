//! The address of a domain controller.
//!
//! **Invariant:** there is no address without TLS: `ldaps://` begins with it, `ldap://` always starts it.

use std::fmt;
use std::str::FromStr;

use rustls_pki_types::ServerName;

#[cfg(test)]
mod tests;

/// One domain controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Whether the connection begins in the clear and TLS is started with the first operation (RFC 4511 section 4.14).
    pub starts_tls: bool,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The name its certificate must have.
    pub name: ServerName<'static>,
}

/// Text that is no address of a domain controller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a domain controller: expected ldaps://HOST[:PORT] or ldap://HOST[:PORT], which starts TLS"
)]
pub struct InvalidServer(pub String);

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        parse(text).ok_or_else(|| InvalidServer(text.to_owned()))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.starts_tls { "ldap" } else { "ldaps" };
        let Self { host, port, .. } = self;
        if host.contains(':') {
            write!(formatter, "{scheme}://[{host}]:{port}")
        } else {
            write!(formatter, "{scheme}://{host}:{port}")
        }
    }
}

fn parse(text: &str) -> Option<Server> {
    let (scheme, rest) = text.split_once("://")?;
    let (starts_tls, usual) = match scheme.to_ascii_lowercase().as_str() {
        "ldaps" => (false, 636),
        "ldap" => (true, 389),
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, port) = bracketed.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        let port = if port.is_empty() {
            None
        } else {
            Some(port.strip_prefix(':')?)
        };
        (host, port)
    } else {
        match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        }
    };
    let port = match port {
        None => usual,
        // `parse` alone would read `+636`, too.
        Some(port) if port.bytes().all(|digit| digit.is_ascii_digit()) => port.parse().ok()?,
        Some(_) => return None,
    };
    Some(Server {
        starts_tls,
        host: host.to_owned(),
        port: if port == 0 { return None } else { port },
        name: ServerName::try_from(host.to_owned()).ok()?,
    })
}
