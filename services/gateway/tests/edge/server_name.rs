//! Only names of ours are served, and nothing falls back to a weaker handshake.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::client::{Recorder, alert, config, connect, exchange, handshake, visit};
use crate::front::{Front, INSIDE};

/// A ClientHello for `login.localhost`, with this in its place.
fn hello(front: &Front, name: &[u8; 15]) -> Vec<u8> {
    hello_of(config(front, &Recorder::without(), None), name)
}

fn hello_of(config: ClientConfig, name: &[u8; 15]) -> Vec<u8> {
    let server_name = ServerName::try_from("login.localhost").unwrap();
    let mut hello = Vec::new();
    ClientConnection::new(Arc::new(config), server_name)
        .unwrap()
        .write_tls(&mut hello)
        .unwrap();
    let at = hello
        .windows(name.len())
        .position(|window| window == b"login.localhost");
    let at = at.unwrap();
    hello[at..at + name.len()].copy_from_slice(name);
    hello
}

/// The first record that comes back for these bytes: its type and its contents' beginning.
async fn first_record(front: &Front, bytes: &[u8]) -> (u8, [u8; 2]) {
    let mut stream = connect(front, INSIDE).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut record = [0; 7];
    stream.read_exact(&mut record).await.unwrap();
    (record[0], [record[5], record[6]])
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const FATAL: u8 = 2;

#[tokio::test]
async fn without_a_server_name_there_is_no_handshake() {
    let front = Front::start().await;
    let mut silent = config(&front, &Recorder::without(), None);
    silent.enable_sni = false;
    let stream = connect(&front, INSIDE).await.unwrap();
    assert_eq!(
        alert(handshake(stream, "login.localhost", silent).await),
        "UnrecognisedName"
    );
    // An address is never sent as a server name (RFC 6066 section 3).
    let by_address = config(&front, &Recorder::without(), None);
    let stream = connect(&front, INSIDE).await.unwrap();
    assert_eq!(
        alert(handshake(stream, "127.0.0.1", by_address).await),
        "UnrecognisedName"
    );
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused() {
    let front = Front::start().await;
    for name in [
        "evil.localhost",
        "localhost",
        "a.b.cert.localhost",
        "x.login.localhost",
    ] {
        let config = config(&front, &Recorder::without(), None);
        let stream = connect(&front, INSIDE).await.unwrap();
        assert_eq!(
            alert(handshake(stream, name, config).await),
            "UnrecognisedName",
            "{name}"
        );
    }
}

#[tokio::test]
async fn names_that_look_like_ours_are_not() {
    let front = Front::start().await;
    let answered = first_record(&front, &hello(&front, b"LOGIN.LocalHost")).await;
    assert_eq!(answered.0, HANDSHAKE, "case does not matter");
    for name in [
        b"login.localhos.",
        b".ogin.localhost",
        b"login_localhost",
        b"127.000.000.001",
    ] {
        let (kind, contents) = first_record(&front, &hello(&front, name)).await;
        assert_eq!(kind, ALERT, "{name:?}");
        assert_eq!(contents[0], FATAL, "{name:?}");
    }
}

#[tokio::test]
async fn without_a_configuration_nobody_is_served() {
    let front = Front::start().await;
    front.forget_configuration();
    let config = config(&front, &Recorder::without(), None);
    let stream = connect(&front, INSIDE).await.unwrap();
    assert_eq!(
        alert(handshake(stream, "login.localhost", config).await),
        "InternalError"
    );
}

#[tokio::test]
async fn without_a_server_certificate_for_it_a_host_is_not_served_with_another() {
    let front = Front::start().await;
    front.apply(2, |configuration| {
        configuration
            .server_certificates
            .retain(|each| each.hosts != ["login.localhost"]);
    });
    let config = config(&front, &Recorder::without(), None);
    let stream = connect(&front, INSIDE).await.unwrap();
    assert_eq!(
        alert(handshake(stream, "login.localhost", config).await),
        "UnrecognisedName"
    );
    assert!(visit(&front, INSIDE, "app.localhost", "/").await.is_ok());
}

#[tokio::test]
async fn a_trailing_dot_leads_to_the_same_host_with_all_it_asks() {
    let front = Front::start().await;
    // In TLS 1.2 the CertificateRequest travels in the clear.
    let tls12 = config(&front, &Recorder::without(), Some(&rustls::version::TLS12));
    let hello = hello_of(tls12, b"cert.localhost.");
    let mut stream = connect(&front, INSIDE).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    let (subject, mut flight) = (front.fabrikam.subject(), Vec::new());
    while !flight
        .windows(subject.len())
        .any(|window| window == subject)
    {
        assert_ne!(
            stream.read_buf(&mut flight).await.unwrap(),
            0,
            "closed without having asked"
        );
    }
}

/// Writes one byte at a time.
struct Dribble(TcpStream);

impl AsyncRead for Dribble {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Dribble {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, &from[..from.len().min(1)])
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[tokio::test]
async fn a_handshake_in_pieces_is_the_same_handshake() {
    let front = Front::start().await;
    let request = "GET / HTTP/1.1\r\nHost: cert.localhost\r\n\r\n";
    let jon = front.fabrikam.person("jon");
    for record in [None, Some(32)] {
        let mut config = config(&front, &Recorder::of(&jon), None);
        // The smallest records that rustls makes: 27 bytes of contents.
        config.max_fragment_size = record;
        let stream = Dribble(connect(&front, INSIDE).await.unwrap());
        let mut stream = handshake(stream, "cert.localhost", config).await.unwrap();
        let answer = exchange(&mut stream, request).await.unwrap();
        assert!(answer.contains(&jon.fingerprint()), "{answer}");
    }
}

#[tokio::test]
async fn plain_http_on_the_port_is_closed_and_the_next_one_served() {
    let front = Front::start().await;
    let mut stream = connect(&front, INSIDE).await.unwrap();
    let answer = exchange(
        &mut stream,
        "GET / HTTP/1.1\r\nHost: login.localhost\r\n\r\n",
    )
    .await;
    assert!(!answer.unwrap_or_default().contains("HTTP/"));
    assert!(visit(&front, INSIDE, "login.localhost", "/").await.is_ok());
}
