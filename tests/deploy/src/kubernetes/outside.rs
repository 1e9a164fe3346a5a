//! A client on a network of its own, behind the node, with an address in no range.
//!
//! **Invariant:** its network goes when it is dropped.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use testkit::processes::find_program;

use crate::commands::output;
use crate::sign_in::Site;

const QUICK: Duration = Duration::from_secs(20);
/// Networks for documentation (RFC 5737): nobody's, and in no range of the demonstration.
const NODE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);

/// The client's network, which lives as long as the process that holds it.
///
/// It has no name, for `ip netns add` would mount something over the networks of the pods.
#[derive(Debug)]
pub struct Outside(Child);

impl Outside {
    /// Lays a cable from a network namespace to the node.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn lay() -> Result<Self> {
        take_away();
        let mut holder = Command::new(find_program("unshare")?);
        let holder = holder.args(["--net", "sleep", "infinity"]);
        let holder = holder
            .stdin(Stdio::null())
            .spawn()
            .context("no network of its own")?;
        let outside = Self(holder);
        outside.wait_until_apart()?;
        ip(&format!(
            "link add postern-out type veth peer name outside netns {}",
            outside.0.id()
        ))?;
        ip(&format!("address add {NODE}/30 dev postern-out"))?;
        ip("link set postern-out up")?;
        for setting in [
            format!("address add {CLIENT}/30 dev outside"),
            "link set outside up".to_owned(),
            format!("route add default via {NODE}"),
        ] {
            let mut ip = outside.within("ip")?;
            output(ip.args(setting.split_whitespace()), QUICK)?;
        }
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
        let mut curl = self.within("curl")?;
        let to = format!("::{}:{}", address.ip(), address.port());
        curl.args([
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

    /// A program that runs there.
    fn within(&self, program: &str) -> Result<Command> {
        let mut command = Command::new(find_program("nsenter")?);
        command
            .arg(format!("--net=/proc/{}/ns/net", self.0.id()))
            .arg(find_program(program)?);
        Ok(command)
    }

    /// Waits until the holder has left our network.
    fn wait_until_apart(&self) -> Result<()> {
        let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net"));
        let end = Instant::now() + QUICK;
        while network(&self.0.id().to_string())? == network("self")? {
            ensure!(Instant::now() < end, "no network of its own");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // Both ends of the cable go with the last process there.
        let _ = self.0.kill();
        let _ = self.0.wait();
        take_away();
    }
}

/// Takes away what is outside of the namespace. There is nothing, usually.
fn take_away() {
    let _ = ip("link delete postern-out");
    for direction in ["--in-interface", "--out-interface"] {
        let _ = forward("--delete", direction);
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
