//! A real nats-server with the shipped configuration, TLS and permissions.
//!
//! **Invariant:** the server ends with the rig, and comes back on the same
//! port with the same store when it is started again.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use runtime::bus::{Bus, BusState, NatsBus, NatsSettings};
use tempfile::TempDir;

const ROLES: [&str; 4] = ["gateway", "certval", "directory", "control"];

/// A server and where it lives.
pub(crate) struct NatsServer {
    folder: TempDir,
    port: u16,
    ca_pem: String,
    process: Option<Child>,
}

impl NatsServer {
    /// Starts a server; `None`, with a visible line, where none is installed
    /// (never in CI).
    pub(crate) fn start() -> Option<Self> {
        let found = Command::new("nats-server").arg("--version").output();
        if found.is_err() {
            assert!(std::env::var_os("CI").is_none(), "nats-server is missing");
            println!("SKIPPED: nats-server is not on PATH");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let ca_pem = issue_certificates(folder.path());
        // Asked of the system, then given back: the same port at every start.
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let mut server = Self {
            folder,
            port,
            ca_pem,
            process: None,
        };
        server.restart();
        Some(server)
    }

    /// Starts the server (again).
    pub(crate) fn restart(&mut self) {
        self.kill();
        let at = self.folder.path();
        let conf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nats/postern.conf");
        let mut log = File::options();
        let log = log.create(true).append(true);
        let log = log.open(at.join("log")).unwrap();
        let mut command = Command::new("nats-server");
        command
            .arg("-c")
            .arg(conf)
            .env("POSTERN_NATS_HOST", "127.0.0.1")
            .env("POSTERN_NATS_PORT", self.port.to_string())
            .env("POSTERN_NATS_STORE", at.join("store"))
            .env("POSTERN_NATS_CERT", at.join("server.pem"))
            .env("POSTERN_NATS_KEY", at.join("server.key"))
            .stdout(Stdio::null())
            .stderr(log);
        for role in ROLES {
            let name = format!("POSTERN_NATS_{}_PASSWORD", role.to_uppercase());
            command.env(name, password(role));
        }
        self.process = Some(command.spawn().unwrap());
    }

    /// Ends the server as a power failure would: SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Takes away everything the (killed) server stored.
    pub(crate) fn wipe(&self) {
        std::fs::remove_dir_all(self.store()).unwrap();
    }

    /// How a role reaches the server.
    pub(crate) fn settings(&self, role: &str) -> NatsSettings {
        NatsSettings {
            create_buckets: role == "control",
            ..NatsSettings::new(
                format!("tls://localhost:{}", self.port),
                self.ca_pem.clone().into_bytes(),
                role,
                password(role).into(),
                format!("{role}-test"),
            )
        }
    }

    /// A connected bus of a role.
    pub(crate) async fn bus(&self, role: &str) -> NatsBus {
        let bus = NatsBus::connect(self.settings(role)).await.unwrap();
        let connected = until(&bus, BusState::Connected).await;
        assert!(connected, "{role} did not connect:\n{}", self.log());
        bus
    }

    /// What the server said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- nats-server ---\n{}", self.log());
        }
    }
}

/// Waits at most 15 s until the bus is in `state`.
pub(crate) async fn until(bus: &dyn Bus, state: BusState) -> bool {
    let began = Instant::now();
    let mut states = bus.state();
    let reached = states.wait_for(|now| *now == state);
    let reached = tokio::time::timeout(Duration::from_secs(15), reached).await;
    if reached.is_err() {
        eprintln!("not {state:?} after {:?}", began.elapsed());
    }
    matches!(reached, Ok(Ok(_)))
}

fn password(role: &str) -> String {
    format!("p-{role}-0123456789abcdef")
}

fn issue_certificates(folder: &Path) -> String {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let server = CertificateParams::new(names).unwrap();
    let server = server.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("server.pem"), server.pem()).unwrap();
    std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    ca_pem
}
