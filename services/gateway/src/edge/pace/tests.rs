use std::time::Duration;

use super::Pace;
use crate::edge::settings::{Settings, StrictTransport};

/// So long for a head, 3 s for a request with everything, 60 s idle.
fn pace(head_s: u64) -> Pace {
    Pace::new(&Settings {
        listen: Vec::new(),
        proxy_peers: Vec::new().into(),
        proxy_header_s: 0,
        connections: 0,
        connections_per_address: 0,
        waiting: 0,
        waiting_per_address: 0,
        client_hello_s: 0,
        handshake_s: 0,
        certificate_choice_s: 0,
        head_s,
        head_bytes: 0,
        head_fields: 0,
        body_s: 1,
        body_bytes: 0,
        request_s: 1,
        answer_s: 1,
        idle_s: 60,
        streams: 0,
        strict_transport_security: StrictTransport::Auto,
    })
}

/// What the connection will be overdue in, and how long that takes from the last thing that happened.
fn allowed(pace: &Pace) -> (&'static str, Duration) {
    let (deadline, what) = pace.deadline();
    let since = pace.change(|state| state.in_flight.values().next().copied());
    let since = since.unwrap_or_else(|| pace.change(|state| state.since));
    (what, deadline - since)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_first_request_is_waited_for_like_a_head() {
    assert_eq!(allowed(&pace(10)), ("head", seconds(10)));
}

#[test]
fn between_requests_a_connection_may_idle_longer_but_a_begun_head_may_not() {
    let pace = pace(10);
    drop(pace.begin());
    assert_eq!(allowed(&pace), ("idle", seconds(60)));
    pace.bytes_came();
    assert_eq!(allowed(&pace), ("head", seconds(10)));
    let deadline = pace.deadline();
    std::thread::sleep(Duration::from_millis(2));
    pace.bytes_came();
    assert_eq!(
        pace.deadline(),
        deadline,
        "one byte more gives no more time"
    );
}

#[test]
fn an_answer_that_is_not_taken_has_its_end_too() {
    let pace = pace(10);
    let first = pace.begin();
    let second = pace.begin();
    drop(first);
    assert!(pace.is_busy());
    assert_eq!(allowed(&pace), ("request", seconds(3)));
    pace.bytes_came();
    assert_eq!(allowed(&pace), ("request", seconds(3)));
    drop(second);
    assert!(!pace.is_busy());
}

#[test]
fn a_stuck_request_is_overdue_however_many_others_come_and_go_beside_it() {
    let pace = pace(10);
    let stuck = pace.begin();
    let deadline = pace.deadline();
    std::thread::sleep(Duration::from_millis(2));
    let other = pace.begin();
    assert_eq!(pace.deadline(), deadline);
    drop(other);
    assert_eq!(pace.deadline(), deadline);
    let later = pace.begin();
    drop(stuck);
    assert!(pace.deadline().0 > deadline.0, "the next one's own time");
    drop(later);
    assert_eq!(pace.deadline().1, "idle");
}

#[tokio::test]
async fn an_idle_connection_is_watched_anew_when_a_head_begins() {
    let pace = pace(0);
    drop(pace.begin());
    let watched = pace.clone();
    let overdue = tokio::spawn(async move { watched.overdue().await });
    tokio::task::yield_now().await;
    assert!(!overdue.is_finished(), "idle, for a minute");
    pace.bytes_came();
    let what = tokio::time::timeout(seconds(5), overdue)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(what, "head");
}
