//! A real Docker daemon: the one that runs, or one that is started here and ends with the test.
//!
//! **Invariant:** nobody's containers are touched but those that the test itself made.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use testkit::processes::{Process, Program};

use crate::commands::output;

const DAEMON_READY: Duration = Duration::from_secs(60);
const QUICK: Duration = Duration::from_secs(20);

/// A daemon that answers.
#[derive(Debug)]
pub struct Docker {
    program: PathBuf,
    /// Ours, if we had to start one. Its end leaves nothing behind, for the test takes its containers away before.
    daemon: Mutex<Option<Process>>,
}

impl Docker {
    /// The daemon that runs on this machine; otherwise one that is started, which takes root.
    ///
    /// # Errors
    /// If there is neither; the message says what is missing.
    pub fn find_or_start(log: &Path) -> Result<Self> {
        let docker = Self {
            program: client()?,
            daemon: Mutex::new(None),
        };
        if docker.version().is_err() {
            let daemon = docker.start(log)?;
            *docker.held() = Some(daemon);
        }
        Ok(docker)
    }

    fn start(&self, log: &Path) -> Result<Process> {
        if !std::fs::read_to_string("/proc/self/status")?.contains("\nUid:\t0\t0\t") {
            bail!("no Docker daemon answers, and only root can start one");
        }
        let program = [
            "/usr/sbin/dockerd",
            "/usr/bin/dockerd",
            "/usr/local/bin/dockerd",
        ];
        let program = program.iter().map(Path::new).find(|path| path.is_file());
        let program = program.context("dockerd is not installed; run tests/install")?;
        let mut daemon = Program::new(program).log(log).start()?;
        daemon
            .wait_until(DAEMON_READY, "the Docker daemon to answer", || {
                Ok(self.version().ok())
            })
            .context("the Docker daemon cannot run here")?;
        Ok(daemon)
    }

    /// The daemon's version.
    ///
    /// # Errors
    /// If none answers.
    pub fn version(&self) -> Result<String> {
        let mut ask = self.command(&["version", "--format", "{{.Server.Version}}"]);
        Ok(output(&mut ask, QUICK)?.trim().to_owned())
    }

    /// Where the client is.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.program.parent()
    }

    /// `docker ARGUMENTS…`
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // The client's own builder: BuildKit in the daemon, without a plugin.
        command.env("DOCKER_BUILDKIT", "1").args(arguments);
        command
    }

    /// Runs `docker ARGUMENTS…` and returns what it says.
    ///
    /// # Errors
    /// If it fails or takes longer than `within`.
    pub fn run(&self, arguments: &[&str], within: Duration) -> Result<String> {
        output(&mut self.command(arguments), within)
    }

    /// Ends the daemon if it was started here.
    ///
    /// # Errors
    /// If it does not end.
    pub fn stop(&self) -> Result<()> {
        let daemon = self.held().take();
        match daemon {
            Some(mut daemon) => daemon.stop(Duration::from_secs(60)).map(|_| ()),
            None => Ok(()),
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Process>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Docker's command line, Debian's first: it can build with BuildKit by itself, newer ones need a plugin for that.
fn client() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(PathBuf::from("/usr/bin"))
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join("docker"))
        .find(|program| program.is_file())
        .context("docker is not installed; run tests/install")
}
