//! The accept loop: TCP to a TLS connection with a known peer.
//!
//! Handshakes run side by side, each with its own deadline, so that a silent
//! stranger holds up nobody. Past the caps the newest connection is dropped.
//!
//! **Invariant:** only the stop ends the loop, and what leaves it has shown a
//! certificate of the mesh.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use super::peer::KnownPeers;
use super::{Arrival, ServerSettings};
use crate::tasks::Tasks;

/// How long to wait before accepting again when the system gives no more
/// sockets.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// How long a connection may go on past its age while it finishes its calls.
const OVERTIME: Duration = Duration::from_secs(60);

/// What makes connections of sockets.
pub(super) struct Door {
    pub(super) tls: TlsAcceptor,
    pub(super) known: Arc<KnownPeers>,
    pub(super) settings: ServerSettings,
    pub(super) tasks: Tasks,
    pub(super) connections: mpsc::Sender<io::Result<MeshStream>>,
}

impl Door {
    /// Accepts until `stop`.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let connections = Arc::new(Semaphore::new(self.settings.connections));
        let handshakes = Arc::new(Semaphore::new(self.settings.handshakes));
        let mut full = false;
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (tcp, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    rest_after(&error).await;
                    continue;
                }
            };
            let permits = (
                connections.clone().try_acquire_owned(),
                handshakes.clone().try_acquire_owned(),
            );
            let (Ok(connection), Ok(handshake)) = permits else {
                if !std::mem::replace(&mut full, true) {
                    tracing::warn!(%address, "too many mesh connections, dropping new ones");
                }
                continue;
            };
            full = false;
            let door = self.clone();
            self.tasks.spawn_work("mesh handshake", async move {
                door.shake_hands(tcp, address, connection).await;
                drop(handshake);
            });
        }
    }

    async fn shake_hands(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
        connection: OwnedSemaphorePermit,
    ) {
        // Only latency is lost where the system does not take it.
        let _ = tcp.set_nodelay(true);
        let tls = match timeout(self.settings.handshake, self.tls.accept(tcp)).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => {
                tracing::info!(%address, %error, "mesh handshake refused");
                return;
            }
            Err(_) => {
                tracing::info!(%address, "mesh handshake took too long");
                return;
            }
        };
        let leaf = tls.get_ref().1.peer_certificates();
        let peer = leaf
            .and_then(<[_]>::first)
            .and_then(|leaf| self.known.identify(leaf));
        let hard = self.tasks.stopped_hard();
        let longest = self.settings.connection_age + OVERTIME;
        let end = async move {
            let _ = timeout(longest, hard.cancelled()).await;
        };
        let stream = MeshStream {
            tls,
            arrival: Arrival { peer, address },
            end: Box::pin(end),
            _connection: connection,
        };
        // Refused only when the server has stopped: then there is nobody to
        // serve the connection.
        let _ = self.connections.send(Ok(stream)).await;
    }
}

async fn rest_after(error: &io::Error) {
    let about_one_connection = matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    );
    if !about_one_connection {
        tracing::warn!(%error, "no mesh connection can be accepted for the moment");
        tokio::time::sleep(OUT_OF_SOCKETS).await;
    }
}

/// A connection of the mesh. It ends by itself at the hard stop, and when it
/// has long outlived its age: a drain that hangs in the HTTP library must not
/// hold it for ever.
pub(super) struct MeshStream {
    tls: TlsStream<TcpStream>,
    arrival: Arrival,
    end: BoxFuture<'static, ()>,
    _connection: OwnedSemaphorePermit,
}

impl Connected for MeshStream {
    type ConnectInfo = Arrival;

    fn connect_info(&self) -> Arrival {
        self.arrival.clone()
    }
}

impl AsyncRead for MeshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.end.as_mut().poll(cx).is_ready() {
            // Answered so for good: nobody polls a future past its end.
            self.end = Box::pin(std::future::ready(()));
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.tls).poll_read(cx, into)
    }
}

impl AsyncWrite for MeshStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(cx, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write_vectored(cx, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}
