//! The authorities of one connection, prepared once when a snapshot arrives so that a judgement prepares nothing.
//!
//! **Invariant:** an authority is known by its key. What the certificate beside it says may only take trust away.

use domain::authority::Authority;
use domain::digest::Digest;
use domain::reason::Reason;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use crate::certificate::Certificate;
use crate::der::Malformed;
use crate::moment::{Moment, Validity};
use crate::name;

/// An authority that the configuration should not have.
#[derive(Debug, thiserror::Error)]
pub enum UnusableAuthority {
    /// Its certificate cannot be read.
    #[error("the certificate of authority {name} cannot be read")]
    Unreadable {
        /// The authority's name in the configuration.
        name: String,
        /// What is wrong with it.
        source: Malformed,
    },
    /// Its certificate holds another key than the one it is pinned to.
    #[error("the certificate of authority {name} does not hold the key it is pinned to")]
    AnotherKey {
        /// The authority's name in the configuration.
        name: String,
    },
}

/// The accepted authorities of one connection.
#[derive(Debug, Default)]
pub struct Authorities {
    anchors: Vec<Anchor>,
    /// The same authorities in the same order, as webpki takes them.
    trusted: Vec<TrustAnchor<'static>>,
}

/// One authority: its key, its name, and everything that stands against it.
#[derive(Debug)]
pub(crate) struct Anchor {
    pub(crate) key: Digest,
    /// The certificate's own digest: what people know it by.
    pub(crate) fingerprint: Digest,
    pub(crate) key_info: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) words: String,
    pub(crate) validity: Validity,
    pub(crate) path_length: Option<u32>,
    /// What its extendedKeyUsage restricts it to.
    pub(crate) purposes: Option<Vec<Vec<u8>>>,
    pub(crate) flaws: Vec<Flaw>,
}

/// Something that keeps a certificate from being an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The check that finds it.
    pub(crate) check: &'static str,
    /// What it makes of a chain.
    pub(crate) reason: Reason,
    /// In words.
    pub(crate) detail: String,
}

impl Authorities {
    /// Prepares the authorities of a connection.
    ///
    /// # Errors
    /// When one of them has no readable certificate, or one with another key than it is pinned to.
    pub fn prepare<'a>(
        authorities: impl IntoIterator<Item = &'a Authority>,
    ) -> Result<Self, UnusableAuthority> {
        let mut prepared = Self::default();
        for authority in authorities {
            let name = || authority.name.clone();
            let unreadable = |source| UnusableAuthority::Unreadable {
                name: name(),
                source,
            };
            let certificate = Certificate::read(&authority.certificate).map_err(unreadable)?;
            if Digest::of(certificate.key_info) != authority.key {
                return Err(UnusableAuthority::AnotherKey { name: name() });
            }
            let der = CertificateDer::from(certificate.der);
            let trusted = webpki::anchor_from_trusted_cert(&der)
                .map_err(|_| unreadable(Malformed("webpki does not take it")))?
                .to_owned();
            prepared.trusted.push(trusted);
            prepared.anchors.push(Anchor::of(&certificate));
        }
        Ok(prepared)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Whether there are none; then nobody is accepted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    pub(crate) fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    pub(crate) fn trusted(&self) -> &[TrustAnchor<'static>] {
        &self.trusted
    }

    /// The authority behind one of [`Self::trusted`]. Two may share name and key and differ in their dates, so it is found
    /// by its place.
    pub(crate) fn behind(&self, trusted: &TrustAnchor<'_>) -> Option<&Anchor> {
        self.trusted
            .iter()
            .position(|each| std::ptr::eq(each, trusted))
            .and_then(|place| self.anchors.get(place))
    }
}

impl Anchor {
    fn of(certificate: &Certificate<'_>) -> Self {
        Self {
            key: Digest::of(certificate.key_info),
            fingerprint: Digest::of(certificate.der),
            key_info: certificate.key_info.to_vec(),
            subject: certificate.subject.to_vec(),
            words: format!("authority {}", name::words(certificate.subject)),
            validity: certificate.validity,
            path_length: certificate
                .extensions
                .basic_constraints
                .and_then(|constraints| constraints.path_length),
            purposes: certificate
                .extensions
                .purposes
                .as_ref()
                .map(|purposes| purposes.iter().map(|each| each.to_vec()).collect()),
            flaws: flaws(certificate),
        }
    }
}

/// Everything that keeps `certificate` from being an authority, whatever the date and the purpose. The signature on a self-signed one is
/// not among it: trust in an authority comes from its key being listed, so it does not matter that makecert used SHA-1.
pub(crate) fn flaws(certificate: &Certificate<'_>) -> Vec<Flaw> {
    let extensions = &certificate.extensions;
    let mut flaws = Vec::new();
    let mut found = |check, reason, detail: String| {
        flaws.push(Flaw {
            check,
            reason,
            detail,
        });
    };
    if !extensions.authority() {
        found(
            "authority",
            Reason::BadChain,
            "it is not an authority: basicConstraints does not say CA:TRUE".to_owned(),
        );
    }
    if extensions
        .key_usage
        .is_some_and(|usage| !usage.certificate_signing)
    {
        found(
            "authority",
            Reason::BadChain,
            "it may not sign certificates: keyUsage lacks keyCertSign".to_owned(),
        );
    }
    if let Some(weakness) = certificate.public_key.weakness() {
        found("key", Reason::WeakKey, weakness);
    }
    if !extensions.not_understood.is_empty() {
        found(
            "critical_extensions",
            Reason::BadChain,
            not_understood(&extensions.not_understood),
        );
    }
    flaws
}

/// A critical extension that is not understood, in words.
pub(crate) fn not_understood(extensions: &[String]) -> String {
    format!(
        "it has a critical extension that is not supported: {}",
        extensions.join(", ")
    )
}

/// What `at` means for a certificate with this validity: the reason and the words when it lies outside.
pub(crate) fn outside(validity: Validity, at: Moment) -> Option<(Reason, String)> {
    if at > validity.not_after {
        Some((
            Reason::Expired,
            format!(
                "expired on {}; judged as of {}",
                validity.not_after.words(),
                at.words()
            ),
        ))
    } else if at < validity.not_before {
        Some((
            Reason::NotYetValid,
            format!(
                "valid from {}; judged as of {}",
                validity.not_before.words(),
                at.words()
            ),
        ))
    } else {
        None
    }
}
