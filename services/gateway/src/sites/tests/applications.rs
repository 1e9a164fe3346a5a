use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{USERINFO, claims, jon, redeem, userinfo};
use crate::testing::browser::{OUTSIDE, authorize_url};
use crate::testing::{APP, Browser, CALLBACK, SECRET, SERVER, VERIFIER, World};

const TOKEN: &str = "https://login.example.com/token";
#[tokio::test]
async fn discovery_names_the_configured_issuer_whatever_host_is_asked() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    browser.headers = vec![
        ("host", "evil.test".to_owned()),
        ("x-forwarded-host", "evil.test".to_owned()),
    ];
    let page = browser
        .get(
            &world,
            "https://login.example.com/.well-known/openid-configuration",
        )
        .await;
    let metadata = page.json();
    assert_eq!(metadata["issuer"], "https://login.example.com");
    assert_eq!(metadata["jwks_uri"], "https://login.example.com/jwks");
    assert_eq!(
        metadata["id_token_signing_alg_values_supported"],
        json!(["ES256", "RS256"])
    );
    assert!(!page.body.contains("evil"));
    let keys = browser
        .get(&world, "https://login.example.com/jwks")
        .await
        .json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_confidential_application_proves_itself() {
    let world = World::new();
    let url = authorize_url(&[("client_id", SERVER), ("connection", "FabrikamAD")]);
    let form = |code: &str| {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]
    };
    for (secret, status) in [
        (SECRET, StatusCode::OK),
        ("wrong", StatusCode::UNAUTHORIZED),
    ] {
        let code = Browser::with_certificate("jon")
            .follow(&world, &url)
            .await
            .code();
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let mut server = Browser::at(OUTSIDE);
        server.headers = vec![(
            "authorization",
            format!("Basic {}", STANDARD.encode(format!("{SERVER}:{encoded}"))),
        )];
        let form = form(&code);
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let page = server.post(&world, TOKEN, &form).await;
        assert_eq!(page.status, status, "{}", page.body);
        if status == StatusCode::UNAUTHORIZED {
            assert_eq!(page.json()["error"], "invalid_client");
            assert!(page.headers.contains_key("www-authenticate"));
        } else {
            let header = page.json()["id_token"]
                .as_str()
                .unwrap()
                .split('.')
                .next()
                .unwrap()
                .to_owned();
            let header = base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(header)
                .unwrap();
            let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
            assert_eq!(
                (&header["alg"], &header["kid"]),
                (&"RS256".into(), &"rs".into())
            );
        }
    }
}

#[tokio::test]
async fn a_malformed_token_request_is_refused_before_the_code_is_used() {
    let world = World::new();
    let (_, code) = jon(&world).await;
    let right = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("client_id", APP),
        ("code_verifier", VERIFIER),
    ];
    for (name, error) in [
        ("grant_type", "invalid_request"),
        ("code", "invalid_request"),
        ("redirect_uri", "invalid_request"),
        ("client_id", "invalid_client"),
    ] {
        let form: Vec<(&str, &str)> = right.into_iter().filter(|(key, _)| *key != name).collect();
        let page = Browser::at(OUTSIDE).post(&world, TOKEN, &form).await;
        assert_eq!(page.json()["error"], error, "{name}");
        let mut twice = right.to_vec();
        twice.push((name, "again"));
        let page = Browser::at(OUTSIDE).post(&world, TOKEN, &twice).await;
        assert_eq!(page.json()["error"], "invalid_request", "{name} twice");
    }
    let mut other = right;
    other[0].1 = "password";
    let page = Browser::at(OUTSIDE).post(&world, TOKEN, &other).await;
    assert_eq!(page.json()["error"], "unsupported_grant_type");
    let page = Browser::at(OUTSIDE)
        .post(&world, &format!("{TOKEN}?client_secret=x"), &right)
        .await;
    assert_eq!(page.json()["error"], "invalid_request");
    assert_eq!(
        redeem(&world, &code).await.status,
        StatusCode::OK,
        "the code is still good"
    );
}

#[tokio::test]
async fn userinfo_is_what_the_directory_says_now() {
    let world = World::new();
    let (_, code) = jon(&world).await;
    let tokens = redeem(&world, &code).await.json();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let asked = world.directory.asked();
    let page = userinfo(&world, Some(&bearer)).await;
    assert_eq!(world.directory.asked(), asked + 1);
    let told = page.json();
    assert_eq!(told["sub"], claims(&tokens["id_token"])["sub"]);
    assert_eq!(told["groups"], json!(["Readers", "Writers"]));
    let form = [("access_token", tokens["access_token"].as_str().unwrap())];
    let posted = Browser::at(OUTSIDE).post(&world, USERINFO, &form).await;
    assert_eq!(posted.json(), told);

    world.directory.refuse("jon", "disabled");
    let page = userinfo(&world, Some(&bearer)).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        page.headers["www-authenticate"],
        "Bearer error=\"invalid_token\""
    );
    world.directory.set_away(true);
    assert_eq!(
        userinfo(&world, Some(&bearer)).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn without_a_good_token_there_is_no_userinfo() {
    let world = World::new();
    let page = userinfo(&world, None).await;
    assert_eq!(
        (
            page.status,
            page.headers["www-authenticate"].to_str().unwrap()
        ),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    let (_, code) = jon(&world).await;
    let tokens = redeem(&world, &code).await.json();
    let id_token = format!("Bearer {}", tokens["id_token"].as_str().unwrap());
    for wrong in ["Bearer x", "Bearer eyJhbGciOiJub25lIn0.e30.", &id_token] {
        assert_eq!(
            userinfo(&world, Some(wrong)).await.status,
            StatusCode::UNAUTHORIZED,
            "{wrong:.30}"
        );
    }
    assert_eq!(
        userinfo(&world, Some("Basic x")).await.status,
        StatusCode::BAD_REQUEST
    );
    world.clock.advance(std::time::Duration::from_secs(300));
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    assert_eq!(
        userinfo(&world, Some(&bearer)).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_person_who_may_not_sign_in_any_more_gets_no_tokens() {
    let world = World::new();
    let (_, code) = jon(&world).await;
    world.clock.advance(std::time::Duration::from_secs(31));
    world.directory.refuse("jon", "locked");
    assert_eq!(redeem(&world, &code).await.json()["error"], "invalid_grant");
}
