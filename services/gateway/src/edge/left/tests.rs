use std::sync::Mutex;
use std::time::Duration;

use domain::address::ClientAddress;
use runtime::metrics::Metrics;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::{Left, MOST};
use crate::audit::SignIn;
use crate::numbers::Numbers;
use crate::request_id::RequestId;

const PATIENCE: Duration = Duration::from_secs(120);

fn address(text: &str) -> ClientAddress {
    text.parse().unwrap()
}

fn event(numbers: &Numbers, address: ClientAddress) -> SignIn {
    SignIn::without_request("certificate", true, address, RequestId::default(), numbers)
}

/// Who is told of, once everybody's time is over.
async fn told(left: &Left) -> Vec<ClientAddress> {
    let told = Mutex::new(Vec::new());
    let stopping = CancellationToken::new();
    let end = async {
        tokio::time::sleep(PATIENCE + Duration::from_secs(1)).await;
        stopping.cancel();
    };
    let follow = left.follow(stopping.clone(), |gone| {
        told.lock().unwrap().push(gone.address);
    });
    tokio::join!(follow, end);
    told.into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_who_stays_away_is_told() {
    let numbers = Numbers::new(&Metrics::new().unwrap());
    let left = Left::new(PATIENCE);
    for text in ["10.0.0.1", "10.0.0.2", "10.0.0.1"] {
        let address = address(text);
        let waits = left.waits_for(address, event(&numbers, address), Span::none());
        assert!(waits.is_none());
    }
    // Neither of the two is surely the one who came again.
    assert!(left.came_again(address("10.0.0.1")).is_none());
    assert!(left.came_again(address("10.0.0.3")).is_none());
    assert_eq!(told(&left).await, [address("10.0.0.2")]);
    assert_eq!(told(&left).await, []);
}

#[tokio::test(start_paused = true)]
async fn whoever_surely_came_again_brings_the_span_they_left() {
    let numbers = Numbers::new(&Metrics::new().unwrap());
    let left = Left::new(PATIENCE);
    let address = address("10.0.0.1");
    let waits = left.waits_for(address, event(&numbers, address), Span::none());
    assert!(waits.is_none());
    assert!(left.came_again(address).is_some());
    assert!(left.came_again(address).is_none());
    assert_eq!(told(&left).await, []);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_waited_for_than_there_is_room() {
    let numbers = Numbers::new(&Metrics::new().unwrap());
    let left = Left::new(PATIENCE);
    let address = address("10.0.0.1");
    let wait = || left.waits_for(address, event(&numbers, address), Span::none());
    for _ in 0..MOST {
        assert!(wait().is_none());
    }
    assert!(wait().is_some());
    assert_eq!(told(&left).await.len(), MOST);
}
