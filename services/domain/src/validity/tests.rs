use proptest::prelude::*;

use super::not_after;
use crate::public_key::NotACertificate;
use crate::timestamp::Timestamp;

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).unwrap();
    match length {
        0..0x80 => [&[tag, length], contents].concat(),
        _ => [&[tag, 0x81, length], contents].concat(),
    }
}

fn certificate(validity: &[u8]) -> Vec<u8> {
    let empty = element(0x30, &[]);
    let tbs = [
        element(0xa0, &element(2, &[2])),
        element(2, &[1]),
        empty.clone(),
        empty.clone(),
        element(0x30, validity),
        empty.clone(),
        empty.clone(),
    ]
    .concat();
    element(
        0x30,
        &[element(0x30, &tbs), empty, element(3, &[0])].concat(),
    )
}

fn until(tag: u8, text: &str) -> Vec<u8> {
    let from = element(0x17, b"260101000000Z");
    certificate(&[from, element(tag, text.as_bytes())].concat())
}

const UTC: u8 = 0x17;
const GENERALIZED: u8 = 0x18;

#[test]
fn the_end_is_read_in_both_forms() {
    for (tag, text, seconds) in [
        (UTC, "700101000000Z", 0),
        (UTC, "700101000001Z", 1),
        (UTC, "000229000000Z", 951_782_400),
        (UTC, "261124031502Z", 1_795_490_102),
        (UTC, "491231235959Z", 2_524_607_999),
        (GENERALIZED, "20500101000000Z", 2_524_608_000),
        (GENERALIZED, "21000301000000Z", 4_107_542_400),
        (GENERALIZED, "99991231235959Z", 253_402_300_799),
        (UTC, "500101000000Z", 0),
        (GENERALIZED, "00000101000000Z", 0),
    ] {
        assert_eq!(
            not_after(&until(tag, text)),
            Ok(Timestamp(seconds)),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_date_is_no_end() {
    for (tag, text) in [
        (UTC, "261124031502"),
        (UTC, "2611240315Z"),
        (UTC, "261124031502+0100"),
        (UTC, "260001000000Z"),
        (UTC, "261301000000Z"),
        (UTC, "260229000000Z"),
        (UTC, "260431000000Z"),
        (UTC, "260400000000Z"),
        (UTC, "260401240000Z"),
        (UTC, "260401006000Z"),
        (UTC, "260401000060Z"),
        (UTC, "26040100 000Z"),
        (UTC, "20260401000000Z"),
        (GENERALIZED, "260401000000Z"),
        (GENERALIZED, "20260401000000.5Z"),
        (0x16, "260401000000Z"),
        (UTC, ""),
    ] {
        assert_eq!(not_after(&until(tag, text)), Err(NotACertificate), "{text}");
    }
    assert_eq!(not_after(&certificate(&[])), Err(NotACertificate));
    let time = element(UTC, b"260101000000Z");
    assert_eq!(not_after(&certificate(&time)), Err(NotACertificate));
    let three = [time.clone(), time.clone(), time].concat();
    assert_eq!(not_after(&certificate(&three)), Err(NotACertificate));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = not_after(&bytes);
    }

    #[test]
    fn a_mutated_certificate_is_answered(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = until(UTC, "261124031502Z");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = not_after(&bytes);
    }

    #[test]
    fn a_later_text_is_a_later_end(one in 0_u64..=99_991_231_235_959, two in 0_u64..=99_991_231_235_959) {
        let end = |text: u64| not_after(&until(GENERALIZED, &format!("{text:014}Z"))).ok();
        if let (Some(first), Some(second)) = (end(one.min(two)), end(one.max(two))) {
            prop_assert!(first <= second);
        }
    }
}
