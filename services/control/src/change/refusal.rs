//! Why a change was not made, in words an administrator can act on.
//!
//! **Invariant:** a refusal quotes at most 64 characters of what was sent, and never a secret.

use std::fmt::Display;

use domain::configuration::Configuration;
use domain::connection::ConnectionName;

/// How many characters of a caller's own text are repeated to them.
const SHOWN: usize = 64;

/// The kind of a refusal; each is one problem type of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No connection of this name.
    UnknownConnection,
    /// No such authority at the connection.
    UnknownAuthority,
    /// No such range at the connection.
    UnknownRange,
    /// What was to be added stands there already.
    AlreadyThere,
    /// The abbreviated fingerprint fits more than one authority.
    AmbiguousFingerprint,
    /// The change lets everybody in and must be confirmed.
    ConfirmationNeeded,
    /// A certificate that cannot be used for this.
    UnusableCertificate,
    /// A private key where certificates belong.
    PrivateKey,
    /// A value that cannot be read.
    Unreadable,
    /// The configuration as a whole would not be valid.
    InvalidConfiguration,
}

/// A change that was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}; {what_to_do}")]
pub struct Refusal {
    /// Its kind.
    pub kind: Kind,
    /// What is wrong, in this case.
    pub detail: String,
    /// What to do about it.
    pub what_to_do: String,
}

impl Refusal {
    /// A refusal of `kind`.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            what_to_do: what_to_do.into(),
        }
    }

    /// A value that cannot be read.
    #[must_use]
    pub fn unreadable(problem: impl Display, what_to_do: impl Into<String>) -> Self {
        Self::new(Kind::Unreadable, problem.to_string(), what_to_do)
    }

    /// No connection is called `name`; names the nearest.
    #[must_use]
    pub fn unknown_connection(configuration: &Configuration, name: &str) -> Self {
        let names = configuration.connections.keys().map(ConnectionName::as_str);
        let what_to_do = match nearest(name, names) {
            Some(nearest) => {
                format!("did you mean `{nearest}`? `postern connection list` shows all")
            }
            None => "`postern connection list` shows all".to_owned(),
        };
        let detail = format!("there is no connection called `{}`", shown(name));
        Self::new(Kind::UnknownConnection, detail, what_to_do)
    }

    pub(super) fn invalid(problems: &[String]) -> Self {
        Self::new(
            Kind::InvalidConfiguration,
            problems.join("; "),
            "nothing was changed; correct this and send it again",
        )
    }
}

/// The word most like `given`, if any is alike at all.
#[must_use]
pub fn nearest<'a>(given: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = shown(given).to_lowercase();
    words
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&given, &word.to_lowercase()), word))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word)
}

/// The beginning of a caller's text, without control characters.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars()
        .filter(|each| !each.is_control())
        .take(SHOWN)
        .collect()
}
