//! One X.509 certificate (RFC 5280 section 4.1), read strictly.
//!
//! webpki reads the same bytes again; a certificate counts only where both readers agree that it can be read.
//!
//! **Invariant:** reading decides nothing but whether the bytes are a version 3 certificate; what is in it is judged
//! elsewhere.

pub(crate) mod extensions;

use crate::certificate::extensions::Extensions;
use crate::der::{self, Malformed, Reader};
use crate::key::PublicKey;
use crate::moment::{Moment, Validity};
use crate::name;

/// A certificate's fields, borrowed from its DER.
#[derive(Debug, Clone)]
pub(crate) struct Certificate<'a> {
    /// All of it.
    pub(crate) der: &'a [u8],
    /// What the signature is over (`TBSCertificate`).
    pub(crate) signed: &'a [u8],
    /// The contents of the signature's AlgorithmIdentifier.
    pub(crate) signature_algorithm: &'a [u8],
    /// The signature.
    pub(crate) signature: &'a [u8],
    /// The serial number's bytes, two's complement.
    pub(crate) serial: &'a [u8],
    /// The issuer's name, DER.
    pub(crate) issuer: &'a [u8],
    /// The subject's name, DER.
    pub(crate) subject: &'a [u8],
    /// When it is valid.
    pub(crate) validity: Validity,
    /// The SubjectPublicKeyInfo, DER.
    pub(crate) key_info: &'a [u8],
    /// The key in it.
    pub(crate) public_key: PublicKey,
    /// The extensions.
    pub(crate) extensions: Extensions<'a>,
}

impl<'a> Certificate<'a> {
    /// Reads one DER certificate and nothing after it.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        der::well_formed(bytes)?;
        let whole = der::only(bytes, der::SEQUENCE, "it is not one certificate")?;
        let mut outer = Reader::new(whole.contents);
        let signed = outer.expect(der::SEQUENCE, "it is not a certificate")?;
        let algorithm = outer.expect(der::SEQUENCE, "it has no signature algorithm")?;
        let signature = outer.expect(der::BIT_STRING, "it has no signature")?;
        outer.finish("something follows its signature")?;
        let (unused, signature) = der::bits(signature.contents)?;
        if unused != 0 {
            return Err(Malformed("its signature is not whole bytes"));
        }

        let mut fields = Reader::new(signed.contents);
        version_3(&mut fields)?;
        let serial = fields.expect(der::INTEGER, "it has no serial number")?;
        let inner = fields.expect(der::SEQUENCE, "it has no signature algorithm")?;
        if inner.contents != algorithm.contents {
            return Err(Malformed("it names two different signature algorithms"));
        }
        let issuer = fields.expect(der::SEQUENCE, "it has no issuer")?;
        let validity = fields.expect(der::SEQUENCE, "it has no validity")?;
        let subject = fields.expect(der::SEQUENCE, "it has no subject")?;
        let key_info = fields.expect(der::SEQUENCE, "it has no public key")?;
        let extensions = match fields.optional(der::constructed(3))? {
            Some(extensions) => Extensions::read(extensions.contents)?,
            None => Extensions::default(),
        };
        // The unique identifiers of version 2 would stand before the extensions; RFC 5280 forbids them.
        fields.finish("it has fields that no certificate has")?;
        if name::read(issuer.whole)?.is_empty() {
            return Err(Malformed("its issuer has no name"));
        }
        let without_name = name::read(subject.whole)?.is_empty();
        if without_name && extensions.authority() {
            return Err(Malformed("it is an authority without a name"));
        }
        if without_name && extensions.alternative_names_may_be_ignored {
            return Err(Malformed(
                "it has no subject, and its alternative names are not critical",
            ));
        }
        Ok(Self {
            der: bytes,
            signed: signed.whole,
            signature_algorithm: algorithm.contents,
            signature,
            serial: der::integer(serial.contents)?,
            issuer: issuer.whole,
            subject: subject.whole,
            validity: self::validity(validity.contents)?,
            key_info: key_info.whole,
            public_key: PublicKey::read(key_info.whole)?,
            extensions,
        })
    }

    /// Whether subject and issuer are the same name (RFC 5280 section 3.2).
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether its serial number is positive and has at most 20 octets (RFC 5280 section 4.1.2.2). Old authorities break
    /// this for themselves, so it is asked only of what they issue.
    pub(crate) fn has_sound_serial(&self) -> bool {
        self.serial.len() <= 20
            && self.serial.first().is_some_and(|first| *first < 0x80)
            && self.serial.iter().any(|byte| *byte != 0)
    }
}

fn version_3(fields: &mut Reader<'_>) -> Result<(), Malformed> {
    const WRONG: &str = "it is not of version 3";
    let version = fields.expect(der::constructed(0), WRONG)?;
    let number = der::only(version.contents, der::INTEGER, WRONG)?;
    if number.contents == [2] {
        Ok(())
    } else {
        Err(Malformed(WRONG))
    }
}

fn validity(contents: &[u8]) -> Result<Validity, Malformed> {
    let mut reader = Reader::new(contents);
    let validity = Validity {
        not_before: Moment::read(reader.element()?)?,
        not_after: Moment::read(reader.element()?)?,
    };
    reader.finish("its validity is not two dates")?;
    if validity.not_before > validity.not_after {
        return Err(Malformed("it ends before it begins"));
    }
    Ok(validity)
}
