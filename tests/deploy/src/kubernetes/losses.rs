//! What is taken away under a trickle of sign-ins.
//!
//! **Invariant:** a sign-in that could have been served counts as lost, whatever was going on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::demonstration::Demonstration;
use crate::trickle::Trickle;

/// How soon after its end nobody is led to a gateway that was killed any more.
const NOTICED: Duration = Duration::from_secs(5);
const QUICK: Duration = Duration::from_secs(30);
const MANY: Duration = Duration::from_secs(60);
/// A pause of a row of sign-ins, so that the machine has time for the rest.
const BETWEEN: Duration = Duration::from_millis(50);
const ROLES: [&str; 4] = ["gateway", "certval", "directory", "control"];

/// `kubectl rollout restart` of all roles at once.
///
/// # Errors
/// If a sign-in was lost, or a role did not come back.
pub fn rollout(system: &Demonstration) -> Result<()> {
    let trickle = begin(system)?;
    for role in ROLES {
        let role = format!("deployment/{role}");
        system.kubectl(&["rollout", "restart", &role], QUICK)?;
    }
    system.await_settled()?;
    trickle.await_more(20, MANY)?;
    trickle.end()?.none_lost(50)
}

/// One pod after the other is asked to go: of each role, and NATS.
///
/// # Errors
/// If a sign-in was lost, or a pod was not replaced.
pub fn pods_that_go(system: &Demonstration) -> Result<()> {
    let trickle = begin(system)?;
    for selector in every_kind() {
        let pod = one(system, &selector)?;
        system.kubectl(&["delete", "pod", &pod, "--wait=false"], QUICK)?;
        trickle.await_more(10, MANY)?;
    }
    system.await_settled()?;
    trickle.await_more(20, MANY)?;
    trickle.end()?.none_lost(50)
}

/// One pod after the other is killed without a warning; the gateways' turn comes in [`killed_gateway`].
///
/// # Errors
/// If a sign-in was lost, or a pod was not replaced.
pub fn pods_that_die(system: &Demonstration) -> Result<()> {
    let trickle = begin(system)?;
    for selector in every_kind().iter().skip(1) {
        let pod = one(system, selector)?;
        kill(system, &pod)?;
        trickle.await_more(10, MANY)?;
        // Two of a kind at once are not what this is about.
        system.await_settled()?;
    }
    trickle.await_more(20, MANY)?;
    trickle.end()?.none_lost(50)
}

/// A gateway is killed: what it was doing is lost with it, and connections go to it until the cluster has noticed.
///
/// # Errors
/// If a sign-in was lost that began after that, or the gateway was not replaced.
pub fn killed_gateway(system: &Demonstration) -> Result<()> {
    let begun = Instant::now();
    let trickle = begin(system)?;
    trickle.await_more(10, MANY)?;
    let pod = one(system, "app.kubernetes.io/component=gateway")?;
    let killed = begun.elapsed();
    kill(system, &pod)?;
    let noticed = begun.elapsed() + NOTICED;
    system.await_settled()?;
    trickle.await_more(20, MANY)?;
    let mut report = trickle.end()?;
    // A sign-in takes far less than a second where nothing fails.
    let early = killed.saturating_sub(Duration::from_secs(1));
    report.lost.retain(|(at, _)| *at < early || *at > noticed);
    report.none_lost(30)
}

fn begin(system: &Demonstration) -> Result<Trickle> {
    let trickle = Trickle::begin(&system.site()?, &system.jon()?, 2, BETWEEN);
    trickle.await_more(4, MANY)?;
    Ok(trickle)
}

fn every_kind() -> Vec<String> {
    let roles = ROLES.iter();
    let roles = roles.map(|role| format!("app.kubernetes.io/component={role}"));
    roles
        .chain(["app.kubernetes.io/name=nats".to_owned()])
        .collect()
}

fn one(system: &Demonstration, selector: &str) -> Result<String> {
    let pods = system.pods(selector)?;
    let expected = if selector.ends_with("control") || selector.ends_with("nats") {
        1
    } else {
        2
    };
    ensure!(pods.len() >= expected, "too few of {selector}: {pods:?}");
    pods.into_iter().next().context("no pod")
}

fn kill(system: &Demonstration, pod: &str) -> Result<()> {
    let kill = [
        "delete",
        "pod",
        pod,
        "--grace-period=0",
        "--force",
        "--wait=false",
    ];
    system.kubectl(&kill, QUICK).map(|_| ())
}
