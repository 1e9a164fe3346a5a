//! Strangers that send nothing, or come in numbers.

use std::time::{Duration, Instant};

use rustls::ClientConnection;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Recorder, alert, config, connect, get, handshake, read_all, visit};
use crate::front::{Front, INSIDE, OUTSIDE};

/// A connection that has sent its ClientHello to `host` and got the server's first bytes, and goes no further.
async fn half_handshake(front: &Front, from: &str, host: &'static str) -> TcpStream {
    let config = std::sync::Arc::new(config(front, &Recorder::without(), None));
    let mut hello = Vec::new();
    let name = ServerName::try_from(host).unwrap();
    ClientConnection::new(config, name)
        .unwrap()
        .write_tls(&mut hello)
        .unwrap();
    let mut stream = connect(front, from).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}

#[tokio::test]
async fn silent_connections_keep_nobody_out_and_are_closed() {
    let front = Front::with("client_hello_s = 1").await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(connect(&front, INSIDE).await.unwrap());
    }
    let begun = Instant::now();
    assert!(visit(&front, INSIDE, "login.localhost", "/").await.is_ok());
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    for mut stream in silent {
        assert_eq!(read_all(&mut stream).await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_half_handshake_is_closed_soon_where_nobody_has_to_choose() {
    let front = Front::with("handshake_s = 1").await;
    for (from, host) in [(INSIDE, "login.localhost"), (OUTSIDE, "cert.localhost")] {
        let begun = Instant::now();
        let mut stream = half_handshake(&front, from, host).await;
        read_all(&mut stream).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10), "{host}");
    }
}

#[tokio::test]
async fn choosing_a_certificate_may_take_longer_than_any_other_handshake() {
    let front = Front::with("client_hello_s = 1\nhandshake_s = 1").await;
    let jon = front.fabrikam.person("jon");
    let thoughtful = Recorder::with_key(jon.certified_key(), Duration::from_millis(1500));
    let config = config(&front, &thoughtful, None);
    let answer = get(&front, INSIDE, "cert.localhost", "/", config)
        .await
        .unwrap();
    assert!(answer.contains(&jon.fingerprint()), "{answer}");
}

#[tokio::test]
async fn choosing_a_certificate_has_its_end_too() {
    let front = Front::with("certificate_choice_s = 1").await;
    let mut stream = half_handshake(&front, INSIDE, "cert.localhost").await;
    read_all(&mut stream).await.unwrap();
}

#[tokio::test]
async fn waiting_handshakes_have_a_number_of_their_own() {
    let front = Front::with("waiting_per_address = 2").await;
    let first = half_handshake(&front, INSIDE, "cert.localhost").await;
    let _second = half_handshake(&front, INSIDE, "cert.localhost").await;
    let third = connect(&front, INSIDE).await.unwrap();
    let refused = handshake(
        third,
        "cert.localhost",
        config(&front, &Recorder::without(), None),
    )
    .await;
    assert_eq!(
        alert(refused),
        "InternalError",
        "and not served without having been asked"
    );
    assert!(visit(&front, INSIDE, "login.localhost", "/").await.is_ok());
    assert!(
        visit(&front, crate::front::BOTH, "cert.localhost", "/")
            .await
            .is_ok()
    );
    drop(first);
    until("a place is free again", || {
        visit(&front, INSIDE, "cert.localhost", "/")
    })
    .await;
}

#[tokio::test]
async fn connections_of_one_address_have_their_number() {
    let front = Front::with("connections_per_address = 2").await;
    let first = half_handshake(&front, INSIDE, "login.localhost").await;
    let _second = half_handshake(&front, INSIDE, "login.localhost").await;
    assert!(visit(&front, INSIDE, "login.localhost", "/").await.is_err());
    assert!(visit(&front, OUTSIDE, "login.localhost", "/").await.is_ok());
    drop(first);
    until("a place is free again", || {
        visit(&front, INSIDE, "login.localhost", "/")
    })
    .await;
}

#[tokio::test]
async fn connections_in_total_have_their_number() {
    let front = Front::with("connections = 2").await;
    let first = connect(&front, INSIDE).await.unwrap();
    let _second = connect(&front, OUTSIDE).await.unwrap();
    assert!(
        visit(&front, "127.0.0.4", "login.localhost", "/")
            .await
            .is_err()
    );
    drop(first);
    until("a place is free again", || {
        visit(&front, "127.0.0.4", "login.localhost", "/")
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let front = Front::with("idle_s = 1").await;
    let config = config(&front, &Recorder::without(), None);
    let stream = connect(&front, INSIDE).await.unwrap();
    let mut stream = handshake(stream, "login.localhost", config).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: login.localhost\r\n\r\n")
        .await
        .unwrap();
    assert!(
        read_all(&mut stream)
            .await
            .unwrap()
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test]
async fn connections_that_are_reset_at_once_do_not_end_the_listening() {
    let front = Front::start().await;
    for _ in 0..100 {
        let stream = connect(&front, INSIDE).await.unwrap();
        // Closing with no linger sends a reset.
        stream.set_zero_linger().unwrap();
        drop(stream);
    }
    assert!(visit(&front, INSIDE, "login.localhost", "/").await.is_ok());
    assert!(front.tasks.running().contains(&"accept"));
}

/// Tries until it works.
async fn until<T, F: Future<Output = std::io::Result<T>>>(what: &str, attempt: impl Fn() -> F) {
    let deadline = Instant::now() + crate::client::PATIENCE;
    while attempt().await.is_err() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
