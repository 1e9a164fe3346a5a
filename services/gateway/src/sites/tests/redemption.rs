//! How often a code is good, at which gateway, and what a second use ends.

use std::sync::Arc;

use axum::http::StatusCode;

use super::{jon, redeem, userinfo};
use crate::testing::World;
use crate::testing::browser::authorize_url;

#[tokio::test]
async fn a_code_is_good_once_and_what_it_led_to_ends_with_the_second_use() {
    let world = World::new();
    let (mut browser, code) = jon(&world).await;
    let tokens = redeem(&world, &code).await;
    assert_eq!(tokens.headers["cache-control"], "no-store");
    let tokens = tokens.json();
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&"Bearer".into(), &300.into())
    );
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    assert_eq!(userinfo(&world, Some(&bearer)).await.status, StatusCode::OK);
    let again = redeem(&world, &code).await;
    assert_eq!(
        (again.status, again.json()["error"].as_str()),
        (StatusCode::BAD_REQUEST, Some("invalid_grant"))
    );
    assert_eq!(
        userinfo(&world, Some(&bearer)).await.status,
        StatusCode::UNAUTHORIZED
    );
    let page = browser
        .get(&world, &authorize_url(&[("prompt", "none")]))
        .await;
    assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_code_is_redeemed_whichever_gateway_is_asked() {
    let world = World::new();
    let other = world.beside("gateway-2.example.com:9443", |_| {});
    let (_, code) = jon(&world).await;
    let tokens = redeem(&other, &code).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    assert_eq!(redeem(&other, &code).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_that_could_not_be_redeemed_is_good_for_another_try() {
    let world = World::new();
    let other = world.beside("gateway-2.example.com:9443", |_| {});
    for asked in [&world, &other] {
        let (mut browser, code) = jon(&world).await;
        // Past what is known of jon from signing in.
        world.clock.advance(std::time::Duration::from_secs(31));
        world.directory.set_away(true);
        for _ in 0..2 {
            let page = redeem(asked, &code).await;
            assert_eq!(
                (page.status, page.json()["error"].as_str()),
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    Some("temporarily_unavailable")
                )
            );
            assert!(page.headers.contains_key("retry-after"));
        }
        world.directory.set_away(false);
        assert_eq!(redeem(asked, &code).await.status, StatusCode::OK);
        let silently = authorize_url(&[("prompt", "none")]);
        browser.get(&world, &silently).await.code();
        // That was the one try that counts.
        assert_eq!(redeem(asked, &code).await.json()["error"], "invalid_grant");
        let page = browser.get(&world, &silently).await;
        assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
    }
}

#[tokio::test]
async fn an_answer_lost_between_gateways_ends_no_session() {
    let world = World::new();
    // A settlement is asked for twice, so that one lost answer is not even noticed.
    for (method, lost, tries) in [("/Redeem", 1, 2), ("/Settle", 1, 1)] {
        let name = "gateway-1.example.com:9443";
        world.lose_answers(name, method, lost);
        let other = world.beside("gateway-2.example.com:9443", |_| {});
        let (mut browser, code) = jon(&world).await;
        for number in 1..=tries {
            let page = redeem(&other, &code).await;
            let expected = match number == tries {
                true => StatusCode::OK,
                false => StatusCode::SERVICE_UNAVAILABLE,
            };
            assert_eq!(page.status, expected, "{method} {number}: {}", page.body);
        }
        browser
            .get(&world, &authorize_url(&[("prompt", "none")]))
            .await
            .code();
    }
}

#[tokio::test]
async fn no_tokens_leave_without_the_word_of_the_gateway_that_issued() {
    let world = World::new();
    world.lose_answers("gateway-1.example.com:9443", "/Settle", 2);
    let other = world.beside("gateway-2.example.com:9443", |_| {});
    let (_, code) = jon(&world).await;
    let page = redeem(&other, &code).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!page.body.contains("token\""), "{}", page.body);
    // It said yes, as far as it knows: the code is used.
    assert_eq!(redeem(&world, &code).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_session_that_ended_at_this_gateway_gets_no_tokens_here_wherever_its_code_is_from() {
    let world = World::new();
    let other = world.beside("gateway-2.example.com:9443", |_| {});
    let (browser, code) = jon(&world).await;
    // Signed out at the other gateway; the first has not heard of it yet.
    let mut leaving = browser.clone();
    let signed_out = leaving
        .post(
            &other,
            "https://login.example.com/signout",
            &[("confirmed", "yes")],
        )
        .await;
    assert!(signed_out.body.contains("You are signed out"));
    assert_eq!(redeem(&other, &code).await.json()["error"], "invalid_grant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_token_requests_at_two_gateways_one_gets_tokens() {
    let world = Arc::new(World::new());
    let other = Arc::new(world.beside("gateway-2.example.com:9443", |_| {}));
    for _ in 0..5 {
        let (_, code) = jon(&world).await;
        let requests: Vec<_> = (0..50)
            .map(|number| {
                let world = Arc::clone(if number % 2 == 0 { &world } else { &other });
                let code = code.clone();
                tokio::spawn(async move { redeem(&world, &code).await })
            })
            .collect();
        let mut access_tokens = Vec::new();
        for request in requests {
            let page = request.await.unwrap();
            match page.status {
                StatusCode::OK => access_tokens.push(page.json()["access_token"].clone()),
                _ => assert_eq!(page.json()["error"], "invalid_grant"),
            }
        }
        let [access_token] = access_tokens.as_slice() else {
            panic!("{} got tokens", access_tokens.len());
        };
        // At the latest by one that surely comes after it.
        redeem(&other, &code).await;
        let bearer = format!("Bearer {}", access_token.as_str().unwrap());
        let page = userinfo(&world, Some(&bearer)).await;
        assert_eq!(
            page.status,
            StatusCode::UNAUTHORIZED,
            "a later one ended its session"
        );
    }
}
