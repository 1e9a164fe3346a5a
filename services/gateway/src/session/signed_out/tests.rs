use std::sync::Arc;
use std::time::Duration;

use domain::timestamp::Timestamp;
use runtime::bus::{Bucket, Bus, LocalBus};
use runtime::clock::TestClock;
use runtime::random::SystemRandomness;
use runtime::tasks::Tasks;
use tokio_util::sync::CancellationToken;

use super::SignedOut;
use crate::ids::SessionId;
use crate::testing::{START, World};

const NOW: Timestamp = Timestamp(START);
/// When the sessions here began, and when all of them is over.
const BEGAN: Timestamp = Timestamp(START - 3600);
const UNTIL: Timestamp = Timestamp(BEGAN.0 + 8 * 3600 + 300);

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
    assert!(here.signed_out.ends(id, BEGAN), "at once where it happened");
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
async fn a_bus_that_lost_everything_is_told_again() {
    let bus = LocalBus::new();
    let here = gateway(&bus);
    let id = session();
    here.signed_out.sign_out(id, UNTIL, NOW);
    heard(&gateway(&bus), id).await;
    bus.wipe();
    heard(&gateway(&bus), id).await;
}

#[tokio::test]
async fn sign_outs_are_told_until_nobody_is_left_who_could_make_one() {
    let bus = LocalBus::new();
    let (here, there) = (gateway(&bus), gateway(&bus));
    let (at_once, draining, last) = (session(), session(), session());
    here.signed_out.sign_out(at_once, UNTIL, NOW);
    here.stop.cancel();
    heard(&there, at_once).await;
    // A request that is still being answered, or a forwarded code that is used a second time.
    here.signed_out.sign_out(draining, UNTIL, NOW);
    heard(&there, draining).await;
    assert!(!here.task.is_finished());
    here.signed_out.sign_out(last, UNTIL, NOW);
    drop(here.signed_out);
    here.task.await.unwrap();
    let told = bus.read(Bucket::SignedOut, &last.to_string()).await;
    assert!(told.unwrap().is_some());
}

#[tokio::test]
async fn a_gateway_that_starts_knows_when_it_has_heard_all() {
    let bus = LocalBus::new();
    let here = gateway(&bus);
    let id = session();
    here.signed_out.sign_out(id, UNTIL, NOW);
    heard(&gateway(&bus), id).await;
    let late = gateway(&bus);
    tokio::time::timeout(Duration::from_secs(10), late.signed_out.caught_up())
        .await
        .unwrap();
    assert!(late.signed_out.contains(id));
    bus.set_away(true);
    let alone = gateway(&bus);
    let never = tokio::time::timeout(Duration::from_millis(50), alone.signed_out.caught_up());
    assert!(never.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_a_second_for_a_slow_bus_and_not_at_all_for_one_that_is_away() {
    let world = World::new();
    let begun = tokio::time::Instant::now();
    world.bus.set_away(true);
    world.desk.caught_up().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // Connected, and nothing is ever heard: what would hear it was not started.
    world.bus.set_away(false);
    world.desk.caught_up().await;
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
    let tasks = Tasks::new();
    world.desk.start(&tasks);
    world.desk.caught_up().await;
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

#[test]
fn past_its_capacity_all_sessions_that_began_are_refused_and_none_is_forgotten() {
    let signed_out = SignedOut::with_capacity(2);
    let ids = [session(), session(), session()];
    let (ahead, untold) = (session(), session());
    // Of a gateway whose clock is ahead, and one that others have yet to hear of.
    let ahead_began = Timestamp(NOW.0 + 20);
    let ahead_until = ahead_began.plus(crate::session::ABSOLUTE + crate::oidc::tokens::LIFE);
    signed_out.remember(ahead, ahead_until, NOW, true);
    signed_out.sign_out(untold, UNTIL, NOW);
    assert!(!signed_out.ends(ids[0], BEGAN));
    for id in ids {
        signed_out.remember(id, UNTIL, NOW, true);
    }
    for id in ids {
        assert!(signed_out.ends(id, BEGAN));
    }
    assert!(signed_out.ends(ahead, ahead_began));
    assert!(signed_out.contains(untold));
    assert!(signed_out.ends(session(), NOW), "everybody signs in anew");
    assert!(!signed_out.ends(session(), Timestamp(NOW.0 + 1)), "and may");
    let sessions = signed_out.lock().sessions.len();
    assert!(sessions <= 4, "{sessions} kept");
}

#[test]
fn what_is_over_makes_room_first() {
    let signed_out = SignedOut::with_capacity(2);
    let (over, id) = (session(), session());
    signed_out.remember(over, UNTIL, NOW, true);
    signed_out.remember(session(), UNTIL, NOW, true);
    let later = Timestamp(UNTIL.0);
    signed_out.remember(id, Timestamp(UNTIL.0 + 60), later, true);
    assert!(signed_out.contains(id) && !signed_out.contains(over));
    assert!(!signed_out.ends(session(), NOW));
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
