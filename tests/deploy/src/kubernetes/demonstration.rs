//! The demonstration of `deploy/kubernetes`, brought up by the very commands of its page.
//!
//! **Invariant:** what is applied are the files as they are shipped.

mod pods;

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use testkit::pki::Identity;

use super::cluster::Cluster;
use crate::commands::output;
use crate::docker::Docker;
use crate::images;
use crate::sign_in::{Person, Site};

/// The namespace of the system.
pub const SYSTEM: &str = "postern";
/// The namespace of the demonstration's Active Directory.
pub const FABRIKAM: &str = "fabrikam";
/// The port that it publishes.
const PUBLISHED: u16 = 30443;
/// Whom the pods run as, where their volumes do not learn it from `fsGroup`.
const USER: u32 = 65532;

const SECRETS: Duration = Duration::from_secs(60);
const APPLY: Duration = Duration::from_secs(60);
const READY: Duration = Duration::from_secs(180);
const GONE: Duration = Duration::from_secs(120);

/// A running demonstration.
#[derive(Debug)]
pub struct Demonstration {
    /// The cluster that it runs in.
    pub cluster: Cluster,
    checkout: PathBuf,
    secrets: PathBuf,
    /// The node's own address.
    node: IpAddr,
}

impl Demonstration {
    /// Brings everything up: images, secrets, manifests. What an earlier test left is taken away before.
    ///
    /// # Errors
    /// If something does not come up; the message says what the pods say.
    pub fn bring_up(cluster: Cluster, docker: &Docker, work: &Path) -> Result<Self> {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let checkout = checkout.canonicalize()?;
        images::build_own(docker, &checkout)?;
        images::bring(docker, &[images::NATS, images::JAEGER])?;
        let own = [images::POSTERN, images::DEMO];
        for image in own
            .iter()
            .chain([&images::NATS.image, &images::JAEGER.image])
        {
            cluster.load(image)?;
        }
        let node = cluster.objects(&["nodes"])?;
        let node = node
            .iter()
            .find_map(|node| node.pointer("/status/addresses/0/address")?.as_str());
        let node = node.context("the node has no address")?.parse()?;
        let demonstration = Self {
            cluster,
            checkout,
            secrets: work.join("secrets"),
            node,
        };
        demonstration.take_away()?;
        if let Err(error) = demonstration.apply() {
            let error = error.context(demonstration.told());
            demonstration.take_away()?;
            return Err(error);
        }
        Ok(demonstration)
    }

    /// The two commands of the page, and what the rig needs besides.
    fn apply(&self) -> Result<()> {
        self.make_secrets(&[Path::new("--demo"), &self.secrets])?;
        let apply = ["apply", "--kustomize", &self.manifests("demo")];
        self.cluster.kubectl_within(&apply, APPLY)?;
        self.hand_over_volumes()?;
        self.await_ready()
    }

    /// The folder of an overlay.
    #[must_use]
    pub fn manifests(&self, overlay: &str) -> String {
        let folder = self.checkout.join("deploy/kubernetes").join(overlay);
        folder.display().to_string()
    }

    /// Where people sign in.
    ///
    /// # Errors
    /// If the secrets are not there.
    pub fn site(&self) -> Result<Site> {
        Ok(Site {
            issuer: format!("https://login.localhost:{PUBLISHED}"),
            address: SocketAddr::new(self.node, PUBLISHED),
            root: fs::read_to_string(self.people().join("server-root.pem"))?,
            client_id: "demo-script".to_owned(),
            redirect_uri: "https://app.localhost:8445/script".to_owned(),
            connection: "FabrikamAD".to_owned(),
        })
    }

    /// jon, with the certificate that the demonstration made for him.
    ///
    /// # Errors
    /// If there is none.
    pub fn jon(&self) -> Result<Person> {
        let file = |ending: &str| self.people().join(format!("jon.{ending}"));
        let mut chain = CertificateDer::pem_file_iter(file("pem"))?;
        let certificate = chain.next().context("jon.pem holds no certificate")??;
        let intermediates = chain.collect::<Result<_, _>>()?;
        let key = PrivatePkcs8KeyDer::from_pem_file(file("key"))?;
        Ok(Person {
            name: "jon".to_owned(),
            identity: Identity {
                certificate,
                intermediates,
                key,
            },
        })
    }

