//! Connections on which the service account is bound, to whichever domain controller answers.
//!
//! The first server in the configured order that is not known to be dead is used. One that failed is passed over for ten
//! seconds, and connections to it are dropped; after ten minutes every connection is made anew, so that people come back
//! to the server the administrator prefers.
//!
//! **Invariant:** a service account whose password was refused is not tried again for a minute, and never twice at a time:
//! a wrong setting must not lock the account out. A search is repeated at most once, a bind of a person never. A
//! connection whose question was given up is not used for another one.

mod lease;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, PoolError, RecycleError, RecycleResult};
use runtime::telemetry::chain;

use super::bind::Bound;
use super::connection::{Connection, Results, Search, Trouble, Ways};
use super::server::Server;
use crate::numbers::Numbers;
use crate::password::Password;
use lease::{Lease, Patience};

/// How long a server that failed is passed over.
const DEAD: Duration = Duration::from_secs(10);
/// How long a refused service account is left alone.
const REFUSED: Duration = Duration::from_secs(60);
/// How old a connection may get.
const OLD: Duration = Duration::from_secs(600);

/// Why no domain controller answered.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Every server failed; this is the last one's trouble.
    #[error("no domain controller can be used; the last tried was {server}")]
    Server {
        /// Its address.
        server: String,
        /// What was wrong.
        #[source]
        trouble: Trouble,
    },
    /// The service account's name or password is refused.
    #[error(
        "the directory refuses the bind account (sub-code {code:x}); it is tried again after a minute"
    )]
    BindAccount {
        /// The directory's sub-code, 0 where it gave none.
        code: u32,
    },
    /// All connections are in use.
    #[error("all connections to the directory are in use")]
    Busy,
    /// There is no server at all.
    #[error("the connection has no domain controller")]
    NoServer,
}

/// The pool of one directory.
#[derive(Debug)]
pub struct Pool {
    connections: managed::Pool<Dialler>,
}

/// A pool at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolState {
    /// Connections that wait for a question.
    pub idle: usize,
    /// Connections with a question.
    pub busy: usize,
    /// Every server, and whether it worked when it was last used.
    pub servers: Vec<(String, bool)>,
}

/// The service account.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// Distinguished name or user principal name.
    pub name: String,
    /// Its password.
    pub password: Password,
}

impl Pool {
    /// A pool of at most `most` connections; none is opened yet.
    ///
    /// # Errors
    /// When the pool cannot be set up (a runtime without timers).
    pub fn new(
        servers: Vec<Server>,
        account: ServiceAccount,
        ways: Ways,
        most: usize,
    ) -> Result<Self, managed::BuildError> {
        let wait = ways.deadlines.operation;
        let health = servers.iter().map(|_| None).collect();
        let dialler = Dialler {
            servers,
            account,
            ways,
            failed: Mutex::new(health),
            refused: Mutex::new(None),
            proving: tokio::sync::Mutex::new(()),
        };
        let connections = managed::Pool::builder(dialler)
            .max_size(most.max(1))
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(wait))
            .build()?;
        Ok(Self { connections })
    }

    /// Where operations are counted.
    pub(super) fn numbers(&self) -> &Numbers {
        &self.connections.manager().ways.numbers
    }

    /// How it is with connections and servers now.
    pub(super) fn state(&self) -> PoolState {
        let status = self.connections.status();
        let dialler = self.connections.manager();
        let failed = dialler.failed.lock();
        let failed = failed.unwrap_or_else(PoisonError::into_inner);
        let servers = dialler.servers.iter().zip(failed.iter());
        PoolState {
            idle: status.available,
            busy: status.size.saturating_sub(status.available),
            servers: servers
                .map(|(server, failed)| (server.to_string(), failed.is_none()))
                .collect(),
        }
    }

    /// Asks for entries, on a second connection when the first one breaks.
    ///
    /// # Errors
    /// When no server answers.
    pub async fn search(&self, search: &Search) -> Result<Results, NoAnswer> {
        match self.search_once(search).await {
            Err(NoAnswer::Server { server, trouble }) if trouble.is_of_the_connection() => {
                tracing::warn!(server, error = chain(&trouble), "asking another connection");
                self.search_once(search).await
            }
            answer => answer,
        }
    }

    /// A fresh connection on which nobody is bound, to the first server that can be reached. For a person's own bind:
    /// it belongs to that person from then on and never enters the pool.
    ///
    /// # Errors
    /// When no server can be reached.
    pub async fn unbound(&self) -> Result<Connection, NoAnswer> {
        let dialler = self.connections.manager();
        let mut last = NoAnswer::NoServer;
        for index in dialler.order() {
            match dialler.open(index).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn search_once(&self, search: &Search) -> Result<Results, NoAnswer> {
        let pooled = self.connections.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            _ => NoAnswer::Busy,
        })?;
        let dialler = self.connections.manager();
        let server = pooled.server;
        let mut lease = Lease::of(pooled, dialler);
        match lease.search(search).await {
            Ok(results) => {
                lease.give_back();
                Ok(results)
            }
            Err(trouble) => {
                // Whatever went wrong, an answer may still be on its way over this connection.
                lease.throw_away(&trouble);
                Err(dialler.no_answer(server, trouble))
            }
        }
    }
}

/// Opens connections for the pool.
#[derive(Debug)]
struct Dialler {
    servers: Vec<Server>,
    account: ServiceAccount,
    ways: Ways,
    /// When each server last failed.
    failed: Mutex<Vec<Option<Instant>>>,
    /// When the service account was last refused, and with which sub-code.
    refused: Mutex<Option<(Instant, u32)>>,
    /// Held while the service account is tried: many questions at once must not become many failures, also on the day its
    /// password is changed.
    proving: tokio::sync::Mutex<()>,
}

