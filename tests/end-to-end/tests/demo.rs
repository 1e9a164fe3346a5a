//! `postern demo`: one command, a real sign-in, and an error that says what to do when it cannot be had.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use end_to_end::curl::{curl, redemption, to_a_code};
use serde_json::Value;
use testkit::processes::{Process, Program, Signal};

/// Two ports that are free now.
fn ports() -> Result<(u16, u16)> {
    let (one, two) = (
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    );
    Ok((one.local_addr()?.port(), two.local_addr()?.port()))
}

fn postern() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("postern"))
        .find(|path| path.is_file());
    beside.context("postern is not built: cargo build -p postern")
}

struct Demo {
    data: PathBuf,
    ports: (u16, u16),
}

impl Demo {
    fn in_folder(folder: &Path) -> Result<Self> {
        Ok(Self {
            data: folder.join("demo"),
            ports: ports()?,
        })
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let (port, admin) = (self.ports.0.to_string(), self.ports.1.to_string());
        let data = self.data.display().to_string();
        let own = [
            "demo",
            "--data",
            &data,
            "--port",
            &port,
            "--admin-port",
            &admin,
        ];
        own.iter()
            .chain(more)
            .map(|argument| (*argument).to_owned())
            .collect()
    }

    fn once(&self, more: &[&str]) -> Result<Output> {
        let arguments = self.arguments(&[&["--once"], more].concat());
        Ok(Command::new(postern()?)
            .args(arguments)
            .stdin(Stdio::null())
            .output()?)
    }

    fn up(&self) -> Result<(Process, Value)> {
        let mut process = Program::new(postern()?)
            .named("demo")
            .args(self.arguments(&[]))
            .start()?;
        let description =
            process.wait_for_file(&self.data.join("demo.json"), Duration::from_secs(60))?;
        Ok((process, serde_json::from_str(&description)?))
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn jon_is_signed_in_and_a_second_start_uses_what_is_there() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    let first = demo.once(&[])?;
    ensure!(first.status.success(), "{}", words(&first));
    for said in [
        "jon is signed in",
        "Verified claims",
        "Everyone at Fabrikam",
        "urn:postern:acr:certificate",
        "cert.localhost",
    ] {
        ensure!(
            words(&first).contains(said),
            "{said} is missing: {}",
            words(&first)
        );
    }
    let certificate = fs::read(demo.data.join("pki/jon.pem"))?;
    ensure!(
        demo.data.join("demo.json").exists(),
        "demo.json is kept after --once"
    );
    let second = demo.once(&[])?;
    ensure!(second.status.success(), "{}", words(&second));
    ensure!(
        fs::read(demo.data.join("pki/jon.pem"))? == certificate,
        "the certificate was made again"
    );
    let fresh = demo.once(&["--fresh"])?;
    ensure!(fresh.status.success(), "{}", words(&fresh));
    ensure!(
        fs::read(demo.data.join("pki/jon.pem"))? != certificate,
        "--fresh did not start over"
    );
    Ok(())
}

#[test]
fn nothing_in_the_folder_can_be_read_by_others() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    ensure!(demo.once(&[])?.status.success());
    let mut folders = vec![demo.data.clone()];
    while let Some(folder) = folders.pop() {
        ensure!(
            fs::metadata(&folder)?.permissions().mode() & 0o077 == 0,
            "{} is open",
            folder.display()
        );
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry
                .path()
                .extension()
                .is_none_or(|ending| ending != "pem" && ending != "pub")
            {
                ensure!(
                    entry.metadata()?.permissions().mode() & 0o077 == 0,
                    "{} is open",
                    entry.path().display()
                );
            }
        }
    }
    Ok(())
}

