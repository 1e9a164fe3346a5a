//! One role as a process of its own: settings in, a running role out, an orderly end.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use control::parts::RoleSeals;
use runtime::bus::{NatsBus, NatsSettings};
use runtime::clock::SystemClock;
use runtime::live::TrustedKeys;
use runtime::mesh::MeshIdentity;
use runtime::metrics::Metrics;
use runtime::operations;
use runtime::private_files;
use runtime::random::SystemRandomness;
use runtime::readiness::Readiness;
use runtime::settings::load;
use runtime::tasks::{DRAIN, Tasks, exit_code};
use runtime::telemetry::{self, Output, Process};
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::cli::RoleArguments;
use crate::compose::{self, Admin, Front, Host, Place};
use crate::pki::keys;
use crate::settings::{Certval, Control, Directory, Gateway, Shared};

const LIMIT: usize = 64 << 10;
/// How long a gateway that stops still redeems codes for the others.
const REDEMPTION_GRACE: Duration = Duration::from_secs(5);

/// Runs the gateway until it is stopped.
///
/// # Errors
/// When it cannot start: what, why, and what to do.
pub(crate) async fn gateway(arguments: &RoleArguments) -> Result<ExitCode> {
    with_hint(arguments, gateway_role(arguments).await)
}

async fn gateway_role(arguments: &RoleArguments) -> Result<ExitCode> {
    let settings: Gateway = load(arguments.settings.as_deref())?;
    let shared = settings.shared();
    let bound = gateway::edge::bind(&settings.edge.listen).await?;
    let front = Front {
        bound,
        edge: settings.edge,
        settings: settings.gateway,
        seal: seal(&shared)?,
        certval: settings.peers.certval,
        directory: settings.peers.directory,
        others: std::collections::BTreeMap::new(),
        grace: REDEMPTION_GRACE,
    };
    run("gateway", &shared, async |host, place| {
        compose::gateway(&host, place, front).await
    })
    .await
}

/// Runs certval until it is stopped.
///
/// # Errors
/// When it cannot start: what, why, and what to do.
pub(crate) async fn certval(arguments: &RoleArguments) -> Result<ExitCode> {
    with_hint(arguments, certval_role(arguments).await)
}

async fn certval_role(arguments: &RoleArguments) -> Result<ExitCode> {
    let settings: Certval = load(arguments.settings.as_deref())?;
    let shared = settings.shared();
    run("certval", &shared, async |host, place| {
        compose::certval(&host, place).await
    })
    .await
}

/// Runs the directory service until it is stopped.
///
/// # Errors
/// When it cannot start: what, why, and what to do.
pub(crate) async fn directory(arguments: &RoleArguments) -> Result<ExitCode> {
    with_hint(arguments, directory_role(arguments).await)
}

async fn directory_role(arguments: &RoleArguments) -> Result<ExitCode> {
    let settings: Directory = load(arguments.settings.as_deref())?;
    let shared = settings.shared();
    let seal = seal(&shared)?;
    let start =
        async |host, place| compose::directory(&host, place, settings.directory, seal).await;
    run("directory", &shared, start).await
}

/// Runs control until it is stopped.
///
/// # Errors
/// When it cannot start: what, why, and what to do.
pub(crate) async fn control(arguments: &RoleArguments) -> Result<ExitCode> {
    with_hint(arguments, control_role(arguments).await)
}

async fn control_role(arguments: &RoleArguments) -> Result<ExitCode> {
    let settings: Control = load(arguments.settings.as_deref())?;
    let shared = settings.shared();
    let admin = Admin {
        signing_key: keys::signing_key(&settings.control.signing_key_file)
            .context("control.signing_key_file cannot be used")?,
        seals: RoleSeals {
            gateway: keys::seal_keys(&settings.control.gateway_seal_key_file)
                .context("control.gateway_seal_key_file cannot be used")?,
            directory: keys::seal_keys(&settings.control.directory_seal_key_file)
                .context("control.directory_seal_key_file cannot be used")?,
        },
        settings: settings.control,
        certval: settings.peers.certval,
        initial: None,
    };
    run("control", &shared, async |host, place| {
        compose::control(&host, place, admin).await
    })
    .await
}

