//! A gateway whose configuration changes while it runs, as control's does: signed, published, followed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::configuration::{Configuration, part};
use runtime::live::{
    Follower, FollowerSettings, Instance, Live, Manifest, Publisher, PublisherSettings, SigningKey,
    TrustedKeys,
};
use runtime::random::SystemRandomness;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Around, SECRETS, World, configuration, names, settings};
use crate::view::View;

/// How long a gateway may take to use what is published.
const DEADLINE: Duration = Duration::from_secs(15);

/// Publishes what one gateway follows.
pub(crate) struct Published {
    publisher: Publisher,
    live: Live<View>,
    _folder: TempDir,
    /// Ends the following with this.
    _stop: DropGuard,
}

impl World {
    /// One gateway with [`configuration`], and the means to change that.
    pub(crate) async fn published() -> (Self, Published) {
        let around = Around::new();
        let folder = TempDir::new().unwrap();
        let key = SigningKey::generate(&SystemRandomness::new()).unwrap();
        let trusted = TrustedKeys::of(&key);
        let publisher = Publisher::open(PublisherSettings {
            bus: Arc::new(around.bus.clone()),
            key,
            trusted: trusted.clone(),
            folder: folder.path().join("control"),
            clock: Arc::new(around.clock.clone()),
        })
        .await
        .unwrap();
        let following = FollowerSettings {
            bus: Arc::new(around.bus.clone()),
            keys: trusted,
            folder: folder.path().join("gateway"),
            instance: Instance {
                id: "gateway-1".to_owned(),
                role: "gateway".to_owned(),
                version: "0.1.0".to_owned(),
                address: "127.0.0.1:1".to_owned(),
                cert_expires_at: None,
            },
            clock: Arc::new(around.clock.clone()),
            metrics: runtime::metrics::Metrics::new().unwrap(),
        };
        let decoder = |_: &Manifest, parts: &BTreeMap<String, Bytes>| {
            let configuration = serde_json::from_slice(&parts[part::CONFIGURATION]).unwrap();
            View::new(configuration, &SECRETS, &names())
        };
        let (live, follower) = Follower::start(following, decoder).await.unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(follower.run(stop.clone()));
        let published = Published {
            publisher,
            live: live.clone(),
            _folder: folder,
            _stop: stop.drop_guard(),
        };
        published.change(|_| {}).await;
        let world = Self::of(live, settings(), "gateway-1.example.com:9443", around);
        (world, published)
    }
}

impl Published {
    /// Publishes [`configuration`] with this change, and waits until the gateway uses it.
    pub(crate) async fn change(&self, change: impl FnOnce(&mut Configuration)) {
        let mut configuration = configuration();
        change(&mut configuration);
        let parts = BTreeMap::from([(
            part::CONFIGURATION.to_owned(),
            Bytes::from(serde_json::to_vec(&configuration).unwrap()),
        )]);
        let before = self.publisher.revision();
        let revision = self
            .publisher
            .publish("a test", "a test", parts, before)
            .await
            .unwrap();
        let mut revisions = self.live.subscribe();
        let reached = revisions.wait_for(|have| *have >= revision);
        let reached = tokio::time::timeout(DEADLINE, reached).await;
        assert!(reached.is_ok(), "revision {revision} was not applied");
    }
}
