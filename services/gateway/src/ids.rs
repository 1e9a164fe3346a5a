//! Random names of things: 128 bits, base64url in text.
//!
//! **Invariant:** an id is drawn from [`Randomness`] or read back from a value this installation sealed or signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runtime::random::{self, Randomness, RandomnessUnavailable};

/// Text that is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 22 characters of base64url are expected")]
pub struct InvalidId;

/// 128 random bits.
pub(crate) fn draw(randomness: &dyn Randomness) -> Result<[u8; 16], RandomnessUnavailable> {
    random::bytes(randomness)
}

/// The text form of 128 bits.
pub(crate) fn text(bytes: &[u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads [`text`] back.
pub(crate) fn parse(text: &str) -> Result<[u8; 16], InvalidId> {
    let mut bytes = [0; 16];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(16) => Ok(bytes),
        _ => Err(InvalidId),
    }
}

macro_rules! random_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new one.
            ///
            /// # Errors
            /// When there is no randomness.
            pub fn draw(randomness: &dyn Randomness) -> Result<Self, RandomnessUnavailable> {
                draw(randomness).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&text(&self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, formatter)
            }
        }
    )*};
}

random_ids! {
    /// One sign-in from its authorize request to its code. Not secret by itself: the sealed transaction is.
    TransactionId;
    /// One session. Not secret by itself: the sealed cookie is.
    SessionId;
    /// One authorization code inside the gateway that issued it.
    CodeId;
    /// One start of one gateway process: codes of an earlier start cannot be redeemed any more.
    StartId;
    /// One access token.
    TokenId;
}
