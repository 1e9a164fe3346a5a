//! The whole system as processes on this machine: NATS, Samba or a directory file, certval, directory,
//! control and gateways, with real certificates and settings files, as an operator would set it up.
//!
//! Gateway *i* listens on 127.0.0.*i*, all at one port. `FabrikamAD` has 127.0.0.1 and ::1 in its range
//! (connections to any loopback address come from 127.0.0.1 unless bound otherwise); `ContosoAD` has no
//! range. Both look people up in the same directory.
//!
//! **Invariant:** every process belongs to the [`System`] value and ends with it, and all of its state is
//! in its one folder.

mod material;
mod plan;
mod ports;
mod rig;
mod settings;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::client::Browser;
use crate::nats::Nats;
use crate::pki::{Authority, Identity};
use crate::processes::{Process, Program, Signal, wait_for};
use crate::samba::Samba;
use material::Material;
use ports::Ports;

pub use plan::{DirectoryKind, Plan};
pub use rig::{AuthorizeRequest, BusPlace, Rig};

/// From the start of the roles until all of them are ready.
const READY: Duration = Duration::from_secs(60);
/// Longer than a role's own hard stop.
const STOP: Duration = Duration::from_secs(35);

/// One of the kinds of process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The edge.
    Gateway,
    /// Certificate judgement.
    Certval,
    /// Active Directory.
    Directory,
    /// The live configuration.
    Control,
}

impl Role {
    /// All of them, in the order they are started. None needs it: each waits for what it lacks.
    pub const ALL: [Self; 4] = [Self::Certval, Self::Directory, Self::Control, Self::Gateway];

    /// The name of its subcommand, its certificate and its user at the bus.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Certval => "certval",
            Self::Directory => "directory",
            Self::Control => "control",
        }
    }
}

/// A running system.
#[derive(Debug)]
pub struct System {
    // First, so that the roles end before what they stand on.
    processes: BTreeMap<Role, Vec<Process>>,
    nats: Nats,
    samba: Option<Samba>,
    plan: Plan,
    folder: PathBuf,
    postern: PathBuf,
    /// Where each role answers the others.
    addresses: BTreeMap<Role, Vec<SocketAddr>>,
    /// Where each role tells how it is.
    operations: BTreeMap<Role, Vec<SocketAddr>>,
    front: u16,
    admin: SocketAddr,
    page: u16,
    server: u16,
    material: Material,
    /// The claims to all of these addresses.
    _ports: Ports,
    /// Of the folder, until everything else is gone.
    _lock: File,
}

