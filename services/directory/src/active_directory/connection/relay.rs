//! Carries bytes between TLS and the LDAP library, and measures every message that comes in.
//!
//! **Invariant:** the library receives whole messages within the allowance of the request before them, and nothing else.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::active_directory::guard::{Allowance, Hostile, message_length};

/// Read at once, at most.
const CHUNK: usize = 16 << 10;

/// Why a connection was ended from this side.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// Reading or writing failed.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The server takes nothing any more.
    #[error("the server did not take a request in time")]
    Stuck,
    /// What the server sent.
    #[error("the server sent {0}")]
    Hostile(#[from] Hostile),
}

/// Runs until either side ends. `patience` is how long the server may take to accept a request's bytes.
pub(super) async fn run(
    mut server: TlsStream<TcpStream>,
    mut library: UnixStream,
    patience: Duration,
) -> Result<(), Ended> {
    let mut request = BytesMut::with_capacity(CHUNK);
    let mut answer = BytesMut::with_capacity(CHUNK);
    let mut allowance = Allowance::nothing();
    loop {
        request.reserve(CHUNK);
        answer.reserve(CHUNK);
        tokio::select! {
            read = library.read_buf(&mut request) => {
                if read? == 0 {
                    // The question is over. A polite goodbye, if it is taken at once.
                    let _ = timeout(patience, server.shutdown()).await;
                    return Ok(());
                }
                allowance = Allowance::one_answer();
                timeout(patience, async {
                    server.write_all(&request).await?;
                    server.flush().await
                })
                .await
                .map_err(|_| Ended::Stuck)??;
                request.clear();
            }
            read = server.read_buf(&mut answer) => {
                if read? == 0 {
                    return Ok(());
                }
                while let Some(length) = message_length(&answer)? {
                    let Some(message) = answer.get(..length) else { break };
                    allowance.spend(message)?;
                    library.write_all(message).await?;
                    answer.advance(length);
                }
            }
        }
    }
}
