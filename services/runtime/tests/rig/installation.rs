//! One installation in one process: a publisher and its instances over a bus,
//! with a clock that stands still.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use runtime::bus::{Bucket, Bus, LocalBus};
use runtime::clock::TestClock;
use runtime::live::{
    Decoder, Follower, FollowerSettings, HEAD, Instance, InstanceReport, Live, Manifest, Publisher,
    PublisherSettings, SignedManifest, SigningKey, TrustedKeys,
};
use runtime::metrics::Metrics;
use runtime::random::SeededRandomness;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// When the clock stands, in seconds since 1970.
pub(crate) const NOON: u64 = 1_800_000_000;

/// One installation: a bus, a key, a clock, and folders.
pub(crate) struct Rig {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: TestClock,
    pub(crate) folder: TempDir,
    pub(crate) metrics: Metrics,
    /// Ends every task when the rig goes.
    pub(crate) stop: CancellationToken,
}

impl Rig {
    pub(crate) fn on(bus: impl Bus) -> Self {
        Self {
            bus: Arc::new(bus),
            clock: TestClock::at_unix_seconds(NOON),
            folder: TempDir::new().unwrap(),
            metrics: Metrics::new().unwrap(),
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn local() -> (Self, LocalBus) {
        let bus = LocalBus::new();
        (Self::on(bus.clone()), bus)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A publisher with its store in `folder`, running.
    pub(crate) async fn publisher(&self, folder: &str) -> Publisher {
        let publisher = self.idle_publisher(folder).await;
        tokio::spawn(publisher.clone().run(self.stop.clone()));
        publisher
    }

    pub(crate) async fn idle_publisher(&self, folder: &str) -> Publisher {
        Publisher::open(PublisherSettings {
            bus: Arc::clone(&self.bus),
            key: key(1),
            trusted: TrustedKeys::of(&key(1)),
            folder: self.at(folder),
            clock: Arc::new(self.clock.clone()),
        })
        .await
        .unwrap()
    }

    /// An instance's live configuration, followed until `stop`.
    pub(crate) async fn follow(&self, id: &str, stop: &CancellationToken) -> Live<View> {
        self.follow_over(&self.bus, "gateway", id, stop).await
    }

    pub(crate) async fn follow_over(
        &self,
        bus: &Arc<dyn Bus>,
        role: &str,
        id: &str,
        stop: &CancellationToken,
    ) -> Live<View> {
        let settings = FollowerSettings {
            bus: Arc::clone(bus),
            keys: TrustedKeys::of(&key(1)),
            folder: self.at(id),
            instance: Instance {
                id: id.into(),
                role: role.into(),
                version: "0.1.0".into(),
                address: "127.0.0.1:1".into(),
                cert_expires_at: None,
            },
            clock: Arc::new(self.clock.clone()),
            metrics: self.metrics.of_role("gateway"),
        };
        let (live, follower) = Follower::start(settings, Texts).await.unwrap();
        tokio::spawn(follower.run(stop.clone()));
        live
    }

    /// Puts any bytes where the head stands, as only a thief of control's bus
    /// password could.
    pub(crate) async fn force_head(&self, head: impl Into<Bytes>) {
        let head = head.into();
        let put = self.bus.put(Bucket::Configuration, HEAD, head, None);
        put.await.unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) type View = BTreeMap<String, String>;

/// Decodes blobs as texts; "poison" cannot be used.
#[derive(Clone)]
struct Texts;

impl Decoder<View> for Texts {
    fn decode(&self, _: &Manifest, blobs: &BTreeMap<String, Bytes>) -> Result<View, String> {
        let text = |(name, blob): (&String, &Bytes)| {
            let text = String::from_utf8(blob.to_vec()).map_err(|error| error.to_string())?;
            if text == "poison" {
                return Err("poison".to_owned());
            }
            assert!(text != "bomb", "a decoder that fails badly");
            Ok((name.clone(), text))
        };
        blobs.iter().map(text).collect()
    }

    fn wants(&self, blob: &str) -> bool {
        blob != "for others"
    }

    fn understands(&self, critical: &str) -> bool {
        critical == "known"
    }
}

pub(crate) fn key(seed: u64) -> SigningKey {
    SigningKey::generate(&SeededRandomness::new(seed)).unwrap()
}

pub(crate) fn texts(text: &str) -> BTreeMap<String, Bytes> {
    let blob = |name: &str, text: &str| (name.to_owned(), Bytes::copy_from_slice(text.as_bytes()));
    [blob("text", text), blob("for others", "not for this role")].into()
}

pub(crate) fn shown(live: &Live<View>) -> String {
    let current = live.current().expect("nothing is applied");
    assert!(!current.view.contains_key("for others"));
    current.view.get("text").cloned().unwrap_or_default()
}

pub(crate) async fn reaches(live: &Live<View>, revision: u64) {
    let mut revisions = live.subscribe();
    let reached = revisions.wait_for(|have| *have >= revision);
    let reached = tokio::time::timeout(Duration::from_secs(15), reached).await;
    assert!(reached.is_ok(), "revision {revision} was not applied");
}

pub(crate) async fn report(bus: &Arc<dyn Bus>, key: &str) -> Option<InstanceReport> {
    let entry = bus.read(Bucket::Instances, key).await.ok()??;
    serde_json::from_slice(&entry.value).ok()
}

pub(crate) async fn persisted(bus: &Arc<dyn Bus>, key: &str, revision: u64) {
    eventually_async("it is persisted", async || {
        let report = report(bus, key).await;
        report.is_some_and(|report| report.persisted_revision == revision)
    })
    .await;
}

pub(crate) async fn head(bus: &Arc<dyn Bus>) -> Option<u64> {
    let entry = bus.read(Bucket::Configuration, HEAD).await.ok()??;
    let signed = SignedManifest::open(entry.value, &TrustedKeys::of(&key(1))).ok()?;
    Some(signed.manifest.revision)
}

pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    eventually_async(what, async || holds()).await;
}

pub(crate) async fn eventually_async(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(15), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
