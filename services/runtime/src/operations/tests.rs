use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Operations, serve};
use crate::metrics::Metrics;
use crate::readiness::Readiness;

async fn served(readiness: &Readiness) -> (SocketAddr, Operations) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::new().unwrap();
    (address, serve(listener, &metrics, readiness, "0.1.0"))
}

async fn asked(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn readiness_is_told_as_it_changes() {
    let readiness = Readiness::new(&["configuration"]);
    let (address, _operations) = served(&readiness).await;
    let answer = asked(address, "GET /readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        answer.contains(r#""missing":["configuration"]"#),
        "{answer}"
    );
    readiness.complete("configuration");
    readiness.degraded("certval", "does not serve");
    let answer = asked(address, "GET /readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(r#""state":"degraded""#), "{answer}");
    let numbers = asked(address, "GET /metrics").await;
    assert!(numbers.contains("\npostern_ready 1\n"), "{numbers}");
    assert!(
        numbers.contains("\npostern_degraded{part=\"certval\"} 1\n"),
        "{numbers}"
    );
    readiness.stopping();
    let answer = asked(address, "GET /readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let answer = asked(address, "GET /healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn nothing_else_is_there() {
    let (address, _operations) = served(&Readiness::new(&[])).await;
    let answer = asked(address, "GET /").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let answer = asked(address, "POST /readyz").await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[tokio::test]
async fn the_port_closes_with_its_owner() {
    let (address, operations) = served(&Readiness::new(&[])).await;
    drop(operations);
    for _ in 0..1000 {
        if TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the port is still open");
}

#[tokio::test]
async fn those_who_hold_on_keep_no_health_check_out() {
    let (address, _operations) = served(&Readiness::new(&[])).await;
    let mut held = Vec::new();
    for _ in 0..3 * super::CONNECTIONS {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    let answered = asked(address, "GET /healthz");
    let answered = tokio::time::timeout(std::time::Duration::from_secs(2), answered).await;
    assert!(answered.unwrap().starts_with("HTTP/1.1 200 "));
    // The newest of them are served, too.
    let mut last = held.pop().unwrap();
    last.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
