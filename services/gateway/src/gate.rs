//! Who is asked for a certificate: decided by the client's address alone, before the handshake answers.
//!
//! The CertificateRequest cannot know which connection the sign-in is for, so it names the authorities of every connection
//! that has this address in a range; the chain is judged later by the one that was asked for.
//!
//! **Invariant:** an address that no connection admits is never asked, and no connection admits without an authority.

use domain::address::ClientAddress;
use domain::configuration::Configuration;
use domain::connection::{Admission, Connection};
use rustls::DistinguishedName;

#[cfg(test)]
mod tests;

/// Most bytes of authority names in one CertificateRequest (their encoding, RFC 8446 section 4.2.4). Browsers and their TLS
/// stacks give up at about 32 KiB; past it no names are sent, and the browser offers every certificate it has.
pub const MAX_NAMES_BYTES: usize = 32_000;

/// The connections that may ask for certificates.
#[derive(Debug, Default)]
pub struct Gate {
    connections: Vec<Connection>,
}

/// The connections that ask a certificate of one address. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Admitted(Vec<usize>);

impl Gate {
    /// The gate of a configuration.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Self {
        let asks = |connection: &&Connection| connection.methods.certificate;
        Self {
            connections: configuration
                .connections
                .values()
                .filter(asks)
                .cloned()
                .collect(),
        }
    }

    /// The connections that ask a certificate of `address`; `None` when there is none.
    #[must_use]
    pub fn admitted(&self, address: ClientAddress) -> Option<Admitted> {
        let asks = |connection: &Connection| {
            matches!(connection.admission(address), Admission::Certificate { .. })
        };
        let admitted: Vec<usize> = self
            .connections
            .iter()
            .enumerate()
            .filter(|(_, connection)| asks(connection))
            .map(|(index, _)| index)
            .collect();
        (!admitted.is_empty()).then_some(Admitted(admitted))
    }

    /// The names of the authorities of these connections, each once, for a CertificateRequest. Empty past
    /// [`MAX_NAMES_BYTES`], which means "any".
    #[must_use]
    pub fn authority_names(&self, admitted: &Admitted) -> Vec<DistinguishedName> {
        let mut names: Vec<&[u8]> = admitted
            .0
            .iter()
            .filter_map(|index| self.connections.get(*index))
            .flat_map(|connection| &connection.authorities)
            .map(|authority| authority.subject.as_ref())
            .collect();
        names.sort_unstable();
        names.dedup();
        // Each name is preceded by its length in two bytes.
        let encoded: usize = names.iter().map(|name| name.len() + 2).sum();
        if encoded > MAX_NAMES_BYTES {
            tracing::warn!(
                authorities = names.len(),
                bytes = encoded,
                "too many authority names for a CertificateRequest, sending none: browsers offer every certificate"
            );
            return Vec::new();
        }
        names
            .into_iter()
            .map(|name| DistinguishedName::from(name.to_vec()))
            .collect()
    }
}
