//! Opening the sockets.
//!
//! **Invariant:** either all addresses are bound or none stays bound.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// How many connections the kernel holds ready while all is busy.
const BACKLOG: u32 = 1024;

/// How often another port is tried when the system's choice for one address is taken on the next.
const TRIES: u32 = 8;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", advice(.source))]
pub struct CannotListen {
    /// The address.
    pub address: SocketAddr,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

/// Opens all addresses. Port 0 is a port of the system's choice, the same one for all of them.
pub(crate) fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, CannotListen> {
    let mut tries = 0;
    loop {
        tries += 1;
        match bind_all(addresses) {
            Err((error, chosen)) if chosen && tries < TRIES && is_taken(&error.source) => {}
            Err((error, _)) => return Err(error),
            Ok(listeners) => return Ok(listeners),
        }
    }
}

/// Opens all addresses; a failure says whether its port was of the system's choice.
fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, (CannotListen, bool)> {
    let mut chosen = 0;
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        let mut wanted = *address;
        if wanted.port() == 0 {
            wanted.set_port(chosen);
        }
        let opened = open(wanted).and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (local, listener) = opened.map_err(|source| {
            let address = wanted;
            (CannotListen { address, source }, address.port() == chosen)
        })?;
        if address.port() == 0 {
            chosen = local.port();
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restarted process takes its port over from connections that are still going down.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use by another program; stop that program or choose another port"
        }
        io::ErrorKind::PermissionDenied => {
            "not allowed; ports below 1024 need a privilege (CAP_NET_BIND_SERVICE), or choose a higher port"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have the address; list the addresses it has, or 0.0.0.0 for all"
        }
        _ => "the system refused",
    }
}
