//! PKCS#12 files, as browsers and operating systems import them (RFC 7292).

use anyhow::{Context, Result};
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey,
    PrivateKeyChain,
};

use super::Issued;

/// How a PKCS#12 file is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// AES-256 and SHA-256: everything current reads it.
    Modern,
    /// Triple DES and SHA-1: Windows before 2019 and old macOS need it.
    Legacy,
}

/// Key derivation rounds: the files hold demonstration keys with a random password, so imports may be quick.
const ROUNDS: u32 = 2048;

/// One certificate with its key and its issuer as a PKCS#12 file.
///
/// # Errors
/// When the library refuses one of the parts.
pub(crate) fn pkcs12(
    issued: &Issued,
    issuer_der: &[u8],
    name: &str,
    password: &str,
    form: Form,
) -> Result<Vec<u8>> {
    let key =
        PrivateKey::from_der(&issued.key_der).context("the private key does not fit PKCS#12")?;
    let chain = [issued.certificate_der.as_slice(), issuer_der]
        .into_iter()
        .map(Certificate::from_der)
        .collect::<Result<Vec<_>, _>>()
        .context("a certificate does not fit PKCS#12")?;
    let mut store = KeyStore::new();
    let chain = PrivateKeyChain::new(name.as_bytes(), key, chain);
    store.add_entry(name, KeyStoreEntry::PrivateKeyChain(chain));
    let (encryption, mac) = match form {
        Form::Modern => (
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
        ),
        Form::Legacy => (
            EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
            MacAlgorithm::HmacSha1,
        ),
    };
    store
        .writer(password)
        .encryption_algorithm(encryption)
        .encryption_iterations(ROUNDS)
        .mac_algorithm(mac)
        .mac_iterations(ROUNDS)
        .write()
        .context("failed to write the PKCS#12 file")
}