#[test]
fn both_forms_of_keystore_open_with_the_password() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    ensure!(demo.once(&[])?.status.success());
    let description: Value = serde_json::from_slice(&fs::read(demo.data.join("demo.json"))?)?;
    let password = description["p12_password"]
        .as_str()
        .context("no password")?;
    for (file, legacy) in [("jon.p12", false), ("jon.legacy.p12", true)] {
        let mut openssl = Command::new("openssl");
        openssl
            .args(["pkcs12", "-noenc", "-passin", "env:P12", "-in"])
            .arg(demo.data.join("pki").join(file))
            .env("P12", password);
        if legacy {
            openssl.arg("-legacy");
        }
        let output = openssl.output()?;
        let text = words(&output);
        ensure!(output.status.success(), "{file}: {text}");
        ensure!(
            text.contains("PRIVATE KEY") && text.matches("BEGIN CERTIFICATE").count() == 2,
            "{file}: {text}"
        );
    }
    Ok(())
}

#[test]
fn a_port_in_use_is_said_and_nothing_is_made() -> Result<()> {
    let place = tempfile::tempdir()?;
    for both in [true, false] {
        let demo = Demo::in_folder(place.path())?;
        let taken =
            TcpListener::bind(("127.0.0.1", if both { demo.ports.0 } else { demo.ports.1 }))?;
        let output = demo.once(&[])?;
        ensure!(output.status.code() == Some(2), "{}", words(&output));
        let port = taken.local_addr()?.port().to_string();
        ensure!(
            words(&output).contains(&port) && words(&output).contains("in use"),
            "{}",
            words(&output)
        );
        ensure!(!demo.data.exists(), "the folder was made all the same");
    }
    Ok(())
}

#[test]
fn a_folder_that_is_not_a_demonstrations_is_left_alone() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    fs::create_dir(&demo.data)?;
    fs::write(demo.data.join("thesis"), "years of work")?;
    for more in [&[][..], &["--fresh"]] {
        let output = demo.once(more)?;
        ensure!(
            output.status.code() == Some(2) && words(&output).contains("--data"),
            "{}",
            words(&output)
        );
    }
    ensure!(fs::read_to_string(demo.data.join("thesis"))? == "years of work");
    ensure!(
        fs::read_dir(&demo.data)?.count() == 1,
        "something was written"
    );
    // A file where the folder should be.
    let demo = Demo {
        data: demo.data.join("thesis"),
        ports: ports()?,
    };
    let output = demo.once(&[])?;
    ensure!(output.status.code() == Some(2), "{}", words(&output));
    Ok(())
}

#[test]
fn damaged_state_is_said_and_not_overwritten() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    ensure!(demo.once(&[])?.status.success());
    for file in [
        "postern-demo.json",
        "keys/snapshot.key",
        "keys/gateway.seal",
        "directory.json",
        "mesh/gateway.pem",
    ] {
        let path = demo.data.join(file);
        let whole = fs::read(&path)?;
        fs::write(&path, "damaged")?;
        let output = demo.once(&[])?;
        ensure!(!output.status.success(), "{file}: {}", words(&output));
        ensure!(fs::read(&path)? == b"damaged", "{file} was overwritten");
        fs::write(&path, whole)?;
    }
    ensure!(
        demo.once(&[])?.status.success(),
        "whole again, it does not work"
    );
    Ok(())
}

#[test]
fn a_sign_in_that_is_refused_is_said_and_ends_with_one() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    ensure!(demo.once(&[])?.status.success());
    let path = demo.data.join("directory.json");
    let directory = fs::read_to_string(&path)?;
    ensure!(
        directory.matches("\"disabled\": false").count() == 2,
        "{directory}"
    );
    fs::write(
        &path,
        directory.replace("\"disabled\": false", "\"disabled\": true"),
    )?;
    let output = demo.once(&[])?;
    ensure!(output.status.code() == Some(1), "{}", words(&output));
    ensure!(
        words(&output).contains("Your account is disabled."),
        "{}",
        words(&output)
    );
    Ok(())
}

