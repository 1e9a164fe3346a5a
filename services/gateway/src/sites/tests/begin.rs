use axum::http::StatusCode;

use crate::testing::browser::{INSIDE, OUTSIDE, authorize_url};
use crate::testing::services::PASSWORD;
use crate::testing::{Browser, CALLBACK, SERVER, World};

#[tokio::test]
async fn inside_a_range_the_page_goes_on_to_the_certificate_host_by_itself() {
    let world = World::new();
    let page = Browser::at(INSIDE).get(&world, &authorize_url(&[])).await;
    assert_eq!(page.status, StatusCode::OK);
    let next = page.next().unwrap();
    assert!(
        next.starts_with("https://cert.login.example.com/?tx="),
        "{next}"
    );
    for shown in [
        "Choose your certificate",
        "<li>FabrikamRootCA</li>",
        "Use a password",
        "The app &#38; co",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
}

#[tokio::test]
async fn outside_of_all_ranges_there_is_the_form_and_no_word_of_certificates() {
    let world = World::new();
    let page = Browser::at(OUTSIDE)
        .get(&world, &authorize_url(&[("login_hint", "jon\"")]))
        .await;
    assert_eq!((page.status, page.next()), (StatusCode::OK, None));
    assert!(
        page.body
            .contains("<form method=\"post\" action=\"/password\">")
    );
    assert!(page.body.contains("value=\"jon&#34;\""));
    assert!(!page.body.contains("cert.login.example.com"));
}

#[tokio::test]
async fn a_connection_with_certificates_alone_offers_nothing_outside_its_ranges() {
    let world = World::new();
    let url = authorize_url(&[("client_id", SERVER), ("connection", "CardsAD")]);
    let page = Browser::at(OUTSIDE).get(&world, &url).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.shows("address_not_in_range"));
    let inside = Browser::at(INSIDE).get(&world, &url).await;
    assert!(!inside.body.contains("Use a password"));
}

#[tokio::test]
async fn a_connection_without_ranges_or_authorities_has_the_form() {
    let world = World::new();
    let url = authorize_url(&[("client_id", SERVER), ("connection", "ContosoAD")]);
    assert!(
        Browser::at(INSIDE)
            .get(&world, &url)
            .await
            .body
            .contains("action=\"/password\"")
    );
    let world = World::with(|all| {
        for connection in all.connections.values_mut() {
            connection.authorities.clear();
        }
    });
    let page = Browser::at(INSIDE).get(&world, &authorize_url(&[])).await;
    assert!(page.body.contains("action=\"/password\""));
}

#[tokio::test]
async fn several_connections_are_chosen_between() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let page = browser
        .get(&world, &authorize_url(&[("client_id", SERVER)]))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    for name in ["FabrikamAD", "CardsAD", "ContosoAD"] {
        assert!(page.body.contains(&format!("{name} &#60;accounts&#62;")));
    }
    let link = page
        .body
        .split("href=\"/authorize?")
        .find(|part| part.contains("connection=ContosoAD"))
        .unwrap();
    let query = link.split('"').next().unwrap().replace("&#38;", "&");
    let chosen = browser
        .get(
            &world,
            &format!("https://login.example.com/authorize?{query}"),
        )
        .await;
    assert!(
        chosen.body.contains("action=\"/password\""),
        "{}",
        chosen.body
    );
}

#[tokio::test]
async fn nobody_is_asked_with_prompt_none() {
    let world = World::new();
    for address in [INSIDE, OUTSIDE] {
        let page = Browser::at(address)
            .get(&world, &authorize_url(&[("prompt", "none")]))
            .await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert!(page.next().unwrap().starts_with(CALLBACK));
        assert_eq!(page.parameter("error").as_deref(), Some("login_required"));
        assert_eq!(page.parameter("state").as_deref(), Some("the state"));
        assert_eq!(
            page.parameter("iss").as_deref(),
            Some("https://login.example.com")
        );
    }
}

#[tokio::test]
async fn with_prompt_login_and_after_a_sign_out_the_page_waits_for_a_click() {
    let world = World::new();
    let mut browser = Browser::at(INSIDE);
    let page = browser
        .get(&world, &authorize_url(&[("prompt", "login")]))
        .await;
    assert_eq!((page.status, page.next()), (StatusCode::OK, None));
    assert!(page.body.contains("https://cert.login.example.com/?tx="));
    // For browsers that remember the certificate of somebody else.
    assert!(page.body.contains("Try another certificate"));
    let going_on = browser.get(&world, &authorize_url(&[])).await;
    assert!(!going_on.body.contains("Try another certificate"));
    assert!(
        browser
            .get(&world, &authorize_url(&[]))
            .await
            .next()
            .is_some()
    );
    let form = [("confirmed", "yes")];
    browser
        .post(&world, "https://login.example.com/signout", &form)
        .await;
    assert_eq!(browser.get(&world, &authorize_url(&[])).await.next(), None);
}

