//! What a domain controller's answer to a bind means.
//!
//! Active Directory answers every failed bind with `invalidCredentials` and says the true cause in its diagnostic text:
//! `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1`. It names 530 to 533, 701 and
//! 773 to somebody who knows the password only, so they may be passed on. It names 775 to everybody: whoever shows
//! `locked` to a stranger says that the account exists.
//!
//! **Invariant:** an answer that is not understood is not a yes.

use domain::outcome::Refusal;
use domain::reason::Reason;

#[cfg(test)]
mod tests;

const SUCCESS: u32 = 0;
const INVALID_CREDENTIALS: u32 = 49;

/// What became of a bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// The directory accepted name and password.
    Yes,
    /// It refused them. The code is the directory's own, for the log.
    No {
        /// The reason in the stable table.
        refusal: Refusal,
        /// The sub-code, like 0x52e.
        code: Option<u32>,
    },
    /// It could not tell.
    Unknown,
}

/// What a bind's result code and diagnostic text mean.
#[must_use]
pub fn meaning(result_code: u32, text: &str) -> Bound {
    match result_code {
        SUCCESS => Bound::Yes,
        INVALID_CREDENTIALS => {
            let code = sub_code(text);
            Bound::No {
                refusal: refusal(code),
                code,
            }
        }
        _ => Bound::Unknown,
    }
}

fn refusal(code: Option<u32>) -> Refusal {
    match code {
        Some(0x530) => Reason::LogonHours.into(),
        Some(0x531) => Refusal::because(
            Reason::NotAllowed,
            "the account may sign in at certain workstations only",
        ),
        Some(0x532) => Reason::PasswordExpired.into(),
        Some(0x533) => Reason::Disabled.into(),
        Some(0x52f) => Refusal::because(Reason::NotAllowed, "a restriction of the account (52f)"),
        Some(0x569) => Refusal::because(
            Reason::NotAllowed,
            "the account lacks the right to sign in (569)",
        ),
        Some(0x701) => Reason::AccountExpired.into(),
        Some(0x773) => Reason::MustChange.into(),
        Some(0x775) => Reason::Locked.into(),
        // 52e and 525 (no such user) among them: which of the two is never told.
        _ => Reason::WrongCredentials.into(),
    }
}

/// The number after `data ` in the diagnostic text.
fn sub_code(text: &str) -> Option<u32> {
    let (_, after) = text.split_once("data ")?;
    let digits = after.split(|each: char| !each.is_ascii_hexdigit()).next()?;
    u32::from_str_radix(digits, 16).ok()
}
