//! Certificates for tests: authorities, people and servers, the good ones and every kind of bad one.
//!
//! ```
//! use testkit::pki::{Authority, KeyKind, Leaf};
//!
//! # fn main() -> anyhow::Result<()> {
//! let root = Authority::named("FabrikamRootCA").self_signed()?;
//! let jon = root.issue(&Leaf::named("jon"))?;
//! let twin = Authority::named("FabrikamRootCA").key(KeyKind::Rsa2048).self_signed()?;
//! assert_ne!(root.der(), twin.der());
//! # let _ = jon;
//! # Ok(())
//! # }
//! ```
//!
//! **Invariant:** every certificate made here comes with the private key that belongs to it, so a
//! handshake with it succeeds and what is judged is the certificate alone.

mod authority;
mod der;
mod identity;
mod leaf;
mod raw;
mod server;

#[cfg(test)]
mod tests;

pub use authority::{Authority, AuthorityBuilder};
pub use identity::{Identity, certificate_pem, write_secret};
pub use leaf::{Leaf, Validity};
pub use raw::{Attribute, MakecertChain, RawCertificate, Sha1Oid, StringKind, makecert_chain};
pub use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
pub use server::server_root;

use anyhow::Context as _;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize};

/// The kind of a key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256, the default.
    P256,
    /// ECDSA on P-384.
    P384,
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
}

impl KeyKind {
    /// Makes a new key pair of this kind.
    ///
    /// # Errors
    /// Only if the cryptography provider cannot make one.
    pub fn generate(self) -> anyhow::Result<KeyPair> {
        match self {
            Self::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Self::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            Self::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        }
        .with_context(|| format!("failed to generate a {self:?} key"))
    }
}
