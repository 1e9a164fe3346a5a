//! Blocks of code that can be judged without running a system.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::page::{Block, Held, Page, pages, read, top};
use super::runs::postern;

/// Languages that mean a picture or plain text.
const PICTURES: [&str; 2] = ["", "text"];
/// Languages that are checked for what they are, wherever they stand.
const CHECKED: [&str; 2] = ["js", "json"];
/// Fewest blocks of code: fewer, and they are not found any more.
const FEWEST: usize = 30;

/// The call that the whole project began with.
const SNIPPET: &str = "auth.signin({
  popup: true,
  connection: 'FabrikamAD',
  scope: 'openid name email'
}, onLoginSuccess, onLoginFailed);
";

fn all() -> Result<Vec<Block>> {
    let blocks: Vec<Block> = pages()?.into_iter().flat_map(|page| page.blocks).collect();
    ensure!(
        blocks.len() >= FEWEST,
        "only {} blocks were found",
        blocks.len()
    );
    Ok(blocks)
}

pub(crate) fn are_held() -> Result<()> {
    let loose: Vec<String> = all()?
        .into_iter()
        .filter(|block| {
            let language = block.language.as_str();
            block.held.is_none() && !PICTURES.contains(&language) && !CHECKED.contains(&language)
        })
        .map(|block| format!("{} ({})", block.place, block.language))
        .collect();
    ensure!(
        loose.is_empty(),
        "nothing runs or checks these blocks, and no comment before them says why: {}",
        loose.join(", ")
    );
    for block in all()? {
        let Some(Held::By(test)) = &block.held else {
            continue;
        };
        // The last: a program of promises, with a main of its own.
        let is_test = read(test).is_ok_and(|text| {
            text.contains("#[test]") || test.ends_with(".test.mjs") || text.contains("Vec<Promise<")
        });
        ensure!(is_test, "{}: {test} is no test", block.place);
    }
    Ok(())
}

pub(crate) fn excerpts_are_there() -> Result<()> {
    let mut seen = 0;
    for block in all()? {
        let Some(Held::File(path)) = &block.held else {
            continue;
        };
        let file = read(path).with_context(|| block.place.clone())?;
        ensure!(
            file.contains(&block.body),
            "{} is not in {path}, word for word",
            block.place
        );
        seen += 1;
    }
    ensure!(seen >= 3, "only {seen} excerpts of the examples were found");
    Ok(())
}

pub(crate) fn scripts_and_json_can_be_read() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let sdk = read("sdk/js/dist/postern.d.ts")?;
    for block in all()? {
        match block.language.as_str() {
            "json" => {
                let read: Result<serde_json::Value, _> = serde_json::from_str(&block.body);
                read.with_context(|| block.place.clone())?;
            }
            "js" => {
                let file = folder.path().join("block.mjs");
                fs::write(&file, &block.body)?;
                let output = Command::new("node").arg("--check").arg(&file).output()?;
                ensure!(
                    output.status.success(),
                    "{}: {}",
                    block.place,
                    String::from_utf8_lossy(&output.stderr)
                );
                for name in called(&block.body, "auth.").union(&called(&block.body, "Postern.")) {
                    ensure!(
                        sdk.contains(&format!("{name}(")) || sdk.contains(&format!("class {name}")),
                        "{}: the SDK has no `{name}`",
                        block.place
                    );
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The names that stand right after `object` in a script.
fn called<'a>(script: &'a str, object: &str) -> BTreeSet<&'a str> {
    let rests = script.split(object).skip(1);
    rests
        .filter_map(|rest| rest.split(|each: char| !each.is_alphanumeric()).next())
        .collect()
}

pub(crate) fn settings_load() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut seen = 0;
    for block in all()? {
        let Some(Held::Settings(role)) = &block.held else {
            continue;
        };
        let file = folder.path().join("settings.toml");
        fs::write(&file, &block.body)?;
        let output = Command::new(postern()?)
            .args(["settings", role, "--settings"])
            .arg(&file)
            .env_remove("POSTERN_SETTINGS")
            .output()?;
        ensure!(
            output.status.success(),
            "{}: {}",
            block.place,
            String::from_utf8_lossy(&output.stderr)
        );
        seen += 1;
    }
    ensure!(seen >= 2, "only {seen} examples of settings were found");
    Ok(())
}

pub(crate) fn the_snippet_is_word_for_word() -> Result<()> {
    for path in ["README.md", "docs/applications.md"] {
        let page = Page::open(path)?;
        let shown = page
            .blocks
            .iter()
            .any(|block| block.language == "js" && block.body.contains(SNIPPET));
        ensure!(
            shown,
            "{path} does not show the snippet word for word:\n{SNIPPET}"
        );
    }
    match top().join("sdk/js/dist/postern.global.js").is_file() {
        true => Ok(()),
        false => bail!("sdk/js/dist/postern.global.js, which the snippet loads, is missing"),
    }
}
