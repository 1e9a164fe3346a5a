//! What makes a domain controller's TLS certificate good: uploaded authorities, or pinned keys.
//!
//! **Invariant:** the operating system's store is never looked at, and no connection is resumed: each one proves its key.

use std::sync::Arc;

use domain::connection::DirectoryTrust;
use domain::digest::Digest;
use domain::public_key;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::verify_tls13_signature_with_raw_key;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

#[cfg(test)]
mod tests;

/// A trust that nothing could be accepted by.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTrust {
    /// The PEM cannot be read.
    #[error("the authorities of the domain controllers are not usable PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// A certificate that cannot be an authority.
    #[error("an authority of the domain controllers cannot be used")]
    Authority(#[source] rustls::Error),
    /// No authority, or no key.
    #[error("nothing is given that a domain controller could be trusted by")]
    Nothing,
    /// TLS cannot be set up.
    #[error("TLS to domain controllers cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// The TLS configuration for domain controllers trusted so.
///
/// # Errors
/// When the trust is unusable.
pub fn client_config(trust: &DirectoryTrust) -> Result<Arc<ClientConfig>, InvalidTrust> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(InvalidTrust::Tls)?;
    let mut config = match trust {
        DirectoryTrust::Authorities { pem } => builder
            .with_root_certificates(authorities(pem)?)
            .with_no_client_auth(),
        DirectoryTrust::PinnedKeys { keys } if keys.is_empty() => {
            return Err(InvalidTrust::Nothing);
        }
        DirectoryTrust::PinnedKeys { keys } => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(PinnedKeys {
                keys: keys.clone(),
                provider,
            }))
            .with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn authorities(pem: &str) -> Result<RootCertStore, InvalidTrust> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        store
            .add(certificate.map_err(InvalidTrust::Pem)?)
            .map_err(InvalidTrust::Authority)?;
    }
    if store.is_empty() {
        return Err(InvalidTrust::Nothing);
    }
    Ok(store)
}

/// Accepts exactly these keys. Names, dates and signatures inside the certificate are not looked at; that the server has
/// the private key is.
#[derive(Debug)]
struct PinnedKeys {
    keys: Vec<Digest>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedKeys {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let key = Digest::of(key_of(certificate)?);
        if self.keys.contains(&key) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // With the very key that was compared; domain controllers' own certificates are not always ones that a strict
        // parser reads.
        verify_tls13_signature_with_raw_key(
            message,
            &SubjectPublicKeyInfoDer::from(key_of(certificate)?),
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn key_of<'a>(certificate: &'a CertificateDer<'_>) -> Result<&'a [u8], rustls::Error> {
    public_key::of_certificate(certificate).map_err(|_| CertificateError::BadEncoding.into())
}
