//! Child processes that end with the test.
//!
//! Every child leads a process group of its own, and a watchdog shell holds the reading end of a pipe
//! whose writing end only this process has: when this process ends, however it ends, the pipe closes
//! and the watchdog kills the group. So neither a panic nor a SIGKILL leaves servers behind.
//!
//! **Invariant:** a process that was started here never outlives the one that started it.

mod program;
#[cfg(test)]
mod tests;

pub use program::Program;

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);
/// How much of a log an error message quotes, in bytes.
const LOG_TAIL: usize = 4000;

/// A signal to a process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Please end: what an orchestrator sends first.
    Term,
    /// End at once: a crash.
    Kill,
    /// Freeze: connected, but silent.
    Stop,
    /// Go on after [`Signal::Stop`].
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

/// A running child with its process group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    watchdog: Child,
    log: Option<PathBuf>,
    /// Where its own part of the log begins, for logs are appended to.
    log_start: u64,
    as_root: bool,
    status: Option<ExitStatus>,
}

impl Process {
    /// Its process id, which is its group's too.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The name given at the start.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a signal to its whole group.
    ///
    /// # Errors
    /// If it ended before.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        if let Some(status) = self.ended()? {
            bail!("{} has already ended: {status}", self.name);
        }
        signal_group(self.child.id(), signal, self.as_root)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self
                .child
                .try_wait()
                .context("failed to ask for a child's state")?;
        }
        Ok(self.status)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it is still running after `deadline`.
    pub fn wait(&mut self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        let name = self.name.clone();
        wait_for(deadline, &format!("{name} to end"), || self.ended())
    }

    /// Asks it to end and waits for it.
    ///
    /// # Errors
    /// If it is still running after `deadline`.
    pub fn stop(&mut self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        if self.ended()?.is_none() {
            signal_group(self.child.id(), Signal::Term, self.as_root)?;
        }
        self.wait(deadline)
    }

    /// Ends it as a crash would, and returns once it is gone.
    ///
    /// # Errors
    /// If the system does not let it be killed.
    pub fn kill(&mut self) -> anyhow::Result<ExitStatus> {
        if self.ended()?.is_none() {
            signal_group(self.child.id(), Signal::Kill, self.as_root)?;
        }
        self.wait(Duration::from_secs(10))
    }

    /// Waits until `ready` says something, and fails at once, with the end of its log, if the process
    /// ends before.
    ///
    /// # Errors
    /// If it ends, or is not ready after `deadline`.
    pub fn wait_until<T>(
        &mut self,
        deadline: Duration,
        what: &str,
        mut ready: impl FnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let ended = wait_for(deadline, what, || {
            if let Some(value) = ready()? {
                return Ok(Some(Ok(value)));
            }
            Ok(self.ended()?.map(Err))
        });
        match ended {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(status)) => {
                bail!(
                    "{} ended ({status}) before {what}\n{}",
                    self.name,
                    self.log_tail()
                )
            }
            Err(error) => Err(error.context(format!("{}\n{}", self.name, self.log_tail()))),
        }
    }

    /// Waits for a file that is not empty, and returns its content.
    ///
    /// # Errors
    /// If it ends, or there is no such file after `deadline`.
    pub fn wait_for_file(&mut self, file: &Path, deadline: Duration) -> anyhow::Result<String> {
        self.wait_until(deadline, &format!("the file {}", file.display()), || {
            Ok(fs::read_to_string(file)
                .ok()
                .filter(|content| !content.is_empty()))
        })
    }

    /// What it has written to its log so far; nothing if it has none.
    #[must_use]
    pub fn log(&self) -> String {
        let content = self
            .log
            .as_ref()
            .and_then(|log| fs::read(log).ok())
            .unwrap_or_default();
        let start = usize::try_from(self.log_start).unwrap_or(usize::MAX);
        String::from_utf8_lossy(content.get(start..).unwrap_or_default()).into_owned()
    }

    /// The end of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let content = self.log().into_bytes();
        let tail = content
            .get(content.len().saturating_sub(LOG_TAIL)..)
            .unwrap_or_default();
        String::from_utf8_lossy(tail).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.status.is_none() && !matches!(self.child.try_wait(), Ok(Some(_))) {
            // A stopped process takes a SIGKILL too.
            let _ = signal_group(self.child.id(), Signal::Kill, self.as_root);
            let _ = self.wait(Duration::from_secs(10));
        }
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

/// Looks again and again until `ready` says something.
///
/// # Errors
/// If it fails, or says nothing within `deadline`.
pub fn wait_for<T>(
    deadline: Duration,
    what: &str,
    mut ready: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = ready()? {
            return Ok(value);
        }
        if Instant::now() >= end {
            bail!("waited {deadline:?} in vain for {what}");
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether something accepts connections at `address`.
#[must_use]
pub fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

/// Runs a command to its end and returns its standard output.
///
/// # Errors
/// If it cannot be started or ends with a failure; the message quotes its standard error.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to run {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{} {}: {}{}",
            command.get_program().display(),
            describe(output.status),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("output that is no UTF-8")
}

/// Finds a program that `tests/install` brings: in its cache folder, then on the search path.
///
/// # Errors
/// If it is in neither.
pub fn find_program(name: &str) -> anyhow::Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .map(|cache| cache.join("postern-tools/bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    cache
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .with_context(|| format!("{name} is not installed; run tests/install"))
}

/// A command, run as root where that is asked for and this process is not root itself.
#[must_use]
pub fn command(program: impl AsRef<OsStr>, as_root: bool) -> Command {
    if as_root && !is_root() {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "--preserve-env", "--"]).arg(program);
        sudo
    } else {
        Command::new(program)
    }
}

/// Sends a signal to a process group. The shell's own `kill` is used, for it is on every machine.
pub(crate) fn signal_group(group: u32, signal: Signal, as_root: bool) -> anyhow::Result<()> {
    let mut kill = command("sh", as_root);
    kill.args(["-c", &format!("kill -s {} -- -{group}", signal.name())]);
    run(&mut kill)
        .map(|_| ())
        .with_context(|| format!("failed to signal process group {group}"))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
