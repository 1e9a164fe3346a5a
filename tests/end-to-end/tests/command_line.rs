//! What the command line makes, and how it ends when it cannot: what, why, what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

fn postern(arguments: &[&str]) -> Result<Output> {
    let own = std::env::current_exe()?;
    let mut beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("postern"));
    let program = beside
        .find(|path| path.is_file())
        .context("postern is not built: cargo build -p postern")?;
    Ok(Command::new(program)
        .args(arguments)
        .env_remove("POSTERN_SETTINGS")
        .output()?)
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A folder that only its owner can open.
fn private_folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

#[test]
fn pki_init_makes_all_keys_once() -> Result<()> {
    let folder = private_folder()?;
    let pki = folder.path().join("pki");
    ensure!(
        postern(&["pki", "init", "--dir", &shown(&pki)])?
            .status
            .success()
    );
    let files: Vec<PathBuf> = [
        "gateway",
        "certval",
        "directory",
        "control",
        "nats",
        "mesh-ca",
    ]
    .iter()
    .flat_map(|name| {
        [
            pki.join(format!("mesh/{name}.pem")),
            pki.join(format!("mesh/{name}.key")),
        ]
    })
    .chain(
        [
            "snapshot.key",
            "snapshot.pub",
            "gateway.seal",
            "directory.seal",
        ]
        .map(|name| pki.join("keys").join(name)),
    )
    .collect();
    let before: Vec<Vec<u8>> = files.iter().map(fs::read).collect::<Result<_, _>>()?;
    ensure!(
        postern(&["pki", "init", "--dir", &shown(&pki)])?
            .status
            .success(),
        "a second time"
    );
    let after: Vec<Vec<u8>> = files.iter().map(fs::read).collect::<Result<_, _>>()?;
    ensure!(before == after, "a second run changed what was there");
    for file in files.iter().filter(|file| {
        file.extension()
            .is_some_and(|ending| ending == "key" || ending == "seal")
    }) {
        ensure!(
            fs::metadata(file)?.permissions().mode() & 0o777 == 0o600,
            "{} is open",
            file.display()
        );
    }
    Ok(())
}

#[test]
fn the_mesh_names_roles_and_outsiders() -> Result<()> {
    let folder = private_folder()?;
    let mesh = shown(&folder.path().join("mesh"));
    ensure!(postern(&["pki", "mesh", "--dir", &mesh])?.status.success());
    ensure!(
        postern(&["pki", "mesh", "client", "wiki", "--dir", &mesh])?
            .status
            .success()
    );
    for (file, name) in [
        ("gateway.pem", "DNS:gateway.mesh.internal"),
        ("wiki.client.pem", "DNS:wiki.client.mesh.internal"),
    ] {
        let text = Command::new("openssl")
            .args([
                "x509",
                "-noout",
                "-ext",
                "subjectAltName",
                "-in",
                &format!("{mesh}/{file}"),
            ])
            .output()?;
        let text = words(&text);
        ensure!(
            text.matches("DNS:").count() == 1 && text.contains(name),
            "{file}: {text}"
        );
    }
    let again = postern(&["pki", "mesh", "client", "wiki", "--dir", &mesh])?;
    ensure!(
        again.status.code() == Some(2) && words(&again).contains("exists already"),
        "{}",
        words(&again)
    );
    for name in ["", "../gateway", "Wiki", "a.b"] {
        let bad = postern(&["pki", "mesh", "client", name, "--dir", &mesh])?;
        ensure!(
            bad.status.code() == Some(2) && words(&bad).contains("cannot be a client's name"),
            "{name}: {}",
            words(&bad)
        );
    }
    Ok(())
}

