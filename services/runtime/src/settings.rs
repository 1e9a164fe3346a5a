//! What an operator sets before a process starts: a TOML file and
//! `POSTERN__SECTION__KEY` variables over documented defaults.
//!
//! A settings type brings a table of its keys ([`Settings::sections`]). The
//! defaults, the check for unknown keys, the printed effective settings and
//! the documentation page all come from that one table; a service tests it
//! with [`disagreements`].
//!
//! **Invariant:** no key is read that the table does not document, no key is
//! ignored because it is misspelt, and no secret is a setting: secrets come
//! from files whose paths are settings.

mod agreement;
mod key;
mod page;
mod sources;
#[cfg(test)]
mod tests;

pub use agreement::disagreements;
pub use key::{Key, Section};
pub use page::page;
pub use sources::{Effective, Entry, Origin, Sources};

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// The prefix of the variables that are settings.
pub const PREFIX: &str = "POSTERN__";

/// A type that settings are loaded into. Fields are plain (no
/// `#[serde(default)]`): every default stands in the table.
pub trait Settings: DeserializeOwned {
    /// The table of keys, section by section.
    fn sections() -> Vec<Section>;
}

/// The settings of this process.
///
/// # Errors
/// [`SettingsError`], each naming the key and where it came from.
pub fn load<T: Settings>(file: Option<&Path>) -> Result<T, SettingsError> {
    Sources::of_process(file)?.load()
}

/// The settings of this process key by key with where each came from, for
/// `postern settings`.
///
/// # Errors
/// As [`load`].
pub fn effective<T: Settings>(file: Option<&Path>) -> Result<Effective, SettingsError> {
    Sources::of_process(file)?.effective::<T>()
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("failed to read the settings file")]
    File(#[source] crate::private_files::PrivateFileError),
    /// The file is not TOML.
    #[error("{} is not valid TOML", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        #[source]
        source: config::ConfigError,
    },
    /// Keys that no table documents, each with the nearest one that is.
    #[error("{}", lines(.0))]
    Unknown(Vec<UnknownKey>),
    /// A value that does not fit its key, or a key without a value.
    #[error("a setting does not fit")]
    Invalid(#[source] config::ConfigError),
}

/// A key that no table documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// The key as given, in its dotted form.
    pub key: String,
    /// Where it was given: a file, or the variable's name.
    pub origin: Origin,
    /// The documented key that is spelt most like it.
    pub nearest: Option<String>,
}

impl std::fmt::Display for UnknownKey {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            key,
            origin,
            nearest,
        } = self;
        write!(to, "unknown setting `{key}` in {origin}")?;
        match nearest {
            Some(nearest) => write!(to, "; did you mean `{nearest}`?"),
            None => write!(to, "; `postern settings` lists all"),
        }
    }
}

fn lines(unknown: &[UnknownKey]) -> String {
    let lines: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
