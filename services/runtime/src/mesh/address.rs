//! One address of a role: its connection and whether to leave it alone for a
//! moment.
//!
//! **Invariant:** at most one attempt to connect runs at a time, and whoever
//! waited for one that failed fails with it instead of trying again.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::ConnectSettings;
use crate::telemetry::chain;

/// How long an address is asked last after it could not be reached; each
/// further time in a row twice as long, up to the longest.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(16);

type Sender = http2::SendRequest<Full<Bytes>>;

/// Whom a channel calls, and how.
pub(super) struct Target {
    pub(super) tls: TlsConnector,
    pub(super) name: ServerName<'static>,
    pub(super) settings: ConnectSettings,
}

/// Why an address gave no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// Not connected; the request was not sent.
    Unreachable(String),
    /// The connection went before the request did.
    Unsent(String),
    /// The connection broke after the request went out: it may have been
    /// worked on.
    Broken(String),
    /// Nothing came in time.
    Late,
}

pub(super) struct Address {
    at: SocketAddr,
    host_and_port: String,
    slot: tokio::sync::Mutex<Slot>,
    resting: Mutex<Option<Resting>>,
}

struct Resting {
    until: Instant,
    time: Duration,
}

#[derive(Default)]
struct Slot {
    sender: Option<Sender>,
    failed: Option<(Instant, String)>,
}

impl Address {
    pub(super) fn new(at: SocketAddr) -> Self {
        Self {
            at,
            host_and_port: at.to_string(),
            slot: tokio::sync::Mutex::default(),
            resting: Mutex::default(),
        }
    }

    /// Where it is.
    pub(super) fn host_and_port(&self) -> &str {
        &self.host_and_port
    }

    /// Whether others should be asked first.
    pub(super) fn is_resting(&self) -> bool {
        let resting = self.resting.lock();
        let resting = resting.unwrap_or_else(PoisonError::into_inner);
        resting
            .as_ref()
            .is_some_and(|resting| Instant::now() < resting.until)
    }

    /// Sends a request and returns the head of its answer.
    pub(super) async fn send(
        &self,
        target: &Target,
        request: http::Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<http::Response<Incoming>, Lost> {
        let connected = match timeout_at(deadline, self.connection(target)).await {
            Ok(connected) => connected,
            // Surely not sent, so whoever called may turn to another address.
            Err(_) => Err(format!("{}: no connection in time", self.at)),
        };
        let mut sender = match connected {
            Ok(sender) => sender,
            Err(why) => {
                self.rest();
                return Err(Lost::Unreachable(why));
            }
        };
        match timeout_at(deadline, sender.try_send_request(request)).await {
            Ok(Ok(answer)) => {
                self.rested();
                Ok(answer)
            }
            Ok(Err(mut error)) => {
                let unsent = error.take_message().is_some();
                let why = chain(error.error());
                match unsent {
                    true => Err(Lost::Unsent(why)),
                    false => {
                        self.rest();
                        Err(Lost::Broken(why))
                    }
                }
            }
            Err(_) => {
                self.rest();
                self.forget().await;
                Err(Lost::Late)
            }
        }
    }

    /// Makes the next call connect anew, which shows quickly whether anybody
    /// is there; calls under way keep the connection they have.
    async fn forget(&self) {
        // Somebody connecting just now needs no reminder.
        if let Ok(mut slot) = self.slot.try_lock() {
            slot.sender = None;
        }
    }

    async fn connection(&self, target: &Target) -> Result<Sender, String> {
        let asked = Instant::now();
        let mut slot = self.slot.lock().await;
        if let Some(sender) = &slot.sender
            && !sender.is_closed()
        {
            return Ok(sender.clone());
        }
        slot.sender = None;
        if let Some((at, why)) = &slot.failed
            && *at >= asked
        {
            return Err(why.clone());
        }
        let connected = match timeout(target.settings.connect, self.connect(target)).await {
            Ok(connected) => connected.map_err(|error| chain(&*error)),
            Err(_) => Err("no connection in time".to_owned()),
        };
        match connected {
            Ok(sender) => {
                slot.failed = None;
                slot.sender = Some(sender.clone());
                Ok(sender)
            }
            Err(why) => {
                let why = format!("{}: {why}", self.at);
                slot.failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    async fn connect(
        &self,
        target: &Target,
    ) -> Result<Sender, Box<dyn std::error::Error + Send + Sync>> {
        let tcp = TcpStream::connect(self.at).await?;
        tcp.set_nodelay(true)?;
        let tls = target.tls.connect(target.name.clone(), tcp).await?;
        if tls.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::other("it does not speak HTTP/2").into());
        }
        let keepalive = target.settings.keepalive;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(keepalive)
            .keep_alive_timeout(keepalive)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(tls))
            .await?;
        // Owned by the senders: it ends with the last of them, or when the
        // other side gives no sign of life.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = chain(&error), "mesh connection ended");
            }
        });
        Ok(sender)
    }

    fn rest(&self) {
        let now = Instant::now();
        let resting = self.resting.lock();
        let mut resting = resting.unwrap_or_else(PoisonError::into_inner);
        let time = match &*resting {
            // Several calls that were lost together are one time.
            Some(before) if now < before.until => return,
            Some(before) => LONGEST_REST.min(before.time * 2),
            None => REST,
        };
        let until = now + time;
        *resting = Some(Resting { until, time });
    }

    fn rested(&self) {
        let resting = self.resting.lock();
        *resting.unwrap_or_else(PoisonError::into_inner) = None;
    }
}
