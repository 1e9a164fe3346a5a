//! The commands that README.md and docs/compose.md tell people to type, typed.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::project::Stage;
use crate::commands::output;

/// The mark of a block that this test runs.
const MARK: &str = "<!-- checked by: tests/deploy/src/compose.rs -->\n```sh\n";
const PAGES: [&str; 2] = ["README.md", "docs/compose.md"];
/// Fewer blocks, and they are not found any more.
const FEWEST: usize = 5;
const EACH: Duration = Duration::from_secs(120);

pub(super) fn commands(stage: &Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    // The commands are for somebody who stands in the checkout; what they make stays out of it.
    std::os::unix::fs::symlink(
        stage.project.checkout.join("deploy"),
        folder.path().join("deploy"),
    )?;
    let mut seen = 0;
    for page in PAGES {
        let text = fs::read_to_string(stage.project.checkout.join(page))?;
        for block in text.split(MARK).skip(1) {
            let block = block
                .split("```")
                .next()
                .context("a block without an end")?;
            let mut shell = Command::new("sh");
            shell.args(["-e", "-c", block]).current_dir(folder.path());
            shell.envs(stage.project.environment());
            output(&mut shell, EACH).with_context(|| format!("{page}:\n{block}"))?;
            seen += 1;
        }
    }
    ensure!(seen >= FEWEST, "only {seen} blocks were found");
    Ok(())
}
