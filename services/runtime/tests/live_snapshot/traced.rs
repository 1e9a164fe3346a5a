//! A change as one trace, and an instance's configuration in numbers.

use std::collections::BTreeSet;

use runtime::trace::TraceContext;
use tracing::{Instrument, info_span};

use super::recorded_spans::{Seen, recorded};
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_one_trace_over_every_instance() {
    let (rig, _) = Rig::local();
    one_trace(&rig, [&rig.bus; 2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_nats_a_change_is_one_trace_over_every_instance() {
    let server = NatsServer::start();
    let rig = Rig::on(server.bus("control").await);
    let gateway: Arc<dyn Bus> = Arc::new(server.bus("gateway").await);
    one_trace(&rig, [&gateway; 2]).await;
}

async fn one_trace(rig: &Rig, buses: [&Arc<dyn Bus>; 2]) {
    recorded();
    let publisher = rig.publisher("control").await;
    let a = rig.follow_over(buses[0], "gateway", "a", &rig.stop).await;
    let b = rig.follow_over(buses[1], "gateway", "b", &rig.stop).await;
    let change = published(&publisher, "1", 0).await;
    for live in [&a, &b] {
        reaches(live, 1).await;
    }
    eventually("the whole trace is there", || {
        let seen = recorded().of(change);
        let count = |name| seen.iter().filter(|span| span.name == name).count();
        count("apply revision") == 2 && count("report revision") == 2 && count("change") == 1
    })
    .await;
    let seen = recorded().of(change);
    let all: BTreeSet<(&str, Option<&str>, &str)> = seen
        .iter()
        .map(|span| (&*span.name, span.parent.as_deref(), &*span.kind))
        .collect();
    let expected = [
        ("apply revision", Some("publish revision"), "Consumer"),
        ("change", None, "Internal"),
        ("decode", Some("apply revision"), "Internal"),
        ("fetch parts", Some("apply revision"), "Internal"),
        ("keep", Some("apply revision"), "Internal"),
        ("publish revision", Some("change"), "Producer"),
        ("put parts", Some("publish revision"), "Internal"),
        ("report revision", Some("apply revision"), "Producer"),
        ("store revision", Some("publish revision"), "Internal"),
    ];
    assert_eq!(all, BTreeSet::from(expected));
    // What is not there cannot tell on anybody: neither author nor reason.
    let known = [
        "busy_ns",
        "idle_ns",
        "code.file.path",
        "code.line.number",
        "code.module.name",
    ];
    let known = known
        .into_iter()
        .chain(["target", "thread.id", "thread.name"]);
    let known: BTreeSet<&str> = known.chain(["revision", "outcome", "parts"]).collect();
    for span in &seen {
        for field in span.fields.keys() {
            assert!(known.contains(&**field), "{field} in {span:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_control_puts_there_again_is_nobodys_change() {
    recorded();
    let (rig, bus) = Rig::local();
    let publisher = rig.publisher("control").await;
    let change = published(&publisher, "1", 0).await;
    assert_eq!(standing(&rig).await, Some(change.trace_id().to_string()));
    bus.set_away(true);
    bus.wipe();
    bus.set_away(false);
    eventually_async("it is there again", async || {
        head(&rig.bus).await == Some(1)
    })
    .await;
    let again = standing(&rig).await.unwrap();
    assert_ne!(again, change.trace_id().to_string());

    // Whoever applies it goes on with what put it there.
    let live = rig.follow("late", &rig.stop).await;
    reaches(&live, 1).await;
    eventually("it is applied", || {
        let seen = recorded().of_id(&again);
        let applied = seen.iter().find(|span| span.name == "apply revision");
        applied.is_some_and(|span| span.parent.as_deref() == Some("restore revision"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_comes_much_later_begins_a_trace_of_its_own() {
    recorded();
    let (rig, _) = Rig::local();
    let publisher = rig.publisher("control").await;
    let change = published(&publisher, "1", 0).await;
    rig.clock.advance(Duration::from_secs(3600));
    let live = rig.follow("late", &rig.stop).await;
    reaches(&live, 1).await;
    let id = change.trace_id().to_string();
    let linked = |span: &Seen| span.links.contains(&id);
    eventually("it is linked", || {
        recorded().named("apply revision").iter().any(linked)
    })
    .await;
    let own = recorded().of(change);
    assert!(
        own.iter().all(|span| span.name != "apply revision"),
        "{own:?}"
    );
}

/// Who writes a head that is not control's also writes what stands beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_head_begins_nothing_in_anybodys_trace() {
    recorded();
    let (rig, _) = Rig::local();
    let forger = info_span!("forger");
    let forgery = TraceContext::of(&forger).unwrap();
    let live = rig.follow("a", &rig.stop).await;
    rig.force_head("no manifest").instrument(forger).await;
    let id = forgery.trace_id().to_string();
    eventually("it is refused", || {
        let seen = recorded().named("apply revision");
        let refused = seen.iter().find(|span| span.links.contains(&id));
        refused.is_some_and(|span| span.fields["code"] == "manifest")
    })
    .await;
    let own = recorded().of(forgery);
    assert!(own.iter().all(|span| span.name == "forger"), "{own:?}");
    assert_eq!(live.revision(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_numbers_tell_what_is_applied_and_what_was_refused() {
    let (rig, bus) = Rig::local();
    let publisher = rig.idle_publisher("control").await;
    publisher.publish("jon", "", texts("1"), 0).await.unwrap();
    let _live = rig.follow("a", &rig.stop).await;
    let says = async |name: &str, value: &str| {
        let line = format!("{name}{{role=\"gateway\"}} {value}\n");
        let text = || rig.metrics.text().unwrap();
        eventually(&format!("{line} in {}", text()), || text().contains(&line)).await;
    };
    says("postern_snapshots_refused_total", "0").await;
    says("postern_revision", "1").await;
    says("postern_bus_connected", "1").await;
    rig.clock.advance(Duration::from_secs(90));
    says("postern_configuration_age_seconds", "90").await;
    // One that cannot be used is tried again and again, and counted once.
    let without_blobs = publisher.current().unwrap();
    let next = Manifest {
        revision: 2,
        parent: Some(without_blobs.digest),
        blobs: [("text".to_owned(), BlobReference::of(b"nowhere"))].into(),
        ..without_blobs.manifest.clone()
    };
    let payload = serde_json::to_vec(&next).unwrap();
    let next = key(1).sign(Purpose::Manifest, payload).to_bytes();
    rig.force_head(next).await;
    says("postern_snapshots_refused_total", "1").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    says("postern_snapshots_refused_total", "1").await;
    rig.force_head("no manifest").await;
    says("postern_snapshots_refused_total", "2").await;
    says("postern_revision", "1").await;
    bus.set_away(true);
    says("postern_bus_connected", "0").await;
}

/// Publishes inside of a span, which stands for the request.
async fn published(publisher: &Publisher, text: &str, expected: u64) -> TraceContext {
    let span = info_span!("change");
    let change = TraceContext::of(&span).unwrap();
    let published = publisher.publish("jon", "because", texts(text), expected);
    published.instrument(span).await.unwrap();
    change
}

/// The trace that the head on the bus says wrote it.
async fn standing(rig: &Rig) -> Option<String> {
    let entry = rig.bus.read(Bucket::Configuration, HEAD).await.unwrap();
    let trace = entry.unwrap().trace?;
    Some(trace.trace_id().to_string())
}
