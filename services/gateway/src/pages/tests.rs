use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{Response, StatusCode};
use domain::outcome::{Refusal, Unavailable};
use domain::reason::{Fault, Reason};
use http_body_util::BodyExt;

use super::words::ENGLISH;
use super::{Alert, Forms, Frame, Password, answer};
use crate::arrival::{Arrival, Site};
use crate::halt::{Halt, Ways};
use crate::testing::{START, World};
use crate::visit::Visit;

fn visit(host: Site) -> Visit {
    Visit::for_test(Arrival {
        address: "10.1.2.3".parse().unwrap(),
        host,
        server_name: String::new(),
        asked: false,
        chain: None,
        handshake_at: domain::timestamp::Timestamp(START),
        revision: 7,
    })
}

fn ways() -> Ways {
    Ways {
        another_certificate: Some("https://abc.cert.login.example.com/?tx=T".to_owned()),
        password: Some("https://login.example.com/password?tx=T".to_owned()),
    }
}

async fn text(response: Response<axum::body::Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a reader sees of a page: its text, line by line, and where its links lead.
fn readable(html: &str) -> String {
    let body = html.split_once("<main>").unwrap().1;
    let mut shown = String::new();
    for (number, part) in body.split('<').enumerate() {
        let (tag, words) = match number {
            0 => ("", part),
            _ => part.split_once('>').unwrap(),
        };
        if let Some((_, rest)) = tag.split_once("href=\"") {
            shown.push_str(&format!("[{}] ", rest.split('"').next().unwrap()));
        }
        shown.push_str(words);
    }
    shown
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn every_reason_and_every_fault_has_its_page() {
    let world = World::new();
    let visit = visit(Site::Certificate { attempt: None });
    let mut pages = String::new();
    for reason in Reason::ALL {
        let halt = Halt::Refused(Refusal::because(*reason, "The facts of <this> case."));
        let response = world.desk.halted(&visit, halt, ways());
        pages.push_str(&format!("## {reason} ({})\n", response.status()));
        pages.push_str(&readable(&text(response).await));
        pages.push_str("\n\n");
    }
    for fault in Fault::ALL {
        let halt = Halt::Unavailable(Unavailable::new(*fault, "for the log only"));
        let response = world.desk.halted(&visit, halt, ways());
        assert!(response.headers().contains_key("retry-after"));
        pages.push_str(&format!("## {fault} ({})\n", response.status()));
        pages.push_str(&readable(&text(response).await));
        pages.push_str("\n\n");
    }
    assert!(!pages.contains("for the log only"));
    insta::assert_snapshot!(pages);
}

#[tokio::test]
async fn values_are_escaped_and_forms_lead_to_the_application_only() {
    let frame = Frame {
        product: "<Postern>".to_owned(),
        request_id: crate::request_id::RequestId::default(),
        words: &ENGLISH,
        assets: String::new(),
        assets_version: "1".to_owned(),
    };
    let page = Password {
        frame: &frame,
        application: "<script>alert(1)</script>",
        connection: "\"quoted\" & <b>",
        transaction: "T\"><script>",
        user_name: "\"><img src=x onerror=alert(1)>",
        alert: Some(Alert {
            sentence: Reason::WrongCredentials.explanation().user,
            code: Reason::WrongCredentials.code(),
        }),
        certificate_url: None,
    };
    let response = answer(
        StatusCode::OK,
        &page,
        &frame,
        Forms::Ours(Some("https://app.example.com")),
    );
    assert_eq!(
        response.headers()[CONTENT_SECURITY_POLICY],
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https://app.example.com; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    let html = text(response).await;
    for raw in ["<script", "<img", "<b>", "<Postern>", "T\""] {
        assert!(!html.contains(raw), "{raw}");
    }
    for needed in [
        "role=\"alert\"",
        "autocomplete=\"username\"",
        "autocomplete=\"current-password\"",
        "<label for=\"password\"",
        "aria-describedby=\"problem\"",
    ] {
        assert!(html.contains(needed), "{needed}");
    }
}
