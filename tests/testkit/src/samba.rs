//! A real Active Directory: Samba's domain controller for FABRIKAM.TEST, on loopback.
//!
//! Provisioned in a folder of the test's own in some five seconds, ready in as many more. Its ports are
//! fixed (LDAP 389 and 636, global catalogue 3268, Kerberos 88), so one machine has one at a time: a
//! lock file makes others wait, and tells what an earlier, crashed run left behind.
//!
//! | account | state |
//! |---|---|
//! | `jon` | live; in `Staff` ⊂ `Employees` ⊂ `Everyone-Fabrikam`, and in `Night Watch` |
//! | `jane` | live; in `Employees` |
//! | `eve` | disabled |
//! | `lee` | locked out |
//! | `max` | must change the password |
//! | `old` | account expired |
//! | `pia` | password expired |
//! | `nia` | no logon hours at all |
//! | `kim` | smart card required, and password set to be changed |
//! | `postern-svc` | an ordinary account that looks people up |
//!
//! **Invariant:** nothing of it outlives the [`Samba`] value: not the processes, not the lock.

mod domain;
mod lock;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::pki::Authority;
use crate::processes::{self, Process, Program, command, listens, run};
use lock::MachineLock;

const LDAPS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 636);
/// How long another test run's domain controller is waited for.
const TURN: Duration = Duration::from_secs(300);
/// From the start of the process until it answers.
const READY: Duration = Duration::from_secs(60);
const PEOPLE: [&str; 10] = [
    "jon",
    "jane",
    "eve",
    "lee",
    "max",
    "old",
    "pia",
    "nia",
    "kim",
    "postern-svc",
];

/// One account as the directory knows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// Distinguished name.
    pub dn: String,
    /// Security identifier (`S-1-5-21-…`).
    pub sid: String,
    /// `objectGUID` in its usual spelling.
    pub guid: String,
}

/// A running domain controller.
#[derive(Debug)]
pub struct Samba {
    process: Process,
    folder: PathBuf,
    accounts: BTreeMap<String, Account>,
    passwords: BTreeMap<String, String>,
    authority: Authority,
    // Last, so that the lock is given back after the process is gone.
    _lock: MachineLock,
}

impl Samba {
    /// Provisions and starts one in `folder` (made if absent), and returns when it answers over LDAPS.
    ///
    /// Needs root, or `sudo` that asks for no password.
    ///
    /// # Errors
    /// If Samba is not installed, its ports belong to somebody else, or it does not come up.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let samba = installed_samba()?;
        fs::create_dir_all(folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        let folder = folder.canonicalize()?;
        let mut lock = MachineLock::take(TURN)?;
        ensure!(
            !listens(LDAPS),
            "{LDAPS} is in use by a server that no test started; stop it (is Samba running as a service?)"
        );

        let authority = Authority::named("Fabrikam Directory CA").self_signed()?;
        let passwords: BTreeMap<String, String> = PEOPLE
            .into_iter()
            .map(|name| Ok((name.to_owned(), domain::new_password()?)))
            .collect::<anyhow::Result<_>>()?;
        let domain = folder.join("domain");
        if domain.exists() {
            run(command("rm", true).arg("-rf").arg(&domain))?;
        }
        domain::provision(&domain)?;
        domain::certify(&domain, &authority)?;
        fs::write(folder.join("ca.pem"), authority.pem())?;
        domain::write_as_root(
            &domain.join("etc/smb.conf"),
            domain::settings(&domain).as_bytes(),
        )?;
        let accounts = domain::fill(&domain, &passwords)?;

        let mut process = Program::new(samba)
            .args(["--interactive", "--no-process-group", "-s"])
            .arg(domain.join("etc/smb.conf"))
            .log(folder.join("samba.log"))
            .as_root()
            .start()?;
        lock.note(process.id(), &domain)?;
        process.wait_until(READY, "the domain controller", || {
            Ok(listens(LDAPS).then_some(()))
        })?;
        let mut samba = Self {
            process,
            folder,
            accounts,
            passwords,
            authority,
            _lock: lock,
        };
        samba.wait_until_it_answers()?;
        samba.lock_out("lee")?;
        Ok(samba)
    }

    /// `ldaps://127.0.0.1:636`; the certificate is for this address and `dc1.fabrikam.test`.
    #[must_use]
    pub fn ldaps_url(&self) -> String {
        format!("ldaps://{LDAPS}")
    }

    /// `ldap://127.0.0.1:389`, for StartTLS.
    #[must_use]
    pub fn ldap_url(&self) -> String {
        "ldap://127.0.0.1:389".to_owned()
    }

