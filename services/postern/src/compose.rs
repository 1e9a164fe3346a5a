//! Puts the roles together: the one place that knows every service.
//!
//! A role is started the same way whether it has a process to itself ([`crate::roles`]) or shares one with the others
//! ([`crate::demo`]): it is given a [`Host`], what all roles of a process share, and a [`Place`], what is the role's own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use control::inspector::MeshInspector;
use control::parts::RoleSeals;
use domain::seal::SealKeys;
use domain::validity;
use gateway::clients::channel;
use gateway::desk::{Desk, Parts};
use gateway::edge::names::Names;
use gateway::edge::{self, Bound};
use gateway::sites::Sites;
use runtime::bus::Bus;
use runtime::clock::Clock;
use runtime::live::{
    Decoder, Follower, FollowerSettings, Instance, Live, Manifest, SigningKey, TrustedKeys,
};
use runtime::mesh::{
    AllowList, ConnectSettings, MeshClient, MeshIdentity, MeshServer, Peer, ServerSettings,
};
use runtime::metrics::{Metrics, label};
use runtime::random::{Randomness, bytes};
use runtime::readiness::Readiness;
use runtime::tasks::Tasks;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod health;

/// What all roles of a process share.
#[derive(Clone)]
pub(crate) struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub randomness: Arc<dyn Randomness>,
    /// The owner of all tasks.
    pub tasks: Tasks,
    /// The way to all other instances.
    pub bus: Arc<dyn Bus>,
    /// Its numbers.
    pub metrics: Metrics,
}

/// What is a role's own.
pub(crate) struct Place {
    /// Its certificate in the mesh.
    pub identity: MeshIdentity,
    /// Where it is reached by other roles: bound, not yet served.
    pub listener: TcpListener,
    /// The address told to others.
    pub advertise: String,
    /// Whose snapshots it believes.
    pub trusted: TrustedKeys,
    /// Where it keeps its last good snapshot.
    pub folder: PathBuf,
    /// Whether it can do its work: of its [`parts`].
    pub readiness: Readiness,
}

/// What a role needs before it can do its work.
pub(crate) fn parts(role: &str) -> &'static [&'static str] {
    match role {
        "gateway" => &[CONFIGURATION, CERTVAL, DIRECTORY],
        "control" => control::PARTS,
        _ => &[CONFIGURATION],
    }
}

/// What only the gateway needs.
pub(crate) struct Front {
    /// The edge's sockets.
    pub bound: Bound,
    /// The edge's settings.
    pub edge: edge::Settings,
    /// The sign-in side's settings.
    pub settings: gateway::settings::Settings,
    /// Opens the gateway's secrets.
    pub seal: SealKeys,
    /// Addresses of certval.
    pub certval: Vec<String>,
    /// Addresses of the directory service.
    pub directory: Vec<String>,
    /// Other sites behind the same door, by host name.
    pub others: BTreeMap<String, Router>,
    /// How long codes that were issued are still redeemed for other gateways once this one stops.
    pub grace: Duration,
}

/// What only control needs.
pub(crate) struct Admin {
    /// Its settings.
    pub settings: control::Settings,
    /// The key that signs snapshots.
    pub signing_key: SigningKey,
    /// The keys that secrets are sealed with.
    pub seals: RoleSeals,
    /// Addresses of certval.
    pub certval: Vec<String>,
    /// A configuration to begin with, made in this process.
    pub initial: Option<control::initial::Initial>,
}

/// Starts certval.
///
/// # Errors
/// When its place cannot be used.
pub(crate) async fn certval(host: &Host, place: Place) -> Result<Readiness> {
    let readiness = place.readiness.clone();
    let live = follow(
        host,
        "certval",
        &place,
        &readiness,
        certval::view::ViewDecoder,
    )
    .await?;
    let metrics = host.metrics.of_role("certval");
    let service = certval::service::server(live, host.clock.clone(), &metrics);
    let allowed = with_health(certval::service::allow_list(&[]));
    let settings = ServerSettings {
        largest_request: certval::service::LARGEST_REQUEST,
        ..ServerSettings::default()
    };
    MeshServer::new(place.identity, allowed)
        .counted(&metrics)
        .settings(settings)
        .service(service)
        .health(&readiness)
        .reflection(&[postern_proto::DESCRIPTORS])
        .start(place.listener, &host.tasks)
        .await?;
    Ok(readiness)
}

