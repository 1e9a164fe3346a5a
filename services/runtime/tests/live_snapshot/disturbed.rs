//! What reports, other controls, lost content and roles that go astray can do
//! to the live configuration, and what not.

use secrecy::ExposeSecret;

use super::*;

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

/// What control last said to be the newest.
async fn freshness(bus: &Arc<dyn Bus>) -> Option<Freshness> {
    let entry = bus.read(Bucket::Configuration, FRESHNESS).await.ok()??;
    let keys = TrustedKeys::of(&key(1));
    let payload = keys.open(Purpose::Freshness, &entry.value).ok()?;
    serde_json::from_slice(&payload).ok()
}
