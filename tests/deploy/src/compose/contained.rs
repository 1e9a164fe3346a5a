//! What the image holds, what a container may, and where it can be reached.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::project::{Stage, name};
use crate::images::POSTERN;

const LARGEST_IMAGE: u64 = 60_000_000;
const QUICK: Duration = Duration::from_secs(20);
/// The one container that runs as root, and what is left of root's rights there.
const ROOT: &str = "active-directory";
const ROOT_MAY: [&str; 3] = ["CHOWN", "SETGID", "SETUID"];

pub(super) fn image(stage: &Stage) -> Result<()> {
    let docker = &stage.project.docker;
    let told = docker.run(&["image", "inspect", POSTERN], QUICK)?;
    let told: Value = serde_json::from_str(&told)?;
    let size = told
        .pointer("/0/Size")
        .and_then(Value::as_u64)
        .context("no size")?;
    ensure!(size <= LARGEST_IMAGE, "the image has {size} bytes");
    let user = told.pointer("/0/Config/User").and_then(Value::as_str);
    ensure!(user == Some("65532:65532"), "its user is {user:?}");
    for shell in ["/bin/sh", "/bin/bash", "/busybox/sh"] {
        let started = docker.run(
            &[
                "run",
                "--rm",
                "--network",
                "none",
                "--entrypoint",
                shell,
                POSTERN,
                "-c",
                "true",
            ],
            QUICK,
        );
        ensure!(started.is_err(), "the image has a shell: {shell}");
    }
    let version = docker.run(
        &["run", "--rm", "--network", "none", POSTERN, "--version"],
        QUICK,
    )?;
    ensure!(version.starts_with("postern "), "{version}");
    Ok(())
}

pub(super) fn containers(stage: &Stage) -> Result<()> {
    for container in stage.project.containers()? {
        let service = name(&container).to_owned();
        contained(&service, &container).with_context(|| format!("{service} is not contained"))?;
    }
    Ok(())
}

fn contained(service: &str, container: &Value) -> Result<()> {
    let host = |key: &str| container.pointer(&format!("/HostConfig/{key}"));
    let number = |key: &str| host(key).and_then(Value::as_i64).unwrap_or_default();
    ensure!(
        host("ReadonlyRootfs") == Some(&Value::Bool(true)),
        "its root can be written"
    );
    ensure!(
        host("Privileged") == Some(&Value::Bool(false)),
        "it is privileged"
    );
    ensure!(words(host("CapDrop")) == ["ALL"], "it keeps capabilities");
    ensure!(
        words(host("SecurityOpt")).contains(&"no-new-privileges:true".to_owned()),
        "it may gain rights"
    );
    ensure!(
        number("Memory") > 0 && number("PidsLimit") > 0,
        "it has no limits"
    );
    let user = container
        .pointer("/Config/User")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut may = words(host("CapAdd"));
    may.iter_mut()
        .for_each(|right| *right = right.trim_start_matches("CAP_").to_owned());
    may.sort();
    if service == ROOT {
        ensure!(may == ROOT_MAY, "it may {may:?}");
    } else {
        ensure!(may.is_empty(), "it may {may:?}");
        let id = user.split(':').next().and_then(|id| id.parse::<u32>().ok());
        ensure!(id.is_some_and(|id| id > 0), "its user is {user:?}");
    }
    // The set-up ends; everything else says whether it is well, and is started again.
    if service != "set-up" {
        ensure!(
            container.pointer("/State/Health").is_some(),
            "it has no health check"
        );
        let restart = host("RestartPolicy").and_then(|policy| policy.get("Name")?.as_str());
        ensure!(
            restart == Some("unless-stopped"),
            "it is not started again: {restart:?}"
        );
    }
    Ok(())
}

fn words(value: Option<&Value>) -> Vec<String> {
    let words = value.and_then(Value::as_array).into_iter().flatten();
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn published(stage: &Stage) -> Result<()> {
    let mut ports = Vec::new();
    for container in stage.project.containers()? {
        let bindings = container
            .pointer("/HostConfig/PortBindings")
            .and_then(Value::as_object);
        let bindings = bindings.into_iter().flat_map(|bindings| bindings.values());
        for binding in bindings.filter_map(Value::as_array).flatten() {
            let address = binding.get("HostIp").and_then(Value::as_str);
            ensure!(
                address == Some("127.0.0.1"),
                "{} is published on {address:?}",
                name(&container)
            );
            ports.extend(
                binding
                    .get("HostPort")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
        }
    }
    ports.sort();
    ensure!(
        ports == ["16686", "8443", "8444", "8445", "9090"],
        "{ports:?}"
    );
    Ok(())
}
