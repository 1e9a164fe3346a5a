//! From entries that a search brought back to the one person that was asked for.
//!
//! **Invariant:** the only place of this crate that states a [`Person`]: exactly one entry, of exactly the name, with the
//! security identifier the certificate promised, whose state was judged.

use domain::account::{AccountId, AccountName, Person, Profile, Sid};
use domain::outcome::Verdict;
use domain::reason::Reason;
use domain::timestamp::Timestamp;
use postern_proto::directory::{Method, Who};

use crate::state::AccountState;

#[cfg(test)]
mod tests;

/// One person's entry as a directory returned it, not yet known to be the one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// objectGUID.
    pub id: AccountId,
    /// objectSid; a demonstration directory may have none.
    pub sid: Option<Sid>,
    /// sAMAccountName as the directory spells it.
    pub account: String,
    /// displayName.
    pub display_name: Option<String>,
    /// givenName.
    pub given_name: Option<String>,
    /// sn.
    pub family_name: Option<String>,
    /// mail.
    pub email: Option<String>,
    /// userPrincipalName.
    pub user_principal_name: Option<String>,
    /// What decides whether the account may sign in.
    pub state: AccountState,
}

/// The only one of what was found: none is `not_in_directory`, several are `ambiguous_account`.
pub fn the_only<T>(found: Vec<T>) -> Verdict<T> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Verdict::Accepted(one),
        (None, _) => Verdict::refused(Reason::NotInDirectory),
        (Some(_), Some(_)) => Verdict::refused(Reason::AmbiguousAccount),
    }
}

/// The entry, if it is the one that was asked for by name or identifier.
pub fn identified(candidate: Candidate, who: &Who) -> Verdict<Identified> {
    // Names that this product cannot carry further are no person's, whatever the question was.
    let Ok(account) = candidate.account.parse::<AccountName>() else {
        return Verdict::refused_because(
            Reason::NotInDirectory,
            "the entry's sAMAccountName is not a person's account name",
        );
    };
    match who {
        Who::Certificate {
            account: asked,
            sid,
        } => {
            if !asked.is_exactly(&candidate.account) {
                // Active Directory finds `bjorn` for `björn`; that is another person.
                return Verdict::refused_because(
                    Reason::NotInDirectory,
                    "the directory found an account of a similar name only",
                );
            }
            if sid.is_some() && *sid != candidate.sid {
                return Verdict::refused(Reason::SidMismatch);
            }
        }
        Who::Account(asked) => {
            if *asked != candidate.id {
                return Verdict::refused(Reason::NotInDirectory);
            }
        }
    }
    Verdict::Accepted(Identified { account, candidate })
}

/// The one entry that was asked for. Its state is not judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    account: AccountName,
    candidate: Candidate,
}

impl Identified {
    /// The entry.
    #[must_use]
    pub const fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// The entry, if its account may sign in by `method` at `now`.
    pub fn live(self, method: Method, now: Timestamp) -> Verdict<Live> {
        match self.candidate.state.refusal(method, now) {
            Some(refusal) => Verdict::Refused(refusal),
            None => Verdict::Accepted(Live(self)),
        }
    }
}

/// The one entry that was asked for, of an account that may sign in now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live(Identified);

impl Live {
    /// The entry.
    #[must_use]
    pub const fn candidate(&self) -> &Candidate {
        self.0.candidate()
    }

    /// The person, in these groups.
    #[must_use]
    pub fn person(self, mut groups: Vec<String>) -> Person {
        let Identified { account, candidate } = self.0;
        groups.sort();
        groups.dedup();
        Person::assertion(Profile {
            id: candidate.id,
            display_name: candidate
                .display_name
                .unwrap_or_else(|| account.to_string()),
            account,
            given_name: candidate.given_name,
            family_name: candidate.family_name,
            email: candidate.email,
            user_principal_name: candidate.user_principal_name,
            groups,
        })
    }
}
