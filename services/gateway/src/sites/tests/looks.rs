//! The logo and the colours of an installation.

use axum::http::StatusCode;

use crate::testing::browser::{OUTSIDE, authorize_url};
use crate::testing::{Browser, World};

const LOGO: &str = "https://login.example.com/assets/logo";
const STYLE: &str = "https://login.example.com/assets/style.css";

#[tokio::test]
async fn an_installation_shows_its_own_logo_and_colours() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("logo.svg");
    std::fs::write(&file, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    let world = World::set(|settings| {
        settings.logo = file;
        settings.colour = "#5b2a86".to_owned();
        settings.product_name = "Fabrikam & Sons".to_owned();
    });
    let mut browser = Browser::at(OUTSIDE);
    let page = browser.get(&world, &authorize_url(&[])).await;
    let version = &world.desk.brand.version;
    assert!(
        page.body.contains(&format!(
            "<img class=\"logo\" src=\"/assets/logo?v={version}\" alt=\"Fabrikam &#38; Sons\">"
        )),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains(&format!("/assets/style.css?v={version}\""))
    );
    let logo = browser.get(&world, LOGO).await;
    assert_eq!(logo.headers["content-type"], "image/svg+xml");
    assert_eq!(
        logo.headers["content-security-policy"],
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
    );
    assert_eq!(logo.headers["x-content-type-options"], "nosniff");
    assert_eq!(logo.body, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    let style = browser.get(&world, STYLE).await;
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    assert!(
        style
            .body
            .contains("--accent: light-dark(#5b2a86, #8fb8ff);")
    );
    // The certificate host's pages take both from the login host.
    let page = browser
        .get(&world, "https://cert.login.example.com/?tx=x")
        .await;
    assert!(
        page.body
            .contains("src=\"https://login.example.com/assets/logo?v=")
    );
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("img-src https://login.example.com;"),
        "{policy}"
    );
}

#[tokio::test]
async fn without_a_logo_there_is_the_mark_that_is_built_in() {
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let page = browser.get(&world, &authorize_url(&[])).await;
    assert!(page.body.contains("<span>Postern</span>") && !page.body.contains("<img"));
    let logo = browser.get(&world, LOGO).await;
    assert_eq!(logo.status, StatusCode::NOT_FOUND);
    assert_eq!(logo.headers["cache-control"], "no-store");
}
