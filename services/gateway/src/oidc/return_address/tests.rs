use super::ReturnAddress;

#[test]
fn a_form_may_lead_to_the_application_it_was_shown_for() {
    let redirect = |uri: &str| ReturnAddress::Redirect(uri.to_owned()).form_target();
    assert_eq!(
        redirect("https://app.example.com:8443/cb?x=1").as_deref(),
        Some("https://app.example.com:8443")
    );
    assert_eq!(
        redirect("com.example.app:/cb").as_deref(),
        Some("com.example.app:")
    );
    // CSP has no host sources of IPv6 addresses; browsers would ignore them and block the way back.
    for (uri, scheme) in [
        ("http://[::1]:8080/cb", "http:"),
        ("https://[2001:db8::1]/cb", "https:"),
    ] {
        assert_eq!(redirect(uri).as_deref(), Some(scheme));
    }
    assert_eq!(
        redirect("http://127.0.0.1:8080/cb").as_deref(),
        Some("http://127.0.0.1:8080")
    );
    assert_eq!(redirect("cb"), None);
    let message = ReturnAddress::Message("https://app.example.com".parse().unwrap());
    assert_eq!(message.form_target(), None);
}
