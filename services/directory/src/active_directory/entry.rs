//! Reading a person's entry.
//!
//! **Invariant:** an attribute that decides whether somebody may sign in and cannot be read makes the answer
//! `unavailable`; it never counts as its harmless value.

use std::collections::HashMap;

use domain::account::{AccountId, Sid};
use domain::timestamp::Timestamp;
use ldap3::SearchEntry;
use uuid::Uuid;

use super::filter::Attribute;
use crate::candidate::Candidate;
use crate::state::{AccountState, LogonHours};

#[cfg(test)]
mod tests;

/// The attributes of a person that are asked for.
pub const PERSON: &[Attribute] = &[
    Attribute::OBJECT_CLASS,
    Attribute::OBJECT_GUID,
    Attribute::OBJECT_SID,
    Attribute::SAM_ACCOUNT_NAME,
    Attribute::DISPLAY_NAME,
    Attribute::GIVEN_NAME,
    Attribute::SURNAME,
    Attribute::MAIL,
    Attribute::USER_PRINCIPAL_NAME,
    Attribute::USER_ACCOUNT_CONTROL,
    Attribute::USER_ACCOUNT_CONTROL_COMPUTED,
    Attribute::ACCOUNT_EXPIRES,
    Attribute::PASSWORD_LAST_SET,
    Attribute::LOGON_HOURS,
];

/// Most bytes of a text that is passed on; longer ones are left out.
const MAX_TEXT: usize = 1024;

// userAccountControl (MS-ADTS 2.2.16).
const ACCOUNTDISABLE: i64 = 0x2;
const LOCKOUT: i64 = 0x10;
const NORMAL_ACCOUNT: i64 = 0x200;
const TRUST_ACCOUNTS: i64 = 0x800 | 0x1000 | 0x2000;
const SMARTCARD_REQUIRED: i64 = 0x40000;
const PASSWORD_EXPIRED: i64 = 0x80_0000;

/// Object classes that are never a person, though the directory may count them among users.
const NO_PERSONS: [&str; 4] = [
    "computer",
    "contact",
    "msDS-ManagedServiceAccount",
    "msDS-GroupManagedServiceAccount",
];

/// One entry of a search result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its distinguished name.
    pub name: String,
    /// Values by attribute name in lower case.
    attributes: HashMap<String, Vec<Vec<u8>>>,
}

/// An entry that was found, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Somebody.
    Person(Box<Candidate>),
    /// Something else, and what shows it.
    NotAPerson(&'static str),
}

/// An attribute that decides and could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the attribute {} of the account is missing or unreadable; the bind account needs the right to read it", .0.as_str())]
pub struct Unreadable(Attribute);

impl Entry {
    /// The values of an attribute, in no order.
    #[must_use]
    pub fn values(&self, attribute: Attribute) -> &[Vec<u8>] {
        self.attributes
            .get(&attribute.as_str().to_ascii_lowercase())
            .map_or(&[], Vec::as_slice)
    }

