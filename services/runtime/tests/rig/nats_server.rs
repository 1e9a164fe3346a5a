//! A real nats-server with the shipped configuration, TLS and permissions, and
//! connections of its users.
//!
//! **Invariant:** without a server there is no test: it fails.

use std::time::{Duration, Instant};

use runtime::bus::{Bus, BusState, NatsBus, NatsSettings};
use tempfile::TempDir;
use testkit::nats::Nats;

/// A server and where it lives.
pub(crate) struct NatsServer {
    nats: Nats,
    folder: TempDir,
}

impl NatsServer {
    /// Starts a server with the configuration as it is shipped.
    pub(crate) fn start() -> Self {
        Self::start_with(str::to_owned)
    }

    /// Starts a server with the shipped configuration after this change.
    pub(crate) fn start_with(change: impl FnOnce(&str) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let nats = Nats::start(folder.path()).expect("no nats-server: see tests/install");
        let mut server = Self { nats, folder };
        let file = server.folder.path().join("postern.conf");
        let shipped = std::fs::read_to_string(&file).unwrap();
        let changed = change(&shipped);
        if changed != shipped {
            std::fs::write(&file, changed).unwrap();
            server.restart();
        }
        server
    }

    /// Starts the server (again).
    pub(crate) fn restart(&mut self) {
        self.nats.restart().unwrap();
    }

    /// Starts the server again, without anything that it stored.
    pub(crate) fn restart_empty(&mut self) {
        self.nats.restart_empty().unwrap();
    }

    /// Ends the server as a power failure would: SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.nats.kill().unwrap();
    }

    /// How a role reaches the server.
    pub(crate) fn settings(&self, role: &str) -> NatsSettings {
        NatsSettings {
            create_buckets: role == "control",
            ..NatsSettings::new(
                format!("tls://localhost:{}", self.nats.port()),
                self.nats.ca_pem().into_bytes(),
                role,
                self.nats.password(role).into(),
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
        let log = self.folder.path().join("nats.log");
        std::fs::read_to_string(log).unwrap_or_default()
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
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
