//! A one-node cluster of this machine, as a rig outside the checkout starts it.
//!
//! The rig is a folder with `up.sh`, `down.sh`, `load.sh` (a local Docker image into the cluster) and `netpol.py`
//! (enforces the NetworkPolicies as they are now). It is the folder that `POSTERN_KUBERNETES_RIG` names, or else
//! `../shared/rigs/k8s` beside the checkout.
//!
//! **Invariant:** a cluster that was there before stays, and one that was started here is taken down.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use testkit::processes::find_program;

use crate::commands::output;

/// Where the rig is built for the first time, it compiles Kubernetes.
const UP: Duration = Duration::from_secs(1800);
/// The rig itself waits a minute for pods that do not end.
const DOWN: Duration = Duration::from_secs(180);
const LOAD: Duration = Duration::from_secs(120);
const QUICK: Duration = Duration::from_secs(30);

/// A cluster that answers.
#[derive(Debug)]
pub struct Cluster {
    rig: PathBuf,
    home: PathBuf,
    /// Whether it was started here.
    ours: bool,
}

impl Cluster {
    /// The rig's folder; otherwise why there is none.
    ///
    /// # Errors
    /// If this machine has no rig, or may not start one.
    pub fn rig() -> Result<PathBuf> {
        let rig = std::env::var_os("POSTERN_KUBERNETES_RIG").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/rigs/k8s"),
            PathBuf::from,
        );
        ensure!(
            rig.join("up.sh").is_file(),
            "no cluster: {} is not there (POSTERN_KUBERNETES_RIG names a rig's folder)",
            rig.display()
        );
        let status = std::fs::read_to_string("/proc/self/status")?;
        ensure!(
            status.contains("\nUid:\t0\t0\t"),
            "no cluster: only root can start one"
        );
        for program in ["python3", "iptables", "openssl"] {
            find_program(program).map_err(|_| anyhow::anyhow!("no cluster: no {program} here"))?;
        }
        Ok(rig)
    }

    /// Brings the cluster up, or finds it running.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn up(rig: PathBuf) -> Result<Self> {
        let home = match std::env::var_os("K8S_HOME") {
            Some(home) => PathBuf::from(home),
            None => caches()?.join("postern-rigs/k8s"),
        };
        let mut cluster = Self {
            rig,
            home,
            ours: false,
        };
        if cluster.left_behind() {
            output(&mut cluster.script("down.sh"), DOWN)
                .context("what a killed cluster left behind could not be taken away")?;
        }
        let said = output(&mut cluster.script("up.sh"), UP).context("the cluster did not start")?;
        cluster.ours = !said.contains("already up");
        cluster.kubectl(&["get", "--raw", "/readyz"])?;
        Ok(cluster)
    }

    /// Whether a cluster was here whose processes were killed: on its state (pods of another time, their networks
    /// without an end) a new one comes up, but its pods do not reach one another.
    fn left_behind(&self) -> bool {
        let run = self.home.join("run");
        let kubelet = std::fs::read_to_string(run.join("pid/kubelet")).ok();
        let runs = kubelet.is_some_and(|pid| {
            std::fs::read_link(format!("/proc/{}/exe", pid.trim()))
                .is_ok_and(|exe| exe.ends_with("kubelet"))
        });
        run.is_dir() && !runs
    }

    fn script(&self, name: &str) -> Command {
        self.dressed(&self.rig.join(name))
    }

    /// A command that finds the cluster and its programs.
    #[must_use]
    pub fn dressed(&self, program: &Path) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = vec![self.home.join("bin")];
        folders.extend(std::env::split_paths(&path));
        let mut command = Command::new(program);
        command
            .env("K8S_HOME", &self.home)
            .env("KUBECONFIG", self.home.join("run/pki/admin.conf"));
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        command
    }

    /// `kubectl ARGUMENTS…`, which takes a few seconds at most.
    ///
    /// # Errors
    /// If it fails.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_within(arguments, QUICK)
    }

    /// `kubectl ARGUMENTS…`, which may take longer.
    ///
    /// # Errors
    /// If it fails or takes too long.
    pub fn kubectl_within(&self, arguments: &[&str], within: Duration) -> Result<String> {
        let mut command = self.dressed(&self.home.join("bin/kubectl"));
        output(command.args(arguments), within)
    }

    /// `kubectl get ARGUMENTS… --output=json`
    ///
    /// # Errors
    /// If it fails.
    pub fn objects(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let mut all = vec!["get"];
        all.extend(arguments);
        all.push("--output=json");
        let answer: Value = serde_json::from_str(&self.kubectl(&all)?)?;
        let items = answer.get("items").and_then(Value::as_array).cloned();
        Ok(items.unwrap_or_else(|| vec![answer]))
    }

    /// Brings a local Docker image in.
    ///
    /// # Errors
    /// If it cannot be imported.
    pub fn load(&self, image: &str) -> Result<()> {
        output(self.script("load.sh").arg(image), LOAD)
            .map(|_| ())
            .with_context(|| format!("{image} could not be brought into the cluster"))
    }

    /// Enforces the NetworkPolicies on the pods as they are now, also on connections that are there already.
    ///
    /// # Errors
    /// If the rig cannot.
    pub fn enforce_policies(&self) -> Result<()> {
        output(&mut self.script("netpol.py"), QUICK)?;
        // Their next packet is judged as a first one.
        let mut forget = Command::new(find_program("conntrack")?);
        output(forget.arg("--flush"), QUICK).map(|_| ())
    }

    /// Enforces no NetworkPolicies any more.
    ///
    /// # Errors
    /// If the rig cannot.
    pub fn enforce_no_policies(&self) -> Result<()> {
        output(self.script("netpol.py").arg("--clear"), QUICK).map(|_| ())
    }

    /// Looks until there is what is looked for.
    ///
    /// # Errors
    /// If looking fails, or there is none within `within`.
    pub fn wait_for<T>(
        &self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(&Self) -> Result<Option<T>>,
    ) -> Result<T> {
        let end = Instant::now() + within;
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            ensure!(Instant::now() < end, "waited {within:?} for {what}");
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Takes down what was started here. Dropping it does the same.
    ///
    /// # Errors
    /// If that fails.
    pub fn down(&self) -> Result<()> {
        match self.ours {
            true => output(&mut self.script("down.sh"), DOWN).map(|_| ()),
            false => Ok(()),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.down() {
            eprintln!("the cluster could not be taken down: {error:#}");
        }
    }
}

fn caches() -> Result<PathBuf> {
    if let Some(caches) = std::env::var_os("XDG_CACHE_HOME") {
        return Ok(PathBuf::from(caches));
    }
    let home = std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(PathBuf::from(home).join(".cache"))
}
