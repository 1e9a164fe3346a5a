//! A session resumes on its own host and within its own revision, and never on the certificate host.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::{ClientConfig, HandshakeKind, NamedGroup, SupportedProtocolVersion};
use rustls_pki_types::ServerName;

use crate::client::{Recorder, VERSIONS, config, connect, exchange, handshake};
use crate::front::{Front, INSIDE};

/// Offers any session to any host.
#[derive(Debug)]
struct Careless {
    sessions: ClientSessionMemoryCache,
    stored: AtomicUsize,
}

fn anywhere() -> ServerName<'static> {
    ServerName::try_from("anywhere").unwrap()
}

impl ClientSessionStore for Careless {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.stored.fetch_add(1, Ordering::SeqCst);
        self.sessions.set_tls12_session(anywhere(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.sessions.tls12_session(&anywhere())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.stored.fetch_add(1, Ordering::SeqCst);
        self.sessions.insert_tls13_ticket(anywhere(), value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.sessions.take_tls13_ticket(&anywhere())
    }
}

/// A client that keeps sessions, and how many it was given.
fn careless(
    front: &Front,
    recorder: &Arc<Recorder>,
    version: &'static SupportedProtocolVersion,
) -> (Arc<ClientConfig>, Arc<Careless>) {
    let store = Arc::new(Careless {
        sessions: ClientSessionMemoryCache::new(64),
        stored: AtomicUsize::new(0),
    });
    let mut config = config(front, recorder, Some(version));
    config.resumption = Resumption::store(store.clone());
    (Arc::new(config), store)
}

/// One visit: what kind of handshake it began with, and the answer.
async fn visit(front: &Front, host: &str, config: &Arc<ClientConfig>) -> (HandshakeKind, String) {
    let stream = connect(front, INSIDE).await.unwrap();
    let mut stream = handshake(stream, host, config.clone()).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = exchange(&mut stream, &request).await.unwrap();
    (stream.get_ref().1.handshake_kind().unwrap(), answer)
}

#[tokio::test]
async fn a_session_of_the_login_host_resumes_there_and_nowhere_else() {
    let front = Front::start().await;
    for version in VERSIONS {
        let recorder = Recorder::without();
        let (config, store) = careless(&front, &recorder, version);
        let (first, _) = visit(&front, "login.localhost", &config).await;
        assert_ne!(first, HandshakeKind::Resumed);
        assert!(
            store.stored.load(Ordering::SeqCst) > 0,
            "{version:?}: there is a session to resume"
        );
        let (again, _) = visit(&front, "login.localhost", &config).await;
        assert_eq!(
            again,
            HandshakeKind::Resumed,
            "{version:?}: or this test shows nothing"
        );
        for host in ["cert.localhost", "app.localhost"] {
            visit(&front, "login.localhost", &config).await;
            let (elsewhere, answer) = visit(&front, host, &config).await;
            assert_ne!(elsewhere, HandshakeKind::Resumed, "{version:?} {host}");
            assert_eq!(
                answer.contains("asked=true"),
                host == "cert.localhost",
                "{answer}"
            );
        }
        assert!(
            recorder.asked().is_some(),
            "the certificate host asked in spite of the session"
        );
    }
}

#[tokio::test]
async fn the_certificate_host_gives_out_nothing_to_resume() {
    let front = Front::start().await;
    let jon = front.fabrikam.person("jon");
    for version in VERSIONS {
        let (config, store) = careless(&front, &Recorder::of(&jon), version);
        for host in ["cert.localhost", "a1.cert.localhost", "cert.localhost"] {
            let (kind, answer) = visit(&front, host, &config).await;
            assert_ne!(kind, HandshakeKind::Resumed, "{version:?} {host}");
            assert!(answer.contains(&jon.fingerprint()), "{answer}");
        }
        assert_eq!(store.stored.load(Ordering::SeqCst), 0, "{version:?}");
    }
}

#[tokio::test]
async fn no_session_outlives_its_revision() {
    let front = Front::start().await;
    for (revision, version) in (2..).zip(VERSIONS) {
        let (config, _) = careless(&front, &Recorder::without(), version);
        visit(&front, "login.localhost", &config).await;
        front.apply(revision, |_| {});
        let (kind, answer) = visit(&front, "login.localhost", &config).await;
        assert_ne!(kind, HandshakeKind::Resumed, "{version:?}");
        assert!(
            answer.ends_with(&format!("revision={revision}")),
            "{answer}"
        );
    }
}
