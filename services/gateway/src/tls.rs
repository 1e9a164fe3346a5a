//! The TLS configurations of one revision: which server certificate, which protocol, and whether a certificate is asked for.
//!
//! **Invariant:** only the certificate host ever asks, only admitted addresses, and it neither resumes a session nor gives
//! out tickets, because a resumed session carries an old certificate past every check. No session outlives its revision
//! or leaves its host.

mod build;
mod possession;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::address::ClientAddress;
use domain::configuration::{Configuration, GatewaySecrets, ServerCertificate};
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use domain::validity;
use rustls::ServerConfig;
use rustls::sign::CertifiedKey;

use crate::arrival::Site;
use crate::edge::names::{Names, covers};
use crate::gate::{Admitted, Gate};

pub(crate) use possession::{over_limit, presented};

/// Sets of admitting connections whose configurations are kept. An address beyond them costs a building of its own.
const KEPT: usize = 1024;

/// Everything TLS of one revision, prepared.
#[derive(Debug)]
pub struct TlsConfigurations {
    gate: Gate,
    certificates: Vec<Certificate>,
    /// Of the hosts that never ask, by name.
    ordinary: BTreeMap<String, Arc<ServerConfig>>,
    /// Of the certificate host, for addresses that are not asked; by the certificate's place.
    unasked: BTreeMap<usize, Arc<ServerConfig>>,
    /// Of the certificate host, for addresses that are; by the certificate's place and who admits. Filled as they come.
    asked: Mutex<HashMap<(usize, Admitted), Arc<ServerConfig>>>,
}

/// What a connection's handshake is made with.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The configuration.
    pub config: Arc<ServerConfig>,
    /// Whether it sends a CertificateRequest.
    pub asks: bool,
}

