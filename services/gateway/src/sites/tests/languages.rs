//! Which language the pages speak.

use axum::http::StatusCode;

use crate::testing::browser::{INSIDE, OUTSIDE, Page, authorize_url};
use crate::testing::{Browser, CALLBACK, World};

fn reading(address: &str, languages: &str) -> Browser {
    let mut browser = Browser::at(address);
    browser.headers = vec![("accept-language", languages.to_owned())];
    browser
}

fn language(page: &Page) -> &str {
    let after = page.body.split_once("<html lang=\"").unwrap().1;
    after.split('"').next().unwrap()
}

#[tokio::test]
async fn what_the_application_asks_for_goes_before_what_the_browser_likes() {
    let world = World::new();
    for (asked, liked, expected) in [
        ("", "", "en"),
        ("", "de-DE,de;q=0.9,en;q=0.8", "de"),
        ("", "fr-FR,fr;q=0.9", "en"),
        ("", "en;q=0.1,de;q=0.2", "de"),
        ("de", "en", "de"),
        ("fr en de", "de", "en"),
        ("fr ja", "de", "de"),
        ("\u{1f984} <b>", "de", "de"),
        ("", ";;q=,de-;q=9", "en"),
    ] {
        let url = authorize_url(&[("ui_locales", asked)]);
        let page = reading(OUTSIDE, liked).get(&world, &url).await;
        assert_eq!(
            (page.status, language(&page)),
            (StatusCode::OK, expected),
            "{asked} {liked}"
        );
    }
    let long = format!("{}de", "fr,".repeat(3400));
    let page = reading(OUTSIDE, &long)
        .get(&world, &authorize_url(&[]))
        .await;
    assert_eq!((page.status, language(&page)), (StatusCode::OK, "en"));
}

#[tokio::test]
async fn every_page_of_a_sign_in_speaks_the_language_it_began_in() {
    let world = World::new();
    let url = authorize_url(&[("ui_locales", "de")]);
    let mut browser = reading(INSIDE, "en");
    let chooser = browser.get(&world, &url).await;
    assert_eq!(language(&chooser), "de");
    let transaction = chooser.transaction();
    let at = |path: &str| format!("https://login.example.com{path}?tx={transaction}");
    let form = browser.get(&world, &at("/password")).await;
    assert!(language(&form) == "de" && form.body.contains(">Benutzername</label>"));
    let typed = [
        ("tx", transaction.as_str()),
        ("user_name", "jon"),
        ("password", "wrong"),
    ];
    let wrong = browser
        .post(&world, "https://login.example.com/password", &typed)
        .await;
    assert!(language(&wrong) == "de" && wrong.shows("wrong_credentials"));
    assert!(wrong.body.contains("<title>Fehler: Anmelden"));

    // The certificate host, and the way back from it.
    browser.certificate = Some("!expired".to_owned());
    let refused = browser.get(&world, &chooser.next().unwrap()).await;
    assert!(language(&refused) == "de" && refused.shows("expired"));
    assert!(refused.body.contains("Ihr Zertifikat ist abgelaufen."));
    let mut stranger = reading(INSIDE, "en");
    let elsewhere = stranger.get(&world, &at("/cancel")).await;
    assert!(language(&elsewhere) == "de" && elsewhere.shows("transaction_unknown"));
    let resumed = browser.get(&world, &format!("{}&r=x", at("/resume"))).await;
    assert!(language(&resumed) == "de" && resumed.shows("transaction_unknown"));
}

#[tokio::test]
async fn the_choice_between_connections_keeps_what_was_asked_for() {
    let world = World::new();
    let url = authorize_url(&[("client_id", "server"), ("ui_locales", "de")]);
    let page = Browser::at(OUTSIDE).get(&world, &url).await;
    assert!(language(&page) == "de" && page.body.contains("ui_locales=de"));
}

#[tokio::test]
async fn a_wrong_application_is_told_in_the_language_asked_for() {
    let world = World::new();
    let url = authorize_url(&[("client_id", "nobody"), ("ui_locales", "de")]);
    let page = Browser::at(OUTSIDE).get(&world, &url).await;
    assert_eq!(
        (page.status, language(&page)),
        (StatusCode::BAD_REQUEST, "de")
    );
    // The facts of the case are English, and say so.
    assert!(
        page.body
            .contains("<dd lang=\"en\">the client_id is missing")
    );
}

#[tokio::test]
async fn a_language_asked_for_twice_is_an_error_for_the_application() {
    let world = World::new();
    let url = format!("{}&ui_locales=de&ui_locales=en", authorize_url(&[]));
    let page = Browser::at(OUTSIDE).get(&world, &url).await;
    assert!(page.next().unwrap().starts_with(CALLBACK));
    assert_eq!(page.parameter("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn signing_out_speaks_the_language_asked_for_to_its_end() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let url = "https://login.example.com/signout?ui_locales=de-AT";
    let question = browser.get(&world, url).await;
    assert!(language(&question) == "de" && question.body.contains("Möchten Sie sich abmelden?"));
    assert!(question.body.contains("name=\"ui_locales\" value=\"de\""));
    let yes = [("confirmed", "yes"), ("ui_locales", "de")];
    let page = browser
        .post(&world, "https://login.example.com/signout", &yes)
        .await;
    assert!(language(&page) == "de" && page.body.contains("Sie sind abgemeldet"));
    let page = browser
        .get(&world, "https://login.example.com/signout?ui_locales=xx")
        .await;
    assert_eq!((page.status, language(&page)), (StatusCode::OK, "en"));
}

#[tokio::test]
async fn the_languages_are_published() {
    let world = World::new();
    let url = "https://login.example.com/.well-known/openid-configuration";
    let metadata = Browser::at(OUTSIDE).get(&world, url).await.json();
    assert_eq!(
        metadata["ui_locales_supported"],
        serde_json::json!(["en", "de"])
    );
}
