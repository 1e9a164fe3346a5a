//! How a server configuration is made.
//!
//! **Invariant:** TLS 1.2 and 1.3 with aws-lc-rs, never early data; the certificate host speaks HTTP/1.1 only, stores no
//! session and gives out no ticket.

use std::sync::Arc;

use domain::configuration::{SecretBytes, ServerCertificate};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, DistinguishedName, Error, ServerConfig, WantsVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::possession::PossessionOnly;

/// Sessions kept for resumption per host.
const SESSIONS: usize = 1024;

/// A server certificate with its private key.
pub(super) fn certified_key(
    certificate: &ServerCertificate,
    secret: &SecretBytes,
) -> Result<CertifiedKey, Error> {
    let chain = certificate
        .chain
        .iter()
        .map(|each| CertificateDer::from(each.0.to_vec()))
        .collect();
    // Borrowed: no further copy of the secret is made on the way into aws-lc.
    let pkcs8 = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(secret.expose()));
    let key = aws_lc_rs::sign::any_supported_type(&pkcs8)?;
    Ok(CertifiedKey::new(chain, key))
}

/// For a host that never asks for a certificate. Sessions resume on this host and within this revision only.
pub(super) fn ordinary(key: &Arc<CertifiedKey>, http2: bool) -> Result<Arc<ServerConfig>, Error> {
    let resolver = Arc::new(SingleCertAndKey::from(key.clone()));
    let mut config = begin()?.with_no_client_auth().with_cert_resolver(resolver);
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    config.max_early_data_size = 0;
    config.alpn_protocols = match http2 {
        true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        false => vec![b"http/1.1".to_vec()],
    };
    Ok(Arc::new(config))
}

/// For the certificate host: asks for a certificate of `names` (empty: of anybody), or with `None` does not ask.
pub(super) fn certificate_host(
    key: &Arc<CertifiedKey>,
    names: Option<Vec<DistinguishedName>>,
) -> Result<Arc<ServerConfig>, Error> {
    let resolver = Arc::new(SingleCertAndKey::from(key.clone()));
    let builder = begin()?;
    let builder = match names {
        Some(names) => {
            let algorithms = builder.crypto_provider().signature_verification_algorithms;
            builder.with_client_cert_verifier(Arc::new(PossessionOnly::new(names, algorithms)))
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(resolver);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn begin() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, Error> {
    ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13, &TLS12])
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
