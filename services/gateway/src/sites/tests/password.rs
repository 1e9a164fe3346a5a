use axum::http::StatusCode;

use super::{claims, redeem};
use crate::testing::browser::{INSIDE, OUTSIDE, Page, authorize_url};
use crate::testing::services::PASSWORD;
use crate::testing::{Browser, SERVER, World};

const FORM: &str = "https://login.example.com/password";

/// Types a name and a password into a form.
async fn sign_in(world: &World, browser: &mut Browser, name: &str, password: &str) -> Page {
    let transaction = browser
        .get(world, &authorize_url(&[("prompt", "login")]))
        .await
        .transaction();
    typed(world, browser, &transaction, name, password).await
}

async fn typed(
    world: &World,
    browser: &mut Browser,
    transaction: &str,
    name: &str,
    password: &str,
) -> Page {
    let form = [
        ("tx", transaction),
        ("user_name", name),
        ("password", password),
    ];
    browser.post(world, FORM, &form).await
}

#[tokio::test]
async fn a_right_password_leads_to_a_code() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let page = sign_in(&world, &mut browser, "jon", PASSWORD).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let id_token = claims(&redeem(&world, &page.code()).await.json()["id_token"]);
    assert_eq!(
        (&id_token["acr"], &id_token["amr"][0]),
        (&"urn:postern:acr:password".into(), &"pwd".into())
    );
    assert!(browser.cookies.contains_key("__Host-session"));
}

#[tokio::test]
async fn the_form_is_offered_inside_a_range_too_where_the_connection_has_it() {
    let world = World::new();
    let mut browser = Browser::at(INSIDE);
    let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
    let form = browser
        .get(&world, &format!("{FORM}?tx={transaction}"))
        .await;
    assert!(form.body.contains("Sign in with a certificate instead"));
    assert!(
        typed(&world, &mut browser, &form.transaction(), "jon", PASSWORD)
            .await
            .next()
            .is_some()
    );

    let url = authorize_url(&[("client_id", SERVER), ("connection", "CardsAD")]);
    let transaction = browser.get(&world, &url).await.transaction();
    assert!(
        browser
            .get(&world, &format!("{FORM}?tx={transaction}"))
            .await
            .shows("not_allowed")
    );
    assert!(
        typed(&world, &mut browser, &transaction, "jon", PASSWORD)
            .await
            .shows("not_allowed")
    );
    assert_eq!(world.directory.asked(), 1);
}

#[tokio::test]
async fn unknown_and_wrong_look_the_same() {
    let world = World::new();
    let mut pages = Vec::new();
    for (name, password) in [
        ("jon", "incorrect horse"),
        ("nobody", PASSWORD),
        ("nobody", "incorrect horse"),
        ("*", PASSWORD),
    ] {
        let mut browser = Browser::at(OUTSIDE);
        let page = sign_in(&world, &mut browser, name, password).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.shows("wrong_credentials") && page.body.contains("role=\"alert\""));
        assert!(!page.body.contains(password) && !browser.cookies.contains_key("__Host-session"));
        pages.push(
            page.body
                .split_once("role=\"alert\"")
                .unwrap()
                .1
                .split_once("</div>")
                .unwrap()
                .0
                .to_owned(),
        );
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn an_account_that_may_not_sign_in_is_told_why_after_a_right_password() {
    let world = World::new();
    let page = sign_in(&world, &mut Browser::at(OUTSIDE), "eve", PASSWORD).await;
    assert!(page.shows("disabled"), "{}", page.body);
}

#[tokio::test]
async fn an_empty_name_or_password_is_not_tried() {
    let world = World::new();
    for (name, password) in [("jon", ""), ("", PASSWORD), ("  ", PASSWORD), ("", "")] {
        let page = sign_in(&world, &mut Browser::at(OUTSIDE), name, password).await;
        assert!(page.shows("wrong_credentials"));
    }
    let long = "x".repeat(1025);
    for (name, password) in [("jon", long.as_str()), (&long, PASSWORD)] {
        let page = sign_in(&world, &mut Browser::at(OUTSIDE), name, password).await;
        assert!(page.shows("wrong_credentials"));
    }
    let page = sign_in(&world, &mut Browser::at(OUTSIDE), "jon\0", PASSWORD).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.directory.asked(), 0);
}

