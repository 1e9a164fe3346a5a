//! `postern health`: asks a process on this machine whether it is ready, for container health checks where there is no
//! shell and no other program.
//!
//! **Invariant:** only the answer 200 is health; no answer, a late one and any other are not.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::Args;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use crate::terminal::{complain, say};

#[cfg(test)]
mod tests;

/// Most bytes of an answer.
const ANSWER_LIMIT: usize = 64 << 10;

/// Arguments of `postern health`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to ask: /readyz or /healthz at the address of the process's `operations.listen`
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9200/readyz"
    )]
    pub url: Url,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub within: u64,
}

impl Arguments {
    /// Asks, prints the answer, and says by the exit code what it is: 0 for 200, otherwise 1.
    pub(crate) async fn run(&self) -> ExitCode {
        let deadline = Duration::from_secs(self.within);
        let answer = tokio::time::timeout(deadline, ask(&self.url)).await;
        let answer = answer.unwrap_or_else(|_| bail_late(&self.url, deadline));
        match answer {
            Ok((StatusCode::OK, body)) => {
                say!("{}", body.trim_end());
                ExitCode::SUCCESS
            }
            Ok((status, body)) => {
                complain!(
                    "postern: {} answered {status}: {}",
                    self.url,
                    body.trim_end()
                );
                ExitCode::FAILURE
            }
            Err(error) => {
                complain!("postern: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}

fn bail_late<T>(url: &Url, deadline: Duration) -> Result<T> {
    bail!("{url} did not answer within {} s", deadline.as_secs())
}

async fn ask(url: &Url) -> Result<(StatusCode, String)> {
    if url.scheme() != "http" {
        bail!("{url} is not an http address: the port of `operations.listen` speaks plain HTTP");
    }
    let host = url.host_str().context("the address has no host")?;
    let port = url.port_or_known_default().unwrap_or(80);
    let place = format!("{host}:{port}");
    let stream = TcpStream::connect(&place)
        .await
        .with_context(|| format!("nothing answers at {place}: is the process running, and is this its `operations.listen`?"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(url.path())
        .header("host", &place)
        .body(Empty::<Bytes>::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_LIMIT)
            .collect()
            .await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    // Polled here, beside the exchange, so that nothing of it outlives the call.
    let driven = async {
        connection.await?;
        std::future::pending().await
    };
    let answer: Result<_> =
        tokio::select! { answer = exchange => answer, failed = driven => failed };
    answer.with_context(|| {
        format!("{url} does not speak plain HTTP: is this the process's `operations.listen`?")
    })
}
