//! Certificates for tests, written byte by byte, so that anything can be wrong with them and only that.
//!
//! **Invariant:** [`Recipe::leaf`] and [`Authority::root`] alone describe what a correct judge accepts at [`NOW`]; whatever
//! a test changes is signed correctly all the same.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use domain::digest::Digest;
use domain::timestamp::Timestamp;

use crate::oid;

/// When everything is judged: 2026-05-01 00:00:00 UTC.
pub(crate) const NOW: Timestamp = Timestamp(1_777_593_600);

pub(crate) const SERVER_AUTHENTICATION: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
pub(crate) const SMART_CARD_LOGON: &[u8] =
    &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x02];
pub(crate) const PKINIT: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x02, 0x03, 0x04];

const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
pub(crate) const ECDSA_WITH_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
pub(crate) const RSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
pub(crate) const RSA_WITH_MD5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04];

/// One DER element.
pub(crate) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let mut out = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend_from_slice(contents);
    out
}

pub(crate) fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

pub(crate) fn object(identifier: &[u8]) -> Vec<u8> {
    element(0x06, identifier)
}

/// An attribute of a name: its type, the tag of its string, and the bytes of it.
pub(crate) type Attribute<'a> = (&'a [u8], u8, &'a [u8]);

/// A name of parts with their attributes.
pub(crate) fn name(parts: &[&[Attribute<'_>]]) -> Vec<u8> {
    let parts: Vec<u8> = parts
        .iter()
        .flat_map(|attributes| {
            let attributes: Vec<u8> = attributes
                .iter()
                .flat_map(|(kind, tag, value)| sequence(&[&object(kind), &element(*tag, value)]))
                .collect();
            element(0x31, &attributes)
        })
        .collect();
    element(0x30, &parts)
}

/// A name of one common name.
pub(crate) fn named(common_name: &str) -> Vec<u8> {
    name(&[&[(oid::COMMON_NAME, 0x0c, common_name.as_bytes())]])
}

/// A key that can sign, with its SubjectPublicKeyInfo.
pub(crate) enum Key {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    P521(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    pub(crate) fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap())
    }

    pub(crate) fn p521() -> Self {
        Self::P521(EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn info(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => elliptic_curve_key(oid::P256, key.public_key().as_ref()),
            Self::P384(key) => elliptic_curve_key(oid::P384, key.public_key().as_ref()),
            Self::P521(key) => elliptic_curve_key(oid::P521, key.public_key().as_ref()),
            Self::Rsa(key) => rsa_key(key.public_key().as_ref()),
        }
    }

    fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::P256(_) => object(ECDSA_WITH_SHA256),
            Self::P384(_) => object(ECDSA_WITH_SHA384),
            Self::P521(_) => object(ECDSA_WITH_SHA512),
            Self::Rsa(_) => [object(RSA_WITH_SHA256), vec![0x05, 0x00]].concat(),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::P256(key) | Self::P384(key) | Self::P521(key) => {
                key.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }
}

/// A SubjectPublicKeyInfo on a named curve.
pub(crate) fn elliptic_curve_key(curve: &[u8], point: &[u8]) -> Vec<u8> {
    key_info(
        &[object(oid::ELLIPTIC_CURVE_KEY), object(curve)].concat(),
        point,
    )
}

/// A SubjectPublicKeyInfo of RSA around a PKCS#1 public key.
pub(crate) fn rsa_key(key: &[u8]) -> Vec<u8> {
    key_info(&[object(oid::RSA_KEY), vec![0x05, 0x00]].concat(), key)
}

/// An RSA key that nobody has: an odd modulus of so many bytes, and this exponent.
pub(crate) fn rsa_key_of(bytes: usize, exponent: &[u8]) -> Vec<u8> {
    let mut modulus = vec![0xc5; bytes];
    modulus.insert(0, 0);
    rsa_key(&sequence(&[
        &element(0x02, &modulus),
        &element(0x02, exponent),
    ]))
}

pub(crate) fn ed25519_key() -> Vec<u8> {
    let key = Ed25519KeyPair::generate().unwrap();
    key_info(&object(oid::ED25519), key.public_key().as_ref())
}

pub(crate) fn key_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = [&[0], key].concat();
    sequence(&[&element(0x30, algorithm), &element(0x03, &bits)])
}

/// Everything that goes into a certificate.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) version: Option<u8>,
    pub(crate) serial: Vec<u8>,
    /// The contents of the AlgorithmIdentifier, when it is to differ from what signs.
    pub(crate) algorithm: Option<Vec<u8>>,
    pub(crate) not_before: &'static str,
    pub(crate) not_after: &'static str,
    pub(crate) issuer: Option<Vec<u8>>,
    pub(crate) subject: Vec<u8>,
    pub(crate) key_info: Vec<u8>,
    /// Type, critical, value.
    pub(crate) extensions: Vec<(Vec<u8>, bool, Vec<u8>)>,
}

impl Recipe {
    /// A person's good certificate.
    pub(crate) fn leaf(common_name: &str) -> Self {
        let plain = Self {
            version: Some(2),
            serial: vec![0x51, 0x22, 0x33],
            algorithm: None,
            not_before: "260101000000Z",
            not_after: "270101000000Z",
            issuer: None,
            subject: named(common_name),
            key_info: Key::p256().info(),
            extensions: Vec::new(),
        };
        plain.usage(0x80, 7).purposes(&[oid::CLIENT_AUTHENTICATION])
    }

