//! A certificate with its private key and the intermediates to send along.
//!
//! **Invariant:** the key belongs to the certificate, also after the certificate was garbled.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a client or server presents: leaf, intermediates, private key.
#[derive(Debug)]
pub struct Identity {
    /// The leaf.
    pub certificate: CertificateDer<'static>,
    /// What is sent after the leaf, in order, without the root.
    pub intermediates: Vec<CertificateDer<'static>>,
    /// The leaf's private key (PKCS #8).
    pub key: PrivatePkcs8KeyDer<'static>,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            certificate: self.certificate.clone(),
            intermediates: self.intermediates.clone(),
            key: self.key.clone_key(),
        }
    }
}

impl Identity {
    /// Leaf and intermediates in the order in which TLS sends them.
    #[must_use]
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        let mut chain = vec![self.certificate.clone()];
        chain.extend(self.intermediates.iter().cloned());
        chain
    }

    /// The private key as rustls takes it.
    #[must_use]
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }

    /// Leaf and intermediates as PEM, one after the other.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.chain()
            .iter()
            .map(|der| certificate_pem(der))
            .collect()
    }

    /// The private key as PEM (PKCS #8).
    #[must_use]
    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.key.secret_pkcs8_der())
    }

    /// Writes `NAME.pem` (leaf and intermediates) and `NAME.key` (0600) into `folder`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_to(&self, folder: &Path, name: &str) -> anyhow::Result<()> {
        let certificate = folder.join(format!("{name}.pem"));
        fs::write(&certificate, self.chain_pem())
            .with_context(|| format!("failed to write {}", certificate.display()))?;
        write_secret(
            &folder.join(format!("{name}.key")),
            self.key_pem().as_bytes(),
        )
    }

    /// The same identity whose leaf is no certificate any more: the public key can still be found by
    /// walking the DER, so a handshake succeeds, but what follows the key is not what X.509 demands.
    #[must_use]
    pub fn with_garbled_leaf(&self, public_key_info: &[u8]) -> Self {
        let mut der = self.certificate.to_vec();
        let after_key = der
            .windows(public_key_info.len().max(1))
            .position(|window| window == public_key_info)
            .map(|start| start + public_key_info.len());
        // The extensions' tag [3] becomes an OCTET STRING: all lengths still fit.
        if let Some(tag) = after_key.and_then(|at| der.get_mut(at)) {
            *tag = 0x04;
        }
        Self {
            certificate: der.into(),
            ..self.clone()
        }
    }

    /// The same identity that sends, behind its good leaf, bytes that are no certificate.
    #[must_use]
    pub fn with_garbage_behind(&self) -> Self {
        let mut garbled = self.clone();
        let mut junk = self.certificate.to_vec();
        junk.truncate(junk.len() / 2);
        garbled.intermediates.push(junk.into());
        garbled
    }

    /// The same identity with other certificates sent behind the leaf.
    #[must_use]
    pub fn with_intermediates(&self, intermediates: Vec<CertificateDer<'static>>) -> Self {
        Self {
            intermediates,
            ..self.clone()
        }
    }
}

/// One certificate as PEM.
#[must_use]
pub fn certificate_pem(der: &[u8]) -> String {
    pem("CERTIFICATE", der)
}

/// Writes a file that only its owner may read.
///
/// # Errors
/// If the file cannot be written.
pub fn write_secret(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?
            .write_all(content)
    };
    write().with_context(|| format!("failed to write {}", path.display()))
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
