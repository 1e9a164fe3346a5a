use axum::http::StatusCode;
use serde_json::Value;

use super::{claims, jon};
use crate::testing::browser::{INSIDE, OUTSIDE, Page, authorize_url};
use crate::testing::services::PASSWORD;
use crate::testing::{APP, Browser, CALLBACK, VERIFIER, World};

const ORIGIN: &str = "https://app.example.com";

/// An authorize URL as a popup has it.
pub(super) fn popup(changes: &[(&str, &str)]) -> String {
    let changes = [
        &[("response_mode", "web_message"), ("redirect_uri", ORIGIN)],
        changes,
    ]
    .concat();
    authorize_url(&changes)
}

/// An attribute of the page, as a browser reads it.
fn attribute(page: &Page, name: &str) -> String {
    let (_, after) = page
        .body
        .split_once(&format!("{name}=\""))
        .unwrap_or_else(|| panic!("no {name}: {} {}", page.status, page.body));
    let value = after.split('"').next().unwrap();
    value
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

/// What the opener is told, on a page that tells nobody else.
pub(super) fn told(page: &Page) -> Value {
    assert_eq!((page.status, page.next()), (StatusCode::OK, None));
    assert_eq!(attribute(page, "data-origin"), ORIGIN);
    serde_json::from_str(&attribute(page, "data-answer")).unwrap()
}

/// What the token endpoint says to this code with this redirect_uri.
async fn redeem_at(address: &str, world: &World, code: &str) -> Value {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", address),
        ("client_id", APP),
        ("code_verifier", VERIFIER),
    ];
    Browser::at(OUTSIDE)
        .post(world, "https://login.example.com/token", &form)
        .await
        .json()
}

#[tokio::test]
async fn a_popup_is_answered_by_a_message_to_the_registered_origin() {
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let page = browser.follow(&world, &popup(&[])).await;
    let told = told(&page);
    assert_eq!(told["state"], "the state");
    assert_eq!(told["iss"], "https://login.example.com");
    let code = told["code"].as_str().unwrap();
    let tokens = redeem_at(ORIGIN, &world, code).await;
    assert_eq!(
        claims(&tokens["id_token"])["acr"],
        "urn:postern:acr:certificate"
    );
    // Again, as somebody would who got hold of the message.
    let again = redeem_at(ORIGIN, &world, code).await;
    assert_eq!(again["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_is_redeemed_with_the_address_it_was_sent_to() {
    let world = World::new();
    let (mut browser, by_redirect) = jon(&world).await;
    let page = browser.get(&world, &popup(&[])).await;
    let told = told(&page);
    let by_message = told["code"].as_str().unwrap();
    for (code, other) in [(by_message, CALLBACK), (by_redirect.as_str(), ORIGIN)] {
        let refused = redeem_at(other, &world, code).await;
        assert_eq!(refused["error"], "invalid_grant", "{other}");
        assert_eq!(refused.get("id_token"), None);
    }
}

#[tokio::test]
async fn the_page_has_its_own_script_and_no_other() {
    let world = World::new();
    let page = Browser::with_certificate("jon")
        .follow(&world, &popup(&[("state", "</script><script>\"'&")]))
        .await;
    assert_eq!(told(&page)["state"], "</script><script>\"'&");
    assert_eq!(page.body.matches("<script").count(), 1);
    assert!(page.body.contains("<script src=\"/assets/message.js?v="));
    let header = |name: &str| page.headers.get(name).map(|value| value.to_str().unwrap());
    let policy = header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("x-frame-options"), Some("DENY"));
    // It would cut the popup off from the application.
    assert_eq!(header("cross-origin-opener-policy"), None);
    let script = Browser::at(OUTSIDE)
        .get(&world, "https://login.example.com/assets/message.js")
        .await;
    assert!(script.body.contains("postMessage"));
    assert_eq!(
        script.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
}

#[tokio::test]
async fn a_password_and_a_session_answer_by_message_too() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let form = browser.get(&world, &popup(&[])).await;
    let policy = form.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self';"), "{policy}");
    let transaction = form.transaction();
    let typed = [
        ("tx", transaction.as_str()),
        ("user_name", "jon"),
        ("password", PASSWORD),
    ];
    let page = browser
        .post(&world, "https://login.example.com/password", &typed)
        .await;
    assert!(told(&page)["code"].is_string());
    let again = browser.get(&world, &popup(&[("prompt", "none")])).await;
    assert!(told(&again)["code"].is_string());
}

#[tokio::test]
async fn an_error_is_a_message_too_and_carries_the_request_id() {
    let world = World::new();
    let page = Browser::at(INSIDE)
        .get(&world, &popup(&[("prompt", "none")]))
        .await;
    let told = told(&page);
    assert_eq!(told["error"], "login_required");
    assert_eq!(
        told["request_id"],
        page.headers["x-request-id"].to_str().unwrap()
    );
    assert_eq!(told["iss"], "https://login.example.com");
}

#[tokio::test]
async fn an_origin_that_is_not_registered_is_told_nothing() {
    let world = World::new();
    let (mut browser, _) = jon(&world).await;
    for origin in ["https://evil.test", "https://app.example.com/", "*"] {
        let page = browser
            .get(&world, &popup(&[("redirect_uri", origin)]))
            .await;
        assert_eq!((page.status, page.next()), (StatusCode::BAD_REQUEST, None));
        assert!(!page.body.contains("data-answer"), "{}", page.body);
    }
}

#[tokio::test]
async fn an_origin_removed_on_the_way_gets_no_code() {
    let world = World::new();
    let without = world.beside("gateway-2.example.com:9443", |all| {
        for application in all.applications.values_mut() {
            application.origins.clear();
        }
    });
    let mut browser = Browser::with_certificate("jon");
    let url = browser.get(&world, &popup(&[])).await.next().unwrap();
    let resume = browser.get(&world, &url).await.next().unwrap();
    let page = browser.get(&without, &resume).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(!page.body.contains("data-answer"), "{}", page.body);
}
