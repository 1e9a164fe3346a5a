//! The connections of an initial configuration.
//!
//! **Invariant:** a bind password goes from its file into the sealed part and nowhere else.

use domain::authority::Authority;
use domain::configuration::{Configuration, DirectorySecrets, SecretBytes};
use domain::connection::{
    ActiveDirectory, Connection, ConnectionName, DirectorySource, DirectoryTrust, Methods,
};
use domain::ranges::{Range, Ranges};

use super::{InitialConnection, InitialDirectory, InitialError, Pem, Work};
use crate::change::GivenRange;

impl Work<'_> {
    pub(super) async fn connection(
        &mut self,
        at: &str,
        given: &InitialConnection,
        configuration: &mut Configuration,
        secrets: &mut DirectorySecrets,
    ) -> Result<(), InitialError> {
        let name = match given.name.parse::<ConnectionName>() {
            Ok(name) => Some(name),
            Err(error) => {
                self.mistake(format!("{at}.name"), error, "choose another name");
                None
            }
        };
        let methods = self.methods(at, &given.methods);
        let ranges = self.ranges(at, &given.ranges);
        let authorities = self.authorities(at, &given.authorities).await?;
        let directory = self
            .directory(at, &given.directory, name.as_ref(), secrets)
            .await?;
        let (Some(name), Some(directory)) = (name, directory) else {
            return Ok(());
        };
        let connection = Connection {
            name: name.clone(),
            display_name: given
                .display_name
                .clone()
                .unwrap_or_else(|| name.to_string()),
            methods,
            ranges,
            authorities,
            directory,
        };
        if configuration.connections.insert(name, connection).is_some() {
            self.mistake(
                format!("{at}.name"),
                "another connection has this name",
                "choose another name",
            );
        }
        Ok(())
    }

    fn methods(&mut self, at: &str, given: &[String]) -> Methods {
        let mut methods = Methods {
            certificate: false,
            password: false,
        };
        for (index, method) in given.iter().enumerate() {
            match method.as_str() {
                "certificate" => methods.certificate = true,
                "password" => methods.password = true,
                other => {
                    let problem = format!("there is no method `{other}`");
                    self.mistake(
                        format!("{at}.methods[{index}]"),
                        problem,
                        "write `certificate` or `password`",
                    );
                }
            }
        }
        if given.is_empty() {
            self.mistake(
                format!("{at}.methods"),
                "nobody could sign in without any method",
                "write [\"certificate\", \"password\"], or one of them",
            );
        }
        methods
    }

    fn ranges(&mut self, at: &str, given: &[String]) -> Ranges {
        let mut ranges: Vec<Range> = Vec::new();
        for (index, text) in given.iter().enumerate() {
            match text.parse::<GivenRange>() {
                Ok(given) => {
                    self.words.extend(given.reading());
                    ranges.push(given.range);
                }
                Err(error) => self.mistake(format!("{at}.ranges[{index}]"), error, ""),
            }
        }
        ranges.into()
    }

    async fn authorities(
        &mut self,
        at: &str,
        given: &[Pem],
    ) -> Result<Vec<Authority>, InitialError> {
        let mut authorities: Vec<Authority> = Vec::new();
        for (index, pem) in given.iter().enumerate() {
            let at = format!("{at}.authorities[{index}]");
            for inspected in self.certificates(&at, pem).await?.unwrap_or_default() {
                match inspected.authority() {
                    Ok(authority) => authorities.push(authority),
                    Err(refusal) => self.mistake(&at, refusal.detail, &refusal.what_to_do),
                }
            }
        }
        Ok(authorities)
    }

    async fn directory(
        &mut self,
        at: &str,
        given: &InitialDirectory,
        name: Option<&ConnectionName>,
        secrets: &mut DirectorySecrets,
    ) -> Result<Option<DirectorySource>, InitialError> {
        let InitialDirectory::ActiveDirectory {
            servers,
            base,
            bind_account,
            bind_password_file,
            trust_authorities,
            trust_keys,
        } = given
        else {
            return Ok(Some(DirectorySource::File));
        };
        let at = format!("{at}.directory");
        let password_at = format!("{at}.bind_password_file");
        if let Some(content) = self.secret(&password_at, bind_password_file) {
            let line = content.strip_suffix(b"\n").unwrap_or(&content);
            let password = line.strip_suffix(b"\r").unwrap_or(line);
            if password.is_empty() || std::str::from_utf8(password).is_err() {
                self.mistake(
                    password_at,
                    "the file holds no password",
                    "write the bind account's password into it, as UTF-8",
                );
            } else if let Some(name) = name {
                secrets
                    .bind_passwords
                    .insert(name.clone(), SecretBytes::new(password.to_vec()));
            }
        }
        let Some(trust) = self.trust(&at, trust_authorities, trust_keys).await? else {
            return Ok(None);
        };
        Ok(Some(DirectorySource::ActiveDirectory(ActiveDirectory {
            servers: servers.clone(),
            base: base.clone(),
            bind_account: bind_account.clone(),
            trust,
        })))
    }

    /// What the domain controllers are trusted by; `None` after a mistake.
    async fn trust(
        &mut self,
        at: &str,
        authorities: &[Pem],
        keys: &[String],
    ) -> Result<Option<DirectoryTrust>, InitialError> {
        if authorities.is_empty() == keys.is_empty() {
            self.mistake(
                format!("{at}.trust_authorities"),
                "exactly one of `trust_authorities` and `trust_keys` says which domain controllers are trusted",
                "name the PEM file of the authority that signs their certificates, or the SHA-256 of their keys",
            );
            return Ok(None);
        }
        let before = self.mistakes.len();
        let mut pem = String::new();
        for (index, source) in authorities.iter().enumerate() {
            let at = format!("{at}.trust_authorities[{index}]");
            // Inspected to be sure that they are certificates; what they may be used for is the directory's judgement.
            if self.certificates(&at, source).await?.is_none() {
                continue;
            }
            match self
                .text(&at, source)
                .map(|text| String::from_utf8(text.into()))
            {
                Some(Ok(text)) if text.contains("-----BEGIN CERTIFICATE-----") => {
                    pem.push_str(text.trim_end());
                    pem.push('\n');
                }
                Some(_) => self.mistake(
                    at,
                    "it is not PEM",
                    "convert it: openssl x509 -inform der -in FILE",
                ),
                None => {}
            }
        }
        let mut pinned = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            match key.parse() {
                Ok(key) => pinned.push(key),
                Err(error) => self.mistake(format!("{at}.trust_keys[{index}]"), error, ""),
            }
        }
        if self.mistakes.len() > before {
            return Ok(None);
        }
        Ok(Some(if pinned.is_empty() {
            DirectoryTrust::Authorities { pem }
        } else {
            DirectoryTrust::PinnedKeys { keys: pinned }
        }))
    }
}
