//! `postern instances`: who is alive, and how far behind.

use clap::Args;
use http::Method;

use super::AdminArguments;
use super::admin::{Admin, Failure, print_table};

/// Arguments of `postern instances`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where and how to ask.
    #[command(flatten)]
    pub admin: AdminArguments,
}

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// When it was refused or could not be asked.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let admin = Admin::open(&self.admin)?;
        let answer = admin.ask(Method::GET, &["instances"], &[], None).await?;
        let columns = [
            ("role", "ROLE"),
            ("id", "ID"),
            ("version", "VERSION"),
            ("address", "ADDRESS"),
            ("revision", "REVISION"),
            ("age_s", "AGE (S)"),
            ("state", "STATE"),
        ];
        print_table(&answer, &columns, admin.json);
        Ok(())
    }
}
