//! What Jaeger and Prometheus know of a sign-in.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use testkit::processes::wait_for;

use super::project::Stage;
use crate::jaeger::Trace;
use crate::plain_http;
use crate::program::block_on;

const SOON: Duration = Duration::from_secs(30);
/// Both gateways, certvals and directory services, control and the balancer.
const TARGETS: usize = 8;

fn jaeger() -> SocketAddr {
    ([127, 0, 0, 1], 16686).into()
}

fn prometheus() -> SocketAddr {
    ([127, 0, 0, 1], 9090).into()
}

/// Spans that a sign-in with a certificate cannot do without.
const SPANS: [(&str, &str); 6] = [
    ("postern-gateway", "GET /authorize"),
    ("postern-gateway", "GET cert /"),
    ("postern-gateway", "GET /resume"),
    ("postern-gateway", "POST /token"),
    ("postern-certval", "postern.certval.v1.Certval/Validate"),
    ("postern-directory", "ldap search"),
];

pub(super) fn trace(stage: &Stage) -> Result<()> {
    block_on(async {
        let signed_in = stage.site.sign_in(&stage.person("jon")?).await?;
        let mut ids = signed_in.request_ids.clone();
        ids.dedup();
        let [id] = ids.as_slice() else {
            anyhow::bail!("one sign-in has several request ids: {ids:?}");
        };
        let whole = |trace: &Trace| SPANS.iter().all(|(service, name)| trace.has(service, name));
        let trace = Trace::find(jaeger(), id, SOON, whole).await?;
        let roots = trace
            .spans
            .iter()
            .filter(|span| span.parent.is_none())
            .count();
        ensure!(roots == 1, "the trace has {roots} roots: {}", trace.shown());
        Ok(())
    })
}

pub(super) fn metrics(_: &Stage) -> Result<()> {
    wait_for(SOON, "Prometheus to reach every process", || {
        let targets = ask("/api/v1/targets?state=active")?;
        let targets = targets
            .pointer("/data/activeTargets")
            .and_then(Value::as_array);
        let targets = targets.context("no targets")?;
        let up = targets
            .iter()
            .filter(|target| target.get("health").and_then(Value::as_str) == Some("up"));
        Ok((targets.len() == TARGETS && up.count() == TARGETS).then_some(()))
    })?;
    wait_for(SOON, "Prometheus to count a sign-in", || {
        let query =
            "/api/v1/query?query=sum(postern_sign_ins_total%7Bmethod%3D%22certificate%22%7D)";
        let answer = ask(query)?;
        let count = answer
            .pointer("/data/result/0/value/1")
            .and_then(Value::as_str);
        Ok(count
            .and_then(|count| count.parse::<f64>().ok())
            .filter(|count| *count >= 1.0))
    })
    .map(|_| ())
}

pub(super) fn alerts(_: &Stage) -> Result<()> {
    wait_for(SOON, "Prometheus to judge every rule", || {
        let groups = ask("/api/v1/rules?type=alert")?;
        let groups = groups.pointer("/data/groups").and_then(Value::as_array);
        let rules = groups.into_iter().flatten();
        let rules: Vec<&Value> = rules
            .filter_map(|group| group.get("rules")?.as_array())
            .flatten()
            .collect();
        ensure!(rules.len() >= 10, "only {} rules are loaded", rules.len());
        let said = |rule: &Value, key: &str| {
            let said = rule.get(key).and_then(Value::as_str);
            said.unwrap_or_default().to_owned()
        };
        for rule in &rules {
            ensure!(
                said(rule, "state") != "firing",
                "{} fires in a system where nothing is wrong",
                said(rule, "name")
            );
        }
        Ok(rules
            .iter()
            .all(|rule| said(rule, "health") == "ok")
            .then_some(()))
    })
}

pub(super) fn dashboard(stage: &Stage) -> Result<()> {
    let file = stage
        .project
        .checkout
        .join("deploy/observability/grafana-dashboard.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let panels = dashboard
        .get("panels")
        .and_then(Value::as_array)
        .context("no panels")?;
    let targets = panels
        .iter()
        .filter_map(|panel| panel.get("targets")?.as_array())
        .flatten();
    let asked: Vec<&str> = targets
        .filter_map(|target| target.get("expr")?.as_str())
        .collect();
    ensure!(
        asked.len() >= 30,
        "only {} questions were found",
        asked.len()
    );
    for question in &asked {
        let expression = question.replace("$__rate_interval", "1m");
        let encoded: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        ask(&format!("/api/v1/query?query={encoded}")).with_context(|| (*question).to_owned())?;
    }
    // Some are there only after the first sign-in, and Prometheus comes by every few seconds.
    let mut missing = Vec::new();
    wait_for(SOON, "every number to be there", || {
        let names = ask("/api/v1/label/__name__/values")?.to_string();
        missing = asked
            .iter()
            .flat_map(|question| numbers(question))
            .filter(|name| !names.contains(&format!("\"{name}\"")))
            .collect();
        Ok(missing.is_empty().then_some(()))
    })
    .with_context(|| format!("nobody has {missing:?}"))
}

/// Prometheus' answer to a question it understands.
fn ask(path: &str) -> Result<Value> {
    block_on(plain_http::get(prometheus(), path))?.json()
}

/// Postern's numbers in a question.
fn numbers(question: &str) -> impl Iterator<Item = &str> {
    let words = question.split(|each: char| !each.is_ascii_alphanumeric() && each != '_');
    words.filter(|word| word.starts_with("postern_"))
}
