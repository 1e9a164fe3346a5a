//! Both buses keep the same promises: one suite, run against the in-process
//! bus and against a real nats-server with the shipped configuration.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a failed expectation is how these tests fail"
)]

#[path = "rig/nats_server.rs"]
mod nats_server;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use nats_server::{NatsServer, until};
use runtime::bus::{
    Bucket, Bus, BusState, Cause, Change, Entry, LocalBus, Log, NatsBus, Watch, WriteError,
};
use runtime::telemetry::{self, LogSettings, Output, Process, Telemetry, TracesSettings};
use runtime::trace::TraceContext;
use tracing::{Instrument, Span};

const C: Bucket = Bucket::Configuration;

/// The shipped configuration with a `control` that may also do what the bus
/// promises and no role does yet: the log, requests, and reading every bucket.
fn every_promise(shipped: &str) -> String {
    let more = r#""$O.postern_blobs.>"
          "$JS.API.STREAM.MSG.GET.*"
          "$JS.API.CONSUMER.CREATE.postern_events.>"
          "$JS.API.CONSUMER.INFO.postern_events.>"
          "$JS.FC.postern_events.>"
          "postern.events.control"
          "postern.config.>""#;
    let heard = r#"subscribe: ["_INBOX_control.>", "postern.config.>"]
        allow_responses: true"#;
    let widened = shipped.replace(r#""$O.postern_blobs.>""#, more);
    let widened = widened.replace(r#"subscribe: ["_INBOX_control.>"]"#, heard);
    assert_eq!(widened.matches("postern.config.>").count(), 2);
    widened
}

/// A bus under test, and the hands that take it away.
enum Rig {
    Local(LocalBus),
    Nats(Box<NatsServer>, Arc<NatsBus>),
}

impl Rig {
    fn local() -> Self {
        Self::Local(LocalBus::new())
    }

    async fn nats() -> Self {
        let server = NatsServer::start_with(every_promise);
        let bus = Arc::new(server.bus("control").await);
        Self::Nats(Box::new(server), bus)
    }

    fn bus(&self) -> Arc<dyn Bus> {
        match self {
            Self::Local(bus) => Arc::new(bus.clone()),
            Self::Nats(_, bus) => bus.clone(),
        }
    }

    async fn take_away(&mut self) {
        match self {
            Self::Local(bus) => bus.set_away(true),
            Self::Nats(server, _) => server.kill(),
        }
        assert!(until(&*self.bus(), BusState::Away).await);
    }

    async fn bring_back(&mut self) {
        match self {
            Self::Local(bus) => bus.set_away(false),
            Self::Nats(server, _) => server.restart(),
        }
        assert!(until(&*self.bus(), BusState::Connected).await);
    }

    async fn lose_everything(&mut self) {
        self.take_away().await;
        match self {
            Self::Local(bus) => {
                bus.wipe();
                bus.set_away(false);
            }
            Self::Nats(server, _) => server.restart_empty(),
        }
        assert!(until(&*self.bus(), BusState::Connected).await);
    }
}

/// Each promise as two tests.
macro_rules! promises {
    ($($promise:ident),* $(,)?) => {
        mod local {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(Rig::local()).await;
            })*
        }
        mod nats {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(Rig::nats().await).await;
            })*
        }
    };
}

promises!(
    a_value_is_read_as_it_was_written,
    of_two_writers_one_wins,
    a_life_ends_and_the_key_can_be_created_again,
    putting_again_renews_the_life,
    what_is_too_large_is_refused,
    blobs_come_back_whole,
    blobs_are_listed_and_removed,
    requests_are_answered,
    a_value_says_which_work_wrote_it,
    a_request_says_which_work_asks,
    a_log_is_resumed_by_number,
    a_watch_begins_with_what_is_there,
    a_watch_of_an_empty_bucket_is_caught_up_at_once,
    a_watch_hears_of_changes_and_ends,
    an_outage_loses_nothing,
    a_value_that_ended_during_an_outage_is_taken_back,
    a_lost_store_takes_values_back_and_numbers_start_over,
);

async fn a_value_is_read_as_it_was_written(rig: Rig) {
    let bus = rig.bus();
    assert_eq!(bus.read(C, "head").await.unwrap(), None);
    let bytes = Bytes::from_iter(0..=255_u8);
    let version = bus.put(C, "head", bytes.clone(), None).await.unwrap();
    let entry = bus.read(C, "head").await.unwrap().unwrap();
    assert_eq!(
        entry,
        Entry {
            key: "head".into(),
            value: bytes,
            version,
            trace: None,
        }
    );
    let other = bus.put(C, "head", text("b"), None).await.unwrap();
    assert!(other > version);
    assert_eq!(bus.read(Bucket::SignedOut, "head").await.unwrap(), None);
}

