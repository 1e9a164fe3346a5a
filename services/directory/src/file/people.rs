//! What a directory file says.
//!
//! **Invariant:** a field that is not known is an error, so that a misspelt `disabled` does not let anybody in.

use std::collections::{BTreeMap, BTreeSet};

use domain::account::{AccountId, AccountName, Sid};
use postern_proto::directory::Who;
use runtime::random::{Randomness, RandomnessUnavailable};
use serde::{Deserialize, Serialize};

use super::hash::PasswordHash;
use crate::candidate::Candidate;
use crate::password::Password;
use crate::state::AccountState;

/// Everything in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The people.
    pub persons: Vec<FilePerson>,
    /// Groups that are themselves in groups: the name of one, and what it is in.
    #[serde(default)]
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePerson {
    /// sAMAccountName.
    pub account: AccountName,
    /// objectGUID.
    pub id: AccountId,
    /// objectSid; without one, a certificate that names one is refused.
    #[serde(default)]
    pub sid: Option<Sid>,
    /// displayName.
    #[serde(default)]
    pub display_name: Option<String>,
    /// givenName.
    #[serde(default)]
    pub given_name: Option<String>,
    /// sn.
    #[serde(default)]
    pub family_name: Option<String>,
    /// mail.
    #[serde(default)]
    pub email: Option<String>,
    /// userPrincipalName.
    #[serde(default)]
    pub user_principal_name: Option<String>,
    /// The groups the person is in directly.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// The password's hash; without one, no password is the person's.
    #[serde(default)]
    pub password: Option<PasswordHash>,
    /// What decides whether the account may sign in; live when left out.
    #[serde(default)]
    pub state: AccountState,
}

impl FilePerson {
    /// A live person with a password given in clear. Takes a fraction of a second.
    ///
    /// # Errors
    /// When there is no randomness for the salt.
    pub fn new(
        account: AccountName,
        id: AccountId,
        password: &Password,
        randomness: &(impl Randomness + ?Sized),
    ) -> Result<Self, RandomnessUnavailable> {
        Ok(Self {
            account,
            id,
            sid: None,
            display_name: None,
            given_name: None,
            family_name: None,
            email: None,
            user_principal_name: None,
            groups: BTreeSet::new(),
            password: Some(PasswordHash::new(password, randomness)?),
            state: AccountState::default(),
        })
    }

    fn candidate(&self) -> Candidate {
        Candidate {
            id: self.id,
            sid: self.sid.clone(),
            account: self.account.to_string(),
            display_name: self.display_name.clone(),
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            email: self.email.clone(),
            user_principal_name: self.user_principal_name.clone(),
            state: self.state.clone(),
        }
    }
}

/// The file's text. It belongs into a private file (mode 0600, folder 0700).
///
/// # Errors
/// Never for what these types can hold; the encoder's signature says so.
pub fn render(directory: &Directory) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(directory)
}

impl Directory {
    /// Whoever answers to `who`.
    pub(super) fn candidates(&self, who: &Who) -> Vec<Candidate> {
        self.persons
            .iter()
            .filter(|person| match who {
                Who::Certificate { account, .. } => account.is_exactly(person.account.as_str()),
                Who::Account(id) => person.id == *id,
            })
            .map(FilePerson::candidate)
            .collect()
    }

    /// The hash of the person's password.
    pub(super) fn password_of(&self, id: AccountId) -> Option<PasswordHash> {
        self.persons
            .iter()
            .find(|person| person.id == id)?
            .password
            .clone()
    }

    /// All groups the person is in, nested ones too.
    pub(super) fn groups_of(&self, id: AccountId) -> Vec<String> {
        let mut found = BTreeSet::new();
        let direct = self.persons.iter().filter(|person| person.id == id);
        let mut next: Vec<&String> = direct.flat_map(|person| &person.groups).collect();
        while let Some(group) = next.pop() {
            // Groups may contain each other; each is followed once.
            if found.insert(group.clone()) {
                next.extend(self.groups.get(group).into_iter().flatten());
            }
        }
        found.into_iter().collect()
    }
}
