//! What operators are told of handshakes: numbers of all, spans and events of those at hosts of ours.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use runtime::telemetry::Recorder;
use rustls::ClientConnection;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::client::{PATIENCE, Recorder as Client, config, connect, get, handshake, visit};
use crate::front::{BOTH, Front, INSIDE, OUTSIDE};
use crate::pki::Person;

/// The audit events, one line each.
#[derive(Debug, Clone, Default)]
struct Audit(Arc<Mutex<String>>);

impl Subscriber for Audit {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target() == "postern::signin"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
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

impl Audit {
    /// Listens on this thread until the guard is dropped. With one subscriber alone, tracing asks the thread that comes
    /// first whether an event is wanted.
    fn listening() -> (Self, Dispatch, tracing::subscriber::DefaultGuard) {
        let audit = Self::default();
        let second = Dispatch::new(Self::default());
        let guard = tracing::subscriber::set_default(audit.clone());
        (audit, second, guard)
    }

    fn lines(&self) -> Vec<String> {
        let text = self.0.lock().unwrap();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// Waits for this many events.
    async fn wait_for(&self, events: usize) -> Vec<String> {
        until("the events", || self.lines().len() >= events).await;
        self.lines()
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How often handshakes at this kind of host ended with this result.
fn counted(front: &Front, host: &str, result: &str) -> f64 {
    let text = front.metrics.text().unwrap();
    let (host, result) = (format!("host={host:?}"), format!("result={result:?}"));
    let line = text.lines().find(|line| {
        line.starts_with("postern_handshakes_total{")
            && line.contains(&host)
            && line.contains(&result)
    });
    let line = line.unwrap_or_else(|| panic!("no {host} {result} in {text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

/// Sends a ClientHello to `host`, waits for the answer, and goes no further.
async fn begins(front: &Front, from: &str, host: &'static str) -> TcpStream {
    let config = Arc::new(config(front, &Client::without(), None));
    let mut hello = Vec::new();
    ClientConnection::new(config, ServerName::try_from(host).unwrap())
        .unwrap()
        .write_tls(&mut hello)
        .unwrap();
    let mut stream = connect(front, from).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}

#[tokio::test]
async fn whoever_leaves_while_asked_and_stays_away_is_one_event() {
    let (audit, _second, _guard) = Audit::listening();
    let front = Front::with("certificate_choice_s = 1").await;
    drop(begins(&front, INSIDE, "cert.localhost").await);
    let events = audit.wait_for(1).await;
    assert_eq!(events.len(), 1, "{events:?}");
    for part in [
        r#"outcome="abandoned""#,
        r#"method="certificate""#,
        r#"host="certificate""#,
        "address=127.0.0.1",
        "did not come again",
    ] {
        assert!(events[0].contains(part), "{part} in {}", events[0]);
    }
    assert_eq!(counted(&front, "certificate", "abandoned"), 1.0);
    let text = front.metrics.text().unwrap();
    let sign_in = text
        .lines()
        .find(|line| line.starts_with("postern_sign_ins") && line.contains("abandoned"));
    assert!(sign_in.unwrap().ends_with(" 1"), "{text}");
}

#[tokio::test]
async fn whoever_leaves_to_choose_and_comes_again_is_none() {
    let (audit, _second, _guard) = Audit::listening();
    let front = Front::with("certificate_choice_s = 2").await;
    // As Chromium does.
    drop(begins(&front, INSIDE, "cert.localhost").await);
    until("it is counted", || {
        counted(&front, "certificate", "abandoned") == 1.0
    })
    .await;
    let jon = Client::of(&front.fabrikam.person("jon"));
    let config = config(&front, &jon, None);
    let answer = get(&front, INSIDE, "cert.localhost", "/", config).await;
    assert!(answer.unwrap().contains("asked=true"));
    // Who leaves later is told of later, and so alone.
    drop(begins(&front, BOTH, "cert.localhost").await);
    let events = audit.wait_for(1).await;
    assert!(events[0].contains("address=127.0.0.3"), "{events:?}");
}

#[tokio::test]
async fn whoever_chooses_too_long_is_told_from_whoever_was_not_asked() {
    let (audit, _second, _guard) = Audit::listening();
    let front = Front::with("certificate_choice_s = 1\nhandshake_s = 1").await;
    let _choosing = begins(&front, INSIDE, "cert.localhost").await;
    let _idling = begins(&front, OUTSIDE, "cert.localhost").await;
    let mut events = audit.wait_for(2).await;
    events.sort_by_key(|line| line.contains(r#"method="""#));
    assert!(
        events[0].contains("no certificate was chosen in time"),
        "{events:?}"
    );
    assert!(
        events[1].contains("the handshake was not finished in time"),
        "{events:?}"
    );
    assert_eq!(counted(&front, "certificate", "late"), 2.0);
}

#[tokio::test]
async fn refused_handshakes_say_by_which_code() {
    let (audit, _second, _guard) = Audit::listening();
    let front = Front::start().await;
    let (jon, eve) = (front.fabrikam.person("jon"), front.fabrikam.person("eve"));
    let stolen = Person {
        chain: jon.chain.clone(),
        key: eve.key.clone(),
    };
    let endless = Person {
        chain: vec![jon.chain[0].clone(); 10],
        key: jon.key.clone(),
    };
    for (number, person, code, why) in [
        (1, stolen, "", "did not prove"),
        (2, endless, "too_large", "More than 8 certificates"),
    ] {
        let stream = connect(&front, INSIDE).await.unwrap();
        let config = config(&front, &Client::of(&person), None);
        // In TLS 1.3 the client is done before the server has looked at its certificate.
        if let Ok(mut stream) = handshake(stream, "cert.localhost", config).await {
            let _ = stream.read_u8().await;
        }
        let events = audit.wait_for(number).await;
        let event = &events[number - 1];
        assert!(
            event.contains(&format!("outcome=\"refused\" code={code:?}")),
            "{event}"
        );
        assert!(event.contains(why), "{event}");
    }
    assert_eq!(counted(&front, "certificate", "refused"), 2.0);
}

#[tokio::test]
async fn without_a_configuration_handshakes_are_unavailable() {
    let (audit, _second, _guard) = Audit::listening();
    let front = Front::start().await;
    front.forget_configuration();
    assert!(visit(&front, INSIDE, "login.localhost", "/").await.is_err());
    let events = audit.wait_for(1).await;
    let told = r#"outcome="unavailable" code="configuration_stale""#;
    assert!(events[0].contains(told), "{events:?}");
    assert_eq!(counted(&front, "login", "unavailable"), 1.0);
}

#[tokio::test]
async fn a_client_that_distrusts_the_server_is_told_with_its_alert() {
    let (audit, _second, _guard) = Audit::listening();
    let (front, other) = (Front::start().await, Front::start().await);
    let distrusting = config(&other, &Client::without(), None);
    let stream = connect(&front, OUTSIDE).await.unwrap();
    assert!(
        handshake(stream, "login.localhost", distrusting)
            .await
            .is_err()
    );
    let events = audit.wait_for(1).await;
    assert!(
        events[0].contains("the client ended the handshake: "),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_certificate_without_a_request_is_an_event_and_an_unused_connection_is_none() {
    let (audit, _second, _guard) = Audit::listening();
    let front = Front::start().await;
    let jon = front.fabrikam.person("jon");
    for host in ["login.localhost", "cert.localhost"] {
        let stream = connect(&front, INSIDE).await.unwrap();
        let config = config(&front, &Client::of(&jon), None);
        let mut stream = handshake(stream, host, config).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_u8().await;
    }
    let events = audit.wait_for(1).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].contains("without a request"), "{events:?}");
    assert!(
        events[0].contains(&format!("leaf={}", jon.fingerprint())),
        "{events:?}"
    );
}

#[tokio::test]
async fn strangers_at_the_door_are_numbers_and_no_events() {
    let (audit, _second, _guard) = Audit::listening();
    let front = Front::start().await;
    drop(connect(&front, INSIDE).await.unwrap());
    let mut talker = connect(&front, INSIDE).await.unwrap();
    talker.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(
        visit(&front, INSIDE, "elsewhere.localhost", "/")
            .await
            .is_err()
    );
    until("all are counted", || {
        counted(&front, "none", "no_hello") == 2.0 && counted(&front, "none", "unknown_host") == 1.0
    })
    .await;
    // Nor is a good visit, which comes after all of them.
    assert!(visit(&front, INSIDE, "app.localhost", "/").await.is_ok());
    assert_eq!(counted(&front, "other", "done"), 1.0);
    assert_eq!(audit.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn one_client_does_not_fill_the_audit_trail() {
    let (audit, _second, _guard) = Audit::listening();
    let front = Front::with("certificate_choice_s = 1").await;
    for _ in 0..40 {
        drop(begins(&front, INSIDE, "cert.localhost").await);
    }
    until("all are counted", || {
        counted(&front, "certificate", "abandoned") == 40.0
    })
    .await;
    drop(begins(&front, BOTH, "cert.localhost").await);
    let events = audit.wait_for(21).await;
    assert_eq!(events.len(), 21, "{events:?}");
    assert!(events[20].contains("address=127.0.0.3"), "{events:?}");
}

#[tokio::test]
async fn handshakes_at_hosts_of_ours_leave_spans() {
    let recorder = Recorder::new();
    let _guard = tracing::dispatcher::set_default(recorder.dispatch());
    let front = Front::start().await;
    // These sites trace nothing, so the handshakes are traces of their own.
    assert!(visit(&front, INSIDE, "cert.localhost", "/").await.is_ok());
    assert!(visit(&front, INSIDE, "app.localhost", "/").await.is_ok());
    assert!(
        visit(&front, INSIDE, "elsewhere.localhost", "/")
            .await
            .is_err()
    );
    drop(begins(&front, OUTSIDE, "cert.localhost").await);
    until("both spans have ended", || recorder.spans().len() >= 2).await;
    let mut spans = recorder.spans();
    assert_eq!(spans.len(), 2, "{spans:?}");
    spans.sort_by_key(|span| span.attributes["postern.result"] == "done");
    let [left, done] = spans.as_slice() else {
        panic!("{spans:?}")
    };
    assert_eq!(done.name, "handshake");
    assert_eq!(done.attributes["postern.asked"], "true");
    assert_eq!(done.attributes["postern.host"], "certificate");
    assert_eq!(done.attributes["tls.protocol.version"], "TLSv1_3");
    assert_eq!(left.attributes["postern.asked"], "false");
    assert_eq!(left.attributes["postern.result"], "abandoned");
    assert_ne!(left.trace, done.trace);
    assert!(left.parent.is_none() && done.parent.is_none());
    for span in spans {
        assert!(!format!("{span:?}").contains("127.0.0."), "{span:?}");
    }
}

#[tokio::test]
async fn open_connections_and_waiting_handshakes_are_told() {
    let front = Front::start().await;
    let told = |name: &str| -> f64 {
        let text = front.metrics.text().unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let waiting = begins(&front, INSIDE, "cert.localhost").await;
    assert_eq!(told("postern_open_connections"), 1.0);
    assert_eq!(told("postern_waiting_handshakes"), 1.0);
    drop(waiting);
    until("both are gone", || {
        told("postern_open_connections") == 0.0 && told("postern_waiting_handshakes") == 0.0
    })
    .await;
}

#[tokio::test]
async fn requests_that_reach_no_site_are_counted() {
    let front = Front::start().await;
    let stream = connect(&front, INSIDE).await.unwrap();
    let config = config(&front, &Client::without(), None);
    let mut stream = handshake(stream, "login.localhost", config).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: elsewhere.localhost\r\n\r\n";
    crate::client::exchange(&mut stream, request).await.unwrap();
    let text = front.metrics.text().unwrap();
    let line = r#"postern_requests_total{route="none",status="421"} 1"#;
    assert!(text.contains(line), "{text}");
}