impl System {
    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The issuer, `https://login.localhost:PORT`.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("https://login.localhost:{}", self.front)
    }

    /// An address on the certificate host, `https://cert.localhost:PORT/PATH`.
    #[must_use]
    pub fn certificate_url(&self, path: &str) -> String {
        format!(
            "https://{}:{}/{}",
            self.certificate_host(),
            self.front,
            path.trim_start_matches('/')
        )
    }

    /// The host that asks for certificates.
    #[must_use]
    pub fn certificate_host(&self) -> &'static str {
        match self.plan.shared_certificate {
            // Below the login host, for browsers keep connections of different sites apart.
            true => "cert.login.localhost",
            false => "cert.localhost",
        }
    }

    /// Where gateway `index` (from 0) accepts browsers.
    #[must_use]
    pub fn gateway(&self, index: usize) -> SocketAddr {
        let host = u8::try_from(index).unwrap_or(u8::MAX).saturating_add(1);
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)), self.front)
    }

    /// A fresh browser without a certificate, at the first gateway. Move it with
    /// [`Browser::through`]`(system.gateway(1))`.
    ///
    /// # Errors
    /// Never in practice: the root is our own.
    pub fn browser(&self) -> anyhow::Result<Browser> {
        Ok(Browser::trusting(self.material.servers.der())?.through(self.gateway(0)))
    }

    /// The authority whose certificates `FabrikamAD` accepts.
    #[must_use]
    pub fn people(&self) -> &Authority {
        &self.material.people
    }

    /// The authority of the servers.
    #[must_use]
    pub fn servers(&self) -> &Authority {
        &self.material.servers
    }

    /// The certificate of `jon`, `jane` or `eve`.
    ///
    /// # Errors
    /// For any other name: issue that one from [`System::people`].
    pub fn certificate_of(&self, name: &str) -> anyhow::Result<Identity> {
        let identity = self.material.identities.get(name);
        identity
            .cloned()
            .with_context(|| format!("no certificate was made for {name}"))
    }

    /// The password of one of the directory's people; empty for any other name.
    #[must_use]
    pub fn password_of(&self, name: &str) -> &str {
        match &self.samba {
            Some(samba) => samba.password_of(name),
            None => self.material.passwords.get(name).map_or("", String::as_str),
        }
    }

    /// A new authorize request of the public client, with its own state, nonce and challenge.
    ///
    /// # Errors
    /// If the machine has no random bytes.
    pub fn authorize(&self, connection: &str) -> anyhow::Result<AuthorizeRequest> {
        AuthorizeRequest::new(&self.issuer(), &self.redirect_uri(), connection)
    }

    /// Where codes for the public client go; nobody listens there.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("https://app.localhost:{}/script", self.front)
    }

    /// The origin that the application for scripts in pages is registered with. Nobody listens there until
    /// a test does, with [`Rig::page`]'s certificate.
    #[must_use]
    pub fn page_origin(&self) -> String {
        format!("https://app.localhost:{}", self.page)
    }

    /// Where the application that is a server is registered to be. Nobody listens there until a test does.
    #[must_use]
    pub fn server_origin(&self) -> String {
        format!("http://localhost:{}", self.server)
    }

    /// Where one process of a role, from 0, answers `/healthz`, `/readyz` and `/metrics`.
    ///
    /// # Errors
    /// If there is none of that number.
    pub fn operations(&self, role: Role, index: usize) -> anyhow::Result<SocketAddr> {
        let addresses = self.operations.get(&role);
        let address = addresses.and_then(|all| all.get(index)).copied();
        address.with_context(|| format!("there is no {} {index}", role.name()))
    }

    /// `postern ARGUMENTS…`, told how to reach this system's admin API.
    #[must_use]
    pub fn postern(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.postern);
        command.args(arguments).envs(self.environment());
        command
    }

    /// What the command line needs to reach this system's admin API.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let file = |path: &str| self.folder.join(path).display().to_string();
        BTreeMap::from([
            ("POSTERN_ADMIN_URL".to_owned(), self.admin_url()),
            (
                "POSTERN_ADMIN_TOKEN_FILE".to_owned(),
                file("control/admin-token"),
            ),
            ("POSTERN_ADMIN_CA".to_owned(), file("pki/server-root.pem")),
        ])
    }

    /// The admin API, `https://localhost:PORT`.
    #[must_use]
    pub fn admin_url(&self) -> String {
        format!("https://localhost:{}", self.admin.port())
    }

    /// The NATS server, to be killed and restarted.
    pub fn nats(&mut self) -> &mut Nats {
        &mut self.nats
    }

    /// The domain controller, if there is one.
    pub fn samba(&mut self) -> Option<&mut Samba> {
        self.samba.as_mut()
    }

    /// One process of a role, from 0; to be frozen, killed or asked to end.
    ///
    /// # Errors
    /// If there is none of that number.
    pub fn process(&mut self, role: Role, index: usize) -> anyhow::Result<&mut Process> {
        let process = self
            .processes
            .get_mut(&role)
            .and_then(|all| all.get_mut(index));
        process.with_context(|| format!("there is no {} {index}", role.name()))
    }

    /// Starts one process again with the same settings and state; kills it first if it runs.
    ///
    /// # Errors
    /// If it cannot be started, or is not ready in time.
    pub fn restart(&mut self, role: Role, index: usize) -> anyhow::Result<()> {
        self.relaunch(role, index)?;
        self.wait_until_ready()
    }

    /// The same without waiting for anything.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn relaunch(&mut self, role: Role, index: usize) -> anyhow::Result<()> {
        if self.process(role, index)?.ended()?.is_none() {
            self.process(role, index)?.kill()?;
        }
        let process = self.launch(role, index)?;
        *self.process(role, index)? = process;
        Ok(())
    }

    /// Waits until every process that was started says that it is ready, and control counts it among the
    /// instances that have the current configuration.
    ///
    /// # Errors
    /// If one ends, or is not ready in time.
    pub fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        for process in self.processes.values_mut().flatten() {
            wait_for_one(process)?;
        }
        let mut last = String::new();
        wait_for(READY, "control to count every instance", || {
            let output = self.postern(&["instances", "--json"]).output()?;
            last = String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr);
            Ok(self.all_counted(&output.stdout).then_some(()))
        })
        .with_context(|| format!("last heard of the instances: {}", last.trim()))
    }

    /// Waits until control says that it is ready.
    pub(crate) fn wait_for_control(&mut self) -> anyhow::Result<()> {
        wait_for_one(self.process(Role::Control, 0)?)
    }

    /// Describes it for programs.
    ///
    /// # Errors
    /// If the machine has no random bytes.
    pub fn describe(&self) -> anyhow::Result<Rig> {
        Rig::of(self)
    }

    /// Asks every role to end, gateways first, and waits for it.
    ///
    /// # Errors
    /// If one does not end in time, or not well.
    pub fn stop(mut self) -> anyhow::Result<()> {
        for role in Role::ALL.into_iter().rev() {
            let processes = self
                .processes
                .get_mut(&role)
                .map(Vec::as_mut_slice)
                .unwrap_or_default();
            // All of a role at once: a gateway that ends still redeems codes for the others for a while.
            for process in processes.iter_mut() {
                if process.ended()?.is_none() {
                    process.signal(Signal::Term)?;
                }
            }
            for process in processes {
                let status = process.wait(STOP)?;
                // One that a test killed did not end well, and that is no news.
                let killed = status.signal() == Some(9);
                ensure!(
                    status.success() || killed,
                    "{} ended badly: {status}; the end of its log:\n{}",
                    process.name(),
                    process.log_tail()
                );
            }
        }
        Ok(())
    }

    fn count(&self, role: Role) -> usize {
        self.addresses.get(&role).map_or(0, Vec::len)
    }

    fn launch(&self, role: Role, index: usize) -> anyhow::Result<Process> {
        let name = instance(role, index);
        Program::new(&self.postern)
            .named(&name)
            .args([role.name(), "--settings"])
            .arg(self.folder.join(format!("settings/{name}.toml")))
            .log(self.folder.join(format!("logs/{name}.log")))
            .start()
    }

    /// Whether `postern instances --json` names every address with the current configuration.
    fn all_counted(&self, answer: &[u8]) -> bool {
        let Ok(serde_json::Value::Array(instances)) = serde_json::from_slice(answer) else {
            return false;
        };
        let current = |wanted: &SocketAddr| {
            instances.iter().any(|instance| {
                let text = |key: &str| instance.get(key).and_then(serde_json::Value::as_str);
                text("address") == Some(&wanted.to_string()) && text("state") == Some("current")
            })
        };
        self.addresses.values().flatten().all(current)
    }
}

/// Waits until a role says that it is ready.
fn wait_for_one(process: &mut Process) -> anyhow::Result<()> {
    let name = process.name().to_owned();
    wait_for(READY, &format!("{name} to be ready"), || {
        if let Some(status) = process.ended()? {
            bail!("{name} ended: {status}");
        }
        Ok(process.log().lines().any(says_ready).then_some(()))
    })
    .with_context(|| format!("the end of its log:\n{}", process.log_tail()))
}

/// Whether a line of a role's log is the one it writes once all of its parts are ready.
fn says_ready(line: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(line).is_ok_and(|entry| {
        entry
            .get("message")
            .is_some_and(|message| message == "ready")
    })
}

/// The name of a process: `gateway-1`, `gateway-2`, `control-1`.
fn instance(role: Role, index: usize) -> String {
    format!("{}-{}", role.name(), index + 1)
}
