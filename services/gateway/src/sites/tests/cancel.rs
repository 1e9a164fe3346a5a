use axum::http::StatusCode;

use crate::testing::browser::{INSIDE, OUTSIDE, authorize_url};
use crate::testing::{Browser, CALLBACK, World};

fn cancel(transaction: &str) -> String {
    format!("https://login.example.com/cancel?tx={transaction}")
}

#[tokio::test]
async fn the_application_hears_that_the_person_went_back() {
    let world = World::new();
    for address in [INSIDE, OUTSIDE] {
        let mut browser = Browser::at(address);
        let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
        let page = browser.get(&world, &cancel(&transaction)).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert!(page.next().unwrap().starts_with(CALLBACK));
        assert_eq!(page.parameter("error").as_deref(), Some("access_denied"));
        assert_eq!(page.parameter("state").as_deref(), Some("the state"));
        assert_eq!(
            page.parameter("iss").as_deref(),
            Some("https://login.example.com")
        );
    }
}

#[tokio::test]
async fn nobody_else_can_say_so() {
    let world = World::new();
    let transaction = Browser::at(INSIDE)
        .get(&world, &authorize_url(&[]))
        .await
        .transaction();
    for url in [cancel(&transaction), cancel("nonsense"), cancel("")] {
        let page = Browser::at(INSIDE).get(&world, &url).await;
        assert_eq!((page.status, page.next()), (StatusCode::BAD_REQUEST, None));
        assert!(page.shows("transaction_unknown"));
    }
}

#[tokio::test]
async fn nothing_leads_to_an_address_that_was_taken_back() {
    let world = World::new();
    let without = world.beside("gateway-2.example.com:9443", |all| {
        for application in all.applications.values_mut() {
            application.redirect_uris.clear();
        }
    });
    let mut browser = Browser::at(INSIDE);
    let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
    let page = browser.get(&without, &cancel(&transaction)).await;
    assert_eq!((page.status, page.next()), (StatusCode::BAD_REQUEST, None));
}
