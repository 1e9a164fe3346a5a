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
    assert_eq!(redirect("cb"), None);
    let message = ReturnAddress::Message("https://app.example.com".parse().unwrap());
    assert_eq!(message.form_target(), None);
}
