use std::time::Duration;

use super::*;
use crate::bus::Change;

#[test]
fn lives_are_rounded_up_to_whole_seconds() {
    assert_eq!(
        whole_seconds(Duration::from_millis(1)),
        Duration::from_secs(1)
    );
    assert_eq!(whole_seconds(Duration::ZERO), Duration::from_secs(1));
    assert_eq!(
        whole_seconds(Duration::from_secs(15)),
        Duration::from_secs(15)
    );
    assert_eq!(
        whole_seconds(Duration::from_millis(15_001)),
        Duration::from_secs(16)
    );
}

#[tokio::test]
async fn keys_that_nats_could_not_hold_are_refused() {
    let bus = LocalBus::new();
    for key in ["", ".", "a..b", "a b", "a*", ">", "ä", &"k".repeat(257)] {
        let outcome = bus.put(Bucket::Instances, key, Bytes::new(), None).await;
        assert!(matches!(outcome, Err(WriteError::Unavailable(_))), "{key}");
    }
}

#[tokio::test]
async fn a_wiped_bus_takes_its_values_back_from_watches() {
    let bus = LocalBus::new();
    bus.put(Bucket::Instances, "a", Bytes::from_static(b"1"), None)
        .await
        .unwrap();
    let mut watch = bus.watch(Bucket::Instances, "").await.unwrap();
    assert!(matches!(watch.next().await, Some(Change::Put(_))));
    assert_eq!(watch.next().await, Some(Change::CaughtUp));
    bus.wipe();
    let gone = Change::Removed { key: "a".into() };
    assert_eq!(watch.next().await, Some(gone));
}
