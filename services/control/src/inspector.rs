//! Asking what uploaded certificates are.
//!
//! control parses no X.509. It takes private keys out of the way before anything leaves this process, and asks certval.
//!
//! **Invariant:** only [`CertificatesOnly`] is handed to an [`Inspector`]: bytes in which no private key was found.

#[cfg(test)]
pub(crate) mod known;
mod mesh;
#[cfg(test)]
mod tests;

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;
use domain::authority::Authority;
use domain::digest::Digest;
use domain::public_key;
use domain::timestamp::Timestamp;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use crate::change::{Kind, Refusal};

pub use mesh::{INSPECT, MeshInspector};

/// Most bytes of one upload.
pub const LARGEST_UPLOAD: usize = 1 << 20;

/// Whoever says what certificates are: certval, over the mesh.
#[async_trait]
pub trait Inspector: Debug + Send + Sync + 'static {
    /// Says what each of `certificates` is, in the order they came.
    ///
    /// # Errors
    /// [`Inspection::Refused`] when nothing in it can be used, [`Inspection::Unavailable`] when nobody could be asked.
    async fn inspect(
        &self,
        certificates: &CertificatesOnly,
    ) -> Result<Vec<InspectedCertificate>, Inspection>;
}

/// Why there is no answer about certificates.
#[derive(Debug, thiserror::Error)]
pub enum Inspection {
    /// They are not certificates, or too many: what, why, what to do.
    #[error("{0}")]
    Refused(String),
    /// certval could not be asked.
    #[error("the certificates could not be inspected: {0}")]
    Unavailable(String),
}

/// One certificate as certval sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedCertificate {
    /// The certificate, DER.
    pub der: Bytes,
    /// The subject, DER.
    pub subject_der: Bytes,
    /// The subject in words.
    pub subject: String,
    /// The issuer in words.
    pub issuer: String,
    /// SHA-256 of the certificate.
    pub fingerprint: Digest,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key: Digest,
    /// Beginning of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// Its dNSNames.
    pub dns_names: Vec<String>,
    /// Every reason against its use as an authority now, in words; empty when it may be one.
    pub authority_problems: Vec<String>,
}

impl InspectedCertificate {
    /// The certificate as an authority.
    ///
    /// # Errors
    /// [`Kind::UnusableCertificate`] with every reason against it.
    pub fn authority(&self) -> Result<Authority, Refusal> {
        if !self.authority_problems.is_empty() {
            let detail = format!(
                "\"{}\" cannot be an authority: {}",
                self.subject,
                self.authority_problems.join("; ")
            );
            let what_to_do = "nothing was added; send the certificate of the authority that signs the users' certificates";
            return Err(Refusal::new(Kind::UnusableCertificate, detail, what_to_do));
        }
        Ok(Authority {
            key: self.key,
            fingerprint: self.fingerprint,
            certificate: self.der.clone(),
            subject: self.subject_der.clone(),
            name: self.subject.clone(),
            not_after: self.not_after,
            added_in: 0,
        })
    }
}

/// An upload in which no private key was found.
#[derive(Debug, Clone)]
pub struct CertificatesOnly(Bytes);

impl CertificatesOnly {
    /// Takes an upload (PEM text, or one DER certificate) if it holds no private key.
    ///
    /// # Errors
    /// [`Kind::PrivateKey`] when it does, [`Kind::Unreadable`] when it is empty or too large.
    pub fn new(upload: Bytes) -> Result<Self, Refusal> {
        if upload.len() > LARGEST_UPLOAD {
            return Err(Refusal::unreadable(
                format!(
                    "{} bytes are more than the {LARGEST_UPLOAD} allowed",
                    upload.len()
                ),
                "send fewer certificates at a time",
            ));
        }
        if upload.iter().all(u8::is_ascii_whitespace) {
            return Err(Refusal::unreadable(
                "nothing was sent",
                "send the authority's certificate as PEM or DER",
            ));
        }
        if holds_private_key(&upload) {
            return Err(Refusal::new(
                Kind::PrivateKey,
                "a private key is in what was sent; only certificates belong here. Nothing of it was stored",
                "send the certificate alone; if others could see the key on its way here, replace it",
            ));
        }
        Ok(Self(upload))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

/// Whether a private key can be seen in `upload`: in PEM of any label and encoding of the text, in DER, or in a PKCS#12
/// container (RFC 7292), which exists to carry one.
fn holds_private_key(upload: &[u8]) -> bool {
    // UTF-16, as PowerShell writes it, has a zero beside every letter.
    let text: Zeroizing<Vec<u8>> = Zeroizing::new(
        upload
            .iter()
            .filter(|byte| **byte != 0)
            .map(u8::to_ascii_uppercase)
            .collect(),
    );
    let label = b"PRIVATE KEY-----";
    if text.windows(label.len()).any(|window| window == label) || is_private_der(upload) {
        return true;
    }
    // A paste of the lines between the armour.
    let bare = Zeroizing::new(
        [
            b"-----BEGIN CERTIFICATE-----\n",
            upload,
            b"\n-----END CERTIFICATE-----\n",
        ]
        .concat(),
    );
    let mut rest = bare.as_slice();
    match rustls_pki_types::pem::from_buf(&mut rest) {
        Ok(Some((_, der))) => is_private_der(&Zeroizing::new(der)),
        _ => false,
    }
}

fn is_private_der(der: &[u8]) -> bool {
    if public_key::of_certificate(der).is_ok() {
        return false;
    }
    let key = PrivateKeyDer::try_from(der)
        .is_ok_and(|key| rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).is_ok());
    key || is_pkcs12(der)
}

/// `PFX ::= SEQUENCE { version INTEGER {v3(3)}, … }`: the first element after the outer head is the number 3.
fn is_pkcs12(der: &[u8]) -> bool {
    let after_head = match der {
        [0x30, length, rest @ ..] if *length <= 0x80 => rest,
        [0x30, 0x81, _, rest @ ..]
        | [0x30, 0x82, _, _, rest @ ..]
        | [0x30, 0x83, _, _, _, rest @ ..] => rest,
        _ => return false,
    };
    after_head.starts_with(&[0x02, 0x01, 0x03])
}
