//! The PKI of the mesh: one internal authority, one certificate per role, and certificates for outsiders.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use runtime::private_files::{self, PRIVATE, PUBLIC};

use super::{Authority, Issued, Kind};

/// The roles that get a certificate, and the bus server beside them.
pub(crate) const NAMES: [&str; 5] = ["gateway", "certval", "directory", "control", "nats"];

const AUTHORITY_CERTIFICATE: &str = "mesh-ca.pem";
const AUTHORITY_KEY: &str = "mesh-ca.key";
const KEY_LIMIT: usize = 16 << 10;

/// Makes the authority and a certificate for every role in `folder`. What is there already is kept; missing
/// certificates are added.
///
/// # Errors
/// When the folder cannot be written, or holds an authority without its key.
pub(crate) fn create(folder: &Path, now: SystemTime) -> Result<()> {
    private_files::create_folder(folder)?;
    let authority = if folder.join(AUTHORITY_KEY).exists() {
        load(folder, now)?
    } else if folder.join(AUTHORITY_CERTIFICATE).exists() {
        bail!(
            "{} holds {AUTHORITY_CERTIFICATE} but not {AUTHORITY_KEY}: restore the key, or choose another folder",
            folder.display()
        );
    } else {
        let (authority, issued) = Authority::create(Kind::Mesh, now)?;
        write(folder, "mesh-ca", &issued)?;
        authority
    };
    for name in NAMES {
        if !folder.join(format!("{name}.key")).exists() {
            write(
                folder,
                name,
                &authority.peer(&[&format!("{name}.mesh.internal")], now)?,
            )?;
        }
    }
    Ok(())
}

/// Makes a client certificate for an outsider called `name`, with the single dNSName `<name>.client.mesh.internal`.
///
/// # Errors
/// When the name is not one DNS label, is taken, or the folder holds no authority.
pub(crate) fn create_client(folder: &Path, name: &str, now: SystemTime) -> Result<()> {
    let good = |each: u8| each.is_ascii_lowercase() || each.is_ascii_digit() || each == b'-';
    if name.is_empty() || name.len() > 63 || !name.bytes().all(good) || name.starts_with('-') {
        bail!(
            "`{name}` cannot be a client's name: use up to 63 lower-case letters, digits and `-`"
        );
    }
    let file = format!("{name}.client");
    if folder.join(format!("{file}.key")).exists() {
        bail!(
            "{} exists already: remove it first, or choose another name",
            folder.join(file).display()
        );
    }
    let authority = load(folder, now)?;
    write(
        folder,
        &file,
        &authority.peer(&[&format!("{name}.client.mesh.internal")], now)?,
    )
}

fn load(folder: &Path, now: SystemTime) -> Result<Authority> {
    let key = private_files::read(&folder.join(AUTHORITY_KEY), KEY_LIMIT).with_context(|| {
        format!(
            "{} holds no mesh authority: run `postern pki mesh`",
            folder.display()
        )
    })?;
    Authority::from_key(Kind::Mesh, std::str::from_utf8(&key)?, now)
}

fn write(folder: &Path, name: &str, issued: &Issued) -> Result<()> {
    private_files::write_atomically(
        &folder.join(format!("{name}.key")),
        issued.key.as_bytes(),
        PRIVATE,
    )?;
    private_files::write_atomically(
        &folder.join(format!("{name}.pem")),
        issued.certificate.as_bytes(),
        PUBLIC,
    )?;
    Ok(())
}
