//! A change of the configuration is one trace, from the request to every instance.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use end_to_end::program::Promise;
use end_to_end::steps::FABRIKAM;
use testkit::jaeger::Trace;
use testkit::processes::wait_for;
use testkit::system::System;

use crate::jaeger;

pub(crate) const PROMISES: &[Promise<System>] = &[(
    "a change is one trace, from the admin API over NATS to every instance",
    change,
)];

fn change(system: &System) -> Result<()> {
    let range = "192.0.2.0/24";
    let added = system
        .postern(&["range", "add", range, "--connection", FABRIKAM, "--wait"])
        .output()?;
    ensure!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    let publish = "publish revision";
    let patience = std::time::Duration::from_secs(30);
    let trace = wait_for(patience, "the change to be traced", || {
        let ids = jaeger()?.traces_with("postern-control", publish)?;
        let mut whole = Vec::new();
        for id in ids {
            let trace = jaeger()?.look_up(&id)?.context("a trace that was listed")?;
            // Every instance sends its spans when it likes.
            if instances(&trace).values().sum::<usize>() >= 5 {
                whole.push(trace);
            }
        }
        let of_a_request = |trace: &Trace| {
            trace
                .only(publish)
                .is_ok_and(|span| trace.parent_of(span).is_some())
        };
        Ok(whole.into_iter().find(of_a_request))
    })?;
    let applied = instances(&trace);
    let expected = [
        ("postern-certval", 1),
        ("postern-control", 1),
        ("postern-directory", 1),
        ("postern-gateway", 2),
    ];
    for (service, count) in expected {
        ensure!(
            applied.get(service) == Some(&count),
            "{count} {service} should have applied it: {applied:?}\n{}",
            trace.outline()
        );
    }
    let roots: Vec<&str> = trace
        .spans
        .iter()
        .filter(|span| span.parent.is_none())
        .map(|span| span.name.as_str())
        .collect();
    ensure!(
        matches!(roots.as_slice(), [root] if root.starts_with("POST /v1/")),
        "one request is the root of all: {roots:?}\n{}",
        trace.outline()
    );
    for span in &trace.spans {
        for (key, value) in &span.tags {
            ensure!(
                !value.to_string().contains("192.0.2"),
                "{key} of {} says what was changed",
                span.name
            );
        }
    }
    Ok(())
}

/// How many instances of each kind have applied the revision below its publication.
fn instances(trace: &Trace) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for span in trace.named("apply revision") {
        let parent = trace.parent_of(span).map(|parent| parent.name.as_str());
        if parent == Some("publish revision") {
            *counts.entry(span.service.as_str()).or_default() += 1;
        }
    }
    counts
}
