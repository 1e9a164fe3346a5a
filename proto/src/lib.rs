//! The contracts between Postern's services: generated code, and the one place where wire becomes domain.
//!
//! **Invariant:** what comes off the wire is converted here, once, and refused as [`InvalidMessage`] when it is not
//! complete; an incomplete answer is "unavailable", never a yes.

pub mod certval;
pub mod directory;
pub mod gateway;

/// The compiled descriptors of all contracts, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// A message that does not say what its contract demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid message: {0}")]
pub struct InvalidMessage(pub &'static str);

impl From<InvalidMessage> for tonic::Status {
    fn from(error: InvalidMessage) -> Self {
        Self::invalid_argument(error.to_string())
    }
}