#[test]
fn another_port_than_the_first_is_said() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    ensure!(demo.once(&[])?.status.success());
    let moved = Demo {
        data: demo.data.clone(),
        ports: ports()?,
    };
    let output = moved.once(&[])?;
    ensure!(output.status.code() == Some(2), "{}", words(&output));
    ensure!(
        words(&output).contains(&format!("--port {}", demo.ports.0)),
        "{}",
        words(&output)
    );
    Ok(())
}

#[test]
fn it_stays_up_answers_scripts_and_goes_when_asked() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    let (mut process, description) = demo.up()?;
    for key in [
        "issuer",
        "authorize_url",
        "token_url",
        "code_verifier",
        "client_id",
        "redirect_uri",
        "connection",
        "user_cert",
        "user_key",
        "server_root",
        "admin_url",
        "admin_token_file",
        "p12_password",
        "pid",
    ] {
        ensure!(!description[key].is_null(), "{key} is missing");
    }
    // Any number of times.
    for _ in 0..2 {
        let code = to_a_code(place.path(), &description)?;
        let tokens = curl(
            place.path(),
            &description,
            &redemption(&description, &code)?,
        )?;
        let tokens: Value = serde_json::from_str(&tokens.body)?;
        ensure!(
            tokens["id_token"].is_string() && tokens["token_type"] == "Bearer",
            "{tokens}"
        );
    }
    let second = Demo {
        data: demo.data.clone(),
        ports: ports()?,
    };
    let output = second.once(&[])?;
    ensure!(
        output.status.code() == Some(2),
        "two at once: {}",
        words(&output)
    );
    process.signal(Signal::Term)?;
    let status = process.wait(Duration::from_secs(10))?;
    ensure!(status.success(), "{status}");
    ensure!(
        !demo.data.join("demo.json").exists(),
        "demo.json is left behind"
    );
    Ok(())
}

#[test]
fn the_sample_page_has_both_buttons_and_runs_what_it_shows() -> Result<()> {
    let place = tempfile::tempdir()?;
    let demo = Demo::in_folder(place.path())?;
    let (mut process, description) = demo.up()?;
    let issuer = description["issuer"].as_str().context("no issuer")?;
    let home = format!("https://app.localhost:{}", demo.ports.0);
    // With its headers.
    let load = |url: String| -> Result<String> {
        let arguments = ["--fail".to_owned(), "--include".to_owned(), url];
        Ok(curl(place.path(), &description, &arguments)?.body)
    };
    let sdk = format!("{issuer}/sdk/v1.js");
    for (page, script, connection) in [
        ("/", "/snippet.js", "FabrikamAD"),
        ("/contoso", "/contoso.js", "ContosoAD"),
    ] {
        let html = load(format!("{home}{page}"))?;
        for part in [
            "<title>Sample application</title>",
            "id=\"popup\"",
            "id=\"redirect\"",
            &format!("<script src=\"{sdk}\" defer></script>"),
            &format!("script-src 'self' {sdk}; connect-src {issuer}\r\n"),
            &format!("href=\"/signin?connection={connection}\""),
        ] {
            ensure!(html.contains(part), "{page} lacks {part}: {html}");
        }
        let script = load(format!("{home}{script}"))?;
        let (_, script) = script.split_once("\r\n\r\n").context("no body")?;
        let shown = html
            .split_once("<code id=\"snippet\">")
            .context("no snippet")?;
        let (shown, _) = shown.1.split_once("</code>").context("no end")?;
        let shown = shown.replace("&#39;", "'").replace("&#62;", ">");
        ensure!(shown == script, "{shown}\n{script}");
        ensure!(
            script.contains(&format!(
                "auth.signin({{ popup: true, connection: '{connection}', scope: 'openid name email' }}, onLoginSuccess, onLoginFailed);"
            )),
            "{script}"
        );
    }
    let sdk = load(sdk)?;
    ensure!(sdk.contains("Postern"), "{sdk}");
    process.signal(Signal::Term)?;
    process.wait(Duration::from_secs(10))?;
    Ok(())
}
