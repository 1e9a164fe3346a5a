//! One domain controller on one machine at a time.
//!
//! The lock is the kernel's, on a file that is never deleted: it goes with the process that holds it,
//! however that ends. The file's content names the domain controller, so that the next holder can stop
//! one that stayed behind.
//!
//! **Invariant:** only a process is stopped that runs on the very folder the file names.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::processes::{Signal, signal_group, wait_for};

/// The lock, held.
#[derive(Debug)]
pub(super) struct MachineLock {
    file: File,
}

impl MachineLock {
    /// Waits for its turn, and stops what a crashed run left running.
    pub(super) fn take(patience: Duration) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join("postern-testkit-samba.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("failed to open {}", path.display()))?;
        let locked = wait_for(patience, "the turn to run Samba", || {
            match file.try_lock() {
                Ok(()) => Ok(Some(())),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error.into()),
            }
        });
        let mut note = String::new();
        file.read_to_string(&mut note)
            .context("unreadable lock file")?;
        if let Err(error) = locked {
            bail!(
                "{error:#}: another test run has a domain controller ({}), and its ports are fixed; \
                 wait for it or end it (lock: {})",
                note.trim(),
                path.display()
            );
        }
        stop_left_behind(&note)?;
        Ok(Self { file })
    }

    /// Notes which process group, on which folder, the lock stands for.
    pub(super) fn note(&mut self, group: u32, domain: &Path) -> anyhow::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        writeln!(self.file, "{group} {}", domain.display()).context("failed to write the lock file")
    }
}

impl Drop for MachineLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn stop_left_behind(note: &str) -> anyhow::Result<()> {
    let Some((group, domain)) = note.trim().split_once(' ') else {
        return Ok(());
    };
    let Ok(group) = group.parse::<u32>() else {
        return Ok(());
    };
    if !runs_on(group, Path::new(domain)) {
        return Ok(());
    }
    signal_group(group, Signal::Kill, true)?;
    wait_for(
        Duration::from_secs(10),
        "an abandoned domain controller to end",
        || Ok((!runs_on(group, Path::new(domain))).then_some(())),
    )
}

/// Whether the process `id` was started with a settings file below `domain`.
fn runs_on(id: u32, domain: &Path) -> bool {
    std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| {
        line.split(|byte| *byte == 0).any(|argument| {
            PathBuf::from(String::from_utf8_lossy(argument).as_ref()).starts_with(domain)
        })
    })
}
