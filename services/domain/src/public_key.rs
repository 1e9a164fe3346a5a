//! The public key of a certificate, found without parsing the certificate: what the edge needs to check possession.
//!
//! A walk over the first elements of `TBSCertificate` (RFC 5280 section 4.1) to `SubjectPublicKeyInfo`, DER only: definite
//! lengths in their shortest form, no indefinite lengths, no high tag numbers. What it finds is compared by certval with
//! what its own parser found, so the two cannot be led to different keys.
//!
//! **Invariant:** time is proportional to the number of elements walked (at most nine); no allocation, no recursion.

#[cfg(test)]
mod tests;

/// The bytes are not the beginning of a DER certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate")]
pub struct NotACertificate;

pub(crate) const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;

/// The `SubjectPublicKeyInfo` of a DER certificate, with its own tag and length.
///
/// # Errors
/// When the bytes are not one certificate and nothing else, as far as the walk goes.
pub fn of_certificate(certificate: &[u8]) -> Result<&[u8], NotACertificate> {
    let rest = from_validity(certificate)?;
    let (_validity, rest) = contents(rest, SEQUENCE)?;
    let (_subject, rest) = contents(rest, SEQUENCE)?;
    let (_key, after) = contents(rest, SEQUENCE)?;
    rest.get(..rest.len() - after.len()).ok_or(NotACertificate)
}

/// What `TBSCertificate` has from its `validity` on.
pub(crate) fn from_validity(certificate: &[u8]) -> Result<&[u8], NotACertificate> {
    let (certificate, after) = contents(certificate, SEQUENCE)?;
    if !after.is_empty() {
        return Err(NotACertificate);
    }
    let (tbs, _) = contents(certificate, SEQUENCE)?;
    let rest = match tbs.first() {
        Some(&VERSION) => contents(tbs, VERSION)?.1,
        _ => tbs,
    };
    let (_serial, rest) = contents(rest, INTEGER)?;
    let (_signature, rest) = contents(rest, SEQUENCE)?;
    let (_issuer, rest) = contents(rest, SEQUENCE)?;
    Ok(rest)
}

/// Splits one element with this tag off the front: its contents, and what follows it.
pub(crate) fn contents(bytes: &[u8], tag: u8) -> Result<(&[u8], &[u8]), NotACertificate> {
    let (&[found, first], rest) = bytes.split_first_chunk::<2>().ok_or(NotACertificate)?;
    if found != tag {
        return Err(NotACertificate);
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&[a], rest) = rest.split_first_chunk::<1>().ok_or(NotACertificate)?;
            (shortest(usize::from(a), 0x80)?, rest)
        }
        0x82 => {
            let (&[a, b], rest) = rest.split_first_chunk::<2>().ok_or(NotACertificate)?;
            (
                shortest(usize::from(u16::from_be_bytes([a, b])), 0x100)?,
                rest,
            )
        }
        // Longer than any certificate that is let in, or the indefinite form.
        _ => return Err(NotACertificate),
    };
    rest.split_at_checked(length).ok_or(NotACertificate)
}

/// DER allows only the shortest form of a length: this one must be at least `least` to need its form.
fn shortest(length: usize, least: usize) -> Result<usize, NotACertificate> {
    if length >= least {
        Ok(length)
    } else {
        Err(NotACertificate)
    }
}
