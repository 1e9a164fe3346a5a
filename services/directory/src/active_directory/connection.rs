//! One connection to one domain controller.
//!
//! TCP, StartTLS where the address says so, and TLS are done here; the LDAP library gets one end of a socket pair, and
//! the relay lets through what [`guard`](super::guard) has measured. The library's own panics on strange answers end in
//! the task they happen in.
//!
//! **Invariant:** no byte of LDAP but StartTLS is sent outside TLS, every wait has a deadline, and a connection on which
//! anything went wrong is not used again.

mod relay;
mod starttls;

use std::any::Any;
use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry,
    SearchOptions, StdStream,
};
use runtime::tasks::Tasks;
use rustls::ClientConfig;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tracing::field::Empty;
use tracing::info_span;

use super::bind::{Bound, meaning};
use super::entry::Entry;
use super::filter::{Attribute, Filter};
use super::server::Server;
use crate::numbers::{Numbers, OK, Operation, REFUSED};
use crate::password::Password;
use crate::settings::Deadlines;

const SUCCESS: u32 = 0;
const NO_SUCH_OBJECT: u32 = 32;
const SIZE_LIMIT_EXCEEDED: u32 = 4;

/// What is needed to reach domain controllers, apart from which one.
#[derive(Debug, Clone)]
pub struct Ways {
    /// Owns what runs beside a question.
    pub tasks: Tasks,
    /// What certificates are trusted by.
    pub tls: Arc<ClientConfig>,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// Where operations are counted.
    pub numbers: Numbers,
}

/// An open connection, used by one question at a time.
#[derive(Debug)]
pub struct Connection {
    ldap: Ldap,
    server: String,
    deadlines: Deadlines,
    numbers: Numbers,
}

/// A question to the directory.
#[derive(Debug, Clone)]
pub struct Search {
    /// Where to begin; empty for the server's own entry (the root DSE).
    pub base: String,
    /// The base alone, or everything below it.
    pub scope: Scope,
    /// What to find.
    pub filter: Filter,
    /// What to read of it.
    pub attributes: &'static [Attribute],
    /// Most entries that are wanted.
    pub most: i32,
}

/// What a search brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// The entries; references to other directories are left out and never followed.
    pub entries: Vec<Entry>,
    /// Whether there were more than wanted.
    pub more: bool,
}

