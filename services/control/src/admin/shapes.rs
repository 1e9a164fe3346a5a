//! The JSON the admin API answers with.
//!
//! **Invariant:** no type here has a field for a secret; moments are RFC 3339 in UTC.

use domain::application::{Application, SigningAlgorithm};
use domain::authority::Authority;
use domain::configuration::{Configuration, ServerCertificate};
use domain::connection::{Connection, DirectorySource, DirectoryTrust};
use domain::timestamp::Timestamp;
use runtime::live::{InstanceReport, InstanceState};
use serde::Serialize;

use crate::moment::written;
use crate::writer::Revision;

/// Answer to a write.
#[derive(Debug, Serialize)]
pub(super) struct Write {
    /// The revision the write made.
    pub(super) revision: u64,
    /// How many live instances use it.
    pub(super) applied: usize,
    /// How many live instances there are, control too.
    pub(super) instances: usize,
    /// How long was waited for them.
    pub(super) waited_ms: u64,
    /// What was changed and what follows, in words.
    pub(super) changes: Vec<String>,
}

/// The whole configuration, without secrets.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    revision: u64,
    connections: Vec<ConnectionShape>,
    applications: Vec<ApplicationShape>,
    server_certificates: Vec<ServerCertificateShape>,
}

impl Whole {
    pub(super) fn of(revision: u64, configuration: &Configuration, now: u64) -> Self {
        let connections = configuration.connections.values();
        Self {
            revision,
            connections: connections
                .map(|each| ConnectionShape::of(each, now))
                .collect(),
            applications: configuration
                .applications
                .values()
                .map(ApplicationShape::of)
                .collect(),
            server_certificates: configuration
                .server_certificates
                .iter()
                .map(ServerCertificateShape::of)
                .collect(),
        }
    }
}

/// A connection in a list.
#[derive(Debug, Serialize)]
pub(super) struct ConnectionRow {
    name: String,
    display_name: String,
    methods: Vec<&'static str>,
    ranges: Vec<String>,
    authorities: usize,
    directory: &'static str,
}

impl ConnectionRow {
    pub(super) fn of(connection: &Connection) -> Self {
        Self {
            name: connection.name.to_string(),
            display_name: connection.display_name.clone(),
            methods: methods(connection),
            ranges: connection
                .ranges
                .iter()
                .map(|range| range.to_string())
                .collect(),
            authorities: connection.authorities.len(),
            directory: DirectoryShape::of(&connection.directory).kind,
        }
    }
}

/// One connection whole.
#[derive(Debug, Serialize)]
pub(super) struct ConnectionShape {
    name: String,
    display_name: String,
    methods: Vec<&'static str>,
    ranges: Vec<String>,
    authorities: Vec<AuthorityRow>,
    directory: DirectoryShape,
}

impl ConnectionShape {
    pub(super) fn of(connection: &Connection, now: u64) -> Self {
        Self {
            name: connection.name.to_string(),
            display_name: connection.display_name.clone(),
            methods: methods(connection),
            ranges: connection
                .ranges
                .iter()
                .map(|range| range.to_string())
                .collect(),
            authorities: connection
                .authorities
                .iter()
                .map(|each| AuthorityRow::of(each, now))
                .collect(),
            directory: DirectoryShape::of(&connection.directory),
        }
    }
}

/// One authority.
#[derive(Debug, Serialize)]
pub(super) struct AuthorityRow {
    name: String,
    fingerprint: String,
    key: String,
    not_after: String,
    expired: bool,
}

impl AuthorityRow {
    pub(super) fn of(authority: &Authority, now: u64) -> Self {
        Self {
            name: authority.name.clone(),
            fingerprint: authority.fingerprint.to_string(),
            key: authority.key.to_string(),
            not_after: written(authority.not_after.0),
            expired: Timestamp(now) > authority.not_after,
        }
    }
}

/// One range.
#[derive(Debug, Serialize)]
pub(super) struct RangeRow {
    pub(super) range: String,
}

