use proptest::prelude::*;

use super::{NotACertificate, of_certificate};

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header, contents.to_vec()].concat()
}

fn certificate(version: bool, key: &[u8]) -> Vec<u8> {
    let mut tbs = if version {
        element(0xa0, &element(2, &[2]))
    } else {
        Vec::new()
    };
    tbs.extend(element(2, &[1]));
    for _ in 0..4 {
        tbs.extend(element(0x30, &[5, 0]));
    }
    tbs.extend(element(0x30, key));
    tbs.extend(element(0xa3, &[0x30, 0]));
    element(
        0x30,
        &[element(0x30, &tbs), element(0x30, &[]), element(3, &[0])].concat(),
    )
}

#[test]
fn the_key_is_found_in_version_1_and_version_3_certificates() {
    for version in [false, true] {
        assert_eq!(
            of_certificate(&certificate(version, &[1, 2, 3])).unwrap(),
            element(0x30, &[1, 2, 3])
        );
    }
    assert_eq!(
        of_certificate(&certificate(true, &[7; 300])).unwrap(),
        element(0x30, &[7; 300])
    );
}

#[test]
fn trailing_bytes_long_forms_and_indefinite_lengths_are_refused() {
    let good = certificate(true, &[1, 2, 3]);
    assert_eq!(
        of_certificate(&[good.as_slice(), &[0]].concat()),
        Err(NotACertificate)
    );
    let (body, _) = super::contents(&good, 0x30).unwrap();
    let long_form = [&[0x30, 0x82, 0, u8::try_from(body.len()).unwrap()], body].concat();
    assert_eq!(of_certificate(&long_form), Err(NotACertificate));
    let indefinite = [&[0x30, 0x80], body, &[0, 0]].concat();
    assert_eq!(of_certificate(&indefinite), Err(NotACertificate));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = of_certificate(&bytes);
    }

    #[test]
    fn a_cut_certificate_is_never_one(cut in 0_usize..60) {
        let good = certificate(true, &[1; 40]);
        prop_assume!(cut < good.len());
        prop_assert!(of_certificate(&good[..cut]).is_err());
    }

    #[test]
    fn a_mutated_certificate_yields_a_part_of_itself_or_nothing(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = certificate(true, &[1; 40]);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(key) = of_certificate(&bytes) {
            prop_assert!(bytes.windows(key.len()).any(|window| window == key));
        }
    }
}
