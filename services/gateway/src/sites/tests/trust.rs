//! What changes in the configuration while somebody signs in, or after.

use std::time::Duration;

use axum::http::StatusCode;
use domain::connection::Connection;

use super::redeem;
use crate::testing::browser::{OUTSIDE, Page, authorize_url};
use crate::testing::services::PASSWORD;
use crate::testing::{Browser, World};

#[tokio::test]
async fn an_authority_removed_on_the_way_ends_the_sign_in_at_every_step() {
    let world = World::new();
    let without = world.beside("gateway-2.example.com:9443", |all| {
        for connection in all.connections.values_mut() {
            // Another one stays, so that certificates are still asked for.
            connection.authorities[0].key = domain::digest::Digest::of(b"another");
        }
    });
    let mut browser = Browser::with_certificate("jon");
    let url = browser
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    // certval may still accept; the gateway does not.
    assert!(browser.get(&without, &url).await.shows("unknown_issuer"));
    let resume = browser.get(&world, &url).await.next().unwrap();
    let page = browser.get(&without, &resume).await;
    assert!(page.shows("unknown_issuer") && !browser.cookies.contains_key("__Host-session"));
    let code = browser.get(&world, &resume).await.code();
    let refused = redeem(&without, &code).await;
    assert_eq!(refused.json()["error"], "invalid_grant");
    // And the session it opened.
    assert!(browser.cookies.contains_key("__Host-session"));
    let page = browser
        .get(&without, &authorize_url(&[("prompt", "none")]))
        .await;
    assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
    // For good, even should the authority come back.
    let keys = &without.desk.live().unwrap().view.seal_keys;
    let cookie = &browser.cookies["__Host-session"];
    let session: crate::session::Session =
        crate::seals::open(keys, "login.example.com", cookie).unwrap();
    assert!(without.desk.signed_out.contains(session.id));
}

#[tokio::test]
async fn an_authority_that_comes_back_revives_nothing() {
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let url = browser
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    let resume = browser.get(&world, &url).await.next().unwrap();
    let code = browser.get(&world, &resume).await.code();
    let tokens = redeem(&world, &code).await.json();
    // Removed by revision 8, added again by 9: this gateway saw neither happen.
    let again = world.beside_at(9, "gateway-2.example.com:9443", |all| {
        for connection in all.connections.values_mut() {
            connection.authorities[0].added_in = 9;
        }
    });
    let page = browser.clone().get(&again, &resume).await;
    assert!(page.shows("unknown_issuer"), "{}", page.body);
    let silently = authorize_url(&[("prompt", "none")]);
    let page = browser.get(&again, &silently).await;
    assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
    let mut application = Browser::at(OUTSIDE);
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    application.headers = vec![("authorization", bearer)];
    let page = application
        .get(&again, "https://login.example.com/userinfo")
        .await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    // Signing in anew is all it takes.
    let mut browser = Browser::with_certificate("jon");
    browser.follow(&again, &authorize_url(&[])).await.code();
    browser.get(&again, &silently).await.code();
}

#[tokio::test]
async fn a_gateway_behind_the_one_that_began_does_not_judge_by_older_trust() {
    let world = World::new();
    let ahead = world.beside_at(8, "gateway-2.example.com:9443", |_| {});
    let mut browser = Browser::with_certificate("jon");
    let url = browser
        .get(&ahead, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    let transaction = url.split_once("tx=").unwrap().1;
    let form = format!("https://login.example.com/password?tx={transaction}");
    let typed = [
        ("tx", transaction),
        ("user_name", "jon"),
        ("password", PASSWORD),
    ];
    let stale = |page: Page, what: &str| {
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{what}");
        assert!(page.shows("configuration_stale"), "{what}: {}", page.body);
    };
    stale(browser.get(&world, &url).await, "certificate host");
    stale(browser.get(&world, &form).await, "form");
    let page = browser
        .post(&world, "https://login.example.com/password", &typed)
        .await;
    stale(page, "password");
    assert_eq!((world.certval.asked(), world.directory.asked()), (0, 0));
    let resume = browser.get(&ahead, &url).await.next().unwrap();
    stale(browser.get(&world, &resume).await, "resume");
    browser.get(&ahead, &resume).await.code();
}

#[tokio::test]
async fn a_result_judged_by_newer_trust_waits_for_it() {
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let url = browser
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    // certval has come to revision 8, this gateway has not.
    world.certval.set_ahead(1);
    let resume = browser.get(&world, &url).await.next().unwrap();
    let page = browser.get(&world, &resume).await;
    assert!(page.shows("configuration_stale"), "{}", page.body);
    let ahead = world.beside_at(8, "gateway-2.example.com:9443", |_| {});
    browser.get(&ahead, &resume).await.code();
}

#[tokio::test]
async fn who_is_not_asked_any_more_hears_the_true_reason() {
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let url = browser
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    type Case = (fn(&mut Connection), &'static str, &'static str);
    let cases: [Case; 3] = [
        (
            |connection| connection.methods.certificate = false,
            "address_not_in_range",
            "no longer accepts certificates",
        ),
        (
            |connection| connection.authorities.clear(),
            "unknown_issuer",
            "last authority was removed",
        ),
        (
            |connection| connection.ranges = Vec::new().into(),
            "address_not_in_range",
            "The range of 10.1.2.3 was removed",
        ),
    ];
    for (change, code, detail) in cases {
        let changed = world.beside("gateway-2.example.com:9443", |all| {
            all.connections.values_mut().for_each(change);
        });
        let page = browser.get(&changed, &url).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(
            page.shows(code) && page.body.contains(detail),
            "{detail}: {}",
            page.body
        );
        assert!(page.body.contains("Use a password"));
    }
}

#[tokio::test]
async fn a_redirect_uri_removed_on_the_way_gets_no_code() {
    let world = World::new();
    let without = world.beside("gateway-2.example.com:9443", |all| {
        for application in all.applications.values_mut() {
            application.redirect_uris.clear();
        }
    });
    let mut browser = Browser::with_certificate("jon");
    let url = browser
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    let resume = browser.get(&world, &url).await.next().unwrap();
    let page = browser.get(&without, &resume).await;
    assert_eq!((page.status, page.next()), (StatusCode::BAD_REQUEST, None));
}

#[tokio::test]
async fn a_stale_configuration_stops_a_certificate_on_its_way() {
    let world = World::set(|settings| settings.staleness_limit_s = 30);
    let mut browser = Browser::with_certificate("jon");
    let url = browser
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    let resume = browser.get(&world, &url).await.next().unwrap();
    world.clock.advance(Duration::from_secs(31));
    for url in [url, resume] {
        let page = browser.get(&world, &url).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.shows("configuration_stale"));
    }
}
