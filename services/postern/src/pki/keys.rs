//! The keys of the live configuration: one that signs snapshots, and one seal key for each role that reads secrets.
//!
//! A seal file holds one key a line, base64 of 32 bytes; the first seals, and a second one, the key before it, still opens.

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::seal::{KEY_BYTES, SealKeys};
use runtime::live::SigningKey;
use runtime::private_files::{self, PRIVATE, PUBLIC};
use runtime::random::{SystemRandomness, bytes};
use zeroize::Zeroizing;

/// The private key that control signs snapshots with.
pub(crate) const SIGNING: &str = "snapshot.key";
/// Its public key, for every instance.
pub(crate) const TRUSTED: &str = "snapshot.pub";
/// The seal key of the gateway's secrets.
pub(crate) const GATEWAY_SEAL: &str = "gateway.seal";
/// The seal key of the directory service's secrets.
pub(crate) const DIRECTORY_SEAL: &str = "directory.seal";

const LIMIT: usize = 4096;

/// Makes the keys that are missing in `folder`; what exists is kept.
///
/// # Errors
/// When the folder cannot be used, or the system has no randomness.
pub(crate) fn create(folder: &Path) -> Result<()> {
    private_files::create_folder(folder)?;
    let random = SystemRandomness::new();
    if !folder.join(SIGNING).exists() {
        let key = SigningKey::generate(&random)?;
        private_files::write_atomically(&folder.join(SIGNING), key.to_pem().as_bytes(), PRIVATE)?;
    }
    if !folder.join(TRUSTED).exists() {
        let public = signing_key(&folder.join(SIGNING))?.public_pem();
        private_files::write_atomically(&folder.join(TRUSTED), public.as_bytes(), PUBLIC)?;
    }
    for name in [GATEWAY_SEAL, DIRECTORY_SEAL] {
        if !folder.join(name).exists() {
            let key = Zeroizing::new(bytes::<KEY_BYTES>(&random)?);
            let text = Zeroizing::new(STANDARD.encode(key.as_slice()) + "\n");
            private_files::write_atomically(&folder.join(name), text.as_bytes(), PRIVATE)?;
        }
    }
    Ok(())
}

/// Reads the key that signs snapshots.
///
/// # Errors
/// When the file is missing, open to others, or holds something else.
pub(crate) fn signing_key(path: &Path) -> Result<SigningKey> {
    let pem = private_files::read(path, LIMIT)?;
    SigningKey::from_pem(&pem).with_context(|| format!("{} is not a signing key", path.display()))
}

/// Reads a seal file.
///
/// # Errors
/// When the file is missing, open to others, or holds something else.
pub(crate) fn seal_keys(path: &Path) -> Result<SealKeys> {
    let not_one = || {
        format!(
            "{} is not a seal file: one or two lines of base64, 32 bytes each",
            path.display()
        )
    };
    let text = private_files::read(path, LIMIT)?;
    let text = std::str::from_utf8(&text).with_context(not_one)?;
    let keys = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| STANDARD.decode(line.trim()).map(Zeroizing::new))
        .collect::<Result<Vec<_>, _>>()
        .with_context(not_one)?;
    SealKeys::new(keys.iter().map(|key| key.as_slice())).with_context(not_one)
}
