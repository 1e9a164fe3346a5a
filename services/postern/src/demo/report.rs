//! What the demonstration prints: where things are, the sign-in step by step, and what to do next.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::description::Description;
use super::folder::Folder;
use super::walk::SignedIn;
use super::{material, people};
use crate::cli::DemoArguments;

/// Where everything is.
pub(crate) fn places(
    folder: &Folder,
    description: &Description,
    arguments: &DemoArguments,
    ready_after: Duration,
) {
    let file = |name: &str| folder.file(name).display().to_string();
    println!("Postern demo, ready after {}", shown(ready_after));
    println!();
    println!("  application   https://app.localhost:{}", arguments.port);
    println!(
        "  sign-in       {}",
        description.request.issuer.as_str().trim_end_matches('/')
    );
    println!(
        "  admin API     https://localhost:{}   token: {}",
        arguments.admin_port,
        file("control/admin-token")
    );
    println!(
        "  people        {} and keys: {}",
        people::NAMES.map(|name| format!("{name}.p12")).join(", "),
        file("pki")
    );
    println!("  log           {}", file("demo.log"));
    println!("  for scripts   {}", file("demo.json"));
    println!();
}

/// How the sign-in went.
pub(crate) fn sign_in(outcome: &Result<SignedIn>, since_start: Duration, folder: &Folder) {
    match outcome {
        Ok(signed_in) => {
            println!(
                "Signing jon in with his certificate, at {}:",
                material::FABRIKAM
            );
            println!();
            for (step, took) in &signed_in.steps {
                println!("  {:>9}  {step}", shown(*took));
            }
            println!();
            println!("Verified claims:");
            println!();
            for (name, value) in &signed_in.userinfo {
                println!("  {name:<20} {}", words(value));
            }
            for name in ["acr", "amr", "auth_time"] {
                if let Some(value) = signed_in.id_token.get(name) {
                    println!("  {name:<20} {}", words(value));
                }
            }
            println!();
            println!("jon is signed in, {} after the start.", shown(since_start));
        }
        Err(error) => {
            eprintln!("The sign-in failed: {error:#}");
            eprintln!("See {}", folder.file("demo.log").display());
        }
    }
}

/// What a person can do now.
pub(crate) fn waiting(folder: &Folder, port: u16) {
    let file = |name: &str| folder.file(name).display().to_string();
    println!();
    println!("Try it in a browser: https://app.localhost:{port}");
    println!(
        "  trust      {} (valid for loopback names only)",
        file("pki/server-root.pem")
    );
    println!(
        "  import     {}   password: {}",
        file("pki/jon.p12"),
        file("pki/p12-password")
    );
    println!("  passwords  {}", file(people::PASSWORDS));
    println!();
    println!("Stop with Ctrl-C.");
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
