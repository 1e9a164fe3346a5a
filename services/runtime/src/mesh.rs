//! The mesh: gRPC between roles over mutual TLS.
//!
//! Every role has one certificate of the mesh's own authority, with the single
//! name `<role>.mesh.internal`; programs from outside have
//! `<name>.client.mesh.internal`. Both sides of a connection show one, so a
//! certificate needs both the `serverAuth` and the `clientAuth` usage (an
//! outsider's: `clientAuth` alone). What a peer may call is written down
//! method by method in an [`AllowList`].
//!
//! A server is a [`MeshServer`], a caller starts with a [`MeshClient`]. To
//! callers, every [`tonic::Status`] means "unavailable": refusals are
//! responses.
//!
//! **Invariant:** no method is reached by a peer that its allow list does not
//! name, and no call is without a deadline.

mod accept;
mod address;
mod allow;
mod calls;
mod channel;
mod client;
mod deadline;
mod guard;
mod identity;
mod peer;
mod places;
mod server;

pub use allow::AllowList;
pub use channel::MeshChannel;
pub use client::{ConnectSettings, MeshClient};
pub use identity::MeshIdentity;
pub use peer::{Arrival, Peer, peer_of};
pub use server::{MeshServer, ServerSettings};

use std::io;

/// The most that a request's messages may weigh together, in bytes, unless a
/// server or client is told otherwise.
pub const LARGEST_REQUEST: usize = 256 << 10;

/// Why the mesh cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// A file of the identity cannot be read.
    #[error("failed to read the mesh identity; `postern pki mesh` makes one")]
    File(#[from] crate::private_files::PrivateFileError),
    /// What should be PEM is not.
    #[error("{what} of the mesh identity is not usable PEM")]
    Pem {
        /// "the authority", "the certificate" or "the key".
        what: &'static str,
        /// What is wrong.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// A file holds nothing of the kind it should hold.
    #[error("{0} of the mesh identity is empty")]
    Empty(&'static str),
    /// TLS does not take the identity.
    #[error("the mesh identity does not fit together")]
    Tls(#[from] rustls::Error),
    /// The mesh authority cannot judge clients.
    #[error("the mesh authority cannot be used")]
    Authority(#[from] rustls::client::VerifierBuilderError),
    /// A role's or client's name that is no single DNS label.
    #[error("{0:?} cannot be a mesh name: lower-case letters, digits and hyphens, at most 63")]
    Name(String),
    /// A descriptor set for reflection that does not decode.
    #[error("a descriptor set for reflection cannot be used")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The listener has no address.
    #[error("the mesh listener cannot be used")]
    Listener(#[source] io::Error),
}
