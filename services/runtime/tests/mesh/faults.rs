//! What peers and networks do wrong.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http_body_util::Full;
use runtime::mesh::{LARGEST_REQUEST, Peer};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;
use tonic::body::Body;

use super::rig::{
    Authority, CHECK, Freezer, HANG, Odd, PANIC, READ, Server, call, call_with, check, nobody,
    until,
};

#[tokio::test]
async fn silent_peers_hold_up_nobody_and_are_dropped() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let channel = server.channel(&authority, &Peer::role("gateway"));
    assert!(check(&channel).await.is_ok());
    for mut peer in silent {
        let read = tokio::time::timeout(Duration::from_secs(10), peer.read(&mut [0; 1])).await;
        assert!(matches!(read, Ok(Ok(0) | Err(_))), "it must be dropped");
    }
}

#[tokio::test]
async fn one_of_two_dead_fails_no_call() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let client = authority.client(&Peer::role("gateway"));
    // One refuses connections, one takes them and never speaks.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for dead in [nobody().await, mute.local_addr().unwrap()] {
        let channel = client.channel("certval", &[dead, server.address]).unwrap();
        for _ in 0..8 {
            assert!(check(&channel).await.is_ok());
        }
    }
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let authority = Authority::new();
    let client = authority.client(&Peer::role("gateway"));
    let channel = client
        .channel("certval", &[nobody().await, nobody().await])
        .unwrap();
    let began = Instant::now();
    let refused = check(&channel).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(1));
    let nowhere = client.channel::<String>("certval", &[]).unwrap();
    assert_eq!(call(&nowhere, CHECK).await, Code::Unavailable);
}

#[tokio::test]
async fn many_callers_of_a_mute_server_fail_together() {
    let authority = Authority::new();
    let client = authority.client(&Peer::role("gateway"));
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let channel = client.dial("certval", &mute.local_addr().unwrap().to_string());
    let channel = channel.unwrap();
    let began = Instant::now();
    let calls = (0..20).map(|_| call(&channel, CHECK));
    for code in futures::future::join_all(calls).await {
        assert_eq!(code, Code::Unavailable);
    }
    // One connect deadline, not twenty one after the other.
    assert!(began.elapsed() < Duration::from_millis(1500));
}

#[tokio::test]
async fn a_hung_server_costs_a_deadline_and_no_more() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let hung = Freezer::before(server.address).await;
    let client = authority.client(&Peer::role("gateway"));
    let channel = client.channel("certval", &[hung.address]).unwrap();
    assert!(check(&channel).await.is_ok());
    hung.freeze();
    let began = Instant::now();
    let late = check(&channel).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    assert!(began.elapsed() < Duration::from_secs(3));
    // From then on the missing handshake shows it sooner.
    let began = Instant::now();
    assert_eq!(call(&channel, CHECK).await, Code::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_repeatable_call_goes_round_a_hung_server() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let hung = Freezer::before(server.address).await;
    let client = authority.client(&Peer::role("gateway"));
    let channel = client
        .channel("certval", &[hung.address, server.address])
        .unwrap()
        .repeatable(&[CHECK]);
    for _ in 0..4 {
        assert!(check(&channel).await.is_ok());
    }
    hung.freeze();
    for _ in 0..8 {
        assert!(check(&channel).await.is_ok());
    }
}

#[tokio::test]
async fn only_a_repeatable_call_is_worked_on_twice() {
    let authority = Authority::new();
    let odd = Odd::default();
    let one = Server::start_on(&authority, "127.0.0.1:0", odd.clone()).await;
    let other = Server::start_on(&authority, "127.0.0.1:0", odd.clone()).await;
    let client = authority.client(&Peer::role("gateway"));
    let addresses = [one.address, other.address];
    let channel = client.channel("certval", &addresses).unwrap();
    assert_eq!(call(&channel, HANG).await, Code::DeadlineExceeded);
    assert_eq!(odd.calls.load(Ordering::SeqCst), 1);
    let channel = channel.repeatable(&[HANG]);
    assert_eq!(call(&channel, HANG).await, Code::DeadlineExceeded);
    assert_eq!(odd.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_calls_own_deadline_holds() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let mut channel = server.channel(&authority, &Peer::role("gateway"));
    let request = http::Request::post(HANG)
        .header("grpc-timeout", "100m")
        .body(Body::empty())
        .unwrap();
    let began = Instant::now();
    let late = tower::Service::call(&mut channel, request)
        .await
        .unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_came_back_is_found_again() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let channel = server
        .channel(&authority, &Peer::role("gateway"))
        .repeatable(&[CHECK]);
    assert!(check(&channel).await.is_ok());
    server.tasks.stop();
    server.tasks.finish(Duration::from_secs(5)).await.unwrap();
    assert_eq!(call(&channel, CHECK).await, Code::Unavailable);
    let address = server.address.to_string();
    let _again = Server::start_on(&authority, &address, Odd::default()).await;
    assert!(check(&channel).await.is_ok());
}

#[tokio::test]
async fn a_panic_fails_one_call() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let channel = server.channel(&authority, &Peer::role("gateway"));
    assert_eq!(call(&channel, PANIC).await, Code::Internal);
    assert!(check(&channel).await.is_ok());
}

#[tokio::test]
async fn a_request_too_large_is_refused_on_both_sides() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let channel = server.channel(&authority, &Peer::role("gateway"));
    let body = |size: usize| Body::new(Full::from(vec![0_u8; size]));
    assert_eq!(
        call_with(&channel, READ, body(LARGEST_REQUEST)).await,
        Code::Ok
    );
    let refused = call_with(&channel, READ, body(LARGEST_REQUEST + 1)).await;
    assert_ne!(refused, Code::Ok);
    assert_eq!(server.odd.calls.load(Ordering::SeqCst), 1);
    let mut settings = super::rig::quick();
    settings.largest_request *= 4;
    let identity = authority.identity(&Peer::role("gateway"));
    let client = runtime::mesh::MeshClient::new(&identity, settings).unwrap();
    let channel = client.channel("certval", &[server.address]).unwrap();
    let refused = call_with(&channel, READ, body(LARGEST_REQUEST + 1)).await;
    assert_eq!(refused, Code::OutOfRange);
}

#[tokio::test]
async fn health_follows_readiness() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let channel = server.channel(&authority, &Peer::role("gateway"));
    const SERVING: i32 = 1;
    const NOT_SERVING: i32 = 2;
    assert_eq!(check(&channel).await.unwrap(), NOT_SERVING);
    server.readiness.complete("parts");
    until("serving", async || {
        check(&channel).await.unwrap() == SERVING
    })
    .await;
    server.readiness.degraded("directory", "away");
    assert_eq!(check(&channel).await.unwrap(), SERVING);
}
