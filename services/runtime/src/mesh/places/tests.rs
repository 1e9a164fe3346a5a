use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, advance, sleep};

use super::{FRESH, Found, MOMENT, Places};

/// What each look-up answers, in order; the last one again and again. A delay
/// before each.
struct Names {
    answers: Mutex<VecDeque<(Duration, Found)>>,
    asked: AtomicUsize,
}

impl Names {
    fn answering(answers: Vec<(Duration, Found)>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into()),
            asked: AtomicUsize::new(0),
        })
    }

    fn places(self: &Arc<Self>, given: &[&str]) -> Arc<Places> {
        let names = self.clone();
        let given = given.iter().map(ToString::to_string).collect();
        Places::with(given, move |_| {
            names.asked.fetch_add(1, Ordering::SeqCst);
            let next = names.answers.lock().unwrap().pop_front();
            let (delay, answer) = next.unwrap_or((Duration::ZERO, Err(no_such_name())));
            Box::pin(async move {
                sleep(delay).await;
                answer
            })
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_leads_to_all_its_addresses_and_is_asked_once_while_fresh() {
    let names = Names::answering(vec![at(0, &["10.0.0.1:1", "10.0.0.2:1"])]);
    let places = names.places(&["certval:1"]);
    for _ in 0..5 {
        assert_eq!(known(&places).await, ["10.0.0.1:1", "10.0.0.2:1"]);
    }
    assert_eq!(names.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_came_is_used_and_one_that_went_is_not() {
    let names = Names::answering(vec![
        at(0, &["10.0.0.1:1", "10.0.0.2:1"]),
        at(0, &["10.0.0.2:1", "10.0.0.3:1"]),
    ]);
    let places = names.places(&["certval:1"]);
    let before = places.now(soon()).await.unwrap();
    advance(FRESH).await;
    assert_eq!(known(&places).await, ["10.0.0.2:1", "10.0.0.3:1"]);
    let after = places.now(soon()).await.unwrap();
    assert!(Arc::ptr_eq(&before[1], &after[0]), "its connection stays");
}

#[tokio::test(start_paused = true)]
async fn what_was_found_serves_on_while_names_cannot_be_looked_up() {
    let names = Names::answering(vec![at(0, &["10.0.0.1:1"])]);
    let places = names.places(&["certval:1"]);
    for _ in 0..3 {
        assert_eq!(known(&places).await, ["10.0.0.1:1"]);
        advance(FRESH).await;
    }
    assert_eq!(names.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_slow_name_server_holds_up_a_call_for_a_moment_only() {
    let slow = 60_000;
    let names = Names::answering(vec![at(0, &["10.0.0.1:1"]), at(slow, &["10.0.0.2:1"])]);
    let places = names.places(&["certval:1"]);
    assert_eq!(known(&places).await, ["10.0.0.1:1"]);
    advance(FRESH).await;
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(known(&places).await, ["10.0.0.1:1"]);
    }
    assert!(began.elapsed() <= MOMENT + Duration::from_millis(10));
    assert_eq!(names.asked(), 2, "one look-up at a time");
    sleep(Duration::from_millis(slow)).await;
    assert_eq!(known(&places).await, ["10.0.0.2:1"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_call_waits_for_its_name_and_says_what_became_of_it() {
    let names = Names::answering(vec![at(400, &["10.0.0.1:1"])]);
    let places = names.places(&["certval:1"]);
    assert_eq!(known(&places).await, ["10.0.0.1:1"]);

    let nobody = Names::answering(Vec::new()).places(&["certval:1"]);
    let why = nobody.now(soon()).await.err().unwrap();
    assert!(
        why.contains("certval:1") && why.contains("no such name"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_that_fails_keeps_no_other_names_addresses_alive() {
    let names = Names::answering(vec![
        at(0, &["10.0.0.1:1"]),
        (Duration::ZERO, Err(no_such_name())),
        at(0, &["10.0.0.2:1"]),
        (Duration::ZERO, Err(no_such_name())),
    ]);
    let places = names.places(&["certval:1", "elsewhere:1", "10.9.9.9:1"]);
    assert_eq!(known(&places).await, ["10.0.0.1:1", "10.9.9.9:1"]);
    advance(FRESH).await;
    assert_eq!(known(&places).await, ["10.0.0.2:1", "10.9.9.9:1"]);
}

#[tokio::test(start_paused = true)]
async fn addresses_are_never_looked_up() {
    let names = Names::answering(Vec::new());
    let places = names.places(&["10.0.0.1:1", "[2001:db8::1]:1"]);
    for _ in 0..3 {
        assert_eq!(known(&places).await, ["10.0.0.1:1", "[2001:db8::1]:1"]);
        advance(FRESH).await;
    }
    assert_eq!(names.asked(), 0);
    assert!(names.places(&[]).now(soon()).await.is_err());
}

#[tokio::test]
async fn the_systems_names_are_used() {
    let places = Places::new(vec!["localhost:4711".to_owned()]);
    let found = known(&places).await;
    assert!(
        found.iter().all(|address| address.ends_with(":4711")),
        "{found:?}"
    );
}

fn at(delay_ms: u64, addresses: &[&str]) -> (Duration, Found) {
    let addresses: Vec<SocketAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
    (Duration::from_millis(delay_ms), Ok(addresses))
}

fn no_such_name() -> io::Error {
    io::Error::other("no such name")
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

async fn known(places: &Arc<Places>) -> Vec<String> {
    let addresses = places.now(soon()).await.unwrap();
    addresses
        .iter()
        .map(|address| address.host_and_port().to_owned())
        .collect()
}