async fn of_two_writers_one_wins(rig: Rig) {
    let bus = rig.bus();
    let first = bus.compare_and_set(C, "head", text("1"), None).await;
    let first = first.unwrap();
    let again = bus.compare_and_set(C, "head", text("x"), None).await;
    assert!(matches!(again, Err(WriteError::Conflict)));
    for round in 0..10 {
        let standing = bus.read(C, "head").await.unwrap().unwrap();
        assert!(standing.version >= first);
        let expected = Some(standing.version);
        let (one, two) = tokio::join!(
            bus.compare_and_set(C, "head", text("one"), expected),
            bus.compare_and_set(C, "head", text("two"), expected),
        );
        let (won, value) = match (one, two) {
            (Ok(version), Err(WriteError::Conflict)) => (version, "one"),
            (Err(WriteError::Conflict), Ok(version)) => (version, "two"),
            both => panic!("round {round}: {both:?}"),
        };
        let now = bus.read(C, "head").await.unwrap().unwrap();
        assert_eq!((now.version, now.value), (won, text(value)));
    }
}

async fn a_life_ends_and_the_key_can_be_created_again(rig: Rig) {
    let bus = rig.bus();
    let life = Some(Duration::from_secs(1));
    bus.create(C, "once", text("1"), life).await.unwrap();
    let again = bus.create(C, "once", text("2"), life).await;
    assert!(matches!(again, Err(WriteError::Conflict)), "{again:?}");
    eventually("the value ends", async || {
        bus.read(C, "once").await.unwrap().is_none()
    })
    .await;
    bus.create(C, "once", text("3"), None).await.unwrap();
    let entry = bus.read(C, "once").await.unwrap().unwrap();
    assert_eq!(entry.value, text("3"));
    // And by compare-and-set, which shares the mark of the ended value.
    bus.create(C, "other", text("1"), life).await.unwrap();
    eventually("the other value ends", async || {
        bus.read(C, "other").await.unwrap().is_none()
    })
    .await;
    let set = bus.compare_and_set(C, "other", text("2"), None).await;
    set.unwrap();
}

async fn putting_again_renews_the_life(rig: Rig) {
    let bus = rig.bus();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        let life = Some(Duration::from_secs(2));
        bus.put(C, "control.1", text("here"), life).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(bus.read(C, "control.1").await.unwrap().is_some());
    }
    eventually("the value ends", async || {
        bus.read(C, "control.1").await.unwrap().is_none()
    })
    .await;
}

async fn what_is_too_large_is_refused(rig: Rig) {
    let bus = rig.bus();
    let large = Bytes::from(vec![7; 2 << 20]);
    bus.put(C, "head", large.clone(), None).await.unwrap();
    let read = bus.read(C, "head").await.unwrap().unwrap();
    assert!(read.value == large);
    let larger = Bytes::from(vec![7; (2 << 20) + 1]);
    let refused = bus.compare_and_set(C, "x", larger.clone(), None).await;
    assert!(matches!(refused, Err(WriteError::TooLarge { .. })));
    let refused = bus.append(Log::Events, larger).await;
    assert!(matches!(refused, Err(WriteError::TooLarge { .. })));
    let refused = bus.put_blob("huge", Bytes::from(vec![7; (64 << 20) + 1]));
    assert!(matches!(refused.await, Err(WriteError::TooLarge { .. })));
}

async fn blobs_come_back_whole(rig: Rig) {
    let bus = rig.bus();
    assert_eq!(bus.blob("missing").await.unwrap(), None);
    let four = 4_usize << 20;
    let bytes: Vec<u8> = (0..four).map(|at| (at * 31 % 251) as u8).collect();
    let bytes = Bytes::from(bytes);
    bus.put_blob("four", bytes.clone()).await.unwrap();
    assert!(bus.blob("four").await.unwrap() == Some(bytes.clone()));
    bus.put_blob("four", bytes.clone()).await.unwrap();
    assert!(bus.blob("four").await.unwrap() == Some(bytes));
    bus.put_blob("empty", Bytes::new()).await.unwrap();
    assert_eq!(bus.blob("empty").await.unwrap(), Some(Bytes::new()));
}

