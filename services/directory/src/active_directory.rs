//! Active Directory over LDAPS or StartTLS.
//!
//! People are found by the service account; a password is checked by binding as the person on a fresh connection, exactly
//! once, after the entry was found and compared. What the session is then, is asked back before it counts.
//!
//! **Invariant:** no bind is repeated and none is made with a name somebody typed: a failed attempt costs its account
//! exactly one count, and an attempt at an unknown name costs the same work as one at a known name.

pub mod bind;
pub mod connection;
pub mod entry;
pub mod filter;
pub mod groups;
pub mod guard;
pub mod pool;
pub mod server;
pub mod trust;

use std::sync::Arc;

use async_trait::async_trait;
use domain::account::{AccountName, Person, Sid};
use domain::connection::ActiveDirectory as Source;
use domain::outcome::{Unavailable, Verdict};
use domain::reason::{Fault, Reason};
use domain::timestamp::Timestamp;
use ldap3::Scope;
use postern_proto::directory::{Method, Who};
use runtime::clock::Clock;
use runtime::tasks::Tasks;
use runtime::telemetry::chain;
use tokio::time::timeout;

use crate::backend::Backend;
use crate::candidate::{Identified, Live, identified, the_only};
use crate::numbers::Numbers;
use crate::password::Password;
use crate::settings::Settings;
use bind::Bound;
use connection::{Connection, Search, Trouble, Ways};
use entry::{Found, PERSON, Unreadable};
use filter::{Attribute, Filter};
use groups::{Groups, UnknownGroups};
use pool::{NoAnswer, Pool, PoolState, ServiceAccount};
use server::{InvalidServer, Server};
use trust::{InvalidTrust, client_config};

/// One Active Directory domain, ready to be asked.
#[derive(Debug)]
pub struct ActiveDirectory {
    base: String,
    pool: Pool,
    groups: Groups,
    ways: Ways,
    clock: Arc<dyn Clock>,
}

