use super::{Answer, Says, with_query};
use crate::oidc::error_code::ErrorCode;
use crate::oidc::return_address::ReturnAddress;

#[test]
fn parameters_join_whatever_query_is_there() {
    for (uri, expected) in [
        ("https://app/cb", "https://app/cb?a=1"),
        ("https://app/cb?", "https://app/cb?a=1"),
        ("https://app/cb?x=y", "https://app/cb?x=y&a=1"),
        ("https://app/cb?x=y&", "https://app/cb?x=y&a=1"),
        ("com.example.app:/cb", "com.example.app:/cb?a=1"),
    ] {
        assert_eq!(with_query(uri, [("a", "1")]), expected);
    }
    assert_eq!(with_query("https://app/cb", []), "https://app/cb");
}

#[test]
fn an_answer_carries_its_state_and_issuer() {
    let says = |says| Answer {
        to: ReturnAddress::Redirect("https://app/cb".into()),
        says,
        state: Some("a&b=\"'<>".into()),
    };
    fn location(answer: &Answer) -> String {
        with_query(
            "https://app/cb",
            answer.parameters("https://login.example.com"),
        )
    }
    assert_eq!(
        location(&says(Says::Code("C".into()))),
        "https://app/cb?code=C&state=a%26b%3D%22%27%3C%3E&iss=https%3A%2F%2Flogin.example.com"
    );
    assert_eq!(
        location(&says(Says::Error(
            ErrorCode::AccessDenied,
            "the person left".into()
        ))),
        "https://app/cb?error=access_denied&error_description=the+person+left\
         &state=a%26b%3D%22%27%3C%3E&iss=https%3A%2F%2Flogin.example.com"
    );
    let silent = Answer {
        state: None,
        ..says(Says::Code("C".into()))
    };
    assert_eq!(
        location(&silent),
        "https://app/cb?code=C&iss=https%3A%2F%2Flogin.example.com"
    );
}

#[test]
fn a_code_is_not_printed() {
    assert_eq!(
        format!("{:?}", Says::Code("secret".into())),
        "Code([redacted])"
    );
}
