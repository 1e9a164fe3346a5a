//! Who is at the other end of a mesh connection.
//!
//! **Invariant:** a [`Peer`] of a connection comes from a certificate that
//! was verified against the mesh authority, and from exactly one known name.

use std::fmt::{self, Display};
use std::net::SocketAddr;

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, ServerName};

use super::MeshError;

/// A participant of the mesh by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A role of Postern, by its one word: `gateway`.
    Role(String),
    /// A program from outside, by the name its certificate was made with.
    Client(String),
}

impl Peer {
    /// The role of this name.
    pub fn role(name: impl Into<String>) -> Self {
        Self::Role(name.into())
    }

    /// The outsider of this name.
    pub fn client(name: impl Into<String>) -> Self {
        Self::Client(name.into())
    }

    /// The one name its certificate bears: `<role>.mesh.internal` or
    /// `<name>.client.mesh.internal`.
    pub fn dns_name(&self) -> String {
        match self {
            Self::Role(name) => format!("{name}.mesh.internal"),
            Self::Client(name) => format!("{name}.client.mesh.internal"),
        }
    }

    /// Its name for TLS.
    ///
    /// # Errors
    /// When the name is not one DNS label.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, MeshError> {
        let (Self::Role(name) | Self::Client(name)) = self;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
            return Err(MeshError::Name(name.clone()));
        }
        ServerName::try_from(self.dns_name()).map_err(|_| MeshError::Name(name.clone()))
    }
}

impl Display for Peer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(name) => to.write_str(name),
            Self::Client(name) => write!(to, "client {name}"),
        }
    }
}

/// What the server knows of a connection that made its handshake. In the
/// extensions of every request.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Who it is; `None` for a certificate of the mesh whose name the server
    /// does not know.
    pub peer: Option<Peer>,
    /// Where it came from.
    pub address: SocketAddr,
}

/// Who makes this call. Always somebody inside a service behind a
/// [`MeshServer`](super::MeshServer).
pub fn peer_of<T>(request: &tonic::Request<T>) -> Option<&Peer> {
    request.extensions().get::<Arrival>()?.peer.as_ref()
}

/// The names a server looks for in a certificate.
#[derive(Debug)]
pub(super) struct KnownPeers(Vec<(Peer, ServerName<'static>)>);

impl KnownPeers {
    pub(super) fn new(peers: impl IntoIterator<Item = Peer>) -> Result<Self, MeshError> {
        let named = |peer: Peer| peer.server_name().map(|name| (peer, name));
        Ok(Self(
            peers.into_iter().map(named).collect::<Result<_, _>>()?,
        ))
    }

    /// Whose certificate this is. A certificate good for several known names
    /// is nobody's: no certificate of the mesh is made so.
    pub(super) fn identify(&self, leaf: &CertificateDer<'_>) -> Option<Peer> {
        let certificate = ParsedCertificate::try_from(leaf).ok()?;
        let mut named = self
            .0
            .iter()
            .filter(|(_, name)| verify_server_name(&certificate, name).is_ok());
        match (named.next(), named.next()) {
            (Some((peer, _)), None) => Some(peer.clone()),
            _ => None,
        }
    }
}
