use super::*;

const SID: &[u8] = &[
    1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0x4e, 4, 0, 0,
];

/// Jon's entry as Active Directory writes it, with some attributes changed; an empty list takes one away.
fn jon(changes: &[(&str, &[&[u8]])]) -> Entry {
    let never = i64::MAX.to_string();
    let mut attributes: HashMap<String, Vec<Vec<u8>>> = HashMap::new();
    let usual: [(&str, &[&[u8]]); 9] = [
        (
            "objectclass",
            &[b"top", b"person", b"organizationalPerson", b"user"],
        ),
        ("objectguid", &[&[7; 16]]),
        ("objectsid", &[SID]),
        ("samaccountname", &[b"jon"]),
        ("mail", &[b"jon@fabrikam.test"]),
        ("useraccountcontrol", &[b"512"]),
        ("msds-user-account-control-computed", &[b"0"]),
        ("accountexpires", &[never.as_bytes()]),
        ("pwdlastset", &[b"133000000000000000"]),
    ];
    for (name, values) in usual.iter().chain(changes) {
        attributes.insert(
            (*name).to_owned(),
            values.iter().map(|value| value.to_vec()).collect(),
        );
    }
    Entry {
        name: "CN=jon".into(),
        attributes,
    }
}

fn state(changes: &[(&str, &[&[u8]])]) -> AccountState {
    match jon(changes).person().unwrap() {
        Found::Person(person) => person.state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_person_is_read() {
    let Found::Person(person) = jon(&[]).person().unwrap() else {
        panic!("jon is a person");
    };
    assert_eq!(person.account, "jon");
    assert_eq!(person.sid.unwrap().to_string(), "S-1-5-21-1-2-3-1102");
    assert_eq!(person.email.as_deref(), Some("jon@fabrikam.test"));
    assert_eq!(person.display_name, None);
    assert_eq!(person.state, AccountState::default());
}

#[test]
fn what_is_no_person_is_told_apart() {
    let gmsa = &[
        &b"user"[..],
        b"computer",
        b"msDS-GroupManagedServiceAccount",
    ];
    for change in [
        ("objectclass", &[&b"contact"[..]][..]),
        ("objectclass", &[b"user", b"CONTACT"]),
        ("objectclass", gmsa),
        ("objectclass", &[]),
        ("objectguid", &[]),
        ("objectguid", &[b"short"]),
        ("objectsid", &[]),
        ("objectsid", &[SID, SID]),
        ("samaccountname", &[]),
        ("samaccountname", &[b"jon", b"jane"]),
        ("useraccountcontrol", &[b"4096"]),
        ("useraccountcontrol", &[b"2560"]),
    ] {
        let found = jon(&[change]).person().unwrap();
        assert!(matches!(found, Found::NotAPerson(_)), "{change:?}");
    }
}

#[test]
fn what_decides_must_be_readable() {
    for name in [
        "useraccountcontrol",
        "msds-user-account-control-computed",
        "accountexpires",
        "pwdlastset",
    ] {
        assert!(jon(&[(name, &[])]).person().is_err(), "{name} missing");
        assert!(
            jon(&[(name, &[b"x"])]).person().is_err(),
            "{name} no number"
        );
        assert!(
            jon(&[(name, &[b"1", b"2"])]).person().is_err(),
            "{name} twice"
        );
    }
    assert!(jon(&[("logonhours", &[&[0xff; 20]])]).person().is_err());
}

#[test]
fn flags_become_states() {
    assert!(state(&[("useraccountcontrol", &[b"514"])]).disabled);
    assert!(state(&[("useraccountcontrol", &[b"262656"])]).smart_card_required);
    assert!(state(&[("msds-user-account-control-computed", &[b"16"])]).locked);
    assert!(state(&[("msds-user-account-control-computed", &[b"8388608"])]).password_expired);
    assert!(state(&[("pwdlastset", &[b"0"])]).must_change);
    assert!(state(&[("logonhours", &[&[0; 21]])]).logon_hours.is_some());
}

#[test]
fn the_end_of_an_account_is_a_moment() {
    assert_eq!(expiry(0), None);
    assert_eq!(expiry(i64::MAX), None);
    assert_eq!(expiry(116_444_736_000_000_000), Some(Timestamp(0)));
    assert_eq!(expiry(116_444_736_010_000_000), Some(Timestamp(1)));
    // Before 1970, and as early as numbers go: long past.
    assert_eq!(expiry(1), Some(Timestamp(0)));
    assert_eq!(expiry(i64::MIN), Some(Timestamp(0)));
}

#[test]
fn texts_are_bounded_and_never_invented() {
    let long = vec![b'x'; MAX_TEXT + 1];
    let entry = jon(&[
        ("mail", &[&long]),
        ("sn", &[b"\xff"]),
        ("givenname", &[b""]),
    ]);
    assert_eq!(entry.text(Attribute::MAIL), None);
    assert_eq!(entry.text(Attribute::SURNAME), None);
    assert_eq!(entry.text(Attribute::GIVEN_NAME), None);
}

#[test]
fn values_that_happen_to_be_text_are_found_like_others() {
    let entry = Entry::from(SearchEntry {
        dn: "CN=x".into(),
        attrs: [("objectGUID".to_owned(), vec!["0123456789abcdef".to_owned()])].into(),
        bin_attrs: [("objectSid".to_owned(), vec![SID.to_vec()])].into(),
    });
    assert_eq!(
        entry.value(Attribute::OBJECT_GUID),
        Some(&b"0123456789abcdef"[..])
    );
    assert_eq!(entry.value(Attribute::OBJECT_SID), Some(SID));
}
