//! The front door's server certificates in an initial configuration.
//!
//! **Invariant:** a certificate is taken only with the key that rustls says is its own.

use std::collections::BTreeSet;

use domain::configuration::{CertificateBytes, Configuration, GatewaySecrets, ServerCertificate};
use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{InitialError, InitialServerCertificate, Work, keys};
use crate::inspector::InspectedCertificate;

impl Work<'_> {
    pub(super) async fn server_certificate(
        &mut self,
        at: &str,
        given: &InitialServerCertificate,
        configuration: &mut Configuration,
        secrets: &mut GatewaySecrets,
    ) -> Result<(), InitialError> {
        let key_at = format!("{at}.key_file");
        let key = self.secret(&key_at, &given.key_file).and_then(|text| {
            let key = PrivateKeyDer::from_pem_slice(&text).ok();
            if key.is_none() {
                self.mistake(
                    &key_at,
                    "it holds no private key as PEM",
                    "give a PKCS#8, SEC1 or PKCS#1 key without a password",
                );
            }
            key
        });
        let chain_at = format!("{at}.chain");
        let (Some(chain), Some(key)) = (self.certificates(&chain_at, &given.chain).await?, key)
        else {
            return Ok(());
        };
        let Some(leaf) = chain.first() else {
            self.mistake(
                chain_at,
                "it holds no certificate",
                "name the PEM file of the chain, leaf first",
            );
            return Ok(());
        };
        if let Some((problem, what_to_do)) = self.unusable(&chain, leaf) {
            self.mistake(chain_at, problem, what_to_do);
            return Ok(());
        }
        if let Some(problem) = mismatch(&chain, &key) {
            self.mistake(
                key_at,
                problem,
                "give the key this certificate was made for, and the leaf first in the chain",
            );
            return Ok(());
        }
        let Some(pkcs8) = keys::as_pkcs8(&key) else {
            self.mistake(
                key_at,
                "it is of a kind that cannot be used",
                "use an ECDSA P-256 key",
            );
            return Ok(());
        };
        let hosts: BTreeSet<String> = leaf
            .dns_names
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        secrets.server_keys.insert(leaf.fingerprint, pkcs8);
        configuration.server_certificates.push(ServerCertificate {
            fingerprint: leaf.fingerprint,
            hosts: hosts.into_iter().collect(),
            chain: chain
                .iter()
                .map(|each| CertificateBytes(each.der.clone()))
                .collect(),
        });
        Ok(())
    }

    /// What speaks against a server's chain, and what to do.
    fn unusable(
        &self,
        chain: &[InspectedCertificate],
        leaf: &InspectedCertificate,
    ) -> Option<(String, &'static str)> {
        let subject = &leaf.subject;
        if leaf.dns_names.is_empty() {
            let problem = format!(
                "\"{subject}\" names no host in its subjectAltName, so no browser accepts it"
            );
            return Some((problem, "issue one with the host names as dNSName"));
        }
        if leaf.authority_problems.is_empty() {
            let problem = format!("\"{subject}\" is an authority's certificate, not a server's");
            return Some((
                problem,
                "put the server's own certificate first in the chain",
            ));
        }
        if self.now > leaf.not_after {
            return Some((format!("\"{subject}\" has expired"), "renew it"));
        }
        let broken = chain.windows(2).find_map(|pair| match pair {
            [lower, upper] if lower.issuer != upper.subject => Some((lower, upper)),
            _ => None,
        });
        broken.map(|(lower, upper)| {
            let problem = format!(
                "\"{}\" was issued by \"{}\", but \"{}\" follows it",
                lower.subject, lower.issuer, upper.subject
            );
            (
                problem,
                "order the chain from the server's certificate upwards",
            )
        })
    }
}

/// Why `key` is not the key of the chain's leaf.
fn mismatch(chain: &[InspectedCertificate], key: &PrivateKeyDer<'_>) -> Option<String> {
    let Ok(signing) = any_supported_type(key) else {
        return Some("it is of a kind that cannot sign in TLS".to_owned());
    };
    let chain = chain
        .iter()
        .map(|each| CertificateDer::from(each.der.to_vec()))
        .collect();
    match CertifiedKey::new(chain, signing).keys_match() {
        Ok(()) => None,
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Some("it is not the key of the chain's first certificate".to_owned())
        }
        Err(error) => Some(format!(
            "it cannot be compared with the certificate's: {error}"
        )),
    }
}
