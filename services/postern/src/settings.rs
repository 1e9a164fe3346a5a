//! The settings of each role: the sections all roles share, and the service's own.
//!
//! Settings need a restart; what changes while Postern runs is in the snapshot.

use std::net::SocketAddr;
use std::path::PathBuf;

use runtime::settings::{Key, Section, Settings};
use runtime::telemetry::LogSettings;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Settings of `postern gateway`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Gateway {
    /// What all roles share.
    #[serde(flatten)]
    pub shared: Shared,
    /// Where certval and the directory are.
    pub peers: Peers,
    /// The front door.
    pub edge: gateway::edge::Settings,
    /// Sign-in.
    pub gateway: gateway::settings::Settings,
}

/// Settings of `postern certval`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Certval {
    /// What all roles share.
    #[serde(flatten)]
    pub shared: Shared,
}

/// Settings of `postern directory`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Directory {
    /// What all roles share.
    #[serde(flatten)]
    pub shared: Shared,
    /// The directory's own.
    pub directory: directory::settings::Settings,
}

/// Settings of `postern control`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Control {
    /// What all roles share.
    #[serde(flatten)]
    pub shared: Shared,
    /// Where certval is.
    pub peers: Peers,
    /// control's own.
    pub control: control::Settings,
}

/// What all roles share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Shared {
    /// Logs.
    pub log: LogSettings,
    /// This instance.
    pub instance: Instance,
    /// Its place in the mesh.
    pub mesh: Mesh,
    /// Its way to the bus.
    pub bus: Bus,
    /// What it trusts and reads of the live configuration.
    pub configuration: Configuration,
}

/// Section `instance`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// Where the instance keeps its last good configuration.
    pub folder: PathBuf,
}

/// Section `mesh`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mesh {
    /// Folder with `mesh-ca.pem`, `ROLE.pem` and `ROLE.key`.
    pub folder: PathBuf,
    /// Where other roles reach this one.
    pub listen: SocketAddr,
    /// The address told to others, where it differs from `listen`.
    pub advertise: Option<String>,
}

/// Section `peers`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Peers {
    /// Addresses of certval.
    pub certval: Vec<String>,
    /// Addresses of the directory service.
    pub directory: Vec<String>,
}

/// Section `bus`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bus {
    /// Addresses of the NATS servers.
    pub urls: Vec<String>,
    /// Certificate (PEM) the servers are trusted by.
    pub ca_file: PathBuf,
    /// User name.
    pub user: String,
    /// File with the password.
    pub password_file: PathBuf,
    /// How many servers keep each stream.
    pub replicas: usize,
    /// Whether a server older than 2.12.6 is put up with.
    pub allow_old_server: bool,
}

/// Section `configuration`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Configuration {
    /// File with the public key (one or two) that snapshots are signed by.
    pub trusted_keys_file: PathBuf,
    /// File with the seal key of this role.
    pub seal_key_file: Option<PathBuf>,
}

const fn key(path: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        path,
        default,
        doc,
        secret: false,
    }
}

/// Sections all roles share; the defaults that name the role are its own.
macro_rules! shared_sections {
    ($role:literal, $port:literal, $seal:expr) => {
        vec![
            Section { name: "log", doc: "Logs: JSON lines on standard error.", keys: LogSettings::KEYS },
            Section {
                name: "instance",
                doc: "This instance.",
                keys: const { &[key("folder", concat!("\"/var/lib/postern/", $role, "\""), "Folder (mode 0700) where the instance keeps its last good configuration. One folder an instance.")] },
            },
            Section {
                name: "mesh",
                doc: "gRPC between the roles, over mutual TLS.",
                keys: const {
                    &[
                        key("folder", "\"/etc/postern/mesh\"", concat!("Folder (mode 0700) with mesh-ca.pem, ", $role, ".pem and ", $role, ".key, as `postern pki mesh` makes them.")),
                        key("listen", concat!("\"127.0.0.1:", $port, "\""), "Address and port where other roles reach this one."),
                        key("advertise", "", "host:port told to other roles, where it differs from `listen` (behind a service name, or when listening on 0.0.0.0)."),
                    ]
                },
            },
            Section {
                name: "bus",
                doc: "NATS with JetStream: live configuration comes by it.",
                keys: const {
                    &[
                        key("urls", "[\"tls://127.0.0.1:4222\"]", "Addresses of the NATS servers."),
                        key("ca_file", "\"/etc/postern/bus-ca.pem\"", "Certificate (PEM) that the servers' own certificates are trusted by."),
                        key("user", concat!("\"", $role, "\""), "User name at the bus."),
                        key("password_file", "\"/etc/postern/bus-password\"", "File (mode 0600, in a folder of mode 0700) with the user's password."),
                        key("replicas", "1", "How many servers of a NATS cluster keep each stream: 1, 3 or 5. Read by control, which makes the streams."),
                        key("allow_old_server", "false", "Put up with a NATS server older than 2.12.6, which has known security faults."),
                    ]
                },
            },
            Section {
                name: "configuration",
                doc: "What this role trusts and reads of the live configuration.",
                keys: const {
                    &[
                        key("trusted_keys_file", "\"/etc/postern/snapshot.pub\"", "File with the public key (during a change of keys: two) that control signs snapshots with."),
                        key("seal_key_file", $seal, "File (mode 0600) with the key that this role's secrets inside a snapshot are sealed with; not needed by certval."),
                    ]
                },
            },
        ]
    };
}

const PEERS: Section = Section {
    name: "peers",
    doc: "Where the other roles are. Several addresses share the work, and one that fails is left out.",
    keys: const {
        &[
            key(
                "certval",
                "[\"127.0.0.1:9101\"]",
                "host:port of each certval.",
            ),
            key(
                "directory",
                "[\"127.0.0.1:9102\"]",
                "host:port of each directory service (used by the gateway).",
            ),
        ]
    },
};

impl Settings for Gateway {
    fn sections() -> Vec<Section> {
        let mut sections = shared_sections!("gateway", "9100", "\"/etc/postern/gateway.seal\"");
        sections.extend([
            PEERS,
            gateway::edge::Settings::SECTION,
            gateway::settings::SECTION,
        ]);
        sections
    }
}

impl Settings for Certval {
    fn sections() -> Vec<Section> {
        shared_sections!("certval", "9101", "")
    }
}

impl Settings for Directory {
    fn sections() -> Vec<Section> {
        let mut sections = shared_sections!("directory", "9102", "\"/etc/postern/directory.seal\"");
        sections.push(directory::settings::SECTION);
        sections
    }
}

impl Settings for Control {
    fn sections() -> Vec<Section> {
        let mut sections = shared_sections!("control", "9103", "");
        sections.extend([PEERS, control::Settings::SECTION]);
        sections
    }
}
