//! The settings of each role: the sections all roles share, and the service's own.
//!
//! Settings need a restart; what changes while Postern runs is in the snapshot.

use std::net::SocketAddr;
use std::path::PathBuf;

use runtime::operations::OperationsSettings;
use runtime::settings::{Key, Section, Settings};
use runtime::telemetry::{LogSettings, TracesSettings};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The settings of one role: the sections all roles have, written out because a flattened struct would lose the name of a
/// key whose value does not fit, and the role's own.
macro_rules! role {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$outer])*
        #[derive(Debug, Serialize, Deserialize)]
        pub(crate) struct $name {
            log: LogSettings,
            traces: TracesSettings,
            operations: OperationsSettings,
            instance: Instance,
            mesh: Mesh,
            bus: Bus,
            configuration: Configuration,
            $($(#[$inner])* pub $field: $kind,)*
        }

        impl $name {
            /// What all roles share.
            pub(crate) fn shared(&self) -> Shared {
                Shared {
                    log: self.log.clone(),
                    traces: self.traces.clone(),
                    operations: self.operations.clone(),
                    instance: self.instance.clone(),
                    mesh: self.mesh.clone(),
                    bus: self.bus.clone(),
                    configuration: self.configuration.clone(),
                }
            }
        }
    };
}

role! {
    /// Settings of `postern gateway`.
    Gateway {
        /// Where certval and the directory are.
        peers: Peers,
        /// The front door.
        edge: gateway::edge::Settings,
        /// Sign-in.
        gateway: gateway::settings::Settings,
    }
}

role! {
    /// Settings of `postern certval`.
    Certval {}
}

role! {
    /// Settings of `postern directory`.
    Directory {
        /// The directory's own.
        directory: directory::settings::Settings,
    }
}

role! {
    /// Settings of `postern control`.
    Control {
        /// Where certval is.
        peers: CertvalPeers,
        /// control's own.
        control: control::Settings,
    }
}

/// What all roles share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    /// Logs.
    pub log: LogSettings,
    /// Traces.
    pub traces: TracesSettings,
    /// The port for those who run it.
    pub operations: OperationsSettings,
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

/// Section `peers` of control.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct CertvalPeers {
    /// Addresses of certval.
    pub certval: Vec<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<usize>,
    /// Whether a server older than 2.12.6 is put up with.
    pub allow_old_server: bool,
}

/// Section `configuration`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Configuration {
    /// File with the public key (one or two) that snapshots are signed by.
    pub trusted_keys_file: PathBuf,
    /// File with the seal key of this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    ($role:literal, $port:literal, $operations:literal, bus: [$($bus:expr)?], configuration: [$($configuration:expr)?]) => {
        vec![
            Section { name: "log", doc: "Logs: JSON lines on standard error.", keys: LogSettings::KEYS },
            Section { name: "traces", doc: "Traces: one for each sign-in and each change.", keys: TracesSettings::KEYS },
            Section {
                name: "operations",
                doc: "The port for those who run it.",
                keys: const { &[OperationsSettings::key(concat!("\"127.0.0.1:", $operations, "\""))] },
            },
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
                        key("advertise", "", "host:port that leads to this very instance, where it differs from `listen` (needed when listening on 0.0.0.0). A name that several instances share will not do: codes are redeemed by the gateway that issued them."),
                    ]
                },
            },
            Section {
                name: "bus",
                doc: "NATS with JetStream: live configuration comes by it.",
                keys: const {
                    &[
                        key("urls", "[\"tls://127.0.0.1:4222\"]", "Addresses of the NATS servers."),
                        key("ca_file", "\"/etc/postern/mesh/mesh-ca.pem\"", "Certificate (PEM) that the servers' own certificates are trusted by."),
                        key("user", concat!("\"", $role, "\""), "User name at the bus."),
                        key("password_file", "\"/etc/postern/secrets/bus-password\"", "File (mode 0600, in a folder of mode 0700) with the user's password."),
                        key("allow_old_server", "false", "Put up with a NATS server older than 2.12.6, which has known security faults."),
                        $($bus)?
                    ]
                },
            },
            Section {
                name: "configuration",
                doc: "What this role trusts and reads of the live configuration.",
                keys: const {
                    &[
                        key("trusted_keys_file", "\"/etc/postern/keys/snapshot.pub\"", "File with the public key (during a change of keys: two) that control signs snapshots with."),
                        $($configuration)?
                    ]
                },
            },
        ]
    };
}

const GATEWAY_SEAL: Key = key(
    "seal_key_file",
    "\"/etc/postern/keys/gateway.seal\"",
    "File (mode 0600) with the key that the gateways' secrets inside a snapshot are sealed with.",
);

const DIRECTORY_SEAL: Key = key(
    "seal_key_file",
    "\"/etc/postern/keys/directory.seal\"",
    "File (mode 0600) with the key that the directory service's secrets inside a snapshot are sealed with.",
);

const REPLICAS: Key = key(
    "replicas",
    "1",
    "How many servers of a NATS cluster keep each stream: 1, 3 or 5. control makes the streams.",
);

const CERTVAL: Key = key(
    "certval",
    "[\"127.0.0.1:9101\"]",
    "host:port of each certval.",
);

const DIRECTORY: Key = key(
    "directory",
    "[\"127.0.0.1:9102\"]",
    "host:port of each directory service.",
);

/// Where the other roles are, as far as this one asks them.
const fn peers(keys: &'static [Key]) -> Section {
    Section {
        name: "peers",
        doc: "Where the other roles are. Several addresses share the work, and one that fails is left out.",
        keys,
    }
}

impl Settings for Gateway {
    fn sections() -> Vec<Section> {
        let mut sections =
            shared_sections!("gateway", "9100", "9200", bus: [], configuration: [GATEWAY_SEAL]);
        sections.extend([
            peers(&[CERTVAL, DIRECTORY]),
            gateway::edge::Settings::SECTION,
            gateway::settings::SECTION,
        ]);
        sections
    }
}

impl Settings for Certval {
    fn sections() -> Vec<Section> {
        shared_sections!("certval", "9101", "9201", bus: [], configuration: [])
    }
}

impl Settings for Directory {
    fn sections() -> Vec<Section> {
        let mut sections =
            shared_sections!("directory", "9102", "9202", bus: [], configuration: [DIRECTORY_SEAL]);
        sections.push(directory::settings::SECTION);
        sections
    }
}

impl Settings for Control {
    fn sections() -> Vec<Section> {
        let mut sections =
            shared_sections!("control", "9103", "9203", bus: [REPLICAS], configuration: []);
        sections.extend([peers(&[CERTVAL]), control::Settings::SECTION]);
        sections
    }
}
