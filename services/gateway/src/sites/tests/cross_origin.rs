use axum::http::{HeaderMap, Method, Request, StatusCode};

use super::{USERINFO, jon, redeem};
use crate::testing::browser::{OUTSIDE, Page};
use crate::testing::{Browser, World};

const ORIGIN: &str = "https://app.example.com";
const TOKEN: &str = "https://login.example.com/token";
const METADATA: &str = "https://login.example.com/.well-known/openid-configuration";
const SDK: &str = "https://login.example.com/sdk/v1.js";

/// A script of this origin asks.
fn script_of(origin: &str) -> Browser {
    let mut browser = Browser::at(OUTSIDE);
    browser.headers = vec![("origin", origin.to_owned())];
    browser
}

fn allowed(headers: &HeaderMap) -> Option<&str> {
    assert_eq!(headers.get("access-control-allow-credentials"), None);
    headers
        .get("access-control-allow-origin")
        .map(|value| value.to_str().unwrap())
}

/// What a browser asks before a script may send a token along.
async fn preflight(world: &World, url: &str, origin: &str) -> Page {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    script_of(origin)
        .request(world, url, request, String::new())
        .await
}

#[tokio::test]
async fn pages_of_registered_origins_read_tokens_and_userinfo() {
    let world = World::new();
    let token = redeem(&world, &jon(&world).await.1).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = preflight(&world, USERINFO, ORIGIN).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(allowed(&page.headers), Some(ORIGIN));
    assert_eq!(
        page.headers["access-control-allow-headers"],
        "authorization,content-type"
    );
    let mut script = script_of(ORIGIN);
    script
        .headers
        .push(("authorization", format!("Bearer {token}")));
    let page = script.get(&world, USERINFO).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(allowed(&page.headers), Some(ORIGIN));

    // Errors can be read, too, and looked up by their id.
    let page = script_of(ORIGIN).post(&world, TOKEN, &[]).await;
    assert_eq!(page.json()["error"], "invalid_client");
    assert_eq!(allowed(&page.headers), Some(ORIGIN));
    assert_eq!(
        page.headers["access-control-expose-headers"],
        "x-request-id"
    );
}

#[tokio::test]
async fn pages_of_other_origins_do_not() {
    let world = World::new();
    for origin in [
        "https://evil.test",
        "null",
        "https://app.example.com.evil.test",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://login.example.com",
        "*",
    ] {
        for url in [TOKEN, USERINFO] {
            let page = preflight(&world, url, origin).await;
            assert_eq!(allowed(&page.headers), None, "{origin}");
        }
        let page = script_of(origin).post(&world, TOKEN, &[]).await;
        assert_eq!(allowed(&page.headers), None, "{origin}");
        let page = script_of(origin).get(&world, USERINFO).await;
        assert_eq!(allowed(&page.headers), None, "{origin}");
    }
}

#[tokio::test]
async fn an_origin_that_is_taken_back_reads_nothing_any_more() {
    let (world, published) = World::published().await;
    for url in [TOKEN, USERINFO] {
        let page = preflight(&world, url, ORIGIN).await;
        assert_eq!(allowed(&page.headers), Some(ORIGIN), "{url}");
    }
    published
        .change(|all| {
            for application in all.applications.values_mut() {
                application.origins.clear();
            }
        })
        .await;
    for url in [TOKEN, USERINFO] {
        let page = preflight(&world, url, ORIGIN).await;
        assert_eq!(allowed(&page.headers), None, "{url}");
    }
    let page = script_of(ORIGIN).post(&world, TOKEN, &[]).await;
    assert_eq!(allowed(&page.headers), None);
    let page = script_of(ORIGIN).get(&world, USERINFO).await;
    assert_eq!(allowed(&page.headers), None);
}

#[tokio::test]
async fn what_is_the_same_for_everybody_is_for_everybody() {
    let world = World::new();
    for url in [METADATA, "https://login.example.com/jwks", SDK] {
        let page = script_of("https://anybody.test").get(&world, url).await;
        assert_eq!(
            (page.status, allowed(&page.headers)),
            (StatusCode::OK, Some("*"))
        );
    }
    let sdk = Browser::at(OUTSIDE).get(&world, SDK).await;
    assert_eq!(
        sdk.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(sdk.headers["cross-origin-resource-policy"], "cross-origin");
    assert!(sdk.body.contains("Postern"));
}

#[tokio::test]
async fn pages_for_people_and_the_certificate_host_are_for_nobody_else() {
    let world = World::new();
    for url in [
        "https://login.example.com/authorize",
        "https://login.example.com/password",
        "https://login.example.com/resume",
        "https://login.example.com/cancel",
        "https://login.example.com/preference",
        "https://login.example.com/signout",
        "https://cert.login.example.com/",
    ] {
        let page = script_of(ORIGIN).get(&world, url).await;
        assert_eq!(allowed(&page.headers), None, "{url}");
        let page = preflight(&world, url, ORIGIN).await;
        assert_eq!(allowed(&page.headers), None, "{url}");
    }
}
