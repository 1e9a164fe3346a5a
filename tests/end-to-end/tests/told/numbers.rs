//! What the operations port of every process tells.

use anyhow::{Context, Result, bail, ensure};
use end_to_end::program::{Promise, block_on};
use end_to_end::steps::{FABRIKAM, begin, browser_with};
use testkit::plain_http;
use testkit::system::{Role, System};

use super::sign_ins::jon;

pub(crate) const PROMISES: &[Promise<System>] = &[
    ("every process tells that it lives and is ready", alive),
    (
        "sign-ins are counted by method, outcome and code",
        sign_ins_counted,
    ),
    (
        "every process tells the numbers that are documented",
        documented,
    ),
];

fn told(system: &System, role: Role, index: usize, path: &str) -> Result<(u16, String)> {
    plain_http::get(system.operations(role, index)?, path)
}

fn alive(system: &System) -> Result<()> {
    for role in Role::ALL {
        for path in ["/healthz", "/readyz"] {
            let (status, body) = told(system, role, 0, path)?;
            ensure!(status == 200, "{} {path}: {status} {body}", role.name());
        }
    }
    Ok(())
}

/// The sum of the series of this name that have all of these labels.
fn sum(text: &str, name: &str, labels: &[&str]) -> Result<f64> {
    let mut sum = 0.0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').context("no number")?;
        let (found, _) = series.split_once('{').unwrap_or((series, ""));
        if found == name && labels.iter().all(|label| series.contains(label)) {
            sum += value.parse::<f64>()?;
        }
    }
    Ok(sum)
}

fn sign_ins_counted(system: &System) -> Result<()> {
    block_on(async {
        let count = |outcome: &'static str, code: &'static str| -> Result<f64> {
            let mut all = 0.0;
            for gateway in 0..2 {
                let (_, text) = told(system, Role::Gateway, gateway, "/metrics")?;
                let labels = [r#"method="certificate""#, outcome, code];
                all += sum(&text, "postern_sign_ins_total", &labels)?;
            }
            Ok(all)
        };
        let signed_in = || count(r#"outcome="signed_in""#, r#"connection="FabrikamAD""#);
        let refused = || count(r#"outcome="refused""#, r#"code="disabled""#);
        let before = (signed_in()?, refused()?);
        jon(system).await?;
        let mut browser = browser_with(system, system.certificate_of("eve")?)?;
        begin(system, &mut browser, FABRIKAM).await?;
        // Others sign in at the same time.
        let after = (signed_in()?, refused()?);
        ensure!(
            after.0 >= before.0 + 1.0 && after.1 >= before.1 + 1.0,
            "{before:?} {after:?}"
        );
        Ok(())
    })
}

/// The page that says what each number means.
const PAGE: &str = include_str!("../../../../docs/metrics.md");

fn documented(system: &System) -> Result<()> {
    block_on(async { jon(system).await.map(drop) })?;
    let mut undocumented = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for role in Role::ALL {
        let (status, text) = told(system, role, 0, "/metrics")?;
        ensure!(status == 200, "{status}");
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("# HELP ") else {
                continue;
            };
            let Some((name, help)) = rest.split_once(' ') else {
                bail!("{line}");
            };
            ensure!(help.ends_with('.'), "{line}");
            seen.insert(name.to_owned());
            if !PAGE.contains(&format!("`{name}`")) {
                undocumented.push(format!("{name} of {}: {help}", role.name()));
            }
        }
    }
    ensure!(
        undocumented.is_empty(),
        "docs/metrics.md lacks:\n{}",
        undocumented.join("\n")
    );
    let missing: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| !seen.contains(*name))
        .collect();
    ensure!(missing.is_empty(), "nobody tells {missing:?}");
    Ok(())
}
