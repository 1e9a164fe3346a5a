//! Putting control together and starting it.
//!
//! **Invariant:** nothing is overwritten at start: an existing configuration wins over an initial one, and an existing
//! token over a new one.

mod first;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use runtime::bus::Bus;
use runtime::clock::Clock;
use runtime::live::{
    Follower, FollowerSettings, Instance, Live, Manifest, Publisher, PublisherError,
    PublisherSettings, SigningKey, TrustedKeys,
};
use runtime::metrics::Metrics;
use runtime::private_files::{self, PrivateFileError};
use runtime::random::Randomness;
use runtime::readiness::Readiness;
use runtime::tasks::Tasks;

use crate::Settings;
use crate::admin::{Admin, AdminTls, Door, DoorError, Requests, Throttle, router};
use crate::audit::{Audit, AuditError};
use crate::initial::Initial;
use crate::inspector::Inspector;
use crate::numbers::{Changes, tell_instances};
use crate::parts::{self, Parts, RoleSeals, View};
use crate::token::{AdminToken, TOKEN_FILE, TokenError};
use crate::writer::Writer;
use first::{First, beginning};

/// What control needs before it is ready, for [`Readiness::new`].
pub const PARTS: &[&str] = &[CONFIGURATION, ADMIN];

const CONFIGURATION: &str = "configuration";
const ADMIN: &str = "admin API";

/// How long instances are waited for before the first revision is made, where not every role was heard: one that stayed
/// through the loss of control's disk and the bus's store reports its revision within this time.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// What control is made of, besides its settings.
pub struct Needs {
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// The key that signs snapshots.
    pub signing_key: SigningKey,
    /// Whose snapshots are believed.
    pub trusted: TrustedKeys,
    /// The keys that each role's secrets are sealed with.
    pub seals: RoleSeals,
    /// Who says what certificates are: [`MeshInspector`](crate::inspector::MeshInspector).
    pub inspector: Arc<dyn Inspector>,
    /// This instance, of the role `control`.
    pub instance: Instance,
    /// Where its last good snapshot is kept, as with every instance.
    pub last_good: PathBuf,
    /// A configuration to begin with, made in this process; wins over the one in the settings.
    pub initial: Option<Initial>,
    /// How long instances are waited for before the first revision is made: [`PATIENCE`].
    pub patience: Duration,
    /// Who owns its tasks.
    pub tasks: Tasks,
    /// Its readiness, made of [`PARTS`].
    pub readiness: Readiness,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Its numbers.
    pub metrics: Metrics,
    /// For keys, tokens and ids.
    pub randomness: Arc<dyn Randomness>,
}

/// A control that runs.
#[derive(Debug)]
pub struct Started {
    /// Where the admin API listens.
    pub admin: SocketAddr,
    /// The file its token was written to at the first start.
    pub token_file: PathBuf,
    /// What control itself uses, like every other instance.
    pub live: Live<View>,
}

/// Why control does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder cannot be used.
    #[error("control's folder cannot be used")]
    Folder(#[from] PrivateFileError),
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The audit record.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The store of configurations.
    #[error("the store of configurations cannot be used")]
    Store(#[from] PublisherError),
    /// The admin API.
    #[error(transparent)]
    Door(#[from] DoorError),
}

/// Starts control: opens everything, then serves in tasks of `needs.tasks`.
///
/// The first revision is made in the background, because it needs the bus and certval. The initial configuration is read
/// only once the bus was asked and the instances had the time to report, and there is no configuration anywhere; a
/// mistake in it then stops the process with its words.
///
/// # Errors
/// [`StartError`], each with what to do.
pub async fn start(settings: &Settings, needs: Needs) -> Result<Started, StartError> {
    let folder = &settings.folder;
    private_files::create_folder(folder)?;
    let tls = AdminTls::load(&settings.admin_certificate_file, &settings.admin_key_file)?;
    let token = AdminToken::of_folder(folder, &*needs.randomness)?;
    let audit = Audit::open(folder)?;
    let door = Door::open(settings.admin_listen, tls).await?;
    let admin_address = door.address().map_err(|source| DoorError::Listen {
        address: settings.admin_listen,
        source,
    })?;
    let publisher = Publisher::open(PublisherSettings {
        bus: needs.bus.clone(),
        key: needs.signing_key,
        trusted: needs.trusted.clone(),
        folder: folder.join("configurations"),
        clock: needs.clock.clone(),
    })
    .await?;
    let seals = Arc::new(needs.seals);
    let follower_seals = seals.clone();
    let decoder = move |_: &Manifest, parts: &Parts| parts::decode(parts, &follower_seals);
    let following = FollowerSettings {
        bus: needs.bus,
        keys: needs.trusted,
        folder: needs.last_good,
        instance: needs.instance,
        clock: needs.clock.clone(),
        metrics: needs.metrics.clone(),
    };
    let (live, follower) = Follower::start(following, decoder).await?;

    let tasks = &needs.tasks;
    tasks.spawn("configuration", follower.run(tasks.stopping()));
    tasks.spawn("publisher", publisher.clone().run(tasks.stopping()));
    let writer = Arc::new(Writer::new(
        publisher.clone(),
        live.clone(),
        seals.clone(),
        audit,
        needs.clock.clone(),
        Changes::new(&needs.metrics),
    ));
    tell_instances(&needs.metrics, &publisher);
    if let Some(begin) = beginning(settings, needs.initial, &publisher) {
        let first = First {
            begin,
            publisher,
            patience: needs.patience,
            inspector: needs.inspector.clone(),
            seals,
            writer: writer.clone(),
            clock: needs.clock.clone(),
            randomness: needs.randomness.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn_work("first configuration", first.make());
    }
    tasks.spawn_work(
        "control readiness",
        ready(live.clone(), needs.readiness.clone(), tasks.clone()),
    );
    let admin = Arc::new(Admin {
        writer,
        inspector: needs.inspector,
        token,
        throttle: Throttle::default(),
        hosts: settings
            .admin_hosts
            .iter()
            .map(|host| host.to_ascii_lowercase())
            .collect(),
        requests: Requests::new(&needs.metrics),
        clock: needs.clock,
        randomness: needs.randomness,
        tasks: tasks.clone(),
    });
    tasks.spawn("admin API", door.serve(router(admin), tasks.clone()));
    needs.readiness.complete(ADMIN);
    tracing::info!(address = %admin_address, "admin API listening");
    Ok(Started {
        admin: admin_address,
        token_file: folder.join(TOKEN_FILE),
        live,
    })
}

async fn ready(live: Live<View>, readiness: Readiness, tasks: Tasks) {
    let mut revisions = live.subscribe();
    tokio::select! {
        applied = revisions.wait_for(|revision| *revision > 0) => if applied.is_ok() {
            readiness.complete(CONFIGURATION);
        },
        () = tasks.stopping().cancelled_owned() => {}
    }
}
