//! `demo.json`: where everything of a running demonstration is, for scripts.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use runtime::private_files::{self, PRIVATE};
use runtime::random::SystemRandomness;
use serde::Serialize;
use url::Url;

use super::application::{Registration, request};
use super::folder::Folder;
use super::walk::Request;
use super::{issuer, material};
use crate::cli::DemoArguments;
use crate::pki::people as certificates;

const FILE: &str = "demo.json";

/// A running demonstration, as scripts see it.
pub(crate) struct Description {
    /// A complete sign-in of jon's.
    pub request: Request,
    content: Content,
}

#[derive(Serialize)]
struct Content {
    issuer: String,
    authorize_url: Url,
    token_url: Url,
    code_verifier: String,
    client_id: String,
    redirect_uri: Url,
    connection: String,
    user_cert: PathBuf,
    user_key: PathBuf,
    server_root: PathBuf,
    admin_url: String,
    admin_token_file: PathBuf,
    p12_password: String,
    pid: u32,
}

impl Description {
    /// Describes the demonstration in `folder`.
    ///
    /// # Errors
    /// When a file of it is missing, or the system has no randomness.
    pub(crate) fn new(folder: &Folder, arguments: &DemoArguments) -> Result<Self> {
        let issuer = issuer(arguments.port)?;
        let home = Url::parse(&format!("https://app.localhost:{}/", arguments.port))?;
        let redirect_uri = home.join("/script")?;
        let registration = Registration {
            issuer: issuer.clone(),
            home,
            client_id: material::SCRIPT.to_owned(),
            client_secret: String::new(),
        };
        let random = SystemRandomness::new();
        let request = request(
            &registration,
            redirect_uri,
            Some(material::FABRIKAM),
            "demo",
            &random,
        )?;
        let absolute = fs::canonicalize(folder.path())?;
        let content = Content {
            // Without the slash that a URL type adds: applications compare issuers as text.
            issuer: issuer.as_str().trim_end_matches('/').to_owned(),
            authorize_url: request.authorize_url.clone(),
            token_url: issuer.join("/token")?,
            code_verifier: request.code_verifier.clone(),
            client_id: request.client_id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            connection: material::FABRIKAM.to_owned(),
            user_cert: absolute.join("pki/jon.pem"),
            user_key: absolute.join("pki/jon.key"),
            server_root: absolute.join("pki/server-root.pem"),
            admin_url: format!("https://localhost:{}", arguments.admin_port),
            admin_token_file: absolute.join("control/admin-token"),
            p12_password: certificates::password(&folder.file("pki"))?,
            pid: std::process::id(),
        };
        Ok(Self { request, content })
    }

    /// Writes the file, now that listeners answer.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn write(&self, folder: &Folder) -> Result<()> {
        let content = serde_json::to_vec_pretty(&self.content)?;
        private_files::write_atomically(&folder.file(FILE), &content, PRIVATE)?;
        Ok(())
    }

    /// Removes the file: at the start, so that no old one misleads, and at the end of a demonstration that stayed up.
    pub(crate) fn remove(folder: &Folder) {
        // It may not be there; then there is nothing to remove.
        let _ = fs::remove_file(folder.file(FILE));
    }
}
