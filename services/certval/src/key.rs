//! Public keys: their kind and size, and whether they are strong enough.
//!
//! **Invariant:** a key is accepted because it is of a listed kind and size, never because nothing was found against it.

use crate::der::{self, Malformed};
use crate::oid;

/// Fewest bits of an RSA modulus.
const LEAST_RSA_BITS: usize = 2048;
/// Most bits of an RSA modulus: verifying with a larger one is work a stranger ordered.
const MOST_RSA_BITS: usize = 8192;
/// Smallest public exponent of RSA.
const LEAST_RSA_EXPONENT: u64 = 65_537;

/// What a SubjectPublicKeyInfo holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// RSA (RFC 8017).
    Rsa {
        /// Length of the modulus.
        bits: usize,
        /// The public exponent; `None` above 64 bits.
        exponent: Option<u64>,
        /// Whether the modulus is odd, as every product of two large primes is.
        odd: bool,
    },
    /// ECDSA on a named curve of NIST.
    EllipticCurve(&'static str),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Anything else, in words.
    Other(String),
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo.
    pub(crate) fn read(key_info: &[u8]) -> Result<Self, Malformed> {
        const WRONG: &str = "the public key is not well-formed";
        let key_info = der::only(key_info, der::SEQUENCE, WRONG)?;
        let mut reader = der::Reader::new(key_info.contents);
        let algorithm = reader.expect(der::SEQUENCE, WRONG)?;
        let key = reader.expect(der::BIT_STRING, WRONG)?;
        reader.finish(WRONG)?;
        let (unused, key) = der::bits(key.contents)?;
        let mut algorithm = der::Reader::new(algorithm.contents);
        let kind = algorithm.expect(der::OBJECT_IDENTIFIER, WRONG)?;
        let kind = der::object_identifier(kind.contents)?;
        if unused != 0 {
            return Err(Malformed(WRONG));
        }
        match kind {
            oid::RSA_KEY => {
                algorithm.expect(der::NULL, WRONG)?;
                algorithm.finish(WRONG)?;
                rsa(key)
            }
            oid::ELLIPTIC_CURVE_KEY => {
                let curve = algorithm.element()?;
                algorithm.finish(WRONG)?;
                elliptic_curve(curve, key)
            }
            oid::ED25519 => {
                algorithm.finish(WRONG)?;
                if key.len() == 32 {
                    Ok(Self::Ed25519)
                } else {
                    Err(Malformed(WRONG))
                }
            }
            other => Ok(Self::Other(oid::words(other))),
        }
    }

    /// Like `RSA 2048` or `ECDSA P-256`.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Rsa { bits, .. } => format!("RSA {bits}"),
            Self::EllipticCurve(curve) => format!("ECDSA {curve}"),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::Other(words) => words.clone(),
        }
    }

    /// What is wrong with it, in words; `None` when it is strong enough.
    pub(crate) fn weakness(&self) -> Option<String> {
        match self {
            Self::Rsa { bits, .. } if *bits < LEAST_RSA_BITS => Some(format!(
                "RSA with {bits} bits; at least {LEAST_RSA_BITS} are needed"
            )),
            Self::Rsa { bits, .. } if *bits > MOST_RSA_BITS => Some(format!(
                "RSA with {bits} bits; at most {MOST_RSA_BITS} are accepted"
            )),
            Self::Rsa { odd: false, .. } => Some("RSA with an even modulus".to_owned()),
            Self::Rsa { exponent, .. } => match exponent {
                Some(exponent) if *exponent >= LEAST_RSA_EXPONENT && exponent % 2 == 1 => None,
                Some(exponent) => Some(format!(
                    "RSA with the public exponent {exponent}; an odd one of at least {LEAST_RSA_EXPONENT} is needed"
                )),
                None => Some("RSA with a public exponent above 64 bits".to_owned()),
            },
            Self::EllipticCurve(_) | Self::Ed25519 => None,
            Self::Other(words) => Some(format!(
                "{words}; RSA, ECDSA on P-256, P-384 or P-521, and Ed25519 are accepted"
            )),
        }
    }
}

fn rsa(key: &[u8]) -> Result<PublicKey, Malformed> {
    const WRONG: &str = "the RSA key is not well-formed";
    let key = der::only(key, der::SEQUENCE, WRONG)?;
    let mut reader = der::Reader::new(key.contents);
    let modulus = der::integer(reader.expect(der::INTEGER, WRONG)?.contents)?;
    let exponent = der::integer(reader.expect(der::INTEGER, WRONG)?.contents)?;
    reader.finish(WRONG)?;
    let modulus = magnitude(modulus).ok_or(Malformed(WRONG))?;
    let exponent = magnitude(exponent).ok_or(Malformed(WRONG))?;
    let leading = modulus.first().map_or(0, |first| first.leading_zeros());
    let bits = (modulus.len() * 8).saturating_sub(usize::try_from(leading).unwrap_or(0));
    let exponent = (exponent.len() <= 8).then(|| {
        exponent
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    });
    Ok(PublicKey::Rsa {
        bits,
        exponent,
        odd: modulus.last().is_some_and(|last| last % 2 == 1),
    })
}

/// The bytes of a number that is not negative, without the zero that says so.
const fn magnitude(number: &[u8]) -> Option<&[u8]> {
    match number {
        [0, rest @ ..] => Some(rest),
        [first, ..] if *first < 0x80 => Some(number),
        _ => None,
    }
}

fn elliptic_curve(curve: der::Element<'_>, key: &[u8]) -> Result<PublicKey, Malformed> {
    if curve.tag != der::OBJECT_IDENTIFIER {
        return Ok(PublicKey::Other(
            "an elliptic curve with parameters of its own instead of a name".to_owned(),
        ));
    }
    let (name, bytes) = match curve.contents {
        oid::P256 => ("P-256", 32),
        oid::P384 => ("P-384", 48),
        oid::P521 => ("P-521", 66),
        other => {
            return Ok(PublicKey::Other(format!(
                "the elliptic curve {}",
                oid::words(other)
            )));
        }
    };
    match key {
        [0x04, point @ ..] if point.len() == 2 * bytes => Ok(PublicKey::EllipticCurve(name)),
        _ => Err(Malformed(
            "the public key is not an uncompressed point of its curve",
        )),
    }
}
