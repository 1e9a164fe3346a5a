//! What an operator sets for control before it starts.
//!
//! **Invariant:** every field stands in [`Settings::SECTION`] with its default; no secret is here, only paths of files.

use std::net::SocketAddr;
use std::path::PathBuf;

use runtime::settings::{Key, Section};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The settings of the section `control`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port of the admin API. Default 127.0.0.1:8444.
    pub admin_listen: SocketAddr,
    /// The names and addresses the admin API is asked by, without port. Default localhost, 127.0.0.1 and `[::1]`.
    pub admin_hosts: Vec<String>,
    /// File with the certificate chain of the admin API, PEM, leaf first.
    pub admin_certificate_file: PathBuf,
    /// File (mode 0600) with its private key, PEM.
    pub admin_key_file: PathBuf,
    /// Folder (mode 0700) of the admin token and the audit record.
    pub folder: PathBuf,
    /// File (mode 0600) with the key that snapshots are signed with.
    pub signing_key_file: PathBuf,
    /// File (mode 0600) with the key that the gateways' secrets are sealed with.
    pub gateway_seal_key_file: PathBuf,
    /// File (mode 0600) with the key that the directory service's secrets are sealed with.
    pub directory_seal_key_file: PathBuf,
    /// File with the configuration to begin with, used only while there is none. No default.
    pub initial_configuration: Option<PathBuf>,
}

impl Settings {
    /// The table of keys.
    pub const SECTION: Section = Section {
        name: "control",
        doc: "control: the admin API, and the keys of the live configuration.",
        keys: &[
            key(
                "admin_listen",
                r#""127.0.0.1:8444""#,
                "Address and port of the admin API.",
            ),
            key(
                "admin_hosts",
                r#"["localhost", "127.0.0.1", "[::1]"]"#,
                "Names and addresses that the admin API is asked by, without port. Requests for any other are refused.",
            ),
            key(
                "admin_certificate_file",
                r#""/etc/postern/admin.pem""#,
                "File with the certificate chain of the admin API as PEM, leaf first.",
            ),
            key(
                "admin_key_file",
                r#""/etc/postern/secrets/admin.key""#,
                "File (mode 0600) with the private key of that certificate as PEM.",
            ),
            key(
                "folder",
                r#""/var/lib/postern/control""#,
                "Folder (mode 0700) of the admin token and the audit record.",
            ),
            key(
                "signing_key_file",
                r#""/etc/postern/keys/snapshot.key""#,
                "File (mode 0600) with the private key that snapshots are signed with.",
            ),
            key(
                "gateway_seal_key_file",
                r#""/etc/postern/keys/gateway.seal""#,
                "File (mode 0600) with the key that the gateways' secrets are sealed with.",
            ),
            key(
                "directory_seal_key_file",
                r#""/etc/postern/keys/directory.seal""#,
                "File (mode 0600) with the key that the directory service's secrets are sealed with.",
            ),
            key(
                "initial_configuration",
                "",
                "TOML file with the configuration to begin with. Used only while there is none; afterwards the admin API changes it. Without one, control begins with an empty configuration and fresh keys.",
            ),
        ],
    };
}

const fn key(path: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        path,
        default,
        doc,
        secret: false,
    }
}
