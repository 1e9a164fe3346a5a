use super::{InvalidNames, Names, covers};
use crate::arrival::Site;

fn names() -> Names {
    let others = ["app.localhost".to_owned()];
    Names::new("login.localhost", "cert.localhost", true, others).unwrap()
}

#[test]
fn a_name_is_found_exactly_or_not_at_all() {
    let certificate = |attempt: Option<&str>| Site::Certificate {
        attempt: attempt.map(str::to_owned),
    };
    for (name, site) in [
        ("login.localhost", Some(Site::Login)),
        ("LOGIN.LocalHost", Some(Site::Login)),
        ("cert.localhost", Some(certificate(None))),
        ("a1.cert.localhost", Some(certificate(Some("a1")))),
        ("A1.CERT.localhost", Some(certificate(Some("a1")))),
        (
            "app.localhost",
            Some(Site::Other("app.localhost".to_owned())),
        ),
        ("login.localhost.", None),
        (".cert.localhost", None),
        ("a.b.cert.localhost", None),
        ("a_1.cert.localhost", None),
        ("-.cert.localhost", None),
        ("xcert.localhost", None),
        ("a.login.localhost", None),
        ("localhost", None),
        ("127.0.0.1", None),
        ("", None),
        ("login.localhost\0", None),
    ] {
        assert_eq!(names().site(name), site, "{name:?}");
    }
}

#[test]
fn without_another_certificate_nothing_before_the_certificate_host_is_served() {
    let names = Names::new("login.localhost", "cert.localhost", false, []).unwrap();
    assert_eq!(names.site("a1.cert.localhost"), None);
    assert_eq!(
        names.site("cert.localhost"),
        Some(Site::Certificate { attempt: None })
    );
}

#[test]
fn two_sites_never_share_a_name() {
    let made = |login: &str, certificate: &str, other: &str| {
        Names::new(login, certificate, true, [other.to_owned()])
    };
    for (login, certificate, other) in [
        ("a.example", "a.example", "c.example"),
        ("a.example", "b.example", "a.example"),
        ("a.example", "b.example", "b.example"),
        ("a.example", "b.example", "x.b.example"),
        ("a.b.example", "b.example", "c.example"),
    ] {
        assert!(
            matches!(made(login, certificate, other), Err(InvalidNames::Twice(_))),
            "{login} {certificate} {other}"
        );
    }
    for bad in [
        "A.example",
        "a.example.",
        "",
        "10.0.0.1",
        "a..b",
        "a b",
        "a_b",
        "-a.example",
    ] {
        assert!(
            matches!(
                made("a.example", "b.example", bad),
                Err(InvalidNames::NotAName(_))
            ),
            "{bad:?}"
        );
    }
}

#[test]
fn a_wildcard_stands_for_exactly_one_label() {
    assert!(covers("*.cert.localhost", "a1.cert.localhost"));
    assert!(covers("cert.localhost", "cert.localhost"));
    for name in [
        "cert.localhost",
        ".cert.localhost",
        "a.b.cert.localhost",
        "xcert.localhost",
    ] {
        assert!(!covers("*.cert.localhost", name), "{name}");
    }
}
