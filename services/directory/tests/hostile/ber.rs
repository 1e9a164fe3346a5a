//! The few BER messages that a server of LDAP writes and reads (RFC 4511).

/// One element.
pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag, 0x84];
    bytes.extend(u32::try_from(contents.len()).unwrap().to_be_bytes());
    bytes.extend(contents);
    bytes
}

/// A message of this number around an operation.
pub(crate) fn message(id: u32, operation: &[u8]) -> Vec<u8> {
    tlv(
        0x30,
        &[tlv(0x02, &id.to_be_bytes()), operation.to_vec()].concat(),
    )
}

/// The fields of an LDAPResult under `tag`.
pub(crate) fn result(id: u32, tag: u8, code: u8, text: &str) -> Vec<u8> {
    let fields = [
        tlv(0x0a, &[code]),
        tlv(0x04, b""),
        tlv(0x04, text.as_bytes()),
    ]
    .concat();
    message(id, &tlv(tag, &fields))
}

pub(crate) fn bind_response(id: u32, code: u8, text: &str) -> Vec<u8> {
    result(id, 0x61, code, text)
}

pub(crate) fn done(id: u32, code: u8) -> Vec<u8> {
    result(id, 0x65, code, "")
}

/// A search result that sends the client somewhere else.
pub(crate) fn referral(id: u32, url: &str) -> Vec<u8> {
    let fields = [
        tlv(0x0a, &[10]),
        tlv(0x04, b""),
        tlv(0x04, b"elsewhere"),
        tlv(0xa3, &tlv(0x04, url.as_bytes())),
    ];
    message(id, &tlv(0x65, &fields.concat()))
}

/// A search result reference, as Active Directory adds them.
pub(crate) fn reference(id: u32, url: &str) -> Vec<u8> {
    message(id, &tlv(0x73, &tlv(0x04, url.as_bytes())))
}

/// An entry with its attributes.
pub(crate) fn entry(id: u32, name: &str, attributes: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    let list: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, values)| {
            let values: Vec<u8> = values.iter().flat_map(|value| tlv(0x04, value)).collect();
            tlv(
                0x30,
                &[tlv(0x04, name.as_bytes()), tlv(0x31, &values)].concat(),
            )
        })
        .collect();
    message(
        id,
        &tlv(
            0x64,
            &[tlv(0x04, name.as_bytes()), tlv(0x30, &list)].concat(),
        ),
    )
}

/// Splits one element off: tag, contents, rest; `None` while it is not whole.
pub(crate) fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (
            digits
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte)),
            rest,
        )
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}
