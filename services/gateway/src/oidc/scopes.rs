//! What an application asks to know about a person.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A scope this provider knows. Others are ignored (OpenID Connect Core section 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// `openid`: `sub`.
    Openid,
    /// `profile`: `name`, `given_name`, `family_name`, `preferred_username`.
    Profile,
    /// `name`: the same claims, for applications that ask for them claim by claim.
    Name,
    /// `email`: `email`.
    Email,
    /// `groups`: `groups`.
    Groups,
}

impl Scope {
    /// Every scope, in the order they are published.
    pub const ALL: [Self; 5] = [
        Self::Openid,
        Self::Profile,
        Self::Name,
        Self::Email,
        Self::Groups,
    ];

    /// The scope's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openid => "openid",
            Self::Profile => "profile",
            Self::Name => "name",
            Self::Email => "email",
            Self::Groups => "groups",
        }
    }
}

/// The scopes of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// The known ones of a list separated by spaces.
    #[must_use]
    pub fn known(text: &str) -> Self {
        Self(
            text.split(' ')
                .filter_map(|name| Scope::ALL.into_iter().find(|scope| scope.name() == name))
                .collect(),
        )
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|scope| scope.name()).collect();
        formatter.write_str(&names.join(" "))
    }
}
