//! DER, written: as much as a certificate needs that no library agrees to make.
//!
//! **Invariant:** what comes out is well-formed TLV with the shortest lengths, whatever goes in; only
//! the meaning may be wrong, on purpose.

use time::OffsetDateTime;

/// One value with any tag.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = content.len().to_be_bytes();
            let length: Vec<u8> = bytes
                .iter()
                .copied()
                .skip_while(|byte| *byte == 0)
                .collect();
            out.push(0x80 | u8::try_from(length.len()).unwrap_or(0x7f));
            out.extend(length);
        }
    }
    out.extend_from_slice(content);
    out
}

/// SEQUENCE of the given encoded values.
pub(super) fn sequence(values: &[&[u8]]) -> Vec<u8> {
    value(0x30, &values.concat())
}

/// SET of the given encoded values, in the order given.
pub(super) fn set(values: &[&[u8]]) -> Vec<u8> {
    value(0x31, &values.concat())
}

/// `[number]`, constructed, explicit.
pub(super) fn context(number: u8, content: &[u8]) -> Vec<u8> {
    value(0xa0 | number, content)
}

/// INTEGER that is not negative.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let significant: Vec<u8> = bytes
        .iter()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect();
    let mut content = Vec::new();
    if significant.first().is_none_or(|first| *first >= 0x80) {
        content.push(0);
    }
    content.extend(significant);
    value(0x02, &content)
}

/// BIT STRING of whole bytes.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    value(0x03, &[&[0], bytes].concat())
}

/// OCTET STRING.
pub(super) fn octet_string(bytes: &[u8]) -> Vec<u8> {
    value(0x04, bytes)
}

/// OBJECT IDENTIFIER.
pub(super) fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    let (first, rest) = match arcs {
        [first, second, rest @ ..] => (first * 40 + second, rest),
        _ => (0, arcs),
    };
    for arc in std::iter::once(&first).chain(rest) {
        let groups = (64 - arc.leading_zeros()).max(1).div_ceil(7);
        for group in (0..groups).rev() {
            let bits = u8::try_from((arc >> (7 * group)) & 0x7f).unwrap_or(0);
            content.push(if group == 0 { bits } else { 0x80 | bits });
        }
    }
    value(0x06, &content)
}

/// UTCTime (until 2049).
pub(super) fn utc_time(at: OffsetDateTime) -> Vec<u8> {
    let text = format!(
        "{:02}{:02}{:02}{:02}{:02}{:02}Z",
        at.year() % 100,
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    value(0x17, text.as_bytes())
}
