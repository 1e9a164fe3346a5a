//! The extensions of a certificate (RFC 5280 section 4.2) that are understood here; of the others, whether they insist.
//!
//! **Invariant:** no extension stands twice, and none that says "critical" is passed over.

use std::collections::BTreeSet;

use crate::der::{self, Element, Malformed, Reader};
use crate::oid;

/// What the extensions say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions<'a> {
    /// basicConstraints.
    pub(crate) basic_constraints: Option<BasicConstraints>,
    /// keyUsage.
    pub(crate) key_usage: Option<KeyUsage>,
    /// extendedKeyUsage: the contents of each purpose's object identifier.
    pub(crate) purposes: Option<Vec<&'a [u8]>>,
    /// subjectKeyIdentifier.
    pub(crate) subject_key: Option<&'a [u8]>,
    /// The key identifier of authorityKeyIdentifier.
    pub(crate) authority_key: Option<&'a [u8]>,
    /// subjectAltName, each name with its context tag.
    pub(crate) alternative_names: Vec<Element<'a>>,
    /// Whether there is a subjectAltName that is not critical.
    pub(crate) alternative_names_may_be_ignored: bool,
    /// Whether there are nameConstraints.
    pub(crate) constrains_names: bool,
    /// The value of Active Directory's security identifier extension.
    pub(crate) security_identifier: Option<&'a [u8]>,
    /// Critical ones that are not understood, in words.
    pub(crate) not_understood: Vec<String>,
}

/// basicConstraints (RFC 5280 section 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BasicConstraints {
    /// cA.
    pub(crate) authority: bool,
    /// pathLenConstraint.
    pub(crate) path_length: Option<u32>,
}

/// keyUsage (RFC 5280 section 4.2.1.3), as far as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyUsage {
    /// digitalSignature.
    pub(crate) digital_signature: bool,
    /// keyCertSign.
    pub(crate) certificate_signing: bool,
}

impl<'a> Extensions<'a> {
    /// Reads the contents of the `[3]` that holds the extensions.
    pub(super) fn read(contents: &'a [u8]) -> Result<Self, Malformed> {
        const WRONG: &str = "an extension is not well-formed";
        let list = der::only(contents, der::SEQUENCE, WRONG)?;
        let mut extensions = Self::default();
        let mut seen = BTreeSet::new();
        for extension in der::all_of(list.contents, der::SEQUENCE, WRONG) {
            let mut reader = Reader::new(extension?.contents);
            let kind = reader.expect(der::OBJECT_IDENTIFIER, WRONG)?;
            // DER leaves FALSE out; authorities that write it all the same are common, and it means the same.
            let critical = match reader.optional(der::BOOLEAN)? {
                Some(critical) => der::boolean(critical.contents)?,
                None => false,
            };
            let value = reader.expect(der::OCTET_STRING, WRONG)?;
            reader.finish(WRONG)?;
            let kind = der::object_identifier(kind.contents)?;
            if !seen.insert(kind) {
                return Err(Malformed("an extension stands there twice"));
            }
            extensions.take(kind, critical, value.contents)?;
        }
        Ok(extensions)
    }

    /// Whether it says CA:TRUE.
    pub(crate) fn authority(&self) -> bool {
        self.basic_constraints
            .is_some_and(|constraints| constraints.authority)
    }

