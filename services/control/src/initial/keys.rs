//! Keys: those an installation generates for itself, and the server keys it is given.
//!
//! **Invariant:** a private key leaves this module as PKCS#8 inside [`SecretBytes`] or not at all.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
};
use domain::application::SigningAlgorithm;
use domain::configuration::{GatewaySecrets, SecretBytes, TokenKey};
use domain::digest::Digest;
use domain::seal;
use runtime::random::{self, Randomness};
use rustls_pki_types::PrivateKeyDer;

use super::InitialError;

/// Adds token signing keys of both algorithms and a cookie key, all new.
pub(super) async fn generate(
    secrets: &mut GatewaySecrets,
    randomness: &dyn Randomness,
) -> Result<(), InitialError> {
    let cookie_key = random::bytes::<{ seal::KEY_BYTES }>(randomness)
        .map_err(|error| InitialError::Unavailable(error.to_string()))?;
    // An RSA key takes a while to find.
    let signing_keys = tokio::task::spawn_blocking(|| Some(vec![es256()?, rs256()?]))
        .await
        .ok()
        .flatten()
        .ok_or_else(|| {
            InitialError::Unavailable("no token signing key could be generated".to_owned())
        })?;
    secrets.signing_keys = signing_keys;
    secrets.cookie_keys = vec![SecretBytes::new(cookie_key.to_vec())];
    Ok(())
}

fn es256() -> Option<TokenKey> {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).ok()?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref()).ok()?;
    Some(TokenKey {
        key_id: key_id("es256", pair.public_key().as_ref()),
        algorithm: SigningAlgorithm::ES256,
        private_key: SecretBytes::new(document.as_ref().to_vec()),
    })
}

fn rs256() -> Option<TokenKey> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let document: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    Some(TokenKey {
        key_id: key_id("rs256", pair.public_key().as_ref()),
        algorithm: SigningAlgorithm::RS256,
        private_key: SecretBytes::new(document.as_ref().to_vec()),
    })
}

/// A key id that the public key alone decides, so that a key keeps its id wherever it is restored.
fn key_id(algorithm: &str, public_key: &[u8]) -> String {
    let digest = Digest::of(public_key).to_string();
    format!("{algorithm}-{}", digest.get(..16).unwrap_or(&digest))
}

/// A server's private key as PKCS#8, whichever of the three forms it came in; `None` for a kind of key that cannot sign.
pub(super) fn as_pkcs8(key: &PrivateKeyDer<'_>) -> Option<SecretBytes> {
    match key {
        PrivateKeyDer::Pkcs8(pkcs8) => Some(SecretBytes::new(pkcs8.secret_pkcs8_der().to_vec())),
        PrivateKeyDer::Pkcs1(pkcs1) => {
            let pair = RsaKeyPair::from_der(pkcs1.secret_pkcs1_der()).ok()?;
            let document: Pkcs8V1Der<'_> = pair.as_der().ok()?;
            Some(SecretBytes::new(document.as_ref().to_vec()))
        }
        PrivateKeyDer::Sec1(sec1) => {
            let curves = [
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                &ECDSA_P384_SHA384_ASN1_SIGNING,
                &ECDSA_P521_SHA512_ASN1_SIGNING,
            ];
            let pair = curves.into_iter().find_map(|curve| {
                EcdsaKeyPair::from_private_key_der(curve, sec1.secret_sec1_der()).ok()
            })?;
            let document = pair.to_pkcs8v1().ok()?;
            Some(SecretBytes::new(document.as_ref().to_vec()))
        }
        _ => None,
    }
}
