//! Whether an account may sign in now, from what the directory says about it.
//!
//! The order in which refusals are named, when several hold: what an administrator decided for good comes before what
//! passes by itself or what the person can mend. `disabled`, `account_expired`, `locked`, `must_change`,
//! `password_expired`, `logon_hours`, and last `not_allowed` for a password where a smart card is demanded.
//!
//! **Invariant:** one function decides for every method and both back ends; the present moment is an argument.

use domain::outcome::Refusal;
use domain::reason::Reason;
use domain::timestamp::Timestamp;
use postern_proto::directory::Method;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[cfg(test)]
mod tests;

/// What the directory says about an account's right to sign in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountState {
    /// An administrator switched the account off (`ACCOUNTDISABLE`).
    pub disabled: bool,
    /// Locked out after failed attempts.
    pub locked: bool,
    /// The end of the account; `None` for an account without end.
    pub expires: Option<Timestamp>,
    /// The password must be changed before the next sign-in (`pwdLastSet` is 0).
    pub must_change: bool,
    /// The password is older than the domain allows.
    pub password_expired: bool,
    /// When the account may sign in; `None` for always.
    pub logon_hours: Option<LogonHours>,
    /// Only smart cards may sign in (`SMARTCARD_REQUIRED`). Nobody knows such an account's password, so its age means
    /// nothing.
    pub smart_card_required: bool,
}

impl AccountState {
    /// Why the account may not sign in by `method` at `now`; `None` when it may. The order is the module's.
    #[must_use]
    pub fn refusal(&self, method: Method, now: Timestamp) -> Option<Refusal> {
        if self.disabled {
            return Some(Reason::Disabled.into());
        }
        if let Some(end) = self.expires.filter(|end| *end <= now) {
            return Some(Refusal::because(
                Reason::AccountExpired,
                format!("the account ended on {}", date(end)),
            ));
        }
        if self.locked {
            return Some(Reason::Locked.into());
        }
        if self.must_change && !self.smart_card_required {
            return Some(Reason::MustChange.into());
        }
        if self.password_expired && !self.smart_card_required {
            return Some(Reason::PasswordExpired.into());
        }
        if self
            .logon_hours
            .as_ref()
            .is_some_and(|hours| !hours.permit(now))
        {
            return Some(Reason::LogonHours.into());
        }
        if self.smart_card_required && method == Method::Password {
            return Some(Refusal::because(
                Reason::NotAllowed,
                "the account must sign in with a smart card (SMARTCARD_REQUIRED)",
            ));
        }
        None
    }
}

/// The hours of the week an account may sign in, in UTC (MS-ADA1 2.386): one bit an hour from Sunday 00:00, the lowest
/// bit of a byte first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct LogonHours([u8; 21]);

/// Bytes that are no week of hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("logon hours have 21 bytes")]
pub struct InvalidLogonHours;

impl LogonHours {
    /// Whether signing in is permitted at `now`.
    #[must_use]
    pub fn permit(&self, now: Timestamp) -> bool {
        // 1970-01-01 was a Thursday, four days after a Sunday.
        let hour_of_week = (now.0 / 3600 + 4 * 24) % (7 * 24);
        let byte = usize::try_from(hour_of_week / 8)
            .ok()
            .and_then(|index| self.0.get(index));
        byte.is_some_and(|byte| byte >> (hour_of_week % 8) & 1 == 1)
    }
}

impl TryFrom<&[u8]> for LogonHours {
    type Error = InvalidLogonHours;

    fn try_from(bytes: &[u8]) -> Result<Self, InvalidLogonHours> {
        bytes.try_into().map(Self).map_err(|_| InvalidLogonHours)
    }
}

impl TryFrom<Vec<u8>> for LogonHours {
    type Error = InvalidLogonHours;

    fn try_from(bytes: Vec<u8>) -> Result<Self, InvalidLogonHours> {
        bytes.as_slice().try_into()
    }
}

impl From<LogonHours> for Vec<u8> {
    fn from(hours: LogonHours) -> Self {
        hours.0.to_vec()
    }
}

/// The day of a moment, UTC, as people write it in files.
fn date(moment: Timestamp) -> String {
    i64::try_from(moment.0)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .map_or_else(
            || "an unknown day".to_owned(),
            |moment| moment.date().to_string(),
        )
}