#[test]
fn pki_user_makes_a_certificate_that_can_be_imported() -> Result<()> {
    let folder = private_folder()?;
    let pki = shown(&folder.path().join("people"));
    let made = postern(&["pki", "user", "mia", "--dir", &pki])?;
    ensure!(made.status.success(), "{}", words(&made));
    ensure!(
        words(&made).contains("postern ca add"),
        "the next step is not said: {}",
        words(&made)
    );
    let checked = Command::new("openssl")
        .args([
            "verify",
            "-purpose",
            "sslclient",
            "-CAfile",
            &format!("{pki}/fabrikam-root.pem"),
            &format!("{pki}/mia.pem"),
        ])
        .output()?;
    ensure!(checked.status.success(), "{}", words(&checked));
    let again = postern(&["pki", "user", "mia", "--dir", &pki])?;
    ensure!(
        again.status.code() == Some(2) && words(&again).contains("exists already"),
        "{}",
        words(&again)
    );
    let other = postern(&["pki", "user", "FABRIKAM\\mia", "--dir", &pki])?;
    ensure!(
        other.status.code() == Some(2) && words(&other).contains("not an account name"),
        "{}",
        words(&other)
    );
    Ok(())
}

#[test]
fn settings_are_printed_with_their_meaning_and_origin_and_unknown_ones_refused() -> Result<()> {
    let folder = private_folder()?;
    let file = folder.path().join("gateway.toml");
    fs::write(&file, "[gateway]\nissuer = \"https://login.example.com\"\n")?;
    let printed = postern(&["settings", "gateway", "--settings", &shown(&file)])?;
    ensure!(printed.status.success(), "{}", words(&printed));
    for said in [
        "issuer = \"https://login.example.com\"",
        &shown(&file),
        "# from the defaults",
        "[edge]",
        "[mesh]",
    ] {
        ensure!(
            words(&printed).contains(said),
            "{said} is missing: {}",
            words(&printed)
        );
    }
    for (content, said) in [
        (
            "[gatway]\nissuer = \"x\"\n",
            "did you mean `gateway.issuer`",
        ),
        ("[edge]\nlisten = 5\n", "edge.listen"),
        ("[edge\n", "not valid TOML"),
    ] {
        fs::write(&file, content)?;
        let refused = postern(&["gateway", "--settings", &shown(&file)])?;
        ensure!(
            refused.status.code() == Some(2) && words(&refused).contains(said),
            "{content}: {}",
            words(&refused)
        );
    }
    let missing = postern(&["gateway", "--settings", "/nowhere/gateway.toml"])?;
    ensure!(
        missing.status.code() == Some(2) && words(&missing).contains("/nowhere/gateway.toml"),
        "{}",
        words(&missing)
    );
    Ok(())
}

#[test]
fn a_key_that_others_can_read_is_not_used() -> Result<()> {
    let folder = private_folder()?;
    let pki = folder.path().join("pki");
    ensure!(
        postern(&["pki", "init", "--dir", &shown(&pki)])?
            .status
            .success()
    );
    let seal = pki.join("keys/gateway.seal");
    fs::set_permissions(&seal, fs::Permissions::from_mode(0o644))?;
    let file = folder.path().join("gateway.toml");
    let settings = format!(
        "[edge]\nlisten = [\"127.0.0.1:0\"]\n[configuration]\nseal_key_file = \"{}\"\n",
        shown(&seal)
    );
    fs::write(&file, settings)?;
    let refused = postern(&["gateway", "--settings", &shown(&file)])?;
    ensure!(refused.status.code() == Some(2), "{}", words(&refused));
    ensure!(
        words(&refused).contains(&format!("chmod 600 {}", shown(&seal))),
        "{}",
        words(&refused)
    );
    Ok(())
}

#[test]
fn a_wrong_call_ends_with_two_and_says_how() -> Result<()> {
    for arguments in [
        &["ca", "add"][..],
        &["nonsense"],
        &["ca", "add", "file"],
        &["range", "test", "not-an-address", "--connection", "X"],
    ] {
        let output = postern(arguments)?;
        ensure!(
            output.status.code() == Some(2) && words(&output).contains("--help"),
            "{arguments:?}: {}",
            words(&output)
        );
    }
    let unreachable = postern(&["instances", "--admin-url", "https://localhost:1"])?;
    ensure!(
        unreachable.status.code() == Some(2)
            && words(&unreachable).contains("POSTERN_ADMIN_TOKEN_FILE"),
        "{}",
        words(&unreachable)
    );
    Ok(())
}
