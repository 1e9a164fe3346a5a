//! How the server is reached, and whom it must prove to be.
//!
//! **Invariant:** the only trusted authorities are those of the settings; the
//! system's are never asked.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::SecretString;

/// Everything a connection needs.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// The server, as `tls://host:port`; several of a cluster, separated by
    /// commas. The host must be a name of the server's certificate.
    pub url: String,
    /// The authorities that may have signed the server's certificate, as PEM.
    pub ca_pem: Vec<u8>,
    /// The user: one for each role, with that role's permissions. It also
    /// names the inbox (`_INBOX_<user>`) and the subject of this user's
    /// records in the log, so it consists of letters, digits, `-` and `_`.
    pub user: String,
    /// The user's password, from a private file.
    pub password: SecretString,
    /// What the server calls this connection in its own reports, such as the
    /// instance's id.
    pub name: String,
    /// Whether this connection creates the streams and keeps their
    /// configuration. Control's does; the others wait until they are there.
    pub create_buckets: bool,
    /// How many servers of a cluster keep each stream (1, 3 or 5). Only read
    /// where `create_buckets` is set. A single server: 1.
    pub replicas: usize,
    /// Whether a server older than [`OLDEST_SERVER`](super::OLDEST_SERVER) is
    /// spoken to all the same. Default: no.
    pub allow_old_server: bool,
    /// Whether TLS begins before the server has said anything
    /// (`handshake_first` in the server's configuration). Default: yes.
    /// Without it the server's first message can be forged by the network.
    pub handshake_first: bool,
}

impl NatsSettings {
    /// Settings with every default: one server, TLS first, no creation of
    /// buckets, no old server.
    pub fn new(
        url: impl Into<String>,
        ca_pem: Vec<u8>,
        user: impl Into<String>,
        password: SecretString,
        name: impl Into<String>,
    ) -> Self {
        Self {
            url: url.into(),
            ca_pem,
            user: user.into(),
            password,
            name: name.into(),
            create_buckets: false,
            replicas: 1,
            allow_old_server: false,
            handshake_first: true,
        }
    }

    /// The servers' addresses.
    pub(super) fn servers(&self) -> Result<Vec<async_nats::ServerAddr>, InvalidNatsSettings> {
        let parsed: Result<Vec<_>, _> = self
            .url
            .split(',')
            .map(|url| url.trim().parse::<async_nats::ServerAddr>())
            .collect();
        parsed.map_err(|source| InvalidNatsSettings::Url {
            url: self.url.clone(),
            source,
        })
    }

    /// The TLS side of the connection.
    pub(super) fn tls(&self) -> Result<rustls::ClientConfig, InvalidNatsSettings> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&self.ca_pem) {
            let certificate = certificate.map_err(InvalidNatsSettings::Pem)?;
            roots.add(certificate).map_err(InvalidNatsSettings::Tls)?;
        }
        if roots.is_empty() {
            return Err(InvalidNatsSettings::NoAuthority);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(InvalidNatsSettings::Tls)?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }

    /// The user, if it can stand in a subject.
    pub(super) fn checked_user(&self) -> Result<&str, InvalidNatsSettings> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if self.user.is_empty() || self.user.len() > 64 || !self.user.bytes().all(allowed) {
            return Err(InvalidNatsSettings::User {
                user: self.user.clone(),
            });
        }
        Ok(&self.user)
    }
}

/// Settings no server could make right.
#[derive(Debug, thiserror::Error)]
pub enum InvalidNatsSettings {
    /// Not an address.
    #[error("\"{url}\" is not the address of a NATS server")]
    Url {
        /// As it was given.
        url: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The authorities are not PEM.
    #[error("the authorities of the NATS server are not readable PEM")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// The authorities' file holds no certificate.
    #[error("there is no certificate among the authorities of the NATS server")]
    NoAuthority,
    /// TLS does not take them.
    #[error("the TLS settings for the NATS server do not hold")]
    Tls(#[source] rustls::Error),
    /// A user that cannot stand in a subject.
    #[error("the NATS user \"{user}\" may hold letters, digits, - and _ only")]
    User {
        /// As it was given.
        user: String,
    },
    /// The client did not take the settings.
    #[error("the NATS client did not take the settings")]
    Client(#[source] async_nats::ConnectError),
}
