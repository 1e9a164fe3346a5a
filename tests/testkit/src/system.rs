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
mod ports;
mod rig;
mod settings;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::client::Browser;
use crate::nats::Nats;
use crate::pki::{Authority, Identity};
use crate::processes::{Process, Program, run, wait_for};
use crate::samba::Samba;
use material::Material;
use ports::Ports;

pub use rig::{AuthorizeRequest, BusPlace, Rig};

/// The mark of a folder that may be emptied.
const MARK: &str = "testkit-rig";
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

/// Where people are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum DirectoryKind {
    /// A real domain controller: see [`crate::samba`].
    Samba,
    /// A file with jon, jane and eve.
    File,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Plan {
    folder: PathBuf,
    gateways: u8,
    directory: DirectoryKind,
    methods: Vec<&'static str>,
    postern: Option<PathBuf>,
}

impl Plan {
    /// One of each role with the directory file, in `folder`, which is made or, if it is an earlier
    /// system's, emptied.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            gateways: 1,
            directory: DirectoryKind::File,
            methods: vec!["certificate", "password"],
            postern: None,
        }
    }

    /// So many gateways, at most 98: 127.0.0.99 stays free for clients out of range.
    #[must_use]
    pub fn gateways(mut self, count: u8) -> Self {
        self.gateways = count;
        self
    }

    /// Where people are looked up.
    #[must_use]
    pub fn directory(mut self, kind: DirectoryKind) -> Self {
        self.directory = kind;
        self
    }

    /// Without any authority and any range: passwords are all there is.
    #[must_use]
    pub fn password_only(mut self) -> Self {
        self.methods = vec!["password"];
        self
    }

    /// This `postern`, not the one beside the running program.
    #[must_use]
    pub fn postern(mut self, program: &Path) -> Self {
        self.postern = Some(program.to_owned());
        self
    }

    /// Starts it, and returns once every role says that it is ready.
    ///
    /// # Errors
    /// If a part is missing or does not come up; the message quotes the end of its log.
    pub fn start(self) -> anyhow::Result<System> {
        ensure!(
            (1..=98).contains(&self.gateways),
            "from 1 to 98 gateways, not {}",
            self.gateways
        );
        let postern = match &self.postern {
            Some(program) => program.clone(),
            None => beside("postern")?,
        };
        let folder = empty_folder(&self.folder)?;
        run(Command::new(&postern)
            .args(["pki", "init", "--dir"])
            .arg(&folder))
        .context("failed to make the keys of the mesh")?;

        // The domain controller takes seconds; the rest is made meanwhile.
        let (samba, nats, material) = thread::scope(|scope| {
            let samba = scope.spawn(|| match self.directory {
                DirectoryKind::Samba => Samba::start(&folder.join("samba")).map(Some),
                DirectoryKind::File => Ok(None),
            });
            let nats = Nats::start(&folder.join("nats"));
            let material = Material::make(&folder, self.directory);
            let samba = samba
                .join()
                .map_err(|_| anyhow::anyhow!("starting Samba panicked"))?;
            anyhow::Ok((samba?, nats?, material?))
        })?;

        let ports = Ports::reserve(self.gateways)?;
        let mut system = System {
            plan: self,
            folder,
            postern,
            processes: BTreeMap::new(),
            addresses: ports.addresses(),
            front: ports.front(),
            admin: ports.admin()?,
            material,
            nats,
            samba,
        };
        settings::write(&system)?;
        drop(ports);
        for role in Role::ALL {
            for index in 0..system.count(role) {
                let process = system.launch(role, index)?;
                system.processes.entry(role).or_default().push(process);
            }
        }
        system.wait_until_ready()?;
        Ok(system)
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
    front: u16,
    admin: SocketAddr,
    material: Material,
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
            "https://cert.localhost:{}/{}",
            self.front,
            path.trim_start_matches('/')
        )
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
        self.process(role, index)?.kill()?;
        let process = self.launch(role, index)?;
        *self.process(role, index)? = process;
        self.wait_until_ready()
    }

    /// Waits until every process that was started answers and control counts it among the ready ones.
    ///
    /// # Errors
    /// If one ends, or is not ready in time.
    pub fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        for role in Role::ALL {
            let addresses = self.addresses.get(&role).cloned().unwrap_or_default();
            for (index, address) in addresses.into_iter().enumerate() {
                self.process(role, index)?.wait_for_port(address, READY)?;
            }
        }
        for index in 0..self.count(Role::Gateway) {
            let address = self.gateway(index);
            self.process(Role::Gateway, index)?
                .wait_for_port(address, READY)?;
        }
        let mut last = String::new();
        wait_for(READY, "every role to be ready", || {
            self.fail_if_one_ended()?;
            let output = self.postern(&["instances", "--json"]).output()?;
            last = String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr);
            Ok(self.all_ready(&output.stdout).then_some(()))
        })
        .with_context(|| format!("last heard of the instances: {}", last.trim()))
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
            for index in 0..self.count(role) {
                let process = self.process(role, index)?;
                if process.ended()?.is_none() {
                    let status = process.stop(STOP)?;
                    ensure!(status.success(), "{} ended badly: {status}", process.name());
                }
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

    fn fail_if_one_ended(&mut self) -> anyhow::Result<()> {
        for process in self.processes.values_mut().flatten() {
            if let Some(status) = process.ended()? {
                bail!("{} ended: {status}\n{}", process.name(), process.log_tail());
            }
        }
        Ok(())
    }

    /// Whether `postern instances --json` tells of as many ready processes as there are.
    fn all_ready(&self, answer: &[u8]) -> bool {
        let Ok(serde_json::Value::Array(instances)) = serde_json::from_slice(answer) else {
            return false;
        };
        Role::ALL.into_iter().all(|role| {
            let ready = instances.iter().filter(|instance| {
                let text = |key: &str| instance.get(key).and_then(serde_json::Value::as_str);
                text("role") == Some(role.name())
                    && matches!(text("state"), Some("ready" | "degraded"))
            });
            ready.count() >= self.count(role)
        })
    }
}

/// The name of a process: `gateway-1`, `gateway-2`, `control-1`.
fn instance(role: Role, index: usize) -> String {
    format!("{}-{}", role.name(), index + 1)
}

/// A program in the folder of the running one, or, for a test, in the one above.
fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("failed to find the running program")?;
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .with_context(|| format!("no {name} beside {}: cargo build -p {name}", own.display()))
}

fn empty_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    let folder = folder.canonicalize()?;
    let mut inside = fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
    inside.retain(|entry| entry.file_name() != MARK);
    if !inside.is_empty() && !folder.join(MARK).exists() {
        bail!(
            "{} is not empty and no earlier rig's: nothing there is touched; choose another folder",
            folder.display()
        );
    }
    for entry in inside {
        let path = entry.path();
        let removed = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("failed to remove {}", path.display()))?;
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    fs::write(
        folder.join(MARK),
        "This folder is emptied whenever a rig is started in it.\n",
    )?;
    for private in ["pki", "settings", "logs", "state", "control"] {
        let path = folder.join(private);
        fs::create_dir(&path).with_context(|| format!("failed to make {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(folder)
}
