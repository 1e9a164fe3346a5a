//! Proof that a client holds the private key of the certificate it sent, and nothing more.
//!
//! A chain is never refused in TLS for what it says: browsers turn that into an unreadable error. certval judges it after
//! the handshake. What does end in an alert here: a signature that the certificate's key did not make, a chain over the
//! size limits, and a certificate in which no key can be found (nobody can prove possession of that).
//!
//! **Invariant:** a certificate comes out of the handshake only if its key signed this very handshake.

use std::sync::Arc;

use bytes::Bytes;
use domain::certificate::PresentedChain;
use domain::public_key;
use domain::reason::Reason;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, PeerMisbehaved,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use webpki::RawPublicKeyEntity;

/// Asks for a certificate of the named authorities, takes any within the size limits or none, and checks possession.
#[derive(Debug)]
pub(super) struct PossessionOnly {
    names: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PossessionOnly {
    pub(super) const fn new(
        names: Vec<DistinguishedName>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { names, algorithms }
    }
}

impl ClientCertVerifier for PossessionOnly {
    fn client_auth_mandatory(&self) -> bool {
        // Without a certificate there is a page that says so.
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.names
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let sent = std::iter::once(leaf).chain(intermediates);
        match presented(sent) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(reason) => {
                Err(CertificateError::Other(OtherError(Arc::new(OverLimit(reason)))).into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = key_of(certificate)?;
        let entity =
            RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        // In TLS 1.2 a scheme names no curve (RFC 5246 section 7.4.1.4.1), so each algorithm it may mean is tried.
        let (_, meant) = self
            .algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let good = meant.iter().any(|algorithm| {
            entity
                .verify_signature(*algorithm, message, signed.signature())
                .is_ok()
        });
        if good {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = key_of(certificate)?;
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The certificates as sent, if they are within the limits.
pub(crate) fn presented<'a>(
    sent: impl IntoIterator<Item = &'a CertificateDer<'a>>,
) -> Result<PresentedChain, Reason> {
    let copied = sent.into_iter().map(|each| Bytes::copy_from_slice(each));
    PresentedChain::new(copied.collect())
}

/// A chain that is not taken in, as an error of rustls.
#[derive(Debug, thiserror::Error)]
#[error("the client's certificates were not taken in: {0}")]
struct OverLimit(Reason);

/// Why a handshake's chain was not taken in, if that is what this error says.
pub(crate) fn over_limit(error: &Error) -> Option<Reason> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => cause
            .downcast_ref::<OverLimit>()
            .map(|OverLimit(reason)| *reason),
        _ => None,
    }
}

fn key_of<'a>(certificate: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    public_key::of_certificate(certificate)
        .map(SubjectPublicKeyInfoDer::from)
        .map_err(|_| CertificateError::BadEncoding.into())
}
