//! Signing in with curl, as a script does: by what `demo.json` or `rig.json` says, and nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What curl received.
pub struct Answer {
    head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// Follows the authorization request with curl, by `Location` and `Refresh`, to its code.
///
/// # Errors
/// When it does not lead to one.
pub fn to_a_code(folder: &Path, description: &Value) -> Result<String> {
    let redirect_uri = description["redirect_uri"]
        .as_str()
        .context("no redirect_uri")?;
    let mut url = description["authorize_url"]
        .as_str()
        .context("no authorize_url")?
        .to_owned();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !url.starts_with(redirect_uri) {
        ensure!(Instant::now() < deadline, "no code in time");
        let answer = curl(folder, description, &[url.clone()])?;
        let refresh = answer
            .header("refresh")
            .and_then(|refresh| refresh.split_once("url="))
            .map(|(_, target)| target);
        let next = answer
            .header("location")
            .or(refresh)
            .with_context(|| format!("{url} leads nowhere: {}", answer.body))?;
        url = url::Url::parse(&url)?.join(next)?.into();
    }
    let parsed = url::Url::parse(&url)?;
    let code = parsed
        .query_pairs()
        .find(|(name, _)| name == "code")
        .map(|(_, code)| code.into_owned());
    code.with_context(|| format!("no code in {url}"))
}

/// The arguments that redeem a code.
///
/// # Errors
/// When the description lacks a key.
pub fn redemption(description: &Value, code: &str) -> Result<Vec<String>> {
    let text = |key: &str| {
        description[key]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("no {key}"))
    };
    let mut arguments = vec![text("token_url")?];
    for (name, value) in [
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", text("redirect_uri")?),
        ("client_id", text("client_id")?),
        ("code_verifier", text("code_verifier")?),
    ] {
        arguments.extend(["--data-urlencode".to_owned(), format!("{name}={value}")]);
    }
    Ok(arguments)
}

/// One request with curl, with jon's certificate and a jar for cookies. Nothing but the port is told about where hosts are:
/// curl takes `*.localhost` to loopback by itself.
///
/// # Errors
/// When curl fails.
pub fn curl(folder: &Path, description: &Value, arguments: &[String]) -> Result<Answer> {
    let text = |key: &str| {
        description[key]
            .as_str()
            .with_context(|| format!("no {key}"))
    };
    let (jar, head) = (folder.join("jar"), folder.join("head"));
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "10",
            "--cacert",
            text("server_root")?,
        ])
        .args(["--cert", text("user_cert")?, "--key", text("user_key")?])
        .arg("--cookie")
        .arg(&jar)
        .arg("--cookie-jar")
        .arg(&jar)
        .arg("--dump-header")
        .arg(&head)
        .args(arguments)
        .output()?;
    ensure!(
        output.status.success(),
        "curl: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Answer {
        head: fs::read_to_string(&head)?,
        body: String::from_utf8_lossy(&output.stdout).into_owned(),
    })
}
