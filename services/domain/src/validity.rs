//! When a certificate ends, found without parsing the certificate: what an operator is warned by.
//!
//! The same walk as to the [public key](crate::public_key), to `notAfter` (RFC 5280 section 4.1.2.5). No certificate is
//! refused by it: whether one is valid, certval and the clients of a server decide.
//!
//! **Invariant:** as bounded as that walk; what is no date of RFC 5280 is no date.

#[cfg(test)]
mod tests;

use crate::public_key::{self, NotACertificate, SEQUENCE, contents};
use crate::timestamp::Timestamp;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter` of a DER certificate.
///
/// # Errors
/// When the bytes are not one certificate and nothing else, as far as the walk goes.
pub fn not_after(certificate: &[u8]) -> Result<Timestamp, NotACertificate> {
    let (validity, _) = contents(public_key::from_validity(certificate)?, SEQUENCE)?;
    let (_not_before, rest) = time(validity)?;
    let (not_after, after) = time(rest)?;
    match after {
        [] => seconds(&not_after).map(Timestamp).ok_or(NotACertificate),
        _ => Err(NotACertificate),
    }
}

/// The digits of a `Time`, with all four of its year: `YYYYMMDDHHMMSS`.
type Digits = [u8; 14];

/// Splits a `Time` off the front.
fn time(bytes: &[u8]) -> Result<(Digits, &[u8]), NotACertificate> {
    let tag = *bytes.first().ok_or(NotACertificate)?;
    let (text, rest) = contents(bytes, tag)?;
    let digits = text.strip_suffix(b"Z").ok_or(NotACertificate)?;
    let digits = match tag {
        // Two digits of a year up to 2049 (RFC 5280 section 4.1.2.5.1).
        UTC_TIME => match digits.first() {
            Some(b'0'..=b'4') => [b"20", digits].concat(),
            _ => [b"19", digits].concat(),
        },
        GENERALIZED_TIME => digits.to_vec(),
        _ => return Err(NotACertificate),
    };
    let digits = Digits::try_from(digits).map_err(|_| NotACertificate)?;
    Ok((digits, rest))
}

/// Seconds since 1970; 0 for anything before it.
fn seconds(digits: &Digits) -> Option<u64> {
    let [y1, y2, y3, y4, rest @ ..] = digits;
    let [mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2] = rest;
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let month = number(&[*mo1, *mo2])?;
    let day = number(&[*d1, *d2])?;
    let (hour, minute, second) = (
        number(&[*h1, *h2])?,
        number(&[*mi1, *mi2])?,
        number(&[*s1, *s2])?,
    );
    if hour > 23 || minute > 59 || second > 59 || day == 0 || day > days_of(month, year)? {
        return None;
    }
    let days = days_since_1970(year, month, day);
    Some(days.map_or(0, |days| days * 86_400 + hour * 3600 + minute * 60 + second))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of(month: u64, year: u64) -> Option<u64> {
    match month {
        4 | 6 | 9 | 11 => Some(30),
        2 if is_leap(year) => Some(29),
        2 => Some(28),
        1..=12 => Some(31),
        _ => None,
    }
}

/// `None` for what lies before.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    // Leap days up to the end of a year.
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let years = year.checked_sub(1970)?;
    let days = years * 365 + leaps(year - 1) - leaps(1969);
    let months: u64 = (1..month).filter_map(|month| days_of(month, year)).sum();
    Some(days + months + day - 1)
}
