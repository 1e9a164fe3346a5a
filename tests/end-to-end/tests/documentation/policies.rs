//! The browser policies beside docs/first-day.md.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::page::{read, top};

const FOLDER: &str = "docs/browser-policies";
const PATTERN: &str = "https://[*.]cert.login.example.com";
const AUTHORITY: &str = "FabrikamRootCA";

pub(crate) fn agree() -> Result<()> {
    let handbook = read("docs/first-day.md")?;
    let mut selections = 0;
    for entry in fs::read_dir(top().join(FOLDER))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let text = read(format!("{FOLDER}/{name}"))?;
        ensure!(
            handbook.contains(&format!("(browser-policies/{name})")),
            "docs/first-day.md does not tell of {name}"
        );
        for selection in selections_in(&name, &text).with_context(|| name.clone())? {
            let chosen: Value = serde_json::from_str(&selection).with_context(|| name.clone())?;
            ensure!(
                chosen.get("pattern").and_then(Value::as_str) == Some(PATTERN)
                    && chosen.pointer("/filter/ISSUER/CN").and_then(Value::as_str)
                        == Some(AUTHORITY),
                "{name}: {selection}"
            );
            selections += 1;
        }
    }
    ensure!(selections == 5, "{selections} automatic selections");
    for named in [PATTERN, AUTHORITY, "login.example.com"] {
        ensure!(
            handbook.contains(named),
            "docs/first-day.md does not say {named}"
        );
    }
    Ok(())
}

/// The values of AutoSelectCertificateForUrls in a file of any kind.
fn selections_in(name: &str, text: &str) -> Result<Vec<String>> {
    if name.ends_with(".json") {
        let policies: Value = serde_json::from_str(text)?;
        let list = policies
            .get("AutoSelectCertificateForUrls")
            .and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        return Ok(texts.map(str::to_owned).collect());
    }
    if name.ends_with(".reg") {
        ensure!(
            text.starts_with("Windows Registry Editor Version 5.00\r\n")
                && text.lines().count() == text.matches("\r\n").count(),
            "it is not of Windows' form"
        );
        let values = text
            .lines()
            .filter_map(|line| line.strip_prefix("\"1\"=\"")?.strip_suffix('"'));
        return Ok(values.map(|value| value.replace("\\\"", "\"")).collect());
    }
    ensure!(name.ends_with(".mobileconfig"), "of what kind is it?");
    balanced(text)?;
    let strings = text
        .split("<string>")
        .skip(1)
        .filter_map(|rest| rest.split("</string>").next());
    Ok(strings
        .filter(|text| text.starts_with('{'))
        .map(str::to_owned)
        .collect())
}

/// Whether every element that begins also ends, and no identifier is there twice.
fn balanced(text: &str) -> Result<()> {
    let mut open = Vec::new();
    for rest in text.split('<').skip(1) {
        let (tag, _) = rest.split_once('>').context("a tag never ends")?;
        match tag.chars().next() {
            Some('?' | '!') => {}
            Some('/') => {
                let opened = open.pop().context("an element ends that never began")?;
                ensure!(tag.get(1..) == Some(opened), "{opened} ends as {tag}");
            }
            _ if tag.ends_with('/') => {}
            _ => open.push(tag.split(' ').next().unwrap_or(tag)),
        }
    }
    ensure!(open.is_empty(), "{open:?} never end");
    let identifiers: Vec<&str> = text
        .split("<key>PayloadUUID</key>")
        .skip(1)
        .filter_map(|rest| rest.split("</string>").next())
        .collect();
    let different: BTreeSet<&&str> = identifiers.iter().collect();
    ensure!(
        identifiers.len() == 3 && different.len() == 3,
        "its identifiers are not one each"
    );
    Ok(())
}
