//! DER (X.690), read: elements split off a slice one by one, in their one allowed encoding or not at all.
//!
//! **Invariant:** nothing here allocates, nothing recurses deeper than [`MAX_DEPTH`], and every byte of an element is
//! looked at no more than once per level.

#[cfg(test)]
mod tests;

/// Deepest nesting that is followed; certificates need about eight.
const MAX_DEPTH: usize = 24;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const TELETEX_STRING: u8 = 0x14;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
pub(crate) const BMP_STRING: u8 = 0x1e;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

const CONSTRUCTED: u8 = 0x20;
const CLASS: u8 = 0xc0;

/// `[number]` with something constructed inside.
pub(crate) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// `[number]` in place of a primitive type's own tag.
pub(crate) const fn primitive(number: u8) -> u8 {
    0x80 | number
}

/// Why bytes are not what they should be, in words that finish "the certificate cannot be read: …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    /// Its tag.
    pub(crate) tag: u8,
    /// What is inside.
    pub(crate) contents: &'a [u8],
    /// All of it, tag and length as well.
    pub(crate) whole: &'a [u8],
}

/// What is left of a run of elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Splits the next element off.
    pub(crate) fn element(&mut self) -> Result<Element<'a>, Malformed> {
        let all = self.0;
        let (&[tag, first], rest) = all
            .split_first_chunk::<2>()
            .ok_or(Malformed("it ends in the middle of an element"))?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed("it has a tag number above 30"));
        }
        let (length, rest) = length(first, rest)?;
        let (contents, rest) = rest
            .split_at_checked(length)
            .ok_or(Malformed("an element is longer than what holds it"))?;
        let whole = all
            .get(..all.len() - rest.len())
            .ok_or(Malformed("an element is longer than what holds it"))?;
        self.0 = rest;
        Ok(Element {
            tag,
            contents,
            whole,
        })
    }

    /// Splits the next element off, which must have this tag; `otherwise` says what was expected.
    pub(crate) fn expect(
        &mut self,
        tag: u8,
        otherwise: &'static str,
    ) -> Result<Element<'a>, Malformed> {
        let element = self.element()?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(Malformed(otherwise))
        }
    }

    /// Splits the next element off if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        match self.0.first() {
            Some(&next) if next == tag => self.element().map(Some),
            _ => Ok(None),
        }
    }

    /// Demands that nothing is left.
    pub(crate) const fn finish(self, otherwise: &'static str) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed(otherwise))
        }
    }
}

/// The one element that `bytes` consist of, which must have this tag.
pub(crate) fn only<'a>(
    bytes: &'a [u8],
    tag: u8,
    otherwise: &'static str,
) -> Result<Element<'a>, Malformed> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag, otherwise)?;
    reader.finish(otherwise)?;
    Ok(element)
}

/// All elements inside `contents`, every one with this tag.
pub(crate) fn all_of<'a>(
    contents: &'a [u8],
    tag: u8,
    otherwise: &'static str,
) -> impl Iterator<Item = Result<Element<'a>, Malformed>> {
    let mut reader = Reader::new(contents);
    std::iter::from_fn(move || {
        if reader.is_empty() {
            return None;
        }
        let next = reader.expect(tag, otherwise);
        if next.is_err() {
            reader = Reader::new(&[]);
        }
        Some(next)
    })
}

/// Demands DER all the way down: also where nobody looks, so that no two readers see different things.
pub(crate) fn well_formed(bytes: &[u8]) -> Result<(), Malformed> {
    nested(bytes, MAX_DEPTH)
}

fn nested(bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let element = reader.element()?;
        if element.tag & CONSTRUCTED != 0 {
            let depth = depth
                .checked_sub(1)
                .ok_or(Malformed("it is nested too deeply"))?;
            if element.tag & CLASS == 0 && !matches!(element.tag, SEQUENCE | SET) {
                return Err(Malformed("a value is split into pieces (BER, not DER)"));
            }
            nested(element.contents, depth)?;
        }
    }
    Ok(())
}

/// The bytes of an INTEGER in its shortest form: big-endian, two's complement.
pub(crate) const fn integer(contents: &[u8]) -> Result<&[u8], Malformed> {
    match contents {
        [] => Err(Malformed("a number is empty")),
        [0, second, ..] if *second < 0x80 => Err(Malformed("a number is not in its shortest form")),
        [0xff, second, ..] if *second >= 0x80 => {
            Err(Malformed("a number is not in its shortest form"))
        }
        _ => Ok(contents),
    }
}

/// An INTEGER that is not negative and small.
pub(crate) fn small_integer(contents: &[u8]) -> Result<u32, Malformed> {
    let bytes = integer(contents)?;
    match bytes {
        [first, ..] if *first >= 0x80 => Err(Malformed("a number is negative")),
        _ if bytes.len() > 4 => Err(Malformed("a number is too large")),
        _ => Ok(bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte))),
    }
}

/// A BOOLEAN.
pub(crate) const fn boolean(contents: &[u8]) -> Result<bool, Malformed> {
    match contents {
        [0] => Ok(false),
        [0xff] => Ok(true),
        _ => Err(Malformed("a truth value is neither true nor false")),
    }
}

/// The bits of a BIT STRING: how many of the last byte's are not used, and the bytes.
pub(crate) fn bits(contents: &[u8]) -> Result<(u8, &[u8]), Malformed> {
    let wrong = Malformed("a bit string is not well-formed");
    let (&unused, bytes) = contents.split_first().ok_or(wrong)?;
    let last = bytes.last().copied().unwrap_or(0);
    if unused > 7 || (bytes.is_empty() && unused != 0) || last & ((1 << unused) - 1) != 0 {
        return Err(wrong);
    }
    Ok((unused, bytes))
}

/// An OBJECT IDENTIFIER's contents, once they are known to be one.
pub(crate) fn object_identifier(contents: &[u8]) -> Result<&[u8], Malformed> {
    let wrong = Malformed("an object identifier is not well-formed");
    if contents.last().is_none_or(|last| *last >= 0x80) {
        return Err(wrong);
    }
    let mut begins = true;
    for byte in contents {
        if begins && *byte == 0x80 {
            return Err(wrong);
        }
        begins = *byte < 0x80;
    }
    Ok(contents)
}

/// The length of an element, and what follows it.
fn length(first: u8, rest: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let cut = Malformed("it ends in the middle of an element");
    let (length, least, rest) = match first {
        0..=0x7f => return Ok((usize::from(first), rest)),
        0x80 => return Err(Malformed("a length is left open (BER, not DER)")),
        0x81 => {
            let (&[a], rest) = rest.split_first_chunk::<1>().ok_or(cut)?;
            (usize::from(a), 0x80, rest)
        }
        0x82 => {
            let (&bytes, rest) = rest.split_first_chunk::<2>().ok_or(cut)?;
            (usize::from(u16::from_be_bytes(bytes)), 0x100, rest)
        }
        _ => return Err(Malformed("an element is longer than any certificate")),
    };
    if length < least {
        return Err(Malformed("a length is not in its shortest form"));
    }
    Ok((length, rest))
}
