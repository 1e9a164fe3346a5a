//! Whom a certificate names: exactly one common name that is an account name, and Active Directory's security identifier.
//!
//! User principal names and Microsoft's application policies are not read: neither decides anything here.
//!
//! **Invariant:** one name comes out or none; nothing is guessed, trimmed, folded or converted on the way.

use domain::account::{AccountName, Sid};
use domain::outcome::Refusal;
use domain::reason::Reason;

use crate::certificate::extensions::Extensions;
use crate::der::{self, Malformed, Reader};
use crate::name::{self, Attribute};
use crate::oid;

#[cfg(test)]
mod tests;

/// What a security identifier in a SAN URI begins with (MS-PKCA 3.1.5.2.1.6).
const SID_URI: &str = "tag:microsoft.com,2022-09-14:sid:";

/// The account name in a DER subject: its one common name, alone in its part of the name.
///
/// # Errors
/// [`Reason::NoCn`], [`Reason::AmbiguousCn`], [`Reason::MalformedCn`], or [`Reason::Malformed`] when the bytes are no name.
pub fn common_name(subject: &[u8]) -> Result<AccountName, Refusal> {
    let parts = name::read(subject)
        .map_err(|error| Refusal::because(Reason::Malformed, error.to_string()))?;
    let names: Vec<(&Attribute<'_>, usize)> = parts
        .iter()
        .flat_map(|part| part.iter().map(|attribute| (attribute, part.len())))
        .filter(|(attribute, _)| attribute.kind == oid::COMMON_NAME)
        .collect();
    match names.as_slice() {
        [] => Err(Refusal::because(
            Reason::NoCn,
            format!("the subject is {}", name::words(subject)),
        )),
        [(name, 1)] => account(name),
        [_] => Err(Refusal::because(
            Reason::AmbiguousCn,
            "the common name shares its part of the subject with another attribute",
        )),
        several => Err(Refusal::because(
            Reason::AmbiguousCn,
            format!("the subject has {} common names", several.len()),
        )),
    }
}

/// The security identifier in a certificate's extensions: in the extension AD CS writes (MS-WCCE 2.2.2.7.7.4) or as a URI
/// among the alternative names; both must agree.
///
/// # Errors
/// [`Reason::Malformed`], or [`Reason::SidMismatch`] when it has two that differ.
pub(crate) fn security_identifier(extensions: &Extensions<'_>) -> Result<Option<Sid>, Refusal> {
    let malformed = |detail: &str| Refusal::because(Reason::Malformed, detail);
    let mut found: Option<Sid> = match extensions.security_identifier {
        Some(value) => Some(object_sid(value).map_err(|error| malformed(error.0))?),
        None => None,
    };
    for uri in extensions.uris() {
        let Some(text) = uri.strip_prefix(SID_URI) else {
            continue;
        };
        let sid: Sid = text.parse().map_err(|_| {
            malformed("the security identifier among its alternative names is none")
        })?;
        match &found {
            Some(other) if *other != sid => {
                return Err(Refusal::because(
                    Reason::SidMismatch,
                    format!("the certificate holds two security identifiers, {other} and {sid}"),
                ));
            }
            _ => found = Some(sid),
        }
    }
    Ok(found)
}

fn account(name: &Attribute<'_>) -> Result<AccountName, Refusal> {
    let malformed = |detail: String| Refusal::because(Reason::MalformedCn, detail);
    let text = text(name).map_err(|detail| malformed(detail.to_owned()))?;
    text.parse()
        .map_err(|error| malformed(format!("{error}: “{}”", name::quoted(text))))
}

/// The text of a common name, if it is of a string type with one way to be read.
fn text<'a>(name: &Attribute<'a>) -> Result<&'a str, &'static str> {
    let text = std::str::from_utf8(name.value);
    match name.tag {
        der::UTF8_STRING => text.map_err(|_| "the common name is not valid UTF-8"),
        der::PRINTABLE_STRING => text
            .ok()
            .filter(|text| text.bytes().all(is_printable))
            .ok_or("the common name is a PrintableString with characters that type does not have"),
        der::IA5_STRING => text
            .ok()
            .filter(|text| text.is_ascii())
            .ok_or("the common name is an IA5String with characters that type does not have"),
        der::BMP_STRING => Err("the common name is a BMPString; UTF8String is expected"),
        der::TELETEX_STRING => Err("the common name is a T61String; UTF8String is expected"),
        der::UNIVERSAL_STRING => {
            Err("the common name is a UniversalString; UTF8String is expected")
        }
        _ => Err("the common name is not of a string type"),
    }
}

/// The characters of PrintableString (X.680 section 41.4).
const fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b' ' | b'\'' | b'(' | b')' | b'+' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'?'
        )
}

/// `SEQUENCE { [0] { OBJECT IDENTIFIER 1.3.6.1.4.1.311.25.2.1, [0] { OCTET STRING "S-1-5-…" } } }`, and nothing else.
fn object_sid(value: &[u8]) -> Result<Sid, Malformed> {
    const WRONG: &str = "its security identifier extension is not well-formed";
    der::well_formed(value).map_err(|_| Malformed(WRONG))?;
    let names = der::only(value, der::SEQUENCE, WRONG)?;
    let other_name = der::only(names.contents, der::constructed(0), WRONG)?;
    let mut reader = Reader::new(other_name.contents);
    let kind = reader.expect(der::OBJECT_IDENTIFIER, WRONG)?;
    let inside = reader.expect(der::constructed(0), WRONG)?;
    reader.finish(WRONG)?;
    if kind.contents != oid::OBJECT_SID {
        return Err(Malformed(WRONG));
    }
    let text = der::only(inside.contents, der::OCTET_STRING, WRONG)?;
    std::str::from_utf8(text.contents)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Malformed(WRONG))
}
