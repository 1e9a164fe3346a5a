//! `postern pki`: certificates and keys.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::pki::{keys, mesh, people};
use crate::terminal::say;

/// What to make.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make everything Postern's processes need to trust each other: the mesh, the snapshot keys, the seal keys
    Init(Folder),
    /// Make the internal authority and one certificate per role; what exists is kept
    Mesh(MeshArguments),
    /// Make a certificate for a person, signed by a small authority of the folder's own (for trying out)
    User {
        /// Account name, as in Active Directory
        name: String,
        #[command(flatten)]
        folder: Folder,
    },
}

/// Where files go.
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Folder for the files (made with mode 0700)
    #[arg(long = "dir", value_name = "DIR", default_value = "pki")]
    pub path: PathBuf,
}

/// Arguments of `postern pki mesh`.
#[derive(Debug, Args)]
pub(crate) struct MeshArguments {
    #[command(flatten)]
    folder: Folder,
    #[command(subcommand)]
    what: Option<MeshCommand>,
}

/// What else the mesh's authority can make.
#[derive(Debug, Subcommand)]
pub(crate) enum MeshCommand {
    /// Make a client certificate for an outsider
    Client {
        /// Its name
        name: String,
        #[command(flatten)]
        folder: Folder,
    },
}

impl Command {
    /// Makes it, and says where it is.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds what must not be overwritten.
    pub(crate) fn run(&self, now: SystemTime) -> Result<()> {
        match self {
            Self::Init(folder) => {
                mesh::create(&folder.path.join("mesh"), now)?;
                keys::create(&folder.path.join("keys"))?;
                say!(
                    "made {} and {}",
                    shown(&folder.path.join("mesh")),
                    shown(&folder.path.join("keys"))
                );
                say!(
                    "next: give each role its own files of these; only control gets keys/snapshot.key"
                );
            }
            Self::Mesh(MeshArguments { folder, what: None }) => {
                mesh::create(&folder.path, now)?;
                say!("the mesh's certificates are in {}", shown(&folder.path));
                say!(
                    "next: give each role mesh-ca.pem and its own two files; keep mesh-ca.key away from all of them"
                );
            }
            Self::Mesh(MeshArguments {
                what: Some(MeshCommand::Client { name, folder }),
                ..
            }) => {
                mesh::create_client(&folder.path, name, now)?;
                say!(
                    "made {}",
                    shown(&folder.path.join(format!("{name}.client.pem")))
                );
                say!(
                    "next: give it to a program that is to ask for health; the names that may are `probe` and `postern`"
                );
            }
            Self::User { name, folder } => {
                let name: domain::account::AccountName = name
                    .parse()
                    .with_context(|| format!("`{name}` is not an account name"))?;
                let made = people::create(&folder.path, name.as_str(), now)?;
                say!(
                    "made {} (password: {})",
                    shown(&made.keystore),
                    made.password
                );
                say!("next: import it into the browser, and accept its authority:");
                say!(
                    "  postern ca add {} --connection NAME",
                    made.authority.display()
                );
            }
        }
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
