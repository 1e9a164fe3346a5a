//! The browser binding: 128 random bits in a cookie of the login host.
//!
//! Certificates are sent by browsers unasked, so anybody could otherwise finish a sign-in in somebody else's browser.
//!
//! **Invariant:** transactions carry a hash of it, never itself; a sign-out makes a new one.

use domain::digest::Digest;
use runtime::random::{Randomness, RandomnessUnavailable};
use serde::{Deserialize, Serialize};

use crate::ids;

/// One browser, as far as its cookie tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding([u8; 16]);

/// What a transaction remembers of the browser it was begun in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct BindingHash(Digest);

impl Binding {
    pub(crate) fn draw(randomness: &dyn Randomness) -> Result<Self, RandomnessUnavailable> {
        ids::draw(randomness).map(Self)
    }

    /// Reads the cookie's value; `None` when it is none of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        ids::parse(text).ok().map(Self)
    }

    /// The cookie's value.
    pub(crate) fn text(self) -> String {
        ids::text(&self.0)
    }

    pub(crate) fn hash(self) -> BindingHash {
        BindingHash(Digest::of(
            &[b"postern browser binding\0".as_slice(), &self.0].concat(),
        ))
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[redacted]")
    }
}
