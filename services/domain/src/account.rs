//! Accounts of people: their names, identifiers, and the proof that one live person stands behind a name.
//!
//! **Invariant:** a [`Person`] is made by the directory service and by the wire conversion of its answer, and nowhere else;
//! it always stands for exactly one account that may sign in now.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// Longest account name in characters (certificate common names end at 64, RFC 5280 appendix A.1).
pub const MAX_ACCOUNT_NAME: usize = 64;

/// A name that can be a person's sAMAccountName, in Unicode normalization form C.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

/// Why text is no account name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccountName {
    /// Nothing there.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`MAX_ACCOUNT_NAME`].
    #[error("the name is longer than {MAX_ACCOUNT_NAME} characters")]
    TooLong,
    /// White space at an end, or a dot at the end.
    #[error("the name begins or ends with a space, or ends with a dot")]
    Edge,
    /// Control characters, invisible or direction-changing characters.
    #[error("the name has an invisible or control character")]
    Invisible,
    /// Characters that no sAMAccountName has, a domain prefix or an @ suffix among them.
    #[error(
        "the name has a character that no account name has (one of \" / \\ [ ] : ; | = , + * ? < > @ ( ) $)"
    )]
    Forbidden,
}

impl AccountName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the directory's `returned` sAMAccountName is this very name: equal after normalization form C, with ASCII
    /// letters compared without case. Active Directory itself folds accents and widths; that is not a match here.
    #[must_use]
    pub fn is_exactly(&self, returned: &str) -> bool {
        composed(returned).is_some_and(|returned| self.0.eq_ignore_ascii_case(&returned))
    }
}

impl FromStr for AccountName {
    type Err = InvalidAccountName;

    fn from_str(text: &str) -> Result<Self, InvalidAccountName> {
        // Bytes first: normalising megabytes to find that they are too long would be work a stranger ordered.
        if text.len() > MAX_ACCOUNT_NAME * 4 {
            return Err(InvalidAccountName::TooLong);
        }
        let name = composed(text).ok_or(InvalidAccountName::Forbidden)?;
        if name.is_empty() {
            return Err(InvalidAccountName::Empty);
        }
        if name.chars().count() > MAX_ACCOUNT_NAME {
            return Err(InvalidAccountName::TooLong);
        }
        if name.chars().any(is_invisible) {
            return Err(InvalidAccountName::Invisible);
        }
        if name.starts_with(char::is_whitespace)
            || name.ends_with(|last: char| last.is_whitespace() || last == '.')
        {
            return Err(InvalidAccountName::Edge);
        }
        if name.contains(|each| "\"/\\[]:;|=,+*?<>@()$\u{ff20}".contains(each)) {
            return Err(InvalidAccountName::Forbidden);
        }
        Ok(Self(name))
    }
}

/// The text in normalization form C, if composing is all that this changes. Characters that normalisation replaces by
/// other ones (the Kelvin sign by K) would make two different names one.
fn composed(text: &str) -> Option<String> {
    let name: String = text.nfc().collect();
    (name == text || text.nfd().eq(text.chars())).then_some(name)
}

/// Characters that change what people see without being seen: controls, zero-width, direction marks, tags, other spaces.
fn is_invisible(each: char) -> bool {
    each.is_control()
        || (each.is_whitespace() && each != ' ')
        || matches!(each,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

impl TryFrom<String> for AccountName {
    type Error = InvalidAccountName;

    fn try_from(text: String) -> Result<Self, InvalidAccountName> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A Windows security identifier in its text form (MS-DTYP 2.4.2.1), like `S-1-5-21-1-2-3-1102`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sid(String);

/// Text or bytes that are no security identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a security identifier")]
pub struct InvalidSid;

impl Sid {
    /// Reads the binary form (MS-DTYP 2.4.2.2), as the attribute `objectSid` holds it.
    ///
    /// # Errors
    /// When the bytes are not exactly one identifier of revision 1.
    pub fn from_binary(bytes: &[u8]) -> Result<Self, InvalidSid> {
        let (&[revision, count, a0, a1, a2, a3, a4, a5], parts) =
            bytes.split_first_chunk::<8>().ok_or(InvalidSid)?;
        if revision != 1 || count > 15 || parts.len() != usize::from(count) * 4 {
            return Err(InvalidSid);
        }
        let authority = u64::from_be_bytes([0, 0, a0, a1, a2, a3, a4, a5]);
        let mut text = format!("S-1-{authority}");
        for part in parts.chunks_exact(4) {
            let value = u32::from_le_bytes(part.try_into().map_err(|_| InvalidSid)?);
            text.push_str(&format!("-{value}"));
        }
        Ok(Self(text))
    }
}

impl FromStr for Sid {
    type Err = InvalidSid;

    fn from_str(text: &str) -> Result<Self, InvalidSid> {
        let parts = text.strip_prefix("S-1-").ok_or(InvalidSid)?;
        let numbers: Vec<&str> = parts.split('-').collect();
        let canonical = |part: &str, most: u64| {
            part.parse::<u64>()
                .is_ok_and(|number| number <= most && number.to_string() == part)
        };
        let (authority, rest) = numbers.split_first().ok_or(InvalidSid)?;
        let good = rest.len() <= 15
            && canonical(authority, (1 << 48) - 1)
            && rest.iter().all(|part| canonical(part, u32::MAX.into()));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSid)
        }
    }
}

impl TryFrom<String> for Sid {
    type Error = InvalidSid;

    fn try_from(text: String) -> Result<Self, InvalidSid> {
        text.parse()
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> Self {
        sid.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What identifies an account for good: its objectGUID. Names change, this does not; it is the `sub` of every token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub Uuid);

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// What the directory says about a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// objectGUID.
    pub id: AccountId,
    /// sAMAccountName as the directory spells it.
    pub account: AccountName,
    /// displayName, or the account name where there is none.
    pub display_name: String,
    /// givenName.
    pub given_name: Option<String>,
    /// sn.
    pub family_name: Option<String>,
    /// mail.
    pub email: Option<String>,
    /// userPrincipalName.
    pub user_principal_name: Option<String>,
    /// Names of all groups the account is in, nested ones too, sorted.
    pub groups: Vec<String>,
}

/// Exactly one account of a person that may sign in now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person(Profile);

impl Person {
    /// States that `profile` is exactly one live person account whose state was checked. Only the directory service and
    /// the wire conversion of its answer may say so.
    #[must_use]
    pub const fn assertion(profile: Profile) -> Self {
        Self(profile)
    }

    /// What is known about the person.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.0
    }
}
