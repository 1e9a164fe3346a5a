//! One part after the other is taken away and comes back, under a trickle of sign-ins.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::project::Stage;
use crate::trickle::{Report, Trickle};

/// Sign-ins at a time, and between two of a row.
const AT_ONCE: usize = 6;
const BETWEEN: Duration = Duration::from_millis(50);
/// Sign-ins before, without the part, and with it again.
const EACH: usize = 40;
const SOON: Duration = Duration::from_secs(60);
/// How long after a gateway's sudden end what it held may be lost.
const MOMENT: Duration = Duration::from_secs(3);

pub(super) fn gateway(stage: &Stage) -> Result<()> {
    without(stage, "stop", "gateway-1")?.0.none_lost(3 * EACH)
}

pub(super) fn certval(stage: &Stage) -> Result<()> {
    without(stage, "stop", "certval-1")?.0.none_lost(3 * EACH)
}

pub(super) fn directory(stage: &Stage) -> Result<()> {
    without(stage, "stop", "directory-1")?.0.none_lost(3 * EACH)
}

pub(super) fn nats(stage: &Stage) -> Result<()> {
    without(stage, "stop", "nats")?.0.none_lost(3 * EACH)
}

pub(super) fn certval_killed(stage: &Stage) -> Result<()> {
    without(stage, "kill", "certval-2")?.0.none_lost(3 * EACH)
}

pub(super) fn directory_killed(stage: &Stage) -> Result<()> {
    without(stage, "kill", "directory-2")?.0.none_lost(3 * EACH)
}

/// Connections to a killed gateway break, and codes it issued are gone; neither can be served.
pub(super) fn gateway_killed(stage: &Stage) -> Result<()> {
    let (report, killed) = without(stage, "kill", "gateway-2")?;
    ensure!(
        report.lost.len() <= AT_ONCE,
        "more were lost than were under way: {:?}",
        report.lost
    );
    for (at, why) in &report.lost {
        ensure!(
            *at + MOMENT >= killed && *at <= killed + MOMENT,
            "lost {at:?} after the beginning, but the gateway was killed at {killed:?}: {why}"
        );
    }
    ensure!(
        report.signed_in.len() >= 3 * EACH - AT_ONCE,
        "too few sign-ins"
    );
    Ok(())
}

/// What came of the sign-ins, and when, counted from their begin, the part went.
fn without(stage: &Stage, how: &str, service: &str) -> Result<(Report, Duration)> {
    let began = Instant::now();
    let trickle = Trickle::begin(&stage.site, &stage.person("jon")?, AT_ONCE, BETWEEN);
    trickle.await_more(EACH, SOON)?;
    let gone = began.elapsed();
    stage.project.run(&[how, service])?;
    trickle.await_more(EACH, SOON)?;
    stage.project.run(&["start", service])?;
    stage.project.healthy(service)?;
    trickle.await_more(EACH, SOON)?;
    Ok((trickle.end()?, gone))
}