    /// Where the Service's address is reached from this machine, which is the node.
    ///
    /// # Errors
    /// If the Service has no address.
    pub fn service(&self, name: &str, port: u16) -> Result<SocketAddr> {
        let service = self
            .cluster
            .objects(&["service", name, "--namespace", SYSTEM])?;
        let address = service
            .iter()
            .find_map(|service| service.pointer("/spec/clusterIP")?.as_str());
        let address: IpAddr = address.context("no address")?.parse()?;
        Ok(SocketAddr::new(address, port))
    }

    /// `kubectl --namespace postern ARGUMENTS…`
    ///
    /// # Errors
    /// If it fails or takes longer than `within`.
    pub fn kubectl(&self, arguments: &[&str], within: Duration) -> Result<String> {
        let mut all = vec!["--namespace", SYSTEM];
        all.extend(arguments);
        self.cluster.kubectl_within(&all, within)
    }

    /// Takes it away, with everything in its namespaces.
    ///
    /// # Errors
    /// If it does not go.
    pub fn take_away(&self) -> Result<()> {
        self.cluster.enforce_no_policies()?;
        // At once: nobody is served any more.
        for namespace in [SYSTEM, FABRIKAM] {
            let pods = [
                "delete",
                "pods",
                "--all",
                "--namespace",
                namespace,
                "--force",
            ];
            let none = |kind| {
                [
                    "delete",
                    kind,
                    "--all",
                    "--namespace",
                    namespace,
                    "--wait=false",
                ]
            };
            for kind in ["deployment", "statefulset"] {
                self.cluster.kubectl(&none(kind))?;
            }
            self.cluster.kubectl_within(&pods, GONE)?;
        }
        let namespaces = [
            "delete",
            "namespace",
            SYSTEM,
            FABRIKAM,
            "--ignore-not-found",
        ];
        self.cluster.kubectl_within(&namespaces, GONE).map(|_| ())
    }

    /// The folder of its keys and passwords.
    #[must_use]
    pub fn secrets(&self) -> &Path {
        &self.secrets
    }

    fn people(&self) -> PathBuf {
        self.secrets.join("people")
    }

    /// `make-secrets ARGUMENTS…`
    ///
    /// # Errors
    /// If it fails; the message quotes what it says.
    pub fn make_secrets(&self, arguments: &[&Path]) -> Result<String> {
        let script = PathBuf::from(self.manifests("make-secrets"));
        let mut command = self.cluster.dressed(&script);
        let path = command
            .get_envs()
            .find_map(|(name, value)| (name == "PATH").then_some(value)?)
            .map(std::ffi::OsStr::to_owned);
        let path = std::env::split_paths(&path.unwrap_or_default()).collect::<Vec<_>>();
        let release = self.checkout.join("target/release");
        let path = std::env::join_paths([release].into_iter().chain(path))?;
        output(command.env("PATH", path).args(arguments), SECRETS)
    }

    /// The rig's volumes are folders of the node that belong to root, and `fsGroup` means nothing to them.
    fn hand_over_volumes(&self) -> Result<()> {
        let given = self.cluster.wait_for("two volumes", READY, |cluster| {
            let volumes = cluster.objects(&["persistentvolumes"])?;
            let ours = volumes.iter().filter(|volume| {
                let of = volume.pointer("/spec/claimRef/namespace");
                of.and_then(Value::as_str) == Some(SYSTEM)
            });
            let folder = |volume: &Value| {
                volume
                    .pointer("/spec/hostPath/path")?
                    .as_str()
                    .map(str::to_owned)
            };
            let folders: Vec<String> = ours.filter_map(folder).collect();
            Ok((folders.len() == 2).then_some(folders))
        })?;
        for folder in given {
            std::os::unix::fs::chown(&folder, Some(USER), Some(USER))
                .with_context(|| format!("failed to hand over {folder}"))?;
        }
        // Those that began without their volume begin anew, rather than to wait until they are tried again.
        for selector in [
            "app.kubernetes.io/component=control",
            "app.kubernetes.io/name=nats",
        ] {
            let begin_anew = ["delete", "pods", "--selector", selector, "--force"];
            self.kubectl(&begin_anew, GONE)?;
        }
        Ok(())
    }

    /// Applies an overlay without changing anything, and takes a warning for a refusal.
    ///
    /// # Errors
    /// If the API server finds something in it.
    pub fn would_apply(&self, overlay: &str) -> Result<String> {
        let folder = self.manifests(overlay);
        let dry = [
            "apply",
            "--dry-run=server",
            "--warnings-as-errors",
            "--kustomize",
            &folder,
        ];
        let said = self.cluster.kubectl_within(&dry, APPLY)?;
        ensure!(
            said.contains("deployment.apps/gateway"),
            "no gateway: {said}"
        );
        Ok(said)
    }
}
