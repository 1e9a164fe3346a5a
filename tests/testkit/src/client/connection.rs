//! One connection, one request, one page.
//!
//! **Invariant:** what a [`Handshake`] reports comes from the messages on the wire, not from what was
//! configured.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, SignatureScheme};
use rustls_pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Browser, ClientError, Page, Request, provider};

const DEADLINE: Duration = Duration::from_secs(10);
const LARGEST_PAGE: usize = 4 << 20;

/// How the handshake went.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// The server's wish for a certificate; none if it asked for none.
    pub certificate_request: Option<CertificateRequest>,
    /// Whether a certificate was sent.
    pub certificate_sent: bool,
    /// The protocol agreed on.
    pub version: Option<ProtocolVersion>,
}

/// What the server said when it asked for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The authorities it named, each a distinguished name in DER; empty for "any".
    pub authorities: Vec<Vec<u8>>,
}

/// Sends one request and reads its answer.
pub(super) async fn exchange(browser: &Browser, request: &Request) -> Result<Page, ClientError> {
    timeout(DEADLINE, async {
        let (stream, handshake) = connect(browser, request).await?;
        converse(stream, request, handshake).await
    })
    .await
    .map_err(|_| ClientError::Deadline)?
}

async fn connect(
    browser: &Browser,
    request: &Request,
) -> Result<(TlsStream<TcpStream>, Handshake), ClientError> {
    let port = browser
        .place
        .port
        .or(request.url.port_or_known_default())
        .unwrap_or(443);
    let address = SocketAddr::new(browser.place.to, port);
    let tcp = dial(browser, address)
        .await
        .map_err(|source| ClientError::Connect { address, source })?;

    let witness = Arc::new(Witness::new(browser)?);
    let versions = if browser.tls12 {
        vec![&TLS12]
    } else {
        vec![&TLS13, &TLS12]
    };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions)
        .map_err(ClientError::Tls)?
        .with_root_certificates(browser.roots.clone())
        .with_client_cert_resolver(witness.clone());
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];

    let host = request.url.host_str().unwrap_or_default();
    let name = request.server_name.as_deref().unwrap_or(host);
    // A URL writes an IPv6 address in brackets, TLS without.
    let name = ServerName::try_from(name.trim_matches(['[', ']']).to_owned())
        .map_err(|_| ClientError::Wrong(format!("{name:?} is no server name")))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(ClientError::of_handshake)?;
    let certificate_request = witness.seen();
    let handshake = Handshake {
        certificate_sent: certificate_request.is_some() && witness.key.is_some(),
        certificate_request,
        version: stream.get_ref().1.protocol_version(),
    };
    Ok((stream, handshake))
}

async fn dial(browser: &Browser, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    if let Some(from) = browser.place.from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn converse(
    stream: TlsStream<TcpStream>,
    request: &Request,
    handshake: Handshake,
) -> Result<Page, ClientError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(ClientError::of_exchange)?;
    let message = message(request)?;
    let mut answer = pin!(async move {
        let response = sender
            .send_request(message)
            .await
            .map_err(ClientError::of_exchange)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LARGEST_PAGE)
            .collect()
            .await
            .map_err(|error| match error.downcast::<hyper::Error>() {
                Ok(error) => ClientError::of_exchange(*error),
                Err(error) if error.is::<LengthLimitError>() => ClientError::TooLong,
                Err(error) => ClientError::Wrong(error.to_string()),
            })?;
        Ok((head, body.to_bytes()))
    });
    let mut connection = pin!(connection);
    let mut open = true;
    let (head, body) = loop {
        tokio::select! {
            biased;
            answer = &mut answer => break answer?,
            end = &mut connection, if open => match end {
                Ok(()) => open = false,
                Err(error) => return Err(ClientError::of_exchange(error)),
            },
        }
    };
    Ok(Page {
        url: request.url.clone(),
        status: head.status,
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        handshake,
    })
}

fn message(request: &Request) -> Result<http::Request<Full<bytes::Bytes>>, ClientError> {
    let mut target = request.url.path().to_owned();
    if let Some(query) = request.url.query() {
        target.push('?');
        target.push_str(query);
    }
    let host = request.url.host_str().unwrap_or_default();
    let host = match request.url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let mut message = http::Request::builder()
        .method(request.method.clone())
        .uri(target)
        .header("host", host)
        .body(Full::new(request.body.clone()))
        .map_err(|error| ClientError::Wrong(error.to_string()))?;
    for (name, value) in &request.headers {
        message.headers_mut().insert(name, value.clone());
    }
    for name in &request.bare {
        message.headers_mut().remove(name);
    }
    Ok(message)
}

/// Offers the certificate and remembers what was asked.
#[derive(Debug)]
struct Witness {
    key: Option<Arc<CertifiedKey>>,
    seen: Mutex<Option<CertificateRequest>>,
}

impl Witness {
    fn new(browser: &Browser) -> Result<Self, ClientError> {
        let key = match &browser.identity {
            None => None,
            Some(identity) => {
                let key = provider()
                    .key_provider
                    .load_private_key(identity.private_key())
                    .map_err(ClientError::Tls)?;
                // Not checked against the certificate, which may be garbled on purpose.
                Some(Arc::new(CertifiedKey::new(identity.chain(), key)))
            }
        };
        Ok(Self {
            key,
            seen: Mutex::new(None),
        })
    }

    fn seen(&self) -> Option<CertificateRequest> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let authorities = root_hint_subjects
            .iter()
            .map(|name| name.to_vec())
            .collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(CertificateRequest { authorities });
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}
