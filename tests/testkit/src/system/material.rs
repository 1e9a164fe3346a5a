//! What a system is given before it starts: certificates of people and servers, the directory file.
//!
//! **Invariant:** whatever is secret here is written with mode 0600, in folders of mode 0700.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::DirectoryKind;
use crate::pki::{Authority, Identity, KeyKind, Leaf, server_root, write_secret};
use crate::processes::run;

/// The people of the directory file, as in the demonstration.
const PEOPLE: [(&str, &str, &str, &str); 3] = [
    ("jon", "Jon", "Snow", "Staff"),
    ("jane", "Jane", "Doe", "Employees"),
    ("eve", "Eve", "Gone", "Employees"),
];
/// What `directory::file` asks of a hash at least.
const ROUNDS: u32 = 600_000;

/// Certificates, and the secrets of the directory file.
#[derive(Debug)]
pub(super) struct Material {
    pub(super) people: Authority,
    pub(super) servers: Authority,
    pub(super) identities: BTreeMap<String, Identity>,
    /// Of the directory file; empty with Samba.
    pub(super) passwords: BTreeMap<String, String>,
    pub(super) p12_password: String,
}

impl Material {
    pub(super) fn make(folder: &Path, kind: DirectoryKind, keys: KeyKind) -> anyhow::Result<Self> {
        let pki = folder.join("pki");
        let people = Authority::named("Fabrikam Test Root")
            .key(keys)
            .self_signed()?;
        let servers = server_root("Postern Test Servers")?;
        fs::write(pki.join("fabrikam-root.pem"), people.pem())?;
        fs::write(pki.join("server-root.pem"), servers.pem())?;
        for (name, hosts) in [
            ("login", &["login.localhost"][..]),
            ("cert", &["cert.localhost", "*.cert.localhost"]),
            ("app", &["app.localhost"]),
            ("page", &["app.localhost", "*.app.localhost"]),
            (
                "shared",
                &[
                    "login.localhost",
                    "cert.login.localhost",
                    "*.cert.login.localhost",
                ],
            ),
            ("admin", &["localhost", "127.0.0.1", "::1"]),
        ] {
            let server = Leaf::server(hosts)?.key(keys);
            servers.issue(&server)?.write_to(&pki, name)?;
        }
        let p12_password = random_text()?;
        // Nobody's, and one whose issuer no connection knows.
        let strangers = Authority::named("Foreign Test Root").self_signed()?;
        for (authority, name) in [(&people, "stranger"), (&strangers, "foreign")] {
            authority.issue(&Leaf::named(name))?.write_to(&pki, name)?;
            write_p12(&pki, name, &p12_password)?;
        }
        let mut identities = BTreeMap::new();
        for (name, ..) in PEOPLE {
            let identity = people.issue(&Leaf::named(name).key(keys))?;
            identity.write_to(&pki, name)?;
            write_p12(&pki, name, &p12_password)?;
            identities.insert(name.to_owned(), identity);
        }
        let passwords = match kind {
            DirectoryKind::Samba => BTreeMap::new(),
            DirectoryKind::File => write_directory(folder)?,
        };
        Ok(Self {
            people,
            servers,
            identities,
            passwords,
            p12_password,
        })
    }
}

/// Random text that needs no quoting anywhere.
pub(super) fn random_text() -> anyhow::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<18>()?))
}

pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .ok()
        .context("no random bytes")?;
    Ok(bytes)
}

fn write_p12(pki: &Path, name: &str, password: &str) -> anyhow::Result<()> {
    let file = |ending: &str| pki.join(format!("{name}.{ending}"));
    // Made with mode 0600 first, for openssl only fills it. The password goes by the environment, not
    // by the command line, which others can read.
    write_secret(&file("p12"), b"")?;
    let mut openssl = Command::new("openssl");
    openssl.args([
        "pkcs12",
        "-export",
        "-name",
        name,
        "-passout",
        "env:P12_PASSWORD",
        "-in",
    ]);
    openssl
        .arg(file("pem"))
        .arg("-inkey")
        .arg(file("key"))
        .arg("-out")
        .arg(file("p12"));
    openssl.env("P12_PASSWORD", password);
    run(&mut openssl)
        .map(|_| ())
        .context("failed to write a PKCS #12 file")
}

fn write_directory(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut passwords = BTreeMap::new();
    let mut persons = Vec::new();
    for (name, given, family, group) in PEOPLE {
        let password = random_text()?;
        persons.push(json!({
            "account": name,
            "id": random_uuid()?,
            "display_name": format!("{given} {family}"),
            "given_name": given,
            "family_name": family,
            "email": format!("{name}@fabrikam.test"),
            "user_principal_name": format!("{name}@fabrikam.test"),
            "groups": [group],
            "password": password_hash(&password)?,
            "state": {"disabled": name == "eve"},
        }));
        passwords.insert(name.to_owned(), password);
    }
    let directory: Value = json!({
        "persons": persons,
        "groups": {"Staff": ["Employees"], "Employees": ["Everyone-Fabrikam"]},
    });
    write_secret(
        &folder.join("directory.json"),
        directory.to_string().as_bytes(),
    )?;
    write_secret(
        &folder.join("passwords.json"),
        json!(passwords).to_string().as_bytes(),
    )?;
    Ok(passwords)
}

fn password_hash(password: &str) -> anyhow::Result<String> {
    let salt = random::<16>()?;
    let mut hash = [0; 32];
    let rounds = NonZeroU32::new(ROUNDS).context("no rounds")?;
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, rounds, &salt, password.as_bytes(), &mut hash);
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(format!("pbkdf2-sha256${ROUNDS}${salt}${hash}"))
}

fn random_uuid() -> anyhow::Result<String> {
    let bytes = random::<16>()?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    Ok([
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-"))
}
