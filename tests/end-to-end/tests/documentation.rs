//! What the documentation shows is true: every block of code in it is run or checked, or says why not.
//!
//! A comment on the line before a block says what holds it: see [`documentation::page::Held`].

mod documentation {
    pub(crate) mod answers;
    pub(crate) mod blocks;
    pub(crate) mod output;
    pub(crate) mod page;
    pub(crate) mod policies;
    pub(crate) mod provoked;
    pub(crate) mod references;
    pub(crate) mod runs;
}

use anyhow::Result;
use documentation::{answers, blocks, policies, references, runs};

#[test]
fn every_block_is_held_by_something_or_says_why_not() -> Result<()> {
    blocks::are_held()
}

#[test]
fn excerpts_are_word_for_word_in_their_files() -> Result<()> {
    blocks::excerpts_are_there()
}

#[test]
fn scripts_and_json_can_be_read_and_use_what_the_sdk_has() -> Result<()> {
    blocks::scripts_and_json_can_be_read()
}

#[test]
fn settings_load() -> Result<()> {
    blocks::settings_load()
}

#[test]
fn the_snippet_is_the_one_that_was_asked_for() -> Result<()> {
    blocks::the_snippet_is_word_for_word()
}

#[test]
fn every_error_is_explained_and_no_other() -> Result<()> {
    answers::errors_are_complete()
}

#[test]
fn lives_and_kinds_of_sign_in_are_those_of_the_source() -> Result<()> {
    answers::figures_are_current()
}

#[test]
fn links_lead_somewhere_and_pictures_are_there() -> Result<()> {
    references::lead_somewhere()
}

#[test]
fn browser_policies_can_be_read_and_name_the_same_host_and_authority() -> Result<()> {
    policies::agree()
}

#[test]
fn the_demonstration_prints_what_the_readme_shows() -> Result<()> {
    runs::the_readme_shows_the_demonstration()
}

#[test]
fn commands_for_the_demonstration_work_with_it() -> Result<()> {
    runs::commands_work_with_the_demonstration()
}

#[test]
fn a_system_answers_as_the_handbook_shows() -> Result<()> {
    runs::a_system_answers_as_shown()
}
