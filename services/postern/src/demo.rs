//! `postern demo`: the whole of Postern in one process, with a directory in a file, and a sign-in that is real.
//!
//! The same code as in production does everything: real TLS, real gRPC on loopback. Only the bus (in-process) and the
//! directory (a file) differ.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use control::initial::Initial;
use control::parts::RoleSeals;
use runtime::bus::LocalBus;
use runtime::clock::{Clock, SystemClock};
use runtime::live::TrustedKeys;
use runtime::mesh::MeshIdentity;
use runtime::metrics::Metrics;
use runtime::private_files;
use runtime::random::SystemRandomness;
use runtime::readiness::Readiness;
use runtime::settings::{Settings, Sources};
use runtime::tasks::{DRAIN, Tasks, exit_code};
use runtime::telemetry::{self, LogSettings, Output, Process, TracesSettings};
use tokio::net::TcpListener;
use url::Url;

pub(crate) mod application;
pub(crate) mod description;
pub(crate) mod folder;
pub(crate) mod material;
pub(crate) mod people;
pub(crate) mod report;
pub(crate) mod standalone;
pub(crate) mod walk;

use crate::cli::DemoArguments;
use crate::compose::{self, Admin, Front, Host, Place};
use crate::https::{Client, Route};
use crate::pki::keys;
use crate::settings;
use application::Registration;
use application::sample::{Files, Sample};
use description::Description;
use folder::{Folder, MadeFor};

/// How long the parts may take to be ready.
const READY: Duration = Duration::from_secs(20);
const LIMIT: usize = 64 << 10;

/// Runs the demonstration until it is stopped, or until the sign-in with `--once`.
///
/// # Errors
/// When it cannot start: what, why, and what to do.
pub(crate) async fn run(arguments: &DemoArguments) -> Result<ExitCode> {
    let started = Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if Folder::is_in_use(&arguments.data) {
        bail!(
            "another demonstration is running in {}: stop it, or choose another folder with --data",
            arguments.data.display()
        );
    }
    // Ports first: whoever cannot listen changes nothing on disk.
    let front = gateway::edge::bind(&both_loopbacks(arguments.port)).await?;
    drop(
        gateway::edge::bind(&[SocketAddr::new(
            Ipv4Addr::LOCALHOST.into(),
            arguments.admin_port,
        )])
        .await?,
    );
    let folder = Folder::open(
        &arguments.data,
        &MadeFor {
            port: arguments.port,
            origin: arguments.origin.clone(),
        },
        arguments.fresh,
    )?;
    Description::remove(&folder);
    let log = LogSettings {
        filter: "info".to_owned(),
    };
    let traces = TracesSettings {
        endpoint: arguments.traces.clone().unwrap_or_default(),
        ..TracesSettings::nowhere()
    };
    let process = Process::of("postern-demo", env!("CARGO_PKG_VERSION"));
    let output = Output::File(folder.file("demo.log"));
    let telemetry = telemetry::start(&log, &traces, &process, &output)?;
    material::prepare(&folder, clock.now())?;

    let tasks = Tasks::new();
    tasks.stop_on_signals()?;
    let host = Host {
        clock,
        randomness: Arc::new(SystemRandomness::new()),
        tasks: tasks.clone(),
        bus: Arc::new(LocalBus::new()),
        metrics: Metrics::new()?,
    };
    let registration = registration(&folder, arguments.port)?;
    let client = client(&folder, arguments.port, None)?;
    let sample = Sample {
        issuer: registration.issuer.clone(),
        files: Files::of(&folder)?,
    };
    let application = application::router(sample, registration, client);
    let roles = everything(&host, &folder, front, arguments, application).await?;
    if let Err(missing) = all_ready(&roles, &tasks).await {
        tasks.stop();
        let end = tasks.finish(DRAIN).await;
        let why = end
            .err()
            .map(|error| format!(": {:#}", anyhow::Error::from(error)))
            .unwrap_or_default();
        bail!(
            "not ready: {missing}{why}; see {}, or start over with --fresh",
            folder.file("demo.log").display()
        );
    }

    let description = Description::new(&folder, arguments)?;
    description.write(&folder)?;
    report::places(&folder, &description, arguments, started.elapsed());
    let signed_in = sign_jon_in(&folder, &description, arguments.port).await;
    let worked = signed_in.is_ok();
    report::sign_in(&signed_in, started.elapsed(), &folder);
    if arguments.once {
        tasks.stop();
    } else {
        report::waiting(&folder, arguments);
        tasks.stopping().cancelled().await;
        Description::remove(&folder);
    }
    let end = tasks.finish(DRAIN).await;
    telemetry.finish().await;
    if arguments.once && !worked {
        return Ok(ExitCode::FAILURE);
    }
    Ok(exit_code(&end))
}

