//! The configuration an installation begins with: what an operator writes once, before there is anything to change.
//!
//! It is read only while no configuration exists. From revision 1 on the store is the truth and this file is history.
//!
//! **Invariant:** a mistake in it names the file, the key, what is wrong and what to do, and all mistakes are told at
//! once; nothing is stored until there is none.

mod applications;
mod connections;
mod keys;
mod mistakes;
mod server_certificates;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use domain::application::SigningAlgorithm;
use domain::configuration::{Configuration, DirectorySecrets, GatewaySecrets};
use domain::timestamp::Timestamp;
use runtime::private_files;
use runtime::random::Randomness;
use serde::Deserialize;

use crate::change::validity;
use crate::inspector::{CertificatesOnly, InspectedCertificate, Inspection, Inspector};

pub use mistakes::{InitialError, Mistake, Mistakes};

/// What an installation begins with. Its TOML form is the file that `control.initial_configuration` names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InitialConfiguration {
    /// The connections.
    pub connections: Vec<InitialConnection>,
    /// The applications.
    pub applications: Vec<InitialApplication>,
    /// The front door's server certificates.
    pub server_certificates: Vec<InitialServerCertificate>,
}

/// One connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitialConnection {
    /// What applications call it.
    pub name: String,
    /// What people are shown; the name when left out.
    #[serde(default)]
    pub display_name: Option<String>,
    /// `certificate`, `password` or both.
    pub methods: Vec<String>,
    /// Where certificates are asked for, in CIDR notation.
    #[serde(default)]
    pub ranges: Vec<String>,
    /// The authorities whose certificates are accepted.
    #[serde(default)]
    pub authorities: Vec<Pem>,
    /// Where its people are looked up.
    pub directory: InitialDirectory,
}

/// The directory of a connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum InitialDirectory {
    /// The file named in the directory service's settings.
    File,
    /// Active Directory.
    ActiveDirectory {
        /// Domain controllers in order of preference: `ldaps://host[:port]` or `ldap://host[:port]` (always StartTLS).
        servers: Vec<String>,
        /// The search base.
        base: String,
        /// The account that searches.
        bind_account: String,
        /// The file with its password (mode 0600).
        bind_password_file: PathBuf,
        /// The authorities of the controllers' certificates; or else:
        #[serde(default)]
        trust_authorities: Vec<Pem>,
        /// The SHA-256 of the controllers' keys (SubjectPublicKeyInfo).
        #[serde(default)]
        trust_keys: Vec<String>,
    },
}

/// One application.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitialApplication {
    /// Its `client_id`.
    pub client_id: String,
    /// What people are shown; the `client_id` when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The file with its client secret (mode 0600); left out for a public client.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// Whether the secret is generated into `secret_file` where that file does not exist yet.
    #[serde(default)]
    pub generate_secret: bool,
    /// Redirect URIs, compared byte by byte. May be left out where there are `origins`.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where people may be sent after signing out.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Origins whose pages may sign people in with a popup: `https://app.example.com`.
    #[serde(default)]
    pub origins: Vec<String>,
    /// The connections people may use for it.
    pub connections: Vec<String>,
    /// `ES256` (the default) or `RS256`.
    #[serde(default)]
    pub id_token_algorithm: SigningAlgorithm,
}

/// One server certificate with its key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitialServerCertificate {
    /// The chain, leaf first.
    pub chain: Pem,
    /// The private key's file (PKCS#8, SEC1 or PKCS#1 as PEM; mode 0600).
    pub key_file: PathBuf,
}

/// PEM text, or the path of a file that holds some: what begins with `-----BEGIN` is text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Pem(pub String);

impl From<&Path> for Pem {
    fn from(path: &Path) -> Self {
        Self(path.display().to_string())
    }
}

/// An initial configuration and where it came from.
#[derive(Debug, Clone)]
pub struct Initial {
    /// Its content.
    pub configuration: InitialConfiguration,
    /// What mistakes call it: the file's path.
    pub origin: String,
    /// The folder that relative paths in it begin at.
    pub folder: PathBuf,
}

/// What revision 1 consists of.
#[derive(Debug)]
pub struct FirstRevision {
    /// The public part.
    pub configuration: Configuration,
    /// The gateways' secrets.
    pub gateway: GatewaySecrets,
    /// The directory service's secrets.
    pub directory: DirectorySecrets,
    /// What an operator should know, in words.
    pub words: Vec<String>,
}

/// Most bytes of an initial configuration's file, and of each file it names.
const LARGEST_FILE: usize = 1 << 20;