/// Starts the directory service.
///
/// # Errors
/// When its place cannot be used.
pub(crate) async fn directory(
    host: &Host,
    place: Place,
    settings: directory::settings::Settings,
    seal: SealKeys,
) -> Result<Readiness> {
    let readiness = place.readiness.clone();
    let metrics = host.metrics.of_role("directory");
    let (tasks, clock) = (host.tasks.clone(), host.clock.clone());
    let views = directory::view::Views::new(settings, Some(seal), tasks, clock, &metrics);
    let live = follow(host, "directory", &place, &readiness, views).await?;
    MeshServer::new(
        place.identity,
        with_health(directory::service::allowed(AllowList::new())),
    )
    .counted(&metrics)
    .service(directory::service::server(live))
    .health(&readiness)
    .start(place.listener, &host.tasks)
    .await?;
    Ok(readiness)
}

/// Starts the gateway.
///
/// # Errors
/// When its place or its settings cannot be used.
pub(crate) async fn gateway(host: &Host, place: Place, front: Front) -> Result<Readiness> {
    let readiness = place.readiness.clone();
    let hosts = gateway::hosts::Hosts::new(&front.settings)?;
    let names = Names::new(
        hosts.login(),
        hosts.certificate(),
        front.settings.another_certificate,
        front.others.keys().cloned(),
    )?;
    let (seal, prepared) = (front.seal, names.clone());
    let decoder = move |_: &Manifest, parts: &_| gateway::view::decode(parts, &seal, &prepared);
    let live = follow(host, "gateway", &place, &readiness, decoder).await?;

    let metrics = host.metrics.of_role("gateway");
    let mesh = MeshClient::new(&place.identity, ConnectSettings::default())?.counted(&metrics);
    let certval = mesh
        .channel("certval", &front.certval)?
        .repeatable(&[certval::service::VALIDATE]);
    let directory = mesh
        .channel("directory", &front.directory)?
        .repeatable(&[directory::service::METHODS[0]]);
    health::follow(host, &readiness, CERTVAL, certval.clone());
    health::follow(host, &readiness, DIRECTORY, directory.clone());
    let desk = Desk::open(Parts {
        settings: front.settings,
        advertise: place.advertise.clone(),
        live: live.clone(),
        bus: host.bus.clone(),
        certval: channel(certval),
        directory: channel(directory),
        dial: Arc::new(move |address| mesh.dial("gateway", address).ok().map(channel)),
        clock: host.clock.clone(),
        randomness: host.randomness.clone(),
        metrics: metrics.clone(),
    })?;
    desk.start(&host.tasks);
    desk.caught_up().await;
    let sites = Sites::of(&desk);
    let sites = edge::Sites {
        login: sites.login,
        certificate: sites.certificate,
        others: front.others,
    };

    let allowed =
        gateway::codes::service::ALLOWED
            .iter()
            .fold(AllowList::new(), |list, (method, roles)| {
                let peers: Vec<Peer> = roles.iter().map(|role| Peer::role(*role)).collect();
                list.allow(method, &peers)
            });
    MeshServer::new(place.identity, with_health(allowed))
        .counted(&metrics)
        .service(gateway::codes::service::server(desk))
        .health(&readiness)
        .until(after_grace(host, front.grace))
        .start(place.listener, &host.tasks)
        .await?;
    let current: edge::Current = Arc::new(move || {
        let now = live.current()?;
        Some(edge::Snapshot {
            revision: now.revision,
            tls: now.view.tls.clone(),
        })
    });
    front.bound.serve(
        sites,
        names,
        front.edge,
        current,
        &edge::Shared {
            clock: host.clock.clone(),
            tasks: host.tasks.clone(),
            metrics,
        },
    );
    Ok(readiness)
}

