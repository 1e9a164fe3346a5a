//! One address of a role: its connection and whether to leave it alone for a
//! moment.
//!
//! **Invariant:** at most one attempt to connect runs at a time, and whoever
//! waited for one that failed fails with it instead of trying again.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::ConnectSettings;
use crate::telemetry::chain;

/// How long an address is asked last after it could not be reached.
const REST: Duration = Duration::from_secs(1);

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
    host_and_port: String,
    slot: tokio::sync::Mutex<Slot>,
    resting: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Slot {
    sender: Option<Sender>,
    failed: Option<(Instant, String)>,
}

impl Address {
    pub(super) fn new(host_and_port: String) -> Self {
        Self {
            host_and_port,
            slot: tokio::sync::Mutex::default(),
            resting: Mutex::default(),
        }
    }

    /// Whether others should be asked first.
    pub(super) fn is_resting(&self) -> bool {
        let resting = self.resting.lock();
        let resting = resting.unwrap_or_else(PoisonError::into_inner);
        resting.is_some_and(|until| Instant::now() < until)
    }

    /// Sends a request and returns the head of its answer.
    pub(super) async fn send(
        &self,
        target: &Target,
        request: http::Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<http::Response<Incoming>, Lost> {
        let sent = async {
            let mut sender = self.connection(target).await.map_err(Lost::Unreachable)?;
            let answer = sender.try_send_request(request).await;
            answer.map_err(|mut error| {
                let unsent = error.take_message().is_some();
                let why = chain(error.error());
                match unsent {
                    true => Lost::Unsent(why),
                    false => Lost::Broken(why),
                }
            })
        };
        match tokio::time::timeout_at(deadline, sent).await {
            Ok(Ok(answer)) => {
                self.rest(None);
                Ok(answer)
            }
            Ok(Err(lost)) => {
                if !matches!(lost, Lost::Unsent(_)) {
                    self.rest(Some(REST));
                }
                Err(lost)
            }
            Err(_) => {
                self.rest(Some(REST));
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
                let why = format!("{}: {why}", self.host_and_port);
                slot.failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    async fn connect(
        &self,
        target: &Target,
    ) -> Result<Sender, Box<dyn std::error::Error + Send + Sync>> {
        let tcp = TcpStream::connect(&self.host_and_port).await?;
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

    fn rest(&self, time: Option<Duration>) {
        let resting = self.resting.lock();
        let mut resting = resting.unwrap_or_else(PoisonError::into_inner);
        *resting = time.map(|time| Instant::now() + time);
    }
}
