//! What the live configuration promises: every instance comes to use what
//! control signed and nothing else, through outages, restarts, lost stores and
//! forged content.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed expectation is how these tests fail"
)]

#[path = "live_snapshot/disturbed.rs"]
mod disturbed;
#[path = "rig/flaky_bus.rs"]
mod flaky_bus;
#[path = "rig/installation.rs"]
mod installation;
#[path = "rig/nats_server.rs"]
mod nats_server;
#[path = "rig/recorded_spans.rs"]
mod recorded_spans;
#[path = "live_snapshot/traced.rs"]
mod traced;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flaky_bus::{Fault, FlakyBus};
use installation::{
    NOON, Rig, eventually, eventually_async, head, key, persisted, reaches, report, shown, texts,
};
use nats_server::NatsServer;
use runtime::bus::{Bucket, Bus};
use runtime::clock::Clock;
use runtime::live::{
    BlobReference, Digest, FRESHNESS, Freshness, HEAD, InstanceState, Manifest, PublishError,
    Publisher, PublisherSettings, Purpose, SignedManifest, SigningKey, TrustedKeys,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_instances_come_to_use_what_was_published() {
    let (rig, _) = Rig::local();
    let publisher = rig.publisher("control").await;
    let early = rig.follow("a", &rig.stop).await;
    let first = publisher.publish("jon", "first", texts("1"), 0);
    assert_eq!(first.await.unwrap(), 1);
    let others = [
        rig.follow("b", &rig.stop).await,
        rig.follow("c", &rig.stop).await,
    ];
    for live in others.iter().chain([&early]) {
        reaches(live, 1).await;
        assert_eq!(shown(live), "1");
    }
    eventually("three report", || {
        publisher.rollout().instances().len() == 3
    })
    .await;
    let began = Instant::now();
    let second = publisher.publish("jon", "second", texts("2"), 1);
    assert_eq!(second.await.unwrap(), 2);
    let rollout = publisher.rollout().wait_applied(2, Duration::from_secs(5));
    let rollout = rollout.await;
    println!("published and applied by three in {:?}", began.elapsed());
    assert_eq!((rollout.applied.len(), rollout.missing.len()), (3, 0));
    for live in others.iter().chain([&early]) {
        assert_eq!(shown(live), "2");
    }
    eventually("all persisted", || {
        let instances = publisher.rollout().instances();
        instances.iter().all(|instance| {
            instance.persisted_revision == 2
                && instance.state == InstanceState::Current
                && instance.applied_at == NOON
        })
    })
    .await;
    // Only what this role wants is kept.
    let kept = std::fs::read_dir(rig.at("a").join("blobs")).unwrap();
    assert_eq!(kept.count(), 1);
    let nobody_else = publisher
        .rollout()
        .wait_applied(3, Duration::from_millis(50));
    assert_eq!(nobody_else.await.missing.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_control_did_not_sign_so_is_refused_and_the_last_good_one_stays() {
    let (rig, _) = Rig::local();
    let publisher = rig.publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    publisher.publish("jon", "", texts("2"), 1).await.unwrap();
    let good = publisher.current().unwrap();
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 2).await;
    // From here on the bus belongs to somebody else: control is not running.
    rig.stop.cancel();
    let (rig, other) = (
        Rig {
            stop: CancellationToken::new(),
            bus: Arc::clone(&rig.bus),
            clock: rig.clock.clone(),
            folder: TempDir::new().unwrap(),
            metrics: rig.metrics.clone(),
        },
        key(2),
    );
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 2).await;

    let next = Manifest {
        revision: 3,
        parent: Some(good.digest),
        blobs: BTreeMap::new(),
        ..good.manifest.clone()
    };
    let exact = |manifest: &Manifest, key: &SigningKey| {
        let payload = serde_json::to_vec(manifest).unwrap();
        key.sign(Purpose::Manifest, payload).to_bytes()
    };
    let absent = BlobReference::of(b"the bus holds something else");
    let wrong = absent.digest.to_string();
    let content = Bytes::from_static(b"something else");
    rig.bus.put_blob(&wrong, content).await.unwrap();
    let huge = BlobReference {
        size: (64 << 20) + 1,
        ..absent
    };
    let with = |name: &str, blob: BlobReference| Manifest {
        blobs: [(name.to_owned(), blob)].into(),
        ..next.clone()
    };
    let poison = BlobReference::of(b"poison");
    let bomb = BlobReference::of(b"bomb");
    for text in ["poison", "bomb"] {
        let name = BlobReference::of(text.as_bytes()).digest.to_string();
        rig.bus.put_blob(&name, text.into()).await.unwrap();
    }
    let offers: Vec<(&str, Vec<u8>, &str)> = vec![
        ("another key", exact(&next, &other), "not trusted"),
        ("no signature", b"{}".to_vec(), "not signed"),
        (
            "another purpose",
            {
                let payload = serde_json::to_vec(&next).unwrap();
                key(1).sign(Purpose::Freshness, payload).to_bytes()
            },
            "does not hold",
        ),
        (
            "an old one",
            exact(
                &Manifest {
                    revision: 1,
                    ..next.clone()
                },
                &key(1),
            ),
            "older",
        ),
        (
            "another with its number",
            exact(
                &Manifest {
                    revision: 2,
                    ..next.clone()
                },
                &key(1),
            ),
            "another snapshot",
        ),
        (
            "too large",
            exact(
                &Manifest {
                    reason: "r".repeat(1 << 20),
                    ..next.clone()
                },
                &key(1),
            ),
            "too large",
        ),
        (
            "too large a blob",
            exact(&with("a", huge), &key(1)),
            "too large",
        ),
        (
            "an unknown extension",
            exact(
                &Manifest {
                    critical: vec!["known".into(), "new".into()],
                    ..next.clone()
                },
                &key(1),
            ),
            "\"new\"",
        ),
        (
            "a wrong blob",
            exact(&with("a", absent), &key(1)),
            "as it was signed",
        ),
        (
            "what cannot be decoded",
            exact(&with("a", poison), &key(1)),
            "poison",
        ),
        (
            "what breaks the decoder",
            exact(&with("a", bomb), &key(1)),
            "decoder failed",
        ),
    ];
    for (what, head, why) in offers {
        rig.force_head(head).await;
        let expected = |problem: &str| problem.contains(why);
        eventually_async(what, async || {
            let report = report(&rig.bus, "gateway.a").await;
            report.is_some_and(|report| {
                report.state == InstanceState::Refusing
                    && report.revision == 2
                    && report.problem.as_deref().is_some_and(expected)
            })
        })
        .await;
        assert_eq!((live.revision(), shown(&live).as_str()), (2, "2"), "{what}");
    }
    // And a good one is still taken.
    rig.force_head(exact(
        &Manifest {
            critical: vec!["known".into()],
            ..next
        },
        &key(1),
    ))
    .await;
    reaches(&live, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_starts_from_its_disk_without_the_bus() {
    let (rig, bus) = Rig::local();
    let publisher = rig.publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let first = CancellationToken::new();
    let live = rig.follow("a", &first).await;
    reaches(&live, 1).await;
    persisted(&rig.bus, "gateway.a", 1).await;
    eventually("freshness is kept", || {
        rig.at("a").join("freshness").exists()
    })
    .await;
    first.cancel();
    bus.set_away(true);

    let began = Instant::now();
    let again = rig.follow("a", &rig.stop).await;
    assert!(began.elapsed() < Duration::from_millis(300));
    assert_eq!((again.revision(), shown(&again).as_str()), (1, "1"));
    assert_eq!(again.age(rig.clock.now()), Some(Duration::ZERO));

    bus.set_away(false);
    publisher.publish("jon", "", texts("2"), 1).await.unwrap();
    reaches(&again, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_last_good_is_ignored_and_fetched_again() {
    let (rig, bus) = Rig::local();
    let publisher = rig.publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let blob = BlobReference::of(b"1").digest.to_string();
    let damage = |id: &str, at: &Path| match id {
        "cut" => std::fs::write(at.join("head"), b"{\"payl"),
        "flipped" => {
            let mut bytes = std::fs::read(at.join("head")).unwrap();
            let middle = bytes.len() / 2;
            *bytes.get_mut(middle).unwrap() ^= 1;
            std::fs::write(at.join("head"), bytes)
        }
        "changed-blob" => std::fs::write(at.join("blobs").join(&blob), b"2"),
        _ => std::fs::remove_file(at.join("blobs").join(&blob)),
    };
    for id in ["cut", "flipped", "changed-blob", "missing-blob"] {
        let first = CancellationToken::new();
        let live = rig.follow(id, &first).await;
        reaches(&live, 1).await;
        persisted(&rig.bus, &format!("gateway.{id}"), 1).await;
        first.cancel();
        damage(id, &rig.at(id)).unwrap();
        bus.set_away(true);
        let again = rig.follow(id, &rig.stop).await;
        assert!(again.current().is_none(), "{id} was believed");
        bus.set_away(false);
        reaches(&again, 1).await;
        assert_eq!(shown(&again), "1");
        eventually("it is whole again", || {
            std::fs::read(rig.at(id).join("blobs").join(&blob)).is_ok_and(|bytes| bytes == b"1")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_to_one_revision_one_is_told_to_look_again() {
    let (rig, _) = Rig::local();
    let one = rig.idle_publisher("one").await;
    let two = rig.idle_publisher("two").await;
    one.publish("jon", "", texts("1"), 0).await.unwrap();
    let late = two.publish("jane", "", texts("x"), 0).await;
    assert!(
        matches!(late, Err(PublishError::Conflict { current: 1 })),
        "{late:?}"
    );
    for round in 1..6_u64 {
        let content = format!("{round}");
        let (a, b) = tokio::join!(
            one.publish("jon", "a", texts(&content), round),
            two.publish("jane", "b", texts("other"), round),
        );
        match (&a, &b) {
            (Ok(won), Err(PublishError::Conflict { current }))
            | (Err(PublishError::Conflict { current }), Ok(won)) => {
                assert_eq!((*won, *current), (round + 1, round + 1));
            }
            both => panic!("{both:?}"),
        }
    }
    let (a, b) = (
        one.history(10).await.unwrap(),
        two.history(10).await.unwrap(),
    );
    // Each store may lack what the other wrote in between, but where both have
    // a number it is the same snapshot, and parents are linked.
    for snapshot in &a {
        let same = b
            .iter()
            .find(|other| other.manifest.revision == snapshot.manifest.revision);
        assert!(same.is_none_or(|same| same.digest == snapshot.digest));
    }
    let newest = a.iter().chain(&b).map(|at| at.manifest.revision).max();
    assert_eq!(newest, Some(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_that_lost_everything_gets_it_back() {
    let (rig, bus) = Rig::local();
    let publisher = rig.publisher("control").await;
    let live = rig.follow("a", &rig.stop).await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    publisher.publish("jon", "", texts("2"), 1).await.unwrap();
    reaches(&live, 2).await;
    bus.wipe();
    eventually_async("the head is back", async || head(&rig.bus).await == Some(2)).await;
    assert_eq!((live.revision(), shown(&live).as_str()), (2, "2"));
    let newcomer = rig.follow("b", &rig.stop).await;
    reaches(&newcomer, 2).await;
    assert_eq!(shown(&newcomer), "2");
    publisher.publish("jon", "", texts("3"), 2).await.unwrap();
    reaches(&live, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_or_foreign_head_on_the_bus_is_put_right() {
    let (rig, _) = Rig::local();
    let publisher = rig.publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let old = publisher.current().unwrap();
    publisher.publish("jon", "", texts("2"), 1).await.unwrap();
    let old = SignedManifest::sign(&old.manifest, &key(1)).unwrap();
    let old = serde_json::to_vec(&old.manifest).unwrap();
    let old = key(1).sign(Purpose::Manifest, old).to_bytes();
    for bad in [old, b"rubbish".to_vec()] {
        rig.force_head(bad).await;
        let again = rig.idle_publisher("control").await;
        assert_eq!(again.revision(), 2);
        assert_eq!(head(&rig.bus).await, Some(2));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_that_lost_its_disk_adopts_what_the_bus_holds() {
    let (rig, _) = Rig::local();
    let first = rig.idle_publisher("first").await;
    first.publish("jon", "", texts("1"), 0).await.unwrap();
    first.publish("jon", "", texts("2"), 1).await.unwrap();
    let second = rig.idle_publisher("second").await;
    assert_eq!(second.revision(), 2);
    let current = second.current().unwrap();
    let content = second.content(&current.manifest).await.unwrap();
    assert_eq!(content, texts("2"));
    assert_eq!(second.publish("jon", "", texts("3"), 2).await.unwrap(), 3);
    // Both lost: an instance that knows better keeps control from going back.
    let (empty, _) = Rig::local();
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 3).await;
    persisted(&rig.bus, "gateway.a", 3).await;
    std::fs::rename(rig.at("a"), empty.at("a")).unwrap();
    let fresh = empty.publisher("control").await;
    let knows = empty.follow("a", &empty.stop).await;
    assert_eq!(knows.revision(), 3);
    eventually("it reports", || !fresh.rollout().instances().is_empty()).await;
    let refused = fresh.publish("jon", "", texts("x"), 0).await;
    assert!(
        matches!(refused, Err(PublishError::Ahead { revision: 3, .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_while_the_bus_is_away() {
    let (rig, bus) = Rig::local();
    let publisher = rig.publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    bus.set_away(true);
    let refused = publisher.publish("jon", "", texts("2"), 1).await;
    assert!(
        matches!(refused, Err(PublishError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(publisher.revision(), 1);
    bus.set_away(false);
    assert_eq!(
        publisher.publish("jon", "", texts("3"), 1).await.unwrap(),
        2
    );
    let large = [("a".to_owned(), Bytes::from(vec![0; (64 << 20) + 1]))].into();
    let refused = publisher.publish("jon", "", large, 2).await;
    assert!(
        matches!(refused, Err(PublishError::Invalid(_))),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unconfirmed_change_is_finished_after_a_restart() {
    for (fault, written) in [(Fault::BeforeWriting, false), (Fault::AfterWriting, true)] {
        let flaky = FlakyBus::new();
        let rig = Rig::on(flaky.clone());
        let publisher = rig.idle_publisher("control").await;
        publisher.publish("jon", "", texts("1"), 0).await.unwrap();
        flaky.next_compare_and_set(fault);
        let unknown = publisher.publish("jon", "", texts("2"), 1).await;
        let expected = matches!(unknown, Err(PublishError::Unconfirmed { revision: 2, .. }));
        assert!(expected, "{unknown:?}");
        assert_eq!(head(&rig.bus).await, Some(if written { 2 } else { 1 }));
        drop(publisher);
        let again = rig.idle_publisher("control").await;
        assert_eq!(again.revision(), 2);
        assert_eq!(head(&rig.bus).await, Some(2));
        assert_eq!(again.publish("jon", "", texts("3"), 2).await.unwrap(), 3);
        assert_eq!(again.history(10).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unconfirmed_change_gives_way_to_one_that_came_first() {
    let flaky = FlakyBus::new();
    let rig = Rig::on(flaky.clone());
    let one = rig.idle_publisher("one").await;
    one.publish("jon", "", texts("1"), 0).await.unwrap();
    let two = rig.idle_publisher("two").await;
    flaky.next_compare_and_set(Fault::BeforeWriting);
    let unknown = one.publish("jon", "", texts("mine"), 1).await;
    assert!(matches!(unknown, Err(PublishError::Unconfirmed { .. })));
    two.publish("jane", "", texts("theirs"), 1).await.unwrap();
    let again = rig.idle_publisher("one").await;
    let current = again.current().unwrap();
    assert_eq!(
        (current.manifest.revision, current.manifest.author.as_str()),
        (2, "jane")
    );
    assert_eq!(
        again.content(&current.manifest).await.unwrap(),
        texts("theirs")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_stops_control_instead_of_going_back() {
    let (rig, _) = Rig::local();
    let publisher = rig.idle_publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    publisher.publish("jon", "", texts("2"), 1).await.unwrap();
    drop(publisher);
    let newest = rig.at("control/snapshots/00000000000000000002.json");
    std::fs::write(newest, b"rubbish").unwrap();
    let refused = Publisher::open(PublisherSettings {
        bus: Arc::clone(&rig.bus),
        key: key(1),
        trusted: TrustedKeys::of(&key(1)),
        folder: rig.at("control"),
        clock: Arc::new(rig.clock.clone()),
    })
    .await;
    assert!(refused.unwrap_err().to_string().contains("damaged"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn age_grows_without_freshness_and_not_with_it() {
    let (rig, _) = Rig::local();
    let publisher = rig.idle_publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 1).await;
    let hour = Duration::from_secs(3600);
    assert_eq!(live.age(rig.clock.now()), Some(Duration::ZERO));
    rig.clock.advance(hour);
    assert_eq!(live.age(rig.clock.now()), Some(hour));

    let digest = live.current().unwrap().digest;
    let say = async |freshness: Freshness, key: SigningKey| {
        let signed = freshness.sign(&key).to_bytes();
        let put = rig
            .bus
            .put(Bucket::Configuration, FRESHNESS, signed.into(), None);
        put.await.unwrap();
    };
    say(Freshness::at(1, digest, rig.clock.now()), key(1)).await;
    eventually("it is fresh", || {
        live.age(rig.clock.now()) == Some(Duration::ZERO)
    })
    .await;
    let told = rig.clock.now();
    rig.clock.advance(hour);
    // Forged, of another snapshot, and replayed: none counts.
    say(Freshness::at(1, digest, rig.clock.now()), key(2)).await;
    let other = Digest::of(b"other");
    say(Freshness::at(1, digest, told), key(1)).await;
    say(Freshness::at(2, other, rig.clock.now()), key(1)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(live.age(rig.clock.now()), Some(hour));
    // It was heard all the same, and counts once that snapshot is in use.
    let held = live.current().unwrap();
    assert_eq!((held.revision, held.digest), (1, digest));
    // Control itself, running.
    let running = rig.publisher("control").await;
    rig.clock.advance(Duration::from_secs(1));
    running.publish("jon", "", texts("2"), 1).await.unwrap();
    eventually("it is fresh again", || {
        live.age(rig.clock.now()) == Some(Duration::ZERO)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_do_not_stand_in_the_way_of_reports() {
    let (rig, _) = Rig::local();
    let publisher = rig.publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 1).await;
    persisted(&rig.bus, "gateway.a", 1).await;
    let said = rig.bus.read(Bucket::Instances, "gateway.a").await.unwrap();
    let said = said.unwrap().value;
    let bus = Arc::clone(&rig.bus);
    let reporting = tokio::spawn(async move {
        for number in 0..5_000 {
            let key = format!("gateway.{}", number % 7);
            let said = renamed(&said, &(number % 7).to_string());
            let put = bus.put(Bucket::Instances, &key, said, None);
            put.await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    while !reporting.is_finished() {
        let rollout = publisher.rollout().wait_applied(1, Duration::from_secs(1));
        assert!(rollout.await.missing.is_empty());
        tokio::task::yield_now().await;
    }
    reporting.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_nats_a_change_arrives_at_once_and_outlives_the_server() {
    let mut server = NatsServer::start();
    let rig = Rig::on(server.bus("control").await);
    let publisher = rig.publisher("control").await;
    let mut lives = Vec::new();
    for role in ["gateway", "certval", "directory", "control"] {
        let bus: Arc<dyn Bus> = Arc::new(server.bus(role).await);
        lives.push(
            rig.follow_over(&bus, role, &format!("{role}-1"), &rig.stop)
                .await,
        );
    }
    eventually("four report", || publisher.rollout().instances().len() == 4).await;
    for round in 0..5_u64 {
        let began = Instant::now();
        let content = texts(&"x".repeat(1 + 200_000 * usize::try_from(round).unwrap()));
        publisher.publish("jon", "", content, round).await.unwrap();
        let applied = publisher
            .rollout()
            .wait_applied(round + 1, Duration::from_secs(5));
        let applied = applied.await;
        println!("round {round}: applied by all in {:?}", began.elapsed());
        assert_eq!((applied.applied.len(), applied.missing.len()), (4, 0));
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    server.kill();
    eventually_async("it is noticed", async || {
        rig.bus.read(Bucket::Configuration, HEAD).await.is_err()
    })
    .await;
    for live in &lives {
        assert_eq!(live.at_least(5, Duration::ZERO).await.unwrap().revision, 5);
    }
    let refused = publisher.publish("jon", "", texts("x"), 5).await;
    assert!(
        matches!(refused, Err(PublishError::Unavailable(_))),
        "{refused:?}"
    );
    // The store is lost with the server.
    server.restart_empty();
    eventually_async("the head is back", async || head(&rig.bus).await == Some(5)).await;
    eventually_async("a change goes through", async || {
        publisher.publish("jon", "", texts("6"), 5).await.is_ok()
    })
    .await;
    for live in &lives {
        reaches(live, 6).await;
        assert_eq!(shown(live), "6");
    }
}

/// An instance's report as another one of its role would send it.
fn renamed(said: &Bytes, id: &str) -> Bytes {
    changed(said, |report| report["id"] = id.into())
}

fn changed(said: &Bytes, change: impl FnOnce(&mut serde_json::Value)) -> Bytes {
    let mut report = serde_json::from_slice(said).unwrap();
    change(&mut report);
    serde_json::to_vec(&report).unwrap().into()
}
