use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{ErrorCode, authenticate};
use crate::oidc::parameters::Parameters;
use crate::testing::{APP, SECRET, SERVER, configuration};

fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)))
    )
}

/// Who is authenticated.
fn who(authorization: &[String], form: &[(&str, &str)]) -> Result<String, ErrorCode> {
    let mut headers = HeaderMap::new();
    for value in authorization {
        headers.append(AUTHORIZATION, value.parse().unwrap());
    }
    let text = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    authenticate(
        &headers,
        &Parameters::parse(text.as_bytes()).unwrap(),
        &configuration().applications,
    )
    .map(|application| application.client_id.to_string())
    .map_err(|error| error.error)
}

#[test]
fn a_secret_is_taken_from_the_header_or_the_form() {
    let post = [("client_id", SERVER), ("client_secret", SECRET)];
    assert_eq!(who(&[basic(SERVER, SECRET)], &[]).unwrap(), SERVER);
    assert_eq!(
        who(&[basic(SERVER, SECRET)], &[("client_id", SERVER)]).unwrap(),
        SERVER
    );
    assert_eq!(who(&[], &post).unwrap(), SERVER);
    assert_eq!(who(&[], &[("client_id", APP)]).unwrap(), APP);
}

#[test]
fn anything_else_is_nobody() {
    let invalid = Err(ErrorCode::InvalidClient);
    assert_eq!(who(&[], &[]), invalid);
    assert_eq!(who(&[], &[("client_id", "nobody")]), invalid);
    assert_eq!(
        who(&[], &[("client_id", SERVER)]),
        invalid,
        "without its secret"
    );
    assert_eq!(
        who(&[], &[("client_id", SERVER), ("client_secret", "wrong")]),
        invalid
    );
    assert_eq!(who(&[basic(SERVER, "wrong")], &[]), invalid);
    assert_eq!(who(&[basic(SERVER, "")], &[]), invalid);
    assert_eq!(
        who(&[basic(APP, "any")], &[]),
        invalid,
        "a public client has no secret"
    );
    assert_eq!(
        who(&[], &[("client_id", APP), ("client_secret", "any")]),
        invalid
    );
    assert_eq!(who(&["Basic !!".to_owned()], &[]), invalid);
    assert_eq!(
        who(&["Bearer x".to_owned()], &[("client_id", APP)]),
        invalid
    );
}

#[test]
fn two_ways_at_once_are_refused() {
    let refused = Err(ErrorCode::InvalidRequest);
    let basic = basic(SERVER, SECRET);
    assert_eq!(
        who(std::slice::from_ref(&basic), &[("client_secret", SECRET)]),
        refused
    );
    assert_eq!(
        who(std::slice::from_ref(&basic), &[("client_id", APP)]),
        refused
    );
    assert_eq!(who(&[basic.clone(), basic], &[]), refused);
    assert_eq!(
        who(&[], &[("client_id", APP), ("client_id", SERVER)]),
        refused
    );
}
