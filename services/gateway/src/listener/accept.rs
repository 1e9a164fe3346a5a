//! The loop that accepts.
//!
//! **Invariant:** it ends after the soft stop and for no other reason, and whoever the system let in before is let in here.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// How long to wait when the process or the machine has no descriptors or memory left.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// After the soft stop: how long nobody may have come, and how long it goes on at most. A balancer takes a moment to see
/// that this gateway stops, and what the system has let in when the port closes is reset.
const QUIET: Duration = Duration::from_millis(300);
const AT_MOST: Duration = Duration::from_secs(5);

/// Hands every connection to `arrived` until `stopping`, and then those that still come. `arrived` must not wait.
pub(crate) async fn accept(
    listener: TcpListener,
    stopping: CancellationToken,
    arrived: impl Fn(TcpStream, SocketAddr),
) {
    let mut exhausted = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                exhausted = false;
                arrived(stream, peer);
            }
            // The peer was gone before it was accepted.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !exhausted {
                    tracing::error!(%error, "cannot accept connections now, trying on");
                }
                exhausted = true;
                tokio::select! {
                    () = stopping.cancelled() => break,
                    () = tokio::time::sleep(EXHAUSTED) => {}
                }
            }
        }
    }
    let end = Instant::now() + AT_MOST;
    loop {
        let quiet = end.min(Instant::now() + QUIET);
        match timeout_at(quiet, listener.accept()).await {
            Ok(Ok((stream, peer))) => arrived(stream, peer),
            Ok(Err(error)) if is_of_one_connection(&error) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
