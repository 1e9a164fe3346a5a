//! What to start, and the start.
//!
//! **Invariant:** no file of a folder is touched that no earlier rig marked as its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, bail, ensure};

use super::material::Material;
use super::ports::Ports;
use super::{Role, System, settings};
use crate::nats::Nats;
use crate::pki::KeyKind;
use crate::processes::run;
use crate::samba::Samba;

/// The mark of a folder that may be emptied.
const MARK: &str = "testkit-rig";

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
    pub(super) directory: DirectoryKind,
    pub(super) methods: Vec<&'static str>,
    pub(super) shared_certificate: bool,
    /// Of people, servers, and who vouches for people.
    pub(super) keys: KeyKind,
    pub(super) patient: bool,
    /// Whether there is nothing to begin with.
    pub(super) empty: bool,
    /// Applications beside those of the rig.
    pub(super) applications: Vec<toml::Value>,
    /// Seconds to choose a certificate in.
    pub(super) choosing: u64,
    /// What the roles log.
    pub(super) log: String,
    /// Where the roles send traces; empty for nowhere.
    pub(super) traces: String,
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
            shared_certificate: false,
            keys: KeyKind::P256,
            patient: false,
            empty: false,
            applications: Vec::new(),
            choosing: 120,
            log: "info".to_owned(),
            traces: String::new(),
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

    /// With nothing to begin with: everything is set over the admin API. Nobody waits for its gateways, which are not
    /// ready without a server certificate.
    #[must_use]
    pub fn empty(mut self) -> Self {
        self.empty = true;
        self
    }

    /// Registers the `[[applications]]` of this text as well, as an initial configuration has them.
    ///
    /// # Errors
    /// If the text has none.
    pub fn registering(mut self, initial: &str) -> anyhow::Result<Self> {
        let text: toml::Table = toml::from_str(initial).context("not TOML")?;
        let applications = text.get("applications").and_then(toml::Value::as_array);
        self.applications
            .extend_from_slice(applications.context("no [[applications]]")?);
        Ok(self)
    }

    /// With one server certificate for the login host and the certificate host, and both of one site, which
    /// tempts browsers to use one connection for both.
    #[must_use]
    pub fn shared_certificate(mut self, shared: bool) -> Self {
        self.shared_certificate = shared;
        self
    }

    /// With keys of this kind for people, servers, and the authority of people.
    #[must_use]
    pub fn keys(mut self, kind: KeyKind) -> Self {
        self.keys = kind;
        self
    }

    /// With gateways that wait long for the others: for machines that are busy with something else, too.
    #[must_use]
    pub fn patient(mut self, patient: bool) -> Self {
        self.patient = patient;
        self
    }

    /// With so many seconds to choose a certificate in, instead of the default's 120.
    #[must_use]
    pub fn choosing(mut self, seconds: u64) -> Self {
        self.choosing = seconds;
        self
    }

    /// With roles that log this much.
    #[must_use]
    pub fn logging(mut self, filter: &str) -> Self {
        filter.clone_into(&mut self.log);
        self
    }

    /// With roles that send every trace to this collector (OTLP over gRPC).
    #[must_use]
    pub fn traces_to(mut self, endpoint: &str) -> Self {
        endpoint.clone_into(&mut self.traces);
        self
    }

    /// This `postern`, not the one beside the running program.
    #[must_use]
    pub fn postern(mut self, program: &Path) -> Self {
        self.postern = Some(program.to_owned());
        self
    }

    /// Starts it, and returns once every role says that it is ready; of an empty one, control.
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
        let (folder, lock) = empty_folder(&self.folder)?;
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
            let material = Material::make(&folder, self.directory, self.keys);
            let samba = samba
                .join()
                .map_err(|_| anyhow::anyhow!("starting Samba panicked"))?;
            anyhow::Ok((samba?, nats?, material?))
        })?;

        let ports = Ports::claim(self.gateways)?;
        let mut system = System {
            plan: self,
            folder,
            postern,
            processes: BTreeMap::new(),
            addresses: ports.addresses(),
            operations: ports.operations(),
            front: ports.front(),
            admin: ports.admin(),
            page: ports.page(),
            server: ports.server(),
            material,
            nats,
            samba,
            _ports: ports,
            _lock: lock,
        };
        settings::write(&system)?;
        for role in Role::ALL {
            for index in 0..system.count(role) {
                let process = system.launch(role, index)?;
                system.processes.entry(role).or_default().push(process);
            }
        }
        match system.plan.empty {
            false => system.wait_until_ready()?,
            true => system.wait_for_control()?,
        }
        Ok(system)
    }
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

/// Makes a folder of private folders, and holds it until the lock is dropped.
pub(super) fn empty_folder(folder: &Path) -> anyhow::Result<(PathBuf, File)> {
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
    let mark = folder.join(MARK);
    let lock =
        File::create(&mark).with_context(|| format!("failed to write {}", mark.display()))?;
    if lock.try_lock().is_err() {
        bail!(
            "another rig runs in {}; end it or choose another folder",
            folder.display()
        );
    }
    (&lock).write_all(b"This folder is emptied whenever a rig is started in it.\n")?;
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
    for private in ["pki", "settings", "logs", "state", "control"] {
        let path = folder.join(private);
        fs::create_dir(&path).with_context(|| format!("failed to make {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
    }
    Ok((folder, lock))
}