#[tokio::test]
async fn a_wrong_application_is_a_page_and_leads_nowhere() {
    let world = World::new();
    for change in [
        ("client_id", "nobody"),
        ("redirect_uri", "https://evil.test/"),
    ] {
        let page = Browser::at(INSIDE)
            .get(&world, &authorize_url(&[change]))
            .await;
        assert_eq!((page.status, page.next()), (StatusCode::BAD_REQUEST, None));
        assert!(!page.body.contains("evil.test"));
    }
    let long = format!(
        "https://login.example.com/authorize?state={}",
        "s".repeat(64 << 10)
    );
    // Longer than the router sees through the edge; the desk has its own bound.
    assert_eq!(
        Browser::at(INSIDE)
            .get(&world, &long[..60_000])
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_request_in_a_form_is_asked_again_in_the_query() {
    let world = World::new();
    let url = authorize_url(&[]);
    let pairs: Vec<(String, String)> = url::Url::parse(&url)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect();
    let form: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut browser = Browser::at(INSIDE);
    let page = browser
        .post(&world, "https://login.example.com/authorize", &form)
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let page = browser.get(&world, &page.next().unwrap()).await;
    assert!(
        page.next()
            .unwrap()
            .starts_with("https://cert.login.example.com/")
    );
}

#[tokio::test]
async fn a_configuration_that_nobody_confirmed_closes_certificates_and_not_passwords() {
    let world = World::new();
    world.clock.advance(std::time::Duration::from_secs(86_400));
    assert!(
        Browser::at(INSIDE)
            .get(&world, &authorize_url(&[]))
            .await
            .next()
            .is_some()
    );
    world.clock.advance(std::time::Duration::from_secs(1));
    let page = Browser::at(INSIDE).get(&world, &authorize_url(&[])).await;
    assert!(page.shows("configuration_stale") && page.body.contains("action=\"/password\""));
    let url = authorize_url(&[("client_id", SERVER), ("connection", "CardsAD")]);
    let page = Browser::at(INSIDE).get(&world, &url).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.shows("configuration_stale"));
}

#[tokio::test]
async fn every_answer_is_dressed_and_unknown_paths_are_pages() {
    let world = World::new();
    let mut ids = std::collections::BTreeSet::new();
    for (url, status) in [
        ("https://login.example.com/", StatusCode::NOT_FOUND),
        (
            "https://login.example.com/authorize;x",
            StatusCode::NOT_FOUND,
        ),
        (
            "https://login.example.com//authorize",
            StatusCode::NOT_FOUND,
        ),
        (
            "https://login.example.com/%61uthorize",
            StatusCode::NOT_FOUND,
        ),
        (
            "https://login.example.com/token",
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            "https://cert.login.example.com/authorize",
            StatusCode::NOT_FOUND,
        ),
        (
            "https://cert.login.example.com/assets/style.css",
            StatusCode::NOT_FOUND,
        ),
        ("https://login.example.com/assets/style.css", StatusCode::OK),
        ("https://login.example.com/jwks", StatusCode::OK),
    ] {
        let mut browser = Browser::at(INSIDE);
        browser.headers = vec![("x-request-id", "mine".to_owned())];
        let page = browser.get(&world, url).await;
        assert_eq!(page.status, status, "{url}");
        let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        assert!(ids.insert(header("x-request-id")), "{url}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
        let referrer = if url.contains("//cert.") {
            "no-referrer"
        } else {
            "same-origin"
        };
        assert_eq!(header("referrer-policy"), referrer);
        assert!(!page.headers.contains_key("cross-origin-opener-policy"));
    }
    assert!(!ids.contains("mine"));
}

#[tokio::test]
async fn of_two_tabs_that_open_at_once_the_one_that_lost_its_cookie_can_begin_anew() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let lost = browser.get(&world, &authorize_url(&[])).await.transaction();
    // The other tab's answer, made before the first one's cookie came.
    browser.cookies.clear();
    browser.get(&world, &authorize_url(&[])).await;
    let form = format!("https://login.example.com/password?tx={lost}");
    let page = browser.get(&world, &form).await;
    assert!(page.shows("transaction_unknown"));
    let (_, after) = page
        .body
        .split_once("href=\"https://login.example.com/authorize?")
        .unwrap();
    let query = after.split('"').next().unwrap().replace("&#38;", "&");
    let again = browser
        .get(
            &world,
            &format!("https://login.example.com/authorize?{query}"),
        )
        .await;
    let mut typed = browser.clone();
    let page = typed
        .post(
            &world,
            "https://login.example.com/password",
            &[
                ("tx", &again.transaction()),
                ("user_name", "jon"),
                ("password", PASSWORD),
            ],
        )
        .await;
    assert_eq!(page.parameter("state").as_deref(), Some("the state"));
    page.code();
}

#[tokio::test]
async fn looking_without_doing_is_refused_where_something_would_be_done() {
    let world = World::new();
    let (mut browser, _) = super::jon(&world).await;
    for url in [
        authorize_url(&[]),
        "https://login.example.com/signout".to_owned(),
        "https://login.example.com/resume".to_owned(),
        "https://login.example.com/cancel".to_owned(),
        "https://login.example.com/password".to_owned(),
        "https://cert.login.example.com/".to_owned(),
    ] {
        let request = axum::http::Request::head(&url);
        let page = browser.request(&world, &url, request, String::new()).await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{url}");
        assert!(
            page.next().is_none() && !page.headers.contains_key("set-cookie"),
            "{url}"
        );
    }
}