/// Why a domain controller gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It cannot be reached, or its TLS certificate is not trusted.
    #[error("failed to reach the domain controller")]
    Unreachable(#[source] io::Error),
    /// StartTLS was refused or answered strangely.
    #[error("the domain controller did not start TLS")]
    NoTls,
    /// No answer in time.
    #[error("the domain controller did not answer in time")]
    Silent,
    /// The connection ended, or was ended because of what came over it.
    #[error("the connection to the domain controller broke")]
    Broken(#[source] Box<LdapError>),
    /// The LDAP library gave up on an answer.
    #[error("the domain controller's answer is not LDAP: {0}")]
    Unreadable(String),
    /// It answered, but not the question (RFC 4511 appendix A).
    #[error("the domain controller answered with result code {code}")]
    Refused {
        /// The result code.
        code: u32,
    },
}

impl Trouble {
    /// It as one word, for spans and counts.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::NoTls => "no_tls",
            Self::Silent => "silent",
            Self::Broken(_) => "broken",
            Self::Unreadable(_) => "unreadable",
            Self::Refused {
                code: NO_SUCH_OBJECT,
            } => "no_such_object",
            Self::Refused { .. } => REFUSED,
        }
    }

    /// Whether another connection may fare better.
    #[must_use]
    pub const fn is_of_the_connection(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

impl Connection {
    /// Opens a connection that nobody is bound on yet.
    ///
    /// # Errors
    /// When the server cannot be reached within the deadline, or is not the one that is trusted.
    pub async fn open(server: &Server, ways: &Ways) -> Result<Self, Trouble> {
        let span = info_span!(
            "ldap connect",
            otel.kind = "client",
            otel.status_code = Empty,
            server = %server,
            outcome = Empty,
        );
        let opened = Self::opened(server, ways);
        let numbers = &ways.numbers;
        numbers.run(Operation::Connect, &span, opened, word).await
    }

    async fn opened(server: &Server, ways: &Ways) -> Result<Self, Trouble> {
        let stream = timeout(ways.deadlines.connect, async {
            let address = (server.host.as_str(), server.port);
            let mut stream = TcpStream::connect(address)
                .await
                .map_err(Trouble::Unreachable)?;
            stream.set_nodelay(true).map_err(Trouble::Unreachable)?;
            if server.starts_tls {
                starttls::request(&mut stream).await?;
            }
            TlsConnector::from(ways.tls.clone())
                .connect(server.name.clone(), stream)
                .await
                .map_err(Trouble::Unreachable)
        })
        .await
        .map_err(|_| Trouble::Silent)??;

        let (near, far) = UnixStream::pair().map_err(Trouble::Unreachable)?;
        let far = far.into_std().map_err(Trouble::Unreachable)?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(far));
        let (driver, ldap) = LdapConnAsync::with_settings(settings, "ldapi:///")
            .await
            .map_err(broken)?;
        let patience = ways.deadlines.operation;
        ways.tasks.spawn_work("directory.relay", async move {
            if let Err(error) = relay::run(stream, near, patience).await {
                tracing::warn!(error = %error, "a connection to a domain controller was ended");
            }
        });
        ways.tasks.spawn_work("directory.ldap", async move {
            if let Err(error) = driver.drive().await {
                tracing::debug!(error = %error, "a connection to a domain controller broke");
            }
        });
        Ok(Self {
            ldap,
            server: server.to_string(),
            deadlines: ways.deadlines,
            numbers: ways.numbers.clone(),
        })
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&mut self) -> bool {
        self.ldap.is_closed()
    }

    /// Sends a name and password, once.
    ///
    /// # Errors
    /// When no answer came; whether the directory counted the attempt is not known then.
    pub async fn bind(&mut self, name: &str, password: &Password) -> Result<Bound, Trouble> {
        let span = info_span!(
            "ldap bind",
            otel.kind = "client",
            otel.status_code = Empty,
            server = self.server,
            outcome = Empty,
            code = Empty,
        );
        let (deadlines, numbers) = (self.deadlines, self.numbers.clone());
        let bind = self.ldap.simple_bind(name, password.expose());
        let bound = async {
            let answer = within(deadlines, async { bind.await.map_err(broken) }).await?;
            let LdapResult { rc, text, .. } = answer;
            Ok(meaning(rc, &text))
        };
        let outcome = |bound: &Result<Bound, Trouble>| match bound {
            Ok(Bound::No { .. }) => REFUSED,
            Ok(Bound::Unknown) => "unreadable",
            other => word(other),
        };
        let bound = numbers.run(Operation::Bind, &span, bound, outcome).await;
        if let Ok(Bound::No { refusal, .. }) = &bound {
            span.record("code", refusal.reason.code());
        }
        bound
    }

    /// Asks for entries.
    ///
    /// # Errors
    /// When no usable answer came.
    pub async fn search(&mut self, search: &Search) -> Result<Results, Trouble> {
        let span = info_span!(
            "ldap search",
            otel.kind = "client",
            otel.status_code = Empty,
            server = self.server,
            outcome = Empty,
            entries = Empty,
        );
        let numbers = self.numbers.clone();
        let found = self.found(search);
        let found = numbers.run(Operation::Search, &span, found, word).await;
        if let Ok(results) = &found {
            span.record("entries", results.entries.len());
        }
        found
    }

    async fn found(&mut self, search: &Search) -> Result<Results, Trouble> {
        let options = SearchOptions::new().sizelimit(search.most);
        let filter = search.filter.to_string();
        let ldap = self.ldap.with_search_options(options);
        within(self.deadlines, async {
            let answer = ldap
                .search(&search.base, search.scope, &filter, search.attributes)
                .await
                .map_err(broken)?;
            let code = answer.1.rc;
            if code != SUCCESS && code != SIZE_LIMIT_EXCEEDED {
                return Err(Trouble::Refused { code });
            }
            let entries = answer
                .0
                .into_iter()
                .filter(|entry| !entry.is_ref() && !entry.is_intermediate())
                // Panics on an entry that is none; `within` makes that an answer that cannot be read.
                .map(|entry| Entry::from(SearchEntry::construct(entry)))
                .collect();
            Ok(Results {
                entries,
                more: code == SIZE_LIMIT_EXCEEDED,
            })
        })
        .await
    }
}

/// Runs one operation within its deadline, and catches a panic of the library's.
async fn within<T>(
    deadlines: Deadlines,
    operation: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    match timeout(
        deadlines.operation,
        AssertUnwindSafe(operation).catch_unwind(),
    )
    .await
    {
        Err(_) => Err(Trouble::Silent),
        Ok(Err(panic)) => Err(Trouble::Unreadable(message_of(&*panic))),
        Ok(Ok(result)) => result,
    }
}

fn word<T>(result: &Result<T, Trouble>) -> &'static str {
    result.as_ref().map_or_else(Trouble::word, |_| OK)
}

fn broken(error: LdapError) -> Trouble {
    Trouble::Broken(Box::new(error))
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}
