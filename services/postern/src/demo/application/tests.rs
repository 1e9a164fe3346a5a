use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use url::Url;

use super::sample::{Files, Sample, WAYS, Way, snippet};
use super::server_side::Page;
use crate::demo::folder::{Folder, MadeFor};
use crate::demo::material::{self, FABRIKAM, OWN, PAGE};

const SNIPPET: &str = include_str!("../../../templates/snippet.js");
const SCRIPT: &str = include_str!("../../../templates/sample.js");

struct Shown {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

async fn shown(response: axum::http::Response<Body>) -> Shown {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Shown {
        status: parts.status,
        headers: parts.headers,
        html: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn demo_folder(place: &std::path::Path) -> Folder {
    let made_for = MadeFor {
        port: 8443,
        origin: None,
    };
    Folder::open(&place.join("demo"), &made_for, false).unwrap()
}

async fn sample(way: Way) -> Shown {
    let place = tempfile::tempdir().unwrap();
    let folder = demo_folder(place.path());
    let sample = Sample {
        issuer: Url::parse("https://login.localhost:8443").unwrap(),
        files: Files::of(&folder).unwrap(),
    };
    shown(sample.page(way)).await
}

/// The text that browsers show of escaped text.
fn unescaped(html: &str) -> String {
    let named = [
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ];
    let mut text = html.to_owned();
    for (escaped, plain) in named {
        text = text.replace(escaped, plain);
    }
    text
}

/// What stands in the element with this id, which holds text only.
fn inside(html: &str, id: &str) -> String {
    let (_, rest) = html.split_once(&format!("id=\"{id}\">")).unwrap();
    unescaped(rest.split_once("</").unwrap().0)
}

#[test]
fn the_snippet_is_the_promised_line_and_names_what_is_registered() {
    let promised = "auth.signin({ popup: true, connection: 'FabrikamAD', scope: 'openid name email' }, onLoginSuccess, onLoginFailed);";
    assert!(SNIPPET.contains(promised), "{SNIPPET}");
    assert!(SNIPPET.contains(&format!("connection: '{FABRIKAM}'")));
    assert!(SNIPPET.contains(&format!("clientId: '{PAGE}'")));
    for global in ["onLoginSuccess", "onLoginFailed"] {
        assert!(
            SCRIPT.contains(&format!("function {global}(")),
            "the page lacks {global}"
        );
    }
    for global in ["signInWithPopup", "signInByRedirect", "signOut"] {
        assert!(SNIPPET.contains(&format!("function {global}(")));
        assert!(
            SCRIPT.contains(&format!(", {global}],")),
            "no button calls {global}"
        );
    }
}

#[tokio::test]
async fn every_page_shows_the_script_that_it_runs_and_has_both_buttons() {
    for way in WAYS {
        let page = sample(way).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(inside(&page.html, "snippet"), snippet(way));
        assert!(snippet(way).contains(&format!("connection: '{}'", way.connection)));
        assert!(
            page.html
                .contains(&format!("<script src=\"{}\" defer></script>", way.script))
        );
        let tag = inside(&page.html, "tag");
        assert_eq!(
            tag,
            "<script src=\"https://login.localhost:8443/sdk/v1.js\" defer></script>"
        );
        assert!(
            page.html.contains(&tag),
            "what is shown is not what is loaded"
        );
        for id in ["popup", "redirect", "sign-out"] {
            assert!(
                page.html
                    .contains(&format!("<button type=\"button\" id=\"{id}\"")),
                "{id}"
            );
        }
        assert!(page.html.contains("aria-current=\"page\""));
        assert!(
            page.html
                .contains("<noscript><p class=\"alert\">The buttons need JavaScript.")
        );
    }
}

#[tokio::test]
async fn the_policy_lets_in_the_sdk_and_the_pages_own_files_only() {
    let [way, ..] = WAYS;
    let page = sample(way).await;
    assert_eq!(
        page.headers["content-security-policy"],
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; script-src 'self' https://login.localhost:8443/sdk/v1.js; \
         connect-src https://login.localhost:8443"
    );
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(page.headers["cache-control"], "no-store");
    // Nothing that the policy would have to make an exception for.
    let scripts = page.html.matches("<script").count();
    assert_eq!(page.html.matches("<script src=\"").count(), scripts);
    assert_eq!(page.html.matches("defer></script>").count(), scripts);
    for inline in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
        assert!(!page.html.contains(inline), "{inline}");
    }
}

#[test]
fn the_script_writes_text_and_never_markup_and_keeps_nothing() {
    for source in [SCRIPT, SNIPPET] {
        for sink in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval",
            "localStorage",
            "console.",
        ] {
            assert!(!source.contains(sink), "{sink}");
        }
    }
}

#[tokio::test]
async fn the_servers_page_shows_claims_and_errors_as_text() {
    let hostile = "<script>alert(1)</script>\"'&";
    let page = Page {
        title: "Not signed in",
        text: hostile,
        claims: vec![(hostile.to_owned(), hostile.to_owned())],
        links: Vec::new(),
    };
    let page = shown(page.answer()).await;
    assert!(!page.html.contains("<script"), "{}", page.html);
    assert_eq!(unescaped(&page.html).matches(hostile).count(), 3);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none';") && !policy.contains("script-src"),
        "{policy}"
    );
}

#[test]
fn every_page_is_registered_to_come_back_to() {
    let place = tempfile::tempdir().unwrap();
    let folder = demo_folder(place.path());
    let configuration = material::configuration(&folder, 8443, None);
    let page = configuration
        .applications
        .iter()
        .find(|application| application.client_id == PAGE)
        .unwrap();
    for way in WAYS {
        let address = format!("https://app.localhost:8443{}", way.page);
        assert!(page.redirect_uris.contains(&address), "{address}");
        assert!(
            page.post_logout_redirect_uris.contains(&address),
            "{address}"
        );
        assert!(page.connections.iter().any(|name| name == way.connection));
    }
    assert_eq!(page.origins, ["https://app.localhost:8443"]);
    assert!(page.secret_file.is_none() && !page.generate_secret);
}

#[test]
fn an_application_of_ones_own_is_registered_with_its_origin_alone() {
    let place = tempfile::tempdir().unwrap();
    let folder = demo_folder(place.path());
    let origin = "http://localhost:3000".parse().unwrap();
    let configuration = material::configuration(&folder, 8443, Some(&origin));
    let own = configuration
        .applications
        .iter()
        .find(|application| application.client_id == OWN)
        .unwrap();
    assert_eq!(own.origins, ["http://localhost:3000"]);
    assert_eq!(
        own.redirect_uris,
        ["http://localhost:3000/", "http://localhost:3000/callback"]
    );
    let without = material::configuration(&folder, 8443, None);
    assert!(
        without
            .applications
            .iter()
            .all(|each| each.client_id != OWN)
    );
}
