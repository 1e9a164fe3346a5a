//! A page of the documentation, taken apart: its blocks of code, its headings, its links.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// What holds a block: the comment on the line before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// `<!-- not run: WHY -->`
    NotRun,
    /// `<!-- file: PATH -->`: word for word in that file.
    File(String),
    /// `<!-- checked by: PATH -->`: by that test.
    By(String),
    /// `<!-- initial configuration -->`: a system starts with it.
    InitialConfiguration,
    /// `<!-- settings: ROLE -->`
    Settings(String),
    /// `<!-- run: demo -->`: run beside the demonstration.
    WithDemo,
    /// `<!-- run: system -->`: run on a system, one after the other, with this output.
    OnSystem,
}

/// A fenced block of code.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Where it is, for messages.
    pub(crate) place: String,
    /// Its language; may be empty.
    pub(crate) language: String,
    /// What is in it, with the last line's end.
    pub(crate) body: String,
    /// What holds it.
    pub(crate) held: Option<Held>,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its path from the top of the checkout.
    pub(crate) path: PathBuf,
    /// All of it.
    pub(crate) text: String,
    /// Its blocks, in order.
    pub(crate) blocks: Vec<Block>,
}

/// The top of the checkout.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the checkout.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    fs::read_to_string(top().join(path)).with_context(|| format!("{} is missing", path.display()))
}

/// Every page that people read: those at the top, and the handbook.
pub(crate) fn pages() -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    for folder in ["", "docs"] {
        for entry in fs::read_dir(top().join(folder))? {
            let name = entry?.file_name();
            let path = Path::new(folder).join(name);
            if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(Page::open(path)?);
            }
        }
    }
    pages.sort_by(|one, other| one.path.cmp(&other.path));
    ensure!(pages.len() > 5, "where is the handbook?");
    Ok(pages)
}

impl Page {
    /// Reads one.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let text = read(&path)?;
        let blocks = blocks(&path, &text)?;
        Ok(Self { path, text, blocks })
    }

    /// Its blocks that are held so.
    pub(crate) fn held(&self, held: &Held) -> Vec<&Block> {
        let blocks = self.blocks.iter();
        blocks
            .filter(|block| block.held.as_ref() == Some(held))
            .collect()
    }

    /// Its lines outside of blocks, with their numbers.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let mut inside = false;
        let mut prose = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            let fence = line.starts_with("```");
            inside ^= fence;
            if !inside && !fence {
                prose.push((index + 1, line));
            }
        }
        prose
    }

    /// What its headings can be linked by, as GitHub makes it.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let prose = self.prose().into_iter();
        prose
            .filter_map(|(_, line)| {
                line.trim_start_matches('#')
                    .strip_prefix(' ')
                    .filter(|_| line.starts_with('#'))
            })
            .map(|heading| {
                let kept = heading
                    .chars()
                    .filter(|each| each.is_alphanumeric() || " -_".contains(*each));
                kept.collect::<String>().to_lowercase().replace(' ', "-")
            })
            .collect()
    }
}

fn blocks(path: &Path, text: &str) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut before = "";
    while let Some((index, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            before = line;
            continue;
        };
        let place = format!("{}:{}", path.display(), index + 1);
        let mut body = String::new();
        loop {
            let (_, line) = lines
                .next()
                .with_context(|| format!("{place} never ends"))?;
            if line == "```" {
                break;
            }
            body.push_str(line);
            body.push('\n');
        }
        let held = match before
            .strip_prefix("<!-- ")
            .and_then(|rest| rest.strip_suffix(" -->"))
        {
            Some(note) => Some(held(note).with_context(|| place.clone())?),
            None => None,
        };
        blocks.push(Block {
            place,
            language: language.to_owned(),
            body,
            held,
        });
        before = "";
    }
    Ok(blocks)
}

fn held(note: &str) -> Result<Held> {
    Ok(match note.split_once(": ") {
        Some(("not run", why)) => {
            ensure!(why.len() > 5, "why is it not run?");
            Held::NotRun
        }
        Some(("file", path)) => Held::File(path.to_owned()),
        Some(("checked by", path)) => Held::By(path.to_owned()),
        Some(("settings", role)) => Held::Settings(role.to_owned()),
        Some(("run", "demo")) => Held::WithDemo,
        Some(("run", "system")) => Held::OnSystem,
        None if note == "initial configuration" => Held::InitialConfiguration,
        _ => bail!("<!-- {note} --> says nothing that is known here"),
    })
}
