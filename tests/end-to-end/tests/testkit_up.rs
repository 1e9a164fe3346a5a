//! `testkit up`: the whole system as processes, by one command, described for programs.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use end_to_end::curl::{curl, redemption, to_a_code};
use serde_json::Value;
use testkit::processes::{Program, Signal};

fn testkit() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let mut beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("testkit"));
    beside
        .find(|path| path.is_file())
        .context("testkit is not built: cargo build -p testkit")
}

#[test]
fn a_system_comes_up_signs_jon_in_and_goes() -> Result<()> {
    let place = tempfile::tempdir()?;
    let rig = place.path().join("rig");
    let arguments = [
        "up",
        "--data",
        &rig.display().to_string(),
        "--gateways",
        "2",
        "--directory",
        "file",
    ];
    let mut process = Program::new(testkit()?)
        .named("testkit up")
        .args(arguments)
        .start()?;
    let description = process.wait_for_file(&rig.join("rig.json"), Duration::from_secs(60))?;
    let description: Value = serde_json::from_str(&description)?;
    let text = |key: &str| description.get(key).context(format!("{key} is missing"));
    for key in [
        "issuer",
        "authorize_url",
        "token_url",
        "code_verifier",
        "client_id",
        "redirect_uri",
        "connection",
        "user_cert",
    ] {
        text(key)?;
    }
    for key in [
        "user_key",
        "server_root",
        "admin_url",
        "admin_token_file",
        "p12_password",
        "pid",
        "env",
    ] {
        text(key)?;
    }
    for (role, count) in [
        ("gateway", 2),
        ("certval", 1),
        ("directory", 1),
        ("control", 1),
    ] {
        for list in ["pids", "addresses"] {
            let found = text(list)?
                .get(role)
                .and_then(Value::as_array)
                .map(Vec::len);
            ensure!(found == Some(count), "{list} of {role}: {found:?}");
        }
    }
    ensure!(text("nats")?.get("pid").is_some() && text("nats")?.get("url").is_some());
    let code = to_a_code(place.path(), &description)?;
    let tokens: Value = serde_json::from_str(
        &curl(
            place.path(),
            &description,
            &redemption(&description, &code)?,
        )?
        .body,
    )?;
    ensure!(tokens.get("id_token").is_some(), "{tokens}");
    process.signal(Signal::Term)?;
    let status = process.wait(Duration::from_secs(60))?;
    ensure!(status.success(), "{status}");
    ensure!(
        !fs::exists(rig.join("rig.json"))?,
        "rig.json is left behind"
    );
    Ok(())
}
