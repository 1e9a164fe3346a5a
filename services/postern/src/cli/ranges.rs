//! `postern range`: where certificates are asked for.

use bytes::Bytes;
use clap::Subcommand;
use domain::address::ClientAddress;
use domain::ranges::{Range, Ranges};
use http::Method;
use serde_json::{Value, json};

use super::admin::{Admin, Failure, print_table, print_write, waiting};
use super::{Address, AdminArguments, ReadArguments, WriteArguments};

/// What to do with ranges.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask addresses in these ranges for a certificate
    Add {
        /// Ranges, like 10.1.0.0/16 or 2001:db8::/32
        #[arg(required = true)]
        ranges: Vec<String>,
        /// Allow a range that covers every address
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// No longer ask addresses in these ranges
    Remove {
        /// Ranges as listed
        #[arg(required = true)]
        ranges: Vec<String>,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// Show the ranges
    List(ReadArguments),
    /// Say whether addresses would be asked
    Test {
        /// Addresses
        #[arg(required = true)]
        addresses: Vec<Address>,
        #[command(flatten)]
        read: ReadArguments,
    },
}

impl Command {
    /// Where and how to ask.
    #[must_use]
    pub(crate) const fn admin(&self) -> &AdminArguments {
        match self {
            Self::Add { write, .. } | Self::Remove { write, .. } => &write.admin,
            Self::List(read) | Self::Test { read, .. } => &read.admin,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// When it was refused or could not be asked.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let admin = Admin::open(self.admin())?;
        match self {
            Self::Add {
                ranges,
                confirm,
                write,
            } => {
                let mut query = waiting(write.wait);
                if *confirm {
                    query.push(("confirm", "true"));
                }
                change(&admin, Method::POST, ranges, write, &query).await?;
            }
            Self::Remove { ranges, write } => {
                change(&admin, Method::DELETE, ranges, write, &waiting(write.wait)).await?;
            }
            Self::List(read) => {
                let listed = list(&admin, read).await?;
                print_table(&listed, &[("range", "RANGE")], admin.json);
            }
            Self::Test { addresses, read } => {
                let ranges = parsed(&list(&admin, read).await?)?;
                let rows: Vec<Value> = addresses
                    .iter()
                    .map(|address| json!({"address": address, "asked": ranges.contains(ClientAddress::from(*address))}))
                    .collect();
                print_table(
                    &Value::Array(rows),
                    &[("address", "ADDRESS"), ("asked", "ASKED")],
                    admin.json,
                );
            }
        }
        Ok(())
    }
}

async fn change(
    admin: &Admin,
    method: Method,
    ranges: &[String],
    write: &WriteArguments,
    query: &[(&str, &str)],
) -> Result<(), Failure> {
    let path = ["connections", &write.connection, "ranges"];
    let body = (
        "application/json",
        Bytes::from(json!({ "ranges": ranges }).to_string()),
    );
    let answer = admin.ask(method, &path, query, Some(body)).await?;
    print_write(&answer, admin.json, write.wait)
}

async fn list(admin: &Admin, read: &ReadArguments) -> Result<Value, Failure> {
    admin
        .ask(
            Method::GET,
            &["connections", &read.connection, "ranges"],
            &[],
            None,
        )
        .await
}

fn parsed(listed: &Value) -> Result<Ranges, Failure> {
    let texts = listed
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row.get("range").and_then(Value::as_str));
    Ok(texts
        .map(str::parse::<Range>)
        .collect::<Result<Vec<_>, _>>()?
        .into())
}
