//! The calling side of the mesh.
//!
//! **Invariant:** whoever is called must show the certificate of the role the
//! caller meant.

use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsConnector;

use super::address::Target;
use super::calls::Asked;
use super::{LARGEST_REQUEST, MeshChannel, MeshError, MeshIdentity, Peer};
use crate::metrics::Metrics;

/// The bounds of a caller.
#[derive(Debug, Clone)]
pub struct ConnectSettings {
    /// How long connecting may take: name, TCP and TLS. Default 1 s.
    pub connect: Duration,
    /// How long a call may take in all; a call's own shorter deadline
    /// (`tonic::Request::set_timeout`) holds too. Default 5 s.
    pub call: Duration,
    /// The most that a request's messages may weigh together, in bytes.
    /// Default [`LARGEST_REQUEST`].
    pub largest_request: usize,
    /// How often a connection is asked for a sign of life. Default 3 s;
    /// without one for as long again it is given up.
    pub keepalive: Duration,
}

impl Default for ConnectSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            call: Duration::from_secs(5),
            largest_request: LARGEST_REQUEST,
            keepalive: Duration::from_secs(3),
        }
    }
}

/// What channels are made with: our identity and the bounds.
#[derive(Clone)]
pub struct MeshClient {
    tls: TlsConnector,
    settings: ConnectSettings,
    asked: Option<Asked>,
}

impl std::fmt::Debug for MeshClient {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("MeshClient")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl MeshClient {
    /// A caller of this identity.
    ///
    /// # Errors
    /// When certificate and key do not fit together.
    pub fn new(identity: &MeshIdentity, settings: ConnectSettings) -> Result<Self, MeshError> {
        let tls = TlsConnector::from(Arc::new(identity.client_config()?));
        Ok(Self {
            tls,
            settings,
            asked: None,
        })
    }

    /// With its calls counted there.
    #[must_use]
    pub fn counted(mut self, metrics: &Metrics) -> Self {
        self.asked = Some(Asked::new(metrics));
        self
    }

    /// A channel to a role that lives at these addresses (`host:port` each).
    /// Nothing is connected before the first call; calls go round the
    /// addresses and around those that do not answer.
    ///
    /// # Errors
    /// When `role` cannot be a mesh name.
    pub fn channel<A: ToString>(
        &self,
        role: &str,
        addresses: &[A],
    ) -> Result<MeshChannel, MeshError> {
        let target = Target {
            tls: self.tls.clone(),
            name: Peer::role(role).server_name()?,
            settings: self.settings.clone(),
        };
        let addresses = addresses.iter().map(ToString::to_string);
        Ok(MeshChannel::new(
            role,
            target,
            addresses,
            self.asked.clone(),
        ))
    }

    /// A channel to the one instance of `role` at `address`: what only that
    /// instance can answer, such as the codes it issued.
    ///
    /// # Errors
    /// When `role` cannot be a mesh name.
    pub fn dial(&self, role: &str, address: &str) -> Result<MeshChannel, MeshError> {
        self.channel(role, &[address])
    }
}
