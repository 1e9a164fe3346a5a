//! What a run was made on, and how busy that was.
//!
//! **Invariant:** whoever reads figures sees whether the machine had something else to do, and which code was measured.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::amounts::Amounts;
use crate::nginx;

/// The machine and the moment of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    date: String,
    processor: String,
    cores: usize,
    kernel: String,
    nginx: Option<String>,
    /// The commit, and whether files differed from it.
    code: String,
    /// Whether programs were built with optimisations.
    pub(crate) release: bool,
    /// The load average of the last minute when the run began: what else the machine had to do.
    busy_before: f64,
}

impl Machine {
    /// This one, now.
    ///
    /// # Errors
    /// When the kernel does not say how busy it is.
    pub(crate) fn now() -> Result<Self> {
        let format = format_description!("[year]-[month]-[day]");
        let text = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let model = text("/proc/cpuinfo");
        let model = model
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        let load = text("/proc/loadavg");
        Ok(Self {
            date: OffsetDateTime::now_utc().format(format)?,
            processor: model
                .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']))
                .to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            nginx: nginx::version(),
            code: commit(),
            release: !cfg!(debug_assertions),
            busy_before: load.split(' ').next().unwrap_or_default().parse()?,
        })
    }

    /// The same for people.
    pub(crate) fn sentences(&self, amounts: &Amounts) -> String {
        let nginx = self.nginx.as_deref().unwrap_or("none");
        let build = match self.release {
            true => "",
            false => ", a DEBUG build, whose figures mean nothing",
        };
        format!(
            "Made on {} on {} ({} cores, Linux {}), nginx {nginx}, commit {}{build}. Load average at the start: {}. \
             {} rounds of {} handshakes and {} sign-ins, {} at once.\n",
            self.date,
            self.processor,
            self.cores,
            self.kernel,
            self.code,
            self.busy_before,
            amounts.rounds,
            amounts.handshakes,
            amounts.sign_ins,
            amounts.at_once,
        )
    }
}

/// The top of the checkout that this was built from.
pub(crate) fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(checkout())
            .args(arguments)
            .output();
        output.map_or(String::new(), |output| {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        })
    };
    let commit = git(&["rev-parse", "--short", "HEAD"]);
    match git(&["status", "--porcelain", "--untracked-files=no"]).is_empty() {
        true => commit,
        false => format!("{commit} with changes"),
    }
}