#[tokio::test]
async fn a_form_counts_from_its_own_origin_browser_and_transaction_only() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
    for header in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("origin", "https://login.example.com:8443"),
        ("origin", "https://login.example.com.evil.test"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let mut foreign = browser.clone();
        foreign.headers = vec![(header.0, header.1.to_owned())];
        let page = typed(&world, &mut foreign, &transaction, "jon", PASSWORD).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{header:?}");
    }
    let mut other = Browser::at(OUTSIDE);
    other.get(&world, &authorize_url(&[])).await;
    assert!(
        typed(&world, &mut other, &transaction, "jon", PASSWORD)
            .await
            .shows("transaction_unknown")
    );
    assert!(
        typed(&world, &mut browser, "", "jon", PASSWORD)
            .await
            .shows("transaction_unknown")
    );
    assert_eq!(world.directory.asked(), 0);
    browser.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    assert!(
        typed(&world, &mut browser, &transaction, "jon", PASSWORD)
            .await
            .next()
            .is_some()
    );
}

#[tokio::test]
async fn too_many_failures_wait_before_the_directory_is_asked() {
    let world = World::new();
    for _ in 0..4 {
        let page = sign_in(&world, &mut Browser::at(OUTSIDE), "jon", "wrong").await;
        assert!(page.shows("wrong_credentials"));
    }
    let page = sign_in(&world, &mut Browser::at("192.0.2.77"), "JON", PASSWORD).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.shows("throttled") && page.headers.contains_key("retry-after"));
    assert_eq!(world.directory.asked(), 4);
    // The certificate is not affected.
    Browser::with_certificate("jon")
        .follow(&world, &authorize_url(&[]))
        .await
        .code();
}

#[tokio::test]
async fn a_directory_that_is_away_is_not_a_wrong_password() {
    let world = World::new();
    world.directory.set_away(true);
    for _ in 0..10 {
        let page = sign_in(&world, &mut Browser::at(OUTSIDE), "jon", PASSWORD).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.shows("directory_unavailable"));
    }
    assert_eq!(world.directory.asked(), 10, "asked once each");
    world.directory.set_away(false);
    sign_in(&world, &mut Browser::at(OUTSIDE), "jon", PASSWORD)
        .await
        .code();
}

#[tokio::test]
async fn the_link_to_the_form_says_nothing_but_that_there_was_no_certificate() {
    let world = World::new();
    let mut browser = Browser::at(INSIDE);
    let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
    for reason in ["revoked", "locked", "%3Cb%3E"] {
        let page = browser
            .get(&world, &format!("{FORM}?tx={transaction}&reason={reason}"))
            .await;
        assert!(!page.body.contains("role=\"alert\""), "{reason}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_name_is_no_attempt_and_the_form_says_what_to_type() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let long = "\u{1f600}".repeat(80);
    for name in [
        "jon@fabrikam.test",
        "FABRIKAM\\jon",
        "jon@fabrikam",
        "jon@fabrikam.example",
        "EXAMPLE\\jon",
        &long,
        "a@b",
        "c@d",
    ] {
        let page = sign_in(&world, &mut browser, name, PASSWORD).await;
        assert!(page.shows("wrong_credentials"), "{name}: {}", page.body);
        assert_eq!(
            page.body.contains("without a domain"),
            name.contains(['@', '\\']),
            "{name}"
        );
    }
    let page = sign_in(&world, &mut browser, "jon", &"\u{fc}".repeat(600)).await;
    assert!(page.shows("wrong_credentials"));
    sign_in(&world, &mut browser, " jon ", PASSWORD)
        .await
        .code();
}
