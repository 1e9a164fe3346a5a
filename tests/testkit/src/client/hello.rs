//! The first half of a handshake, by somebody who then goes.

use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::ServerName;

const PATIENCE: Duration = Duration::from_secs(10);

/// Sends a ClientHello for `server_name` and waits until the server begins to answer. The handshake goes no
/// further, and ends with the stream.
///
/// # Errors
/// If the name is none, or nobody answers.
pub fn say_hello(server: SocketAddr, server_name: &str) -> io::Result<TcpStream> {
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(server_name.to_owned()).map_err(io::Error::other)?;
    let mut hello = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    while hello.wants_write() {
        hello.write_tls(&mut stream)?;
    }
    stream.read_exact(&mut [0])?;
    Ok(stream)
}
