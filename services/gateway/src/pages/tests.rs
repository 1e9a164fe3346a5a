mod gallery;

use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{Response, StatusCode};
use domain::reason::{Explanation, Fault, Reason};
use http_body_util::BodyExt;

use super::words::Language;
use super::{Alert, Back, Does, Frame, Password, WithCertificate, answer};
use gallery::{Shown, gallery};

async fn text(response: Response<axum::body::Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a reader sees of a page: its title, its text, and where its links and forms lead.
fn readable(html: &str) -> String {
    let title = html.split_once("<title>").unwrap().1;
    let body = html.split_once("<body").unwrap().1;
    let mut shown = format!("# {}\n", title.split_once("</title>").unwrap().0);
    for part in body.split('<').skip(1) {
        let (tag, words) = part.split_once('>').unwrap();
        for mark in ["href=\"", "action=\""] {
            if let Some((_, rest)) = tag.split_once(mark) {
                shown.push_str(&format!("[{}] ", rest.split('"').next().unwrap()));
            }
        }
        for mark in [
            "role=\"alert\"",
            "autofocus",
            "checked",
            " hidden",
            "lang=\"en\"",
        ] {
            if tag.contains(mark) {
                shown.push_str(&format!(" ({}) ", mark.trim()));
            }
        }
        if ["dd", "code", "time"]
            .iter()
            .any(|name| tag.starts_with(name))
        {
            shown.push(' ');
        }
        shown.push_str(words);
    }
    let shown = shown
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&");
    shown
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The same with what is drawn at random taken out.
fn stable(text: &str) -> String {
    let word = |word: &str| {
        if word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return "ID".to_owned();
        }
        let Some((url, _)) = word.split_once("tx=") else {
            return word.to_owned();
        };
        match url.split_once(".cert.login.") {
            Some((_, path)) => format!("[https://ANOTHER.cert.login.{path}tx=T]"),
            None => format!("{url}tx=T]"),
        }
    };
    let lines = text.lines().map(|line| {
        let words: Vec<String> = line.split_whitespace().map(word).collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Text as the templates write it.
fn escaped(text: &str) -> String {
    text.replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

#[tokio::test]
async fn every_kind_of_page_reads_well_in_every_language() {
    let kinds = [
        "choose",
        "choose-waits",
        "choose-many",
        "password-in-range",
        "password-no-certificate",
        "password-wrong",
        "password-preferred",
        "password-stale",
        "connections",
        "reason-revoked",
        "fault-certval_unavailable",
        "application",
        "not-found",
        "rejected",
        "broken",
        "message",
        "sign-out",
        "signed-out",
        "signed-out-certificate",
        "signed-out-certificate-restart",
    ];
    let pages = gallery().await;
    for kind in kinds {
        for language in Language::ALL {
            let page = pages
                .iter()
                .find(|page| page.name == kind && page.language == language);
            let page = page.unwrap_or_else(|| panic!("{kind}"));
            insta::assert_snapshot!(
                format!("{kind}.{}", language.tag()),
                stable(&readable(&page.html))
            );
        }
    }
}

#[tokio::test]
async fn every_code_says_its_sentences_in_every_language() {
    let pages = gallery().await;
    let said = |name: &str, language: Language, told: Explanation| {
        let Shown { html, .. } = pages
            .iter()
            .find(|page| page.name == name && page.language == language)
            .unwrap_or_else(|| panic!("{name}"));
        let plain = html.replace("<kbd>", "").replace("</kbd>", "");
        for sentence in [told.user, told.help_desk, told.remedy] {
            assert!(
                plain.contains(&escaped(&sentence.replace('`', ""))),
                "{name}: {sentence}"
            );
        }
        assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())));
        assert!(html.contains(&format!("<title>{} ", language.words().error_prefix)));
        assert!(html.contains("role=\"alert\""), "{name}");
        assert!(html.contains("<time datetime=\"2027-01-15T"), "{name}");
        assert!(
            !html.contains("for the log only") && !html.contains("<this>"),
            "{name}"
        );
        html
    };
    for language in Language::ALL {
        for reason in Reason::ALL {
            let html = said(
                &format!("reason-{reason}"),
                language,
                language.refusal(*reason),
            );
            assert!(html.contains(&format!("<code>{reason}</code>")));
            assert!(html.contains("<dd lang=\"en\">The facts of &#60;this&#62; case.</dd>"));
        }
        for fault in Fault::ALL {
            let html = said(&format!("fault-{fault}"), language, language.fault(*fault));
            assert!(html.contains(&format!("<code>{fault}</code>")));
            // The directory judges passwords, too: without it they lead nowhere.
            let by_password = html.contains(language.words().use_password);
            assert_eq!(by_password, *fault != Fault::DirectoryUnavailable);
        }
    }
}

#[tokio::test]
async fn no_page_has_a_script_or_a_style_of_its_own() {
    for Shown { name, html, .. } in gallery().await {
        for forbidden in ["<style", "style=", "javascript:", " onclick", " onload"] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
        assert!(!html.contains("<script") || name == "message", "{name}");
        for needed in ["<main>", "</main>", "<h1", "name=\"viewport\"", "<title>"] {
            assert_eq!(html.matches(needed).count(), 1, "{name}: {needed}");
        }
    }
}

/// Every page is written to a folder, to be looked at and checked by other tools: the one that `POSTERN_PAGES` names, or one
/// that goes again.
#[tokio::test]
async fn every_page_can_be_looked_at_with_all_it_refers_to() {
    let passing = tempfile::tempdir().unwrap();
    let folder = match std::env::var_os("POSTERN_PAGES") {
        Some(named) => named.into(),
        None => passing.path().to_owned(),
    };
    let pages = gallery().await;
    gallery::write(&folder, &pages).unwrap();
    for Shown { name, language, .. } in pages {
        let file = format!("{name}.{}.html", language.tag());
        let html = std::fs::read_to_string(folder.join(&file)).unwrap();
        let assets: Vec<&str> = ["src=\"", "href=\""]
            .iter()
            .flat_map(|mark| html.split(mark).skip(1))
            .filter_map(|rest| rest.split(['"', '?']).next())
            .filter(|address| address.contains("/assets/"))
            .collect();
        assert!(assets.len() >= 2, "{file}: {assets:?}");
        for asset in assets {
            let there = folder.join(asset.trim_start_matches('/'));
            assert!(there.is_file(), "{file}: {asset}");
        }
    }
}

#[tokio::test]
async fn values_are_escaped_and_forms_lead_to_the_application_only() {
    let frame = Frame {
        product: "<Postern>".to_owned(),
        has_logo: true,
        request_id: crate::request_id::RequestId::default(),
        time: domain::timestamp::Timestamp(0).into(),
        language: Language::English,
        assets: String::new(),
        assets_version: "1".to_owned(),
    };
    let page = Password {
        frame: &frame,
        application: "<script>alert(1)</script>",
        connection: "\"quoted\" & <b>",
        transaction: "T\"><script>",
        user_name: "\"><img src=x onerror=alert(1)>",
        prefers: false,
        alert: Some(Alert::Reason(Reason::WrongCredentials)),
        certificate: WithCertificate::Nowhere,
        back: Back {
            application: "<b>".to_owned(),
            url: "\"><script>".to_owned(),
        },
    };
    let response = answer(
        StatusCode::OK,
        &page,
        &frame,
        Does::Forms(&["https://app.example.com".to_owned()]),
    );
    assert_eq!(
        response.headers()[CONTENT_SECURITY_POLICY],
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https://app.example.com; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    let html = text(response).await;
    for raw in ["<script", "<img src=x", "<b>", "<Postern>", "T\""] {
        assert!(!html.contains(raw), "{raw}");
    }
    for needed in [
        "role=\"alert\"",
        "autocomplete=\"username\"",
        "autocomplete=\"current-password\"",
        "<label for=\"password\"",
        "aria-describedby=\"problem\"",
        "aria-invalid=\"true\"",
        "alt=\"&#60;Postern&#62;\"",
    ] {
        assert!(html.contains(needed), "{needed}");
    }
}
