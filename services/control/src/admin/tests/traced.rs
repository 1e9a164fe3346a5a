//! What a request leaves in traces, logs and numbers, and what not.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::Full;
use runtime::telemetry::{self, LogSettings, Output, Process, TracesSettings};
use runtime::trace::TRACEPARENT;
use testkit::pki::Leaf;
use testkit::spans::{Recording, Span};

use crate::rig::{SOON, World};

const RANGES: &str = "/v1/connections/FabrikamAD/ranges";
const AUTHORITIES: &str = "/v1/connections/FabrikamAD/authorities";

/// All that spans of a change may say. The routes have no names in them.
const FIELDS: [&str; 12] = [
    "applied",
    "code",
    "http.response.status_code",
    "http.route",
    "instances",
    "otel.kind",
    "otel.status_code",
    "outcome",
    "parts",
    "problem",
    "revision",
    "tries",
];

#[tokio::test]
async fn a_change_is_a_request_with_its_steps_below_it() {
    let (recording, _guard) = Recording::start();
    let world = World::new();
    let control = world.control("control").await;
    let before = spans(&recording).len();
    let wait = format!("{RANGES}?wait=5&why=Jon%20moved");
    let asked = control.ask(Method::POST, &wait, r#"{"ranges":["10.9.0.0/16"]}"#);
    assert_eq!(asked.await.status, StatusCode::OK);
    control.stop().await;
    let spans = spans(&recording).split_off(before);
    let request = "POST /v1/connections/{name}/ranges";
    let below = |parent: &str| -> BTreeSet<String> {
        let of = spans
            .iter()
            .filter(|span| span.parent.as_deref() == Some(parent));
        of.map(|span| span.name.clone()).collect()
    };
    let steps = [
        "check change",
        "publish revision",
        "record change",
        "wait for instances",
    ];
    assert_eq!(below(request), steps.map(str::to_owned).into());
    let steps = ["put parts", "store revision"].map(str::to_owned).into();
    assert_eq!(below("publish revision"), steps);
    let root = spans.iter().find(|span| span.name == request).unwrap();
    assert_eq!(root.parent, None);
    assert_eq!(root.field("http.response.status_code"), "200");
    assert_eq!(root.field("otel.kind"), "server");
    let applied = spans
        .iter()
        .find(|span| span.name == "apply revision")
        .unwrap();
    assert_eq!(applied.field("revision"), "2");
    let allowed = BTreeSet::from(FIELDS);
    for span in &spans {
        for (field, value) in &span.fields {
            assert!(allowed.contains(&**field), "{field} in {span:?}");
            for telling in ["Fabrikam", "10.9", "127.0.0.1", "Jon", "admin-token"] {
                assert!(!value.contains(telling), "{telling} in {span:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_says_which_request_it_was_and_no_path_is_a_span() {
    let (recording, _guard) = Recording::start();
    let world = World::new();
    let control = world.control("control").await;
    let range = r#"{"ranges":["nonsense"]}"#;
    let mut ids = BTreeSet::new();
    for (method, path, body, route, problem) in [
        (
            Method::POST,
            RANGES,
            range,
            "POST /v1/connections/{name}/ranges",
            "unreadable",
        ),
        (
            Method::GET,
            "/v1/eve@evil.example",
            "",
            "GET (no such path)",
            "unknown-path",
        ),
        (
            Method::PATCH,
            "/v1/instances",
            "",
            "OTHER /v1/instances",
            "method-not-allowed",
        ),
    ] {
        let answer = control.ask(method, path, body).await;
        assert_eq!(answer.problem(), problem);
        let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(answer.text("request_id"), id);
        let digits = id
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        assert!(digits && id.len() == 32, "{id}");
        ids.insert(id);
        let span = spans(&recording)
            .into_iter()
            .rfind(|span| span.name == route);
        assert_eq!(span.unwrap().field("problem"), problem);
    }
    assert_eq!(ids.len(), 3);
    assert!(
        spans(&recording)
            .iter()
            .all(|span| !format!("{span:?}").contains("eve"))
    );
    let says = async |line: &str| {
        let text = || control.metrics.text().unwrap();
        let said = async {
            while !text().lines().any(|said| said == line) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let said = tokio::time::timeout(SOON, said).await;
        assert!(said.is_ok(), "{line}\n{}", text());
    };
    says("postern_changes_total{outcome=\"published\",role=\"control\"} 1").await;
    says("postern_changes_total{outcome=\"conflict\",role=\"control\"} 0").await;
    says(
        "postern_admin_requests_total{role=\"control\",route=\"GET (no such path)\",status=\"404\"} 1",
    )
    .await;
    says("postern_instances{instance_role=\"control\",role=\"control\",state=\"current\"} 1").await;
    says("postern_instances{instance_role=\"gateway\",role=\"control\",state=\"refusing\"} 0")
        .await;
    control.stop().await;
}

/// Telemetry is a process's, so this one has its own.
#[test]
fn the_request_id_is_that_of_the_trace_which_no_caller_chooses() {
    let this = std::env::current_exe().unwrap();
    let alone = "admin::tests::traced::alone_the_request_id_is_that_of_the_trace";
    let mut process = std::process::Command::new(this);
    let ended = process
        .args(["--ignored", "--exact", alone])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "the test above runs it in a process of its own"]
async fn alone_the_request_id_is_that_of_the_trace() {
    let world = World::new();
    let path = world.folder.path().join("log");
    let log = LogSettings {
        filter: "info".to_owned(),
    };
    let process = Process::of("postern-control", "0");
    let output = Output::File(path.clone());
    let telemetry = telemetry::start(&log, &TracesSettings::nowhere(), &process, &output).unwrap();
    // A failure is to be seen by the test above.
    drop(std::panic::take_hook());
    let control = world.control("control").await;
    let theirs = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = control
        .request(Method::POST, RANGES)
        .header(TRACEPARENT, format!("00-{theirs}-00f067aa0ba902b7-01"));
    let body = Full::new(r#"{"ranges":["10.9.0.0/16"]}"#.into());
    let answer = control.send(request.body(body).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_ne!(id, theirs);
    control.stop().await;
    telemetry.finish().await;
    let traced = format!("{{\"trace_id\":\"{id}\",");
    let lines = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = lines
        .lines()
        .filter(|line| line.starts_with(&traced))
        .collect();
    let said = |message: &str| lines.iter().any(|line| line.contains(message));
    for message in [
        "admin API",
        "configuration write",
        "configuration published",
        "configuration applied",
    ] {
        assert!(said(message), "{message} is not in {lines:#?}");
    }
}

#[tokio::test]
async fn no_secret_is_said_at_any_level() {
    let (recording, _guard) = Recording::start();
    let world = World::new();
    let control = world.control("control").await;
    let wrong = control.request(Method::GET, "/v1/instances");
    let wrong = wrong.body(Full::default()).unwrap();
    let (mut parts, body) = wrong.into_parts();
    parts
        .headers
        .insert("authorization", "Bearer wrong-token-0815".parse().unwrap());
    let answer = control.send(http::Request::from_parts(parts, body)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let jon = world.users.issue(&Leaf::named("jon")).unwrap();
    let refused = control.ask(Method::POST, AUTHORITIES, jon.key_pem()).await;
    assert_eq!(refused.problem(), "private-key");
    let changed = control
        .ask(Method::POST, RANGES, r#"{"ranges":["10.9.0.0/16"]}"#)
        .await;
    assert_eq!(changed.status, StatusCode::OK);

    let mut secrets = vec![
        control.token.trim().to_owned(),
        "wrong-token-0815".to_owned(),
    ];
    secrets.extend(pem_lines(&jon.key_pem()));
    let keys = world.keys();
    for (name, pem) in [
        ("bind-password", false),
        ("app.secret", false),
        ("login.key", true),
        ("admin.key", true),
    ] {
        let text = read(&keys.join(name));
        match pem {
            true => secrets.extend(pem_lines(&text)),
            false => secrets.push(text.trim().to_owned()),
        }
    }
    secrets.extend(pem_lines(&world.signing_key.to_pem()));
    let said = recording.text_without(&[]);
    assert!(said.contains("admin API listening"), "nothing was recorded");
    assert!(secrets.len() > 8 && secrets.iter().all(|secret| secret.len() > 4));
    for secret in &secrets {
        assert!(!said.contains(secret.as_str()), "{secret} was said");
    }
    control.stop().await;
}

/// What runtime and control said of their work.
fn spans(recording: &Recording) -> Vec<Span> {
    recording.spans(&["control", "runtime"])
}

fn pem_lines(pem: &str) -> Vec<String> {
    let lines = pem
        .lines()
        .filter(|line| !line.starts_with('-') && line.len() > 8);
    lines.map(str::to_owned).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
