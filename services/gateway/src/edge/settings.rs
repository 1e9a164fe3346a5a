//! What an operator sets for the front door before it starts: where it listens, whose PROXY headers it believes, and how
//! much it takes from strangers.
//!
//! **Invariant:** every field stands in [`Settings::SECTION`] with its default; everything that a stranger can hold open,
//! send or wait for has its bound here.

use std::net::SocketAddr;
use std::time::Duration;

use domain::ranges::Ranges;
use runtime::settings::{Key, Section};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The boot settings of the front door.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Addresses to accept browsers on. Port 0 lets the system choose one port for all of them.
    pub listen: Vec<SocketAddr>,
    /// Load balancers, by address range: they must send a PROXY header (v1 or v2), all others must not.
    pub proxy_peers: Ranges,
    /// Seconds a listed peer has for its PROXY header.
    pub proxy_header_s: u64,
    /// Open connections in total; one more is closed at once.
    pub connections: usize,
    /// Open connections of one client address (IPv6: one /64).
    pub connections_per_address: usize,
    /// Handshakes that wait for their user to choose a certificate, in total.
    pub waiting: usize,
    /// The same for one client address (IPv6: one /64).
    pub waiting_per_address: usize,
    /// Seconds for the whole ClientHello.
    pub client_hello_s: u64,
    /// Seconds for the rest of a handshake without a CertificateRequest.
    pub handshake_s: u64,
    /// Seconds for the rest of a handshake once the CertificateRequest is out: people choose meanwhile.
    pub certificate_choice_s: u64,
    /// Seconds for a request's head, from its first byte; the first request's, from the end of the handshake.
    pub head_s: u64,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Header fields of one request.
    pub head_fields: usize,
    /// Seconds for a request's body.
    pub body_s: u64,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Seconds until a request must have been answered.
    pub request_s: u64,
    /// Seconds a client has to take an answer.
    pub answer_s: u64,
    /// Seconds a connection stays open without a request.
    pub idle_s: u64,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: u32,
    /// Whether browsers are told to insist on https.
    pub strict_transport_security: StrictTransport,
}

/// When `Strict-Transport-Security` (RFC 6797) is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StrictTransport {
    /// On every host except `localhost` and names under it: browsers apply it to all ports of a name, and other programs
    /// use those.
    Auto,
    /// On every host.
    Always,
    /// On none.
    Never,
}

impl StrictTransport {
    /// Whether answers of `host` carry the header.
    #[must_use]
    pub fn applies_to(self, host: &str) -> bool {
        match self {
            Self::Auto => host != "localhost" && !host.ends_with(".localhost"),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

impl Settings {
    /// The table of keys.
    pub const SECTION: Section = Section {
        name: "edge",
        doc: "The front door: where browsers arrive, whose PROXY header is believed, and the bounds for strangers.",
        keys: const {
            &[
                key(
                    "listen",
                    r#"["127.0.0.1:8443", "[::1]:8443"]"#,
                    "Addresses to accept browsers on. Port 0 lets the system choose one port for all of them.",
                ),
                key(
                    "proxy_peers",
                    "[]",
                    "Address ranges of load balancers: they must send a PROXY header (v1 or v2), all others must not.",
                ),
                key(
                    "proxy_header_s",
                    "3",
                    "Seconds a listed peer has for its PROXY header.",
                ),
                key(
                    "connections",
                    "10000",
                    "Open connections in total; one more is closed at once.",
                ),
                key(
                    "connections_per_address",
                    "1000",
                    "Open connections of one client address (IPv6: one /64).",
                ),
                key(
                    "waiting",
                    "4096",
                    "Handshakes that wait for their user to choose a certificate, in total.",
                ),
                key(
                    "waiting_per_address",
                    "256",
                    "Handshakes that wait for their user to choose a certificate, of one client address (IPv6: one /64).",
                ),
                key("client_hello_s", "10", "Seconds for the whole ClientHello."),
                key(
                    "handshake_s",
                    "10",
                    "Seconds for the rest of a handshake without a CertificateRequest.",
                ),
                key(
                    "certificate_choice_s",
                    "120",
                    "Seconds for the rest of a handshake once the CertificateRequest is out. Firefox keeps it open while its user chooses.",
                ),
                key(
                    "head_s",
                    "10",
                    "Seconds for a request's head, from its first byte; the first request's, from the end of the handshake.",
                ),
                key(
                    "head_bytes",
                    "32768",
                    "Bytes of a request's head. At least 8192.",
                ),
                key("head_fields", "64", "Header fields of one request."),
                key("body_s", "10", "Seconds for a request's body."),
                key("body_bytes", "65536", "Bytes of a request's body."),
                key(
                    "request_s",
                    "30",
                    "Seconds until a request must have been answered.",
                ),
                key("answer_s", "30", "Seconds a client has to take an answer."),
                key(
                    "idle_s",
                    "60",
                    "Seconds a connection stays open without a request.",
                ),
                key(
                    "streams",
                    "64",
                    "Requests at a time on one HTTP/2 connection.",
                ),
                key(
                    "strict_transport_security",
                    r#""auto""#,
                    "Strict-Transport-Security: auto (not on localhost), always or never.",
                ),
            ]
        },
    };
}

/// A setting in whole seconds as a duration; a year at most, so that a moment and a few of them can be added up.
pub(crate) fn seconds(setting: u64) -> Duration {
    const YEAR: u64 = 365 * 24 * 60 * 60;
    Duration::from_secs(setting.min(YEAR))
}

const fn key(path: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        path,
        default,
        doc,
        secret: false,
    }
}
