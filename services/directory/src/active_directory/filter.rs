//! LDAP search filters (RFC 4515), built from types and never from pasted text.
//!
//! **Invariant:** whatever bytes a value has, the text of a filter reads back as the very tree it was built from. Only
//! constants name attributes.

use std::fmt;

#[cfg(test)]
mod tests;

/// The name of an attribute; only constants are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attribute(&'static str);

impl Attribute {
    /// accountExpires.
    pub const ACCOUNT_EXPIRES: Self = Self("accountExpires");
    /// displayName.
    pub const DISPLAY_NAME: Self = Self("displayName");
    /// givenName.
    pub const GIVEN_NAME: Self = Self("givenName");
    /// logonHours.
    pub const LOGON_HOURS: Self = Self("logonHours");
    /// mail.
    pub const MAIL: Self = Self("mail");
    /// objectCategory.
    pub const OBJECT_CATEGORY: Self = Self("objectCategory");
    /// objectClass.
    pub const OBJECT_CLASS: Self = Self("objectClass");
    /// objectGUID.
    pub const OBJECT_GUID: Self = Self("objectGUID");
    /// objectSid.
    pub const OBJECT_SID: Self = Self("objectSid");
    /// pwdLastSet.
    pub const PASSWORD_LAST_SET: Self = Self("pwdLastSet");
    /// sAMAccountName.
    pub const SAM_ACCOUNT_NAME: Self = Self("sAMAccountName");
    /// sn.
    pub const SURNAME: Self = Self("sn");
    /// tokenGroups: security identifiers of all groups, nested ones and the primary one too.
    pub const TOKEN_GROUPS: Self = Self("tokenGroups");
    /// userAccountControl.
    pub const USER_ACCOUNT_CONTROL: Self = Self("userAccountControl");
    /// msDS-User-Account-Control-Computed: lockout and password age as they are now.
    pub const USER_ACCOUNT_CONTROL_COMPUTED: Self = Self("msDS-User-Account-Control-Computed");
    /// userPrincipalName.
    pub const USER_PRINCIPAL_NAME: Self = Self("userPrincipalName");

    /// The name as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl AsRef<str> for Attribute {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// A filter. Its `Display` is the text of RFC 4515.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All hold.
    And(Vec<Filter>),
    /// At least one holds.
    Or(Vec<Filter>),
    /// The attribute has this value.
    Equal(Attribute, Vec<u8>),
    /// The attribute is there.
    Present(Attribute),
}

impl Filter {
    /// The attribute has this value.
    pub fn equal(attribute: Attribute, value: impl AsRef<[u8]>) -> Self {
        Self::Equal(attribute, value.as_ref().to_vec())
    }

    /// A person's entry with this one property more.
    #[must_use]
    pub fn person(which: Self) -> Self {
        Self::And(vec![
            Self::equal(Attribute::OBJECT_CATEGORY, "person"),
            Self::equal(Attribute::OBJECT_CLASS, "user"),
            which,
        ])
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => list(formatter, '&', parts),
            Self::Or(parts) => list(formatter, '|', parts),
            Self::Equal(attribute, value) => {
                write!(formatter, "({}=", attribute.0)?;
                for byte in value {
                    // Everything but what cannot mean anything to anybody.
                    if byte.is_ascii_alphanumeric() || b"-_.".contains(byte) {
                        write!(formatter, "{}", char::from(*byte))?;
                    } else {
                        write!(formatter, "\\{byte:02x}")?;
                    }
                }
                formatter.write_str(")")
            }
            Self::Present(attribute) => write!(formatter, "({}=*)", attribute.0),
        }
    }
}

fn list(formatter: &mut fmt::Formatter<'_>, operator: char, parts: &[Filter]) -> fmt::Result {
    write!(formatter, "({operator}")?;
    parts
        .iter()
        .try_for_each(|part| write!(formatter, "{part}"))?;
    formatter.write_str(")")
}
