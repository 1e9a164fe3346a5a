use proptest::prelude::*;

use super::*;

/// One element with its length in the shortest form.
fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match contents.len() {
        short @ 0..=0x7f => bytes.push(short.try_into().unwrap()),
        long => {
            bytes.push(0x84);
            bytes.extend(u32::try_from(long).unwrap().to_be_bytes());
        }
    }
    bytes.extend(contents);
    bytes
}

fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x02, &[id]), operation].concat())
}

fn done(id: u8) -> Vec<u8> {
    message(
        id,
        &tlv(0x65, &[tlv(0x0a, &[0]), tlv(4, b""), tlv(4, b"")].concat()),
    )
}

#[test]
fn an_ordinary_answer_passes_and_costs_what_it_costs() {
    let mut allowance = Allowance::one_answer();
    let done = done(3);
    assert_eq!(message_length(&done), Ok(Some(done.len())));
    allowance.spend(&done).unwrap();
    assert_eq!(allowance.messages, Allowance::one_answer().messages - 1);
    assert_eq!(allowance.elements, Allowance::one_answer().elements - 6);
    assert_eq!(allowance.bytes, Allowance::one_answer().bytes - done.len());
}

#[test]
fn a_length_is_known_as_soon_as_it_is_there() {
    assert_eq!(message_length(b""), Ok(None));
    assert_eq!(message_length(b"\x30"), Ok(None));
    assert_eq!(message_length(b"\x30\x84\x00\x00"), Ok(None));
    assert_eq!(message_length(b"\x30\x84\x00\x00\x01\x00"), Ok(Some(262)));
    assert_eq!(message_length(b"\x30\x05"), Ok(Some(7)));
}

#[test]
fn lengths_beyond_reason_are_refused_at_the_head() {
    assert_eq!(
        message_length(b"\x30\x84\x7f\xff\xff\xff"),
        Err(Hostile::TooLong)
    );
    assert_eq!(
        message_length(b"\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff"),
        Err(Hostile::Malformed)
    );
    assert_eq!(message_length(b"\x30\x80"), Err(Hostile::Malformed));
    assert_eq!(message_length(b"\x16"), Err(Hostile::Malformed));
    assert_eq!(message_length(b"HTTP/1.1 400"), Err(Hostile::Malformed));
}

#[test]
fn nesting_is_bounded() {
    let mut deep = tlv(4, b"x");
    for _ in 0..10 {
        deep = tlv(0x30, &deep);
    }
    let mut allowance = Allowance::one_answer();
    assert_eq!(allowance.spend(&message(1, &deep)), Ok(()));
    deep = tlv(0x30, &tlv(0x30, &deep));
    assert_eq!(allowance.spend(&message(1, &deep)), Err(Hostile::TooDeep));
    for _ in 0..20_000 {
        deep = tlv(0x30, &deep);
    }
    assert_eq!(allowance.spend(&message(1, &deep)), Err(Hostile::TooDeep));
}

#[test]
fn an_answer_ends_with_its_allowance() {
    let mut allowance = Allowance::one_answer();
    let entry = done(1);
    for _ in 0..Allowance::one_answer().messages {
        allowance.spend(&entry).unwrap();
    }
    assert_eq!(allowance.spend(&entry), Err(Hostile::Unasked));
    let crumbs = message(1, &tlv(0x64, &tlv(5, b"").repeat(20_000)));
    assert_eq!(
        Allowance::one_answer().spend(&crumbs),
        Err(Hostile::TooMuch)
    );
    let heavy = message(1, &tlv(0x64, &tlv(4, &vec![0; 400_000])));
    let mut allowance = Allowance::one_answer();
    allowance.spend(&heavy).unwrap();
    allowance.spend(&heavy).unwrap();
    assert_eq!(allowance.spend(&heavy), Err(Hostile::TooMuch));
}

#[test]
fn nobody_speaks_unasked() {
    assert_eq!(Allowance::nothing().spend(&done(1)), Err(Hostile::Unasked));
    assert_eq!(
        Allowance::one_answer().spend(&done(0)),
        Err(Hostile::Unasked)
    );
}

#[test]
fn elements_stay_inside_the_one_around_them() {
    // An inner element that claims a byte more than its sequence has.
    let bad = message(1, &[0x65, 3, 0x04, 2, b'x']);
    assert_eq!(Allowance::one_answer().spend(&bad), Err(Hostile::Malformed));
    let mut trailing = done(1);
    trailing.push(0);
    assert_eq!(
        Allowance::one_answer().spend(&trailing),
        Err(Hostile::Malformed)
    );
    for end in 0..done(1).len() {
        assert!(
            Allowance::one_answer().spend(&done(1)[..end]).is_err(),
            "{end}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_measured(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = message_length(&bytes);
        let _ = Allowance::one_answer().spend(&bytes);
        let _ = Allowance::one_answer().spend(&message(1, &bytes));
    }

    #[test]
    fn what_passes_is_what_the_library_can_parse(bytes in prop::collection::vec(prop::sample::select(vec![
        0x30u8, 0x31, 0x02, 0x04, 0x0a, 0x00, 0x01, 0x03, 0x05, 0x64, 0x81]), 0..40)) {
        let whole = message(1, &bytes);
        if Allowance::one_answer().spend(&whole).is_ok() {
            let (rest, _) = ldap3::asn1::parse_tag(&whole).unwrap();
            prop_assert!(rest.is_empty());
        }
    }
}
