//! What the live configuration promises: every instance comes to use what
//! control signed and nothing else, through outages, restarts, lost stores and
//! forged content.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed expectation is how these tests fail"
)]

#[path = "rig/flaky_bus.rs"]
mod flaky_bus;
#[path = "rig/installation.rs"]
mod installation;
#[path = "rig/nats_server.rs"]
mod nats_server;

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
use secrecy::ExposeSecret;
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
async fn a_report_alone_does_not_keep_control_from_writing() {
    let (rig, _) = Rig::local();
    let publisher = rig.publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 1).await;
    persisted(&rig.bus, "gateway.a", 1).await;
    let said = rig.bus.read(Bucket::Instances, "gateway.a").await.unwrap();
    let said = said.unwrap().value;
    let manifest = Manifest {
        revision: u64::MAX,
        ..publisher.current().unwrap().manifest.clone()
    };
    let payload = serde_json::to_vec(&manifest).unwrap();
    let forged = key(2).sign(Purpose::Manifest, payload).to_bytes();
    let forged = String::from_utf8(forged).unwrap();
    // With the manifest of what it uses, with one of another key, with none.
    for (id, signed) in [("b", None), ("c", Some(forged.as_str())), ("d", Some(""))] {
        let report = changed(&renamed(&said, id), |report| {
            report["revision"] = u64::MAX.into();
            if let Some(signed) = signed {
                report["signed"] = signed.into();
            }
        });
        let at = format!("gateway.{id}");
        let put = rig.bus.put(Bucket::Instances, &at, report, None);
        put.await.unwrap();
    }
    // And one under another's key, of its own role, is nobody's.
    let put = rig.bus.put(Bucket::Instances, "gateway.e", said, None);
    put.await.unwrap();
    eventually("they are heard", || {
        publisher.rollout().instances().len() == 4
    })
    .await;
    let second = publisher.publish("jon", "", texts("2"), 1).await;
    assert_eq!(second.unwrap(), 2);
    let instances = publisher.rollout().instances();
    let ids: Vec<&str> = instances.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "d"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_instance_proves_is_adopted_where_its_content_is_there() {
    let (rig, _) = Rig::local();
    let first = rig.idle_publisher("first").await;
    first.publish("jon", "", texts("1"), 0).await.unwrap();
    first.publish("jon", "", texts("2"), 1).await.unwrap();
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 2).await;
    persisted(&rig.bus, "gateway.a", 2).await;
    // Control's disk and the head are lost; the blobs are there.
    let (empty, bus) = Rig::local();
    std::fs::rename(rig.at("a"), empty.at("a")).unwrap();
    for content in texts("2").into_values() {
        let name = BlobReference::of(&content).digest.to_string();
        bus.put_blob(&name, content).await.unwrap();
    }
    let knows = empty.follow("a", &empty.stop).await;
    assert_eq!(knows.revision(), 2);
    let fresh = empty.publisher("control").await;
    let standing = fresh.standing(&["gateway"], Duration::from_secs(10)).await;
    assert_eq!(standing.unwrap().unwrap().manifest.revision, 2);
    assert_eq!(head(&empty.bus).await, Some(2));
    assert_eq!(fresh.publish("jon", "", texts("3"), 2).await.unwrap(), 3);
    reaches(&knows, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_knows_how_far_a_change_came_before_anybody_was_heard() {
    let (rig, _) = Rig::local();
    let publisher = rig.idle_publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 1).await;
    persisted(&rig.bus, "gateway.a", 1).await;
    // Just started: it has not read the reports yet.
    let began = Instant::now();
    let waiting = publisher.clone();
    let waiting = tokio::spawn(async move {
        let rollout = waiting.rollout();
        rollout.wait_applied(1, Duration::from_secs(10)).await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "it answered for nobody");
    tokio::spawn(publisher.run(rig.stop.clone()));
    let applied = waiting.await.unwrap();
    assert_eq!((applied.applied.len(), applied.missing.len()), (1, 0));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_was_not_taken_leaves_the_age_of_the_one_in_use() {
    let (rig, _) = Rig::local();
    let publisher = rig.idle_publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let live = rig.follow("a", &rig.stop).await;
    reaches(&live, 1).await;
    // More than a day later, confirmed all the time.
    rig.clock.advance(Duration::from_secs(25 * 3600));
    let stop = CancellationToken::new();
    let running = tokio::spawn(publisher.clone().run(stop.clone()));
    eventually("it is fresh", || {
        live.age(rig.clock.now()) == Some(Duration::ZERO)
    })
    .await;
    let poison = publisher.publish("jon", "", texts("poison"), 1).await;
    assert_eq!(poison.unwrap(), 2);
    eventually_async("it is refused, and said to be fresh", async || {
        let report = report(&rig.bus, "gateway.a").await;
        let refusing = report.is_some_and(|it| it.state == InstanceState::Refusing);
        refusing && freshness(&rig.bus).await.is_some_and(|it| it.revision == 2)
    })
    .await;
    // Long enough for the watch to bring it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(live.age(rig.clock.now()), Some(Duration::ZERO));
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(live.age(rig.clock.now()), Some(Duration::from_secs(60)));
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_that_fell_behind_says_nothing_fresh() {
    let (rig, bus) = Rig::local();
    let stale = rig.idle_publisher("stale").await;
    stale.publish("jon", "", texts("1"), 0).await.unwrap();
    let other = rig.idle_publisher("other").await;
    other.publish("jane", "", texts("2"), 1).await.unwrap();
    // What the other one published cannot be adopted: a part is gone.
    let blob = BlobReference::of(b"2").digest.to_string();
    let content = bus.blob(&blob).await.unwrap().unwrap();
    bus.remove_blob(&blob).await.unwrap();
    let running = rig.stop.child_token();
    tokio::spawn(stale.clone().run(running.clone()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(stale.revision(), 1);
    assert_eq!(freshness(&rig.bus).await, None);
    // Whole again, it is adopted, and then said.
    bus.put_blob(&blob, content).await.unwrap();
    eventually_async("the newest is fresh", async || {
        bus.set_away(true);
        bus.set_away(false);
        freshness(&rig.bus).await.is_some_and(|it| it.revision == 2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_that_old_revisions_named_leave_the_bus() {
    let (rig, bus) = Rig::local();
    let publisher = rig.publisher("control").await;
    for revision in 0..40_u64 {
        let content = texts(&format!("{revision}"));
        publisher
            .publish("jon", "", content, revision)
            .await
            .unwrap();
    }
    let there = async |content: u64| {
        let name = BlobReference::of(content.to_string().as_bytes()).digest;
        bus.blob(&name.to_string()).await.unwrap().is_some()
    };
    // Nothing goes at once: another control may be about to use it.
    assert!(there(0).await && there(7).await);
    let mut next = 40;
    eventually_async("the old ones go", async || {
        rig.clock.advance(Duration::from_secs(601));
        let content = texts(&format!("{next}"));
        publisher.publish("jon", "", content, next).await.unwrap();
        next += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
        !there(0).await && !there(7).await
    })
    .await;
    // The newest stay, and so does what all of them share.
    for content in next - 32..next {
        assert!(there(content).await, "{content} of {next}");
    }
    let newcomer = rig.follow("a", &rig.stop).await;
    reaches(&newcomer, next).await;
    // Control itself keeps them all.
    let first = publisher.snapshot(1).await.unwrap().unwrap();
    assert_eq!(
        publisher.content(&first.manifest).await.unwrap(),
        texts("0")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_whose_content_is_nowhere_is_not_put_on_the_bus() {
    let (rig, bus) = Rig::local();
    let publisher = rig.idle_publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    drop(publisher);
    let blob = BlobReference::of(b"1").digest.to_string();
    let file = rig.at("control/blobs").join(&blob);
    std::fs::write(&file, b"damaged").unwrap();
    // Lost on the bus, too.
    bus.wipe();
    let publisher = rig.publisher("control").await;
    assert_eq!((publisher.revision(), head(&rig.bus).await), (1, None));
    // The bus's copy mends control's.
    bus.put_blob(&blob, Bytes::from_static(b"1")).await.unwrap();
    eventually_async("the head is put there", async || {
        head(&rig.bus).await == Some(1)
    })
    .await;
    assert_eq!(std::fs::read(&file).unwrap(), b"1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_blob_does_not_make_the_others_be_fetched_again() {
    let flaky = FlakyBus::new();
    let rig = Rig::on(flaky.clone());
    let publisher = rig.idle_publisher("control").await;
    let blobs: BTreeMap<String, Bytes> = (0..20)
        .map(|index| (format!("part {index}"), Bytes::from(format!("{index}"))))
        .collect();
    publisher.publish("jon", "", blobs, 0).await.unwrap();
    let missing = BlobReference::of(b"7").digest.to_string();
    flaky.remove_blob(&missing).await.unwrap();
    let live = rig.follow("a", &rig.stop).await;
    eventually("all others are fetched, and that one thrice", || {
        flaky.fetches(&missing) >= 3
    })
    .await;
    assert_eq!(live.revision(), 0);
    let fetched = flaky.fetches(&BlobReference::of(b"19").digest.to_string());
    assert_eq!(fetched, 1);
    flaky
        .put_blob(&missing, Bytes::from_static(b"7"))
        .await
        .unwrap();
    reaches(&live, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_has_the_servers_answer_stored_as_the_head_changes_nothing() {
    let server = NatsServer::start();
    let rig = Rig::on(server.bus("control").await);
    let publisher = rig.publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    publisher.publish("jon", "", texts("2"), 1).await.unwrap();
    let bus: Arc<dyn Bus> = Arc::new(server.bus("certval").await);
    let live = rig
        .follow_over(&bus, "certval", "certval-1", &rig.stop)
        .await;
    reaches(&live, 2).await;
    let good = rig
        .bus
        .read(Bucket::Configuration, HEAD)
        .await
        .unwrap()
        .unwrap();
    // A gateway's password, without Postern's code between.
    let settings = server.settings("gateway");
    let authority = rig.at("nats-ca.pem");
    std::fs::write(&authority, &settings.ca_pem).unwrap();
    let password = settings.password.expose_secret().to_owned();
    let thief = async_nats::ConnectOptions::new()
        .user_and_password("gateway".to_owned(), password)
        .require_tls(true)
        .tls_first()
        .add_root_certificates(authority)
        .connect(&settings.url)
        .await
        .unwrap();
    let question = r#"{"last_by_subj":"x"}"#;
    for key in [HEAD, FRESHNESS] {
        let asked = "$JS.API.STREAM.MSG.GET.KV_postern_signed_out";
        let into = format!("$KV.postern_configuration.{key}");
        let put = thief.publish_with_reply(asked, into, question.into());
        put.await.unwrap();
    }
    thief.flush().await.unwrap();
    // It was there: the version moved on; and control's is back.
    eventually_async("the head is put right", async || {
        let now = rig.bus.read(Bucket::Configuration, HEAD).await.unwrap();
        now.is_some_and(|now| now.version > good.version && now.value == good.value)
    })
    .await;
    assert_eq!((live.revision(), shown(&live).as_str()), (2, "2"));
    publisher.publish("jon", "", texts("3"), 2).await.unwrap();
    reaches(&live, 3).await;
    eventually_async("freshness is put right", async || {
        freshness(&rig.bus).await.is_some_and(|it| it.revision == 3)
    })
    .await;
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

/// What control last said to be the newest.
async fn freshness(bus: &Arc<dyn Bus>) -> Option<Freshness> {
    let entry = bus.read(Bucket::Configuration, FRESHNESS).await.ok()??;
    let keys = TrustedKeys::of(&key(1));
    let payload = keys.open(Purpose::Freshness, &entry.value).ok()?;
    serde_json::from_slice(&payload).ok()
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
