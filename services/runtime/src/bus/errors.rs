//! Why the bus did not do what it was asked.
//!
//! **Invariant:** "could not be asked" and "asked, and the answer is no" are
//! different values.

/// The bus could not be asked, or did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the bus could not {operation}")]
pub struct BusUnavailable {
    /// What was tried, as a verb: "read", "put".
    pub operation: &'static str,
    /// Why it did not succeed.
    #[source]
    pub cause: Cause,
}

impl BusUnavailable {
    /// `operation` failed because of `cause`.
    pub fn new(operation: &'static str, cause: Cause) -> Self {
        Self { operation, cause }
    }

    pub(crate) fn other(
        operation: &'static str,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(operation, Cause::Failed(error.into()))
    }
}

/// Why an operation could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// There is no connection.
    #[error("the bus is away")]
    Away,
    /// No answer came in time. A write may have happened.
    #[error("no answer came in time")]
    Deadline,
    /// Nobody serves the subject, or the asker is gone.
    #[error("nobody is there")]
    NobodyThere,
    /// The key, subject or blob name has a form that not every bus can hold.
    #[error("the name is not valid")]
    InvalidName,
    /// The bus holds a part of the blob only.
    #[error("the blob is incomplete")]
    Incomplete,
    /// The bus answered with an error.
    #[error("the bus answered with an error")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A write that is not known to have happened.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Another value stands there. Nothing was written.
    #[error("another value stands there")]
    Conflict,
    /// The value is too large. Nothing was written.
    #[error("{size} bytes are more than the {limit} allowed")]
    TooLarge {
        /// The value's size in bytes.
        size: usize,
        /// The largest allowed, in bytes.
        limit: usize,
    },
    /// The bus could not be asked. Whether the value was written is unknown.
    #[error(transparent)]
    Unavailable(#[from] BusUnavailable),
}
