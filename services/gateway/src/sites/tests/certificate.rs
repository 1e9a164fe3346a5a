use std::time::Duration;

use axum::http::StatusCode;

use super::{claims, jon, redeem};
use crate::testing::browser::{INSIDE, OUTSIDE, authorize_url};
use crate::testing::{Browser, CALLBACK, SERVER, World};

#[tokio::test]
async fn a_certificate_leads_to_a_code_and_the_code_to_tokens() {
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let page = browser.follow(&world, &authorize_url(&[])).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.parameter("state").as_deref(), Some("the state"));
    assert_eq!(
        page.parameter("iss").as_deref(),
        Some("https://login.example.com")
    );
    assert!(browser.cookies.contains_key("__Host-session"));
    let tokens = redeem(&world, &page.code()).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let id_token = claims(&tokens.json()["id_token"]);
    assert_eq!(id_token["preferred_username"], "jon");
    assert_eq!(id_token["nonce"], "n-\"1\"");
    assert_eq!(id_token["acr"], "urn:postern:acr:certificate");
    // One question to each service: the answer at the certificate host serves the token, too.
    assert_eq!((world.certval.asked(), world.directory.asked()), (1, 1));
}

#[tokio::test]
async fn a_refused_certificate_is_a_page_with_its_reason_and_ways_on() {
    let world = World::new();
    for reason in [
        "expired",
        "not_yet_valid",
        "unknown_issuer",
        "wrong_key_usage",
        "ambiguous_cn",
        "sha1_signature",
    ] {
        let mut browser = Browser::with_certificate(&format!("!{reason}"));
        let page = browser.follow(&world, &authorize_url(&[])).await;
        assert_eq!((page.status, page.next()), (StatusCode::FORBIDDEN, None));
        assert!(page.shows(reason), "{}", page.body);
        assert!(page.body.contains("seen by &#60;certval&#62;"));
        assert!(
            page.body.contains("Try another certificate") && page.body.contains("Use a password")
        );
        assert!(!browser.cookies.contains_key("__Host-session"));
    }
    for (person, reason) in [("eve", "disabled"), ("nobody", "not_in_directory")] {
        let page = Browser::with_certificate(person)
            .follow(&world, &authorize_url(&[]))
            .await;
        assert!(page.shows(reason), "{}", page.body);
    }
}

#[tokio::test]
async fn another_certificate_is_asked_for_under_a_name_that_is_new_each_time() {
    let world = World::new();
    let mut browser = Browser::with_certificate("!expired");
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let page = browser.follow(&world, &authorize_url(&[])).await;
        let url = page
            .body
            .split("href=\"")
            .find(|part| part.contains(".cert.login.example.com"))
            .unwrap();
        let url = url.split('"').next().unwrap().to_owned();
        assert!(names.insert(url.split('.').next().unwrap().to_owned()));
        let mut again = browser.clone();
        again.certificate = Some("jon".to_owned());
        again.follow(&world, &url).await.code();
    }
}

#[tokio::test]
async fn without_a_certificate_there_is_the_form_or_else_the_reason() {
    let world = World::new();
    let page = Browser::at(INSIDE)
        .follow(&world, &authorize_url(&[]))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.shows("no_certificate") && page.body.contains("action=\"/password\""));
    let url = authorize_url(&[("client_id", SERVER), ("connection", "CardsAD")]);
    let page = Browser::at(INSIDE).follow(&world, &url).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.shows("no_certificate") && !page.body.contains("Use a password"));
}

#[tokio::test]
async fn the_guards_stand_in_their_order() {
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let url = browser
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    // Each browser breaks every later guard, too.
    let mut wrong = Browser::at(OUTSIDE);
    wrong.headers = vec![("sec-fetch-dest", "image".to_owned())];
    wrong.certificate = Some("!expired".to_owned());
    for url in [
        "https://cert.login.example.com/",
        "https://cert.login.example.com/?tx=x",
        &format!("{url}x"),
    ] {
        let page = wrong.get(&world, url).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.shows("transaction_unknown"), "{}", page.body);
    }
    for destination in ["image", "iframe", "empty", "script", "style", "embed"] {
        wrong.headers = vec![("sec-fetch-dest", destination.to_owned())];
        let page = wrong.get(&world, &url).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(
            page.body.contains("not parts of other pages"),
            "{destination}"
        );
    }
    wrong.headers = vec![("sec-fetch-dest", "document".to_owned())];
    let page = wrong.get(&world, &url).await;
    assert!(
        page.shows("address_changed") && page.body.contains("Use a password"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("Try another certificate"));
    wrong.address = INSIDE.to_owned();
    assert!(wrong.get(&world, &url).await.shows("expired"));
    assert_eq!(
        world.certval.asked(),
        1,
        "nothing was asked before the last guard"
    );

    world.clock.advance(Duration::from_secs(600));
    assert!(browser.get(&world, &url).await.shows("transaction_expired"));
}

