//! Reading everything a client sent.
//!
//! One certificate that cannot be read refuses the whole chain, also if no path needs it: a client that sends garbage is
//! told so, rather than left with a chain that works by luck of what the search happens to look at.
//!
//! **Invariant:** what comes out was read by both readers, ours and webpki's, and the leaf's key is the one whose
//! possession the edge verified.

use domain::certificate::PresentedChain;
use domain::public_key;
use domain::reason::Reason;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::report::Report;
use super::{intermediate_words, leaf_words};
use crate::certificate::Certificate;
use crate::der::Malformed;

/// A chain that could be read.
#[derive(Debug)]
pub(super) struct Presented<'a> {
    pub(super) leaf: Certificate<'a>,
    pub(super) leaf_words: String,
    pub(super) above: Vec<Certificate<'a>>,
}

impl<'a> Presented<'a> {
    pub(super) fn read(chain: &'a PresentedChain, report: &mut Report) -> Option<Self> {
        let count = 1 + chain.intermediates().count();
        let leaf = match read(chain.leaf()).and_then(same_key_as_the_edge) {
            Ok(leaf) => leaf,
            Err(error) => {
                let which = format!("certificate 1 of {count} (the leaf)");
                report.failed("well_formed", &which, Reason::Malformed, error.0);
                return None;
            }
        };
        let mut above = Vec::with_capacity(count - 1);
        for (index, bytes) in chain.intermediates().enumerate() {
            match read(bytes) {
                Ok(certificate) => above.push(certificate),
                Err(error) => {
                    let which = format!("certificate {} of {count}", index + 2);
                    report.failed("well_formed", &which, Reason::Malformed, error.0);
                    return None;
                }
            }
        }
        let leaf_words = leaf_words(leaf.subject);
        report.passed("well_formed", &leaf_words, "read as X.509 version 3");
        for certificate in &above {
            report.passed(
                "well_formed",
                &intermediate_words(certificate.subject),
                "read as X.509 version 3",
            );
        }
        Some(Self {
            leaf,
            leaf_words,
            above,
        })
    }
}

fn read(bytes: &[u8]) -> Result<Certificate<'_>, Malformed> {
    let certificate = Certificate::read(bytes)?;
    if !certificate.has_sound_serial() {
        return Err(Malformed(
            "its serial number is zero, negative or longer than 20 bytes",
        ));
    }
    match EndEntityCert::try_from(&CertificateDer::from(bytes)) {
        // Unsupported critical extensions have words of their own later on.
        Ok(_) | Err(webpki::Error::UnsupportedCriticalExtension) => Ok(certificate),
        Err(_) => Err(Malformed("a second reader does not take it")),
    }
}

/// The edge found the key it verified with a walk of its own; two readers that see two keys would let one key in with the
/// other's certificate.
fn same_key_as_the_edge(leaf: Certificate<'_>) -> Result<Certificate<'_>, Malformed> {
    match public_key::of_certificate(leaf.der) {
        Ok(key) if key == leaf.key_info => Ok(leaf),
        _ => Err(Malformed("its public key is not where the edge found it")),
    }
}