/// Starts all four roles, each with its own place in the mesh, on ports of the system's choice.
async fn everything(
    host: &Host,
    folder: &Folder,
    bound: gateway::edge::Bound,
    arguments: &DemoArguments,
    application: Router,
) -> Result<[(&'static str, Readiness); 4]> {
    let key = |name: &str| folder.file("keys").join(name);
    let (certval, directory) = (
        place(folder, "certval").await?,
        place(folder, "directory").await?,
    );
    let (gateway, control) = (
        place(folder, "gateway").await?,
        place(folder, "control").await?,
    );
    let peers = |place: &Place| vec![place.advertise.clone()];
    let front = Front {
        bound,
        edge: defaults::<settings::Gateway>()?.edge,
        settings: gateway::settings::Settings {
            issuer: issuer(arguments.port)?
                .as_str()
                .trim_end_matches('/')
                .to_owned(),
            certificate_host: "cert.localhost".to_owned(),
            ..defaults::<settings::Gateway>()?.gateway
        },
        seal: keys::seal_keys(&key(keys::GATEWAY_SEAL))?,
        certval: peers(&certval),
        directory: peers(&directory),
        others: BTreeMap::from([("app.localhost".to_owned(), application)]),
        grace: Duration::ZERO,
    };
    let admin = Admin {
        settings: control::Settings {
            admin_listen: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), arguments.admin_port),
            admin_certificate_file: folder.file("pki/admin.pem"),
            admin_key_file: folder.file("pki/admin.key"),
            folder: folder.file("control"),
            ..defaults::<settings::Control>()?.control
        },
        signing_key: keys::signing_key(&key(keys::SIGNING))?,
        seals: RoleSeals {
            gateway: keys::seal_keys(&key(keys::GATEWAY_SEAL))?,
            directory: keys::seal_keys(&key(keys::DIRECTORY_SEAL))?,
        },
        certval: peers(&certval),
        initial: Some(Initial::given(material::configuration(
            folder,
            arguments.port,
            arguments.origin.as_ref(),
        ))),
    };
    let people = directory::settings::Settings {
        file: Some(folder.file(people::DIRECTORY)),
        ..directory::settings::Settings::default()
    };
    let seal = keys::seal_keys(&key(keys::DIRECTORY_SEAL))?;
    Ok([
        ("certval", compose::certval(host, certval).await?),
        (
            "directory",
            compose::directory(host, directory, people, seal).await?,
        ),
        ("control", compose::control(host, control, admin).await?),
        ("gateway", compose::gateway(host, gateway, front).await?),
    ])
}

async fn place(folder: &Folder, role: &str) -> Result<Place> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let trusted = private_files::read_public(&folder.file("keys").join(keys::TRUSTED), LIMIT)?;
    Ok(Place {
        identity: MeshIdentity::load(&folder.file("mesh"), role)?,
        advertise: listener.local_addr()?.to_string(),
        listener,
        trusted: TrustedKeys::from_pem(&trusted)?,
        folder: folder.file("instances").join(role),
        readiness: Readiness::new(compose::parts(role)),
    })
}

/// The settings a role has when nothing is set.
fn defaults<T: Settings>() -> Result<T> {
    Ok(Sources::given(Path::new("defaults"), "", []).load()?)
}

/// Waits until every role is ready; otherwise which is not, and what it lacks.
async fn all_ready(roles: &[(&'static str, Readiness)], tasks: &Tasks) -> Result<(), String> {
    let all = async {
        for (_, readiness) in roles {
            readiness.ready().await;
        }
    };
    let stopping = tasks.stopping();
    tokio::select! {
        () = all => Ok(()),
        () = stopping.cancelled() => Err("it was stopped".to_owned()),
        () = tokio::time::sleep(READY) => {
            let late = roles.iter().filter(|(_, readiness)| !readiness.is_ready());
            let late = late.map(|(role, readiness)| format!("{role} lacks {}", readiness.state().missing.join(", ")));
            Err(late.collect::<Vec<_>>().join("; "))
        }
    }
}

fn both_loopbacks(port: u16) -> [SocketAddr; 2] {
    [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        Ipv6Addr::LOCALHOST.into(),
    ]
    .map(|ip| SocketAddr::new(ip, port))
}

async fn sign_jon_in(
    folder: &Folder,
    description: &Description,
    port: u16,
) -> Result<walk::SignedIn> {
    let client = client(folder, port, Some("jon"))?;
    walk::sign_in(&client, &description.request).await
}

/// A client on loopback that trusts the demonstration's servers and shows a person's certificate, if any.
fn client(folder: &Folder, port: u16, person: Option<&str>) -> Result<Client> {
    let damaged = || {
        let pki = folder.file("pki");
        format!("{} is damaged: start over with --fresh", pki.display())
    };
    let public = |name: String| private_files::read_public(&folder.file(&name), LIMIT);
    let roots = public("pki/server-root.pem".to_owned()).with_context(damaged)?;
    let route = Route::To(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    let Some(person) = person else {
        return Client::new(&roots, None, route).with_context(damaged);
    };
    let certificate = public(format!("pki/{person}.pem")).with_context(damaged)?;
    let key = folder.file(&format!("pki/{person}.key"));
    let key = private_files::read(&key, LIMIT).with_context(damaged)?;
    Client::new(&roots, Some((&certificate, &key)), route).with_context(damaged)
}

fn registration(folder: &Folder, port: u16) -> Result<Registration> {
    Ok(Registration {
        issuer: issuer(port)?,
        home: Url::parse(&format!("https://app.localhost:{port}/"))?,
        client_id: material::APPLICATION.to_owned(),
        client_secret: material::application_secret(folder)?,
    })
}

fn issuer(port: u16) -> Result<Url> {
    Url::parse(&format!("https://login.localhost:{port}")).context("the issuer is a URL")
}
