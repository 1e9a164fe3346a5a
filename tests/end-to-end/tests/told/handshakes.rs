//! Handshakes that end without a request are told, too.

use std::net::{IpAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use end_to_end::program::{Promise, block_on, block_on_value};
use end_to_end::steps::{FABRIKAM, begin, browser_with, code};
use serde_json::Value;
use testkit::client::say_hello;
use testkit::jaeger::{Span, Trace};
use testkit::plain_http;
use testkit::processes::wait_for;
use testkit::system::{Role, System};

use super::sign_ins::request_id;
use crate::{jaeger, logs};

pub(crate) const PROMISES: &[Promise<System>] = &[
    (
        "whoever leaves while asked for a certificate and stays away is an audit event",
        abandoned,
    ),
    (
        "whoever leaves and comes again has both handshakes in the trace of the sign-in, and no event of leaving",
        came_again,
    ),
    ("whoever only knocks is a number, not an event", knocking),
];

const PATIENCE: Duration = Duration::from_secs(20);

/// How each handshake that was left from this address was told.
fn told_of(system: &System, address: &str) -> Result<Vec<String>> {
    let mut outcomes = Vec::new();
    for (_, log) in logs(system)? {
        for line in log.lines().filter(|line| line.contains("postern::signin")) {
            let line: Value = serde_json::from_str(line)?;
            let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
            if text("target") == "postern::signin" && text("address") == address {
                outcomes.push(text("outcome").to_owned());
            }
        }
    }
    Ok(outcomes)
}

/// Has everybody at this address asked for a certificate. Each promise has one of its own, for it is by the address
/// that who comes again is known.
fn in_range(system: &System, address: &str) -> Result<IpAddr> {
    let added = system
        .postern(&["range", "add", address, "--connection", FABRIKAM, "--wait"])
        .output()?;
    ensure!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    Ok(address.parse()?)
}

fn abandoned(system: &System) -> Result<()> {
    let address = "127.0.0.76";
    let from = in_range(system, address)?;
    block_on(async {
        drop(say_hello(from, system.gateway(0), system.certificate_host()).await?);
        Ok(())
    })?;
    wait_for(
        PATIENCE,
        "an audit event of a handshake that was left",
        || Ok((told_of(system, address)? == ["abandoned"]).then_some(())),
    )
}

fn came_again(system: &System) -> Result<()> {
    let address = "127.0.0.77";
    let from = in_range(system, address)?;
    let id = block_on_value(async {
        drop(say_hello(from, system.gateway(0), system.certificate_host()).await?);
        let mut browser = browser_with(system, system.certificate_of("jon")?)?.from(from);
        let (_, walk) = begin(system, &mut browser, FABRIKAM).await?;
        code(&walk)?;
        request_id(&walk)
    })?;
    let results = |trace: &Trace| -> Vec<String> {
        let below = trace.named("handshake").filter(|span| {
            let parent = trace.parent_of(span);
            parent.is_some_and(|parent| parent.name == "GET cert /")
        });
        let result = |span: &Span| span.tags.get("postern.result").map(ToString::to_string);
        below.filter_map(result).collect()
    };
    let trace = jaeger()?.trace(&id, |trace| results(trace).len() == 2)?;
    let mut results = results(&trace);
    results.sort();
    ensure!(results == [r#""abandoned""#, r#""done""#], "{results:?}");
    ensure!(
        told_of(system, address)? == ["signed_in"],
        "{:?}",
        told_of(system, address)?
    );
    Ok(())
}

fn knocking(system: &System) -> Result<()> {
    let address = system.operations(Role::Gateway, 0)?;
    let handshakes = || -> Result<String> {
        let (_, text) = plain_http::get(address, "/metrics")?;
        let lines = text
            .lines()
            .filter(|line| line.starts_with("postern_handshakes_total"))
            .filter(|line| line.contains(r#"host="none""#));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    };
    let before = handshakes()?;
    drop(TcpStream::connect(system.gateway(0)).context("no connection")?);
    wait_for(PATIENCE, "the knock to be counted", || {
        Ok((handshakes()? != before).then_some(()))
    })?;
    // Nobody else comes without a name, so an event without a host of ours would be this one's.
    for (process, log) in logs(system)? {
        let of_nobody = |line: &&str| {
            line.contains(r#""target":"postern::signin""#) && line.contains(r#""host":"none""#)
        };
        ensure!(
            log.lines().find(of_nobody).is_none(),
            "an event in {process}"
        );
    }
    Ok(())
}
