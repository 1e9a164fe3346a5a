//! The directory role's view of a snapshot: every connection with its back end, prepared.
//!
//! **Invariant:** a back end is made anew only when something it is made of changed, so that a new range or authority
//! costs no domain controller a new connection.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::configuration::{Configuration, DirectorySecrets, SecretBytes, part};
use domain::connection::{ConnectionName, DirectorySource};
use domain::seal::{Purpose, SealKeys};
use runtime::clock::Clock;
use runtime::live::{Decoder, Manifest};
use runtime::metrics::Metrics;
use runtime::tasks::Tasks;

use crate::active_directory::ActiveDirectory;
use crate::backend::Backend;
use crate::file::FileDirectory;
use crate::numbers::Numbers;
use crate::settings::Settings;

mod pools;
#[cfg(test)]
mod tests;

/// The connections of one snapshot.
#[derive(Debug, Clone, Default)]
pub struct View {
    connections: BTreeMap<ConnectionName, Arc<dyn Backend>>,
}

impl View {
    /// The back end of a connection, if the snapshot has the connection.
    #[must_use]
    pub fn backend(&self, connection: &ConnectionName) -> Option<&Arc<dyn Backend>> {
        self.connections.get(connection)
    }
}

impl FromIterator<(ConnectionName, Arc<dyn Backend>)> for View {
    fn from_iter<T: IntoIterator<Item = (ConnectionName, Arc<dyn Backend>)>>(backends: T) -> Self {
        Self {
            connections: backends.into_iter().collect(),
        }
    }
}

/// Makes views of snapshots, and keeps the back ends of the last one.
#[derive(Debug)]
pub struct Views {
    settings: Settings,
    seal: Option<SealKeys>,
    tasks: Tasks,
    clock: Arc<dyn Clock>,
    numbers: Numbers,
    last: Arc<Mutex<BTreeMap<ConnectionName, Prepared>>>,
}

/// A back end and what it was made of.
#[derive(Debug, Clone)]
struct Prepared {
    source: DirectorySource,
    bind_password: Option<SecretBytes>,
    backend: Arc<dyn Backend>,
}

impl Prepared {
    fn is_of(&self, source: &DirectorySource, bind_password: Option<&SecretBytes>) -> bool {
        let mine = self.bind_password.as_ref().map(SecretBytes::expose);
        self.source == *source && mine == bind_password.map(SecretBytes::expose)
    }
}

impl Views {
    /// A maker of views. `seal` opens the directory role's secrets; without it, a snapshot that has some is refused.
    #[must_use]
    pub fn new(
        settings: Settings,
        seal: Option<SealKeys>,
        tasks: Tasks,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Self {
        let last = Arc::default();
        pools::tell(metrics, &last);
        Self {
            settings,
            seal,
            tasks,
            clock,
            numbers: Numbers::new(metrics),
            last,
        }
    }

    /// The view of a snapshot's parts.
    ///
    /// # Errors
    /// In words, what makes the snapshot unusable; it is refused as a whole.
    pub fn decode(&self, parts: &BTreeMap<String, Bytes>) -> Result<View, String> {
        let configuration = parts
            .get(part::CONFIGURATION)
            .ok_or("the snapshot has no configuration")?;
        let configuration: Configuration = serde_json::from_slice(configuration)
            .map_err(|error| format!("the configuration cannot be read: {error}"))?;
        let secrets = self.secrets(parts)?;

        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = BTreeMap::new();
        for (name, connection) in configuration.connections {
            let source = connection.directory;
            let bind_password = secrets.bind_passwords.get(&name);
            let prepared = match last.get(&name) {
                Some(same) if same.is_of(&source, bind_password) => same.clone(),
                _ => Prepared {
                    backend: self
                        .prepare(&source, bind_password)
                        .map_err(|error| format!("connection {name}: {error}"))?,
                    bind_password: bind_password.cloned(),
                    source,
                },
            };
            next.insert(name, prepared);
        }
        let view = next
            .iter()
            .map(|(name, prepared)| (name.clone(), Arc::clone(&prepared.backend)))
            .collect();
        *last = next;
        Ok(view)
    }

    fn secrets(&self, parts: &BTreeMap<String, Bytes>) -> Result<DirectorySecrets, String> {
        let Some(sealed) = parts.get(part::DIRECTORY_SECRETS) else {
            return Ok(DirectorySecrets::default());
        };
        let seal = self
            .seal
            .as_ref()
            .ok_or("the snapshot has secrets for this role, but no key is set to open them")?;
        let opened = seal
            .open(Purpose::Secrets, part::DIRECTORY_SECRETS, sealed)
            .map_err(|_| "the secrets for this role cannot be opened with this role's key")?;
        // The error could quote what it stumbled over.
        serde_json::from_slice(&opened)
            .map_err(|_| "the secrets for this role are not readable".to_owned())
    }

    fn prepare(
        &self,
        source: &DirectorySource,
        bind_password: Option<&SecretBytes>,
    ) -> Result<Arc<dyn Backend>, String> {
        match source {
            DirectorySource::File => {
                let path = self.settings.file.clone().ok_or(
                    "its people are in a directory file, but `directory.file` is not set here",
                )?;
                let clock = Arc::clone(&self.clock);
                Ok(Arc::new(FileDirectory::new(
                    path,
                    clock,
                    self.numbers.clone(),
                )))
            }
            DirectorySource::ActiveDirectory(source) => {
                let directory = ActiveDirectory::new(
                    source,
                    bind_password.map_or(&[][..], SecretBytes::expose),
                    &self.settings,
                    self.tasks.clone(),
                    Arc::clone(&self.clock),
                    self.numbers.clone(),
                )
                .map_err(|error| match error.source() {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                })?;
                Ok(Arc::new(directory))
            }
        }
    }
}

impl Decoder<View> for Views {
    fn decode(&self, _: &Manifest, blobs: &BTreeMap<String, Bytes>) -> Result<View, String> {
        Self::decode(self, blobs)
    }

    fn wants(&self, blob: &str) -> bool {
        [part::CONFIGURATION, part::DIRECTORY_SECRETS].contains(&blob)
    }
}