    /// The authority of its TLS certificate, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// The same authority in a file.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Where people are searched: `DC=fabrikam,DC=test`.
    #[must_use]
    pub fn base_dn(&self) -> &'static str {
        "DC=fabrikam,DC=test"
    }

    /// The account that looks people up, as a bind name.
    #[must_use]
    pub fn bind_dn(&self) -> &str {
        self.accounts
            .get("postern-svc")
            .map_or("", |account| &account.dn)
    }

    /// Its password.
    #[must_use]
    pub fn bind_password(&self) -> &str {
        self.password_of("postern-svc")
    }

    /// The password of one of the accounts of the table above; empty for any other name.
    #[must_use]
    pub fn password_of(&self, name: &str) -> &str {
        self.passwords.get(name).map_or("", String::as_str)
    }

    /// What the directory gave one of the accounts of the table above.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.get(name)
    }

    /// `samba-tool ARGUMENTS…` on this domain, for changes while it runs:
    /// `user_tool(&["user", "disable", "jon"])`.
    ///
    /// # Errors
    /// If `samba-tool` refuses.
    pub fn user_tool(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut tool = command("samba-tool", true);
        tool.args(arguments)
            .arg("-s")
            .arg(self.folder.join("domain/etc/smb.conf"));
        run(&mut tool)
    }

    /// Binds over LDAPS with OpenLDAP's client, as an independent witness: the directory's own text on
    /// a refusal, such as `… AcceptSecurityContext error, data 52e, …`.
    ///
    /// # Errors
    /// If `ldapsearch` cannot be run at all.
    pub fn bind(&self, name: &str, password: &str) -> anyhow::Result<Result<(), String>> {
        let output = self
            .ldapsearch(
                name,
                password,
                &["-s", "base", "-b", "", "defaultNamingContext"],
            )
            .output()
            .context("failed to run ldapsearch")?;
        Ok(if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        })
    }

    /// Searches as the account that looks people up, with OpenLDAP's client: the answer as LDIF.
    ///
    /// # Errors
    /// If the search fails.
    pub fn search(&self, filter: &str, attributes: &[&str]) -> anyhow::Result<String> {
        let mut search = self.ldapsearch(
            self.bind_dn(),
            self.bind_password(),
            &["-o", "ldif-wrap=no", "-LLL", "-b", self.base_dn(), filter],
        );
        run(search.args(attributes))
    }

    /// The process, to be frozen or killed.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn ldapsearch(&self, name: &str, password: &str, arguments: &[&str]) -> Command {
        let name = if name.contains('=') {
            name.to_owned()
        } else {
            format!("{name}@fabrikam.test")
        };
        let mut search = Command::new("ldapsearch");
        search
            .env("LDAPTLS_CACERT", self.ca_file())
            .env("LDAPTLS_REQCERT", "demand")
            .args([
                "-x",
                "-o",
                "nettimeout=5",
                "-H",
                &self.ldaps_url(),
                "-D",
                &name,
                "-w",
                password,
            ])
            .args(arguments)
            .stdin(Stdio::null());
        search
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let (name, password) = (self.bind_dn().to_owned(), self.bind_password().to_owned());
        processes::wait_for(READY, "the domain controller to answer", || {
            if let Some(status) = self.process.ended()? {
                bail!("samba ended ({status}): {}", self.process.log_tail());
            }
            Ok(self.bind(&name, &password)?.ok())
        })
    }

    fn lock_out(&self, name: &str) -> anyhow::Result<()> {
        processes::wait_for(READY, &format!("{name} to be locked out"), || {
            let _ = self.bind(name, "not the password")?;
            let right = self.bind(name, self.password_of(name))?;
            Ok(right.err().filter(|text| text.contains("data 775")))
        })
        .map(|_| ())
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        // Asked first, so that its own children end too; `Process` kills what is left.
        let _ = self.process.stop(Duration::from_secs(5));
        let _ = run(command("rm", true)
            .arg("-rf")
            .arg(self.folder.join("domain")));
    }
}

/// Where Samba's daemon is. It stands in a folder that is not on everybody's search path; its tools do not.
fn installed_samba() -> anyhow::Result<PathBuf> {
    installed("samba-tool", "samba-common-bin")?;
    installed("ldapsearch", "ldap-utils")?;
    installed("samba", "samba-ad-dc")
}

fn installed(program: &str, package: &str) -> anyhow::Result<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
        .with_context(|| {
            format!("{program} is not installed (package {package}); run tests/install")
        })
}
