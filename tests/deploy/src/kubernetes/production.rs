//! What production has of its own: its secrets, and what the overlays become.
//!
//! **Invariant:** what is looked at is what the API server took, or says it would take.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::demonstration::{Demonstration, SYSTEM};

/// What everybody has.
const COMMON: [&str; 4] = ["bus-ca.pem", "bus-password", "mesh-ca.pem", "snapshot.pub"];
/// What each role has besides its certificate with its key.
const OWN: [(&str, &[&str]); 4] = [
    ("gateway", &["gateway.seal"]),
    ("certval", &[]),
    ("directory", &["directory.seal"]),
    (
        "control",
        &[
            "admin-api.key",
            "admin-api.pem",
            "directory.seal",
            "gateway.seal",
            "snapshot.key",
        ],
    ),
];
/// What the operator brings.
const BROUGHT: [&str; 7] = [
    "initial/bind-password",
    "initial/cert.key",
    "initial/cert.pem",
    "initial/directory-root.pem",
    "initial/login.key",
    "initial/login.pem",
    "tls/bus-ca.pem",
];

/// The API server takes the overlays, under the namespaces' Pod Security, and has no warning to give. cert-manager's
/// kinds are unknown to it, so of that component it is seen that it fits the overlay.
///
/// # Errors
/// If it does not.
pub fn overlays(system: &Demonstration) -> Result<()> {
    system.would_apply("demo")?;
    system.would_apply("production")?;
    let overlay = tempfile::tempdir()?;
    let kustomization = format!(
        "resources: [{}]\ncomponents: [{}]\n",
        relative(overlay.path(), &system.manifests("production"))?,
        relative(overlay.path(), &system.manifests("components/cert-manager"))?,
    );
    fs::write(overlay.path().join("kustomization.yaml"), kustomization)?;
    let folder = overlay.path().display().to_string();
    let built = system.cluster.kubectl(&["kustomize", &folder])?;
    for (role, _) in OWN {
        ensure!(
            built.contains(&format!(
                "path: {role}.key\n              name: mesh-{role}"
            )),
            "{role} does not take its key from cert-manager"
        );
    }
    Ok(())
}

/// kustomize takes relative paths only.
fn relative(from: &Path, to: &str) -> Result<String> {
    let up = from.canonicalize()?.components().count().checked_sub(1);
    let up = "../".repeat(up.context("no folder")?);
    Ok(format!("{up}{}", to.trim_start_matches('/')))
}

/// `make-secrets` says what it lacks; then it gives each role what is its own, and no more.
///
/// # Errors
/// If it does otherwise.
pub fn secrets(system: &Demonstration) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("new");
    let told = match system.make_secrets(&[&folder]) {
        Ok(said) => anyhow::bail!("nothing was there, and it is content: {said}"),
        Err(told) => format!("{told:#}"),
    };
    // What was made for the demonstration will do.
    let brought = system.secrets().join("set-up");
    for file in BROUGHT {
        ensure!(told.contains(file), "{file} is not asked for: {told}");
        fs::copy(brought.join(file), folder.join(file))?;
    }
    let password = fs::read(folder.join("passwords/bus-gateway"))?;
    system.make_secrets(&[&folder])?;
    ensure!(
        fs::read(folder.join("passwords/bus-gateway"))? == password,
        "a password that was there was made anew"
    );
    for (role, own) in OWN {
        let pair = [format!("{role}.pem"), format!("{role}.key")];
        let mut expected: Vec<&str> = COMMON.iter().chain(own).copied().collect();
        expected.extend(pair.iter().map(String::as_str));
        expected.sort_unstable();
        let keys = keys(system, role)?;
        ensure!(keys == expected, "{role} is given {keys:?}");
    }
    Ok(())
}

/// The keys of a Secret, sorted.
fn keys(system: &Demonstration, secret: &str) -> Result<Vec<String>> {
    let secret = ["secret", secret, "--namespace", SYSTEM];
    let secrets = system.cluster.objects(&secret)?;
    let data = secrets.iter().find_map(|secret| secret.get("data"));
    let data = data.and_then(Value::as_object).context("no data")?;
    let mut keys: Vec<String> = data.keys().cloned().collect();
    keys.sort_unstable();
    Ok(keys)
}
