//! PROXY headers: mandatory from listed peers, forbidden from all others.

use std::io;

use proxy_header::{ProxiedAddress, ProxyHeader};
use tokio::io::AsyncWriteExt;

use crate::client::{Recorder, config, connect, exchange, handshake, read_all, visit};
use crate::front::{Front, INSIDE, OUTSIDE};

/// The balancer of these tests.
const BALANCER: &str = "127.0.0.5";
const SETTINGS: &str = "proxy_peers = [\"127.0.0.5\"]\nproxy_header_s = 1";

fn v1(source: &str) -> Vec<u8> {
    let mut header = Vec::new();
    proxied(source).encode_v1(&mut header).unwrap();
    header
}

fn v2(source: &str) -> Vec<u8> {
    let mut header = Vec::new();
    proxied(source).encode_v2(&mut header).unwrap();
    header
}

fn proxied(source: &str) -> ProxyHeader<'static> {
    let ip: std::net::IpAddr = source.parse().unwrap();
    ProxyHeader::with_address(ProxiedAddress::stream((ip, 40000).into(), (ip, 443).into()))
}

/// A visit of the certificate host that begins with these bytes: the answer, and whether a certificate was asked for.
async fn through(front: &Front, peer: &str, header: &[u8]) -> io::Result<(String, bool)> {
    let mut stream = connect(front, peer).await?;
    stream.write_all(header).await?;
    let recorder = Recorder::without();
    let mut stream = handshake(stream, "cert.localhost", config(front, &recorder, None)).await?;
    let answer = exchange(
        &mut stream,
        "GET / HTTP/1.1\r\nHost: cert.localhost\r\n\r\n",
    )
    .await?;
    Ok((answer, recorder.asked().is_some()))
}

#[tokio::test]
async fn the_header_of_a_listed_peer_decides_who_is_asked() {
    let front = Front::with(SETTINGS).await;
    for (client, asked) in [
        (INSIDE, true),
        (OUTSIDE, false),
        ("10.1.2.3", false),
        ("::1", true),
    ] {
        for header in [v1(client), v2(client)] {
            let (answer, was_asked) = through(&front, BALANCER, &header).await.unwrap();
            assert!(
                answer.contains(&format!("from={client} ")),
                "{client}: {answer}"
            );
            assert_eq!(was_asked, asked, "{client}");
        }
    }
}

#[tokio::test]
async fn a_mapped_address_is_the_ipv4_address_it_carries() {
    let front = Front::with(SETTINGS).await;
    let header = b"PROXY TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.2 40000 443\r\n";
    let (answer, asked) = through(&front, BALANCER, header).await.unwrap();
    assert!(answer.contains("from=127.0.0.1 "), "{answer}");
    assert!(asked);
}

#[tokio::test]
async fn a_balancer_that_speaks_for_itself_is_judged_by_its_own_address() {
    let front = Front::with(SETTINGS).await;
    for header in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let (answer, asked) = through(&front, BALANCER, header).await.unwrap();
        assert!(answer.contains(&format!("from={BALANCER} ")), "{answer}");
        assert!(!asked);
    }
}

#[tokio::test]
async fn a_header_from_anybody_else_closes_the_connection() {
    let front = Front::with(SETTINGS).await;
    for peer in [INSIDE, OUTSIDE] {
        for header in [v1(INSIDE), v2(INSIDE), b"PROXY UNKNOWN\r\n".to_vec()] {
            assert!(through(&front, peer, &header).await.is_err(), "{peer}");
        }
    }
    // With no peer listed, nobody may send one.
    let front = Front::start().await;
    assert!(through(&front, BALANCER, &v1(INSIDE)).await.is_err());
    assert!(through(&front, BALANCER, b"").await.is_ok());
}

#[tokio::test]
async fn a_listed_peer_without_a_header_is_closed() {
    let front = Front::with(SETTINGS).await;
    assert!(
        visit(&front, BALANCER, "login.localhost", "/")
            .await
            .is_err()
    );
    let mut silent = connect(&front, BALANCER).await.unwrap();
    let mut slow = connect(&front, BALANCER).await.unwrap();
    slow.write_all(b"PROXY TCP4 127.0").await.unwrap();
    // Both end by the deadline of one second, and without a byte.
    assert_eq!(read_all(&mut silent).await.unwrap_or_default(), "");
    assert_eq!(read_all(&mut slow).await.unwrap_or_default(), "");
    assert!(visit(&front, INSIDE, "login.localhost", "/").await.is_ok());
}

#[tokio::test]
async fn two_headers_a_bad_one_and_an_endless_one_are_closed() {
    let front = Front::with(SETTINGS).await;
    let twice = |one: Vec<u8>, two: Vec<u8>| [one, two].concat();
    let endless = [
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
        [0; 0xffff].as_slice(),
    ]
    .concat();
    for header in [
        twice(v1(OUTSIDE), v1(INSIDE)),
        twice(v2(OUTSIDE), v2(INSIDE)),
        twice(v1(OUTSIDE), v2(INSIDE)),
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 99999\r\n".to_vec(),
        b"PROXY TCP4 localhost localhost 1 1\r\n".to_vec(),
        endless,
    ] {
        assert!(through(&front, BALANCER, &header).await.is_err());
    }
}
