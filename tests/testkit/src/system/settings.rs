//! The settings files of the roles, and the configuration that control begins with.
//!
//! This is the one place of the testkit that knows their keys. `postern settings ROLE` prints them all;
//! what is not named here keeps its default.
//!
//! **Invariant:** a key that a role does not know stops that role at its start, so nothing here can go
//! unread.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::material::random_text;
use super::{DirectoryKind, Role, System, instance};
use crate::pki::write_secret;

/// Writes the settings of every process, and what control begins with.
pub(super) fn write(system: &System) -> anyhow::Result<()> {
    for role in Role::ALL {
        for index in 0..system.count(role) {
            let name = instance(role, index);
            save(
                system,
                &format!("settings/{name}.toml"),
                &of_role(system, role, index)?,
            )?;
        }
    }
    if let Some(samba) = &system.samba {
        let password = system.folder.join("settings/bind-password");
        write_secret(&password, samba.bind_password().as_bytes())?;
    }
    // Two, for a client secret has to be longer than one.
    let secret = random_text()? + &random_text()?;
    write_secret(
        &system.folder.join(super::rig::SERVER_SECRET),
        secret.as_bytes(),
    )?;
    if !system.plan.applications.is_empty() {
        // Where theirs may be generated: control makes no folder for a secret.
        let secrets = system.folder.join("settings/secrets");
        fs::DirBuilder::new().mode(0o700).create(&secrets)?;
    }
    save(system, "settings/initial.toml", &initial(system))
}

fn of_role(system: &System, role: Role, index: usize) -> anyhow::Result<Value> {
    let file = |path: &str| json!(system.folder.join(path));
    let role_name = role.name();
    let own_address = system.addresses.get(&role).and_then(|all| all.get(index));
    let own_address = own_address.context("a process without an address")?;
    let peers = json!({
        "certval": system.addresses.get(&Role::Certval),
        "directory": system.addresses.get(&Role::Directory),
    });
    let mut settings = Map::new();
    let mut section = |name: &str, keys: Value| settings.insert(name.to_owned(), keys);
    section("log", json!({"filter": system.plan.log}));
    section("traces", json!({"endpoint": system.plan.traces}));
    section(
        "operations",
        json!({"listen": system.operations(role, index)?}),
    );
    section(
        "instance",
        json!({"folder": file(&format!("state/{}", instance(role, index)))}),
    );
    section(
        "mesh",
        json!({"folder": file("mesh"), "listen": own_address}),
    );
    section(
        "bus",
        json!({
            "urls": [system.nats.url()],
            "ca_file": system.nats.ca_file(),
            "user": role_name,
            "password_file": system.nats.password_file(role_name),
        }),
    );
    let mut configuration = json!({"trusted_keys_file": file("keys/snapshot.pub")});
    if let (Role::Gateway | Role::Directory, Some(keys)) = (role, configuration.as_object_mut()) {
        keys.insert(
            "seal_key_file".to_owned(),
            file(&format!("keys/{role_name}.seal")),
        );
    }
    section("configuration", configuration);
    match role {
        Role::Certval => {}
        Role::Directory => {
            if system.plan.directory == DirectoryKind::File {
                section("directory", json!({"file": file("directory.json")}));
            }
        }
        Role::Gateway => {
            section("peers", peers);
            section(
                "edge",
                json!({
                    "listen": [system.gateway(index)],
                    "certificate_choice_s": system.plan.choosing,
                }),
            );
            section(
                "gateway",
                json!({
                    "issuer": system.issuer(),
                    "certificate_host": system.certificate_host(),
                    "certval_deadline_ms": if system.plan.patient { 10_000 } else { 500 },
                    "directory_deadline_ms": if system.plan.patient { 10_000 } else { 4_000 },
                }),
            );
        }
        Role::Control => {
            section(
                "peers",
                json!({"certval": system.addresses.get(&Role::Certval)}),
            );
            let mut control = json!({
                    "admin_listen": system.admin,
                    "admin_certificate_file": file("pki/admin.pem"),
                    "admin_key_file": file("pki/admin.key"),
                    "folder": file("control"),
                    "signing_key_file": file("keys/snapshot.key"),
                    "gateway_seal_key_file": file("keys/gateway.seal"),
                    "directory_seal_key_file": file("keys/directory.seal"),
            });
            if !system.plan.empty
                && let Some(control) = control.as_object_mut()
            {
                let initial = file("settings/initial.toml");
                control.insert("initial_configuration".to_owned(), initial);
            }
            section("control", control);
        }
    }
    Ok(Value::Object(settings))
}

/// The connections, the public clients of the rig, and the server certificates.
fn initial(system: &System) -> Value {
    let file = |path: &str| json!(system.folder.join(path));
    let directory = match &system.samba {
        None => json!({"kind": "file"}),
        Some(samba) => json!({
            "kind": "active_directory",
            "servers": [samba.ldaps_url()],
            "base": samba.base_dn(),
            "bind_account": samba.bind_dn(),
            "bind_password_file": file("settings/bind-password"),
            "trust_authorities": [samba.ca_file()],
        }),
    };
    let by_certificate = system.plan.methods.contains(&"certificate");
    let nothing_unless = |wanted: bool, value: Value| if wanted { value } else { json!([]) };
    let names: &[&str] = match system.plan.shared_certificate {
        true => &["shared", "app"],
        false => &["login", "cert", "app"],
    };
    let server_certificate = |name: &&str| {
        let (chain, key) = (format!("pki/{name}.pem"), format!("pki/{name}.key"));
        json!({"chain": file(&chain), "key_file": file(&key)})
    };
    let server_certificates: Vec<Value> = names.iter().map(server_certificate).collect();
    let (page, server) = (system.page_origin(), system.server_origin());
    let mut applications = vec![
        json!({
            "client_id": super::rig::CLIENT_ID,
            "name": "Test script",
            "redirect_uris": [system.redirect_uri()],
            "connections": ["FabrikamAD", "ContosoAD"],
        }),
        json!({
            "client_id": super::rig::PAGE_CLIENT_ID,
            "name": "Our application",
            "origins": [page],
            "redirect_uris": [format!("{page}/"), format!("{page}/callback.html")],
            "post_logout_redirect_uris": [format!("{page}/")],
            "connections": ["FabrikamAD", "ContosoAD"],
        }),
        json!({
            "client_id": super::rig::SERVER_CLIENT_ID,
            "name": "Server",
            "secret_file": file(super::rig::SERVER_SECRET),
            "redirect_uris": [format!("{server}/callback")],
            "post_logout_redirect_uris": [format!("{server}/")],
            "connections": ["FabrikamAD", "ContosoAD"],
        }),
    ];
    applications.extend(system.plan.applications.iter().map(|each| json!(each)));
    json!({
        "connections": [
            {
                "name": "FabrikamAD",
                "methods": system.plan.methods,
                "ranges": nothing_unless(by_certificate, json!(["127.0.0.1/32", "::1/128"])),
                "authorities": nothing_unless(by_certificate, json!([file("pki/fabrikam-root.pem")])),
                "directory": directory,
            },
            {"name": "ContosoAD", "methods": ["password"], "directory": directory},
        ],
        "applications": applications,
        "server_certificates": server_certificates,
    })
}

fn save(system: &System, path: &str, content: &Value) -> anyhow::Result<()> {
    let path = system.folder.join(path);
    let text = toml::to_string(content).context("settings that cannot be written as TOML")?;
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
}
