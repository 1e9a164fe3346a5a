//! `postern settings`: what is in force, where it came from, and what it means.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use runtime::settings::effective;

use crate::settings::{Certval, Control, Directory, Gateway};
use crate::terminal::say;

/// A role, as named on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    /// The edge.
    Gateway,
    /// Certificate validation.
    Certval,
    /// The directory service.
    Directory,
    /// The writer of live configuration.
    Control,
}

/// Arguments of `postern settings`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Whose settings
    pub role: Role,
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE", env = "POSTERN_SETTINGS")]
    pub settings: Option<PathBuf>,
}

impl Arguments {
    /// Prints them.
    ///
    /// # Errors
    /// When the settings cannot be used: which key, where it stands, and what is meant.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let file = self.settings.as_deref();
        let effective = match self.role {
            Role::Gateway => effective::<Gateway>(file),
            Role::Certval => effective::<Certval>(file),
            Role::Directory => effective::<Directory>(file),
            Role::Control => effective::<Control>(file),
        }?;
        say!("{effective}");
        Ok(())
    }
}
