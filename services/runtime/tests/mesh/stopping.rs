//! How a server ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use runtime::mesh::Peer;
use runtime::tasks::Unclean;
use tonic::Code;

use super::rig::{Authority, CHECK, HANG, Server, call, until};

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight_and_takes_nothing_new() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let gateway = Peer::role("gateway");
    let channel = server.channel(&authority, &gateway);
    let in_flight = tokio::spawn(async move { call(&channel, HANG).await });
    let calls = &server.odd.calls;
    until("in flight", async || calls.load(Ordering::SeqCst) == 1).await;
    server.tasks.stop();
    let newcomer = server.channel(&authority, &gateway);
    until("closed to newcomers", async || {
        call(&newcomer, CHECK).await == Code::Unavailable
    })
    .await;
    assert!(!in_flight.is_finished());
    assert!(!server.readiness.is_ready());
    server.odd.release.send_replace(true);
    assert_eq!(in_flight.await.unwrap(), Code::Ok);
    let ended = server.tasks.finish(Duration::from_secs(10)).await;
    assert_eq!(ended, Ok(()));
}

#[tokio::test]
async fn a_call_that_never_ends_holds_up_a_drain_no_longer_than_its_deadline() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let channel = server.channel(&authority, &Peer::role("gateway"));
    let in_flight = tokio::spawn(async move { call(&channel, HANG).await });
    let calls = &server.odd.calls;
    until("in flight", async || calls.load(Ordering::SeqCst) == 1).await;
    server.tasks.stop();
    let ended = server.tasks.finish(Duration::from_millis(100)).await;
    assert_eq!(ended, Err(Unclean::Unfinished(vec!["mesh server"])));
    // The hard stop ends connections, too, and not only their owner: the
    // caller's own deadline is 2 s away.
    let code = tokio::time::timeout(Duration::from_secs(1), in_flight).await;
    assert_eq!(code.unwrap().unwrap(), Code::Unavailable);
}
