use std::collections::BTreeMap;

use domain::application::{Application, ClientId};
use proptest::prelude::*;

use super::{
    Answer, AuthorizeError, AuthorizeRequest, ErrorCode, PageError, Parameters, Prompt,
    ReturnAddress, Says,
};
use crate::testing::browser::authorize_url;
use crate::testing::{CALLBACK, CHALLENGE, configuration};

/// The registered origin of the public application.
const ORIGIN: &str = "https://app.example.com";

fn applications() -> BTreeMap<ClientId, Application> {
    configuration().applications
}

fn read(changes: &[(&str, &str)]) -> Result<AuthorizeRequest, AuthorizeError> {
    let url = authorize_url(changes);
    read_query(url.split_once('?').unwrap().1)
}

fn read_query(query: &str) -> Result<AuthorizeRequest, AuthorizeError> {
    AuthorizeRequest::read(
        &Parameters::parse(query.as_bytes()).unwrap(),
        &applications(),
    )
}

/// The error code that goes back to the application.
fn error(changes: &[(&str, &str)]) -> ErrorCode {
    match read(changes) {
        Err(AuthorizeError::Answer(answer)) => {
            assert_eq!(answer.to.as_str(), CALLBACK);
            code(&answer)
        }
        other => panic!("{changes:?}: {other:?}"),
    }
}

fn code(answer: &Answer) -> ErrorCode {
    match &answer.says {
        Says::Error(error, _) => *error,
        Says::Code(_) => panic!("a code"),
    }
}

#[test]
fn a_whole_request_is_read() {
    let request = read(&[
        ("max_age", "60"),
        ("connection", "FabrikamAD"),
        ("login_hint", "jon"),
    ])
    .unwrap();
    assert_eq!(request.client_id.as_str(), "app");
    assert_eq!(request.to, ReturnAddress::Redirect(CALLBACK.to_owned()));
    assert_eq!(request.state.as_deref(), Some("the state"));
    assert_eq!(request.nonce.as_deref(), Some("n-\"1\""));
    assert_eq!(request.scopes.to_string(), "openid profile email groups");
    assert_eq!(request.max_age, Some(60));
    assert_eq!(request.prompt, Prompt::Unspecified);
    assert_eq!(request.connection.unwrap().as_str(), "FabrikamAD");
    assert_eq!(request.login_hint.as_deref(), Some("jon"));
}

#[test]
fn a_redirect_uri_is_compared_byte_by_byte_and_anything_else_is_a_page() {
    for uri in [
        "",
        "https://app.example.com/callback",
        "https://app.example.com/callback?fixed=1&x=2",
        "https://app.example.com/callback/?fixed=1",
        "https://app.example.com/callback?fixed=1/",
        "https://app.example.com/Callback?fixed=1",
        "https://APP.example.com/callback?fixed=1",
        "https://app.example.com:443/callback?fixed=1",
        "https://app.example.com/%63allback?fixed=1",
        "https://app.example.com/callback?fixed=1#x",
        "https://app.example.com\\callback?fixed=1",
        "https://user@app.example.com/callback?fixed=1",
        "https://app.example.com.evil.test/callback?fixed=1",
        "http://app.example.com/callback?fixed=1",
        "javascript:alert(1)",
        "data:text/html,x",
        "//app.example.com/callback?fixed=1",
    ] {
        assert_eq!(
            read(&[("redirect_uri", uri)]),
            Err(AuthorizeError::Page(PageError::UnknownRedirectUri)),
            "{uri}"
        );
    }
}

