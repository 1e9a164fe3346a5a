//! HTTP without TLS, for what observes a system: Jaeger, Prometheus, health.
//!
//! **Invariant:** no question takes longer than ten seconds, and no answer is read past 16 megabytes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(10);
const LARGEST: usize = 16 << 20;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body of an answer with status 200, as JSON.
    ///
    /// # Errors
    /// If the status or the body is another.
    pub fn json(&self) -> Result<serde_json::Value> {
        let text = String::from_utf8_lossy(&self.body);
        ensure!(self.status == 200, "answered {}: {text}", self.status);
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {text}"))
    }
}

/// `GET path` at an address.
///
/// # Errors
/// If no whole answer comes in time.
pub async fn get(address: SocketAddr, path: &str) -> Result<Answer> {
    match tokio::time::timeout(DEADLINE, exchange(address, path)).await {
        Ok(answer) => answer.with_context(|| format!("http://{address}{path}")),
        Err(_) => bail!("http://{address}{path} did not answer within {DEADLINE:?}"),
    }
}

async fn exchange(address: SocketAddr, path: &str) -> Result<Answer> {
    let stream = TcpStream::connect(address)
        .await
        .context("failed to connect")?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = http::Request::get(path)
        .header("host", address.to_string())
        .body(Empty::<Bytes>::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        anyhow::Ok(Answer { status, body })
    };
    let driven = async {
        connection.await?;
        std::future::pending::<Result<Answer>>().await
    };
    tokio::select! { answer = exchange => answer, failed = driven => failed }
}
