//! The loop that accepts.
//!
//! **Invariant:** it ends at the soft stop and for no other reason.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long to wait when the process or the machine has no descriptors or memory left.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Hands every connection to `arrived` until `stopping`. `arrived` must not wait.
pub(crate) async fn accept(
    listener: TcpListener,
    stopping: CancellationToken,
    arrived: impl Fn(TcpStream, SocketAddr),
) {
    let mut exhausted = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => return,
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
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(EXHAUSTED) => {}
                }
            }
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
