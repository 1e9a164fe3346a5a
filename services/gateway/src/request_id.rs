//! The id of a request: on every page, in every event, so that the help desk finds one by the other.
//!
//! **Invariant:** drawn here; what a client sends under that name is not read.

use runtime::random::{self, Randomness};

/// 64 random bits, or none where there was no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RequestId(Option<[u8; 8]>);

impl RequestId {
    pub(crate) fn draw(randomness: &dyn Randomness) -> Self {
        Self(random::bytes(randomness).ok())
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(bytes) => write!(formatter, "{:016x}", u64::from_be_bytes(bytes)),
            None => formatter.write_str("none"),
        }
    }
}