/// A connection on which the service account is bound.
#[derive(Debug)]
struct Pooled {
    connection: Connection,
    server: usize,
    opened: Instant,
}

impl managed::Manager for Dialler {
    type Type = Pooled;
    type Error = NoAnswer;

    async fn create(&self) -> Result<Pooled, NoAnswer> {
        self.refused_lately()?;
        let mut last = NoAnswer::NoServer;
        for server in self.order() {
            match self.bound(server).await {
                Ok(pooled) => return Ok(pooled),
                // Another controller of the domain would count the same failure again.
                Err(refused @ NoAnswer::BindAccount { .. }) => return Err(refused),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<NoAnswer> {
        if pooled.connection.is_closed() || pooled.opened.elapsed() > OLD {
            return Err(RecycleError::message("closed or old"));
        }
        if self.failed_since(pooled.server, pooled.opened) {
            return Err(RecycleError::message("the server failed since"));
        }
        Ok(())
    }
}

impl Dialler {
    /// The servers to try, in order: those not known to be dead, then the others, for want of better.
    fn order(&self) -> Vec<usize> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let dead = |index: &usize| {
            failed
                .get(*index)
                .copied()
                .flatten()
                .is_some_and(|failed| failed.elapsed() < DEAD)
        };
        let (dead, mut order): (Vec<_>, Vec<_>) = (0..self.servers.len()).partition(dead);
        order.extend(dead);
        order
    }

    async fn open(&self, index: usize) -> Result<Connection, NoAnswer> {
        let server = self.servers.get(index).ok_or(NoAnswer::NoServer)?;
        let patience = Patience::with(self, index, self.ways.deadlines.connect);
        let opened = Connection::open(server, &self.ways).await;
        patience.rewarded();
        match opened {
            Ok(connection) => {
                self.mark(index, None);
                Ok(connection)
            }
            Err(trouble) => {
                self.failed_with(index, &trouble);
                Err(self.no_answer(index, trouble))
            }
        }
    }

    async fn bound(&self, server: usize) -> Result<Pooled, NoAnswer> {
        let opened = Instant::now();
        let mut connection = self.open(server).await?;
        let _alone = self.proving.lock().await;
        // What the one before found out holds for this one: it is not sent to be refused, or to wait in vain, again.
        self.refused_lately()?;
        if self.failed_since(server, opened) {
            return Err(self.no_answer(server, Trouble::Silent));
        }
        let patience = Patience::with(self, server, self.ways.deadlines.operation);
        let bound = connection
            .bind(&self.account.name, &self.account.password)
            .await;
        patience.rewarded();
        match bound {
            Ok(Bound::Yes) => Ok(Pooled {
                connection,
                server,
                opened,
            }),
            Ok(Bound::No { code, .. }) => {
                let code = code.unwrap_or(0);
                tracing::error!(
                    alarm = true,
                    server = self.name(server),
                    sub_code = format!("{code:x}"),
                    what_to_do = "put the bind account's password right (52e: it is wrong; 532, 773: it has to be changed; 533, 775: the account is disabled or locked); it is tried again after a minute",
                    "the directory refuses the bind account, so nobody of this connection can sign in"
                );
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((Instant::now(), code));
                Err(NoAnswer::BindAccount { code })
            }
            Ok(Bound::Unknown) => {
                let trouble = Trouble::Unreadable("an unusable answer to a bind".into());
                self.failed_with(server, &trouble);
                Err(self.no_answer(server, trouble))
            }
            Err(trouble) => {
                self.failed_with(server, &trouble);
                Err(self.no_answer(server, trouble))
            }
        }
    }

    /// Whether the server failed after `moment`.
    fn failed_since(&self, server: usize, moment: Instant) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let last = failed.get(server).copied().flatten();
        last.is_some_and(|last| last >= moment)
    }

    fn refused_lately(&self) -> Result<(), NoAnswer> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match *refused {
            Some((when, code)) if when.elapsed() < REFUSED => Err(NoAnswer::BindAccount { code }),
            _ => Ok(()),
        }
    }

    /// Passes a server over for a while, and says so when it is news.
    fn failed_with(&self, server: usize, trouble: &Trouble) {
        if self.mark(server, Some(Instant::now())) {
            let what_to_do = match trouble {
                Trouble::Unreachable(_) | Trouble::Silent => {
                    "see whether it runs, whether this host may reach it, and whether its certificate is one that the connection trusts"
                }
                _ => "see the domain controller's own event log",
            };
            tracing::warn!(
                server = self.name(server),
                error = chain(trouble),
                what_to_do,
                "a domain controller gives no usable answer; the others are asked before it"
            );
        }
    }

    /// Notes when a server failed, or that it works. Answers whether that is news.
    fn mark(&self, server: usize, failed_at: Option<Instant>) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = failed.get_mut(server) else {
            return false;
        };
        let news = slot.is_some() != failed_at.is_some();
        *slot = failed_at;
        drop(failed);
        if news && failed_at.is_none() {
            tracing::info!(
                server = self.name(server),
                "a domain controller answers again"
            );
        }
        news
    }

    fn name(&self, server: usize) -> String {
        let server = self.servers.get(server);
        server.map(ToString::to_string).unwrap_or_default()
    }

    fn no_answer(&self, server: usize, trouble: Trouble) -> NoAnswer {
        let server = self.name(server);
        NoAnswer::Server { server, trouble }
    }
}
