//! One connection, up to the end of its handshake.
//!
//! **Invariant:** whatever cannot be decided here (no server name of ours, no configuration, no place left, too late) closes
//! the connection; nothing falls back to a handshake that asks for less.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::address::ClientAddress;
use domain::timestamp::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use super::ended::Ended;
use super::seen::{self, Seen};
use super::settings::seconds;
use super::{Door, Snapshot, http};
use crate::arrival::{Arrival, Site};
use crate::listener::opened::Opened;
use crate::listener::places::Place;
use crate::listener::proxy::{self, Source};
use crate::tls;

/// How long handshakes go on after the soft stop.
const STOPPING: Duration = Duration::from_secs(5);

/// How long a refused client gets to read its alert before the connection is reset, and how much it may still send.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 256 << 10;

/// Serves one connection to its end.
pub(super) async fn serve(door: Arc<Door>, stream: TcpStream, peer: SocketAddr) {
    let stopping = door.tasks.stopping();
    let mut seen = Seen::new();
    let arrived = tokio::select! {
        arrived = Box::pin(arrive(&door, stream, peer, &mut seen)) => arrived,
        () = async { stopping.cancelled().await; tokio::time::sleep(STOPPING).await } => Err(Ended::Stopping),
    };
    match arrived {
        Ok((arrival, place, stream)) => {
            let handshake = seen.finished(&door, stream.get_ref().1.protocol_version());
            let arrival = Arc::new(arrival);
            http::serve(&door, &arrival, &handshake, stream).await;
            if arrival.asked && !handshake.has_request() {
                seen::nothing_asked(&door, &arrival, &handshake);
            }
            drop(place);
        }
        // Clients come and go for all sorts of reasons; none of this is an attack by itself.
        Err(ended) => {
            tracing::debug!(
                %peer,
                reason = %ended,
                cause = std::error::Error::source(&ended).map(tracing::field::display),
                "connection ended before any request"
            );
            seen.ended(&door, &ended);
        }
    }
}

async fn arrive(
    door: &Door,
    mut stream: TcpStream,
    peer: SocketAddr,
    seen: &mut Seen,
) -> Result<(Arrival, Place, TlsStream<Opened>), Ended> {
    // Small records must not wait for one another; without it all works, only slower.
    let _ = stream.set_nodelay(true);
    let (address, ahead) = origin(door, &mut stream, peer).await?;
    seen.comes_from(address);
    let place = door.by_address.take(address).map_err(Ended::NoPlace)?;

    let start = client_hello(door, Opened::new(ahead, stream)).await?;
    let server_name = start
        .client_hello()
        .server_name()
        .map(str::to_ascii_lowercase);
    let Some((server_name, host)) = server_name
        .clone()
        .and_then(|name| door.names.site(&name).map(|site| (name, site)))
    else {
        return Err(refuse(
            start.io,
            Alert::UnrecognizedName,
            Ended::ServerName(server_name),
        )
        .await);
    };
    seen.names(&host);
    let Some(Snapshot { revision, tls }) = (door.current)() else {
        return Err(refuse(start.io, Alert::InternalError, Ended::NoConfiguration).await);
    };
    let Ok(choice) = tls.choose(&host, &server_name, address) else {
        let ended = Ended::Unserved(server_name);
        return Err(refuse(start.io, Alert::UnrecognizedName, ended).await);
    };
    seen.is_asked(choice.asks);
    let waiting = match choice.asks {
        false => None,
        true => match door.waiting.take(address) {
            Ok(place) => Some(place),
            Err(full) => {
                return Err(refuse(start.io, Alert::InternalError, Ended::NoPlace(full)).await);
            }
        },
    };
    let within = match choice.asks {
        true => door.settings.certificate_choice_s,
        false => door.settings.handshake_s,
    };
    let handshake = start.into_stream(choice.config).into_fallible();
    let stream = match timeout(seconds(within), handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, io))) => {
            // rustls has written its alert; the client gets the time to read it.
            linger(io).await;
            return Err(Ended::Handshake(error));
        }
        Err(_) => return Err(Ended::TooLate("handshake")),
    };
    drop(waiting);
    let chain = match stream.get_ref().1.peer_certificates() {
        None | Some([]) => None,
        // The handshake has ended over one that is not within the limits.
        Some(sent) => Some(tls::presented(sent).map_err(Ended::OverLimit)?),
    };
    let arrival = Arrival {
        address,
        host,
        server_name,
        asked: choice.asks,
        chain,
        handshake_at: Timestamp(door.clock.unix_seconds()),
        revision,
    };
    Ok((arrival, place, stream))
}

/// Where the client is, and what was read behind its PROXY header.
async fn origin(
    door: &Door,
    stream: &mut TcpStream,
    peer: SocketAddr,
) -> Result<(ClientAddress, Bytes), Ended> {
    let peer = ClientAddress::from(peer);
    if !door.settings.proxy_peers.contains(peer) {
        // A header here is no ClientHello, and ends the connection as such.
        return Ok((peer, Bytes::new()));
    }
    let within = seconds(door.settings.proxy_header_s);
    let (source, ahead) = timeout(within, proxy::read(stream))
        .await
        .map_err(|_| Ended::TooLate("PROXY header"))?
        .map_err(Ended::Proxy)?;
    let address = match source {
        Source::Client(client) => client.into(),
        Source::Peer => peer,
    };
    Ok((address, ahead))
}

async fn client_hello(door: &Door, io: Opened) -> Result<StartHandshake<Opened>, Ended> {
    let deadline = Instant::now() + seconds(door.settings.client_hello_s);
    let mut acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), io);
    match timeout_at(deadline, &mut acceptor).await {
        Ok(Ok(start)) => Ok(start),
        Ok(Err(error)) => {
            if let Some(io) = acceptor.take_io() {
                linger(io).await;
            }
            Err(Ended::ClientHello(error))
        }
        Err(_) => Err(Ended::TooLate("ClientHello")),
    }
}

/// The alerts that are sent before there is a TLS session to send them (RFC 8446 section 6.2).
#[derive(Debug, Clone, Copy)]
enum Alert {
    InternalError = 80,
    UnrecognizedName = 112,
}

/// Sends a fatal alert in the clear, which is how all records travel before a ServerHello, and closes.
async fn refuse(mut io: Opened, alert: Alert, why: Ended) -> Ended {
    // Content type alert, version 3.3 (RFC 8446 section 5.1), two bytes long: fatal, and which.
    let record = [21, 3, 3, 0, 2, 2, alert as u8];
    if timeout(LINGER, io.write_all(&record))
        .await
        .is_ok_and(|sent| sent.is_ok())
    {
        linger(io).await;
    }
    why
}

/// Closes without losing what was written: a socket that is closed with unread bytes is reset, and a reset overtakes.
async fn linger(mut io: Opened) {
    let drained = async {
        if io.shutdown().await.is_ok() {
            let mut sink = tokio::io::sink();
            let _ = tokio::io::copy(&mut io.take(LINGER_BYTES), &mut sink).await;
        }
    };
    let _ = timeout(LINGER, drained).await;
}

impl Site {
    /// Whether this is the certificate host.
    pub(super) const fn is_certificate(&self) -> bool {
        matches!(self, Self::Certificate { .. })
    }
}
