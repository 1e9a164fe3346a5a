//! Connections to one server: always a new one, always with a full handshake.
//!
//! **Invariant:** no session is ever kept, so none is ever resumed.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::place::Place;

/// How both sides come to a common key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyExchange {
    /// X25519, which every server has.
    Classical,
    /// X25519 with ML-KEM-768, which browsers have and OpenSSL before 3.5 has not.
    PostQuantum,
}

/// Dials one server under one name.
#[derive(Debug, Clone)]
pub(crate) struct Dialer {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    address: SocketAddr,
}

impl Dialer {
    /// To `host` at `address`, in jon's name if `certificate` is set, which shows his certificate to whoever asks.
    ///
    /// # Errors
    /// When a file of the place cannot be read.
    pub(crate) fn new(
        place: &Place,
        address: SocketAddr,
        host: &str,
        certificate: bool,
        key_exchange: KeyExchange,
    ) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for root in place.server_roots()? {
            roots.add(root)?;
        }
        let mut provider = aws_lc_rs::default_provider();
        provider.kx_groups = match key_exchange {
            KeyExchange::Classical => vec![aws_lc_rs::kx_group::X25519],
            KeyExchange::PostQuantum => vec![
                aws_lc_rs::kx_group::X25519MLKEM768,
                aws_lc_rs::kx_group::X25519,
            ],
        };
        // In the order of Chromium and Firefox, which servers follow.
        provider.cipher_suites = vec![
            aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
            aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
        ];
        let builder = ClientConfig::builder_with_provider(Arc::<CryptoProvider>::new(provider))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots);
        let mut config = match certificate {
            false => builder.with_no_client_auth(),
            true => {
                let (chain, key) = place.identity()?;
                builder.with_client_auth_cert(chain, key)?
            }
        };
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            name: ServerName::try_from(host.to_owned())?,
            address,
        })
    }

    /// The same to another server.
    pub(crate) fn to(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The name it dials.
    pub(crate) fn host(&self) -> String {
        self.name.to_str().into_owned()
    }

    /// A new connection, its handshake done.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn dial(&self) -> Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        TlsConnector::from(self.config.clone())
            .connect(self.name.clone(), tcp)
            .await
            .with_context(|| format!("the handshake with {} failed", self.host()))
    }

    /// A handshake that has come as far as the server's question for a certificate, and stays there.
    ///
    /// # Errors
    /// When the server does not come so far.
    pub(crate) async fn wait(&self) -> Result<Waiting> {
        let mut client = ClientConnection::new(self.config.clone(), self.name.clone())?;
        let mut hello = Vec::new();
        client.write_tls(&mut hello)?;
        let mut tcp = TcpStream::connect(self.address).await?;
        tcp.write_all(&hello).await?;
        // The first byte of its answer comes with all of it: one flight from ServerHello to Finished.
        let kind = tcp.read_u8().await?;
        ensure!(kind == 22, "{} answered with no handshake", self.host());
        Ok(Waiting { _tcp: tcp })
    }
}

/// A handshake that waits for its client, who is choosing a certificate, until this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    _tcp: TcpStream,
}
