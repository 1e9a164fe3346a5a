use super::{form_target, with_code, with_query};

#[test]
fn parameters_join_whatever_query_is_there() {
    for (uri, expected) in [
        ("https://app/cb", "https://app/cb?a=1"),
        ("https://app/cb?", "https://app/cb?a=1"),
        ("https://app/cb?x=y", "https://app/cb?x=y&a=1"),
        ("https://app/cb?x=y&", "https://app/cb?x=y&a=1"),
        ("com.example.app:/cb", "com.example.app:/cb?a=1"),
    ] {
        assert_eq!(with_query(uri, [("a", Some("1")), ("b", None)]), expected);
    }
    assert_eq!(
        with_query("https://app/cb", [("b", None)]),
        "https://app/cb"
    );
}

#[test]
fn a_code_goes_back_with_its_state_and_issuer() {
    assert_eq!(
        with_code(
            "https://app/cb",
            "C",
            Some("a&b=\"'<>"),
            "https://login.example.com"
        ),
        "https://app/cb?code=C&state=a%26b%3D%22%27%3C%3E&iss=https%3A%2F%2Flogin.example.com"
    );
}

#[test]
fn a_form_may_lead_to_the_application_it_was_shown_for() {
    assert_eq!(
        form_target("https://app.example.com:8443/cb?x=1").as_deref(),
        Some("https://app.example.com:8443")
    );
    assert_eq!(
        form_target("com.example.app:/cb").as_deref(),
        Some("com.example.app:")
    );
    assert_eq!(form_target("cb"), None);
}
