//! "I prefer the password on this device".

use axum::http::StatusCode;

use crate::testing::browser::{INSIDE, OUTSIDE, Page, authorize_url};
use crate::testing::services::PASSWORD;
use crate::testing::{Browser, CALLBACK, SERVER, World};

const FORM: &str = "https://login.example.com/password";
const PREFERENCE: &str = "https://login.example.com/preference";
const COOKIE: &str = "__Host-prefer-password";

/// The form inside the ranges.
async fn form(world: &World, browser: &mut Browser) -> Page {
    let transaction = browser
        .get(world, &authorize_url(&[("prompt", "login")]))
        .await
        .transaction();
    browser
        .get(world, &format!("{FORM}?tx={transaction}"))
        .await
}

async fn typed(
    world: &World,
    browser: &mut Browser,
    page: &Page,
    password: &str,
    prefer: &str,
) -> Page {
    let transaction = page.transaction();
    let fields = [
        ("tx", transaction.as_str()),
        ("user_name", "jon"),
        ("password", password),
        ("prefer", prefer),
    ];
    browser.post(world, FORM, &fields).await
}

/// A browser that prefers the password.
async fn preferring(world: &World) -> Browser {
    let mut browser = Browser::at(INSIDE);
    let page = form(world, &mut browser).await;
    typed(world, &mut browser, &page, PASSWORD, "password")
        .await
        .code();
    browser.cookies.remove("__Host-session");
    browser
}

fn has_checkbox(page: &Page) -> bool {
    page.body
        .contains("type=\"checkbox\" name=\"prefer\" value=\"password\"")
}

#[tokio::test]
async fn it_is_kept_for_thirty_days_after_a_sign_in_with_the_box_ticked() {
    let world = World::new();
    let mut browser = Browser::at(INSIDE);
    let page = form(&world, &mut browser).await;
    assert!(has_checkbox(&page));
    let signed_in = typed(&world, &mut browser, &page, PASSWORD, "password").await;
    let set: Vec<&str> = signed_in
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|each| each.to_str().unwrap())
        .filter(|each| each.starts_with(COOKIE))
        .collect();
    assert_eq!(
        set,
        ["__Host-prefer-password=1; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000"]
    );
    browser.restart();
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [COOKIE]);
}

#[tokio::test]
async fn it_is_kept_neither_unticked_nor_after_a_failure() {
    let world = World::new();
    for (password, prefer) in [
        (PASSWORD, ""),
        (PASSWORD, "certificate"),
        (PASSWORD, "1"),
        ("wrong", "password"),
        ("", "password"),
    ] {
        let mut browser = Browser::at(INSIDE);
        let page = form(&world, &mut browser).await;
        let answer = typed(&world, &mut browser, &page, password, prefer).await;
        assert!(!browser.cookies.contains_key(COOKIE), "{password} {prefer}");
        // What was ticked stays ticked for the next try.
        let ticked = answer.body.contains("value=\"password\" checked");
        assert_eq!(ticked, password != PASSWORD, "{}", answer.body);
    }
}

#[tokio::test]
async fn there_is_nothing_to_prefer_where_nobody_is_asked_for_a_certificate() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let page = browser.get(&world, &authorize_url(&[])).await;
    assert!(!has_checkbox(&page) && page.body.contains("action=\"/password\""));
    typed(&world, &mut browser, &page, PASSWORD, "password")
        .await
        .code();
    assert!(!browser.cookies.contains_key(COOKIE));
    // A connection without certificates, and inside the ranges of the others.
    let contoso = authorize_url(&[("client_id", SERVER), ("connection", "ContosoAD")]);
    for preferring_too in [false, true] {
        let mut browser = Browser::at(INSIDE);
        if preferring_too {
            browser.cookies.insert(COOKIE.to_owned(), "1".to_owned());
        }
        let page = browser.get(&world, &contoso).await;
        assert!(page.body.contains("action=\"/password\""));
        assert!(!has_checkbox(&page) && !page.body.contains("/preference"));
    }
}

