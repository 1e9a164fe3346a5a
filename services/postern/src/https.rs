//! A small HTTPS client: one request a connection, a deadline, a size limit, and an own idea of where a host is.
//!
//! For the command line and the demonstration, which talk to Postern itself. `*.localhost` is not resolved by every
//! system, so the caller may say where to connect, while TLS and HTTP use the name.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// Everything one exchange may take, unless the client is given more.
const DEADLINE: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const ANSWER_LIMIT: usize = 8 << 20;

/// Where connections go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Route {
    /// To the address the host name resolves to.
    ByName,
    /// Always to this address.
    To(SocketAddr),
}

/// A client that trusts one set of roots and may hold one certificate.
#[derive(Clone)]
pub(crate) struct Client {
    tls: Arc<ClientConfig>,
    route: Route,
    deadline: Duration,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// What is sent along.
#[derive(Debug, Default)]
pub(crate) struct Sent<'a> {
    /// Header names and values.
    pub headers: Vec<(&'a str, String)>,
    /// The body; none sends none.
    pub body: Bytes,
}

impl Client {
    /// A client that trusts the certificates in `roots` (PEM) and shows `identity` (certificates and key, PEM) when asked.
    ///
    /// # Errors
    /// When the PEM texts do not hold what they should.
    pub(crate) fn new(
        roots: &[u8],
        identity: Option<(&[u8], &[u8])>,
        route: Route,
    ) -> Result<Self> {
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots) {
            store.add(root.context("a root certificate is not PEM")?)?;
        }
        if store.is_empty() {
            bail!("there is no certificate to trust in the file given");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store);
        let tls = match identity {
            None => builder.with_no_client_auth(),
            Some((certificates, key)) => {
                let chain = CertificateDer::pem_slice_iter(certificates)
                    .collect::<Result<Vec<_>, _>>()
                    .context("the client certificate is not PEM")?;
                let key =
                    PrivateKeyDer::from_pem_slice(key).context("the client key is not PEM")?;
                builder.with_client_auth_cert(chain, key)?
            }
        };
        Ok(Self {
            tls: Arc::new(tls),
            route,
            deadline: DEADLINE,
        })
    }

    /// The same client with another deadline for each exchange.
    #[must_use]
    pub(crate) fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When the server cannot be reached, is not trusted, answers too much, or takes longer than its deadline.
    pub(crate) async fn send(&self, method: Method, url: &Url, sent: Sent<'_>) -> Result<Answer> {
        tokio::time::timeout(self.deadline, self.exchange(method, url, sent))
            .await
            .with_context(|| {
                let place = host_and_port(url);
                format!(
                    "{place} did not answer within {} s",
                    self.deadline.as_secs()
                )
            })?
    }

    async fn exchange(&self, method: Method, url: &Url, sent: Sent<'_>) -> Result<Answer> {
        let place = host_and_port(url);
        let host = url.host_str().context("the address has no host")?;
        let tcp = match self.route {
            Route::ByName => TcpStream::connect(&place).await,
            Route::To(address) => TcpStream::connect(address).await,
        }
        .with_context(|| format!("{place} cannot be reached"))?;
        // The last flight of the handshake and the request are two small writes; neither may wait for the other's receipt.
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        let tls = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, tcp)
            .await
            .with_context(|| format!("no trusted connection to {place}"))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
        let mut request = Request::builder()
            .method(method)
            .uri(
                url.path().to_owned()
                    + &url
                        .query()
                        .map(|query| format!("?{query}"))
                        .unwrap_or_default(),
            )
            .header("host", authority(url));
        for (name, value) in sent.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(sent.body))?;
        // The connection is driven here, beside the exchange, so that nothing of it outlives the call.
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_LIMIT).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            Ok::<_, anyhow::Error>(Answer {
                status: parts.status,
                headers: parts.headers,
                body,
            })
        };
        let driven = async {
            connection.await?;
            std::future::pending::<Result<Answer>>().await
        };
        tokio::select! { answer = exchange => answer, failed = driven => failed }
    }
}

fn host_and_port(url: &Url) -> String {
    format!(
        "{}:{}",
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or(443)
    )
}

/// The `Host` of a URL: with its port, unless that is the default one.
fn authority(url: &Url) -> String {
    match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    }
}
