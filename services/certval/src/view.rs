//! certval's view of a snapshot: the authorities of every connection, prepared.
//!
//! **Invariant:** a snapshot is taken as a whole or not at all.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::configuration::{Configuration, part};
use domain::connection::ConnectionName;
use runtime::live::{Decoder, Manifest};
use runtime::telemetry::chain;

use crate::authorities::{Authorities, UnusableAuthority};

#[cfg(test)]
mod tests;

/// What certval judges by.
#[derive(Debug, Default)]
pub struct View {
    connections: BTreeMap<ConnectionName, Authorities>,
}

/// Why a snapshot cannot be judged by.
#[derive(Debug, thiserror::Error)]
pub enum UnusableSnapshot {
    /// The part with the connections is not there.
    #[error("the snapshot has no part `{}`", part::CONFIGURATION)]
    NoConfiguration,
    /// The part with the connections cannot be read.
    #[error("the configuration cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// A connection has an authority that cannot be used.
    #[error("connection {connection} cannot be judged by")]
    Authority {
        /// The connection.
        connection: ConnectionName,
        /// What is wrong.
        source: UnusableAuthority,
    },
}

impl View {
    /// Prepares a configuration.
    ///
    /// # Errors
    /// When an authority in it cannot be used.
    pub fn prepare(configuration: &Configuration) -> Result<Self, UnusableSnapshot> {
        let connections = configuration
            .connections
            .iter()
            .map(|(name, connection)| {
                Authorities::prepare(&connection.authorities)
                    .map(|authorities| (name.clone(), authorities))
                    .map_err(|source| UnusableSnapshot::Authority {
                        connection: name.clone(),
                        source,
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { connections })
    }

    /// Every connection with its accepted authorities.
    pub(crate) fn connections(&self) -> impl Iterator<Item = (&ConnectionName, &Authorities)> {
        self.connections.iter()
    }

    /// The accepted authorities of a connection; `None` when there is no such connection.
    #[must_use]
    pub fn authorities(&self, connection: &ConnectionName) -> Option<&Authorities> {
        self.connections.get(connection)
    }
}

/// Reads the one part of a snapshot that certval needs.
///
/// # Errors
/// In words, when the snapshot cannot be judged by; the last good one then stays.
pub fn decode(parts: &BTreeMap<String, Bytes>) -> Result<View, String> {
    let read = || {
        let bytes = parts
            .get(part::CONFIGURATION)
            .ok_or(UnusableSnapshot::NoConfiguration)?;
        let configuration = serde_json::from_slice(bytes).map_err(UnusableSnapshot::Unreadable)?;
        View::prepare(&configuration)
    };
    read().map_err(|error: UnusableSnapshot| chain(&error))
}

/// [`decode`] as the live configuration takes it: the sealed parts, which are others' secrets, are not even fetched.
#[derive(Debug, Clone, Copy, Default)]
pub struct ViewDecoder;

impl Decoder<View> for ViewDecoder {
    fn decode(&self, _: &Manifest, parts: &BTreeMap<String, Bytes>) -> Result<View, String> {
        decode(parts)
    }

    fn wants(&self, part: &str) -> bool {
        part == domain::configuration::part::CONFIGURATION
    }
}
