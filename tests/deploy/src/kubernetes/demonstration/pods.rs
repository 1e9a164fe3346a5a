//! The demonstration's pods: which there are, whether they are ready, what they say.
//!
//! **Invariant:** nothing is changed from here.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::{Demonstration, FABRIKAM, SYSTEM};

const READY: Duration = Duration::from_secs(180);
const GONE: Duration = Duration::from_secs(120);

impl Demonstration {
    /// The names of the pods that a label selects and that are not on their way out.
    ///
    /// # Errors
    /// If the cluster does not say.
    pub fn pods(&self, selector: &str) -> Result<Vec<String>> {
        let pods =
            self.cluster
                .objects(&["pods", "--namespace", SYSTEM, "--selector", selector])?;
        let staying = pods
            .iter()
            .filter(|pod| pod.pointer("/metadata/deletionTimestamp").is_none());
        let name = |pod: &Value| pod.pointer("/metadata/name")?.as_str().map(str::to_owned);
        Ok(staying.filter_map(name).collect())
    }

    /// Waits until everything is rolled out, and nothing is on its way out any more.
    ///
    /// # Errors
    /// If it takes too long.
    pub fn await_settled(&self) -> Result<()> {
        self.await_ready()?;
        self.cluster
            .wait_for("old pods to be gone", GONE, |cluster| {
                let pods = cluster.objects(&["pods", "--namespace", SYSTEM])?;
                let leaving = |pod: &Value| pod.pointer("/metadata/deletionTimestamp").is_some();
                Ok((!pods.iter().any(leaving)).then_some(()))
            })
    }

    /// Waits until every Deployment and StatefulSet is rolled out.
    ///
    /// # Errors
    /// If it takes too long.
    pub fn await_ready(&self) -> Result<()> {
        let within = format!("--timeout={}s", READY.as_secs());
        for namespace in [FABRIKAM, SYSTEM] {
            for kind in ["statefulset", "deployment"] {
                let parts = self.cluster.objects(&[kind, "--namespace", namespace])?;
                let name =
                    |part: &Value| part.pointer("/metadata/name")?.as_str().map(str::to_owned);
                for part in parts.iter().filter_map(name) {
                    let part = format!("{kind}/{part}");
                    let ask = [
                        "rollout",
                        "status",
                        &part,
                        "--namespace",
                        namespace,
                        &within,
                    ];
                    self.cluster.kubectl_within(&ask, READY * 2)?;
                }
            }
        }
        Ok(())
    }

    /// What the pods look like and say, for a message.
    #[must_use]
    pub fn told(&self) -> String {
        let pods = self.kubectl(&["get", "pods", "--output=wide"], GONE);
        let logs = ["gateway", "certval", "directory", "control", "nats"].map(|role| {
            let selector = match role {
                "nats" => "--selector=app.kubernetes.io/name=nats".to_owned(),
                role => format!("--selector=app.kubernetes.io/component={role}"),
            };
            let said = self.kubectl(&["logs", &selector, "--prefix", "--tail=3"], GONE);
            said.unwrap_or_else(|error| format!("{error:#}\n"))
        });
        let pods = pods.unwrap_or_else(|error| format!("{error:#}"));
        format!("{pods}\n{}", logs.concat())
    }
}
