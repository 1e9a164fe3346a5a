//! Where to sign in, and as whom: what `rig.json` and `demo.json` say of a running system.
//!
//! **Invariant:** it knows only what an application, a browser and an operator know.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use url::Url;

/// A running system, as scripts see it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Place {
    pub(crate) authorize_url: String,
    pub(crate) token_url: String,
    pub(crate) code_verifier: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    /// The demonstration has always the same.
    certificate_host: Option<String>,
    user_cert: PathBuf,
    user_key: PathBuf,
    server_root: PathBuf,
    pid: u32,
    /// Of each role, where roles have processes of their own.
    #[serde(default)]
    pids: BTreeMap<String, Vec<u32>>,
}

impl Place {
    /// Where browsers connect to.
    ///
    /// # Errors
    /// When the authorize request has no port.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        let port = Url::parse(&self.authorize_url)?
            .port_or_known_default()
            .context("no port")?;
        Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
    }

    /// The host that asks for certificates.
    pub(crate) fn certificate_host(&self) -> &str {
        self.certificate_host.as_deref().unwrap_or("cert.localhost")
    }

    /// The certificates of those who vouch for the servers.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn server_roots(&self) -> Result<Vec<CertificateDer<'static>>> {
        certificates(&self.server_root)
    }

    /// What jon shows and what he proves it with.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn identity(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let key = PrivateKeyDer::from_pem_file(&self.user_key)
            .with_context(|| format!("failed to read {}", self.user_key.display()))?;
        Ok((certificates(&self.user_cert)?, key))
    }

    /// The first gateway's process.
    ///
    /// # Errors
    /// When gateways have none of their own.
    pub(crate) fn gateway(&self) -> Result<u32> {
        let gateways = self.pids.get("gateway");
        let first = gateways.and_then(|all| all.first());
        first.copied().context("no gateway")
    }

    /// The processes that serve, by name: one for each role, or the one that is all of them.
    pub(crate) fn processes(&self) -> BTreeMap<String, Vec<u32>> {
        match self.pids.is_empty() {
            true => BTreeMap::from([("all-in-one".to_owned(), vec![self.pid])]),
            false => self.pids.clone(),
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .with_context(|| format!("failed to read {}", file.display()))
}