#[tokio::test]
async fn a_certificate_that_was_sent_does_not_finish_somebody_elses_sign_in() {
    let world = World::new();
    // The stranger begins, and lets jon's browser, which sends its certificate unasked, visit the certificate host.
    let mut stranger = Browser::at(INSIDE);
    let url = stranger
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    let mut jon = Browser::with_certificate("jon");
    jon.get(&world, &authorize_url(&[])).await;
    let resume = jon.get(&world, &url).await.next().unwrap();
    assert!(resume.starts_with("https://login.example.com/resume?"));
    let page = jon.get(&world, &resume).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.shows("transaction_unknown") && !jon.cookies.contains_key("__Host-session"));
    // Nor in a browser without any cookie.
    assert!(
        Browser::at(INSIDE)
            .get(&world, &resume)
            .await
            .shows("transaction_unknown")
    );
}

#[tokio::test]
async fn a_result_counts_in_its_own_transaction_for_a_minute() {
    let world = World::new();
    let mut jon = Browser::with_certificate("jon");
    let resume_url = async |browser: &mut Browser| {
        let url = browser
            .get(&world, &authorize_url(&[]))
            .await
            .next()
            .unwrap();
        browser.get(&world, &url).await.next().unwrap()
    };
    let first = resume_url(&mut jon).await;
    let second = resume_url(&mut jon).await;
    let (_, result_of_second) = second.split_once("&r=").unwrap();
    let (transaction_of_first, _) = first.split_once("&r=").unwrap();
    let mixed = format!("{transaction_of_first}&r={result_of_second}");
    assert!(jon.get(&world, &mixed).await.shows("transaction_unknown"));
    let without = jon.get(&world, transaction_of_first).await;
    assert!(without.shows("transaction_unknown"));
    // Two tabs side by side both end well.
    assert!(
        jon.get(&world, &second)
            .await
            .next()
            .unwrap()
            .starts_with(CALLBACK)
    );
    world.clock.advance(Duration::from_secs(59));
    assert!(
        jon.get(&world, &first)
            .await
            .next()
            .unwrap()
            .starts_with(CALLBACK)
    );
    world.clock.advance(Duration::from_secs(1));
    assert!(jon.get(&world, &first).await.shows("transaction_expired"));
}

#[tokio::test]
async fn what_cannot_be_checked_is_unavailable_and_nobody_is_signed_in() {
    let world = World::new();
    world.certval.set_away(true);
    let mut browser = Browser::with_certificate("jon");
    let page = browser.follow(&world, &authorize_url(&[])).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.shows("certval_unavailable") && page.body.contains("Use a password"));
    assert!(page.headers.contains_key("retry-after"));
    world.certval.set_away(false);
    world.directory.set_away(true);
    let page = browser.follow(&world, &authorize_url(&[])).await;
    assert!(page.shows("directory_unavailable"));
    assert!(!browser.cookies.contains_key("__Host-session"));
}

#[tokio::test]
async fn a_session_id_is_new_at_every_sign_in() {
    let world = World::new();
    let (mut browser, first) = jon(&world).await;
    let url = browser
        .get(&world, &authorize_url(&[("prompt", "login")]))
        .await
        .transaction();
    let second = browser
        .follow(&world, &format!("https://cert.login.example.com/?tx={url}"))
        .await
        .code();
    let sid =
        async |code: &str| claims(&redeem(&world, code).await.json()["id_token"])["sid"].clone();
    assert_ne!(sid(&first).await, sid(&second).await);
}