#[test]
fn a_message_goes_to_an_origin_that_is_registered_byte_by_byte() {
    let message = |uri: &str| read(&[("response_mode", "web_message"), ("redirect_uri", uri)]);
    assert_eq!(
        message(ORIGIN).unwrap().to,
        ReturnAddress::Message(ORIGIN.parse().unwrap())
    );
    for uri in [
        "",
        "*",
        "null",
        CALLBACK,
        "https://app.example.com/",
        "https://app.example.com:443",
        "https://APP.example.com",
        "http://app.example.com",
        "https://app.example.com.evil.test",
        "https://evil.test",
        "https://app.example.com https://evil.test",
    ] {
        let expected = match uri {
            "" => PageError::UnknownRedirectUri,
            _ => PageError::UnknownOrigin,
        };
        assert_eq!(message(uri), Err(AuthorizeError::Page(expected)), "{uri}");
    }
    // What may be redirected to is not what may be told, and the other way round.
    assert_eq!(
        read(&[("redirect_uri", ORIGIN)]),
        Err(AuthorizeError::Page(PageError::UnknownRedirectUri))
    );
}

#[test]
fn a_request_written_again_reads_the_same() {
    for changes in [
        [
            ("max_age", "60"),
            ("prompt", "none"),
            ("state", "a&b=c#d%20+"),
        ],
        [
            ("connection", "FabrikamAD"),
            ("prompt", "login"),
            ("login_hint", "jörg \u{1f600}"),
        ],
        [
            ("response_mode", "web_message"),
            ("redirect_uri", ORIGIN),
            ("ui_locales", "de"),
        ],
        [("state", ""), ("nonce", ""), ("scope", "openid groups")],
    ] {
        let request = read(&changes).unwrap();
        assert_eq!(read_query(&request.to_query()).unwrap(), request);
    }
}

#[test]
fn an_unknown_application_is_a_page() {
    for id in ["", "nobody", "APP", "../app", "app "] {
        assert_eq!(
            read(&[("client_id", id)]),
            Err(AuthorizeError::Page(PageError::UnknownApplication)),
            "{id}"
        );
    }
}

#[test]
fn repeated_parameters_are_refused_and_never_followed() {
    let query = authorize_url(&[]).split_once('?').unwrap().1.to_owned();
    assert_eq!(
        read_query(&format!("{query}&client_id=app")),
        Err(AuthorizeError::Page(PageError::UnknownApplication))
    );
    assert_eq!(
        read_query(&format!("{query}&redirect_uri=https://evil.test/")),
        Err(AuthorizeError::Page(PageError::UnknownRedirectUri))
    );
    for name in [
        "state",
        "scope",
        "nonce",
        "response_type",
        "code_challenge",
        "prompt",
        "max_age",
        "connection",
        "request",
    ] {
        // One that is there already, or twice.
        let again = format!("{query}&{name}=1&{name}=2");
        let Err(AuthorizeError::Answer(answer)) = read_query(&again) else {
            panic!("{name} was read twice");
        };
        assert_eq!(code(&answer), ErrorCode::InvalidRequest, "{name}");
        assert_eq!(answer.state.is_some(), name != "state");
    }
}

#[test]
fn what_is_not_offered_is_told_to_the_application() {
    use ErrorCode::{
        InvalidRequest, InvalidScope, RequestNotSupported, RequestUriNotSupported,
        UnsupportedResponseType,
    };
    let long_state = "s".repeat(2049);
    for (change, expected) in [
        (("response_type", "token"), UnsupportedResponseType),
        (("response_type", "id_token"), UnsupportedResponseType),
        (("response_type", "code token"), UnsupportedResponseType),
        (("response_type", "none"), UnsupportedResponseType),
        (("response_type", ""), InvalidRequest),
        (("response_mode", "fragment"), InvalidRequest),
        (("response_mode", "form_post"), InvalidRequest),
        (("code_challenge_method", "plain"), InvalidRequest),
        (("code_challenge_method", ""), InvalidRequest),
        (("code_challenge", ""), InvalidRequest),
        (("code_challenge", &CHALLENGE[..42]), InvalidRequest),
        (("scope", ""), InvalidScope),
        (("scope", "profile email"), InvalidScope),
        (("scope", "OpenID"), InvalidScope),
        (("request", "eyJhbGciOiJub25lIn0.e30."), RequestNotSupported),
        (
            ("request_uri", "http://169.254.169.254/"),
            RequestUriNotSupported,
        ),
        (("prompt", "none login"), InvalidRequest),
        (("prompt", "none consent"), InvalidRequest),
        (("prompt", "surprise"), InvalidRequest),
        (("max_age", "-1"), InvalidRequest),
        (("max_age", "1e3"), InvalidRequest),
        (("max_age", "99999999999"), InvalidRequest),
        (("connection", "ContosoAD"), InvalidRequest),
        (("connection", "FabrikamAD'"), InvalidRequest),
        (("state", &long_state), InvalidRequest),
        (("state", "line\nbreak"), InvalidRequest),
        (("nonce", "ü"), InvalidRequest),
    ] {
        assert_eq!(error(&[change]), expected, "{change:?}");
    }
}

