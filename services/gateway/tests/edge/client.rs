//! A client that says what it saw.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::front::Front;
use crate::pki::Person;

/// Far more than anything takes here; only a hang gets this far.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The two protocol versions there are.
pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS12, &rustls::version::TLS13];

/// Sends a certificate if it has one, and notes what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    key: Option<Arc<CertifiedKey>>,
    asked: Mutex<Option<Vec<Vec<u8>>>>,
    /// How long the user takes to choose.
    choice: Duration,
}

impl Recorder {
    pub(crate) fn without() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn of(person: &Person) -> Arc<Self> {
        Self::with_key(person.certified_key(), Duration::ZERO)
    }

    pub(crate) fn with_key(key: Arc<CertifiedKey>, choice: Duration) -> Arc<Self> {
        Arc::new(Self {
            key: Some(key),
            choice,
            ..Self::default()
        })
    }

    /// The authority names of the CertificateRequest, if there was one.
    pub(crate) fn asked(&self) -> Option<Vec<Vec<u8>>> {
        self.asked.lock().unwrap().clone()
    }
}

impl ResolvesClientCert for Recorder {
    fn resolve(&self, names: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let names = names.iter().map(|name| name.to_vec()).collect();
        *self.asked.lock().unwrap() = Some(names);
        std::thread::sleep(self.choice);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A client's TLS, with this protocol version only where one is named.
pub(crate) fn config(
    front: &Front,
    recorder: &Arc<Recorder>,
    version: Option<&'static SupportedProtocolVersion>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(front.servers.der.clone()).unwrap();
    let versions = version.map_or(VERSIONS.to_vec(), |version| vec![version]);
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_client_cert_resolver(recorder.clone())
}

/// A TCP connection from this address.
pub(crate) async fn connect(front: &Front, from: &str) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0))?;
    let stream = socket.connect(front.address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A handshake over `stream`.
pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    server_name: &str,
    config: impl Into<Arc<ClientConfig>>,
) -> io::Result<TlsStream<S>> {
    let name = ServerName::try_from(server_name.to_owned()).unwrap();
    let connecting = TlsConnector::from(config.into()).connect(name, stream);
    tokio::time::timeout(PATIENCE, connecting).await.unwrap()
}

/// Sends `request` and reads to the end.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &str,
) -> io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    read_all(stream).await
}

/// Everything until the other side closes, in good order or not.
pub(crate) async fn read_all<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<String> {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    match tokio::time::timeout(PATIENCE, reading).await.unwrap() {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        _ => {}
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A whole visit: handshake, `GET path`, the whole answer.
pub(crate) async fn get(
    front: &Front,
    from: &str,
    host: &str,
    path: &str,
    config: impl Into<Arc<ClientConfig>>,
) -> io::Result<String> {
    let mut stream = handshake(connect(front, from).await?, host, config).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    exchange(&mut stream, &request).await
}

/// The same with nothing special about the client.
pub(crate) async fn visit(front: &Front, from: &str, host: &str, path: &str) -> io::Result<String> {
    let config = config(front, &Recorder::without(), None);
    get(front, from, host, path, config).await
}

/// The alert in an error of a handshake or a read.
pub(crate) fn alert<T: std::fmt::Debug>(result: io::Result<T>) -> String {
    let error = result.unwrap_err();
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::AlertReceived(alert)) => format!("{alert:?}"),
        _ => panic!("no alert but {error:?}"),
    }
}