/// Server certificates that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTls {
    /// There is no private key for a certificate.
    #[error("server certificate {0} has no private key")]
    NoKey(Digest),
    /// A private key cannot be used.
    #[error("the private key of server certificate {fingerprint} cannot be used")]
    Key {
        /// The certificate.
        fingerprint: Digest,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// A certificate's key is not the one it came with.
    #[error("server certificate {fingerprint} and its private key do not belong together")]
    Mismatch {
        /// The certificate.
        fingerprint: Digest,
        /// What rustls says.
        #[source]
        source: rustls::Error,
    },
    /// A configuration could not be made.
    #[error("failed to prepare TLS")]
    Build(#[source] rustls::Error),
}

/// There is no server certificate for a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no server certificate is for this host")]
pub struct Unserved;

#[derive(Debug)]
struct Certificate {
    hosts: Vec<String>,
    key: Arc<CertifiedKey>,
    /// When it ends, where that could be read.
    not_after: Option<Timestamp>,
}

impl TlsConfigurations {
    /// Prepares the TLS of a revision.
    ///
    /// # Errors
    /// [`InvalidTls`] when a server certificate cannot be used. A host without any is no error: it is logged, and connections
    /// to it are refused.
    pub fn new(
        configuration: &Configuration,
        secrets: &GatewaySecrets,
        names: &Names,
    ) -> Result<Self, InvalidTls> {
        let certificates = configuration
            .server_certificates
            .iter()
            .map(|certificate| Certificate::new(certificate, secrets))
            .collect::<Result<Vec<_>, _>>()?;
        let mut ordinary = BTreeMap::new();
        for name in names.without_certificates() {
            if let Some((_, certificate)) = find(&certificates, name) {
                // Browsers send requests for any host of a certificate over an open HTTP/2 connection. On one that also
                // covers the certificate host they would arrive there without having been asked.
                let coalesces = certificate.is_for(names.certificate());
                let config =
                    build::ordinary(&certificate.key, !coalesces).map_err(InvalidTls::Build)?;
                ordinary.insert(name.to_owned(), config);
            }
        }
        let mut unasked = BTreeMap::new();
        for (place, certificate) in certificates.iter().enumerate() {
            let config =
                build::certificate_host(&certificate.key, None).map_err(InvalidTls::Build)?;
            unasked.insert(place, config);
        }
        for host in unserved(names, &certificates) {
            tracing::warn!(
                host,
                "there is no server certificate for this host: connections to it are refused"
            );
        }
        Ok(Self {
            gate: Gate::of(configuration),
            certificates,
            ordinary,
            unasked,
            asked: Mutex::default(),
        })
    }

    /// What the handshake with `address` at `server_name` (lower case) is made with.
    ///
    /// # Errors
    /// [`Unserved`] when there is no certificate for the name.
    pub fn choose(
        &self,
        site: &Site,
        server_name: &str,
        address: ClientAddress,
    ) -> Result<Choice, Unserved> {
        let Site::Certificate { .. } = site else {
            let config = self.ordinary.get(server_name).ok_or(Unserved)?;
            return Ok(Choice {
                config: config.clone(),
                asks: false,
            });
        };
        let (place, certificate) = find(&self.certificates, server_name).ok_or(Unserved)?;
        let (config, asks) = match self.gate.admitted(address) {
            Some(admitted) => (self.asking(place, certificate, admitted)?, true),
            None => (self.unasked.get(&place).cloned().ok_or(Unserved)?, false),
        };
        Ok(Choice { config, asks })
    }

    /// When the server certificate of each host name ends, where that could be read.
    pub(crate) fn ends(&self) -> BTreeMap<&str, Timestamp> {
        let hosts = self
            .certificates
            .iter()
            .flat_map(|certificate| &certificate.hosts);
        hosts
            .filter_map(|host| {
                let (_, served) = find(&self.certificates, host)?;
                Some((host.as_str(), served.not_after?))
            })
            .collect()
    }

    /// The configuration that asks on behalf of these connections, built at the first need.
    fn asking(
        &self,
        place: usize,
        certificate: &Certificate,
        admitted: Admitted,
    ) -> Result<Arc<ServerConfig>, Unserved> {
        let key = (place, admitted);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = asked.get(&key) {
            return Ok(config.clone());
        }
        let names = self.gate.authority_names(&key.1);
        // It cannot fail where the same certificate's other configuration could be built; if it does, nobody is let in.
        let config =
            build::certificate_host(&certificate.key, Some(names)).map_err(|_| Unserved)?;
        if asked.len() < KEPT {
            asked.insert(key, config.clone());
        }
        Ok(config)
    }
}

impl Certificate {
    fn new(certificate: &ServerCertificate, secrets: &GatewaySecrets) -> Result<Self, InvalidTls> {
        let fingerprint = certificate.fingerprint;
        let secret = secrets
            .server_keys
            .get(&fingerprint)
            .ok_or(InvalidTls::NoKey(fingerprint))?;
        let key = build::certified_key(certificate, secret).map_err(|source| InvalidTls::Key {
            fingerprint,
            source,
        })?;
        key.keys_match().map_err(|source| InvalidTls::Mismatch {
            fingerprint,
            source,
        })?;
        Ok(Self {
            hosts: certificate.hosts.clone(),
            key: Arc::new(key),
            not_after: certificate
                .chain
                .first()
                .and_then(|leaf| validity::not_after(&leaf.0).ok()),
        })
    }

    fn is_for(&self, name: &str) -> bool {
        self.hosts.iter().any(|pattern| covers(pattern, name))
    }
}

/// The hosts that no server certificate is for.
fn unserved<'a>(names: &'a Names, certificates: &[Certificate]) -> Vec<&'a str> {
    names
        .without_certificates()
        .chain(std::iter::once(names.certificate()))
        .filter(|name| find(certificates, name).is_none())
        .collect()
}

/// The certificate for a name: one that has the name itself before one that has it by a wildcard.
fn find<'a>(certificates: &'a [Certificate], name: &str) -> Option<(usize, &'a Certificate)> {
    let exact = |certificate: &Certificate| certificate.hosts.iter().any(|host| host == name);
    let numbered = || certificates.iter().enumerate();
    numbered()
        .find(|(_, certificate)| exact(certificate))
        .or_else(|| numbered().find(|(_, certificate)| certificate.is_for(name)))
}