/// Whoever gave no settings file is told so when the defaults do not fit this machine.
fn with_hint(arguments: &RoleArguments, outcome: Result<ExitCode>) -> Result<ExitCode> {
    match arguments.settings {
        Some(_) => outcome,
        None => {
            outcome.context("no settings file was given (--settings FILE, or POSTERN_SETTINGS)")
        }
    }
}

/// Everything around a role: logs, bus, mesh, signals, the end.
async fn run(
    role: &'static str,
    shared: &Shared,
    start: impl AsyncFnOnce(Host, Place) -> Result<Readiness>,
) -> Result<ExitCode> {
    let process = Process::of(format!("postern-{role}"), env!("CARGO_PKG_VERSION"));
    let telemetry = telemetry::start(&shared.log, &shared.traces, &process, &Output::Stderr)?;
    let metrics = Metrics::new()?;
    let readiness = Readiness::new(compose::parts(role));
    let operations = operations::bind(&shared.operations).await?;
    let operations = operations::serve(
        operations,
        &metrics.of_role(role),
        &readiness,
        env!("CARGO_PKG_VERSION"),
    );
    let tasks = Tasks::new();
    tasks.stop_on_signals()?;
    let listener = TcpListener::bind(shared.mesh.listen)
        .await
        .with_context(|| format!("cannot listen on mesh.listen = {}", shared.mesh.listen))?;
    let host = Host {
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness::new()),
        tasks: tasks.clone(),
        bus: Arc::new(bus(role, shared).await?),
        metrics,
    };
    let trusted = private_files::read_public(&shared.configuration.trusted_keys_file, LIMIT)
        .context("configuration.trusted_keys_file cannot be used")?;
    let trusted = TrustedKeys::from_pem(&trusted).with_context(|| {
        format!(
            "{} holds no public key",
            shared.configuration.trusted_keys_file.display()
        )
    })?;
    let advertise = advertised(shared, listener.local_addr()?)?;
    let place = Place {
        identity: MeshIdentity::load(&shared.mesh.folder, role)
            .context("mesh.folder cannot be used")?,
        listener,
        advertise,
        trusted,
        folder: shared.instance.folder.clone(),
        readiness,
    };
    let readiness = start(host, place).await?;
    let announced = readiness.clone();
    let stopping = tasks.stopping();
    tokio::select! {
        () = announced.ready() => tracing::info!(role, "ready"),
        () = stopping.cancelled() => {}
    }
    stopping.cancelled().await;
    readiness.stopping();
    let end = tasks.finish(DRAIN).await;
    if let Err(error) = &end {
        tracing::error!(error = %error, cause = error_source(error), "did not end well");
    }
    drop(operations);
    telemetry.finish().await;
    Ok(exit_code(&end))
}

/// Where others reach this role. Codes and reports carry it, so it must lead to this very process.
fn advertised(shared: &Shared, local: SocketAddr) -> Result<String> {
    match &shared.mesh.advertise {
        Some(address) => Ok(address.clone()),
        None if local.ip().is_unspecified() => bail!(
            "mesh.listen = {local} listens on every address, so others cannot be told one: set mesh.advertise to the host:port of this very instance"
        ),
        None => Ok(local.to_string()),
    }
}

fn error_source(error: &runtime::tasks::Unclean) -> String {
    std::error::Error::source(error)
        .map(ToString::to_string)
        .unwrap_or_default()
}

async fn bus(role: &str, shared: &Shared) -> Result<NatsBus> {
    let bus = &shared.bus;
    let password = private_files::read(&bus.password_file, LIMIT)
        .context("bus.password_file cannot be used")?;
    let password = std::str::from_utf8(&password)
        .context("the bus password is not text")?
        .trim()
        .to_owned();
    let settings = NatsSettings {
        create_buckets: role == "control",
        replicas: bus.replicas.unwrap_or(1),
        allow_old_server: bus.allow_old_server,
        ..NatsSettings::new(
            bus.urls.join(","),
            private_files::read_public(&bus.ca_file, LIMIT)
                .context("bus.ca_file cannot be used")?,
            bus.user.clone(),
            SecretString::from(password),
            role,
        )
    };
    Ok(NatsBus::connect(settings).await?)
}

fn seal(shared: &Shared) -> Result<domain::seal::SealKeys> {
    let file = shared
        .configuration
        .seal_key_file
        .as_ref()
        .context("configuration.seal_key_file is not set")?;
    keys::seal_keys(file).context("configuration.seal_key_file cannot be used")
}
