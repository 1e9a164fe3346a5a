//! The applications of an initial configuration.
//!
//! **Invariant:** only the digest of a client secret is kept; because it is unsalted, a secret too short to be a random
//! one is refused.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::application::{Application, ClientId, Origin};
use domain::configuration::Configuration;
use domain::connection::ConnectionName;
use domain::digest::Digest;
use runtime::private_files::{self, PRIVATE};
use runtime::random::{self, Randomness};
use zeroize::Zeroizing;

use super::{InitialApplication, InitialError, Mistake, Work};

/// Fewest characters of a client secret.
const SHORTEST_SECRET: usize = 32;

impl Work<'_> {
    pub(super) fn application(
        &mut self,
        at: &str,
        given: &InitialApplication,
        configuration: &mut Configuration,
        randomness: &dyn Randomness,
    ) -> Result<(), InitialError> {
        let client_id = match given.client_id.parse::<ClientId>() {
            Ok(client_id) => Some(client_id),
            Err(error) => {
                self.mistake(format!("{at}.client_id"), error, "choose another one");
                None
            }
        };
        let secret = match &given.secret_file {
            Some(path) => self.client_secret(at, path, given.generate_secret, randomness)?,
            None if given.generate_secret => {
                let problem = "the generated secret has no file to go to";
                self.mistake(
                    format!("{at}.secret_file"),
                    problem,
                    "name one; it is made with mode 0600",
                );
                None
            }
            None => None,
        };
        let mut connections = BTreeSet::new();
        for (index, name) in given.connections.iter().enumerate() {
            match name.parse::<ConnectionName>() {
                Ok(name) => {
                    connections.insert(name);
                }
                Err(error) => self.mistake(format!("{at}.connections[{index}]"), error, ""),
            }
        }
        let mut origins = BTreeSet::new();
        for (index, origin) in given.origins.iter().enumerate() {
            match origin.parse::<Origin>() {
                Ok(origin) => {
                    origins.insert(origin);
                }
                Err(error) => self.mistake(format!("{at}.origins[{index}]"), error, ""),
            }
        }
        let Some(client_id) = client_id else {
            return Ok(());
        };
        let application = Application {
            name: given.name.clone().unwrap_or_else(|| client_id.to_string()),
            client_id: client_id.clone(),
            secret,
            redirect_uris: given.redirect_uris.iter().cloned().collect(),
            post_logout_redirect_uris: given.post_logout_redirect_uris.iter().cloned().collect(),
            origins,
            connections,
            id_token_algorithm: given.id_token_algorithm,
        };
        if configuration
            .applications
            .insert(client_id, application)
            .is_some()
        {
            self.mistake(
                format!("{at}.client_id"),
                "another application has this id",
                "choose another one",
            );
        }
        Ok(())
    }

    fn client_secret(
        &mut self,
        at: &str,
        path: &Path,
        generate: bool,
        randomness: &dyn Randomness,
    ) -> Result<Option<Digest>, InitialError> {
        let at = format!("{at}.secret_file");
        let full = self.path(path);
        if generate && !full.exists() {
            let drawn = random::bytes::<32>(randomness)
                .map(Zeroizing::new)
                .map_err(|error| InitialError::Unavailable(error.to_string()))?;
            let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(drawn.as_slice()));
            return match private_files::write_atomically(&full, secret.as_bytes(), PRIVATE) {
                Ok(()) => {
                    self.words
                        .push(format!("a client secret was made: {}", full.display()));
                    Ok(Some(Digest::of(secret.as_bytes())))
                }
                Err(error) => {
                    self.mistakes.push(Mistake::of_file(&at, &error));
                    Ok(None)
                }
            };
        }
        let Some(content) = self.secret(&at, path) else {
            return Ok(None);
        };
        let secret = content.trim_ascii();
        if secret.len() < SHORTEST_SECRET || !secret.iter().all(u8::is_ascii_graphic) {
            self.mistake(
                at,
                format!("a client secret has at least {SHORTEST_SECRET} visible ASCII characters"),
                "let one be made: remove the file and set `generate_secret = true`",
            );
            return Ok(None);
        }
        Ok(Some(Digest::of(secret)))
    }
}
