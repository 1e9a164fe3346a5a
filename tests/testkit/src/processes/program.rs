//! A process to be started: program, arguments, environment, log.
//!
//! **Invariant:** what was started has its watchdog before the caller sees it.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::Context as _;

use super::{Process, command};

/// A process to be started.
#[derive(Debug)]
pub struct Program {
    name: String,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    log: Option<PathBuf>,
    as_root: bool,
}

impl Program {
    /// A program, by its path or by a name on the search path.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        let name = program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Self {
            name,
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            log: None,
            as_root: false,
        }
    }

    /// The name messages use; the program's own unless told.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        self
    }

    /// One environment variable beside the inherited ones.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The working folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// A file that takes standard output and error, appended to.
    #[must_use]
    pub fn log(mut self, file: impl Into<PathBuf>) -> Self {
        self.log = Some(file.into());
        self
    }

    /// As root: through `sudo -n` where this process is not root itself.
    #[must_use]
    pub fn as_root(mut self) -> Self {
        self.as_root = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// If the program is absent or the log cannot be opened.
    pub fn start(self) -> anyhow::Result<Process> {
        let mut command = command(&self.program, self.as_root);
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .process_group(0);
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let mut log_start = 0;
        if let Some(log) = &self.log {
            let file = open_log(log)?;
            log_start = file.metadata().map_or(0, |metadata| metadata.len());
            command
                .stdout(file.try_clone().context("failed to share a log file")?)
                .stderr(file);
        }
        let child = command
            .spawn()
            .with_context(|| format!("failed to start {}", self.program.display()))?;
        let watchdog = watch_over(child.id(), self.as_root)?;
        Ok(Process {
            name: self.name,
            child,
            watchdog,
            log: self.log,
            log_start,
            as_root: self.as_root,
            status: None,
        })
    }
}

fn watch_over(group: u32, as_root: bool) -> anyhow::Result<Child> {
    // `read` returns when the pipe closes, that is when this process is gone.
    command("sh", as_root)
        .args(["-c", &format!("read -r _; kill -s KILL -- -{group}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("failed to start the watchdog of a process")
}

fn open_log(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("failed to open the log {}", path.display()))
}
