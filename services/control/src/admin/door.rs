//! The accept loop of the admin API: TCP to HTTP/1.1 over TLS, everything bounded.
//!
//! **Invariant:** whatever a stranger does or leaves undone, a connection costs at most one place of [`CONNECTIONS`] and
//! ends by itself.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use runtime::private_files::{self, PrivateFileError};
use runtime::tasks::Tasks;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::guard::Caller;
use places::{Place, Places};

mod places;

/// Connections at one time.
const CONNECTIONS: usize = 256;
/// Connections of one address.
const CONNECTIONS_PER_ADDRESS: usize = 64;
/// For the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For the head of a request, and for keeping silent between two.
const HEAD: Duration = Duration::from_secs(10);
/// For a connection in all.
const LIFE: Duration = Duration::from_secs(600);
/// Most bytes of a request's head.
const HEAD_BYTES: usize = 32 << 10;
/// Most header fields of a request.
const HEADERS: usize = 64;
/// How long to wait before accepting again when the system gives no more sockets.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);
/// Most bytes of the certificate's and the key's files.
const LARGEST_FILE: usize = 64 << 10;

/// TLS of the admin API.
#[derive(Clone)]
pub struct AdminTls(TlsAcceptor);

/// The admin API cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// A file of its certificate cannot be read.
    #[error(
        "failed to read the admin API's certificate (`control.admin_certificate_file`, `control.admin_key_file`)"
    )]
    File(#[from] PrivateFileError),
    /// A file holds something else.
    #[error("{} holds no {what} as PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
    },
    /// Certificate and key do not fit together.
    #[error("the admin API's certificate and key cannot be used")]
    Tls(#[from] rustls::Error),
    /// The address cannot be listened on.
    #[error("failed to listen on {address} (`control.admin_listen`)")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl AdminTls {
    /// Reads certificate chain and key.
    ///
    /// # Errors
    /// When a file cannot be read, or they do not fit together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, DoorError> {
        let pem = |path: &Path, what| DoorError::Pem {
            path: path.to_owned(),
            what,
        };
        let text = private_files::read_public(certificate, LARGEST_FILE)?;
        let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| pem(certificate, "certificate"))?;
        let text = private_files::read(key, LARGEST_FILE)?;
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| pem(key, "private key"))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

impl std::fmt::Debug for AdminTls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AdminTls")
    }
}

/// The open listener, not served yet.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    tls: AdminTls,
}

impl Door {
    /// Opens the listener.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(crate) async fn open(address: SocketAddr, tls: AdminTls) -> Result<Self, DoorError> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| DoorError::Listen { address, source })?;
        Ok(Self { listener, tls })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the stop; requests in flight are finished.
    pub(crate) async fn serve(self, router: Router, tasks: Tasks) {
        let places = Places::new(CONNECTIONS, CONNECTIONS_PER_ADDRESS);
        let stopping = tasks.stopping();
        loop {
            let accepted = tokio::select! {
                () = stopping.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let (tcp, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "no admin connection can be accepted for the moment");
                    sleep(OUT_OF_SOCKETS).await;
                    continue;
                }
            };
            let Some(place) = places.take(address.ip().to_canonical()) else {
                tracing::warn!(%address, "too many admin connections, dropping this one");
                continue;
            };
            let connection = Connection {
                tls: self.tls.clone(),
                router: router.clone(),
                tasks: tasks.clone(),
                address,
                _place: place,
            };
            tasks.spawn_work("admin connection", connection.serve(tcp));
        }
    }
}

struct Connection {
    tls: AdminTls,
    router: Router,
    tasks: Tasks,
    address: SocketAddr,
    _place: Place,
}

impl Connection {
    async fn serve(self, tcp: TcpStream) {
        // Only latency is lost where the system does not take it.
        let _ = tcp.set_nodelay(true);
        let address = self.address;
        let tls = match timeout(HANDSHAKE, self.tls.0.accept(tcp)).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "admin handshake failed");
                return;
            }
            Err(_) => {
                tracing::debug!(%address, "admin handshake took too long");
                return;
            }
        };
        let router = self.router;
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Caller(address));
            router.clone().oneshot(request)
        });
        let mut connection = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(HEAD_BYTES)
                .max_headers(HEADERS)
                .serve_connection(TokioIo::new(tls), service)
        );
        let stopping = self.tasks.stopping();
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopping.cancelled() => finish(connection).await,
            () = sleep(LIFE) => finish(connection).await,
        };
        if let Err(error) = ended {
            tracing::debug!(%address, %error, "admin connection ended");
        }
    }
}

/// Lets the request in flight end, and takes no other.
async fn finish<S>(
    mut connection: std::pin::Pin<
        &mut http1::Connection<TokioIo<tokio_rustls::server::TlsStream<TcpStream>>, S>,
    >,
) -> hyper::Result<()>
where
    S: hyper::service::HttpService<Incoming, ResBody = axum::body::Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    connection.as_mut().graceful_shutdown();
    connection.await
}
