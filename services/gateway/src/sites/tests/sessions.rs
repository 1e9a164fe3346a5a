use std::time::Duration;

use axum::http::StatusCode;

use super::{jon, redeem};
use crate::testing::browser::{INSIDE, OUTSIDE, authorize_url};
use crate::testing::services::PASSWORD;
use crate::testing::{Browser, CALLBACK, SERVER, World};

const SIGN_OUT: &str = "https://login.example.com/signout";

fn silently() -> String {
    authorize_url(&[("prompt", "none")])
}

#[tokio::test]
async fn a_live_session_answers_at_once_and_the_account_is_looked_at_again() {
    let world = World::new();
    let (mut browser, _) = jon(&world).await;
    assert!(
        browser
            .get(&world, &authorize_url(&[]))
            .await
            .next()
            .unwrap()
            .starts_with(CALLBACK)
    );
    assert_eq!(world.directory.asked(), 1, "the answer of just now serves");
    world.clock.advance(Duration::from_secs(30));
    browser.get(&world, &silently()).await.code();
    assert_eq!(world.directory.asked(), 2);
    world.clock.advance(Duration::from_secs(30));
    world.directory.refuse("jon", "disabled");
    let page = browser.get(&world, &silently()).await;
    assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_session_answers_only_a_request_about_its_own_person() {
    let world = World::new();
    let (mut browser, code) = jon(&world).await;
    let own = redeem(&world, &code).await.json()["id_token"].clone();
    let mut jane = Browser::with_certificate("jane");
    let page = jane.follow(&world, &authorize_url(&[])).await;
    let another = redeem(&world, &page.code()).await.json()["id_token"].clone();
    let asked = |hint: &str| authorize_url(&[("prompt", "none"), ("id_token_hint", hint)]);
    browser
        .get(&world, &asked(own.as_str().unwrap()))
        .await
        .code();
    for hint in [another.as_str().unwrap(), "nonsense"] {
        let page = browser.get(&world, &asked(hint)).await;
        assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_checked_is_not_used() {
    let world = World::new();
    let (mut browser, _) = jon(&world).await;
    world.clock.advance(Duration::from_secs(30));
    world.directory.set_away(true);
    let page = browser.get(&world, &silently()).await;
    assert_eq!(
        page.parameter("error").as_deref(),
        Some("temporarily_unavailable")
    );
    let page = browser.get(&world, &authorize_url(&[])).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_session_of_one_connection_satisfies_no_other() {
    let world = World::new();
    let (mut browser, _) = jon(&world).await;
    for (connection, error) in [
        ("FabrikamAD", None),
        ("CardsAD", Some("login_required")),
        ("ContosoAD", Some("login_required")),
    ] {
        let url = authorize_url(&[
            ("client_id", SERVER),
            ("connection", connection),
            ("prompt", "none"),
        ]);
        assert_eq!(
            browser
                .get(&world, &url)
                .await
                .parameter("error")
                .as_deref(),
            error,
            "{connection}"
        );
    }
    // None asked for, and the session's is one of the application's.
    let url = authorize_url(&[("client_id", SERVER), ("prompt", "none")]);
    browser.get(&world, &url).await.code();
}

#[tokio::test]
async fn a_session_is_kept_by_use_and_ends_after_an_hour_without() {
    let world = World::new();
    let (mut browser, _) = jon(&world).await;
    for _ in 0..7 {
        world.clock.advance(Duration::from_secs(3540));
        let code = browser.get(&world, &silently()).await.code();
        // The session was used by that: its code is good for the whole of its minute.
        world.clock.advance(Duration::from_secs(59));
        assert_eq!(redeem(&world, &code).await.status, StatusCode::OK);
    }
    world.clock.advance(Duration::from_secs(3541));
    let page = browser.get(&world, &silently()).await;
    assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn an_old_sign_in_is_repeated_with_a_click_where_the_application_wants_a_new_one() {
    let world = World::new();
    let (mut browser, _) = jon(&world).await;
    world.clock.advance(Duration::from_secs(100));
    browser
        .get(&world, &authorize_url(&[("max_age", "101")]))
        .await
        .code();
    for max_age in ["100", "0"] {
        let page = browser
            .get(&world, &authorize_url(&[("max_age", max_age)]))
            .await;
        assert_eq!(
            (page.status, page.next()),
            (StatusCode::OK, None),
            "{max_age}"
        );
        assert!(page.body.contains("https://cert.login.example.com/?tx="));
    }
}

#[tokio::test]
async fn a_cookie_that_is_not_one_of_ours_counts_as_none() {
    let world = World::new();
    let (browser, _) = jon(&world).await;
    let right = browser.cookies["__Host-session"].clone();
    let changed = format!("{}{}", &right[..right.len() - 4], "AAAA");
    for value in [
        changed,
        right[..40].to_owned(),
        "x".repeat(8192),
        format!("{right}; __Host-session={right}"),
    ] {
        let mut other = browser.clone();
        other.cookies.insert("__Host-session".to_owned(), value);
        let page = other.get(&world, &silently()).await;
        assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
    }
}

#[tokio::test]
async fn signing_out_asks_first_and_ends_the_session_everywhere_it_is_known() {
    let world = World::new();
    let (mut browser, code) = jon(&world).await;
    let kept = browser.clone();
    let access_token = redeem(&world, &code).await.json()["access_token"].clone();

    let question = browser.get(&world, SIGN_OUT).await;
    assert!(question.body.contains("Do you want to sign out?"));
    browser.get(&world, &silently()).await.code();
    let mut foreign = browser.clone();
    foreign.headers = vec![("origin", "https://evil.test".to_owned())];
    assert_eq!(
        foreign
            .post(&world, SIGN_OUT, &[("confirmed", "yes")])
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let unconfirmed = browser.post(&world, SIGN_OUT, &[("state", "s")]).await;
    assert_eq!(unconfirmed.status, StatusCode::SEE_OTHER);
    let asked = format!("{SIGN_OUT}?state=s");
    assert_eq!(unconfirmed.next().as_deref(), Some(asked.as_str()));
    let question = browser.get(&world, &asked).await;
    assert!(question.body.contains("Do you want to sign out?"));

    let binding = browser.cookies["__Host-browser"].clone();
    let page = browser
        .post(&world, SIGN_OUT, &[("confirmed", "yes")])
        .await;
    assert!(page.body.contains("You are signed out"));
    assert!(!browser.cookies.contains_key("__Host-session"));
    assert_ne!(browser.cookies["__Host-browser"], binding);
    // A copy of the cookie is of no use any more, nor is the token.
    let page = kept.clone().get(&world, &silently()).await;
    assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
    let mut application = Browser::at(OUTSIDE);
    application.headers = vec![(
        "authorization",
        format!("Bearer {}", access_token.as_str().unwrap()),
    )];
    let userinfo = application
        .get(&world, "https://login.example.com/userinfo")
        .await;
    assert_eq!(userinfo.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_application_signs_its_person_out_and_gets_them_back_at_a_registered_address() {
    let world = World::new();
    for (target, expected) in [
        (
            "https://app.example.com/bye",
            Some("https://app.example.com/bye?state=s+1"),
        ),
        ("https://app.example.com/bye?x", None),
        ("https://evil.test/", None),
        ("", None),
    ] {
        let (mut browser, code) = jon(&world).await;
        let tokens = redeem(&world, &code).await.json();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("id_token_hint", tokens["id_token"].as_str().unwrap())
            .append_pair("post_logout_redirect_uri", target)
            .append_pair("state", "s 1")
            .finish();
        let page = browser.get(&world, &format!("{SIGN_OUT}?{query}")).await;
        assert_eq!(page.next().as_deref(), expected, "{target}");
        assert!(!browser.cookies.contains_key("__Host-session"));
    }
}

#[tokio::test]
async fn a_hint_that_is_forged_or_of_another_session_signs_nobody_here_out() {
    let world = World::new();
    let (mut browser, code) = jon(&world).await;
    let tokens = redeem(&world, &code).await.json();
    let id_token = tokens["id_token"].as_str().unwrap();
    let forged = [
        format!("{id_token}x"),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        tokens["access_token"].as_str().unwrap().to_owned(),
    ];
    for hint in forged {
        let url = format!(
            "{SIGN_OUT}?id_token_hint={hint}&post_logout_redirect_uri=https://app.example.com/bye"
        );
        let page = browser.get(&world, &url).await;
        assert_eq!((page.status, page.next()), (StatusCode::BAD_REQUEST, None));
    }
    browser.get(&world, &silently()).await.code();
    let (mut other, _) = jon(&world).await;
    let page = other
        .get(&world, &format!("{SIGN_OUT}?id_token_hint={id_token}"))
        .await;
    assert!(page.body.contains("Do you want to sign out?"));
    other.get(&world, &silently()).await.code();
}

#[tokio::test]
async fn another_site_cannot_sign_a_browser_out_with_an_id_token_of_its_own() {
    let world = World::new();
    let (mut victim, _) = jon(&world).await;
    let (_, code) = jon(&world).await;
    let own = redeem(&world, &code).await.json()["id_token"].clone();
    let form = [("id_token_hint", own.as_str().unwrap())];
    // Another site's form comes without our cookies.
    let mut crossing = Browser::at(INSIDE);
    crossing.headers = vec![("origin", "https://evil.test".to_owned())];
    let page = crossing.post(&world, SIGN_OUT, &form).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(
        crossing.cookies.is_empty() && !page.headers.contains_key("set-cookie"),
        "{:?}",
        page.headers
    );
    // The redirect comes with them, and then it is known whose browser it is.
    let before = victim.cookies.clone();
    let page = victim.get(&world, &page.next().unwrap()).await;
    assert!(page.body.contains("Do you want to sign out?"));
    assert_eq!(victim.cookies, before);
    victim.get(&world, &silently()).await.code();
    // Nor does a request without our cookies take any away.
    let url = format!("{SIGN_OUT}?id_token_hint={}", form[0].1);
    let page = Browser::at(INSIDE).get(&world, &url).await;
    let set: Vec<&str> = page
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|each| each.to_str().unwrap())
        .collect();
    assert!(
        matches!(set.as_slice(), [one] if one.starts_with("__Host-signed-out=1;")),
        "{set:?}"
    );
}

#[tokio::test]
async fn a_sign_out_that_is_refused_has_ended_nothing() {
    let world = World::new();
    let (mut browser, code) = jon(&world).await;
    let tokens = redeem(&world, &code).await.json();
    let id_token = tokens["id_token"].as_str().unwrap();
    let url = format!("{SIGN_OUT}?id_token_hint={id_token}&client_id=another");
    let page = browser.get(&world, &url).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    browser.get(&world, &silently()).await.code();
}

#[tokio::test]
async fn a_certificate_waits_for_a_click_after_signing_out_until_somebody_signs_in() {
    let world = World::new();
    let (mut browser, _) = jon(&world).await;
    browser
        .post(&world, SIGN_OUT, &[("confirmed", "yes")])
        .await;
    assert_eq!(browser.address, INSIDE);
    let page = browser.get(&world, &authorize_url(&[])).await;
    assert_eq!(page.next(), None);
    let url = format!("https://cert.login.example.com/?tx={}", page.transaction());
    browser.follow(&world, &url).await.code();
    browser.cookies.remove("__Host-session");
    assert!(
        browser
            .get(&world, &authorize_url(&[]))
            .await
            .next()
            .is_some()
    );
}

#[tokio::test]
async fn a_browser_that_is_restarted_after_signing_out_does_not_sign_in_by_itself() {
    let world = World::new();
    let (mut browser, _) = jon(&world).await;
    browser
        .post(&world, SIGN_OUT, &[("confirmed", "yes")])
        .await;
    browser.restart();
    assert!(!browser.cookies.contains_key("__Host-browser"));
    let page = browser.get(&world, &authorize_url(&[])).await;
    assert_eq!(page.next(), None, "certificates wait for a click");
    // Whoever has not signed out goes on as before.
    let (mut browser, _) = jon(&world).await;
    browser.restart();
    assert!(!browser.cookies.contains_key("__Host-session"));
    let page = browser.get(&world, &authorize_url(&[])).await;
    assert!(page.next().is_some());
}

#[tokio::test]
async fn a_hint_holds_for_whoever_signs_in_then_too() {
    let world = World::new();
    let (_, code) = super::jon(&world).await;
    let tokens = super::redeem(&world, &code).await.json();
    let hint = tokens["id_token"].as_str().unwrap();
    for (name, answer) in [("jon", None), ("jane", Some("login_required"))] {
        let mut browser = Browser::at(OUTSIDE);
        let form = browser
            .get(&world, &authorize_url(&[("id_token_hint", hint)]))
            .await;
        let typed = [
            ("tx", form.transaction()),
            ("user_name", name.to_owned()),
            ("password", PASSWORD.to_owned()),
        ];
        let typed: Vec<(&str, &str)> = typed
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let page = browser
            .post(&world, "https://login.example.com/password", &typed)
            .await;
        assert_eq!(page.parameter("error").as_deref(), answer, "{name}");
        assert_eq!(page.parameter("code").is_some(), answer.is_none(), "{name}");
        assert_eq!(
            browser.cookies.contains_key("__Host-session"),
            answer.is_none(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_sign_out_that_is_told_twice_is_one_all_the_same() {
    let world = World::new();
    let mut browser = Browser::at(INSIDE);
    browser.headers = vec![(
        "cookie",
        "__Host-signed-out=1; __Host-signed-out=1".to_owned(),
    )];
    let page = browser.get(&world, &authorize_url(&[])).await;
    assert_eq!(page.next(), None, "it goes on by itself");
}
