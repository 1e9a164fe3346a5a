//! Where the secrets are that the set-up made, where they are not, and that they outlive a start.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::project::Stage;

const AGAIN: Duration = Duration::from_secs(120);

pub(super) fn no_secret(stage: &Stage) -> Result<()> {
    let mut told = stage.project.run(&["config"])?;
    for container in stage.project.containers()? {
        told += &container.to_string();
    }
    let secrets = secrets(stage)?;
    ensure!(
        secrets.len() > 20,
        "only {} secrets were found",
        secrets.len()
    );
    for (file, secret) in secrets {
        ensure!(
            !told.contains(&secret),
            "the secret in {file} can be read from Docker"
        );
    }
    Ok(())
}

/// Every secret that the set-up made: passwords whole, and a line of every private key.
fn secrets(stage: &Stage) -> Result<BTreeMap<String, String>> {
    let mut secrets = BTreeMap::new();
    for folder in ["passwords", "people", "mesh", "keys", "tls"] {
        for (file, content) in files(&stage.secrets.join(folder))? {
            let Ok(content) = String::from_utf8(content) else {
                continue;
            };
            let secret = if content.contains("PRIVATE KEY") {
                content.lines().nth(1).unwrap_or_default().to_owned()
            } else if folder == "passwords" || file == "p12-password" || file.ends_with(".seal") {
                content.trim().to_owned()
            } else {
                continue;
            };
            ensure!(secret.len() >= 12, "{folder}/{file} holds no secret");
            secrets.insert(format!("{folder}/{file}"), secret);
        }
    }
    Ok(secrets)
}

/// The private files of each role, as docs/set-up.md has them; none has the mesh authority's key.
const GIVEN: [(&str, &[&str]); 4] = [
    (
        "gateway-1",
        &[
            "keys/gateway.seal",
            "mesh/gateway.key",
            "secrets/bus-password",
        ],
    ),
    ("certval-1", &["mesh/certval.key", "secrets/bus-password"]),
    (
        "directory-1",
        &[
            "keys/directory.seal",
            "mesh/directory.key",
            "secrets/bus-password",
        ],
    ),
    (
        "control",
        &[
            "keys/directory.seal",
            "keys/gateway.seal",
            "keys/snapshot.key",
            "mesh/control.key",
            "secrets/admin.key",
            "secrets/bind-password",
            "secrets/bus-password",
            "secrets/cert.key",
            "secrets/demo-application",
            "secrets/login.key",
        ],
    ),
];

pub(super) fn given(stage: &Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (service, expected) in GIVEN {
        let copy = folder.path().join(service);
        stage
            .project
            .copy(&format!("{service}:/etc/postern"), &copy)?;
        let mut private = Vec::new();
        for part in ["keys", "mesh", "secrets"] {
            for file in files(&copy.join(part))?.into_keys() {
                if !file.ends_with(".pem") && !file.ends_with(".pub") {
                    private.push(format!("{part}/{file}"));
                }
            }
        }
        private.sort();
        ensure!(private == expected, "{service} was given {private:?}");
    }
    Ok(())
}

pub(super) fn second_up(stage: &Stage) -> Result<()> {
    let before = kept(stage)?;
    stage.project.up(AGAIN)?;
    let after = kept(stage)?;
    ensure!(
        before.len() > 20,
        "only {} files were looked at",
        before.len()
    );
    for (file, content) in &before {
        ensure!(
            after.get(file) == Some(content),
            "{file} is another one after a second up"
        );
    }
    ensure!(before.len() == after.len(), "a second up made files");
    Ok(())
}

/// What must be the same after a second up.
fn kept(stage: &Stage) -> Result<BTreeMap<String, Vec<u8>>> {
    let folder = tempfile::tempdir()?;
    let mut kept = BTreeMap::new();
    for (from, to) in [
        ("set-up:/volumes/people", "people"),
        ("set-up:/volumes/set-up", "set-up"),
        ("control:/etc/postern/secrets", "control"),
    ] {
        stage.project.copy(from, &folder.path().join(to))?;
        for part in ["", "passwords", "people", "mesh", "keys", "tls"] {
            let place = folder.path().join(to).join(part);
            if place.is_dir() {
                let files = files(&place)?.into_iter();
                kept.extend(files.map(|(file, content)| (format!("{to}/{part}/{file}"), content)));
            }
        }
    }
    let token = folder.path().join("admin-token");
    stage
        .project
        .copy("control:/var/lib/postern/control/admin-token", &token)?;
    kept.insert("admin-token".to_owned(), fs::read(token)?);
    Ok(kept)
}

/// The files of a folder with their content.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(files)
}
