//! nginx beside Postern: one worker that asks for client certificates and checks them, sessions never resumed.
//!
//! **Invariant:** it has the same server certificate, the same key and the same authority as the Postern it stands beside.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::processes::{Process, Program, listens};
use testkit::system::System;

const READY: Duration = Duration::from_secs(10);

/// A running nginx.
#[derive(Debug)]
pub(crate) struct Nginx {
    process: Process,
    address: SocketAddr,
}

/// The version of the nginx that is installed; none if none is.
pub(crate) fn version() -> Option<String> {
    let output = Command::new(program()?).arg("-v").output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.trim()
        .rsplit_once('/')
        .map(|(_, version)| version.to_owned())
}

impl Nginx {
    /// Starts one in `folder`, as the certificate host of `system`.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn beside(system: &System, folder: &Path) -> Result<Self> {
        fs::create_dir(folder)?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(system, folder, address))?;
        let mut process = Program::new(program().context("nginx is not installed")?)
            .arg("-p")
            .arg(folder)
            .arg("-e")
            .arg(folder.join("error.log"))
            .arg("-c")
            .arg(&file)
            .log(folder.join("output.log"))
            .start()?;
        process.wait_until(READY, "nginx to listen", || {
            Ok(listens(address).then_some(()))
        })?;
        Ok(Self { process, address })
    }

    /// Its process group.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Debian puts it where not everybody's search path leads.
fn program() -> Option<std::path::PathBuf> {
    testkit::processes::find_program("nginx").ok().or_else(|| {
        let program = std::path::PathBuf::from("/usr/sbin/nginx");
        program.is_file().then_some(program)
    })
}

fn configuration(system: &System, folder: &Path, address: SocketAddr) -> String {
    let pki = system.folder().join("pki");
    let (pki, folder) = (pki.display(), folder.display());
    let host = system.certificate_host();
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|each| format!("  {each}_temp_path {folder}/{each};\n"))
        .collect();
    format!(
        "daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
{paths}  server {{
    listen {address} ssl;
    server_name {host};
    ssl_certificate {pki}/cert.pem;
    ssl_certificate_key {pki}/cert.key;
    ssl_client_certificate {pki}/fabrikam-root.pem;
    ssl_verify_client optional;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;
    location / {{ return 404; }}
  }}
}}
"
    )
}
