//! docker-compose.yml as it is shipped, in a real Docker: it comes up, signs jon in, can be observed, is contained, keeps
//! its secrets, and loses no sign-in that could be served while parts of it are away.
//!
//! **Invariant:** the file is used as it is. Its project has a name of the test's own, so that nobody's demonstration is
//! touched; where one is running, its ports are taken and the test says so.

mod contained;
mod faults;
mod handbook;
mod observed;
mod project;
mod secrets;
mod sign_in;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::docker::Docker;
use crate::images;
use crate::program::{Promise, in_order, skipped};
use project::{Project, Stage};

/// From nothing to every container healthy, on a small machine.
const UP: Duration = Duration::from_secs(300);

/// The whole test program.
#[must_use]
pub fn run() -> ExitCode {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => return failed(&error.into()),
    };
    let docker = match Docker::find_or_start(&folder.path().join("dockerd.log")) {
        Ok(docker) => docker,
        Err(error) => return skipped(&format!("docker-compose: {error:#}")),
    };
    let project = match Project::of_this_checkout(docker) {
        Ok(project) => project,
        Err(error) => return skipped(&format!("docker-compose: {error:#}")),
    };
    // Kept until the program ends, so that every promise may borrow it.
    let project: &'static Project = Box::leak(Box::new(project));
    let outcome = on_stage(project, folder.path()).unwrap_or_else(|error| {
        eprintln!("{}", project.logs());
        failed(&error)
    });
    match project.take_away().and_then(|()| project.docker.stop()) {
        Ok(()) => outcome,
        Err(error) => failed(&error.context("what the test started could not be taken away")),
    }
}

fn on_stage(project: &'static Project, folder: &Path) -> Result<ExitCode> {
    // What an earlier run left that was killed.
    project.take_away()?;
    let others = [
        images::NATS,
        images::HAPROXY,
        images::JAEGER,
        images::PROMETHEUS,
    ];
    images::bring(&project.docker, &others)?;
    images::build_own(&project.docker, &project.checkout)?;
    project
        .up(UP)
        .context("docker compose up did not end in a healthy system")?;
    let stage: &'static Stage = Box::leak(Box::new(Stage::set(project, folder)?));
    let promises: Vec<Promise<Stage>> = vec![
        (
            "the image is small and has an ordinary user and no shell",
            contained::image,
        ),
        ("every container is contained", contained::containers),
        (
            "everything is published on 127.0.0.1 only",
            contained::published,
        ),
        (
            "no secret is in the file or in any container's configuration",
            secrets::no_secret,
        ),
        (
            "each role is given the secrets it needs and no other",
            secrets::given,
        ),
        (
            "jon signs in through the balancer with his certificate",
            sign_in::jon,
        ),
        ("jane signs in with her password", sign_in::jane_by_password),
        ("eve, whose account is disabled, does not", sign_in::eve),
        (
            "the sample application signs jon in by its server",
            sign_in::sample,
        ),
        (
            "the command line is at hand in control's container",
            sign_in::command_line,
        ),
        (
            "the request id of jon's sign-in finds its one trace in Jaeger",
            observed::trace,
        ),
        (
            "Prometheus reaches every process, and counts sign-ins",
            observed::metrics,
        ),
        (
            "the alert rules are understood, and none fires where nothing is wrong",
            observed::alerts,
        ),
        (
            "the dashboard asks for numbers that are there",
            observed::dashboard,
        ),
        ("a second up keeps every secret", secrets::second_up),
        (
            "the commands of the README and the handbook work",
            handbook::commands,
        ),
        (
            "gateway-1 stops and comes back: no sign-in is lost",
            faults::gateway,
        ),
        (
            "certval-1 stops and comes back: no sign-in is lost",
            faults::certval,
        ),
        (
            "directory-1 stops and comes back: no sign-in is lost",
            faults::directory,
        ),
        (
            "NATS stops and comes back: no sign-in is lost",
            faults::nats,
        ),
        (
            "certval-2 is killed: no sign-in is lost",
            faults::certval_killed,
        ),
        (
            "directory-2 is killed: no sign-in is lost",
            faults::directory_killed,
        ),
        (
            "gateway-2 is killed: only what it held is lost, and only then",
            faults::gateway_killed,
        ),
    ];
    Ok(in_order(stage, promises))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("docker-compose: {error:#}");
    ExitCode::FAILURE
}