async fn blobs_are_listed_and_removed(rig: Rig) {
    let bus = rig.bus();
    assert!(bus.blobs().await.unwrap().is_empty());
    bus.remove_blob("never-there").await.unwrap();
    let large = Bytes::from(vec![7; 600 << 10]);
    for name in ["one", "two", "three"] {
        bus.put_blob(name, large.clone()).await.unwrap();
    }
    bus.remove_blob("two").await.unwrap();
    bus.remove_blob("two").await.unwrap();
    assert_eq!(bus.blob("two").await.unwrap(), None);
    let mut names = bus.blobs().await.unwrap();
    names.sort();
    assert_eq!(names, ["one", "three"]);
    assert!(bus.blob("one").await.unwrap() == Some(large.clone()));
    // And it can come back.
    bus.put_blob("two", large.clone()).await.unwrap();
    assert!(bus.blob("two").await.unwrap() == Some(large));
}

async fn requests_are_answered(rig: Rig) {
    let bus = rig.bus();
    let subject = "postern.config.propose";
    let began = Instant::now();
    let second = Duration::from_secs(1);
    let nobody = bus.request(subject, text("?"), 5 * second).await;
    assert!(matches!(nobody.unwrap_err().cause, Cause::NobodyThere));
    assert!(began.elapsed() < second, "{:?}", began.elapsed());

    let mut requests = bus.serve(subject).await.unwrap();
    let server = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            if request.payload == text("silence") {
                continue;
            }
            let answer = [b"re: ", &request.payload[..]].concat();
            request.reply.answer(answer.into()).await.unwrap();
        }
    });
    eventually("the server is heard", async || {
        bus.request(subject, text("?"), second).await.is_ok()
    })
    .await;
    let answer = bus.request(subject, text("a"), second).await.unwrap();
    assert_eq!(answer, text("re: a"));
    let began = Instant::now();
    let silence = bus.request(subject, text("silence"), second / 4).await;
    let cause = silence.unwrap_err().cause;
    assert!(matches!(cause, Cause::Deadline | Cause::NobodyThere));
    assert!(began.elapsed() < second);
    server.abort();
}

async fn a_value_says_which_work_wrote_it(rig: Rig) {
    let bus = rig.bus();
    let mut watch = bus.watch(C, "").await.unwrap();
    until_caught_up(&mut watch).await;
    let (span, work) = work();
    let life = Some(Duration::from_secs(60));
    let written = async {
        bus.create(C, "created", text("1"), life).await.unwrap();
        let version = bus.put(C, "put", text("1"), None).await.unwrap();
        let set = bus.compare_and_set(C, "put", text("2"), Some(version));
        set.await.unwrap();
    };
    written.instrument(span).await;
    // A watch may leave out what was written over meanwhile.
    let mut last = Bytes::new();
    while last != text("2") {
        if let Some(Change::Put(entry)) = watch.next().await {
            assert_eq!(entry.trace, Some(work), "{}", entry.key);
            last = entry.value;
        }
    }
    for key in ["created", "put"] {
        let entry = bus.read(C, key).await.unwrap().unwrap();
        assert_eq!(entry.trace, Some(work), "{key}");
    }
    // A watch that begins later reads it, too.
    let mut later = bus.watch(C, "").await.unwrap();
    loop {
        match later.next().await {
            Some(Change::Put(entry)) => assert_eq!(entry.trace, Some(work), "{}", entry.key),
            Some(Change::CaughtUp) => break,
            other => panic!("{other:?}"),
        }
    }
    // What is written outside of any work is nobody's, whoever wrote before.
    bus.put(C, "put", text("3"), None).await.unwrap();
    let entry = bus.read(C, "put").await.unwrap().unwrap();
    assert_eq!((entry.value, entry.trace), (text("3"), None));
}

async fn a_request_says_which_work_asks(rig: Rig) {
    let bus = rig.bus();
    let subject = "postern.config.propose";
    let mut requests = bus.serve(subject).await.unwrap();
    let server = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let said = request.trace.map(|trace| trace.to_string());
            let answer = said.unwrap_or_default().into_bytes();
            request.reply.answer(answer.into()).await.unwrap();
        }
    });
    let second = Duration::from_secs(1);
    eventually("the server is heard", async || {
        bus.request(subject, text("?"), second).await.is_ok()
    })
    .await;
    let (span, work) = work();
    let asked = bus.request(subject, text("?"), second).instrument(span);
    assert_eq!(asked.await.unwrap(), text(&work.to_string()));
    let asked = bus.request(subject, text("?"), second).await;
    assert_eq!(asked.unwrap(), text(""));
    server.abort();
}

