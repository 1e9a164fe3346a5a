//! Certificate authorities: roots and intermediates, sound ones and unsound ones.
//!
//! **Invariant:** two authorities never share a key, even when they share a name.

use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, PublicKeyData as _,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::identity::certificate_pem;
use super::{Identity, KeyKind, Leaf, Validity};

/// A certificate authority that can issue.
#[derive(Debug, Clone)]
pub struct Authority {
    parameters: CertificateParams,
    key: Arc<KeyPair>,
    certificate: CertificateDer<'static>,
    /// What a leaf of this authority sends behind itself; empty for a root.
    intermediates: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// Begins an authority whose subject is this one common name.
    #[must_use]
    pub fn named(common_name: &str) -> AuthorityBuilder {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters
            .distinguished_name
            .push(DnType::CommonName, common_name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        AuthorityBuilder {
            parameters,
            key: KeyKind::P256,
            validity: Validity::years(10),
        }
    }

    /// The authority's certificate.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The authority's certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        certificate_pem(&self.certificate)
    }

    /// The authority's own key.
    #[must_use]
    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    /// Issues a certificate for a key made for it.
    ///
    /// # Errors
    /// If the leaf asks for something that cannot be encoded.
    pub fn issue(&self, leaf: &Leaf) -> anyhow::Result<Identity> {
        let key = leaf.key_kind().generate()?;
        self.issue_for_key(leaf, &key)
    }

    /// Issues a certificate for a given key, so that two certificates can share one.
    ///
    /// # Errors
    /// If the leaf asks for something that cannot be encoded.
    pub fn issue_for_key(&self, leaf: &Leaf, key: &KeyPair) -> anyhow::Result<Identity> {
        let certificate = leaf
            .parameters()
            .signed_by(key, &self.issuer())
            .context("failed to sign a certificate")?;
        Ok(Identity {
            certificate: certificate.into(),
            intermediates: self.intermediates.clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        })
    }

    /// Issues a certificate whose leaf is garbled behind its public key (see
    /// [`Identity::with_garbled_leaf`]).
    ///
    /// # Errors
    /// If the leaf asks for something that cannot be encoded.
    pub fn issue_garbled(&self, leaf: &Leaf) -> anyhow::Result<Identity> {
        let key = leaf.key_kind().generate()?;
        let good = self.issue_for_key(leaf, &key)?;
        Ok(good.with_garbled_leaf(&key.subject_public_key_info()))
    }

    /// Issues a certificate for a server; each name is a DNS name or an IP address.
    ///
    /// # Errors
    /// If a name cannot be encoded.
    pub fn issue_server(&self, names: &[&str]) -> anyhow::Result<Identity> {
        self.issue(&Leaf::server(names)?)
    }

    /// Its name in DER, as a server puts it into a request for a certificate.
    ///
    /// # Errors
    /// If the name has more than common name and organisation.
    pub fn subject_der(&self) -> anyhow::Result<Vec<u8>> {
        super::raw::name_of(self)
    }

    pub(super) fn intermediates(&self) -> &[CertificateDer<'static>] {
        &self.intermediates
    }

    pub(super) fn subject(&self) -> &DistinguishedName {
        &self.parameters.distinguished_name
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.parameters, &self.key)
    }
}

/// An authority being described.
#[derive(Debug, Clone)]
pub struct AuthorityBuilder {
    parameters: CertificateParams,
    key: KeyKind,
    validity: Validity,
}

impl AuthorityBuilder {
    /// The kind of key; P-256 unless told.
    #[must_use]
    pub fn key(mut self, kind: KeyKind) -> Self {
        self.key = kind;
        self
    }

    /// From when to when it is valid; ten years unless told.
    #[must_use]
    pub fn validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// An organisation in front of the common name.
    #[must_use]
    pub fn organisation(mut self, organisation: &str) -> Self {
        let common_name = self.parameters.distinguished_name;
        self.parameters.distinguished_name = DistinguishedName::new();
        self.parameters
            .distinguished_name
            .push(DnType::OrganizationName, organisation);
        for (kind, value) in common_name.iter() {
            self.parameters
                .distinguished_name
                .push(kind.clone(), value.clone());
        }
        self
    }

    /// At most so many intermediates may follow it.
    #[must_use]
    pub fn path_length(mut self, intermediates: u8) -> Self {
        self.parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(intermediates));
        self
    }

    /// Without `keyCertSign`: it signs all the same, and must not be believed.
    #[must_use]
    pub fn without_certificate_signing(mut self) -> Self {
        self.parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        self
    }

    /// Says `cA: FALSE`: it signs all the same, and must not be believed.
    #[must_use]
    pub fn not_an_authority(mut self) -> Self {
        self.parameters.is_ca = IsCa::ExplicitNoCa;
        self
    }

    /// Critical name constraints.
    #[must_use]
    pub fn name_constraints(mut self, constraints: NameConstraints) -> Self {
        self.parameters.name_constraints = Some(constraints);
        self
    }

    /// Makes a root.
    ///
    /// # Errors
    /// If the certificate cannot be encoded.
    pub fn self_signed(self) -> anyhow::Result<Authority> {
        let (parameters, key) = self.finish()?;
        let certificate = parameters
            .self_signed(&key)
            .context("failed to sign a root certificate")?;
        Ok(Authority {
            parameters,
            key: Arc::new(key),
            certificate: certificate.into(),
            intermediates: Vec::new(),
        })
    }

    /// Makes an intermediate of `parent`.
    ///
    /// # Errors
    /// If the certificate cannot be encoded.
    pub fn signed_by(self, parent: &Authority) -> anyhow::Result<Authority> {
        let (mut parameters, key) = self.finish()?;
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters
            .signed_by(&key, &parent.issuer())
            .context("failed to sign an intermediate certificate")?;
        let certificate = CertificateDer::from(certificate);
        let mut intermediates = vec![certificate.clone()];
        intermediates.extend(parent.intermediates.iter().cloned());
        Ok(Authority {
            parameters,
            key: Arc::new(key),
            certificate,
            intermediates,
        })
    }

    fn finish(mut self) -> anyhow::Result<(CertificateParams, KeyPair)> {
        self.parameters.not_before = self.validity.not_before;
        self.parameters.not_after = self.validity.not_after;
        Ok((self.parameters, self.key.generate()?))
    }
}
