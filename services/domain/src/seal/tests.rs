use proptest::prelude::*;

use super::{CannotOpen, Purpose, SealKeys};

const HOST: &str = "login.example.com";

fn keys(generations: &[u8]) -> SealKeys {
    let bytes: Vec<[u8; 32]> = generations.iter().map(|each| [*each; 32]).collect();
    SealKeys::new(bytes.iter().map(<[u8; 32]>::as_slice)).unwrap()
}

#[test]
fn a_sealed_value_opens_only_for_its_purpose_host_and_key() {
    let sealed = keys(&[1])
        .seal_text(Purpose::Transaction, HOST, b"hello", [7; 12])
        .unwrap();
    assert_eq!(
        keys(&[1])
            .open_text(Purpose::Transaction, HOST, &sealed)
            .unwrap()
            .as_slice(),
        b"hello"
    );
    assert_eq!(
        keys(&[1]).open_text(Purpose::Session, HOST, &sealed),
        Err(CannotOpen)
    );
    assert_eq!(
        keys(&[1]).open_text(Purpose::Transaction, "cert.example.com", &sealed),
        Err(CannotOpen)
    );
    assert_eq!(
        keys(&[2]).open_text(Purpose::Transaction, HOST, &sealed),
        Err(CannotOpen)
    );
}

#[test]
fn the_generation_before_still_opens_and_the_one_before_that_does_not() {
    let sealed = keys(&[1])
        .seal_text(Purpose::Session, HOST, b"hello", [7; 12])
        .unwrap();
    assert!(
        keys(&[2, 1])
            .open_text(Purpose::Session, HOST, &sealed)
            .is_ok()
    );
    assert!(
        keys(&[3, 2])
            .open_text(Purpose::Session, HOST, &sealed)
            .is_err()
    );
}

#[test]
fn wrong_numbers_and_lengths_of_keys_are_refused() {
    assert!(SealKeys::new([]).is_err());
    assert!(SealKeys::new([[0; 31].as_slice()]).is_err());
    assert!(SealKeys::new([[0; 32].as_slice(), &[1; 32], &[2; 32]]).is_err());
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".{0,200}") {
        prop_assert!(keys(&[1]).open_text(Purpose::Code, HOST, &text).is_err());
    }

    #[test]
    fn one_changed_bit_anywhere_closes_it(plain in proptest::collection::vec(any::<u8>(), 0..64), bit in any::<prop::sample::Index>()) {
        let mut sealed = keys(&[1]).seal(Purpose::Code, HOST, &plain, [9; 12]).unwrap();
        let opened = keys(&[1]).open(Purpose::Code, HOST, &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
        let at = bit.index(sealed.len() * 8);
        sealed[at / 8] ^= 1 << (at % 8);
        prop_assert!(keys(&[1]).open(Purpose::Code, HOST, &sealed).is_err());
    }
}
