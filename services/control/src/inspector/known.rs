//! A stand-in for certval in the tests of control: it knows certificates by their bytes and parses none.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use domain::digest::Digest;
use domain::public_key;
use domain::timestamp::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{CertificatesOnly, InspectedCertificate, Inspection, Inspector};

/// Knows what it was told.
#[derive(Debug, Default)]
pub(crate) struct Known {
    certificates: Mutex<Vec<InspectedCertificate>>,
    away: AtomicBool,
}

impl Known {
    /// Tells it about an authority.
    pub(crate) fn authority(&self, der: &[u8], name: &str) {
        self.tell(described(der, name, name));
    }

    /// Tells it about a certificate that cannot be an authority.
    pub(crate) fn leaf(&self, der: &[u8], name: &str, issuer: &str, dns_names: &[&str]) {
        self.tell(InspectedCertificate {
            dns_names: dns_names.iter().map(ToString::to_string).collect(),
            authority_problems: vec!["it is not marked as an authority".to_owned()],
            ..described(der, name, issuer)
        });
    }

    /// Makes it unreachable, or lets it be reached again.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn tell(&self, certificate: InspectedCertificate) {
        self.certificates.lock().unwrap().push(certificate);
    }
}

#[async_trait]
impl Inspector for Known {
    async fn inspect(
        &self,
        certificates: &CertificatesOnly,
    ) -> Result<Vec<InspectedCertificate>, Inspection> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Inspection::Unavailable("away".to_owned()));
        }
        let bytes = certificates.bytes();
        let mut sent: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(bytes)
            .filter_map(Result::ok)
            .map(|der| der.to_vec())
            .collect();
        if sent.is_empty() {
            sent.push(bytes.to_vec());
        }
        let known = self.certificates.lock().unwrap();
        let look = |der: &Vec<u8>| known.iter().find(|each| each.der == *der).cloned();
        let found: Option<Vec<_>> = sent.iter().map(look).collect();
        found.ok_or_else(|| {
            Inspection::Refused("it is no certificate: neither PEM nor DER".to_owned())
        })
    }
}

fn described(der: &[u8], name: &str, issuer: &str) -> InspectedCertificate {
    InspectedCertificate {
        der: Bytes::copy_from_slice(der),
        subject_der: Bytes::copy_from_slice(name.as_bytes()),
        subject: format!("CN={name}"),
        issuer: format!("CN={issuer}"),
        fingerprint: Digest::of(der),
        key: Digest::of(public_key::of_certificate(der).unwrap()),
        not_before: Timestamp(0),
        not_after: Timestamp(4_000_000_000),
        dns_names: Vec::new(),
        authority_problems: Vec::new(),
    }
}