/// Something that is traced, though its spans go nowhere.
fn work() -> (Span, TraceContext) {
    static TELEMETRY: OnceLock<Telemetry> = OnceLock::new();
    TELEMETRY.get_or_init(|| {
        let filter = "off".to_owned();
        let process = Process::of("test", "0");
        let nowhere = TracesSettings::nowhere();
        telemetry::start(&LogSettings { filter }, &nowhere, &process, &Output::Stderr).unwrap()
    });
    let span = tracing::info_span!(target: "runtime", "work");
    let work = TraceContext::of(&span).unwrap();
    (span, work)
}

async fn a_log_is_resumed_by_number(rig: Rig) {
    let bus = rig.bus();
    let mut numbers = Vec::new();
    for record in ["a", "b", "c"] {
        let number = bus.append(Log::Events, text(record)).await.unwrap();
        numbers.push(number);
    }
    let mut follow = bus.follow(Log::Events, 0).await.unwrap();
    for (at, record) in ["a", "b", "c"].into_iter().enumerate() {
        let next = within(follow.next()).await.unwrap();
        assert_eq!(next, (numbers[at], text(record)));
    }
    let mut resumed = bus.follow(Log::Events, numbers[1]).await.unwrap();
    assert_eq!(
        within(resumed.next()).await.unwrap(),
        (numbers[2], text("c"))
    );
    let number = bus.append(Log::Events, text("d")).await.unwrap();
    let next = (number, text("d"));
    assert_eq!(within(follow.next()).await, Some(next.clone()));
    assert_eq!(within(resumed.next()).await, Some(next));
}

async fn a_watch_begins_with_what_is_there(rig: Rig) {
    let bus = rig.bus();
    for key in ["a.1", "a.2", "b.1"] {
        bus.put(C, key, text("old"), None).await.unwrap();
        bus.put(C, key, text(key), None).await.unwrap();
    }
    let mut watch = bus.watch(C, "a.").await.unwrap();
    let mut seen = until_caught_up(&mut watch).await;
    seen.sort();
    assert_eq!(seen, ["a.1=a.1", "a.2=a.2"]);
    // A late one sees the same, whatever the first one took.
    let mut late = bus.watch(C, "").await.unwrap();
    assert_eq!(until_caught_up(&mut late).await.len(), 3);
    bus.put(C, "b.1", text("new"), None).await.unwrap();
    bus.put(C, "a.1", text("new"), None).await.unwrap();
    assert_eq!(next(&mut watch).await, "a.1=new");
    assert_eq!(next(&mut late).await, "b.1=new");
    assert_eq!(next(&mut late).await, "a.1=new");
}

async fn a_watch_of_an_empty_bucket_is_caught_up_at_once(rig: Rig) {
    let mut watch = rig.bus().watch(C, "").await.unwrap();
    let began = Instant::now();
    assert!(until_caught_up(&mut watch).await.is_empty());
    assert!(began.elapsed() < Duration::from_secs(1));
}

async fn a_watch_hears_of_changes_and_ends(rig: Rig) {
    let bus = rig.bus();
    let mut watch = bus.watch(C, "").await.unwrap();
    until_caught_up(&mut watch).await;
    let life = Some(Duration::from_secs(1));
    bus.create(C, "short", text("1"), life).await.unwrap();
    assert_eq!(next(&mut watch).await, "short=1");
    assert_eq!(next(&mut watch).await, "short is gone");
    // More than one flow-control window: a watch without the right to answer
    // flow control would stall here.
    let writer = rig.bus();
    let writing = tokio::spawn(async move {
        for number in 0..3000 {
            let value = text(&format!("{number}"));
            writer.put(C, "busy", value, None).await.unwrap();
        }
    });
    while next(&mut watch).await != "busy=2999" {}
    writing.await.unwrap();
}

