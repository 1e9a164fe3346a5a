use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::digest::Digest;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::web_message::{popup, told};
use super::{redeem, userinfo};
use crate::testing::browser::{INSIDE, OUTSIDE, authorize_url};
use crate::testing::services::{PASSWORD, person_id};
use crate::testing::{Browser, CALLBACK, SECRET, SERVER, VERIFIER, World};

/// Everything that is logged, at every level, and everything that spans say.
#[derive(Debug, Clone, Default)]
struct Lines {
    events: Arc<Mutex<String>>,
    spans: Arc<Mutex<String>>,
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.spans.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.spans.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.events.lock().unwrap();
        let about = event.metadata();
        write!(text, "{} {} ", about.target(), about.level()).unwrap();
        event.record(&mut Line(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

#[tokio::test]
async fn sign_ins_are_told_by_code_and_id_and_nothing_secret_ever_is() {
    let lines = Lines::default();
    // With one subscriber alone, tracing asks the thread that comes first whether a line is wanted, and other tests'
    // threads want none. With two it asks both.
    let _second = tracing::Dispatch::new(Lines::default());
    let logging = tracing::subscriber::set_default(lines.clone());
    let world = World::new();
    let mut secrets = vec![PASSWORD.to_owned()];

    let mut browser = Browser::with_certificate("jon");
    let certificate = browser
        .get(&world, &authorize_url(&[]))
        .await
        .next()
        .unwrap();
    let resume = browser.get(&world, &certificate).await;
    secrets.extend([
        resume.parameter("tx").unwrap(),
        resume.parameter("r").unwrap(),
    ]);
    let code = browser.get(&world, &resume.next().unwrap()).await.code();
    let tokens = redeem(&world, &code).await.json();
    let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {}", token("access_token"));
    assert_eq!(userinfo(&world, Some(&bearer)).await.status, StatusCode::OK);
    redeem(&world, &code).await;
    userinfo(&world, Some(&bearer)).await;
    secrets.push(code);
    secrets.extend(["id_token", "access_token"].map(token));
    secrets.extend(browser.cookies.values().cloned());
    let sign_out = format!(
        "https://login.example.com/signout?id_token_hint={}",
        token("id_token")
    );
    browser.clone().get(&world, &sign_out).await;
    secrets.extend(browser.cookies.values().cloned());

    let mut browser = Browser::at(OUTSIDE);
    let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
    for password in [PASSWORD, "incorrect horse"] {
        let form = [
            ("tx", transaction.as_str()),
            ("user_name", "jane"),
            ("password", password),
        ];
        browser
            .post(&world, "https://login.example.com/password", &form)
            .await;
        secrets.push(password.to_owned());
    }
    secrets.push(transaction);

    let mut application = Browser::at(OUTSIDE);
    let basic = STANDARD.encode(format!("{SERVER}:{SECRET}"));
    application.headers = vec![("authorization", format!("Basic {basic}"))];
    let in_form = [
        ("grant_type", "authorization_code"),
        ("code", "a code"),
        ("redirect_uri", CALLBACK),
        ("client_id", SERVER),
        ("client_secret", SECRET),
        ("code_verifier", VERIFIER),
    ];
    for form in [in_form.as_slice(), &in_form[..3]] {
        application
            .post(&world, "https://login.example.com/token", form)
            .await;
    }
    secrets.extend([basic, SECRET.to_owned(), VERIFIER.to_owned()]);

    let mut browser = Browser::with_certificate("jon");
    let url = popup(&[("state", "the popup's own state")]);
    let message = told(&browser.follow(&world, &url).await);
    for name in ["code", "state"] {
        secrets.push(message[name].as_str().unwrap().to_owned());
    }
    secrets.extend(browser.cookies.values().cloned());
    let mut browser = Browser::at(INSIDE);
    let preferring = ("__Host-prefer-password".to_owned(), "1".to_owned());
    browser.cookies.extend([preferring]);
    let transaction = browser.get(&world, &url).await.transaction();
    let cancel = format!("https://login.example.com/cancel?tx={transaction}");
    assert_eq!(
        told(&browser.get(&world, &cancel).await)["error"],
        "access_denied"
    );
    let form = [("tx", transaction.as_str())];
    let preference = "https://login.example.com/preference";
    let page = browser.post(&world, preference, &form).await;
    assert!(page.next().unwrap().contains(&transaction));
    secrets.push(transaction);

    Browser::with_certificate("!revoked")
        .follow(&world, &authorize_url(&[]))
        .await;
    world.certval.set_away(true);
    Browser::with_certificate("jon")
        .follow(&world, &authorize_url(&[]))
        .await;
    drop(logging);
    let jon = format!("account={}", person_id("jon"));
    let leaf = |text: &str| format!("leaf={}", Digest::of(text.as_bytes()));

    let logged = lines.events.lock().unwrap().clone();
    let spans = lines.spans.lock().unwrap().clone();
    for secret in &secrets {
        assert!(!logged.contains(secret), "{secret:.20} in {logged}");
        assert!(!spans.contains(secret), "{secret:.20} in {spans}");
    }
    let told = logged.lines().filter(|line| line.contains(" INFO "));
    for line in told {
        assert!(line.starts_with("postern::signin "), "{line}");
    }
    for name in ["jane", "\"jon", "Müller"] {
        assert!(!logged.contains(name), "{name} in {logged}");
    }
    let events: Vec<&str> = logged
        .lines()
        .filter(|line| line.starts_with("postern::signin "))
        .collect();
    for (outcome, code, method) in [
        ("signed_in", "", "certificate"),
        ("redeemed", "", "certificate"),
        ("refused", "invalid_grant", ""),
        ("signed_in", "", "password"),
        ("refused", "wrong_credentials", "password"),
        ("cancelled", "", ""),
        ("refused", "revoked", "certificate"),
        ("unavailable", "certval_unavailable", "certificate"),
    ] {
        let wanted = format!("outcome={outcome:?} code={code:?}");
        let found = events
            .iter()
            .any(|line| line.contains(&wanted) && line.contains(&format!("method={method:?}")));
        assert!(found, "{wanted} {method}: {logged}");
    }
    let of_jon = |outcome: &str| {
        let outcome = format!("outcome={outcome:?}");
        events.iter().any(|line| {
            line.contains(&outcome) && line.contains(&jon) && line.contains(&leaf("jon"))
        })
    };
    assert!(of_jon("signed_in") && of_jon("redeemed"), "{logged}");
    let refused = events
        .iter()
        .find(|line| line.contains("code=\"revoked\""))
        .unwrap();
    assert!(refused.contains(&leaf("!revoked")), "{refused}");
    assert!(refused.contains("seen by <certval>"), "{refused}");
    assert!(events.iter().all(|line| {
        [
            "request_id=",
            "address=",
            "host=",
            "method=",
            "outcome=",
            "code=",
        ]
        .iter()
        .all(|field| line.contains(field))
    }));
}
