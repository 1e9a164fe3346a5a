//! Taking the certificates out of an upload.
//!
//! **Invariant:** what may hold a private key is told by its outermost shape and not opened.

use domain::certificate::MAX_CERTIFICATE_BYTES;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{MAX_CERTIFICATES, MAX_UPLOAD};
use crate::der::{self, Reader};

const BEGIN: &str = "-----BEGIN ";

/// The DER certificates of an upload: itself, or those of PEM text.
pub(super) fn certificates(upload: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    if upload.len() > MAX_UPLOAD {
        return Err(format!(
            "the upload is larger than {} KiB; upload the certificates alone",
            MAX_UPLOAD >> 10
        ));
    }
    let certificates = match std::str::from_utf8(upload) {
        Ok(text) if text.contains(BEGIN) => pem(text)?,
        _ => vec![binary(upload)?],
    };
    if certificates.len() > MAX_CERTIFICATES {
        return Err(format!(
            "the upload has {} certificates; upload at most {MAX_CERTIFICATES} at a time",
            certificates.len()
        ));
    }
    if certificates
        .iter()
        .any(|der| der.len() > MAX_CERTIFICATE_BYTES)
    {
        return Err(format!(
            "a certificate is larger than {} KiB; none that large is accepted",
            MAX_CERTIFICATE_BYTES >> 10
        ));
    }
    Ok(certificates)
}

fn pem(text: &str) -> Result<Vec<Vec<u8>>, String> {
    for line in text.lines() {
        let Some((_, label)) = line.split_once(BEGIN) else {
            continue;
        };
        let label = label.trim_end().trim_end_matches('-');
        if label.contains("PRIVATE KEY") {
            return Err(private_key());
        }
        if label != "CERTIFICATE" {
            return Err(other_pem(label));
        }
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes())
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(
            "the PEM text is damaged: a block does not end, or is not base64; copy it again, whole"
                .to_owned(),
        ),
    }
}

fn other_pem(label: &str) -> String {
    match label {
        "TRUSTED CERTIFICATE" => {
            "the PEM text is in OpenSSL's own form with trust settings; \
             convert it with `openssl x509 -in FILE -out ca.pem`"
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "it is a request for a certificate, not a certificate; upload what the authority made of it"
        }
        "X509 CRL" => "it is a revocation list, not a certificate; upload the authority's certificate",
        "PKCS7" | "CMS" => {
            "it is a PKCS#7 bundle; \
             convert it with `openssl pkcs7 -in FILE -print_certs -out ca.pem`"
        }
        _ => {
            "the PEM text has a block that is not a certificate; \
             upload the blocks that begin with -----BEGIN CERTIFICATE----- alone"
        }
    }
    .to_owned()
}

/// One DER value, if its outermost shape is a certificate's: SEQUENCE { SEQUENCE { [0] or INTEGER, … }, SEQUENCE, BIT STRING }.
fn binary(upload: &[u8]) -> Result<Vec<u8>, String> {
    if upload.is_empty() {
        return Err("the upload is empty; upload a certificate as DER or PEM".to_owned());
    }
    let nothing = || {
        "it is not a certificate: neither PEM text (-----BEGIN CERTIFICATE-----) nor DER".to_owned()
    };
    let Some((tag, inside)) = outermost(upload) else {
        return Err(nothing());
    };
    if tag != der::SEQUENCE {
        return Err(nothing());
    }
    let mut inside = Reader::new(inside);
    match inside.element().map(|first| (first.tag, first.contents)) {
        // PKCS#8, PKCS#1 and SEC 1 keys begin with a version; so does PKCS#12, whose contents are too long to be split off.
        Ok((der::INTEGER, _)) => Err(private_key()),
        Ok((der::OBJECT_IDENTIFIER, _)) => Err(other_pem("PKCS7")),
        Ok((der::SEQUENCE, _)) => match inside.element().map(|second| second.tag) {
            // EncryptedPrivateKeyInfo: an algorithm and the encrypted key.
            Ok(der::OCTET_STRING) => Err(private_key()),
            _ => Ok(upload.to_vec()),
        },
        _ => Err(nothing()),
    }
}

/// The tag and what is inside of the outermost element, whose length may be larger or more loosely written than a
/// certificate's: PKCS#12 files often are BER.
fn outermost(upload: &[u8]) -> Option<(u8, &[u8])> {
    let (&[tag, length], rest) = upload.split_first_chunk::<2>()?;
    let skipped = match length {
        0x81..=0x84 => usize::from(length & 0x7f),
        0x85..=0xff => return None,
        _ => 0,
    };
    rest.get(skipped..).map(|inside| (tag, inside))
}

fn private_key() -> String {
    "it holds a private key (or may hold one, as PKCS#12 files do) and was not read; \
     an authority's private key must stay where it is: upload its certificate alone"
        .to_owned()
}
