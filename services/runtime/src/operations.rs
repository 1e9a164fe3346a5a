//! The port for those who run a process: is it alive, is it ready, and its
//! numbers. Plain HTTP, for a network that only operators reach.
//!
//! `/healthz`: 200 while the process runs. `/readyz`: 200 once it can do its
//! work, else 503, with what is missing. `/metrics`: Prometheus' text.
//!
//! **Invariant:** nothing here changes anything, and nothing here is secret.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::metrics::{Metrics, label};
use crate::readiness::Readiness;
use crate::settings::Key;

/// The settings of the port, for a section `operations` of any settings type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct OperationsSettings {
    /// Where it listens.
    pub listen: SocketAddr,
}

impl OperationsSettings {
    /// The documented key, with this default.
    pub const fn key(default: &'static str) -> Key {
        Key {
            path: "listen",
            default,
            doc: "Address and port of /healthz, /readyz and /metrics, over plain HTTP. They tell no secrets, but belong to your own network.",
            secret: false,
        }
    }
}

/// Connections at one time.
const CONNECTIONS: usize = 64;

/// How long one connection may last, all of it.
const LONGEST: Duration = Duration::from_secs(10);

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);

/// How long to wait when no connection can be taken, for want of files say.
const AFTER_A_FAILURE: Duration = Duration::from_millis(100);

/// Opens the port.
///
/// # Errors
/// When it cannot be opened: the address is in the error.
pub async fn bind(settings: &OperationsSettings) -> io::Result<TcpListener> {
    let OperationsSettings { listen } = settings;
    TcpListener::bind(listen).await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!(
                "operations.listen = {listen} cannot be opened: {error}; if another process has the port, stop it or set another one"
            ),
        )
    })
}

/// The port while it is served: until this is dropped, so also while the
/// process drains.
#[derive(Debug)]
#[must_use = "the port closes when this is dropped"]
pub struct Operations(JoinHandle<()>);

impl Drop for Operations {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves the port of a process of this version.
pub fn serve(
    listener: TcpListener,
    metrics: &Metrics,
    readiness: &Readiness,
    version: &'static str,
) -> Operations {
    metrics.gauge(
        "postern_build_info",
        "Always 1; the label is the version that runs.",
        move |tell| tell(1.0, &[label("version", version)]),
    );
    observe(metrics, readiness);
    let told = Arc::new(Told {
        metrics: metrics.clone(),
        readiness: readiness.clone(),
    });
    Operations(tokio::spawn(accept(listener, told)))
}

/// What the port tells about.
struct Told {
    metrics: Metrics,
    readiness: Readiness,
}

/// The readiness as numbers.
fn observe(metrics: &Metrics, readiness: &Readiness) {
    let of = readiness.clone();
    metrics.gauge(
        "postern_ready",
        "Whether the process can do its work: 1 or 0.",
        move |tell| tell(f64::from(u8::from(of.is_ready())), &[]),
    );
    let of = readiness.clone();
    metrics.gauge(
        "postern_degraded",
        "For each part: 1 while the process lacks it and goes on, else 0.",
        move |tell| {
            let degraded = of.state().degraded;
            let needed = of
                .parts()
                .iter()
                .filter(|part| !degraded.contains_key(**part));
            needed.for_each(|part| tell(0.0, &[label("part", *part)]));
            for part in degraded.keys() {
                tell(1.0, &[label("part", *part)]);
            }
        },
    );
}

/// Whoever comes is served at once. Past the limit the oldest connection goes,
/// so that nobody who holds on keeps a health check out.
async fn accept(listener: TcpListener, told: Arc<Told>) {
    let mut connections = JoinSet::new();
    let mut by_age: VecDeque<AbortHandle> = VecDeque::with_capacity(CONNECTIONS);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                while connections.try_join_next().is_some() {}
                by_age.retain(|connection| !connection.is_finished());
                if by_age.len() >= CONNECTIONS
                    && let Some(oldest) = by_age.pop_front()
                {
                    oldest.abort();
                }
                by_age.push_back(connections.spawn(connection(stream, told.clone())));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the operations port could not be taken");
                tokio::time::sleep(AFTER_A_FAILURE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, told: Arc<Told>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = told.answer(request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // One answer each: a connection that stays open takes a place from a health check.
        .keep_alive(false)
        .header_read_timeout(HEAD)
        .max_buf_size(8 << 10)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(LONGEST, served).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection to the operations port ended badly");
        }
    }
}

impl Told {
    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "GET it\n");
            let allowed = HeaderValue::from_static("GET, HEAD");
            refused.headers_mut().insert(ALLOW, allowed);
            return refused;
        }
        match path {
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => self.readiness(),
            "/metrics" => match self.metrics.text() {
                Ok(numbers) => said(
                    StatusCode::OK,
                    "text/plain; version=0.0.4; charset=utf-8",
                    numbers,
                ),
                Err(error) => {
                    tracing::error!(error = crate::telemetry::chain(&error), "no metrics");
                    text(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "no metrics; see the log\n",
                    )
                }
            },
            _ => text(
                StatusCode::NOT_FOUND,
                "there is /healthz, /readyz and /metrics\n",
            ),
        }
    }

    fn readiness(&self) -> Response<Full<Bytes>> {
        let state = self.readiness.state();
        let status = match state.is_ready() {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        let told = json!({
            "state": state.word(),
            "missing": state.missing,
            "degraded": state.degraded,
        });
        said(status, "application/json", format!("{told}\n"))
    }
}

fn text(status: StatusCode, line: &'static str) -> Response<Full<Bytes>> {
    said(status, "text/plain; charset=utf-8", line.to_owned())
}

fn said(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
