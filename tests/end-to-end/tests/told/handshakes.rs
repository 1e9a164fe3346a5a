//! Handshakes that end without a request are told, too.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use end_to_end::program::Promise;
use serde_json::Value;
use testkit::client::say_hello;
use testkit::plain_http;
use testkit::processes::wait_for;
use testkit::system::{Role, System};

use crate::logs;

pub(crate) const PROMISES: &[Promise<System>] = &[
    (
        "whoever leaves while asked for a certificate and stays away is an audit event",
        abandoned,
    ),
    ("whoever only knocks is a number, not an event", knocking),
];

const PATIENCE: Duration = Duration::from_secs(10);
/// Others sign in at the same address meanwhile, and each of them may be whoever left.
const STAYING_AWAY: Duration = Duration::from_secs(60);
/// Longer than there is to choose.
const AGAIN: Duration = Duration::from_secs(5);

fn events(system: &System, outcome: &str) -> Result<usize> {
    let mut count = 0;
    for (_, log) in logs(system)? {
        for line in log.lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
            if text("target") == "postern::signin" && text("outcome") == outcome {
                count += 1;
            }
        }
    }
    Ok(count)
}

fn abandoned(system: &System) -> Result<()> {
    let before = events(system, "abandoned")?;
    let mut left: Option<Instant> = None;
    wait_for(
        STAYING_AWAY,
        "an audit event of a handshake that was left",
        || {
            if left.is_none_or(|left| left.elapsed() > AGAIN) {
                drop(say_hello(system.gateway(0), system.certificate_host())?);
                left = Some(Instant::now());
            }
            Ok((events(system, "abandoned")? > before).then_some(()))
        },
    )
}

fn knocking(system: &System) -> Result<()> {
    let address = system.operations(Role::Gateway, 0)?;
    let handshakes = || -> Result<String> {
        let (_, text) = plain_http::get(address, "/metrics")?;
        let lines = text
            .lines()
            .filter(|line| line.starts_with("postern_handshakes_total"));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    };
    let (before, events_before) = (handshakes()?, events(system, "abandoned")?);
    drop(TcpStream::connect(system.gateway(0)).context("no connection")?);
    wait_for(PATIENCE, "the knock to be counted", || {
        Ok((handshakes()? != before).then_some(()))
    })?;
    ensure!(
        events(system, "abandoned")? == events_before,
        "a knock is no event"
    );
    Ok(())
}
