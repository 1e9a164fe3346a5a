//! What is known about a connection before any HTTP on it is believed.
//!
//! The edge makes one [`Arrival`] per connection and puts it into every request's extensions as `Arc<Arrival>`.
//!
//! **Invariant:** nothing here comes from an HTTP header; the address is the socket's, or the PROXY header's of a listed
//! peer.

use domain::address::ClientAddress;
use domain::certificate::PresentedChain;
use domain::timestamp::Timestamp;

/// One connection as it arrived: from where, at which of our hosts, with which certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Where the client is.
    pub address: ClientAddress,
    /// Which of our sites it came to, by the server name of its ClientHello.
    pub host: Site,
    /// That server name, lower case: one of ours. `Host` and `:authority` were compared with it.
    pub server_name: String,
    /// Whether a CertificateRequest was sent in this handshake.
    pub asked: bool,
    /// The certificates that were sent, with possession of the leaf's key proved in this very handshake; `None` when none
    /// were sent. A chain over the size limits has ended the handshake.
    pub chain: Option<PresentedChain>,
    /// When the handshake was finished.
    pub handshake_at: Timestamp,
    /// The revision of the configuration the handshake was made by.
    pub revision: u64,
}

/// One of the sites behind the front door, chosen by the server name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Site {
    /// Where sign-ins begin and end; never asks for a certificate.
    Login,
    /// Where certificates are asked for, and nothing else happens.
    Certificate {
        /// The label before the certificate host's name: "another certificate" makes browsers ask again. `None` on the
        /// certificate host itself.
        attempt: Option<String>,
    },
    /// Any other host served here, by its full name.
    Other(String),
}

impl Site {
    /// Which kind of site this is, as spans, numbers and events call it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Certificate { .. } => "certificate",
            Self::Other(_) => "other",
        }
    }
}
