//! A domain on disk, before its controller starts: provisioned, certified, filled.
//!
//! **Invariant:** its files belong to root and are readable by no one else.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::Account;
use crate::pki::{Authority, KeyKind, Leaf};
use crate::processes::{command, run};

/// Fills the domain; see the table of accounts.
const ACCOUNTS: &str = include_str!("accounts.py");

pub(super) fn provision(domain: &Path) -> anyhow::Result<()> {
    let mut provision = command("samba-tool", true);
    provision
        .args([
            "domain",
            "provision",
            "--realm=FABRIKAM.TEST",
            "--domain=FABRIKAM",
        ])
        .args([
            "--server-role=dc",
            "--dns-backend=NONE",
            "--host-name=dc1",
            "--use-rfc2307",
        ])
        .args([
            "--option=interfaces=lo",
            "--option=bind interfaces only=yes",
        ])
        .arg(format!("--adminpass={}", new_password()?))
        .arg(format!("--targetdir={}", domain.display()));
    run(&mut provision)
        .map(|_| ())
        .context("failed to provision a domain")
}

pub(super) fn certify(domain: &Path, authority: &Authority) -> anyhow::Result<()> {
    // RSA, as domain controllers have it.
    let leaf = Leaf::server(&["dc1.fabrikam.test", "127.0.0.1"])?.key(KeyKind::Rsa2048);
    let server = authority.issue(&leaf)?;
    let tls = domain.join("private/tls");
    write_as_root(&tls.join("dc1.pem"), server.chain_pem().as_bytes())?;
    write_as_root(&tls.join("dc1.key"), server.key_pem().as_bytes())?;
    write_as_root(&tls.join("ca.pem"), authority.pem().as_bytes())
}

/// What `smb.conf` says: the directory and its key distribution centre, and nothing else. Its ports for remote calls are
/// below those that the kernel gives to outgoing connections, one of which may have taken them.
pub(super) fn settings(domain: &Path) -> String {
    let domain = domain.display();
    format!(
        "[global]
\tnetbios name = DC1
\trealm = FABRIKAM.TEST
\tworkgroup = FABRIKAM
\tserver role = active directory domain controller
\tserver services = ldap, kdc, rpc, cldap, winbindd
\trpc server dynamic port range = 18000-18099
\tinterfaces = lo
\tbind interfaces only = yes
\tidmap_ldb:use rfc2307 = yes
\tprivate dir = {domain}/private
\tstate directory = {domain}/state
\tcache directory = {domain}/cache
\tlock directory = {domain}
\tpid directory = {domain}
\tncalrpc dir = {domain}/ncalrpc
\twinbindd socket directory = {domain}/winbindd
\tntp signd socket directory = {domain}/ntp_signd
\tbinddns dir = {domain}/bind-dns
\tlog file = {domain}/log.%m
\ttls enabled = yes
\ttls certfile = {domain}/private/tls/dc1.pem
\ttls keyfile = {domain}/private/tls/dc1.key
\ttls cafile = {domain}/private/tls/ca.pem

[sysvol]
\tpath = {domain}/state/sysvol
\tread only = No

[netlogon]
\tpath = {domain}/state/sysvol/fabrikam.test/scripts
\tread only = No
"
    )
}

pub(super) fn fill(
    domain: &Path,
    passwords: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, Account>> {
    let order = serde_json::json!({
        "conf": domain.join("etc/smb.conf"),
        "passwords": passwords,
    });
    // The interpreter of Debian's samba-tool: another one would not have Samba's library.
    let report = with_input(
        command("/usr/bin/python3", true).args(["-c", ACCOUNTS]),
        order.to_string().as_bytes(),
    )
    .context("failed to make the domain's accounts")?;
    serde_json::from_str(&report).context("unreadable report about the domain's accounts")
}

pub(super) fn write_as_root(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut write = command("sh", true);
    write
        .args(["-c", "umask 077 && cat > \"$1\"", "write"])
        .arg(path);
    with_input(&mut write, content)
        .map(|_| ())
        .with_context(|| format!("failed to write {}", path.display()))
}

fn with_input(command: &mut Command, input: &[u8]) -> anyhow::Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to run {}", command.get_program().display()))?;
    child
        .stdin
        .take()
        .context("a child without standard input")?
        .write_all(input)?;
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).context("output that is no UTF-8")
}

/// Random, and complex enough for the domain's own rules.
pub(super) fn new_password() -> anyhow::Result<String> {
    let mut bytes = [0; 15];
    aws_lc_rs::rand::fill(&mut bytes)
        .ok()
        .context("no random password")?;
    Ok(format!(
        "Aa1!{}",
        STANDARD_NO_PAD.encode(bytes).replace('/', "_")
    ))
}
