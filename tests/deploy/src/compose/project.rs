//! The project of docker-compose.yml: up, away, and single containers in between.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use testkit::pki::Identity;
use testkit::processes::wait_for;

use crate::commands::output;
use crate::docker::Docker;
use crate::sign_in::{Person, Site};

/// Not the name in the file: that one may be somebody's demonstration.
const NAME: &str = "postern-test";
const STEP: Duration = Duration::from_secs(120);
const QUICK: Duration = Duration::from_secs(20);

/// The compose project of this checkout.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) docker: Docker,
    pub(super) checkout: PathBuf,
}

impl Project {
    /// The project of the checkout that this test was built in.
    pub(super) fn of_this_checkout(docker: Docker) -> Result<Self> {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let checkout = checkout.canonicalize().context("the checkout is gone")?;
        docker
            .run(&["compose", "version"], QUICK)
            .context("Docker has no compose plugin; run tests/install")?;
        Ok(Self { docker, checkout })
    }

    /// `docker compose ARGUMENTS…`
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.docker.command(&["compose", "--project-name", NAME]);
        command.args(arguments).current_dir(&self.checkout);
        command
    }

    /// What makes a `docker compose` that somebody types, wherever they stand, mean this project.
    pub(super) fn environment(&self) -> [(&'static str, OsString); 3] {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let first = self.docker.folder().into_iter().map(Path::to_owned);
        let path = std::env::join_paths(first.chain(std::env::split_paths(&path)));
        [
            ("COMPOSE_PROJECT_NAME", NAME.into()),
            (
                "COMPOSE_FILE",
                self.checkout.join("docker-compose.yml").into(),
            ),
            ("PATH", path.unwrap_or_default()),
        ]
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Result<String> {
        output(&mut self.command(arguments), STEP)
    }

    /// Everything up and healthy.
    pub(super) fn up(&self, within: Duration) -> Result<()> {
        output(
            &mut self.command(&["up", "--no-build", "--detach", "--wait"]),
            within,
        )
        .map(|_| ())
    }

    /// No container, no network and no volume of it any more.
    pub(super) fn take_away(&self) -> Result<()> {
        self.run(&["down", "--volumes", "--timeout", "5"])
            .map(|_| ())
    }

    /// The end of every container's log, and their states.
    pub(super) fn logs(&self) -> String {
        let said = |arguments: &[&str]| {
            self.run(arguments)
                .unwrap_or_else(|error| format!("{error:#}\n"))
        };
        said(&["ps", "--all"]) + &said(&["logs", "--tail", "20"])
    }

    /// What `docker inspect` says about each container, stopped ones too.
    pub(super) fn containers(&self) -> Result<Vec<Value>> {
        let ids = self.run(&["ps", "--all", "--quiet"])?;
        let mut arguments = vec!["inspect"];
        arguments.extend(ids.split_whitespace());
        let inspected = self.docker.run(&arguments, QUICK)?;
        let inspected: Vec<Value> = serde_json::from_str(&inspected)?;
        ensure!(!inspected.is_empty(), "there is no container");
        Ok(inspected)
    }

    /// Waits until a service's container says that it is healthy.
    pub(super) fn healthy(&self, service: &str) -> Result<()> {
        wait_for(STEP, &format!("{service} to be healthy"), || {
            let containers = self.containers()?;
            let mut its = containers
                .iter()
                .filter(|container| name(container) == service);
            let health = its
                .next()
                .and_then(|container| container.pointer("/State/Health/Status"));
            Ok((health.and_then(Value::as_str) == Some("healthy")).then_some(()))
        })
    }

    /// A file or folder of a container, copied to `to`.
    pub(super) fn copy(&self, from: &str, to: &Path) -> Result<()> {
        self.run(&["cp", from, &to.display().to_string()])
            .map(|_| ())
    }
}

/// The service a container belongs to.
pub(super) fn name(container: &Value) -> &str {
    let label = container.pointer("/Config/Labels/com.docker.compose.service");
    label.and_then(Value::as_str).unwrap_or_default()
}

/// The running system, and what a person needs who signs in.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) project: &'static Project,
    /// What the set-up made for people, as the README says to copy it.
    pub(super) people: PathBuf,
    /// The set-up's own copies of everything.
    pub(super) secrets: PathBuf,
    pub(super) site: Site,
}

impl Stage {
    pub(super) fn set(project: &'static Project, folder: &Path) -> Result<Self> {
        let people = folder.join("people");
        project.copy("set-up:/volumes/people", &people)?;
        let secrets = folder.join("secrets");
        project.copy("set-up:/volumes/set-up", &secrets)?;
        let root = fs::read_to_string(people.join("server-root.pem"))?;
        let site = Site {
            issuer: "https://login.localhost:8443".to_owned(),
            address: ([127, 0, 0, 1], 8443).into(),
            root,
            client_id: "demo-script".to_owned(),
            redirect_uri: "https://app.localhost:8445/script".to_owned(),
            connection: "FabrikamAD".to_owned(),
        };
        Ok(Self {
            project,
            people,
            secrets,
            site,
        })
    }

    /// One of jon, jane and eve, with the certificate.
    pub(super) fn person(&self, name: &str) -> Result<Person> {
        let certificate = fs::read(self.people.join(format!("{name}.pem")))?;
        let key = fs::read(self.people.join(format!("{name}.key")))?;
        let identity = Identity {
            certificate: CertificateDer::from_pem_slice(&certificate)
                .with_context(|| format!("{name}.pem holds no certificate"))?,
            intermediates: Vec::new(),
            key: PrivatePkcs8KeyDer::from_pem_slice(&key)
                .with_context(|| format!("{name}.key holds no private key"))?,
        };
        Ok(Person {
            name: name.to_owned(),
            identity,
        })
    }

    /// A person's password.
    pub(super) fn password(&self, name: &str) -> Result<String> {
        let file = self.people.join(format!("{name}.password"));
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    }
}
