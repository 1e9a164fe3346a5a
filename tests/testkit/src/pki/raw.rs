//! Certificates that no library agrees to make: odd subjects, no extensions, SHA-1 signatures.
//!
//! **Invariant:** they are correctly signed; nothing but what the caller asked for is wrong with them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use rcgen::{DnType, DnValue, KeyPair, PublicKeyData as _, SigningKey as _};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::{Authority, Identity, KeyKind, Validity, der};

const COMMON_NAME: [u64; 4] = [2, 5, 4, 3];
const SHA256_WITH_RSA: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 11];
const SHA1_WITH_RSA: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 5];
const SHA1_WITH_RSA_OIW: [u64; 6] = [1, 3, 14, 3, 2, 29];
const ECDSA_WITH_SHA256: [u64; 7] = [1, 2, 840, 10045, 4, 3, 2];

/// The ASN.1 type of a string in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringKind {
    /// UTF8String.
    Utf8,
    /// PrintableString.
    Printable,
    /// IA5String.
    Ia5,
    /// T61String (TeletexString).
    Teletex,
    /// BMPString, two bytes for each character.
    Bmp,
    /// UniversalString, four bytes for each character.
    Universal,
}

impl StringKind {
    fn tag(self) -> u8 {
        match self {
            Self::Utf8 => 0x0c,
            Self::Printable => 0x13,
            Self::Ia5 => 0x16,
            Self::Teletex => 0x14,
            Self::Bmp => 0x1e,
            Self::Universal => 0x1c,
        }
    }
}

/// One attribute of a name: type, string type, and the bytes as they stand in the certificate.
#[derive(Debug, Clone)]
pub struct Attribute {
    oid: Vec<u64>,
    kind: StringKind,
    bytes: Vec<u8>,
}

impl Attribute {
    /// A common name, its bytes taken as they are.
    #[must_use]
    pub fn common_name(kind: StringKind, bytes: &[u8]) -> Self {
        Self {
            oid: COMMON_NAME.to_vec(),
            kind,
            bytes: bytes.to_vec(),
        }
    }

    /// An organisational unit (UTF8String).
    #[must_use]
    pub fn organisational_unit(unit: &str) -> Self {
        Self {
            oid: vec![2, 5, 4, 11],
            kind: StringKind::Utf8,
            bytes: unit.as_bytes().to_vec(),
        }
    }

    fn der(&self) -> Vec<u8> {
        der::sequence(&[
            &der::oid(&self.oid),
            &der::value(self.kind.tag(), &self.bytes),
        ])
    }
}

/// A certificate described field by field.
#[derive(Debug, Clone)]
pub struct RawCertificate {
    /// The name: each element is one RDN with its attributes (two in one make it multi-valued).
    pub subject: Vec<Vec<Attribute>>,
    /// From when to when it is valid.
    pub validity: Validity,
    /// Each `(object identifier, critical, content as DER)`; none leaves the field out.
    pub extensions: Vec<(Vec<u64>, bool, Vec<u8>)>,
}

impl RawCertificate {
    /// A person's certificate with this name, `digitalSignature` and `clientAuth`.
    #[must_use]
    pub fn person(subject: Vec<Vec<Attribute>>) -> Self {
        let key_usage = der::value(0x03, &[0x07, 0x80]);
        let client_auth = der::sequence(&[&der::oid(&[1, 3, 6, 1, 5, 5, 7, 3, 2])]);
        Self {
            subject,
            validity: Validity::years(1),
            extensions: vec![
                (vec![2, 5, 29, 15], true, key_usage),
                (vec![2, 5, 29, 37], false, client_auth),
            ],
        }
    }

    /// Has `authority` sign it, for a new P-256 key.
    ///
    /// # Errors
    /// If the authority's key is of a kind or its name of a form this cannot write.
    pub fn signed_by(&self, authority: &Authority) -> anyhow::Result<Identity> {
        let key = KeyKind::P256.generate()?;
        let algorithm = match authority.key().algorithm() {
            of if *of == rcgen::PKCS_ECDSA_P256_SHA256 => {
                der::sequence(&[&der::oid(&ECDSA_WITH_SHA256)])
            }
            of if *of == rcgen::PKCS_RSA_SHA256 => rsa_algorithm(&SHA256_WITH_RSA),
            other => bail!("an authority with {other:?} cannot sign a raw certificate"),
        };
        let issuer = name_of(authority)?;
        let body = self.body(&algorithm, &issuer, &key)?;
        let signature = authority
            .key()
            .sign(&body)
            .context("failed to sign a raw certificate")?;
        Ok(Identity {
            certificate: assemble(&body, &algorithm, &signature),
            intermediates: authority.intermediates().to_vec(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        })
    }

    fn body(&self, algorithm: &[u8], issuer: &[u8], key: &KeyPair) -> anyhow::Result<Vec<u8>> {
        let validity = der::sequence(&[
            &der::utc_time(self.validity.not_before),
            &der::utc_time(self.validity.not_after),
        ]);
        let mut serial = [0; 16];
        aws_lc_rs::rand::fill(&mut serial)
            .ok()
            .context("no random serial number")?;
        let mut body = [
            der::context(0, &der::integer(&[2])),
            der::integer(&serial),
            algorithm.to_vec(),
            issuer.to_vec(),
            validity,
            name(&self.subject),
            key.subject_public_key_info(),
        ]
        .concat();
        if !self.extensions.is_empty() {
            let extensions: Vec<u8> = self
                .extensions
                .iter()
                .flat_map(|(oid, critical, content)| {
                    let critical = if *critical {
                        vec![0x01, 0x01, 0xff]
                    } else {
                        Vec::new()
                    };
                    der::sequence(&[&der::oid(oid), &critical, &der::octet_string(content)])
                })
                .collect();
            body.extend(der::context(3, &der::sequence(&[&extensions])));
        }
        Ok(der::sequence(&[&body]))
    }
}

/// Which of the two object identifiers for SHA-1 with RSA a signature names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sha1Oid {
    /// 1.2.840.113549.1.1.5, of PKCS #1.
    Pkcs1,
    /// 1.3.14.3.2.29, of the OIW; the one makecert writes.
    Oiw,
}

