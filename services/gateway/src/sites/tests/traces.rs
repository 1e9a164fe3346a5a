//! A sign-in is one trace, whose id every answer has as the request's.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use runtime::telemetry::{RecordedSpan, Recorder};
use tracing::dispatcher::{DefaultGuard, set_default};

use super::redeem;
use crate::handshake::{self, Handshake};
use crate::testing::browser::{OUTSIDE, Page, authorize_url};
use crate::testing::services::{PASSWORD, person_id};
use crate::testing::{Browser, SECRET, SERVER, World};

/// The trace of a stranger.
const STRANGE: &str = "0af7651916cd43dd8448eb211c80319c";

fn traced() -> (Recorder, DefaultGuard) {
    let recorder = Recorder::new();
    let guard = set_default(recorder.dispatch());
    (recorder, guard)
}

fn id(page: &Page) -> String {
    let id = page.headers["x-request-id"].to_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    id
}

/// The trace's spans as `name < parent's name`, in their order.
fn below(spans: &[RecordedSpan], trace: &str) -> Vec<String> {
    let of_trace = spans.iter().filter(|span| span.trace == trace);
    let parent = |span: &RecordedSpan| {
        let found = spans
            .iter()
            .find(|other| Some(&other.id) == span.parent.as_ref());
        match (&span.parent, found) {
            (None, _) => "nothing".to_owned(),
            (Some(_), Some(parent)) => parent.name.clone(),
            (Some(_), None) => "unknown".to_owned(),
        }
    };
    let mut told: Vec<String> = of_trace
        .map(|span| format!("{} < {}", span.name, parent(span)))
        .collect();
    told.sort();
    told
}

/// Signs somebody in by certificate; the request ids of all answers.
async fn signed_in(world: &World, browser: &mut Browser) -> Vec<String> {
    let first = browser.get(world, &authorize_url(&[])).await;
    let second = browser.get(world, &first.next().unwrap()).await;
    let third = browser.get(world, &second.next().unwrap()).await;
    let fourth = redeem(world, &third.code()).await;
    assert_eq!(fourth.status, StatusCode::OK, "{}", fourth.body);
    [first, second, third, fourth].iter().map(id).collect()
}

#[tokio::test]
async fn a_sign_in_by_certificate_is_one_trace_from_the_first_request_to_the_tokens() {
    let (recorder, _guard) = traced();
    let world = World::new();
    let mut ids = signed_in(&world, &mut Browser::with_certificate("jon")).await;
    let trace = ids[0].clone();
    ids.dedup();
    assert_eq!(ids, [trace.as_str()]);
    assert_eq!(
        below(&recorder.spans(), &trace),
        [
            "GET /authorize < nothing",
            "GET /resume < GET /authorize",
            "GET cert / < GET /authorize",
            "POST /token < issue code",
            "account check < POST /token",
            "issue code < GET /resume",
            "redeem code < POST /token",
            "settle code < POST /token",
            "sign tokens < POST /token",
        ]
    );
    let spans = recorder.spans();
    let of = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let resumed = &of("GET /resume").attributes;
    assert_eq!(resumed["postern.outcome"], "signed_in");
    assert_eq!(resumed["http.response.status_code"], "303");
    assert_eq!(resumed["http.route"], "/resume");
    assert_eq!(of("GET cert /").attributes["postern.host"], "certificate");
    assert_eq!(of("POST /token").attributes["postern.outcome"], "redeemed");
}

#[tokio::test]
async fn two_sign_ins_are_two_traces_even_in_one_browser() {
    let (_recorder, _guard) = traced();
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let first = signed_in(&world, &mut browser).await;
    browser.cookies.remove("__Host-session");
    let second = signed_in(&world, &mut browser).await;
    assert_ne!(first[0], second[0]);
    assert_eq!(second[0], second[3]);
}

