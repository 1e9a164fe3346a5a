//! Our own certificate and key on the mesh, and the authority that made them.
//!
//! **Invariant:** the mesh authority is the only one believed, on both sides;
//! nothing of the system's store is.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::MeshError;
use crate::private_files;

/// The most that is read of each file, in bytes.
const LARGEST_FILE: usize = 64 << 10;

/// What one participant joins the mesh with.
#[derive(Clone)]
pub struct MeshIdentity {
    authority: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl fmt::Debug for MeshIdentity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("MeshIdentity")
            .field("certificates", &self.chain.len())
            .field("key", &"[redacted]")
            .finish()
    }
}

impl MeshIdentity {
    /// Reads `mesh-ca.pem`, `NAME.pem` and `NAME.key` from a folder, as
    /// `postern pki mesh` lays them down. The folder is 0700, the key 0600.
    ///
    /// # Errors
    /// When a file is missing, too open, or holds something else.
    pub fn load(folder: &Path, name: &str) -> Result<Self, MeshError> {
        let public = |file: &str| private_files::read_public(&folder.join(file), LARGEST_FILE);
        let authority = public("mesh-ca.pem")?;
        let chain = public(&format!("{name}.pem"))?;
        let key = private_files::read(&folder.join(format!("{name}.key")), LARGEST_FILE)?;
        Self::from_pem(&authority, &chain, &key)
    }

    /// The same from PEM in memory: the authorities (several while one
    /// replaces another), the chain with the own certificate first, the key.
    ///
    /// # Errors
    /// When one of them holds something else, or the authority is no
    /// certificate that can be one.
    pub fn from_pem(authority: &[u8], chain: &[u8], key: &[u8]) -> Result<Self, MeshError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authority, "the authority")? {
            roots.add(certificate)?;
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|source| MeshError::Pem {
            what: "the key",
            source,
        })?;
        Ok(Self {
            authority: Arc::new(roots),
            chain: certificates(chain, "the certificate")?,
            key: Arc::new(key),
        })
    }

    /// The own certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        self.chain.first().map_or(&[], |own| own.as_ref())
    }

    /// TLS for the side that is called: a client certificate is demanded, and
    /// no session is ever resumed past that demand.
    pub(super) fn server_config(&self) -> Result<ServerConfig, MeshError> {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(self.authority.clone(), provider())
                .build()?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// TLS for the side that calls.
    pub(super) fn client_config(&self) -> Result<ClientConfig, MeshError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(self.authority.clone())
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, MeshError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| MeshError::Pem { what, source })?;
    match certificates.is_empty() {
        true => Err(MeshError::Empty(what)),
        false => Ok(certificates),
    }
}