    /// The value of an attribute that has exactly one.
    #[must_use]
    pub fn value(&self, attribute: Attribute) -> Option<&[u8]> {
        match self.values(attribute) {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The value of an attribute that has exactly one, if it is text within bounds.
    #[must_use]
    pub fn text(&self, attribute: Attribute) -> Option<String> {
        let value = self.value(attribute)?;
        let fits = (1..=MAX_TEXT).contains(&value.len());
        std::str::from_utf8(value)
            .ok()
            .filter(|_| fits)
            .map(str::to_owned)
    }

    fn number(&self, attribute: Attribute) -> Result<i64, Unreadable> {
        self.value(attribute)
            .and_then(|value| std::str::from_utf8(value).ok())
            .and_then(|text| text.parse().ok())
            .ok_or(Unreadable(attribute))
    }

    /// The entry as a person.
    ///
    /// # Errors
    /// When what decides about the account cannot be read.
    pub fn person(&self) -> Result<Found, Unreadable> {
        let is = |class: &str| {
            self.values(Attribute::OBJECT_CLASS)
                .iter()
                .any(|value| value.eq_ignore_ascii_case(class.as_bytes()))
        };
        if !is("user") || NO_PERSONS.iter().any(|class| is(class)) {
            return Ok(Found::NotAPerson(
                "the entry's object class is not that of a person",
            ));
        }
        let Some(id) = self
            .value(Attribute::OBJECT_GUID)
            .and_then(|id| Uuid::from_slice_le(id).ok())
        else {
            return Ok(Found::NotAPerson("the entry has no objectGUID"));
        };
        let Some(sid) = self
            .value(Attribute::OBJECT_SID)
            .and_then(|sid| Sid::from_binary(sid).ok())
        else {
            return Ok(Found::NotAPerson("the entry has no objectSid"));
        };
        let Some(account) = self.text(Attribute::SAM_ACCOUNT_NAME) else {
            return Ok(Found::NotAPerson("the entry has no sAMAccountName"));
        };
        let control = self.number(Attribute::USER_ACCOUNT_CONTROL)?;
        if control & NORMAL_ACCOUNT == 0 || control & TRUST_ACCOUNTS != 0 {
            return Ok(Found::NotAPerson(
                "userAccountControl is not that of a person",
            ));
        }
        Ok(Found::Person(Box::new(Candidate {
            id: AccountId(id),
            sid: Some(sid),
            account,
            display_name: self.text(Attribute::DISPLAY_NAME),
            given_name: self.text(Attribute::GIVEN_NAME),
            family_name: self.text(Attribute::SURNAME),
            email: self.text(Attribute::MAIL),
            user_principal_name: self.text(Attribute::USER_PRINCIPAL_NAME),
            state: self.state(control)?,
        })))
    }

    fn state(&self, control: i64) -> Result<AccountState, Unreadable> {
        let computed = self.number(Attribute::USER_ACCOUNT_CONTROL_COMPUTED)?;
        let logon_hours = match self.values(Attribute::LOGON_HOURS) {
            [] => None,
            [one] => Some(
                LogonHours::try_from(one.as_slice())
                    .map_err(|_| Unreadable(Attribute::LOGON_HOURS))?,
            ),
            _ => return Err(Unreadable(Attribute::LOGON_HOURS)),
        };
        Ok(AccountState {
            disabled: control & ACCOUNTDISABLE != 0,
            locked: computed & LOCKOUT != 0,
            expires: expiry(self.number(Attribute::ACCOUNT_EXPIRES)?),
            must_change: self.number(Attribute::PASSWORD_LAST_SET)? == 0,
            password_expired: computed & PASSWORD_EXPIRED != 0,
            logon_hours,
            smart_card_required: control & SMARTCARD_REQUIRED != 0,
        })
    }
}

/// accountExpires as a moment: 100 ns ticks since 1601, where 0 and the largest number mean never (MS-ADA1 2.1).
fn expiry(ticks: i64) -> Option<Timestamp> {
    const TICKS_A_SECOND: i64 = 10_000_000;
    const SECONDS_FROM_1601_TO_1970: i64 = 11_644_473_600;
    if ticks == 0 || ticks == i64::MAX {
        return None;
    }
    let seconds = ticks / TICKS_A_SECOND - SECONDS_FROM_1601_TO_1970;
    Some(Timestamp(u64::try_from(seconds).unwrap_or(0)))
}

impl From<SearchEntry> for Entry {
    fn from(entry: SearchEntry) -> Self {
        // The library sorts values by whether they happen to be UTF-8; both halves are the attribute.
        let texts = entry
            .attrs
            .into_iter()
            .map(|(name, values)| (name, values.into_iter().map(String::into_bytes).collect()));
        let mut attributes: HashMap<String, Vec<Vec<u8>>> = HashMap::new();
        for (name, values) in texts.chain(entry.bin_attrs) {
            let values: Vec<Vec<u8>> = values;
            attributes
                .entry(name.to_ascii_lowercase())
                .or_default()
                .extend(values);
        }
        Self {
            name: entry.dn,
            attributes,
        }
    }
}
