//! A pod that has no business with the system, and what it reaches.
//!
//! **Invariant:** "cannot be reached" is believed only of what the same pod did reach while no policy was enforced.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::cluster::Cluster;
use super::demonstration::{Demonstration, FABRIKAM, SYSTEM};
use crate::images;

/// A namespace of strangers.
const STRANGERS: &str = "strangers";
const READY: Duration = Duration::from_secs(60);
const ASKING: Duration = Duration::from_secs(120);

/// One stranger in a namespace of its own and one within the system's namespace. They go when this is dropped.
#[derive(Debug)]
pub struct Strangers<'a> {
    cluster: &'a Cluster,
}

/// An address and port of a pod, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Such as `certval mesh`.
    pub name: String,
    address: String,
    port: u64,
}

impl<'a> Strangers<'a> {
    /// Lets them in.
    ///
    /// # Errors
    /// If their pods do not start.
    pub fn arrive(cluster: &'a Cluster) -> Result<Self> {
        let strangers = Self { cluster };
        strangers.leave();
        cluster.kubectl(&["create", "namespace", STRANGERS])?;
        for namespace in [STRANGERS, SYSTEM] {
            let mut manifest = tempfile::NamedTempFile::new()?;
            manifest.write_all(stranger(namespace).to_string().as_bytes())?;
            let manifest = manifest.path().display().to_string();
            cluster.kubectl(&["apply", "--filename", &manifest])?;
            let within = format!("--timeout={}s", READY.as_secs());
            let ready = [
                "wait",
                "pod/stranger",
                "--for=condition=Ready",
                "--namespace",
                namespace,
                &within,
            ];
            cluster.kubectl_within(&ready, READY * 2)?;
        }
        Ok(strangers)
    }

    /// Which of the doors the stranger from elsewhere reaches.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn reached_from_elsewhere(&self, doors: &[Door]) -> Result<Vec<Door>> {
        self.reached(STRANGERS, doors)
    }

    /// Which of the doors the stranger within reaches.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn reached_from_within(&self, doors: &[Door]) -> Result<Vec<Door>> {
        self.reached(SYSTEM, doors)
    }

    fn reached(&self, namespace: &str, doors: &[Door]) -> Result<Vec<Door>> {
        // All at once; a connection that is dropped on the way takes its two seconds.
        let asked = doors.iter().enumerate().map(|(index, door)| {
            let (address, port) = (&door.address, door.port);
            format!("(timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}' 2>/dev/null && echo {index}) &\n")
        });
        let script: String = asked.chain(["wait".to_owned()]).collect();
        let ask = [
            "exec",
            "stranger",
            "--namespace",
            namespace,
            "--",
            "bash",
            "-c",
            &script,
        ];
        let answers = self.cluster.kubectl_within(&ask, ASKING)?;
        let index = |line: &str| line.trim().parse::<usize>().ok();
        let indices = answers.lines().filter_map(index);
        Ok(indices
            .filter_map(|index| doors.get(index).cloned())
            .collect())
    }

    fn leave(&self) {
        let pod = [
            "delete",
            "pod",
            "stranger",
            "--namespace",
            SYSTEM,
            "--ignore-not-found",
            "--force",
        ];
        // What cannot be taken away here is found by the next test, which begins with the same.
        let _ = self.cluster.kubectl_within(&pod, READY);
        let namespace = ["delete", "namespace", STRANGERS, "--ignore-not-found"];
        let _ = self.cluster.kubectl_within(&namespace, READY);
    }
}

impl Drop for Strangers<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Every port that a container of the system or of its Active Directory has, by its pod's address.
///
/// # Errors
/// If the cluster does not say, or a part is missing.
pub fn doors(system: &Demonstration) -> Result<Vec<Door>> {
    let mut doors = Vec::new();
    for namespace in [SYSTEM, FABRIKAM] {
        for pod in system
            .cluster
            .objects(&["pods", "--namespace", namespace])?
        {
            doors.extend(doors_of(&pod)?);
        }
    }
    for expected in [
        "gateway https",
        "gateway mesh",
        "gateway operations",
        "certval mesh",
        "certval operations",
        "directory mesh",
        "directory operations",
        "control admin",
        "control mesh",
        "control operations",
        "nats nats",
        "nats monitoring",
        "jaeger otlp",
        "jaeger query",
        "active-directory ldaps",
    ] {
        ensure!(
            doors.iter().any(|door| door.name == expected),
            "no pod has the port {expected}"
        );
    }
    Ok(doors)
}

fn doors_of(pod: &Value) -> Result<Vec<Door>> {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
    let label = |name: &str| text(&format!("/metadata/labels/app.kubernetes.io~1{name}"));
    let Some(whose) = label("component").or_else(|| label("name")) else {
        return Ok(Vec::new());
    };
    let address = text("/status/podIP").context("a pod without an address")?;
    let ports = pod
        .pointer("/spec/containers/0/ports")
        .and_then(Value::as_array);
    let door = |port: &Value| {
        Some(Door {
            name: format!("{whose} {}", port.get("name")?.as_str()?),
            address: address.to_owned(),
            port: port.get("containerPort")?.as_u64()?,
        })
    };
    Ok(ports.into_iter().flatten().filter_map(door).collect())
}

/// As little as the system's own pods may do.
fn stranger(namespace: &str) -> Value {
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stranger", "namespace": namespace},
        "spec": {
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "stranger",
                "image": images::DEMO,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "infinity"],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    })
}