#[test]
fn prompts_are_told_apart() {
    for (text, expected) in [
        ("none", Prompt::None),
        ("login", Prompt::Login),
        ("select_account", Prompt::Login),
        ("consent", Prompt::Unspecified),
        ("login consent", Prompt::Login),
    ] {
        assert_eq!(
            read(&[("prompt", text)]).unwrap().prompt,
            expected,
            "{text}"
        );
    }
}

#[test]
fn too_much_is_not_looked_at() {
    let many = "a=1&".repeat(60);
    let long = format!("state={}", "s".repeat(64 << 10));
    for text in [many.as_str(), &long, "a=%00", "a=%ff"] {
        assert!(Parameters::parse(text.as_bytes()).is_err());
    }
}

proptest! {
    /// Whatever comes: nothing leads anywhere but to the registered address.
    #[test]
    fn any_query_is_answered_here_or_at_the_registered_address(query in query()) {
        let Ok(parameters) = Parameters::parse(query.as_bytes()) else { return Ok(()) };
        let applications = applications();
        let to = match AuthorizeRequest::read(&parameters, &applications) {
            Ok(request) => {
                prop_assert!(request.state.is_none_or(|state| state.len() <= super::MAX_STATE));
                request.to
            }
            Err(AuthorizeError::Answer(answer)) => answer.to,
            Err(AuthorizeError::Page(_)) => return Ok(()),
        };
        let asked = |name| parameters.only(name).unwrap().unwrap();
        let application = &applications[&asked("client_id").parse().unwrap()];
        prop_assert!(to.is_registered(application), "{:?}", to);
        prop_assert_eq!(to.as_str(), asked("redirect_uri"));
        let by_message = parameters.only("response_mode") == Ok(Some("web_message"));
        prop_assert_eq!(matches!(to, ReturnAddress::Message(_)), by_message);
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(parameters) = Parameters::parse(&bytes) {
            // What is written again reads the same.
            let again = Parameters::parse(parameters.to_query().as_bytes()).unwrap();
            prop_assert_eq!(parameters, again);
        }
    }
}

/// Queries that are nearly right: known names with good and bad values, in any order and number.
fn query() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "state",
        "nonce",
        "prompt",
        "max_age",
        "connection",
        "request",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "app",
            "server",
            CALLBACK,
            ORIGIN,
            "web_message",
            "code",
            "openid",
            CHALLENGE,
            "S256",
            "login",
            "FabrikamAD",
            ""
        ])
        .prop_map(ToOwned::to_owned),
        ".{0,40}",
    ];
    let right = |changes: &[(&str, &str)]| {
        let url = authorize_url(changes);
        url.split_once('?').unwrap().1.to_owned()
    };
    let right = [
        String::new(),
        right(&[]),
        right(&[("response_mode", "web_message"), ("redirect_uri", ORIGIN)]),
    ];
    (
        prop::sample::select(right.to_vec()),
        proptest::collection::vec((name, value), 0..8),
    )
        .prop_map(|(right, pairs)| {
            let extra = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish();
            format!("{right}&{extra}")
        })
}
