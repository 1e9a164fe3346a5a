//! `postern ca`: the authorities of a connection.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Subcommand;
use domain::digest::Digest;
use http::Method;
use runtime::private_files;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::admin::{Admin, Failure, print_table, print_write, waiting};
use super::{AdminArguments, ReadArguments, WriteArguments};

/// Most bytes of an uploaded file.
const UPLOAD_LIMIT: usize = 1 << 20;

/// What to do with authorities.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Accept certificates of an authority
    Add {
        /// Its certificate, PEM or DER
        file: PathBuf,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// No longer accept an authority; ends the sign-ins and sessions it vouched for
    Remove {
        /// SHA-256 of its certificate or key, or the file it was added from
        fingerprint: String,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// Show the authorities
    List(ReadArguments),
}

impl Command {
    /// Where and how to ask.
    #[must_use]
    pub(crate) const fn admin(&self) -> &AdminArguments {
        match self {
            Self::Add { write, .. } | Self::Remove { write, .. } => &write.admin,
            Self::List(read) => &read.admin,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// When it was refused or could not be asked.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let admin = Admin::open(self.admin())?;
        match self {
            Self::Add { file, write } => {
                let upload = private_files::read_public(file, UPLOAD_LIMIT)?;
                let path = ["connections", &write.connection, "authorities"];
                let body = ("application/octet-stream", Bytes::from(upload));
                let answer = admin
                    .ask(Method::POST, &path, &waiting(write.wait), Some(body))
                    .await?;
                print_write(&answer, admin.json, write.wait)?;
            }
            Self::Remove { fingerprint, write } => {
                let fingerprint = fingerprint_of(fingerprint)?;
                let path = [
                    "connections",
                    &write.connection,
                    "authorities",
                    &fingerprint,
                ];
                let answer = admin
                    .ask(Method::DELETE, &path, &waiting(write.wait), None)
                    .await?;
                print_write(&answer, admin.json, write.wait)?;
            }
            Self::List(read) => {
                let path = ["connections", &read.connection, "authorities"];
                let answer = admin.ask(Method::GET, &path, &[], None).await?;
                let columns = [
                    ("name", "NAME"),
                    ("fingerprint", "SHA-256"),
                    ("not_after", "VALID UNTIL"),
                ];
                print_table(&answer, &columns, admin.json);
            }
        }
        Ok(())
    }
}

/// What the API knows an authority by: the text itself, or the SHA-256 of the certificate in the file of that name.
fn fingerprint_of(named: &str) -> Result<String, Failure> {
    let path = Path::new(named);
    if !path.is_file() {
        return Ok(named.to_owned());
    }
    let content = private_files::read_public(path, UPLOAD_LIMIT)?;
    let certificate = CertificateDer::from_pem_slice(&content).map(|der| der.to_vec());
    Ok(Digest::of(&certificate.unwrap_or(content)).to_string())
}