async fn an_outage_loses_nothing(mut rig: Rig) {
    let bus = rig.bus();
    let mut watch = bus.watch(C, "").await.unwrap();
    let mut untouched = bus.watch(C, "").await.unwrap();
    until_caught_up(&mut watch).await;
    let mut follow = bus.follow(Log::Events, 0).await.unwrap();
    let version = bus.put(C, "head", text("1"), None).await.unwrap();
    let record = bus.append(Log::Events, text("r1")).await.unwrap();
    bus.put_blob("blob", text("content")).await.unwrap();
    assert_eq!(next(&mut watch).await, "head=1");
    assert_eq!(within(follow.next()).await, Some((record, text("r1"))));

    for round in 2..4 {
        rig.take_away().await;
        let began = Instant::now();
        let read = bus.read(C, "head").await;
        assert!(matches!(read.unwrap_err().cause, Cause::Away));
        let set = bus.compare_and_set(C, "head", text("x"), Some(version));
        assert!(matches!(set.await, Err(WriteError::Unavailable(_))));
        assert!(bus.blob("blob").await.is_err());
        assert!(bus.append(Log::Events, text("lost")).await.is_err());
        let mut late = bus.watch(C, "").await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(1), "slow to refuse");
        rig.bring_back().await;

        let standing = bus.read(C, "head").await.unwrap().unwrap();
        assert_eq!(standing.value, text(&(round - 1).to_string()));
        assert_eq!(bus.blob("blob").await.unwrap(), Some(text("content")));
        let value = text(&round.to_string());
        let set = bus.compare_and_set(C, "head", value, Some(standing.version));
        set.await.unwrap();
        let record = format!("r{round}");
        let number = bus.append(Log::Events, text(&record)).await.unwrap();
        let expected = format!("head={round}");
        until_seen(&mut watch, &expected).await;
        until_seen(&mut late, &expected).await;
        assert_eq!(within(follow.next()).await, Some((number, text(&record))));
    }
    until_seen(&mut untouched, "head=3").await;
}

async fn a_value_that_ended_during_an_outage_is_taken_back(mut rig: Rig) {
    let bus = rig.bus();
    let mut watch = bus.watch(C, "").await.unwrap();
    until_caught_up(&mut watch).await;
    bus.put(C, "stays", text("1"), None).await.unwrap();
    let life = Some(Duration::from_secs(1));
    bus.put(C, "ends", text("1"), life).await.unwrap();
    until_seen(&mut watch, "ends=1").await;
    rig.take_away().await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    rig.bring_back().await;
    until_seen(&mut watch, "ends is gone").await;
    assert!(bus.read(C, "stays").await.unwrap().is_some());
    assert_eq!(bus.read(C, "ends").await.unwrap(), None);
}

async fn a_lost_store_takes_values_back_and_numbers_start_over(mut rig: Rig) {
    let bus = rig.bus();
    let mut watch = bus.watch(C, "").await.unwrap();
    let mut follow = bus.follow(Log::Events, 0).await.unwrap();
    until_caught_up(&mut watch).await;
    bus.put(C, "head", text("1"), None).await.unwrap();
    for _ in 0..3 {
        bus.append(Log::Events, text("old")).await.unwrap();
        within(follow.next()).await.unwrap();
    }
    until_seen(&mut watch, "head=1").await;
    rig.lose_everything().await;
    until_seen(&mut watch, "head is gone").await;
    until_caught_up(&mut watch).await;
    assert_eq!(bus.read(C, "head").await.unwrap(), None);
    let set = bus.compare_and_set(C, "head", text("2"), None).await;
    set.unwrap();
    until_seen(&mut watch, "head=2").await;
    bus.append(Log::Events, text("new")).await.unwrap();
    let (_, record) = within(follow.next()).await.unwrap();
    assert_eq!(record, text("new"));
}

mod permissions {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_gateway_reads_the_configuration_and_cannot_write_it() {
        // The same for every role but control, which may look at all here.
        let server = NatsServer::start_with(every_promise);
        let control = server.bus("control").await;
        let gateway = server.bus("gateway").await;
        control.put(C, "head", text("good"), None).await.unwrap();
        control.put_blob("blob", text("good")).await.unwrap();

        let entry = gateway.read(C, "head").await.unwrap().unwrap();
        assert_eq!(entry.value, text("good"));
        let mut watch = gateway.watch(C, "").await.unwrap();
        assert_eq!(until_caught_up(&mut watch).await, ["head=good"]);
        assert_eq!(gateway.blob("blob").await.unwrap(), Some(text("good")));