    /// A good authority's certificate for `key`.
    pub(crate) fn authority(common_name: &str, key: &Key) -> Self {
        let mut recipe = Self::leaf(common_name);
        recipe.key_info = key.info();
        recipe.extensions.clear();
        recipe.not_before = "250101000000Z";
        recipe.not_after = "360101000000Z";
        recipe.constraints(true, None).usage(0x06, 1)
    }

    /// With this change.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// With this extension instead of any of its type.
    pub(crate) fn extension(mut self, kind: &[u8], critical: bool, value: Vec<u8>) -> Self {
        self = self.without(kind);
        self.extensions.push((kind.to_vec(), critical, value));
        self
    }

    pub(crate) fn without(mut self, kind: &[u8]) -> Self {
        self.extensions.retain(|(each, _, _)| each != kind);
        self
    }

    pub(crate) fn purposes(self, purposes: &[&[u8]]) -> Self {
        let purposes: Vec<u8> = purposes.iter().flat_map(|each| object(each)).collect();
        self.extension(oid::EXTENDED_KEY_USAGE, false, element(0x30, &purposes))
    }

    pub(crate) fn usage(self, bits: u8, unused: u8) -> Self {
        self.extension(oid::KEY_USAGE, true, element(0x03, &[unused, bits]))
    }

    pub(crate) fn constraints(self, authority: bool, path_length: Option<u8>) -> Self {
        let authority = if authority {
            element(0x01, &[0xff])
        } else {
            Vec::new()
        };
        let length = path_length.map_or_else(Vec::new, |length| element(0x02, &[length]));
        self.extension(
            oid::BASIC_CONSTRAINTS,
            true,
            sequence(&[&authority, &length]),
        )
    }

    /// The certificate, signed by `key` under the name `issuer`.
    pub(crate) fn signed(&self, issuer: &[u8], key: &Key) -> Vec<u8> {
        let contents = self.algorithm.clone().unwrap_or_else(|| key.algorithm());
        let algorithm = element(0x30, &contents);
        let version = self.version.map_or_else(Vec::new, |version| {
            element(0xa0, &element(0x02, &[version]))
        });
        let time = |text: &str| {
            let tag = if text.len() == 13 { 0x17 } else { 0x18 };
            element(tag, text.as_bytes())
        };
        let extensions: Vec<u8> = self
            .extensions
            .iter()
            .flat_map(|(kind, critical, value)| {
                let critical = if *critical {
                    element(0x01, &[0xff])
                } else {
                    Vec::new()
                };
                sequence(&[&object(kind), &critical, &element(0x04, value)])
            })
            .collect();
        let extensions = if self.extensions.is_empty() {
            Vec::new()
        } else {
            element(0xa3, &element(0x30, &extensions))
        };
        let body = sequence(&[
            &version,
            &element(0x02, &self.serial),
            &algorithm,
            self.issuer.as_deref().unwrap_or(issuer),
            &sequence(&[&time(self.not_before), &time(self.not_after)]),
            &self.subject,
            &self.key_info,
            &extensions,
        ]);
        let signature = [&[0][..], &key.sign(&body)].concat();
        sequence(&[&body, &algorithm, &element(0x03, &signature)])
    }

    /// The certificate, issued by `authority`.
    pub(crate) fn by(&self, authority: &Authority) -> Vec<u8> {
        self.signed(&authority.name, &authority.key)
    }
}

/// An authority that can issue.
pub(crate) struct Authority {
    pub(crate) name: Vec<u8>,
    pub(crate) key: Key,
    pub(crate) der: Vec<u8>,
}

impl Authority {
    pub(crate) fn root(common_name: &str) -> Self {
        Self::root_with(common_name, |_| {})
    }

    pub(crate) fn root_with(common_name: &str, change: impl FnOnce(&mut Recipe)) -> Self {
        let key = Key::p256();
        let recipe = Recipe::authority(common_name, &key).with(change);
        let der = recipe.signed(&recipe.subject, &key);
        Self {
            name: recipe.subject,
            key,
            der,
        }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, common_name: &str) -> Self {
        self.below_with(common_name, |_| {})
    }

    pub(crate) fn below_with(&self, common_name: &str, change: impl FnOnce(&mut Recipe)) -> Self {
        let key = Key::p256();
        let recipe = Recipe::authority(common_name, &key).with(change);
        Self {
            der: recipe.by(self),
            name: recipe.subject,
            key,
        }
    }

    /// As it stands in the configuration.
    pub(crate) fn configured(&self) -> domain::authority::Authority {
        configured(&self.der, &self.key.info())
    }
}

/// An authority as it stands in the configuration.
pub(crate) fn configured(der: &[u8], key_info: &[u8]) -> domain::authority::Authority {
    domain::authority::Authority {
        key: Digest::of(key_info),
        fingerprint: Digest::of(der),
        certificate: der.to_vec().into(),
        subject: Vec::new().into(),
        name: "an authority".to_owned(),
        not_after: NOW,
        added_in: 0,
    }
}