    /// The DNS names among the alternative names.
    pub(crate) fn dns_names(&self) -> impl Iterator<Item = &'a str> {
        self.texts(2)
    }

    /// The URIs among the alternative names.
    pub(crate) fn uris(&self) -> impl Iterator<Item = &'a str> {
        self.texts(6)
    }

    fn texts(&self, number: u8) -> impl Iterator<Item = &'a str> {
        self.alternative_names
            .iter()
            .filter(move |name| name.tag == der::primitive(number))
            .filter_map(|name| std::str::from_utf8(name.contents).ok())
            .filter(|text| text.is_ascii())
    }

    fn take(&mut self, kind: &'a [u8], critical: bool, value: &'a [u8]) -> Result<(), Malformed> {
        match kind {
            oid::BASIC_CONSTRAINTS => self.basic_constraints = Some(basic_constraints(value)?),
            oid::KEY_USAGE => self.key_usage = Some(key_usage(value)?),
            oid::EXTENDED_KEY_USAGE => self.purposes = Some(purposes(value)?),
            oid::SUBJECT_ALTERNATIVE_NAME => {
                self.alternative_names = alternative_names(value)?;
                self.alternative_names_may_be_ignored = !critical;
            }
            oid::NAME_CONSTRAINTS => {
                der::only(
                    value,
                    der::SEQUENCE,
                    "its name constraints are not well-formed",
                )?;
                self.constrains_names = true;
            }
            // Where revocation lists are published: known, and of no effect on the path itself.
            oid::REVOCATION_LISTS => {}
            other => {
                // RFC 5280 forbids key identifiers to be critical; saying so marks a certificate as odd, so it insists in vain.
                if critical {
                    self.not_understood.push(oid::words(other));
                }
                self.take_optional(other, value)?;
            }
        }
        Ok(())
    }

    fn take_optional(&mut self, kind: &[u8], value: &'a [u8]) -> Result<(), Malformed> {
        match kind {
            oid::SUBJECT_KEY_IDENTIFIER => {
                let identifier = der::only(
                    value,
                    der::OCTET_STRING,
                    "its key identifier is not well-formed",
                )?;
                self.subject_key = Some(identifier.contents);
            }
            oid::AUTHORITY_KEY_IDENTIFIER => {
                const WRONG: &str = "its authority key identifier is not well-formed";
                let identifier = der::only(value, der::SEQUENCE, WRONG)?;
                let mut reader = Reader::new(identifier.contents);
                let key = reader.optional(der::primitive(0))?;
                self.authority_key = key.map(|key| key.contents);
            }
            oid::SECURITY_IDENTIFIER => self.security_identifier = Some(value),
            _ => {}
        }
        Ok(())
    }
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, Malformed> {
    const WRONG: &str = "its basic constraints are not well-formed";
    let contents = der::only(value, der::SEQUENCE, WRONG)?.contents;
    let mut reader = Reader::new(contents);
    let authority = match reader.optional(der::BOOLEAN)? {
        Some(authority) => der::boolean(authority.contents)?,
        None => false,
    };
    let path_length = reader
        .optional(der::INTEGER)?
        .map(|length| der::small_integer(length.contents))
        .transpose()?;
    reader.finish(WRONG)?;
    Ok(BasicConstraints {
        authority,
        path_length,
    })
}

fn key_usage(value: &[u8]) -> Result<KeyUsage, Malformed> {
    let bits = der::only(value, der::BIT_STRING, "its key usage is not well-formed")?;
    let (_, bytes) = der::bits(bits.contents)?;
    let first = bytes.first().copied().unwrap_or(0);
    Ok(KeyUsage {
        digital_signature: first & 0x80 != 0,
        certificate_signing: first & 0x04 != 0,
    })
}

fn purposes(value: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    const WRONG: &str = "its extended key usage is not well-formed";
    let list = der::only(value, der::SEQUENCE, WRONG)?;
    let purposes: Vec<_> = der::all_of(list.contents, der::OBJECT_IDENTIFIER, WRONG)
        .map(|purpose| der::object_identifier(purpose?.contents))
        .collect::<Result<_, _>>()?;
    if purposes.is_empty() {
        Err(Malformed("its extended key usage names no purpose"))
    } else {
        Ok(purposes)
    }
}

fn alternative_names(value: &[u8]) -> Result<Vec<Element<'_>>, Malformed> {
    const WRONG: &str = "its alternative names are not well-formed";
    let mut reader = Reader::new(der::only(value, der::SEQUENCE, WRONG)?.contents);
    let mut names = Vec::new();
    while !reader.is_empty() {
        let name = reader.element()?;
        // GeneralName (RFC 5280 section 4.2.1.6): [0] to [8], of which 0, 3, 4 and 5 have something inside.
        let number = name.tag & 0x1f;
        let expected = match number {
            0 | 3 | 4 | 5 => der::constructed(number),
            1 | 2 | 6 | 7 | 8 => der::primitive(number),
            _ => return Err(Malformed(WRONG)),
        };
        if name.tag != expected {
            return Err(Malformed(WRONG));
        }
        names.push(name);
    }
    if names.is_empty() {
        Err(Malformed(WRONG))
    } else {
        Ok(names)
    }
}
