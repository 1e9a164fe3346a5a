use super::*;

fn text(code: &str) -> String {
    format!(
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {code}, v1db1"
    )
}

#[test]
fn sub_codes_are_the_stable_reasons() {
    for (code, reason) in [
        ("525", Reason::WrongCredentials),
        ("52e", Reason::WrongCredentials),
        ("530", Reason::LogonHours),
        ("531", Reason::NotAllowed),
        ("532", Reason::PasswordExpired),
        ("533", Reason::Disabled),
        ("701", Reason::AccountExpired),
        ("773", Reason::MustChange),
        ("775", Reason::Locked),
        ("999", Reason::WrongCredentials),
    ] {
        let Bound::No {
            refusal,
            code: seen,
        } = meaning(49, &text(code))
        else {
            panic!("{code} is a refusal");
        };
        assert_eq!(refusal.reason, reason, "{code}");
        assert_eq!(seen, u32::from_str_radix(code, 16).ok());
    }
}

#[test]
fn an_unknown_name_and_a_wrong_password_are_one_answer() {
    let refused = |code| match meaning(49, &text(code)) {
        Bound::No { refusal, .. } => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("525"), refused("52e"));
    assert_eq!(refused("52e").detail, "");
}

#[test]
fn texts_of_other_servers_are_wrong_credentials() {
    for text in [
        "",
        "data",
        "data ",
        "data zz",
        "Invalid credentials",
        "data 99999999999",
    ] {
        let Bound::No { refusal, code } = meaning(49, text) else {
            panic!("{text} is a refusal");
        };
        assert_eq!(
            (refusal.reason, code),
            (Reason::WrongCredentials, None),
            "{text}"
        );
    }
}

#[test]
fn only_success_is_a_yes() {
    assert_eq!(meaning(0, ""), Bound::Yes);
    for code in [1, 2, 7, 8, 10, 14, 51, 52, 53, 80, u32::MAX] {
        assert_eq!(meaning(code, &text("52e")), Bound::Unknown, "{code}");
    }
}
