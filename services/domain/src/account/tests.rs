use proptest::prelude::*;

use super::{AccountName, InvalidAccountName, Sid};

#[test]
fn plain_names_are_names_and_compare_without_ascii_case_only() {
    let jon: AccountName = "jon".parse().unwrap();
    assert!(jon.is_exactly("JON"));
    for other in [
        "j\u{f6}n",
        "\u{ff4a}\u{ff4f}\u{ff4e}",
        "j\u{43e}n",
        "jon ",
        "jon$",
        "jonn",
        "",
    ] {
        assert!(!jon.is_exactly(other), "{other}");
    }
    let kim: AccountName = "kim".parse().unwrap();
    assert!(!kim.is_exactly("\u{212a}im"), "the Kelvin sign is not a k");
    assert!("\u{212a}im".parse::<AccountName>().is_err());
    let bjorn: AccountName = "bjo\u{308}rn".parse().unwrap();
    assert!(
        bjorn.is_exactly("bj\u{f6}rn"),
        "composed and decomposed are one name"
    );
    assert!(!bjorn.is_exactly("bjorn"), "accents are not folded");
}

#[test]
fn what_no_account_is_called_is_refused() {
    let cases = [
        ("", InvalidAccountName::Empty),
        (" jon", InvalidAccountName::Edge),
        ("jon ", InvalidAccountName::Edge),
        ("jon.", InvalidAccountName::Edge),
        ("jon\0admin", InvalidAccountName::Invisible),
        ("jon\r\n", InvalidAccountName::Invisible),
        ("jo\u{202e}n", InvalidAccountName::Invisible),
        ("jo\u{200b}n", InvalidAccountName::Invisible),
        ("FABRIKAM\\jon", InvalidAccountName::Forbidden),
        ("jon@fabrikam.com", InvalidAccountName::Forbidden),
        ("*)(objectClass=*", InvalidAccountName::Forbidden),
        ("DC01$", InvalidAccountName::Forbidden),
    ];
    for (text, why) in cases {
        assert_eq!(text.parse::<AccountName>(), Err(why), "{text:?}");
    }
    assert_eq!(
        "x".repeat(65).parse::<AccountName>(),
        Err(InvalidAccountName::TooLong)
    );
    assert_eq!(
        "x".repeat(1 << 20).parse::<AccountName>(),
        Err(InvalidAccountName::TooLong)
    );
}

#[test]
fn a_binary_sid_reads_as_its_text() {
    let bytes = [
        1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0x4e, 4, 0, 0,
    ];
    assert_eq!(
        Sid::from_binary(&bytes).unwrap(),
        "S-1-5-21-1-2-3-1102".parse().unwrap()
    );
    assert!(Sid::from_binary(&bytes[..27]).is_err());
    for text in [
        "",
        "S-1",
        "S-1-5-",
        "S-1-05",
        "S-2-5",
        "S-1-5-4294967296",
        " S-1-5-21",
        "S-1-5-21 ",
    ] {
        assert!(text.parse::<Sid>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_answered_and_a_name_reads_back(text in "\\PC{0,80}") {
        if let Ok(name) = text.parse::<AccountName>() {
            prop_assert_eq!(name.as_str().parse::<AccountName>().unwrap(), name.clone());
            prop_assert!(name.is_exactly(name.as_str()));
        }
    }

    #[test]
    fn any_bytes_are_answered_as_a_sid(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(sid) = Sid::from_binary(&bytes) {
            prop_assert_eq!(sid.to_string().parse::<Sid>().unwrap(), sid);
        }
    }
}
