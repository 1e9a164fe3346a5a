use domain::configuration::Configuration;
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use runtime::random::SystemRandomness;
use serde_json::{Value, json};

use super::{Access, Hint, MAX_GROUPS, MAX_GROUPS_BYTES, PersonClaims, Tokens, access, issue};
use crate::codes::Grant;
use crate::oidc::keys::TokenKeys;
use crate::oidc::scopes::Scopes;
use crate::session::signed_out::SignedOut;
use crate::session::{LiveSession, Method, Session};
use crate::testing::{APP, SECRETS, START, configuration, person, trusted};

const ISSUER: &str = "https://login.example.com";
const NOW: Timestamp = Timestamp(START);

fn session(method: Method) -> Session {
    let opened = LiveSession::by_password(
        &person("jon"),
        "FabrikamAD".parse().unwrap(),
        Timestamp(START - 100),
        &SystemRandomness::new(),
    )
    .unwrap();
    let mut session = opened.session().clone();
    session.method = method;
    session
}

fn certificate() -> Method {
    Method::Certificate {
        leaf: Digest::of(b"leaf"),
        authority: trusted(),
    }
}

fn keys() -> TokenKeys {
    TokenKeys::new(&SECRETS.signing_keys).unwrap()
}

fn tokens(session: &Session, scopes: &str, groups: usize) -> Tokens {
    let mut profile = person("jon").profile().clone();
    profile.groups = (0..groups)
        .map(|number| format!("Group {number}"))
        .collect();
    let grant = Grant {
        client_id: APP.parse().unwrap(),
        scopes: Scopes::known(scopes),
        nonce: Some("n".to_owned()),
        session: session.clone(),
    };
    let application = &configuration().applications[&APP.parse().unwrap()];
    issue(
        &grant,
        application,
        &profile,
        ISSUER,
        &keys(),
        NOW,
        &SystemRandomness::new(),
    )
    .unwrap()
}

fn id_token(session: &Session, scopes: &str, groups: usize) -> Value {
    keys()
        .verify("JWT", &tokens(session, scopes, groups).id_token)
        .unwrap()
}

#[test]
fn an_id_token_says_who_signed_in_when_and_how() {
    let session = session(certificate());
    let mut claims = id_token(&session, "openid profile email groups", 2);
    let claims = claims.as_object_mut().unwrap();
    assert!(claims.remove("at_hash").unwrap().as_str().unwrap().len() == 22);
    assert_eq!(
        Value::Object(claims.clone()),
        json!({
            "iss": ISSUER,
            "sub": person("jon").profile().id.to_string(),
            "aud": "app",
            "exp": START + 300,
            "iat": START,
            "auth_time": START - 100,
            "nonce": "n",
            "acr": "urn:postern:acr:certificate",
            "amr": ["swk"],
            "sid": session.id.to_string(),
            "name": "jon Müller",
            "given_name": "jon",
            "preferred_username": "jon",
            "email": "jon@fabrikam.test",
            "groups": ["Group 0", "Group 1"],
        })
    );
    let by_password = id_token(&self::session(Method::Password), "openid", 2);
    assert_eq!(by_password["acr"], "urn:postern:acr:password");
    assert_eq!(by_password["amr"], json!(["pwd"]));
}

#[test]
fn claims_come_with_their_scopes_only() {
    let personal = [
        "name",
        "given_name",
        "preferred_username",
        "email",
        "groups",
    ];
    let told = |scopes: &str| -> Vec<&str> {
        let claims = id_token(&session(Method::Password), scopes, 1);
        personal
            .into_iter()
            .filter(|name| !claims[*name].is_null())
            .collect()
    };
    assert_eq!(told("openid"), Vec::<&str>::new());
    assert_eq!(
        told("openid profile"),
        ["name", "given_name", "preferred_username"]
    );
    assert_eq!(
        told("openid name"),
        ["name", "given_name", "preferred_username"]
    );
    assert_eq!(told("openid email"), ["email"]);
    assert_eq!(told("openid groups"), ["groups"]);
}

#[test]
fn groups_are_whole_or_absent_in_an_id_token() {
    let session = session(Method::Password);
    let most = id_token(&session, "openid groups", MAX_GROUPS);
    assert_eq!(most["groups"].as_array().unwrap().len(), MAX_GROUPS);
    assert!(id_token(&session, "openid groups", MAX_GROUPS + 1)["groups"].is_null());
    let named = |bytes: usize| {
        let claims = PersonClaims {
            groups: Some(vec!["g".repeat(bytes)]),
            ..PersonClaims::default()
        };
        claims.for_id_token().groups
    };
    assert!(named(MAX_GROUPS_BYTES).is_some());
    assert_eq!(named(MAX_GROUPS_BYTES + 1), None);
}

fn judged(
    token: &str,
    change: impl FnOnce(&mut Configuration),
    signed_out: &SignedOut,
    after: u64,
) -> Option<Access> {
    let mut configuration = configuration();
    change(&mut configuration);
    access(
        token,
        ISSUER,
        &keys(),
        &configuration,
        signed_out,
        Timestamp(START + after),
    )
    .ok()
}

#[test]
fn an_access_token_allows_what_it_says_for_five_minutes() {
    let session = session(certificate());
    let token = tokens(&session, "openid email", 1).access_token;
    let nobody = SignedOut::new();
    let access = judged(&token, |_| {}, &nobody, 299).unwrap();
    assert_eq!(access.account, session.account);
    assert_eq!(access.scopes, Scopes::known("openid email"));
    assert_eq!(judged(&token, |_| {}, &nobody, 300), None);
}

#[test]
fn an_access_token_ends_with_its_session_authority_or_application() {
    let session = session(certificate());
    let token = tokens(&session, "openid", 1).access_token;
    let nobody = SignedOut::new();
    assert!(judged(&token, |_| {}, &nobody, 0).is_some());
    let without_authority = |all: &mut Configuration| {
        all.connections
            .get_mut(&"FabrikamAD".parse().unwrap())
            .unwrap()
            .authorities
            .clear();
    };
    assert_eq!(judged(&token, without_authority, &nobody, 0), None);
    assert_eq!(
        judged(&token, |all| all.applications.clear(), &nobody, 0),
        None
    );
    let left = SignedOut::new();
    left.sign_out(session.id, super::end(&session), NOW);
    assert_eq!(judged(&token, |_| {}, &left, 0), None);
}

#[test]
fn one_kind_of_token_is_not_the_other() {
    let tokens = tokens(&session(Method::Password), "openid", 1);
    assert_eq!(judged(&tokens.id_token, |_| {}, &SignedOut::new(), 0), None);
    assert!(Hint::read(&tokens.access_token, ISSUER, &keys()).is_err());
    assert!(Hint::read(&tokens.id_token, "https://other.example.com", &keys()).is_err());
    let hint = Hint::read(&tokens.id_token, ISSUER, &keys()).unwrap();
    assert_eq!(hint.aud.as_str(), APP);
}
