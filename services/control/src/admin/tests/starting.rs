//! Beginning, beginning again, and beginning wrongly.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use runtime::bus::{Bucket, Bus};
use runtime::private_files::PUBLIC;
use runtime::tasks::Tasks;
use serde_json::Value;
use tokio::time::timeout;

use crate::initial::Initial;
use crate::rig::{Control, SOON, World, write};

const RANGES: &str = "/v1/connections/FabrikamAD/ranges";

#[tokio::test]
async fn a_restarted_control_keeps_its_configuration_and_its_token() {
    let world = World::new();
    let control = world.control("control").await;
    control
        .ask(Method::POST, RANGES, r#"{"ranges":["10.1.0.0/16"]}"#)
        .await;
    let token = control.token.clone();
    control.stop().await;
    // The bus lost everything meanwhile, and the initial configuration is still given.
    world.bus.wipe();
    let mut settings = world.settings("control");
    settings.initial_configuration = Some(world.keys().join("does-not-exist.toml"));
    let control = world
        .started(&settings, Some(Initial::given(world.initial())))
        .await
        .unwrap();
    control.applied(2).await;
    assert_eq!(control.token, token);
    let answer = control.get("/v1/configuration").await;
    assert_eq!(answer.number("revision"), 2);
    assert!(answer.body.to_string().contains("10.1.0.0/16"));
    timeout(SOON, control.readiness.ready()).await.unwrap();
    control.stop().await;
}

#[tokio::test]
async fn the_first_revision_waits_for_certval() {
    let world = World::new();
    world.known.set_away(true);
    let initial = Initial::given(world.initial());
    let control = world
        .started(&world.settings("control"), Some(initial))
        .await
        .unwrap();
    let answer = control.get("/v1/connections").await;
    assert_eq!(
        (answer.status, answer.problem()),
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    );
    assert!(!control.readiness.is_ready());
    world.known.set_away(false);
    control.applied(1).await;
    timeout(SOON, control.readiness.ready()).await.unwrap();
    assert_eq!(control.get("/v1/connections").await.status, StatusCode::OK);
    control.stop().await;
}

#[tokio::test]
async fn without_an_initial_configuration_control_begins_with_an_empty_one() {
    let world = World::new();
    let control = world
        .started(&world.settings("control"), None)
        .await
        .unwrap();
    control.applied(1).await;
    timeout(SOON, control.readiness.ready()).await.unwrap();
    let answer = control.get("/v1/configuration").await;
    assert_eq!(answer.number("revision"), 1);
    for list in ["connections", "applications", "server_certificates"] {
        assert_eq!(answer.body[list], serde_json::json!([]), "{list}");
    }
    control.stop().await;
}

#[tokio::test]
async fn a_wrong_initial_file_stops_the_start_with_its_words() {
    let world = World::new();
    let file = world.keys().join("initial.toml");
    write(
        &file,
        "[[connections]]\nname = \"FabrikamAD\"\nrangs = []\n",
        PUBLIC,
    );
    let mut settings = world.settings("control");
    settings.initial_configuration = Some(file.clone());
    let control = world.started(&settings, None).await.unwrap();
    let words = ended(control).await;
    assert!(words.contains(file.to_str().unwrap()), "{words}");
    assert!(
        words.contains("rangs") && words.contains("did you mean `ranges`?"),
        "{words}"
    );
}

#[tokio::test]
async fn after_a_lost_disk_the_bus_is_asked_before_the_initial_file_is_judged() {
    let world = World::new();
    let control = world.control("control").await;
    control
        .ask(Method::POST, RANGES, r#"{"ranges":["10.1.0.0/16"]}"#)
        .await;
    control.stop().await;
    // Over NATS the bus is always away at first.
    world.bus.set_away(true);
    let mut settings = world.settings("another");
    settings.initial_configuration = Some(world.keys().join("does-not-exist.toml"));
    let control = world.started(&settings, None).await.unwrap();
    assert_eq!(
        control.get("/v1/connections").await.problem(),
        "unavailable"
    );
    world.bus.set_away(false);
    control.applied(2).await;
    timeout(SOON, control.readiness.ready()).await.unwrap();
    let answer = control.get("/v1/configuration").await;
    assert!(answer.body.to_string().contains("10.1.0.0/16"));
    assert!(!control.tasks.stopping().is_cancelled());
    control.stop().await;
}

#[tokio::test]
async fn an_instance_that_reports_late_keeps_control_from_beginning_anew() {
    let mut world = World::new();
    let control = world.control("control").await;
    let followers = Tasks::new();
    let live = world.follower("late", &followers).await;
    let mut revisions = live.subscribe();
    let reached = revisions.wait_for(|have| *have == 1);
    timeout(SOON, reached).await.unwrap().unwrap();
    // Its last words about this revision were heard: it has no reason to report but its interval.
    let mut persisted = 0;
    let began = Instant::now();
    while persisted == 0 {
        assert!(began.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let said = world.bus.read(Bucket::Instances, "gateway.late").await;
        let said = said.unwrap().map(|entry| entry.value).unwrap_or_default();
        let said: Value = serde_json::from_slice(&said).unwrap_or_default();
        persisted = said["persisted_revision"].as_u64().unwrap_or_default();
    }
    control.stop().await;
    // Control's disk and the bus's store are lost. The instance reports again within its interval.
    let blobs = world.bus.blobs().await.unwrap();
    let mut kept = Vec::new();
    for name in blobs {
        kept.push((name.clone(), world.bus.blob(&name).await.unwrap().unwrap()));
    }
    world.bus.wipe();
    for (name, content) in kept {
        world.bus.put_blob(&name, content).await.unwrap();
    }
    world.patience = crate::PATIENCE;
    let initial = Some(Initial::given(world.initial()));
    let lost = world.settings("another");
    let control = world.started(&lost, initial).await.unwrap();
    control.applied(1).await;
    // Not a new one: the very same.
    let (there, here) = (live.current().unwrap(), control.started.live.current());
    assert_eq!(here.unwrap().digest, there.digest);
    control.stop().await;
    followers.stop();
    followers.finish(SOON).await.unwrap();
}

#[tokio::test]
async fn a_mistake_found_later_stops_the_process_with_its_words() {
    let world = World::new();
    let mut initial = world.initial();
    initial.connections[0].ranges.push("10.0.0.0/99".to_owned());
    let control = world
        .started(&world.settings("control"), Some(Initial::given(initial)))
        .await
        .unwrap();
    let words = ended(control).await;
    assert!(words.contains("connections[0].ranges[2]"), "{words}");
}

/// Waits until a control ends by itself; its last words.
async fn ended(control: Control) -> String {
    let stopping = control.tasks.stopping();
    timeout(SOON, stopping.cancelled()).await.unwrap();
    let ended = control.tasks.finish(Duration::from_secs(5)).await;
    format!("{:?}", ended.unwrap_err())
}
