use super::*;

#[test]
fn addresses_are_read_with_their_usual_ports() {
    for (text, canonical) in [
        ("ldaps://dc1.fabrikam.test", "ldaps://dc1.fabrikam.test:636"),
        ("ldap://dc1.fabrikam.test/", "ldap://dc1.fabrikam.test:389"),
        ("LDAPS://127.0.0.1:3269", "ldaps://127.0.0.1:3269"),
        ("ldaps://[::1]:6360", "ldaps://[::1]:6360"),
        ("ldaps://[::1]", "ldaps://[::1]:636"),
    ] {
        assert_eq!(text.parse::<Server>().unwrap().to_string(), canonical);
    }
    assert!("ldap://dc1".parse::<Server>().unwrap().starts_tls);
}

#[test]
fn everything_else_is_refused_in_words() {
    for text in [
        "",
        "dc1.fabrikam.test",
        "http://dc1",
        "ldapi:///var/run/ldapi",
        "ldaps://",
        "ldaps://dc1:",
        "ldaps://dc1:+636",
        "ldaps://dc1:0",
        "ldaps://dc1:99999",
        "ldaps://user@dc1",
        "ldaps://dc1/dc=fabrikam",
        "ldaps://dc1?x",
        "ldaps://[dc1]",
        "ldaps://[::1]x",
        "ldaps://dc1:636:1",
    ] {
        let error = text.parse::<Server>().unwrap_err();
        assert!(error.to_string().contains("ldaps://HOST"), "{text}");
    }
}
