//! `postern connection`: what is set up.

use clap::Subcommand;
use http::Method;

use super::AdminArguments;
use super::admin::{Admin, Failure, print_table};
use crate::terminal::say;

/// What to do with connections.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show all connections
    List {
        #[command(flatten)]
        admin: AdminArguments,
    },
    /// Show one connection whole
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        admin: AdminArguments,
    },
}

impl Command {
    /// Where and how to ask.
    #[must_use]
    pub(crate) const fn admin(&self) -> &AdminArguments {
        match self {
            Self::List { admin } | Self::Show { admin, .. } => admin,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// When it was refused or could not be asked.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let admin = Admin::open(self.admin())?;
        match self {
            Self::List { .. } => {
                let answer = admin.ask(Method::GET, &["connections"], &[], None).await?;
                let columns = [
                    ("name", "NAME"),
                    ("display_name", "SHOWN AS"),
                    ("methods", "METHODS"),
                    ("ranges", "RANGES"),
                ];
                print_table(&answer, &columns, admin.json);
            }
            Self::Show { name, .. } => {
                let answer = admin
                    .ask(Method::GET, &["connections", name], &[], None)
                    .await?;
                if admin.json {
                    say!("{answer}");
                } else {
                    say!("{answer:#}");
                }
            }
        }
        Ok(())
    }
}
