//! What an operator sets for the directory role before it starts.
//!
//! **Invariant:** nothing here changes while the process runs; connections, their servers and bind secrets are part of
//! the live configuration.

use std::path::PathBuf;
use std::time::Duration;

use runtime::settings::{Key, Section};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The settings of the section `directory`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The directory file of connections that have one instead of Active Directory. No default.
    pub file: Option<PathBuf>,
    /// Milliseconds to reach a domain controller: TCP, StartTLS where it applies, and the TLS handshake. Default 750.
    ///
    /// Together with [`Self::operation_ms`] less than half of the gateway's `directory_deadline_ms` (default 4000): a
    /// gateway gives the first of several directory instances half of its time, and a silent controller should be noticed
    /// within it.
    pub connect_ms: u64,
    /// Milliseconds for one LDAP operation. Default 1000.
    pub operation_ms: u64,
    /// Milliseconds for a whole question, with every operation and a second domain controller; less than the gateway's
    /// `directory_deadline_ms`. Default 3500.
    pub question_ms: u64,
    /// Most connections that are kept open to the domain controllers of one connection. Default 8.
    pub pool: u16,
}

/// The table of keys of [`Settings`].
pub const SECTION: Section = Section {
    name: "directory",
    doc: "The directory role: how it reaches Active Directory.",
    keys: &[
        Key {
            path: "file",
            default: "",
            doc: "The directory file of connections that have one instead of Active Directory.",
            secret: false,
        },
        Key {
            path: "connect_ms",
            default: "750",
            doc: "Milliseconds to reach a domain controller: TCP, StartTLS where it applies, and the TLS handshake. Together with operation_ms less than half of gateway.directory_deadline_ms, which is what one of several directory instances gets.",
            secret: false,
        },
        Key {
            path: "operation_ms",
            default: "1000",
            doc: "Milliseconds for one LDAP operation.",
            secret: false,
        },
        Key {
            path: "question_ms",
            default: "3500",
            doc: "Milliseconds for a whole question, with every operation and a second domain controller; less than gateway.directory_deadline_ms.",
            secret: false,
        },
        Key {
            path: "pool",
            default: "8",
            doc: "Most connections that are kept open to the domain controllers of one connection.",
            secret: false,
        },
    ],
};

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: None,
            connect_ms: 750,
            operation_ms: 1000,
            question_ms: 3500,
            pool: 8,
        }
    }
}

impl Settings {
    /// The deadlines among the settings.
    #[must_use]
    pub const fn deadlines(&self) -> Deadlines {
        Deadlines {
            connect: Duration::from_millis(self.connect_ms),
            operation: Duration::from_millis(self.operation_ms),
            question: Duration::from_millis(self.question_ms),
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// To reach a domain controller.
    pub connect: Duration,
    /// For one LDAP operation.
    pub operation: Duration,
    /// For a whole question.
    pub question: Duration,
}
