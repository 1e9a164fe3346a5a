use super::ReturnAddress;

#[test]
fn a_form_may_lead_to_the_application_and_wherever_that_sends_people_on_to() {
    let redirect = |uri: &str| ReturnAddress::Redirect(uri.to_owned()).form_target();
    for (uri, scheme) in [
        ("https://app.example.com:8443/cb?x=1", "https:"),
        ("https://[2001:db8::1]/cb", "https:"),
        ("http://127.0.0.1:8080/cb", "http:"),
        ("com.example.app:/cb", "com.example.app:"),
    ] {
        assert_eq!(redirect(uri).as_deref(), Some(scheme), "{uri}");
    }
    assert_eq!(redirect("cb"), None);
    let message = ReturnAddress::Message("https://app.example.com".parse().unwrap());
    assert_eq!(message.form_target(), None);
}
