//! The people of the demonstration: jon, active, in nested groups; jane, active; eve, disabled.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use directory::file::{Directory, FilePerson, render};
use directory::password::Password;
use domain::account::AccountId;
use runtime::private_files::{self, PRIVATE};
use runtime::random::{Randomness, SystemRandomness, bytes};
use uuid::Uuid;

use super::folder::Folder;

/// Their account names.
pub(crate) const NAMES: [&str; 3] = ["jon", "jane", "eve"];
/// The directory file.
pub(crate) const DIRECTORY: &str = "directory.json";
/// Their passwords in clear, for whoever tries the form.
pub(crate) const PASSWORDS: &str = "passwords.json";

/// Writes the directory file and the passwords, where they are missing.
///
/// # Errors
/// When the folder cannot be written, or the system has no randomness.
pub(crate) fn create(folder: &Folder) -> Result<()> {
    if folder.file(DIRECTORY).exists() {
        return Ok(());
    }
    let random = SystemRandomness::new();
    let mut persons = Vec::new();
    let mut passwords = BTreeMap::new();
    for name in NAMES {
        let password = URL_SAFE_NO_PAD.encode(bytes::<9>(&random)?);
        persons.push(person(name, &password, &random)?);
        passwords.insert(name, password);
    }
    let groups = BTreeMap::from([
        ("Staff".to_owned(), BTreeSet::from(["Employees".to_owned()])),
        (
            "Employees".to_owned(),
            BTreeSet::from(["Everyone at Fabrikam".to_owned()]),
        ),
    ]);
    let passwords = serde_json::to_vec_pretty(&passwords)?;
    private_files::write_atomically(&folder.file(PASSWORDS), &passwords, PRIVATE)?;
    let directory = render(&Directory { persons, groups })?;
    private_files::write_atomically(&folder.file(DIRECTORY), directory.as_bytes(), PRIVATE)?;
    Ok(())
}

fn person(name: &str, password: &str, random: &dyn Randomness) -> Result<FilePerson> {
    let id = Uuid::from_bytes(bytes::<16>(random)?);
    let (given, family, group) = match name {
        "jon" => ("Jon", "Snow", "Staff"),
        "jane" => ("Jane", "Doe", "Employees"),
        _ => ("Eve", "Moneypenny", "Employees"),
    };
    let password = Password::typed(password.as_bytes()).context("a generated password is one")?;
    let mut person = FilePerson::new(name.parse()?, AccountId(id), &password, random)?;
    person.display_name = Some(format!("{given} {family}"));
    person.given_name = Some(given.to_owned());
    person.family_name = Some(family.to_owned());
    person.email = Some(format!("{name}@fabrikam.example"));
    person.user_principal_name = Some(format!("{name}@fabrikam.example"));
    person.groups = BTreeSet::from([group.to_owned()]);
    person.state.disabled = name == "eve";
    Ok(person)
}