#[tokio::test]
async fn it_leads_straight_to_the_form_where_a_certificate_would_be_asked_for() {
    let world = World::new();
    let mut browser = preferring(&world).await;
    for change in [("prompt", ""), ("prompt", "login")] {
        let page = browser.get(&world, &authorize_url(&[change])).await;
        assert_eq!((page.status, page.next()), (StatusCode::OK, None));
        assert!(page.body.contains("action=\"/password\""), "{}", page.body);
        assert!(
            page.body
                .contains("This device goes straight to the password")
        );
        assert!(page.body.contains("Ask for my certificate again") && !has_checkbox(&page));
    }
    let page = browser.get(&world, &authorize_url(&[])).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("form-action 'self' https: https://cert.login.example.com;"),
        "{policy}"
    );
    typed(&world, &mut browser, &page, PASSWORD, "")
        .await
        .code();
    assert!(browser.cookies.contains_key(COOKIE), "it stays");
    browser.cookies.remove("__Host-session");
    // Outside of the ranges there is the form without a word of it.
    let mut outside = browser.clone();
    outside.address = OUTSIDE.to_owned();
    let page = outside.get(&world, &authorize_url(&[])).await;
    assert!(!page.body.contains("straight to the password"));
    // Where the connection has no passwords, it is as if it were not there.
    let cards = authorize_url(&[("client_id", SERVER), ("connection", "CardsAD")]);
    let page = browser.get(&world, &cards).await;
    assert!(
        page.next()
            .unwrap()
            .starts_with("https://cert.login.example.com/")
    );
}

#[tokio::test]
async fn with_prompt_none_it_is_as_ever() {
    let world = World::new();
    let mut browser = preferring(&world).await;
    let silently = authorize_url(&[("prompt", "none")]);
    let page = browser.get(&world, &silently).await;
    assert!(page.next().unwrap().starts_with(CALLBACK));
    assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
    let page = browser.get(&world, &authorize_url(&[])).await;
    typed(&world, &mut browser, &page, PASSWORD, "")
        .await
        .code();
    browser.get(&world, &silently).await.code();
}

#[tokio::test]
async fn it_is_taken_back_with_a_click_and_the_certificate_is_asked_for() {
    let world = World::new();
    let mut browser = preferring(&world).await;
    let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
    let fields = [("tx", transaction.as_str())];
    let page = browser.post(&world, PREFERENCE, &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(!browser.cookies.contains_key(COOKIE));
    let next = page.next().unwrap();
    assert!(
        next.starts_with("https://cert.login.example.com/?tx="),
        "{next}"
    );
    browser.certificate = Some("jon".to_owned());
    browser.follow(&world, &next).await.code();
    browser.cookies.remove("__Host-session");
    let page = browser.get(&world, &authorize_url(&[])).await;
    assert!(page.next().is_some(), "as before");
}

#[tokio::test]
async fn nobody_else_takes_it_back() {
    let world = World::new();
    let mut browser = preferring(&world).await;
    let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
    let fields = [("tx", transaction.as_str())];
    for header in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let mut foreign = browser.clone();
        foreign.headers = vec![(header.0, header.1.to_owned())];
        let page = foreign.post(&world, PREFERENCE, &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{header:?}");
        assert!(!page.headers.contains_key("set-cookie"));
    }
    // Another browser's transaction, and what is none.
    let mut other = preferring(&world).await;
    other.get(&world, &authorize_url(&[])).await;
    for text in [transaction.as_str(), "nonsense", ""] {
        let page = other.post(&world, PREFERENCE, &[("tx", text)]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.shows("transaction_unknown"));
    }
    assert!(browser.cookies.contains_key(COOKIE) && other.cookies.contains_key(COOKIE));
    // By a link, nothing happens at all.
    let page = browser
        .get(&world, &format!("{PREFERENCE}?tx={transaction}"))
        .await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(browser.cookies.contains_key(COOKIE));
}