#[derive(Debug, Default, Serialize)]
struct DirectoryShape {
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bind_account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_authorities: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trust_keys: Vec<String>,
}

impl DirectoryShape {
    fn of(source: &DirectorySource) -> Self {
        let DirectorySource::ActiveDirectory(directory) = source else {
            return Self {
                kind: "file",
                ..Self::default()
            };
        };
        let (pem, keys) = match &directory.trust {
            DirectoryTrust::Authorities { pem } => (Some(pem.clone()), Vec::new()),
            DirectoryTrust::PinnedKeys { keys } => {
                (None, keys.iter().map(ToString::to_string).collect())
            }
        };
        Self {
            kind: "active_directory",
            servers: directory.servers.clone(),
            base: Some(directory.base.clone()),
            bind_account: Some(directory.bind_account.clone()),
            trust_authorities: pem,
            trust_keys: keys,
        }
    }
}

#[derive(Debug, Serialize)]
struct ApplicationShape {
    client_id: String,
    name: String,
    client: &'static str,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    origins: Vec<String>,
    connections: Vec<String>,
    id_token_algorithm: SigningAlgorithm,
}

impl ApplicationShape {
    fn of(application: &Application) -> Self {
        Self {
            client_id: application.client_id.to_string(),
            name: application.name.clone(),
            client: if application.secret.is_some() {
                "confidential"
            } else {
                "public"
            },
            redirect_uris: application.redirect_uris.iter().cloned().collect(),
            post_logout_redirect_uris: application
                .post_logout_redirect_uris
                .iter()
                .cloned()
                .collect(),
            origins: application
                .origins
                .iter()
                .map(ToString::to_string)
                .collect(),
            connections: application
                .connections
                .iter()
                .map(ToString::to_string)
                .collect(),
            id_token_algorithm: application.id_token_algorithm,
        }
    }
}

#[derive(Debug, Serialize)]
struct ServerCertificateShape {
    fingerprint: String,
    hosts: Vec<String>,
    certificates: usize,
}

impl ServerCertificateShape {
    fn of(certificate: &ServerCertificate) -> Self {
        Self {
            fingerprint: certificate.fingerprint.to_string(),
            hosts: certificate.hosts.clone(),
            certificates: certificate.chain.len(),
        }
    }
}

/// One live process.
#[derive(Debug, Serialize)]
pub(super) struct InstanceRow {
    id: String,
    role: String,
    version: String,
    address: String,
    revision: u64,
    persisted_revision: u64,
    applied_at: Option<String>,
    age_s: Option<u64>,
    state: InstanceState,
    problem: Option<String>,
    cert_expires_at: Option<String>,
}

impl From<InstanceReport> for InstanceRow {
    fn from(report: InstanceReport) -> Self {
        Self {
            id: report.id,
            role: report.role,
            version: report.version,
            address: report.address,
            revision: report.revision,
            persisted_revision: report.persisted_revision,
            applied_at: (report.applied_at > 0).then(|| written(report.applied_at)),
            age_s: report.age_s,
            state: report.state,
            problem: report.problem,
            cert_expires_at: report.cert_expires_at.map(written),
        }
    }
}

/// One revision of the history.
#[derive(Debug, Serialize)]
pub(super) struct RevisionRow {
    revision: u64,
    parent: Option<u64>,
    who: String,
    why: String,
    at: String,
}

impl From<Revision> for RevisionRow {
    fn from(revision: Revision) -> Self {
        Self {
            revision: revision.revision,
            parent: revision.parent,
            who: revision.author,
            why: revision.reason,
            at: written(revision.created_at),
        }
    }
}

fn methods(connection: &Connection) -> Vec<&'static str> {
    let offered = [
        (connection.methods.certificate, "certificate"),
        (connection.methods.password, "password"),
    ];
    offered
        .into_iter()
        .filter_map(|(offered, name)| offered.then_some(name))
        .collect()
}
