//! What administrators write: ranges and fingerprints, parsed once.
//!
//! **Invariant:** a range remembers how it was written only to say how it was read.

use std::fmt;
use std::str::FromStr;

use domain::authority::Authority;
use domain::digest::Digest;
use domain::ranges::{InvalidRange, Range};

use super::refusal::shown;

/// A range as an administrator wrote it, and as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenRange {
    /// As it is read: host bits cleared.
    pub range: Range,
    written: String,
}

impl GivenRange {
    /// What to tell when the range is read otherwise than it was written.
    #[must_use]
    pub fn reading(&self) -> Option<String> {
        let Self { range, written } = self;
        if range.was_normalised(written) {
            return Some(format!(
                "`{written}` is read as {range}: a range begins at its first address"
            ));
        }
        let whole = matches!(range.to_string().as_str(), shown if shown == written);
        let bare = !written.contains('/');
        (!whole && !bare).then(|| format!("`{written}` is read as {range}"))
    }
}

impl FromStr for GivenRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        Ok(Self {
            range: text.parse()?,
            written: shown(text.trim()),
        })
    }
}

impl From<Range> for GivenRange {
    fn from(range: Range) -> Self {
        Self {
            written: range.to_string(),
            range,
        }
    }
}

/// Fewest hexadecimal digits of an abbreviated fingerprint: 64 bits, more than anybody can aim for by accident.
pub(super) const FEWEST_DIGITS: usize = 16;

/// The SHA-256 of an authority's certificate or key, or its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FingerprintPrefix(String);

/// Text that is no fingerprint and no beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a fingerprint: {FEWEST_DIGITS} to 64 hexadecimal digits of a SHA-256 are expected, colons may stand between them"
)]
pub struct InvalidFingerprint;

impl FingerprintPrefix {
    /// Whether `authority` can be meant: its certificate's or its key's digest begins like this.
    #[must_use]
    pub fn fits(&self, authority: &Authority) -> bool {
        let begins = |digest: Digest| digest.to_string().starts_with(&self.0);
        begins(authority.fingerprint) || begins(authority.key)
    }
}

impl FromStr for FingerprintPrefix {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        if text.len() > 128 {
            return Err(InvalidFingerprint);
        }
        let digits: String = text
            .trim()
            .chars()
            .filter(|each| *each != ':')
            .map(|each| each.to_ascii_lowercase())
            .collect();
        let fits = (FEWEST_DIGITS..=64).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if fits {
            Ok(Self(digits))
        } else {
            Err(InvalidFingerprint)
        }
    }
}

impl From<Digest> for FingerprintPrefix {
    fn from(digest: Digest) -> Self {
        Self(digest.to_string())
    }
}

impl fmt::Display for FingerprintPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
