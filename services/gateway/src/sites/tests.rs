//! The sites as browsers and applications meet them.

mod applications;
mod begin;
mod cancel;
mod certificate;
mod cross_origin;
mod languages;
mod logs;
mod looks;
mod numbers;
mod password;
mod preference;
mod redemption;
mod sessions;
mod traces;
mod trust;
mod web_message;

use crate::testing::browser::{OUTSIDE, Page, authorize_url};
use crate::testing::{APP, Browser, CALLBACK, VERIFIER, World};

const USERINFO: &str = "https://login.example.com/userinfo";

/// The token request of the public application.
async fn redeem(world: &World, code: &str) -> Page {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("client_id", APP),
        ("code_verifier", VERIFIER),
    ];
    Browser::at("198.51.100.1")
        .post(world, "https://login.example.com/token", &form)
        .await
}

/// The claims of a token, unverified: that it verifies has its own tests.
fn claims(token: &serde_json::Value) -> serde_json::Value {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let body = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

/// Signs jon in with his certificate; the browser, and the code.
async fn jon(world: &World) -> (Browser, String) {
    let mut browser = Browser::with_certificate("jon");
    let page = browser.follow(world, &authorize_url(&[])).await;
    let code = page.code();
    (browser, code)
}

/// What userinfo says to this `Authorization`.
async fn userinfo(world: &World, authorization: Option<&str>) -> Page {
    let mut browser = Browser::at(OUTSIDE);
    if let Some(value) = authorization {
        browser.headers = vec![("authorization", value.to_owned())];
    }
    browser.get(world, USERINFO).await
}