        let (put, set, blob, other) = tokio::join!(
            gateway.put(C, "head", text("evil"), None),
            gateway.compare_and_set(C, "head", text("evil"), Some(entry.version)),
            gateway.put_blob("blob", text("evil")),
            gateway.put(Bucket::Instances, "certval.1", text("evil"), None),
        );
        for refused in [put.map(drop), set.map(drop), blob, other.map(drop)] {
            assert!(
                matches!(refused, Err(WriteError::Unavailable(_))),
                "{refused:?}"
            );
        }
        let standing = control.read(C, "head").await.unwrap().unwrap();
        assert_eq!(standing, entry);
        assert!(gateway.remove_blob("blob").await.is_err());
        assert_eq!(control.blob("blob").await.unwrap(), Some(text("good")));
        let other = control.read(Bucket::Instances, "certval.1").await;
        assert_eq!(other.unwrap(), None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_role_reports_itself_and_nothing_else() {
        let server = NatsServer::start();
        let control = server.bus("control").await;
        let mut watch = control.watch(Bucket::Instances, "").await.unwrap();
        until_caught_up(&mut watch).await;
        let life = Some(Duration::from_secs(15));
        for role in ["gateway", "certval", "directory", "control"] {
            let bus = server.bus(role).await;
            let key = format!("{role}.1");
            let put = bus.put(Bucket::Instances, &key, text(role), life).await;
            put.unwrap();
            assert_eq!(next(&mut watch).await, format!("{role}.1={role}"));
            // What no role does yet, none may do.
            let second = Duration::from_secs(1);
            let (record, asked) = tokio::join!(
                bus.append(Log::Events, text(role)),
                bus.request("postern.config.propose", text("?"), second),
            );
            assert!(record.is_err() && asked.is_err(), "{role}");
        }
        let signed_out = control.create(Bucket::SignedOut, "session", text(""), life);
        assert!(signed_out.await.is_err());
        let one = server.bus("gateway").await;
        let two = server.bus("gateway").await;
        let mut watch = one.watch(Bucket::SignedOut, "").await.unwrap();
        until_caught_up(&mut watch).await;
        let signed_out = two.create(Bucket::SignedOut, "session", text(""), life);
        signed_out.await.unwrap();
        assert_eq!(next(&mut watch).await, "session=");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_wrong_password_or_another_authority_never_connects() {
        let mut server = NatsServer::start();
        let good = server.settings("gateway");
        let wrong = runtime::bus::NatsSettings {
            password: "wrong".into(),
            ..good.clone()
        };
        let wrong = NatsBus::connect(wrong).await.unwrap();
        let stranger = NatsServer::start().settings("gateway");
        let stranger = runtime::bus::NatsSettings {
            ca_pem: stranger.ca_pem,
            ..good
        };
        let stranger = NatsBus::connect(stranger).await.unwrap();
        server.bus("control").await;
        for bus in [&wrong, &stranger] {
            assert_eq!(*bus.state().borrow(), BusState::Away);
            let read = bus.read(C, "head").await;
            assert!(matches!(read.unwrap_err().cause, Cause::Away));
        }
        server.kill();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_comes_later_is_found() {
        let mut server = NatsServer::start();
        server.kill();
        let began = Instant::now();
        let control = NatsBus::connect(server.settings("control")).await.unwrap();
        let gateway = NatsBus::connect(server.settings("gateway")).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(1));
        let mut watch = gateway.watch(C, "").await.unwrap();
        assert!(gateway.read(C, "head").await.is_err());
        server.restart();
        assert!(until(&control, BusState::Connected).await);
        control.put(C, "head", text("1"), None).await.unwrap();
        until_seen(&mut watch, "head=1").await;
    }
}

fn text(content: &str) -> Bytes {
    Bytes::copy_from_slice(content.as_bytes())
}

async fn within<T>(doing: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(15), doing)
        .await
        .expect("nothing came within 15 s")
}

/// The next change, as a word.
async fn next(watch: &mut Watch) -> String {
    match within(watch.next()).await.expect("the watch ended") {
        Change::Put(entry) => {
            let value = String::from_utf8_lossy(&entry.value);
            format!("{}={value}", entry.key)
        }
        Change::Removed { key } => format!("{key} is gone"),
        Change::CaughtUp => "caught up".to_owned(),
    }
}

async fn until_caught_up(watch: &mut Watch) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match next(watch).await.as_str() {
            "caught up" => return seen,
            change => seen.push(change.to_owned()),
        }
    }
}

/// Goes on until `expected` comes; values from before an outage may come
/// again in between.
async fn until_seen(watch: &mut Watch, expected: &str) {
    while next(watch).await != expected {}
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
