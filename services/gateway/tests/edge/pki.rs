//! Certificates: an authority of servers, two of people, and what they issue.

use std::sync::Arc;

use bytes::Bytes;
use domain::authority::Authority;
use domain::configuration::{CertificateBytes, GatewaySecrets, SecretBytes, ServerCertificate};
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::DistinguishedName;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority that issues.
pub(crate) struct Ca {
    pub(crate) der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let der = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self { der, issuer }
    }

    /// The subject in DER, as a CertificateRequest names it.
    pub(crate) fn subject(&self) -> Vec<u8> {
        let anchor = webpki::anchor_from_trusted_cert(&self.der).unwrap();
        let name = DistinguishedName::in_sequence(&anchor.subject);
        AsRef::<[u8]>::as_ref(&name).to_vec()
    }

    pub(crate) fn authority(&self) -> Authority {
        Authority {
            key: Digest::of(&self.der),
            fingerprint: Digest::of(&self.der),
            certificate: Bytes::copy_from_slice(&self.der),
            subject: self.subject().into(),
            name: "an authority".to_owned(),
            not_after: Timestamp(u64::MAX),
            added_in: 0,
        }
    }

    /// A person's certificate and key.
    pub(crate) fn person(&self, name: &str) -> Person {
        self.person_with(name, &KeyPair::generate().unwrap(), |_| {})
    }

    pub(crate) fn person_with(
        &self,
        name: &str,
        key: &KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Person {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let der = params.signed_by(key, &self.issuer).unwrap().der().clone();
        Person {
            chain: vec![der],
            key: key.serialize_der(),
        }
    }

    /// A server certificate for these hosts (`*.` allowed), its key put into `secrets`.
    pub(crate) fn server(&self, hosts: &[&str], secrets: &mut GatewaySecrets) -> ServerCertificate {
        let names: Vec<String> = hosts.iter().copied().map(str::to_owned).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names.clone()).unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let fingerprint = Digest::of(&der);
        let secret = SecretBytes::new(key.serialize_der());
        secrets.server_keys.insert(fingerprint, secret);
        ServerCertificate {
            fingerprint,
            hosts: names,
            chain: vec![CertificateBytes(Bytes::copy_from_slice(&der))],
        }
    }
}

/// What a client authenticates with.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Vec<u8>,
}

impl Person {
    pub(crate) fn certified_key(&self) -> Arc<CertifiedKey> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        Arc::new(CertifiedKey::new(
            self.chain.clone(),
            any_supported_type(&key).unwrap(),
        ))
    }

    pub(crate) fn fingerprint(&self) -> String {
        Digest::of(&self.chain[0]).to_string()
    }
}

/// An extension that makes a certificate this much bigger.
pub(crate) fn padding(bytes: usize) -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![0x04; bytes])
}