/// A description no directory can be reached by.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDirectory {
    /// An address that is none.
    #[error(transparent)]
    Server(#[from] InvalidServer),
    /// No address.
    #[error("there must be at least one domain controller")]
    NoServer,
    /// No search base, or no bind account.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// The bind account's password is missing or unusable.
    #[error("the password of the bind account is missing, empty or not text")]
    BindPassword,
    /// What the servers' certificates are trusted by.
    #[error(transparent)]
    Trust(#[from] InvalidTrust),
    /// The pool cannot be set up.
    #[error("the connection pool cannot be set up")]
    Pool(#[from] deadpool::managed::BuildError),
}

/// Why the directory gave no answer to a question.
#[derive(Debug, thiserror::Error)]
enum Fail {
    #[error("the directory could not be asked")]
    NoAnswer(#[from] NoAnswer),
    #[error(transparent)]
    Groups(#[from] UnknownGroups),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the bind could not be completed")]
    Bind(#[source] Trouble),
    #[error("the directory accepted the password, but the session is not the person's")]
    OtherSession,
    #[error("the directory did not answer in time")]
    Late,
}

impl ActiveDirectory {
    /// Prepares everything a question needs; nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the description.
    pub fn new(
        source: &Source,
        bind_password: &[u8],
        settings: &Settings,
        tasks: Tasks,
        clock: Arc<dyn Clock>,
        numbers: Numbers,
    ) -> Result<Self, InvalidDirectory> {
        let servers = source
            .servers
            .iter()
            .map(|server| server.parse())
            .collect::<Result<Vec<Server>, _>>()?;
        if servers.is_empty() {
            return Err(InvalidDirectory::NoServer);
        }
        for (what, text) in [
            ("search base", &source.base),
            ("bind account", &source.bind_account),
        ] {
            if text.trim().is_empty() {
                return Err(InvalidDirectory::Empty(what));
            }
        }
        let account = ServiceAccount {
            name: source.bind_account.clone(),
            password: Password::typed(bind_password).ok_or(InvalidDirectory::BindPassword)?,
        };
        let ways = Ways {
            tasks,
            tls: client_config(&source.trust)?,
            deadlines: settings.deadlines(),
            numbers,
        };
        Ok(Self {
            base: source.base.clone(),
            pool: Pool::new(servers, account, ways.clone(), settings.pool.into())?,
            groups: Groups::default(),
            ways,
            clock,
        })
    }

    /// The entry of the one person that `who` stands for, with its distinguished name. Its state is not judged yet.
    async fn find(&self, who: &Who) -> Result<Verdict<(String, Identified)>, Fail> {
        let which = match who {
            Who::Certificate { account, .. } => {
                Filter::equal(Attribute::SAM_ACCOUNT_NAME, account.as_str())
            }
            Who::Account(id) => Filter::equal(Attribute::OBJECT_GUID, id.0.to_bytes_le()),
        };
        let results = self
            .pool
            .search(&Search {
                base: self.base.clone(),
                scope: Scope::Subtree,
                filter: Filter::person(which),
                attributes: PERSON,
                most: 2,
            })
            .await?;
        if results.more {
            return Ok(Verdict::refused(Reason::AmbiguousAccount));
        }
        let entry = match the_only(results.entries) {
            Verdict::Accepted(entry) => entry,
            Verdict::Refused(refusal) => return Ok(Verdict::Refused(refusal)),
        };
        Ok(match entry.person()? {
            Found::NotAPerson(why) => Verdict::refused_because(Reason::NotInDirectory, why),
            Found::Person(candidate) => {
                identified(*candidate, who).map(|identified| (entry.name, identified))
            }
        })
    }

    async fn with_groups(&self, name: &str, live: Live) -> Result<Verdict<Person>, Fail> {
        let groups = self.groups.of(name, &self.base, &self.pool).await?;
        Ok(Verdict::Accepted(live.person(groups)))
    }

    async fn who_is(&self, who: &Who, method: Method) -> Result<Verdict<Person>, Fail> {
        let (name, found) = match self.find(who).await? {
            Verdict::Accepted(found) => found,
            Verdict::Refused(refusal) => return Ok(Verdict::Refused(refusal)),
        };
        match found.live(method, self.now()) {
            Verdict::Accepted(live) => self.with_groups(&name, live).await,
            Verdict::Refused(refusal) => Ok(Verdict::Refused(refusal)),
        }
    }

    async fn check(
        &self,
        account: &AccountName,
        password: &Password,
    ) -> Result<Verdict<Person>, Fail> {
        let who = Who::Certificate {
            account: account.clone(),
            sid: None,
        };
        let (name, found) = match self.find(&who).await? {
            Verdict::Accepted((name, found)) => (name, Some(found)),
            Verdict::Refused(refusal) => {
                tracing::info!(cause = %refusal.reason, detail = refusal.detail, "no account for this sign-in");
                // The same work as for somebody who exists, at a name that nobody has.
                (format!("CN=postern-no-such-account,{}", self.base), None)
            }
        };
        let mut session = self.pool.unbound().await?;
        let bound = session.bind(&name, password).await.map_err(Fail::Bind)?;
        let Some(found) = found else {
            return Ok(Verdict::refused(Reason::WrongCredentials));
        };
        match bound {
            Bound::Yes => {}
            Bound::No { refusal, code } => {
                tracing::info!(account = %found.candidate().id, code, "the directory refused a bind");
                return Ok(Verdict::Refused(refusal));
            }
            Bound::Unknown => {
                return Err(Fail::Bind(Trouble::Unreadable("an unusable answer".into())));
            }
        }
        if !is_session_of(&mut session, found.candidate().sid.as_ref()).await? {
            return Err(Fail::OtherSession);
        }
        drop(session);
        match found.live(Method::Password, self.now()) {
            Verdict::Accepted(live) => self.with_groups(&name, live).await,
            Verdict::Refused(refusal) => Ok(Verdict::Refused(refusal)),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now().into()
    }

    /// An answer within the deadline of a whole question, or none.
    async fn in_time(
        &self,
        answer: impl Future<Output = Result<Verdict<Person>, Fail>>,
    ) -> Result<Verdict<Person>, Unavailable> {
        timeout(self.ways.deadlines.question, answer)
            .await
            .unwrap_or(Err(Fail::Late))
            .map_err(|fail| Unavailable::new(Fault::DirectoryUnavailable, chain(&fail)))
    }
}

#[async_trait]
impl Backend for ActiveDirectory {
    async fn resolve(&self, who: &Who, method: Method) -> Result<Verdict<Person>, Unavailable> {
        self.in_time(self.who_is(who, method)).await
    }

    async fn authenticate(
        &self,
        account: &AccountName,
        password: &Password,
    ) -> Result<Verdict<Person>, Unavailable> {
        self.in_time(self.check(account, password)).await
    }

    fn pool(&self) -> Option<PoolState> {
        Some(self.pool.state())
    }
}

/// Whether the session is that of the account: its security identifier is among those the server says the session has.
/// A server that takes a bind for an anonymous one (RFC 4513 section 5.1.2), or for somebody else's, fails here.
async fn is_session_of(session: &mut Connection, sid: Option<&Sid>) -> Result<bool, Fail> {
    let results = session
        .search(&Search {
            base: String::new(),
            scope: Scope::Base,
            filter: Filter::Present(Attribute::OBJECT_CLASS),
            attributes: &[Attribute::TOKEN_GROUPS],
            most: 1,
        })
        .await
        .map_err(Fail::Bind)?;
    let Some(entry) = results.entries.first() else {
        return Ok(false);
    };
    Ok(sid.is_some()
        && entry
            .values(Attribute::TOKEN_GROUPS)
            .iter()
            .any(|bytes| Sid::from_binary(bytes).ok().as_ref() == sid))
}
