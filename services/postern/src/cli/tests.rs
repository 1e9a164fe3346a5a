//! What the handbook shows is true: its commands parse, its settings load, its initial configuration reads.

use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use control::initial::InitialConfiguration;
use runtime::settings::Sources;

use super::Cli;
use crate::settings::Gateway;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn handbook() -> Vec<(PathBuf, String)> {
    let pages = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    pages
        .chain([root().join("README.md")])
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

/// The content of all fenced blocks of one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    page.split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_command_line_is_put_together_well() {
    Cli::command().debug_assert();
}

#[test]
fn every_postern_command_in_the_handbook_parses() {
    let mut seen = 0;
    for (path, page) in handbook() {
        // A command that goes on in the next line is one.
        let lines: Vec<String> = blocks(&page, "sh")
            .iter()
            .map(|block| block.replace("\\\n", " "))
            .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        for line in lines.iter().filter_map(|line| {
            line.strip_prefix("postern ")
                .or(line.strip_prefix("cargo run --release -- "))
        }) {
            let parsed =
                Cli::try_parse_from(std::iter::once("postern").chain(line.split_whitespace()));
            assert!(
                parsed.is_ok(),
                "{}: postern {line}: {:?}",
                path.display(),
                parsed.err()
            );
            seen += 1;
        }
    }
    assert!(seen >= 6, "only {seen} commands were found");
}

#[test]
fn the_settings_and_the_initial_configuration_of_the_handbook_are_read() {
    let page = std::fs::read_to_string(root().join("docs/set-up.md")).unwrap();
    let blocks = blocks(&page, "toml");
    let (gateway, initial) = (blocks.first().unwrap(), blocks.last().unwrap());
    let gateway: Gateway = Sources::given(Path::new("gateway.toml"), gateway, [])
        .load()
        .unwrap();
    assert_eq!(gateway.gateway.issuer, "https://login.example.com");
    let initial: InitialConfiguration = toml::from_str(initial).unwrap();
    assert_eq!(initial.connections.len(), 1);
    assert_eq!(initial.server_certificates.len(), 2);
}
