//! The first half of a handshake, by somebody who then goes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const PATIENCE: Duration = Duration::from_secs(10);

/// Sends a ClientHello for `server_name` from this address, and waits until the server begins to answer. The
/// handshake goes no further, and ends with the stream.
///
/// # Errors
/// If the name is none, or nobody answers in ten seconds.
pub async fn say_hello(
    from: IpAddr,
    server: SocketAddr,
    server_name: &str,
) -> io::Result<TcpStream> {
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(server_name.to_owned()).map_err(io::Error::other)?;
    let mut hello = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    while hello.wants_write() {
        hello.write_tls(&mut bytes)?;
    }
    let said = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        let mut stream = socket.connect(server).await?;
        stream.write_all(&bytes).await?;
        stream.read_u8().await?;
        Ok(stream)
    };
    tokio::time::timeout(PATIENCE, said).await?
}
