//! What an end-entity certificate says.
//!
//! **Invariant:** [`Leaf::named`] alone describes a certificate that a correct judge accepts; each
//! further call takes one thing away or adds one, so that a test varies exactly what it names.

use std::net::IpAddr;

use anyhow::Context as _;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

use super::{KeyKind, der};

/// Smart card logon (Microsoft).
const SMART_CARD_LOGON: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 2];
/// User principal name, an otherName of the subject alternative names (MS-WCCE 2.2.2.7.5).
const USER_PRINCIPAL_NAME: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];
/// The extension that carries the account's security identifier (MS-WCCE 2.2.2.7.7.4).
const SECURITY_EXTENSION: [u64; 9] = [1, 3, 6, 1, 4, 1, 311, 25, 2];
/// The otherName inside that extension.
const OBJECT_SID: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 25, 2, 1];

/// When a certificate is valid.
#[derive(Debug, Clone, Copy)]
pub struct Validity {
    /// First second.
    pub not_before: OffsetDateTime,
    /// Last second.
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// From an hour ago for so many years of 365 days.
    #[must_use]
    pub fn years(years: i64) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            not_before: now - Duration::HOUR,
            not_after: now + Duration::days(365 * years),
        }
    }

    /// Ended an hour ago.
    #[must_use]
    pub fn expired() -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            not_before: now - Duration::days(30),
            not_after: now - Duration::HOUR,
        }
    }

    /// Begins tomorrow.
    #[must_use]
    pub fn not_yet() -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            not_before: now + Duration::DAY,
            not_after: now + Duration::days(30),
        }
    }
}

/// An end-entity certificate being described.
#[derive(Debug, Clone)]
pub struct Leaf {
    subject: Vec<(DnType, DnValue)>,
    key: KeyKind,
    validity: Validity,
    key_usages: Vec<KeyUsagePurpose>,
    extended_key_usages: Vec<ExtendedKeyUsagePurpose>,
    alternative_names: Vec<SanType>,
    extensions: Vec<CustomExtension>,
    authority: bool,
}

impl Leaf {
    /// A person's good certificate: this one common name, P-256, `digitalSignature`, `clientAuth`,
    /// valid for a year.
    #[must_use]
    pub fn named(common_name: &str) -> Self {
        Self {
            subject: vec![(DnType::CommonName, common_name.into())],
            key: KeyKind::P256,
            validity: Validity::years(1),
            key_usages: vec![KeyUsagePurpose::DigitalSignature],
            extended_key_usages: vec![ExtendedKeyUsagePurpose::ClientAuth],
            alternative_names: Vec::new(),
            extensions: Vec::new(),
            authority: false,
        }
    }

    /// A server's good certificate; each name is a DNS name or an IP address.
    ///
    /// # Errors
    /// If a name is neither.
    pub fn server(names: &[&str]) -> anyhow::Result<Self> {
        let mut leaf = Self::named(names.first().copied().unwrap_or("server"));
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in names {
            leaf = match name.parse::<IpAddr>() {
                Ok(address) => leaf.alternative_name(SanType::IpAddress(address)),
                Err(_) => {
                    let name = (*name)
                        .try_into()
                        .with_context(|| format!("{name:?} is no DNS name"))?;
                    leaf.alternative_name(SanType::DnsName(name))
                }
            };
        }
        Ok(leaf)
    }

    /// The kind of key.
    #[must_use]
    pub fn key(mut self, kind: KeyKind) -> Self {
        self.key = kind;
        self
    }

    /// From when to when it is valid.
    #[must_use]
    pub fn validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// A second common name behind the first.
    #[must_use]
    pub fn second_common_name(mut self, common_name: &str) -> Self {
        // rcgen keeps one value per attribute type; the same type spelled as numbers is another key.
        self.subject
            .push((DnType::CustomDnType(vec![2, 5, 4, 3]), common_name.into()));
        self
    }

    /// No common name, only an organisation.
    #[must_use]
    pub fn without_common_name(mut self) -> Self {
        self.subject = vec![(DnType::OrganizationName, "Fabrikam".into())];
        self
    }

    /// The common name in a given ASN.1 string type. For what rcgen refuses to encode, see
    /// [`super::RawCertificate`].
    #[must_use]
    pub fn common_name(mut self, value: DnValue) -> Self {
        self.subject = vec![(DnType::CommonName, value)];
        self
    }

    /// An organisational unit in front of the common name.
    #[must_use]
    pub fn organisational_unit(mut self, unit: &str) -> Self {
        self.subject
            .insert(0, (DnType::OrganizationalUnitName, unit.into()));
        self
    }

    /// Exactly these key usages; none leaves the extension out.
    #[must_use]
    pub fn key_usages(mut self, usages: &[KeyUsagePurpose]) -> Self {
        self.key_usages = usages.to_vec();
        self
    }

    /// Exactly these extended key usages; none leaves the extension out.
    #[must_use]
    pub fn extended_key_usages(mut self, usages: &[ExtendedKeyUsagePurpose]) -> Self {
        self.extended_key_usages = usages.to_vec();
        self
    }

    /// Smart card logon beside what is there.
    #[must_use]
    pub fn smart_card(mut self) -> Self {
        self.extended_key_usages
            .push(ExtendedKeyUsagePurpose::Other(SMART_CARD_LOGON.to_vec()));
        self
    }

    /// A user principal name among the alternative names.
    #[must_use]
    pub fn user_principal_name(self, name: &str) -> Self {
        self.alternative_name(SanType::OtherName((
            USER_PRINCIPAL_NAME.to_vec(),
            name.into(),
        )))
    }

    /// Any alternative name.
    #[must_use]
    pub fn alternative_name(mut self, name: SanType) -> Self {
        self.alternative_names.push(name);
        self
    }

    /// The account's security identifier (`S-1-5-21-…`) in the extension AD CS writes.
    #[must_use]
    pub fn sid(self, sid: &str) -> Self {
        let value = der::context(0, &der::octet_string(sid.as_bytes()));
        let other_name = der::context(0, &[der::oid(&OBJECT_SID), value].concat());
        self.extension(&SECURITY_EXTENSION, &der::sequence(&[&other_name]), false)
    }

    /// Any extension, `content` being its DER.
    #[must_use]
    pub fn extension(mut self, oid: &[u64], content: &[u8], critical: bool) -> Self {
        let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
        extension.set_criticality(critical);
        self.extensions.push(extension);
        self
    }

    /// Says `cA: TRUE`, which a person's certificate must not.
    #[must_use]
    pub fn as_authority(mut self) -> Self {
        self.authority = true;
        self
    }

    pub(super) fn key_kind(&self) -> KeyKind {
        self.key
    }

    pub(super) fn parameters(&self) -> CertificateParams {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        for (kind, value) in &self.subject {
            parameters
                .distinguished_name
                .push(kind.clone(), value.clone());
        }
        parameters.not_before = self.validity.not_before;
        parameters.not_after = self.validity.not_after;
        parameters.key_usages.clone_from(&self.key_usages);
        parameters
            .extended_key_usages
            .clone_from(&self.extended_key_usages);
        parameters
            .subject_alt_names
            .clone_from(&self.alternative_names);
        parameters.custom_extensions.clone_from(&self.extensions);
        parameters.use_authority_key_identifier_extension = true;
        if self.authority {
            parameters.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        parameters
    }
}
