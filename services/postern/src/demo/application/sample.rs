//! The sample page: a static page and a few lines of script that sign people in, by a popup and by a redirect.
//!
//! Nothing about a sign-in passes through the server that hands it out: the page's script talks to Postern itself.
//!
//! **Invariant:** the snippet that a page shows is the text of the script that it runs, both made by [`snippet`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use url::Url;

use super::{file, page};
use crate::demo::folder::Folder;
use crate::demo::material::{CONTOSO, FABRIKAM};
use crate::demo::people;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// What a developer writes, for the connection [`FABRIKAM`].
const SNIPPET: &str = include_str!("../../../templates/snippet.js");

/// What the sample page tells.
pub(crate) struct Sample {
    /// The issuer.
    pub issuer: Url,
    /// Where what a person needs is.
    pub files: Files,
}

/// The files of a demonstration that a person at a browser needs.
pub(crate) struct Files {
    server_root: PathBuf,
    keystore: PathBuf,
    keystore_password: PathBuf,
    passwords: PathBuf,
}

impl Files {
    /// The files in `folder`, as whole paths.
    ///
    /// # Errors
    /// When the folder is gone.
    pub(crate) fn of(folder: &Folder) -> std::io::Result<Self> {
        let folder = std::fs::canonicalize(folder.path())?;
        Ok(Self {
            server_root: folder.join("pki/server-root.pem"),
            keystore: folder.join("pki/jon.p12"),
            keystore_password: folder.join("pki/p12-password"),
            passwords: folder.join(people::PASSWORDS),
        })
    }

    /// The files of a demonstration in containers, copied out to `folder`.
    pub(crate) fn copied_to(folder: &Path) -> Self {
        Self {
            server_root: folder.join("server-root.pem"),
            keystore: folder.join("jon.p12"),
            keystore_password: folder.join("p12-password"),
            passwords: folder.join("*.password"),
        }
    }
}

/// A connection that can be tried, with a page and a script of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// The connection.
    pub(super) connection: &'static str,
    /// The page's path.
    pub(super) page: &'static str,
    /// The script's path.
    pub(super) script: &'static str,
    /// What a person finds there.
    words: &'static str,
}

/// All of them; the first is what the application's address shows.
pub(super) const WAYS: [Way; 2] = [
    Way {
        connection: FABRIKAM,
        page: "/",
        script: "/snippet.js",
        words: "with your certificate, because you come from this machine; or with your password",
    },
    Way {
        connection: CONTOSO,
        page: CONTOSO_PAGE,
        script: "/contoso.js",
        words: "with your password",
    },
];
/// Where the page for [`CONTOSO`] is.
pub(crate) const CONTOSO_PAGE: &str = "/contoso";

#[derive(Template)]
#[template(path = "sample.html")]
struct SamplePage<'a> {
    ways: &'a [Way],
    chosen: Way,
    snippet: &'a str,
    sdk: &'a str,
    discovery: &'a str,
    server_root: &'a str,
    keystore: &'a str,
    keystore_password: &'a str,
    passwords: &'a str,
}

pub(super) fn router(sample: Sample) -> Router {
    let router = WAYS.into_iter().fold(Router::new(), |router, way| {
        let page = move |State(sample): State<Arc<Sample>>| async move { sample.page(way) };
        let script = move || async move { file(SCRIPT, snippet(way)) };
        router
            .route(way.page, get(page))
            .route(way.script, get(script))
    });
    router
        .route("/sample.js", get(script))
        .with_state(Arc::new(sample))
}

async fn script() -> Response {
    file(SCRIPT, include_str!("../../../templates/sample.js"))
}

/// The lines that sign people in one way.
pub(super) fn snippet(way: Way) -> String {
    SNIPPET.replace(FABRIKAM, way.connection)
}

impl Sample {
    /// One way's page.
    pub(super) fn page(&self, way: Way) -> Response {
        let issuer = self.issuer.as_str().trim_end_matches('/');
        let sdk = format!("{issuer}/sdk/v1.js");
        let more = format!("; script-src 'self' {sdk}; connect-src {issuer}");
        page(
            &SamplePage {
                ways: &WAYS,
                chosen: way,
                snippet: &snippet(way),
                sdk: &sdk,
                discovery: &format!("{issuer}/.well-known/openid-configuration"),
                server_root: &self.files.server_root.display().to_string(),
                keystore: &self.files.keystore.display().to_string(),
                keystore_password: &self.files.keystore_password.display().to_string(),
                passwords: &self.files.passwords.display().to_string(),
            },
            &more,
        )
    }
}
