//! What the demonstration prints: where things are, the sign-in step by step, and what to do next.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::description::Description;
use super::folder::Folder;
use super::walk::SignedIn;
use super::{material, people};
use crate::cli::DemoArguments;
use crate::terminal::{complain, say};

/// Where everything is.
pub(crate) fn places(
    folder: &Folder,
    description: &Description,
    arguments: &DemoArguments,
    ready_after: Duration,
) {
    let file = |name: &str| folder.file(name).display().to_string();
    say!("Postern demo, ready after {}", shown(ready_after));
    say!();
    say!("  application   https://app.localhost:{}", arguments.port);
    say!(
        "  sign-in       {}",
        description.request.issuer.as_str().trim_end_matches('/')
    );
    say!(
        "  admin API     https://localhost:{}   token: {}",
        arguments.admin_port,
        file("control/admin-token")
    );
    say!(
        "  people        {} and keys: {}",
        people::NAMES.map(|name| format!("{name}.p12")).join(", "),
        file("pki")
    );
    say!("  log           {}", file("demo.log"));
    say!("  for scripts   {}", file("demo.json"));
    say!();
}

/// How the sign-in went.
pub(crate) fn sign_in(outcome: &Result<SignedIn>, since_start: Duration, folder: &Folder) {
    match outcome {
        Ok(signed_in) => {
            say!(
                "Signing jon in with his certificate, at {}:",
                material::FABRIKAM
            );
            say!();
            for (step, took) in &signed_in.steps {
                say!("  {:>9}  {step}", shown(*took));
            }
            say!();
            say!("Verified claims:");
            say!();
            for (name, value) in &signed_in.userinfo {
                say!("  {name:<20} {}", words(value));
            }
            for name in ["acr", "amr", "auth_time"] {
                if let Some(value) = signed_in.id_token.get(name) {
                    say!("  {name:<20} {}", words(value));
                }
            }
            say!();
            say!("jon is signed in, {} after the start.", shown(since_start));
        }
        Err(error) => {
            complain!("The sign-in failed: {error:#}");
            complain!("See {}", folder.file("demo.log").display());
        }
    }
}

/// What a person can do now.
pub(crate) fn waiting(folder: &Folder, arguments: &DemoArguments) {
    let port = arguments.port;
    let file = |name: &str| folder.file(name).display().to_string();
    say!();
    say!(
        "Try it in a browser: https://app.localhost:{port} (the snippet, by a popup and by a redirect)"
    );
    say!(
        "  trust      {} (valid for loopback names only)",
        file("pki/server-root.pem")
    );
    say!(
        "  import     {}   password: {}",
        file("pki/jon.p12"),
        file("pki/p12-password")
    );
    say!("  passwords  {}", file(people::PASSWORDS));
    if let Some(origin) = &arguments.origin {
        say!(
            "  yours      {origin}   client_id: {}   issuer: https://login.localhost:{port}",
            material::OWN
        );
    }
    say!();
    say!("Stop with Ctrl-C.");
}

fn shown(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 100.0 {
        format!("{milliseconds:.1} ms")
    } else {
        format!("{milliseconds:.0} ms")
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