impl Initial {
    /// Reads an initial configuration's file.
    ///
    /// # Errors
    /// [`Mistakes`] when it cannot be read or is not what it should be.
    pub fn read(path: &Path) -> Result<Self, Mistakes> {
        let origin = path.display().to_string();
        let text = private_files::read_public(path, LARGEST_FILE)
            .map_err(|error| Mistakes::one(&origin, Mistake::of_file("", &error)))?;
        let configuration = toml::from_slice(&text)
            .map_err(|error| Mistakes::one(&origin, Mistake::of_syntax(&error)))?;
        Ok(Self {
            configuration,
            origin,
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        })
    }

    /// A configuration made in this process.
    #[must_use]
    pub fn given(configuration: InitialConfiguration) -> Self {
        Self {
            configuration,
            origin: "the initial configuration".to_owned(),
            folder: PathBuf::new(),
        }
    }

    /// Reads every file it names, asks what its certificates are, generates what keys are missing, and checks the whole.
    ///
    /// # Errors
    /// [`InitialError::Mistakes`] with all of them; [`InitialError::Unavailable`] when the inspector or the randomness
    /// is: try again.
    pub async fn prepare(
        &self,
        inspector: &dyn Inspector,
        randomness: &dyn Randomness,
        now: Timestamp,
    ) -> Result<FirstRevision, InitialError> {
        let mut work = Work {
            folder: &self.folder,
            inspector,
            now,
            mistakes: Vec::new(),
            words: Vec::new(),
        };
        let mut configuration = Configuration::default();
        let mut directory = DirectorySecrets::default();
        for (index, each) in self.configuration.connections.iter().enumerate() {
            let at = format!("connections[{index}]");
            work.connection(&at, each, &mut configuration, &mut directory)
                .await?;
        }
        for (index, each) in self.configuration.applications.iter().enumerate() {
            let at = format!("applications[{index}]");
            work.application(&at, each, &mut configuration, randomness)?;
        }
        let mut gateway = GatewaySecrets::default();
        for (index, each) in self.configuration.server_certificates.iter().enumerate() {
            let at = format!("server_certificates[{index}]");
            work.server_certificate(&at, each, &mut configuration, &mut gateway)
                .await?;
        }
        // What is wrong in one place would only be repeated by the view of the whole.
        if work.mistakes.is_empty() {
            let whole = validity::problems(&configuration).into_iter();
            work.mistakes
                .extend(whole.map(|problem| Mistake::new("", problem, "")));
        }
        let (mistakes, words) = (work.mistakes, work.words);
        if !mistakes.is_empty() {
            let origin = self.origin.clone();
            return Err(InitialError::Mistakes(Mistakes { origin, mistakes }));
        }
        keys::generate(&mut gateway, randomness).await?;
        Ok(FirstRevision {
            configuration,
            gateway,
            directory,
            words,
        })
    }
}

/// The reading of one initial configuration: mistakes are collected, so that all are told at once.
struct Work<'a> {
    folder: &'a Path,
    inspector: &'a dyn Inspector,
    now: Timestamp,
    mistakes: Vec<Mistake>,
    words: Vec<String>,
}

impl Work<'_> {
    fn mistake(&mut self, at: impl Into<String>, problem: impl Display, what_to_do: &str) {
        self.mistakes
            .push(Mistake::new(at, problem.to_string(), what_to_do));
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The certificates in a [`Pem`]; `None` after a mistake.
    async fn certificates(
        &mut self,
        at: &str,
        source: &Pem,
    ) -> Result<Option<Vec<InspectedCertificate>>, InitialError> {
        let Some(text) = self.text(at, source) else {
            return Ok(None);
        };
        let certificates = match CertificatesOnly::new(text) {
            Ok(certificates) => certificates,
            Err(refusal) => {
                self.mistake(at, refusal.detail, &refusal.what_to_do);
                return Ok(None);
            }
        };
        match self.inspector.inspect(&certificates).await {
            Ok(inspected) if inspected.is_empty() => {
                self.mistake(at, "it holds no certificate", "name another file");
                Ok(None)
            }
            Ok(inspected) => Ok(Some(inspected)),
            Err(Inspection::Refused(why)) => {
                self.mistake(at, why, "");
                Ok(None)
            }
            Err(Inspection::Unavailable(why)) => Err(InitialError::Unavailable(why)),
        }
    }

    /// The text of a [`Pem`]; `None` after a mistake.
    fn text(&mut self, at: &str, source: &Pem) -> Option<Bytes> {
        let Pem(text) = source;
        if text.trim_start().starts_with("-----BEGIN") {
            return Some(Bytes::from(text.clone()));
        }
        let path = self.path(Path::new(text));
        private_files::read_public(&path, LARGEST_FILE)
            .map(Bytes::from)
            .map_err(|error| self.mistakes.push(Mistake::of_file(at, &error)))
            .ok()
    }

    /// The content of a file with a secret; `None` after a mistake.
    fn secret(&mut self, at: &str, path: &Path) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        private_files::read(&self.path(path), LARGEST_FILE)
            .map_err(|error| self.mistakes.push(Mistake::of_file(at, &error)))
            .ok()
    }
}
