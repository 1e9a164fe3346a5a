//! Bare handshakes: a connection, the proof of a key, and the end; with or without one answer in between.
//!
//! **Invariant:** each is waited for until the server has closed it, so the server has done all of its part.

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Dialer, Work};

/// More than any answer that is asked for here.
const LARGEST_ANSWER: u64 = 1 << 20;

/// Handshakes with one server.
#[derive(Debug)]
pub(crate) struct Handshakes {
    dialer: Dialer,
    request: Option<String>,
}

impl Handshakes {
    /// Closed by the client as soon as they are done.
    pub(crate) const fn bare(dialer: Dialer) -> Self {
        Self {
            dialer,
            request: None,
        }
    }

    /// With one request, for a page that is not there.
    pub(crate) fn with_an_answer(dialer: Dialer) -> Self {
        let host = dialer.host();
        let request = format!("GET /nothing HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        Self {
            dialer,
            request: Some(request),
        }
    }
}

impl Work for Handshakes {
    async fn once(&self) -> Result<()> {
        let mut stream = self.dialer.dial().await?;
        let mut answer = Vec::new();
        match &self.request {
            None => stream.shutdown().await?,
            Some(request) => stream.write_all(request.as_bytes()).await?,
        }
        let read = (&mut stream)
            .take(LARGEST_ANSWER)
            .read_to_end(&mut answer)
            .await;
        if self.request.is_some() {
            read.context("the connection was cut off")?;
            anyhow::ensure!(answer.starts_with(b"HTTP/1.1 404"), "no 404 came");
        }
        Ok(())
    }
}