/// Starts control.
///
/// # Errors
/// When its place, its settings or its store cannot be used.
pub(crate) async fn control(host: &Host, place: Place, admin: Admin) -> Result<Readiness> {
    let readiness = place.readiness.clone();
    let metrics = host.metrics.of_role("control");
    let needs = control::Needs {
        bus: host.bus.clone(),
        signing_key: admin.signing_key,
        trusted: place.trusted.clone(),
        seals: admin.seals,
        inspector: Arc::new(MeshInspector::new(
            &place.identity,
            &admin.certval,
            &metrics,
        )?),
        instance: instance(host, "control", &place)?,
        last_good: place.folder,
        initial: admin.initial,
        patience: control::PATIENCE,
        tasks: host.tasks.clone(),
        readiness: readiness.clone(),
        clock: host.clock.clone(),
        metrics: metrics.clone(),
        randomness: host.randomness.clone(),
    };
    control::start(&admin.settings, needs).await?;
    MeshServer::new(place.identity, with_health(AllowList::new()))
        .counted(&metrics)
        .health(&readiness)
        .start(place.listener, &host.tasks)
        .await?;
    Ok(readiness)
}

const CONFIGURATION: &str = "configuration";
const CERTVAL: &str = "certval";
const DIRECTORY: &str = "directory";

/// Follows the live configuration with a role's own decoder.
async fn follow<V: Send + Sync + 'static>(
    host: &Host,
    role: &'static str,
    place: &Place,
    readiness: &Readiness,
    decoder: impl Decoder<V>,
) -> Result<Live<V>> {
    let settings = FollowerSettings {
        bus: host.bus.clone(),
        keys: place.trusted.clone(),
        folder: place.folder.clone(),
        instance: instance(host, role, place)?,
        clock: host.clock.clone(),
        metrics: host.metrics.of_role(role),
    };
    let (live, follower) = Follower::start(settings, decoder).await?;
    host.tasks
        .spawn("configuration", follower.run(host.tasks.stopping()));
    let (mut revisions, readiness, stopping) =
        (live.subscribe(), readiness.clone(), host.tasks.stopping());
    host.tasks.spawn_work("first configuration", async move {
        tokio::select! {
            applied = revisions.wait_for(|revision| *revision > 0) => if applied.is_ok() {
                readiness.complete(CONFIGURATION);
            },
            () = stopping.cancelled() => {}
        }
    });
    Ok(live)
}

/// Who a role is; its certificate's end is told to operators, too.
fn instance(host: &Host, role: &'static str, place: &Place) -> Result<Instance> {
    let end = validity::not_after(place.identity.certificate()).ok();
    if let Some(end) = end {
        host.metrics.of_role(role).gauge(
            "postern_certificate_expiry_timestamp_seconds",
            "When a certificate ends, in seconds since 1970.",
            move |tell| {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "dates come nowhere near 2^52 seconds"
                )]
                let end = end.0 as f64;
                tell(end, &[label("kind", "mesh"), label("name", role)]);
            },
        );
    }
    let [a, b, c, d] = bytes::<4>(&*host.randomness).context("an instance needs an id")?;
    Ok(Instance {
        id: format!("{role}-{a:02x}{b:02x}{c:02x}{d:02x}"),
        role: role.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        address: place.advertise.clone(),
        cert_expires_at: end.map(|end| end.0),
    })
}

/// Every role may ask every other one how it is, and so may the clients `probe` and `postern`.
fn with_health(allowed: AllowList) -> AllowList {
    let roles = ["gateway", "certval", "directory", "control"].map(Peer::role);
    allowed
        .health(&roles)
        .health(&[Peer::client("probe"), Peer::client("postern")])
}

/// Cancelled a while after the soft stop.
fn after_grace(host: &Host, grace: Duration) -> CancellationToken {
    let (stopping, over) = (host.tasks.stopping(), CancellationToken::new());
    let ended = over.clone();
    host.tasks.spawn_work("redemption grace", async move {
        stopping.cancelled().await;
        tokio::time::sleep(grace).await;
        ended.cancel();
    });
    over
}
