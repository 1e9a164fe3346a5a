use proptest::prelude::*;

use super::{is_seen, quoted, read, words};

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    [
        vec![tag, u8::try_from(contents.len()).unwrap()],
        contents.to_vec(),
    ]
    .concat()
}

fn name(parts: &[&[(u8, &[u8])]]) -> Vec<u8> {
    let parts: Vec<u8> = parts
        .iter()
        .flat_map(|attributes| {
            let attributes: Vec<u8> = attributes
                .iter()
                .flat_map(|(tag, value)| {
                    element(
                        0x30,
                        &[element(0x06, &[0x55, 4, 3]), element(*tag, value)].concat(),
                    )
                })
                .collect();
            element(0x31, &attributes)
        })
        .collect();
    element(0x30, &parts)
}

#[test]
fn names_are_written_last_part_first_and_escaped() {
    let written = |parts: &[&[(u8, &[u8])]]| words(&name(parts));
    assert_eq!(
        written(&[&[(0x0c, b"one")], &[(0x13, b"two")]]),
        "CN=two,CN=one"
    );
    assert_eq!(
        written(&[&[(0x0c, b"jon"), (0x0c, b"eve")]]),
        "CN=jon+CN=eve"
    );
    assert_eq!(
        written(&[&[(0x0c, b"jon,OU=admins")]]),
        "CN=jon\\,OU\\=admins"
    );
    assert_eq!(written(&[&[(0x0c, b"jon\0x")]]), "CN=jon\\00x");
    assert_eq!(
        written(&[&[(0x0c, "a\u{202e}b".as_bytes())]]),
        "CN=a\\E2\\80\\AEb"
    );
    assert_eq!(written(&[&[(0x0c, b"\xff")]]), "CN=#ff");
    assert_eq!(written(&[&[(0x1e, b"\0j\0o\0n")]]), "CN=jon");
    assert_eq!(written(&[&[(0x1e, b"\0j\0")]]), "CN=#006a00");
    assert_eq!(written(&[]), "(no name)");
    assert_eq!(words(b"nonsense"), "(a name that cannot be read)");
}

#[test]
fn a_part_without_attributes_is_no_part() {
    assert!(read(&element(0x30, &element(0x31, &[]))).is_err());
}

proptest! {
    #[test]
    fn whatever_strangers_write_is_harmless_and_short(text in ".{0,400}") {
        let written = quoted(&text);
        prop_assert!(written.chars().count() <= 201);
        prop_assert!(written.chars().all(|each| is_seen(each) || each == '…'));
    }
}