/// What `makecert -r -a sha1` and `makecert -in … -a sha1` leave behind.
#[derive(Debug, Clone)]
pub struct MakecertChain {
    /// The self-signed root, without extensions.
    pub root: CertificateDer<'static>,
    /// The person's certificate, without extensions.
    pub identity: Identity,
}

/// Makes a chain as makecert does: v3 without any extension, RSA-2048, PrintableString common names,
/// signed with SHA-1. The signing is `openssl`'s, for no current library signs with SHA-1.
///
/// # Errors
/// If `openssl` is absent or refuses.
pub fn makecert_chain(
    root_name: &str,
    person: &str,
    oid: Sha1Oid,
) -> anyhow::Result<MakecertChain> {
    let algorithm = match oid {
        Sha1Oid::Pkcs1 => rsa_algorithm(&SHA1_WITH_RSA),
        Sha1Oid::Oiw => rsa_algorithm(&SHA1_WITH_RSA_OIW),
    };
    let root_key = KeyKind::Rsa2048.generate()?;
    let root_subject = printable(root_name);
    let issuer = name(&root_subject);
    let sign = |subject, key: &KeyPair| -> anyhow::Result<CertificateDer<'static>> {
        let certificate = RawCertificate {
            subject,
            validity: Validity::years(3),
            extensions: Vec::new(),
        };
        let body = certificate.body(&algorithm, &issuer, key)?;
        let signature = sign_with_sha1(&root_key, &body)?;
        Ok(assemble(&body, &algorithm, &signature))
    };
    let key = KeyKind::Rsa2048.generate()?;
    Ok(MakecertChain {
        root: sign(root_subject.clone(), &root_key)?,
        identity: Identity {
            certificate: sign(printable(person), &key)?,
            intermediates: Vec::new(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        },
    })
}

fn printable(common_name: &str) -> Vec<Vec<Attribute>> {
    vec![vec![Attribute::common_name(
        StringKind::Printable,
        common_name.as_bytes(),
    )]]
}

fn name(names: &[Vec<Attribute>]) -> Vec<u8> {
    let names: Vec<u8> = names
        .iter()
        .flat_map(|attributes| {
            let attributes: Vec<u8> = attributes.iter().flat_map(Attribute::der).collect();
            der::set(&[&attributes])
        })
        .collect();
    der::sequence(&[&names])
}

/// The authority's subject as its own certificate encodes it.
pub(super) fn name_of(authority: &Authority) -> anyhow::Result<Vec<u8>> {
    let mut names = Vec::new();
    for (kind, text) in authority.subject().iter() {
        let oid = match kind {
            DnType::CommonName => COMMON_NAME.to_vec(),
            DnType::OrganizationName => vec![2, 5, 4, 10],
            other => bail!("a name with {other:?} cannot be written again"),
        };
        let DnValue::Utf8String(text) = text else {
            bail!("a name with {text:?} cannot be written again");
        };
        names.push(vec![Attribute {
            oid,
            kind: StringKind::Utf8,
            bytes: text.as_bytes().to_vec(),
        }]);
    }
    Ok(name(&names))
}

fn rsa_algorithm(oid: &[u64]) -> Vec<u8> {
    der::sequence(&[&der::oid(oid), &[0x05, 0x00]])
}

fn assemble(body: &[u8], algorithm: &[u8], signature: &[u8]) -> CertificateDer<'static> {
    der::sequence(&[body, algorithm, &der::bit_string(signature)]).into()
}

fn sign_with_sha1(key: &KeyPair, message: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut key_file = tempfile::NamedTempFile::new().context("no temporary file")?;
    key_file.write_all(key.serialize_pem().as_bytes())?;
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha1", "-sign"])
        .arg(key_file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to run openssl")?;
    openssl
        .stdin
        .take()
        .context("openssl without stdin")?
        .write_all(message)?;
    let output = openssl.wait_with_output()?;
    ensure!(
        output.status.success(),
        "openssl did not sign: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}
