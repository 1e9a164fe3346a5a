//! A real NATS server with the configuration that is shipped (`deploy/nats/postern.conf`): TLS, one
//! user per role with its permissions, JetStream.
//!
//! It listens on a free port of loopback, which it keeps over a kill and a restart, as it keeps its
//! store.
//!
//! **Invariant:** what a role may do here is what it may do in production, for it is the same file.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::pki::{Authority, write_secret};
use crate::processes::{Process, Program, find_program, run};

/// The configuration as it is shipped.
const CONFIGURATION: &str = include_str!("../../../deploy/nats/postern.conf");
/// The oldest server with the fixes and features that are relied on.
const OLDEST: [u32; 3] = [2, 12, 6];
const READY: Duration = Duration::from_secs(20);
/// The users of the configuration, one for each role.
pub const ROLES: [&str; 4] = ["gateway", "certval", "directory", "control"];
/// The name in its certificate, beside `localhost` and `127.0.0.1`.
pub const SERVER_NAME: &str = "nats.mesh.internal";

/// A NATS server, running or killed.
#[derive(Debug)]
pub struct Nats {
    folder: PathBuf,
    process: Process,
    port: u16,
    passwords: BTreeMap<&'static str, String>,
    authority: Authority,
}

impl Nats {
    /// Starts one in `folder` (made if absent), and returns when it accepts connections.
    ///
    /// # Errors
    /// If nats-server is absent, too old, or does not come up.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        let folder = folder.canonicalize()?;
        let authority = Authority::named("Postern test NATS CA").self_signed()?;
        authority
            .issue_server(&[SERVER_NAME, "localhost", "127.0.0.1"])?
            .write_to(&folder, "server")?;
        fs::write(folder.join("ca.pem"), authority.pem())?;
        fs::write(folder.join("postern.conf"), CONFIGURATION)?;
        let mut passwords = BTreeMap::new();
        for role in ROLES {
            let password = new_password()?;
            write_secret(
                &folder.join(format!("{role}.password")),
                password.as_bytes(),
            )?;
            passwords.insert(role, password);
        }
        let mut process = launch(&folder, None, &passwords)?;
        let port = announced_port(&folder, &mut process)?;
        Ok(Self {
            folder,
            process,
            port,
            passwords,
            authority,
        })
    }

    /// `tls://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("tls://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The authority of its certificate, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// The same authority in a file.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The password of a role, whose user is called as the role is; empty for any other name.
    #[must_use]
    pub fn password(&self, role: &str) -> &str {
        self.passwords.get(role).map_or("", String::as_str)
    }

    /// The same password in a file (0600, nothing behind it).
    #[must_use]
    pub fn password_file(&self, role: &str) -> PathBuf {
        self.folder.join(format!("{role}.password"))
    }

    /// The process, to be frozen.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// If the system does not let it be killed.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().map(|_| ())
    }

    /// Starts it again on the same port with the same store, after [`Nats::kill`] or without.
    ///
    /// # Errors
    /// If it does not come up again.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.process.stop(READY)?;
        self.process = launch(&self.folder, Some(self.port), &self.passwords)?;
        let port = announced_port(&self.folder, &mut self.process)?;
        ensure!(
            port == self.port,
            "the NATS server came back on {port}, not on {}",
            self.port
        );
        Ok(())
    }

    /// Ends it and throws its store away, then starts it again on the same port: a lost disk.
    ///
    /// # Errors
    /// If it does not come up again.
    pub fn restart_empty(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        let store = self.folder.join("store");
        fs::remove_dir_all(&store)
            .with_context(|| format!("failed to remove {}", store.display()))?;
        self.restart()
    }
}

fn launch(
    folder: &Path,
    port: Option<u16>,
    passwords: &BTreeMap<&'static str, String>,
) -> anyhow::Result<Process> {
    let server = find_program("nats-server")?;
    require_current(&server)?;
    // -1 is any free port; which one, the server writes into a file.
    let port = port.map_or("-1".to_owned(), |port| port.to_string());
    let mut program = Program::new(server)
        .named("nats-server")
        .arg("-c")
        .arg(folder.join("postern.conf"))
        .arg("--ports_file_dir")
        .arg(folder)
        .env("POSTERN_NATS_HOST", "127.0.0.1")
        .env("POSTERN_NATS_PORT", port)
        .env("POSTERN_NATS_STORE", folder.join("store"))
        .env("POSTERN_NATS_CERT", folder.join("server.pem"))
        .env("POSTERN_NATS_KEY", folder.join("server.key"))
        .log(folder.join("nats.log"));
    for (role, password) in passwords {
        let name = format!("POSTERN_NATS_{}_PASSWORD", role.to_ascii_uppercase());
        program = program.env(name, format!("\"{password}\""));
    }
    program.start()
}

/// The port in `nats-server_PID.ports`, which the server writes once it listens.
fn announced_port(folder: &Path, process: &mut Process) -> anyhow::Result<u16> {
    let file = folder.join(format!("nats-server_{}.ports", process.id()));
    let port = process.wait_until(READY, "the NATS server to listen", || {
        let Ok(content) = fs::read_to_string(&file) else {
            return Ok(None);
        };
        // Half a file is no JSON yet.
        let Ok(ports) = serde_json::from_str::<serde_json::Value>(&content) else {
            return Ok(None);
        };
        let url = ports.pointer("/nats/0").and_then(serde_json::Value::as_str);
        Ok(url.and_then(|url| url.rsplit(':').next()?.parse().ok()))
    })?;
    let _ = fs::remove_file(&file);
    Ok(port)
}

fn require_current(server: &Path) -> anyhow::Result<()> {
    let text = run(std::process::Command::new(server).arg("--version"))?;
    let version: Vec<u32> = text
        .trim()
        .rsplit('v')
        .next()
        .unwrap_or_default()
        .split(['.', '-'])
        .map_while(|part| part.parse().ok())
        .collect();
    if version.as_slice() < OLDEST.as_slice() {
        bail!(
            "{} is {}, older than {OLDEST:?}; tests/install brings a current one",
            server.display(),
            text.trim()
        );
    }
    Ok(())
}

fn new_password() -> anyhow::Result<String> {
    let mut bytes = [0; 24];
    aws_lc_rs::rand::fill(&mut bytes)
        .ok()
        .context("no random password")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
