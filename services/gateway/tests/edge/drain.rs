//! The soft stop, and the ports.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Recorder, config, connect, handshake, read_all, visit};
use crate::front::{Front, INSIDE};

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight_and_accepts_nothing_new() {
    let front = Front::start().await;
    let mut stream = {
        let config = config(&front, &Recorder::without(), None);
        let stream = connect(&front, INSIDE).await.unwrap();
        handshake(stream, "login.localhost", config).await.unwrap()
    };
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: login.localhost\r\n\r\n")
        .await
        .unwrap();
    front.reached.acquire().await.unwrap().forget();
    front.tasks.stop();
    let deadline = Instant::now() + crate::client::PATIENCE;
    while connect(&front, INSIDE).await.is_ok() {
        assert!(Instant::now() < deadline, "still accepting");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Longer than anything gets that is not in flight.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(
        front.tasks.running().contains(&"connection"),
        "the request is still in flight"
    );
    front.slow.add_permits(1);
    let answer = read_all(&mut stream).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"),
        "{answer}"
    );
    front.tasks.finish(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn whoever_was_let_in_when_the_drain_begins_is_answered() {
    let front = Front::start().await;
    let config = std::sync::Arc::new(config(&front, &Recorder::without(), None));
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(connect(&front, INSIDE).await.unwrap());
    }
    front.tasks.stop();
    for stream in waiting {
        let mut stream = handshake(stream, "login.localhost", config.clone())
            .await
            .unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: login.localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let answer = read_all(&mut stream).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    front.tasks.finish(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn a_first_request_that_is_on_its_way_when_the_drain_begins_is_answered() {
    // Several, for a connection that waits for its first request and one that is about to are ended differently.
    for _ in 0..10 {
        let front = Front::start().await;
        let config = config(&front, &Recorder::without(), None);
        let stream = connect(&front, INSIDE).await.unwrap();
        let mut stream = handshake(stream, "login.localhost", config).await.unwrap();
        front.tasks.stop();
        // The drain has begun, and there is more time left for the request.
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: login.localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let answer = read_all(&mut stream).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        front.tasks.finish(Duration::from_secs(10)).await.unwrap();
    }
}

#[tokio::test]
async fn idle_connections_and_half_handshakes_do_not_hold_a_drain_up() {
    let front = Front::start().await;
    let config = std::sync::Arc::new(config(&front, &Recorder::without(), None));
    let mut idle = {
        let stream = connect(&front, INSIDE).await.unwrap();
        handshake(stream, "login.localhost", config.clone())
            .await
            .unwrap()
    };
    idle.write_all(b"GET / HTTP/1.1\r\nHost: login.localhost\r\n\r\n")
        .await
        .unwrap();
    idle.read_u8().await.unwrap();
    let stream = connect(&front, INSIDE).await.unwrap();
    let _fresh = handshake(stream, "login.localhost", config).await.unwrap();
    let _silent = connect(&front, INSIDE).await.unwrap();
    front.tasks.stop();
    front.tasks.finish(Duration::from_secs(8)).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_said_so_and_nothing_stays_bound() {
    let front = Front::start().await;
    let free = gateway::edge::bind(&["127.0.0.1:0".parse().unwrap()])
        .await
        .unwrap();
    let address = free.local_addresses()[0];
    drop(free);
    let error = gateway::edge::bind(&[address, front.address])
        .await
        .unwrap_err();
    assert_eq!(error.address, front.address);
    let words = error.to_string();
    assert!(
        words.contains(&front.address.to_string()) && words.contains("in use"),
        "{words}"
    );
    assert!(gateway::edge::bind(&[address]).await.is_ok(), "given back");
    assert!(visit(&front, INSIDE, "login.localhost", "/").await.is_ok());
}

#[tokio::test]
async fn port_0_is_one_port_for_all_addresses() {
    let wanted = [
        "127.0.0.1:0".parse().unwrap(),
        "127.0.0.2:0".parse().unwrap(),
    ];
    let bound = gateway::edge::bind(&wanted).await.unwrap();
    let addresses = bound.local_addresses();
    assert_ne!(addresses[0].port(), 0);
    assert_eq!(addresses[0].port(), addresses[1].port());
}
