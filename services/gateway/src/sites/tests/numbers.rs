//! What operators see counted.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use runtime::tasks::Tasks;

use super::{jon, redeem};
use crate::testing::browser::{OUTSIDE, authorize_url};
use crate::testing::services::PASSWORD;
use crate::testing::{Browser, World};

/// The value of the one series of this name with all of these labels.
fn told(world: &World, name: &str, labels: &[&str]) -> f64 {
    let text = world.metrics.text().unwrap();
    let mut found = text.lines().filter(|line| {
        let series = line.rsplit_once(' ').map_or("", |(series, _)| series);
        series.split('{').next() == Some(name) && labels.iter().all(|label| series.contains(label))
    });
    let line = found
        .next()
        .unwrap_or_else(|| panic!("no {name} {labels:?} in {text}"));
    assert_eq!(found.next(), None, "several of {name} {labels:?}");
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn sign_ins_are_counted_by_method_connection_outcome_and_code() {
    let world = World::new();
    jon(&world).await;
    jon(&world).await;
    Browser::with_certificate("!revoked")
        .follow(&world, &authorize_url(&[]))
        .await;
    let by_certificate = r#"method="certificate""#;
    let fabrikam = r#"connection="FabrikamAD""#;
    let sign_ins = |outcome: &str, code: &str, method: &str| {
        let (outcome, code) = (format!("outcome={outcome:?}"), format!("code={code:?}"));
        told(
            &world,
            "postern_sign_ins_total",
            &[method, fabrikam, &outcome, &code],
        )
    };
    assert_eq!(sign_ins("signed_in", "none", by_certificate), 2.0);
    assert_eq!(sign_ins("refused", "revoked", by_certificate), 1.0);

    let mut browser = Browser::at(OUTSIDE);
    let transaction = browser.get(&world, &authorize_url(&[])).await.transaction();
    for (password, outcome) in [("wrong", "refused"), (PASSWORD, "signed_in")] {
        let form = [
            ("tx", transaction.as_str()),
            ("user_name", "jane"),
            ("password", password),
        ];
        browser
            .post(&world, "https://login.example.com/password", &form)
            .await;
        let code = match outcome {
            "refused" => "wrong_credentials",
            _ => "none",
        };
        assert_eq!(sign_ins(outcome, code, r#"method="password""#), 1.0);
    }
}

#[tokio::test]
async fn nothing_a_stranger_sends_becomes_a_label() {
    let world = World::new();
    let mut series = 0;
    let mut browser = Browser::at(OUTSIDE);
    for word in ["stranger1", "stranger2", "stranger3", "stranger4"] {
        for url in [
            authorize_url(&[("connection", word)]),
            authorize_url(&[("client_id", word)]),
            format!("https://login.example.com/{word}"),
            format!("https://cert.login.example.com/?tx={word}"),
            format!("https://cert.login.example.com/{word}"),
        ] {
            browser.get(&world, &url).await;
        }
        redeem(&world, word).await;
        let text = world.metrics.text().unwrap();
        assert!(!text.contains(word), "{word} in {text}");
        let now = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!(series == 0 || series == now, "{word} made a series: {text}");
        series = now;
    }
}

#[tokio::test]
async fn what_alerts_look_at_is_there_from_the_start() {
    let world = World::new();
    for code in [
        "certval_unavailable",
        "directory_unavailable",
        "configuration_stale",
    ] {
        let code = format!("code={code:?}");
        let labels = [r#"method="certificate""#, r#"outcome="unavailable""#, &code];
        assert_eq!(told(&world, "postern_sign_ins_total", &labels), 0.0);
    }
}

#[tokio::test]
async fn a_connection_is_counted_before_anybody_fails_at_it() {
    let (world, published) = World::published().await;
    let tasks = Tasks::new();
    world.desk.start(&tasks);
    let has = |name: &str| {
        let text = world.metrics.text().unwrap();
        let series = format!("connection={name:?}");
        text.lines()
            .any(|line| line.contains(&series) && line.contains("unavailable"))
    };
    until(|| has("FabrikamAD") && has("CardsAD")).await;
    published
        .change(|configuration| {
            let mut other = configuration.connections.values().next().unwrap().clone();
            other.name = "LaterAD".parse().unwrap();
            configuration.connections.insert(other.name.clone(), other);
        })
        .await;
    until(|| has("LaterAD")).await;
    tasks.stop();
}

/// Waits until it is so.
async fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn requests_and_open_codes_are_counted() {
    let world = World::new();
    let (_, code) = jon(&world).await;
    assert_eq!(told(&world, "postern_open_codes", &[]), 1.0);
    assert_eq!(redeem(&world, &code).await.status, StatusCode::OK);
    assert_eq!(told(&world, "postern_open_codes", &[]), 0.0);
    for (route, status) in [
        ("/authorize", "200"),
        ("cert /", "303"),
        ("/resume", "303"),
        ("/token", "200"),
    ] {
        let labels = [format!("route={route:?}"), format!("status={status:?}")];
        let labels = labels.each_ref().map(String::as_str);
        assert_eq!(
            told(&world, "postern_requests_total", &labels),
            1.0,
            "{route}"
        );
        let route = [labels[0]];
        assert_eq!(told(&world, "postern_request_seconds_count", &route), 1.0);
    }
}
