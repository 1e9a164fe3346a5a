//! Certificates of people, signed by a small authority in the same folder: for the demonstration and for trying out.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runtime::private_files::{self, PRIVATE, PUBLIC};
use runtime::random::{SystemRandomness, bytes};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::keystore::{Form, pkcs12};
use super::{Authority, Kind};

/// The authority's certificate.
pub(crate) const AUTHORITY: &str = "fabrikam-root.pem";
const AUTHORITY_KEY: &str = "fabrikam-root.key";
const PASSWORD: &str = "p12-password";
const LIMIT: usize = 64 << 10;

/// Where a person's new files are.
pub(crate) struct Made {
    /// The PKCS#12 file that browsers import.
    pub keystore: PathBuf,
    /// Its password.
    pub password: String,
    /// The authority's certificate.
    pub authority: PathBuf,
}

/// Makes `<name>.pem`, `.key`, `.p12` and `.legacy.p12` (for systems that read only 3DES), and the authority where the
/// folder has none yet.
///
/// # Errors
/// When the person has a certificate there already, or the folder cannot be used.
pub(crate) fn create(folder: &Path, name: &str, now: SystemTime) -> Result<Made> {
    private_files::create_folder(folder)?;
    let keystore = folder.join(format!("{name}.p12"));
    if keystore.exists() {
        bail!("{} exists already: move it away first", keystore.display());
    }
    let (authority, authority_der) = authority(folder, now)?;
    let password = password(folder)?;
    let issued = authority.user(name, now)?;
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    private_files::write_atomically(&file("key"), issued.key.as_bytes(), PRIVATE)?;
    private_files::write_atomically(&file("pem"), issued.certificate.as_bytes(), PUBLIC)?;
    for (ending, form) in [("legacy.p12", Form::Legacy), ("p12", Form::Modern)] {
        let store = pkcs12(&issued, &authority_der, name, &password, form)?;
        private_files::write_atomically(&file(ending), &store, PRIVATE)?;
    }
    Ok(Made {
        keystore,
        password,
        authority: folder.join(AUTHORITY),
    })
}

/// The password of the PKCS#12 files in `folder`: random, one for all of them, made at the first call.
///
/// # Errors
/// When it cannot be read or written.
pub(crate) fn password(folder: &Path) -> Result<String> {
    let path = folder.join(PASSWORD);
    if path.exists() {
        return Ok(std::str::from_utf8(&private_files::read(&path, LIMIT)?)?
            .trim()
            .to_owned());
    }
    let password = URL_SAFE_NO_PAD.encode(bytes::<12>(&SystemRandomness::new())?);
    private_files::write_atomically(&path, password.as_bytes(), PRIVATE)?;
    Ok(password)
}

fn authority(folder: &Path, now: SystemTime) -> Result<(Authority, Vec<u8>)> {
    let (key, certificate) = (folder.join(AUTHORITY_KEY), folder.join(AUTHORITY));
    match (key.exists(), certificate.exists()) {
        (true, true) => {
            let key = private_files::read(&key, LIMIT)?;
            let authority = Authority::from_key(Kind::Users, std::str::from_utf8(&key)?, now)?;
            let pem = private_files::read_public(&certificate, LIMIT)?;
            let der = CertificateDer::from_pem_slice(&pem)
                .with_context(|| format!("{} is not a certificate", certificate.display()))?;
            Ok((authority, der.to_vec()))
        }
        (false, false) => {
            let (authority, issued) = Authority::create(Kind::Users, now)?;
            private_files::write_atomically(&key, issued.key.as_bytes(), PRIVATE)?;
            private_files::write_atomically(&certificate, issued.certificate.as_bytes(), PUBLIC)?;
            Ok((authority, issued.certificate_der))
        }
        _ => bail!(
            "{} holds only half of the authority: restore {AUTHORITY} and {AUTHORITY_KEY}",
            folder.display()
        ),
    }
}
