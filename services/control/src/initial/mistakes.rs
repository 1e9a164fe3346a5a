//! What is wrong with an initial configuration, for the person who wrote it.
//!
//! **Invariant:** a mistake names its key and says what to do; content of files with secrets is never repeated.

use std::error::Error;
use std::fmt;

use runtime::telemetry::chain;

use crate::change::nearest;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, like `connections[0].ranges[1]`; empty for the whole.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do; empty where the problem says it.
    pub what_to_do: String,
}

/// Everything that is wrong with one initial configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    /// The file.
    pub origin: String,
    /// What is wrong with it, in its order.
    pub mistakes: Vec<Mistake>,
}

/// Why there is no first revision.
#[derive(Debug, thiserror::Error)]
pub enum InitialError {
    /// The initial configuration is wrong; only its author can help.
    #[error("{0}")]
    Mistakes(Mistakes),
    /// Something it takes is not there now; it can be tried again.
    #[error("the first revision cannot be made now: {0}")]
    Unavailable(String),
}

impl Mistake {
    /// A mistake at `key`.
    #[must_use]
    pub fn new(
        key: impl Into<String>,
        problem: impl Into<String>,
        what_to_do: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
            what_to_do: what_to_do.into(),
        }
    }

    /// A file that cannot be read, with what the system said about it.
    pub(super) fn of_file(key: &str, error: &dyn Error) -> Self {
        Self::new(key, chain(error), "")
    }

    /// TOML that is none, or has keys nobody knows.
    pub(super) fn of_syntax(error: &toml::de::Error) -> Self {
        let what_to_do = unknown_key(error.message()).unwrap_or_default();
        Self::new("", error.to_string().trim_end().to_owned(), what_to_do)
    }
}

/// For "unknown field `x`, expected one of `a`, `b`": the expected one most like `x`.
fn unknown_key(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let given = quoted.next()?;
    nearest(given, quoted).map(|nearest| format!("did you mean `{nearest}`?"))
}

impl Mistakes {
    /// One mistake alone.
    pub(super) fn one(origin: &str, mistake: Mistake) -> Self {
        Self {
            origin: origin.to_owned(),
            mistakes: vec![mistake],
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(formatter, "{}: ", self.key)?;
        }
        formatter.write_str(&self.problem)?;
        if !self.what_to_do.is_empty() {
            write!(formatter, "; {}", self.what_to_do)?;
        }
        Ok(())
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let end = if index + 1 < self.mistakes.len() {
                "\n"
            } else {
                ""
            };
            write!(formatter, "{}: {mistake}{end}", self.origin)?;
        }
        Ok(())
    }
}

impl Error for Mistakes {}
