//! A snapshot as a gateway uses it: everything prepared.
//!
//! **Invariant:** a snapshot is taken whole or refused whole; a request prepares nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use domain::configuration::{Configuration, GatewaySecrets, SecretBytes, part};
use domain::seal::{Purpose, SealKeys};

use runtime::telemetry::chain;

use crate::edge::names::Names;
use crate::oidc::keys::TokenKeys;
use crate::tls::TlsConfigurations;

#[cfg(test)]
mod tests;

/// The gateway's view of one snapshot.
#[derive(Debug)]
pub struct View {
    /// The public part.
    pub configuration: Configuration,
    /// The TLS of the front door.
    pub tls: Arc<TlsConfigurations>,
    /// Keys of cookies, transactions and codes.
    pub seal_keys: SealKeys,
    /// Keys of tokens.
    pub token_keys: TokenKeys,
}

/// Decodes a snapshot's parts. `role_key` is the gateway role's own key for [`part::GATEWAY_SECRETS`].
///
/// # Errors
/// In words, when any of it cannot be used.
pub fn decode(
    parts: &BTreeMap<String, Bytes>,
    role_key: &SealKeys,
    names: &Names,
) -> Result<View, String> {
    let configuration: Configuration = serde_json::from_slice(find(parts, part::CONFIGURATION)?)
        .map_err(|error| format!("the configuration cannot be read: {error}"))?;
    let secrets = role_key
        .open(
            Purpose::Secrets,
            part::GATEWAY_SECRETS,
            find(parts, part::GATEWAY_SECRETS)?,
        )
        .map_err(|_| "the gateway's secrets do not open with this role's key".to_owned())?;
    // What serde says could quote a secret.
    let secrets: GatewaySecrets = serde_json::from_slice(&secrets)
        .map_err(|_| "the gateway's secrets cannot be read".to_owned())?;
    View::new(configuration, &secrets, names)
}

impl View {
    /// Prepares a configuration and its secrets.
    ///
    /// # Errors
    /// In words, when any of it cannot be used.
    pub fn new(
        configuration: Configuration,
        secrets: &GatewaySecrets,
        names: &Names,
    ) -> Result<Self, String> {
        let tls = TlsConfigurations::new(&configuration, secrets, names)
            .map_err(|error| chain(&error))?;
        let seal_keys = SealKeys::new(secrets.cookie_keys.iter().map(SecretBytes::expose))
            .map_err(|error| format!("cookie keys: {error}"))?;
        let token_keys = TokenKeys::new(&secrets.signing_keys).map_err(|error| chain(&error))?;
        for application in configuration.applications.values() {
            let algorithm = application.id_token_algorithm;
            if !token_keys.can_sign(algorithm) {
                return Err(format!(
                    "application `{}` wants {algorithm:?} tokens, and there is no such signing key",
                    application.client_id
                ));
            }
        }
        Ok(Self {
            configuration,
            tls: Arc::new(tls),
            seal_keys,
            token_keys,
        })
    }
}

fn find<'a>(parts: &'a BTreeMap<String, Bytes>, name: &str) -> Result<&'a Bytes, String> {
    parts
        .get(name)
        .ok_or_else(|| format!("the snapshot has no part `{name}`"))
}
