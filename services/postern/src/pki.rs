//! Makes certificates: the internal authority of the mesh, and a small PKI for demonstrations.
//!
//! **Invariant:** nothing here reads a certificate. An authority is brought back from its key and its fixed parameters,
//! not by parsing what was once issued.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, SanType,
};
use time::OffsetDateTime;

pub(crate) mod keys;
pub(crate) mod keystore;
pub(crate) mod mesh;
pub(crate) mod people;

/// Life of an authority.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Life of what it issues.
const LEAF_LIFE: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long before "now" a certificate begins to be valid, for clocks that are a little behind.
const BACKDATED: Duration = Duration::from_secs(3600);

/// What an authority is for; decides its name and constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Signs certificates of people.
    Users,
    /// Signs server certificates for loopback names only: critical name constraints (RFC 5280 section 4.2.1.10) make it
    /// harmless to trust.
    LoopbackServers,
    /// Signs the certificates Postern's own processes show each other.
    Mesh,
}

/// An authority with its key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, as PEM.
pub(crate) struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key, PKCS#8.
    pub key: String,
    /// The certificate, DER.
    pub certificate_der: Vec<u8>,
    /// Its private key, PKCS#8 DER.
    pub key_der: Vec<u8>,
}

impl Authority {
    /// Makes a new authority with a P-256 key, and its own certificate.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn create(kind: Kind, now: SystemTime) -> Result<(Self, Issued)> {
        let key = new_key()?;
        let params = kind.parameters(now);
        let certificate = params
            .self_signed(&key)
            .context("failed to sign the authority's certificate")?;
        let issued = Issued::new(&certificate, &key);
        Ok((
            Self {
                issuer: Issuer::new(params, key),
            },
            issued,
        ))
    }

    /// Brings an authority back from its private key.
    ///
    /// # Errors
    /// When the PEM text holds no P-256 key.
    pub(crate) fn from_key(kind: Kind, key: &str, now: SystemTime) -> Result<Self> {
        let key =
            KeyPair::from_pem(key).context("the authority's key file holds no private key")?;
        Ok(Self {
            issuer: Issuer::new(kind.parameters(now), key),
        })
    }

    /// Issues a person's certificate: `CN=<name>`, for TLS client authentication.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn user(&self, name: &str, now: SystemTime) -> Result<Issued> {
        let mut params = leaf_parameters(name, now);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    /// Issues a server certificate for host names and addresses.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate, or the system has no randomness.
    pub(crate) fn server(&self, names: &[&str], now: SystemTime) -> Result<Issued> {
        let mut params = leaf_parameters(names.first().copied().unwrap_or_default(), now);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.subject_alt_names = subject_names(names)?;
        self.issue(&params)
    }

    /// Issues a certificate of the mesh, for both ends of a connection.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate, or the system has no randomness.
    pub(crate) fn peer(&self, names: &[&str], now: SystemTime) -> Result<Issued> {
        let mut params = leaf_parameters(names.first().copied().unwrap_or_default(), now);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.subject_alt_names = subject_names(names)?;
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Result<Issued> {
        let key = new_key()?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("failed to sign a certificate")?;
        Ok(Issued::new(&certificate, &key))
    }
}

impl Issued {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            certificate_der: certificate.der().to_vec(),
            key_der: key.serialize_der(),
        }
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Users => "FabrikamRootCA",
            Self::LoopbackServers => "Postern demo server root (loopback only)",
            Self::Mesh => "Postern mesh authority",
        }
    }

    fn parameters(self, now: SystemTime) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(self.name());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, now, AUTHORITY_LIFE);
        if self == Self::LoopbackServers {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![
                    GeneralSubtree::DnsName("localhost".to_owned()),
                    GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
                        Ipv4Addr::LOCALHOST.into(),
                        8,
                    )),
                    GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
                        Ipv6Addr::LOCALHOST.into(),
                        128,
                    )),
                ],
                excluded_subtrees: Vec::new(),
            });
        }
        params
    }
}

fn leaf_parameters(name: &str, now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, LEAF_LIFE);
    params
}

fn set_validity(params: &mut CertificateParams, now: SystemTime, life: Duration) {
    let now = OffsetDateTime::from(now);
    params.not_before = now - BACKDATED;
    params.not_after = now + life;
}

fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

fn subject_names(names: &[&str]) -> Result<Vec<SanType>> {
    names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => (*name)
                .try_into()
                .map(SanType::DnsName)
                .with_context(|| format!("`{name}` is not a host name")),
        })
        .collect()
}

fn new_key() -> Result<KeyPair> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("failed to generate a P-256 key")
}
