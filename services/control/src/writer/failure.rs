//! Why a change was not made, in words.
//!
//! **Invariant:** "nothing was changed" is said only where that is certain.

use runtime::live::{PublishError, PublisherError};
use runtime::telemetry::chain;

use crate::audit::AuditError;
use crate::change::{Kind, Refusal};

/// A change that was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteFailure {
    /// It cannot be made.
    Refused(Refusal),
    /// Somebody else changed the configuration meanwhile.
    Conflict {
        /// What happened, in words.
        detail: String,
    },
    /// Something of ours is away.
    Unavailable {
        /// What.
        detail: String,
        /// What to do.
        what_to_do: String,
    },
}

impl WriteFailure {
    /// How a change ended with it, as one word.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Conflict { .. } => "conflict",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// What happened, on one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Conflict { detail } => detail.clone(),
            Self::Unavailable { detail, what_to_do } => format!("{detail}; {what_to_do}"),
        }
    }
}

pub(super) fn conflict(seen: Option<u64>, current: u64) -> WriteFailure {
    let detail = match seen {
        Some(seen) => format!(
            "the change was meant for revision {seen}, and the configuration is at revision {current}"
        ),
        None => format!("the configuration is at revision {current} by now"),
    };
    WriteFailure::Conflict { detail }
}

pub(super) fn not_published(error: &PublishError) -> WriteFailure {
    let detail = chain(error);
    let what_to_do = match error {
        PublishError::Conflict { current } => return conflict(None, *current),
        PublishError::Invalid(_) => {
            let what_to_do = "nothing was changed; remove what is no longer needed";
            return WriteFailure::Refused(Refusal::new(
                Kind::InvalidConfiguration,
                detail,
                what_to_do,
            ));
        }
        PublishError::Unavailable(_) => "nothing was changed; try again when the bus is back",
        PublishError::Unconfirmed { .. } => {
            "it takes effect when the bus is back, unless another change came first: look at the history before sending it again"
        }
        PublishError::Ahead { .. } => {
            "nothing was changed; restore control's data folder from a backup"
        }
        PublishError::Store(_) => {
            "look at the disk of control's data folder, and at the history before sending it again"
        }
    };
    WriteFailure::Unavailable {
        detail,
        what_to_do: what_to_do.to_owned(),
    }
}

pub(super) fn unrecorded(error: &AuditError) -> WriteFailure {
    WriteFailure::Unavailable {
        detail: chain(error),
        what_to_do: "nothing was changed, because it could not be recorded; look at the disk of control's data folder".to_owned(),
    }
}

pub(super) fn unreadable(error: &PublisherError) -> WriteFailure {
    WriteFailure::Unavailable {
        detail: chain(error),
        what_to_do: "look at the disk of control's data folder".to_owned(),
    }
}
