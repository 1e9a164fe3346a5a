use std::sync::Arc;
use std::time::Duration;

use domain::timestamp::Timestamp;
use runtime::bus::{Bucket, Bus, LocalBus};
use runtime::clock::TestClock;
use runtime::random::SystemRandomness;
use tokio_util::sync::CancellationToken;

use super::SignedOut;
use crate::ids::SessionId;
use crate::testing::START;

const NOW: Timestamp = Timestamp(START);
const UNTIL: Timestamp = Timestamp(START + 3600);

struct Gateway {
    signed_out: Arc<SignedOut>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn gateway(bus: &LocalBus) -> Gateway {
    let signed_out = Arc::new(SignedOut::new());
    let stop = CancellationToken::new();
    let follow = Arc::clone(&signed_out).follow(
        Arc::new(bus.clone()),
        Arc::new(TestClock::at_unix_seconds(START)),
        stop.clone(),
    );
    Gateway {
        signed_out,
        stop,
        task: tokio::spawn(follow),
    }
}

fn session() -> SessionId {
    SessionId::draw(&SystemRandomness::new()).unwrap()
}

/// Waits until a gateway refuses the session.
async fn heard(gateway: &Gateway, session: SessionId) {
    let heard = async {
        while !gateway.signed_out.contains(session) {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), heard)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_sign_out_is_heard_by_the_others_and_by_those_who_come_later() {
    let bus = LocalBus::new();
    let (here, there) = (gateway(&bus), gateway(&bus));
    let id = session();
    here.signed_out.sign_out(id, UNTIL, NOW);
    assert!(here.signed_out.contains(id), "at once where it happened");
    heard(&there, id).await;
    heard(&gateway(&bus), id).await;
    assert!(!there.signed_out.contains(session()));
}

#[tokio::test]
async fn a_sign_out_during_an_outage_is_told_afterwards() {
    let bus = LocalBus::new();
    let (here, there) = (gateway(&bus), gateway(&bus));
    let (before, during) = (session(), session());
    here.signed_out.sign_out(before, UNTIL, NOW);
    heard(&there, before).await;
    bus.set_away(true);
    here.signed_out.sign_out(during, UNTIL, NOW);
    assert!(here.signed_out.contains(during));
    assert!(!there.signed_out.contains(during));
    bus.set_away(false);
    heard(&there, during).await;
}

#[tokio::test]
async fn a_sign_out_just_before_the_end_is_still_told() {
    let bus = LocalBus::new();
    let here = gateway(&bus);
    let id = session();
    here.signed_out.sign_out(id, UNTIL, NOW);
    here.stop.cancel();
    here.task.await.unwrap();
    assert!(
        bus.read(Bucket::SignedOut, &id.to_string())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn what_the_bus_says_is_not_believed_to_last_for_ever() {
    let signed_out = SignedOut::new();
    let id = session();
    signed_out.remember(id, Timestamp(u64::MAX), NOW, true);
    let bus = LocalBus::new();
    let later = TestClock::at_unix_seconds(START + 17 * 3600);
    signed_out.announce(&bus, &later).await;
    assert!(!signed_out.contains(id));
}
