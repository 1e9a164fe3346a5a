//! Everything the demonstration makes on its first run: certificates, keys, people, client secrets.
//!
//! Each piece is made where it is missing, so a run that was cut off is completed by the next one.

use std::time::SystemTime;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use control::initial::{
    InitialApplication, InitialConfiguration, InitialConnection, InitialDirectory,
    InitialServerCertificate, Pem,
};
use domain::application::{Origin, SigningAlgorithm};
use runtime::private_files::{self, PRIVATE, PUBLIC};
use runtime::random::{SystemRandomness, bytes};

use super::application::sample::CONTOSO_PAGE;
use super::folder::Folder;
use super::people;
use crate::pki::people as certificates;
use crate::pki::{Authority, Kind, keys, mesh};

/// The demonstration application's `client_id`.
pub(crate) const APPLICATION: &str = "demo-application";
/// The `client_id` of the public client for scripts.
pub(crate) const SCRIPT: &str = "demo-script";
/// The `client_id` of the sample page, a public client that runs in browsers.
pub(crate) const PAGE: &str = "demo-page";
/// The `client_id` of a developer's own application.
pub(crate) const OWN: &str = "my-application";
/// The connection with certificates.
pub(crate) const FABRIKAM: &str = "FabrikamAD";
/// The connection with the form only.
pub(crate) const CONTOSO: &str = "ContosoAD";

const SECRET: &str = "application-secret";
const LIMIT: usize = 64 << 10;

/// The server certificates: file name and host names.
const SERVERS: [(&str, &[&str]); 4] = [
    ("login", &["login.localhost"]),
    ("cert", &["cert.localhost", "*.cert.localhost"]),
    ("app", &["app.localhost"]),
    ("admin", &["localhost", "127.0.0.1", "::1"]),
];

/// Makes what is missing.
///
/// # Errors
/// When the folder cannot be written, or holds half of something.
pub(crate) fn prepare(folder: &Folder, now: SystemTime) -> Result<()> {
    mesh::create(&folder.file("mesh"), now)?;
    keys::create(&folder.file("keys"))?;
    servers(folder, now)?;
    for name in people::NAMES {
        if !folder.file(&format!("pki/{name}.p12")).exists() {
            certificates::create(&folder.file("pki"), name, now)?;
        }
    }
    people::create(folder)?;
    if !folder.file(SECRET).exists() {
        let secret = URL_SAFE_NO_PAD.encode(bytes::<32>(&SystemRandomness::new())?);
        private_files::write_atomically(&folder.file(SECRET), secret.as_bytes(), PRIVATE)?;
    }
    Ok(())
}

/// The demonstration application's client secret.
///
/// # Errors
/// When its file is missing or damaged.
pub(crate) fn application_secret(folder: &Folder) -> Result<String> {
    let secret = private_files::read(&folder.file(SECRET), LIMIT)?;
    Ok(std::str::from_utf8(&secret)
        .context("the application's secret is damaged: start over with --fresh")?
        .to_owned())
}

/// What the configuration begins with.
#[must_use]
pub(crate) fn configuration(
    folder: &Folder,
    port: u16,
    origin: Option<&Origin>,
) -> InitialConfiguration {
    let application = format!("https://app.localhost:{port}");
    let both = vec![FABRIKAM.to_owned(), CONTOSO.to_owned()];
    let connection = |name: &str, methods: &[&str]| InitialConnection {
        name: name.to_owned(),
        display_name: None,
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        ranges: Vec::new(),
        authorities: Vec::new(),
        directory: InitialDirectory::File,
    };
    let fabrikam = InitialConnection {
        ranges: vec!["127.0.0.1/32".to_owned(), "::1/128".to_owned()],
        authorities: vec![Pem::from(
            folder.file("pki").join(certificates::AUTHORITY).as_path(),
        )],
        ..connection(FABRIKAM, &["certificate", "password"])
    };
    let own = origin.map(|origin| InitialApplication {
        client_id: OWN.to_owned(),
        name: Some("My application".to_owned()),
        secret_file: None,
        generate_secret: false,
        redirect_uris: vec![format!("{origin}/"), format!("{origin}/callback")],
        post_logout_redirect_uris: vec![format!("{origin}/")],
        origins: vec![origin.to_string()],
        connections: both.clone(),
        id_token_algorithm: SigningAlgorithm::ES256,
    });
    InitialConfiguration {
        connections: vec![fabrikam, connection(CONTOSO, &["password"])],
        applications: [
            InitialApplication {
                client_id: APPLICATION.to_owned(),
                name: Some("Demo application".to_owned()),
                secret_file: Some(folder.file(SECRET)),
                generate_secret: false,
                redirect_uris: vec![format!("{application}/callback")],
                post_logout_redirect_uris: vec![format!("{application}/")],
                origins: Vec::new(),
                connections: both.clone(),
                id_token_algorithm: SigningAlgorithm::ES256,
            },
            InitialApplication {
                client_id: SCRIPT.to_owned(),
                name: Some("Demo script".to_owned()),
                secret_file: None,
                generate_secret: false,
                redirect_uris: vec![format!("{application}/script")],
                post_logout_redirect_uris: Vec::new(),
                origins: Vec::new(),
                connections: both.clone(),
                id_token_algorithm: SigningAlgorithm::ES256,
            },
            InitialApplication {
                client_id: PAGE.to_owned(),
                name: Some("Sample page".to_owned()),
                secret_file: None,
                generate_secret: false,
                redirect_uris: vec![
                    format!("{application}/"),
                    format!("{application}{CONTOSO_PAGE}"),
                ],
                post_logout_redirect_uris: vec![
                    format!("{application}/"),
                    format!("{application}{CONTOSO_PAGE}"),
                ],
                origins: vec![application],
                connections: both,
                id_token_algorithm: SigningAlgorithm::ES256,
            },
        ]
        .into_iter()
        .chain(own)
        .collect(),
        server_certificates: SERVERS
            .iter()
            .filter(|(name, _)| *name != "admin")
            .map(|(name, _)| InitialServerCertificate {
                chain: Pem::from(folder.file(&format!("pki/{name}.pem")).as_path()),
                key_file: folder.file(&format!("pki/{name}.key")),
            })
            .collect(),
    }
}

/// Server certificates that are missing, and their root. Its key is used while they are made and then forgotten: nobody
/// can issue from it later.
fn servers(folder: &Folder, now: SystemTime) -> Result<()> {
    let pki = folder.file("pki");
    private_files::create_folder(&pki)?;
    if SERVERS
        .iter()
        .all(|(name, _)| pki.join(format!("{name}.key")).exists())
    {
        return Ok(());
    }
    let (root, issued) = Authority::create(Kind::LoopbackServers, now)?;
    private_files::write_atomically(
        &pki.join("server-root.pem"),
        issued.certificate.as_bytes(),
        PUBLIC,
    )?;
    for (name, hosts) in SERVERS {
        let issued = root.server(hosts, now)?;
        private_files::write_atomically(
            &pki.join(format!("{name}.pem")),
            issued.certificate.as_bytes(),
            PUBLIC,
        )?;
        private_files::write_atomically(
            &pki.join(format!("{name}.key")),
            issued.key.as_bytes(),
            PRIVATE,
        )?;
    }
    Ok(())
}
