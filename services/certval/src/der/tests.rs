use proptest::prelude::*;

use super::{Malformed, Reader, bits, integer, object_identifier, small_integer, well_formed};

#[test]
fn only_the_shortest_form_of_a_length_is_read() {
    for bad in [
        &[0x04, 0x80, 0, 0][..],
        &[0x04, 0x81, 0x01, 0],
        &[0x04, 0x82, 0x00, 0x01, 0],
        &[0x04, 0x83, 0, 0, 1, 0],
        &[0x04, 0x02, 0],
        &[0x1f, 0x01, 0],
        &[0x04],
        &[],
    ] {
        assert!(Reader::new(bad).element().is_err(), "{bad:02x?}");
    }
    let mut long = vec![0x04, 0x81, 0x80];
    long.extend([7; 0x80]);
    assert_eq!(Reader::new(&long).element().unwrap().contents, [7; 0x80]);
}

#[test]
fn values_have_one_encoding() {
    assert!(integer(&[]).is_err());
    assert!(integer(&[0, 0x7f]).is_err());
    assert!(integer(&[0xff, 0x80]).is_err());
    assert_eq!(integer(&[0, 0x80]), Ok(&[0, 0x80][..]));
    assert_eq!(small_integer(&[0x01, 0x00]), Ok(256));
    assert!(small_integer(&[0x80]).is_err());
    assert!(small_integer(&[1, 0, 0, 0, 0]).is_err());
    assert!(bits(&[]).is_err());
    assert!(bits(&[8, 0]).is_err());
    assert!(bits(&[1]).is_err());
    assert!(bits(&[7, 0x81]).is_err(), "an unused bit is set");
    assert_eq!(bits(&[7, 0x80]), Ok((7, &[0x80][..])));
    assert!(object_identifier(&[]).is_err());
    assert!(object_identifier(&[0x55, 0x80, 0x04]).is_err());
    assert!(object_identifier(&[0x55, 0x84]).is_err());
}

#[test]
fn ber_inside_is_found_wherever_it_hides() {
    // SEQUENCE { OCTET STRING in pieces { … } }
    assert!(well_formed(&[0x30, 5, 0x24, 3, 0x04, 1, 0]).is_err());
    // [0] { open length }
    assert!(well_formed(&[0xa0, 4, 0x30, 0x80, 0, 0]).is_err());
    let deep = (0..40u8).rev().fold(Vec::new(), |inner: Vec<u8>, _| {
        [vec![0x30, u8::try_from(inner.len()).unwrap()], inner].concat()
    });
    assert_eq!(
        well_formed(&deep),
        Err(Malformed("it is nested too deeply"))
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = well_formed(&bytes);
        let mut reader = Reader::new(&bytes);
        while let Ok(element) = reader.element() {
            prop_assert!(element.whole.ends_with(element.contents));
        }
    }
}
