//! The three outcomes every question in Postern can have.
//!
//! **Invariant:** "could not check" is its own outcome and never folds into a yes or a no.

use serde::{Deserialize, Serialize};

use crate::reason::{Fault, Reason};

/// The answer to a question that could be decided: a yes that carries its proof, or a no with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict<T> {
    /// Yes; the value proves it.
    Accepted(T),
    /// No, for a reason on the user's side.
    Refused(Refusal),
}

/// A no on the user's side: a stable code, and facts of this one case for the help desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The stable code.
    pub reason: Reason,
    /// Facts of this case for the help desk ("expired on 2026-05-03"). Never a secret; empty when there is nothing to add.
    pub detail: String,
}

impl Refusal {
    /// A refusal with nothing to add to its code.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            detail: String::new(),
        }
    }

    /// A refusal with the facts of this case.
    #[must_use]
    pub fn because(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

/// A failure on our side: the question could not be decided now. The user may try again; nobody is let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}: {detail}")]
pub struct Unavailable {
    /// Which part of ours could not answer.
    pub fault: Fault,
    /// For the log; never shown to a user.
    pub detail: String,
}

impl Unavailable {
    /// An unavailability of `fault` with a detail for the log.
    #[must_use]
    pub fn new(fault: Fault, detail: impl Into<String>) -> Self {
        Self {
            fault,
            detail: detail.into(),
        }
    }
}

impl<T> Verdict<T> {
    /// Refused with nothing to add to the code.
    pub fn refused(reason: Reason) -> Self {
        Self::Refused(Refusal::new(reason))
    }

    /// Refused with the facts of this case.
    pub fn refused_because(reason: Reason, detail: impl Into<String>) -> Self {
        Self::Refused(Refusal::because(reason, detail))
    }

    /// The same verdict about something made of the accepted value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Accepted(value) => Verdict::Accepted(make(value)),
            Self::Refused(refusal) => Verdict::Refused(refusal),
        }
    }
}
