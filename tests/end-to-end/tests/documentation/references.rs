//! Links and pictures.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, ensure};

use super::page::{Page, pages, top};

pub(crate) fn lead_somewhere() -> Result<()> {
    let pages = pages()?;
    let mut dead = Vec::new();
    let mut seen = 0;
    for page in &pages {
        for (line, target) in links(page) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            if let Some(why) = fault(page, &target, &pages) {
                dead.push(format!("{}:{line}: {target}: {why}", page.path.display()));
            }
        }
    }
    ensure!(seen > 30, "only {seen} links were found");
    ensure!(dead.is_empty(), "\n{}", dead.join("\n"));
    Ok(())
}

fn fault(page: &Page, target: &str, pages: &[Page]) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = page.path.parent().unwrap_or(Path::new(""));
    let path = match file {
        "" => page.path.clone(),
        file => plain(&folder.join(file)),
    };
    if !top().join(&path).exists() {
        return Some("there is no such file");
    }
    if anchor.is_empty() {
        return None;
    }
    let there = pages
        .iter()
        .find(|page| page.path == path)
        .is_some_and(|page| page.anchors().iter().any(|each| each == anchor));
    (!there).then_some("there is no such heading")
}

/// The targets of links and pictures, with their lines.
fn links(page: &Page) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in page.prose() {
        for rest in line.split("](").skip(1) {
            if let Some((target, _)) = rest.split_once(')') {
                found.push((number, target.to_owned()));
            }
        }
    }
    found
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
