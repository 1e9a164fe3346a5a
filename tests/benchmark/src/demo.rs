//! `postern demo`: every role in one process.
//!
//! **Invariant:** its ports are of the system's choice and its folder is the run's own.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use testkit::processes::{Process, Program};

use crate::place::Place;

const READY: Duration = Duration::from_secs(60);

/// A running demonstration.
#[derive(Debug)]
pub(crate) struct Demo {
    _process: Process,
    /// What it says of itself.
    pub(crate) place: Place,
}

impl Demo {
    /// Starts one that keeps everything in `folder`.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn start(postern: &Path, folder: &Path) -> Result<Self> {
        let (front, admin) = free_ports()?;
        let output = folder.with_extension("output");
        let mut process = Program::new(postern)
            .named("demo")
            .arg("demo")
            .arg("--data")
            .arg(folder)
            .args(["--port", &front.to_string()])
            .args(["--admin-port", &admin.to_string()])
            .log(&output)
            .start()?;
        let description = process.wait_for_file(&folder.join("demo.json"), READY)?;
        // What it does by itself at its start is not to be measured.
        process.wait_until(READY, "jon to be signed in", || {
            let said = fs::read_to_string(&output)?;
            Ok(said.contains("jon is signed in").then_some(()))
        })?;
        Ok(Self {
            place: serde_json::from_str(&description)?,
            _process: process,
        })
    }
}

/// Two ports that nobody listens on now.
fn free_ports() -> Result<(u16, u16)> {
    let any = (Ipv4Addr::LOCALHOST, 0);
    let (one, two) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
    Ok((one.local_addr()?.port(), two.local_addr()?.port()))
}
