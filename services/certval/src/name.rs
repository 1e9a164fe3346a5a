//! Distinguished names: their attributes, and how they are written for people (RFC 4514).
//!
//! **Invariant:** no two names that differ in a character are written alike, and nothing written here can change how the
//! text around it is read: control, invisible and direction-changing characters come out as numbers.

use crate::der::{self, Malformed};
use crate::oid;

#[cfg(test)]
mod tests;

/// Longest text made of one name, in characters; what is longer ends with `…`.
const MAX_WORDS: usize = 200;

/// One attribute of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    /// The contents of its type's object identifier.
    pub(crate) kind: &'a [u8],
    /// The tag of its value.
    pub(crate) tag: u8,
    /// The bytes of its value as they stand there.
    pub(crate) value: &'a [u8],
}

/// The parts of a DER name in the order they are encoded; each part with its attributes, almost always one.
pub(crate) fn read(name: &[u8]) -> Result<Vec<Vec<Attribute<'_>>>, Malformed> {
    const WRONG: &str = "a name is not well-formed";
    let name = der::only(name, der::SEQUENCE, WRONG)?;
    der::all_of(name.contents, der::SET, WRONG)
        .map(|part| {
            let attributes: Vec<_> = der::all_of(part?.contents, der::SEQUENCE, WRONG)
                .map(|attribute| {
                    let mut reader = der::Reader::new(attribute?.contents);
                    let kind = reader.expect(der::OBJECT_IDENTIFIER, WRONG)?;
                    let value = reader.element()?;
                    reader.finish(WRONG)?;
                    Ok(Attribute {
                        kind: der::object_identifier(kind.contents)?,
                        tag: value.tag,
                        value: value.contents,
                    })
                })
                .collect::<Result<_, Malformed>>()?;
            if attributes.is_empty() {
                Err(Malformed(WRONG))
            } else {
                Ok(attributes)
            }
        })
        .collect()
}

/// A DER name in words: the last part first, as Active Directory writes names, like `CN=jon,OU=Users,DC=fabrikam`.
pub(crate) fn words(name: &[u8]) -> String {
    let Ok(parts) = read(name) else {
        return "(a name that cannot be read)".to_owned();
    };
    if parts.is_empty() {
        return "(no name)".to_owned();
    }
    let parts: Vec<String> = parts
        .iter()
        .rev()
        .map(|attributes| {
            let attributes: Vec<String> = attributes.iter().map(attribute_words).collect();
            attributes.join("+")
        })
        .collect();
    shortened(parts.join(","))
}

/// Text a stranger wrote, fit to stand inside a sentence.
pub(crate) fn quoted(text: &str) -> String {
    shortened(escaped(text))
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_WORDS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn attribute_words(attribute: &Attribute<'_>) -> String {
    let numbers = oid::dotted(attribute.kind);
    let kind = oid::attribute(&numbers).unwrap_or(&numbers);
    match decoded(attribute) {
        Some(text) => format!("{kind}={}", escaped(&text)),
        None => format!("{kind}=#{}", hexadecimal(attribute.value)),
    }
}

/// The text of a value for people to read. What identifies somebody is decoded elsewhere, more strictly.
fn decoded(attribute: &Attribute<'_>) -> Option<String> {
    match attribute.tag {
        der::UTF8_STRING => String::from_utf8(attribute.value.to_vec()).ok(),
        der::PRINTABLE_STRING | der::IA5_STRING => {
            let text = std::str::from_utf8(attribute.value).ok()?;
            text.is_ascii().then(|| text.to_owned())
        }
        der::BMP_STRING => {
            let (pairs, []) = attribute.value.as_chunks::<2>() else {
                return None;
            };
            pairs
                .iter()
                .map(|pair| char::from_u32(u32::from(u16::from_be_bytes(*pair))))
                .collect()
        }
        _ => None,
    }
}

/// RFC 4514 section 2.4, and every character that cannot be seen as `\` and its UTF-8 bytes.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (index, each) in text.chars().enumerate() {
        let special = "\",+;<>\\=".contains(each)
            || (index == 0 && "# ".contains(each))
            || (index == last && each == ' ');
        if special {
            out.push('\\');
            out.push(each);
        } else if is_seen(each) {
            out.push(each);
        } else {
            let mut bytes = [0; 4];
            for byte in each.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("\\{byte:02X}"));
            }
        }
    }
    out
}

/// Whether a character shows as itself. Beyond ASCII only letters and digits are taken for granted.
fn is_seen(each: char) -> bool {
    each.is_ascii_graphic() || each == ' ' || each.is_alphanumeric()
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
