//! What programs outside are told about a running system: `rig.json`.
//!
//! **Invariant:** the file appears whole or not at all, readable by its owner alone, and only while the
//! system answers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use url::Url;

use super::{Role, System, material};
use crate::pki::write_secret;

/// The public client that scripts use.
pub(super) const CLIENT_ID: &str = "test-script";

/// The confidential client of a server.
pub(super) const SERVER_CLIENT_ID: &str = "rig-server";
/// The file with its secret.
pub(super) const SERVER_SECRET: &str = "settings/server-secret";

/// The public client of scripts in pages.
pub(super) const PAGE_CLIENT_ID: &str = "rig-page";

/// The content of `rig.json`: everything of the demonstration's `demo.json`, and the processes.
#[derive(Debug, Clone, Serialize)]
pub struct Rig {
    /// `https://login.localhost:PORT`.
    pub issuer: String,
    /// The host that asks for certificates, at the same port.
    pub certificate_host: String,
    /// A whole authorize request of jon's application; good any number of times.
    pub authorize_url: String,
    /// Where its code is redeemed.
    pub token_url: String,
    /// What belongs to its challenge.
    pub code_verifier: String,
    /// The public client.
    pub client_id: String,
    /// Where its codes go.
    pub redirect_uri: String,
    /// The connection it asks for.
    pub connection: String,
    /// jon's certificate.
    pub user_cert: PathBuf,
    /// jon's private key.
    pub user_key: PathBuf,
    /// The authority of the servers.
    pub server_root: PathBuf,
    /// The admin API.
    pub admin_url: String,
    /// The file with its token.
    pub admin_token_file: PathBuf,
    /// The password of the PKCS #12 files beside jon's certificate.
    pub p12_password: String,
    /// The process that holds the rig.
    pub pid: u32,
    /// The processes of each role.
    pub pids: BTreeMap<&'static str, Vec<u32>>,
    /// Where each role listens: gateways for browsers, the others for their peers.
    pub addresses: BTreeMap<&'static str, Vec<String>>,
    /// Where each process tells how it is, by role.
    pub operations: BTreeMap<&'static str, Vec<String>>,
    /// The bus.
    pub nats: BusPlace,
    /// What the command line needs.
    pub env: BTreeMap<String, String>,
    /// The application whose pages a test serves itself.
    pub page: PagePlace,
    /// The application that is a server, which a test starts itself.
    pub server: ServerPlace,
}

/// The application that is a server, in `rig.json`.
#[derive(Debug, Clone, Serialize)]
pub struct ServerPlace {
    /// The confidential client.
    pub client_id: String,
    /// The file with its secret.
    pub secret_file: PathBuf,
    /// Where it is; its redirect URI is `/callback` there.
    pub origin: String,
}

/// The application for scripts in pages, in `rig.json`.
#[derive(Debug, Clone, Serialize)]
pub struct PagePlace {
    /// The public client.
    pub client_id: String,
    /// The origin it is registered with; its redirect URIs are `/` and `/callback.html` there.
    pub origin: String,
    /// A server certificate for that host and those below it.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The bus in `rig.json`.
#[derive(Debug, Clone, Serialize)]
pub struct BusPlace {
    /// Its process.
    pub pid: u32,
    /// Its address.
    pub url: String,
}

impl Rig {
    pub(super) fn of(system: &System) -> anyhow::Result<Self> {
        let connection = "FabrikamAD";
        let request = system.authorize(connection)?;
        let file = |path: &str| system.folder.join(path);
        let mut pids = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        for role in Role::ALL {
            let processes = system
                .processes
                .get(&role)
                .map(Vec::as_slice)
                .unwrap_or_default();
            pids.insert(
                role.name(),
                processes
                    .iter()
                    .map(crate::processes::Process::id)
                    .collect(),
            );
            let places = system
                .addresses
                .get(&role)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let shown = places
                .iter()
                .enumerate()
                .map(|(index, address)| match role {
                    Role::Gateway => system.gateway(index).to_string(),
                    _ => address.to_string(),
                });
            addresses.insert(role.name(), shown.collect());
        }
        let shown = |addresses: &Vec<std::net::SocketAddr>| {
            addresses.iter().map(ToString::to_string).collect()
        };
        let operations = system
            .operations
            .iter()
            .map(|(role, addresses)| (role.name(), shown(addresses)))
            .collect();
        Ok(Self {
            issuer: system.issuer(),
            certificate_host: system.certificate_host().to_owned(),
            authorize_url: request.url.into(),
            token_url: format!("{}/token", system.issuer()),
            code_verifier: request.code_verifier,
            client_id: CLIENT_ID.to_owned(),
            redirect_uri: system.redirect_uri(),
            connection: connection.to_owned(),
            user_cert: file("pki/jon.pem"),
            user_key: file("pki/jon.key"),
            server_root: file("pki/server-root.pem"),
            admin_url: system.admin_url(),
            admin_token_file: file("control/admin-token"),
            p12_password: system.material.p12_password.clone(),
            pid: std::process::id(),
            pids,
            addresses,
            operations,
            nats: BusPlace {
                pid: system.nats.id(),
                url: system.nats.url(),
            },
            env: system.environment(),
            page: PagePlace {
                client_id: PAGE_CLIENT_ID.to_owned(),
                origin: system.page_origin(),
                cert: file("pki/page.pem"),
                key: file("pki/page.key"),
            },
            server: ServerPlace {
                client_id: SERVER_CLIENT_ID.to_owned(),
                secret_file: file(SERVER_SECRET),
                origin: system.server_origin(),
            },
        })
    }

    /// Writes `rig.json` into `folder`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let beside = folder.join("rig.json.new");
        write_secret(&beside, &serde_json::to_vec_pretty(self)?)?;
        let file = folder.join("rig.json");
        fs::rename(&beside, &file).with_context(|| format!("failed to write {}", file.display()))
    }
}

/// One authorize request (RFC 6749 4.1.1, RFC 7636) and what its sender keeps.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest {
    /// The whole address.
    pub url: Url,
    /// What belongs to its challenge.
    pub code_verifier: String,
    /// What has to come back with the code.
    pub state: String,
    /// What has to stand in the ID token.
    pub nonce: String,
}

impl AuthorizeRequest {
    pub(super) fn new(issuer: &str, redirect_uri: &str, connection: &str) -> anyhow::Result<Self> {
        let code_verifier = URL_SAFE_NO_PAD.encode(material::random::<32>()?);
        let challenge = digest::digest(&digest::SHA256, code_verifier.as_bytes());
        let (state, nonce) = (material::random_text()?, material::random_text()?);
        let mut url = Url::parse(issuer)?.join("/authorize")?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", CLIENT_ID)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "openid profile email groups")
            .append_pair("connection", connection)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256");
        Ok(Self {
            url,
            code_verifier,
            state,
            nonce,
        })
    }

    /// The form fields that redeem `code`.
    #[must_use]
    pub fn redemption<'a>(
        &'a self,
        code: &'a str,
        redirect_uri: &'a str,
    ) -> [(&'a str, &'a str); 5] {
        [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", &self.code_verifier),
        ]
    }
}