#[tokio::test]
async fn a_sign_in_by_password_and_one_that_goes_on_are_one_trace_each() {
    let (recorder, _guard) = traced();
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    let form_page = browser.get(&world, &authorize_url(&[])).await;
    let transaction = form_page.transaction();
    let mut ids = vec![id(&form_page)];
    let mut code = None;
    for password in ["wrong", PASSWORD] {
        let form = [
            ("tx", transaction.as_str()),
            ("user_name", "jane"),
            ("password", password),
        ];
        let page = browser
            .post(&world, "https://login.example.com/password", &form)
            .await;
        ids.push(id(&page));
        code = page.next().map(|_| page.code());
    }
    ids.push(id(&redeem(&world, &code.unwrap()).await));
    let trace = ids[0].clone();
    ids.dedup();
    assert_eq!(ids, [trace.as_str()]);
    let spans = recorder.spans();
    let tries: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "POST /password")
        .map(|span| span.attributes["postern.outcome"].as_str())
        .collect();
    assert_eq!(tries, ["refused", "signed_in"]);
    let refused = spans.iter().find(|span| span.name == "POST /password");
    assert_eq!(
        refused.unwrap().attributes["postern.code"],
        "wrong_credentials"
    );

    let page = browser.get(&world, &authorize_url(&[])).await;
    let continued = id(&page);
    assert_ne!(continued, trace);
    assert_eq!(id(&redeem(&world, &page.code()).await), continued);
    let told = below(&recorder.spans(), &continued);
    assert!(
        told.contains(&"account check < GET /authorize".to_owned()),
        "{told:?}"
    );
    assert!(
        told.contains(&"issue code < GET /authorize".to_owned()),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_strangers_trace_is_linked_and_never_gone_on_with() {
    let (recorder, _guard) = traced();
    let world = World::new();
    let strange = ("traceparent", format!("00-{STRANGE}-b7ad6b7169203331-01"));
    let mut browser = Browser::with_certificate("jon");
    browser.headers = vec![strange];
    let mut ids = signed_in(&world, &mut browser).await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_ne!(ids[0], STRANGE);
    let spans = recorder.spans();
    assert!(spans.iter().all(|span| span.trace != STRANGE));
    for name in ["GET /authorize", "GET cert /", "GET /resume"] {
        let span = spans.iter().find(|span| span.name == name).unwrap();
        assert_eq!(span.linked, [STRANGE], "{name}");
    }
}

#[tokio::test]
async fn a_forged_or_foreign_transaction_and_code_begin_traces_of_their_own() {
    let (recorder, _guard) = traced();
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let first = browser.get(&world, &authorize_url(&[])).await;
    let url = first.next().unwrap();
    let transaction = first.parameter("tx").unwrap();
    let cut = &transaction[..transaction.len() - 1];
    let forged = [
        format!("{url}x"),
        format!("https://login.example.com/password?tx={cut}"),
        "https://login.example.com/resume?tx=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .to_owned(),
        // Nor is it one under another name.
        format!("https://login.example.com/resume?r={transaction}"),
    ];
    for url in forged {
        let page = browser.get(&world, &url).await;
        assert_ne!(id(&page), id(&first), "{url}");
    }
    let token = redeem(&world, &transaction).await;
    assert_ne!(id(&token), id(&first), "a transaction is no code");
    let spans = recorder.spans();
    let token = spans
        .iter()
        .find(|span| span.name == "POST /token")
        .unwrap();
    assert_eq!(token.parent, None);
    assert_eq!(token.attributes["postern.error"], "invalid_grant");
}

#[tokio::test]
async fn a_transaction_that_is_too_old_still_leads_to_its_trace() {
    let (_recorder, _guard) = traced();
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let first = browser.get(&world, &authorize_url(&[])).await;
    world.clock.advance(Duration::from_secs(600));
    let page = browser.get(&world, &first.next().unwrap()).await;
    assert!(page.shows("transaction_expired"));
    assert_eq!(id(&page), id(&first));
    assert!(page.body.contains(&id(&first)), "it is on the page, too");
}

#[tokio::test]
async fn without_traces_ids_are_drawn() {
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    let first = browser.get(&world, &authorize_url(&[])).await;
    let again = browser.get(&world, &authorize_url(&[])).await;
    assert_ne!(id(&first), id(&again));
    let script = browser
        .get(&world, "https://login.example.com/assets/style.css")
        .await;
    id(&script);
}

#[tokio::test]
async fn no_span_says_whom_it_is_about_nor_anything_secret() {
    let (recorder, _guard) = traced();
    let world = World::new();
    let mut browser = Browser::with_certificate("jon");
    signed_in(&world, &mut browser).await;
    Browser::with_certificate("!revoked")
        .follow(&world, &authorize_url(&[]))
        .await;
    let mut at_form = Browser::at(OUTSIDE);
    let changes = [("client_id", SERVER), ("connection", "ContosoAD")];
    let url = authorize_url(&changes);
    let transaction = at_form.get(&world, &url).await.transaction();
    let form = [
        ("tx", transaction.as_str()),
        ("user_name", "jane"),
        ("password", PASSWORD),
    ];
    let page = at_form
        .post(&world, "https://login.example.com/password", &form)
        .await;
    let code = page.code();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", SERVER),
        ("client_secret", SECRET),
    ];
    at_form
        .post(&world, "https://login.example.com/token", &form)
        .await;
    world.certval.set_away(true);
    browser.cookies.clear();
    browser.follow(&world, &authorize_url(&[])).await;

    let mut secrets = vec![
        "jon".to_owned(),
        "jane".to_owned(),
        "Müller".to_owned(),
        "10.1.2.3".to_owned(),
        OUTSIDE.to_owned(),
        person_id("jon").to_string(),
        PASSWORD.to_owned(),
        SECRET.to_owned(),
        "seen by".to_owned(),
        transaction,
        code,
    ];
    secrets.extend(at_form.cookies.values().cloned());
    let spans = recorder.spans();
    assert!(spans.len() > 12, "{spans:?}");
    for span in spans {
        for secret in &secrets {
            let said = format!("{} {:?}", span.name, span.attributes);
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
}

#[tokio::test]
async fn what_anybody_may_ask_for_leaves_no_spans() {
    let (recorder, _guard) = traced();
    let world = World::new();
    let mut browser = Browser::at(OUTSIDE);
    for path in [
        "/assets/style.css",
        "/assets/icon.svg",
        "/sdk/v1.js",
        "/jwks",
        "/.well-known/openid-configuration",
        "/admin/jon",
        "/%0a",
    ] {
        let answer = browser
            .get(&world, &format!("https://login.example.com{path}"))
            .await;
        assert_eq!(id(&answer).len(), 32, "{path}");
    }
    assert_eq!(recorder.spans(), []);
}

#[tokio::test]
async fn handshakes_belong_to_the_first_request_and_ended_before_it() {
    let (recorder, _guard) = traced();
    let world = World::new();
    let (left, done) = (handshake::begun("login"), handshake::begun("login"));
    handshake::over(&left, "abandoned");
    handshake::over(&done, "done");
    let over = std::time::SystemTime::now();
    let shared = Arc::new(Handshake::finished([left, done]));
    let mut browser = Browser::at(OUTSIDE);
    browser.handshake = Some(shared);
    let first = browser.get(&world, &authorize_url(&[])).await;
    browser.get(&world, &authorize_url(&[])).await;
    let trace = id(&first);
    assert_eq!(
        below(&recorder.spans(), &trace),
        [
            "GET /authorize < nothing",
            "handshake < GET /authorize",
            "handshake < GET /authorize",
        ]
    );
    let spans = recorder.spans();
    let handshakes: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "handshake")
        .collect();
    for (span, result) in handshakes.iter().zip(["abandoned", "done"]) {
        assert!(span.ended <= over);
        assert_eq!(span.attributes["postern.result"], result);
    }
    assert_eq!(spans.len(), 4);
}
