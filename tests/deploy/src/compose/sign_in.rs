//! People and an application at the door that docker-compose.yml publishes.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use testkit::client::Browser;

use super::project::Stage;
use crate::program::block_on;

pub(super) fn jon(stage: &Stage) -> Result<()> {
    let signed_in = block_on(stage.site.sign_in(&stage.person("jon")?))?;
    let groups = signed_in.claims.get("groups").and_then(Value::as_array);
    let groups: Vec<&str> = groups
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    // Staff is in Employees: the directory looks groups up through groups.
    ensure!(
        groups.contains(&"Staff") && groups.contains(&"Employees"),
        "{}",
        signed_in.claims
    );
    Ok(())
}

pub(super) fn jane_by_password(stage: &Stage) -> Result<()> {
    block_on(async {
        let mut browser = Browser::trusting_pem(&stage.site.root)?.to([127, 0, 0, 1].into());
        let sample = "https://app.localhost:8445";
        let begun = browser
            .walk(&format!("{sample}/signin?connection=ContosoAD"), sample)
            .await?;
        let form = begun
            .last()
            .and_then(|page| page.form_with("password"))
            .context("no password form")?;
        let form = form
            .fill("user_name", "jane")
            .fill("password", &stage.password("jane")?);
        let answer = browser.submit(&form).await?;
        let page = browser.walk_on(answer, "https://nowhere.localhost").await?;
        signed_in_as(page.last().map_or("", |page| &page.body), "jane")
    })
}

pub(super) fn eve(stage: &Stage) -> Result<()> {
    let refused = block_on(stage.site.sign_in(&stage.person("eve")?));
    let Err(refused) = refused else {
        anyhow::bail!("eve was signed in");
    };
    ensure!(
        format!("{refused:#}").contains("\"disabled\""),
        "{refused:#}"
    );
    Ok(())
}

pub(super) fn sample(stage: &Stage) -> Result<()> {
    block_on(async {
        let mut browser = Browser::trusting_pem(&stage.site.root)?
            .to([127, 0, 0, 1].into())
            .with_certificate(stage.person("jon")?.identity);
        let begin = "https://app.localhost:8445/signin?connection=FabrikamAD";
        let walk = browser.walk(begin, "https://nowhere.localhost").await?;
        signed_in_as(walk.last().map_or("", |page| &page.body), "jon")
    })
}

/// Demands the sample application's page after a sign-in.
fn signed_in_as(page: &str, name: &str) -> Result<()> {
    ensure!(
        page.contains("Signed in") && page.contains("preferred_username") && page.contains(name),
        "{page}"
    );
    Ok(())
}

pub(super) fn command_line(stage: &Stage) -> Result<()> {
    let postern = |arguments: &[&str]| {
        let mut command = vec!["exec", "-T", "control", "/postern"];
        command.extend(arguments);
        stage.project.run(&command)
    };
    let instances: Value = serde_json::from_str(&postern(&["instances", "--json"])?)?;
    let count = instances.as_array().map_or(0, Vec::len);
    ensure!(count == 7, "{count} instances, not 7: {instances}");
    let range = ["--connection", "FabrikamAD", "--wait"];
    postern(&[&["range", "add", "10.77.0.0/16"], range.as_slice()].concat())?;
    postern(&[&["range", "remove", "10.77.0.0/16"], range.as_slice()].concat())?;
    Ok(())
}
