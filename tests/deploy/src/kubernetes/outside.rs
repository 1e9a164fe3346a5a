//! A client on a network of its own, behind the node, with an address in no range.
//!
//! **Invariant:** its network goes when it is dropped.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::processes::find_program;

use crate::commands::output;
use crate::sign_in::Site;

const QUICK: Duration = Duration::from_secs(20);
const NAMESPACE: &str = "postern-outside";
/// Networks for documentation (RFC 5737): nobody's, and in no range of the demonstration.
const NODE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);

/// The client's network.
#[derive(Debug)]
pub struct Outside(());

impl Outside {
    /// Lays a cable from a network namespace to the node.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn lay() -> Result<Self> {
        let outside = Self(());
        outside.take_away();
        ip(&format!("netns add {NAMESPACE}"))?;
        ip(&format!(
            "link add postern-out type veth peer name outside netns {NAMESPACE}"
        ))?;
        ip(&format!("address add {NODE}/30 dev postern-out"))?;
        ip("link set postern-out up")?;
        let within = format!("-netns {NAMESPACE}");
        ip(&format!("{within} address add {CLIENT}/30 dev outside"))?;
        ip(&format!("{within} link set outside up"))?;
        ip(&format!("{within} route add default via {NODE}"))?;
        // The rig keeps pods and the world beyond this machine apart; this cable is an exception.
        for direction in ["--in-interface", "--out-interface"] {
            forward("--insert", direction)?;
        }
        Ok(outside)
    }

    /// The page that authorize leads to there, by curl, without a certificate.
    ///
    /// # Errors
    /// If no page comes.
    pub fn page(&self, site: &Site, root: &Path, url: &str) -> Result<String> {
        let SocketAddr::V4(address) = site.address else {
            anyhow::bail!("the node has an IPv6 address");
        };
        let mut curl = Command::new(find_program("ip")?);
        let to = format!("::{}:{}", address.ip(), address.port());
        curl.args(["netns", "exec", NAMESPACE])
            .arg(find_program("curl")?)
            .args([
                "--silent",
                "--show-error",
                "--fail",
                "--max-time",
                "10",
                "--cacert",
            ])
            .arg(root)
            .args(["--connect-to", &to, url]);
        output(&mut curl, QUICK).context("the client outside got no page")
    }

    fn take_away(&self) {
        // Both ends go with it. There is none, usually.
        let _ = ip(&format!("netns delete {NAMESPACE}"));
        for direction in ["--in-interface", "--out-interface"] {
            let _ = forward("--delete", direction);
        }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.take_away();
    }
}

fn forward(what: &str, direction: &str) -> Result<()> {
    let mut iptables = Command::new(find_program("iptables")?);
    iptables.args([
        "--wait",
        what,
        "FORWARD",
        direction,
        "postern-out",
        "--jump",
        "ACCEPT",
    ]);
    output(&mut iptables, QUICK).map(|_| ())
}

fn ip(arguments: &str) -> Result<()> {
    let mut ip = Command::new(find_program("ip")?);
    output(ip.args(arguments.split_whitespace()), QUICK).map(|_| ())
}
