//! The PROXY protocol, versions 1 and 2: where the client of a listed load balancer really is.
//!
//! Whether a header must be there or must not is decided by the peer's address alone, never by looking whether one is there.
//!
//! **Invariant:** a header gives one TCP source address, or says that the peer speaks for itself; everything else closes the
//! connection. Memory is bounded by [`MAX_BYTES`].

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use proxy_header::{Error, ParseConfig, Protocol, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt as _};

#[cfg(test)]
mod tests;

/// Most bytes of a header. The format allows 64 KiB of extensions in version 2; what balancers send is a few hundred bytes.
pub const MAX_BYTES: usize = 4096;

/// Most bytes of a version 1 header, with its line end (specification section 2.1).
const MAX_V1_BYTES: usize = 107;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The client's address.
    Client(SocketAddr),
    /// The balancer speaks for itself (`LOCAL`, `UNKNOWN`): a health check.
    Peer,
}

/// Why a header is not taken.
#[derive(Debug, thiserror::Error)]
pub enum InvalidHeader {
    /// Not a header, or one that is not well formed.
    #[error("no valid PROXY header")]
    Malformed,
    /// Well formed, but not about a TCP connection over IPv4 or IPv6.
    #[error("the PROXY header is not about a TCP connection")]
    NotTcp,
    /// Longer than [`MAX_BYTES`].
    #[error("the PROXY header is too long")]
    TooLong,
    /// The connection ended or failed in the middle of it.
    #[error("the connection ended before its PROXY header did")]
    Connection(#[source] io::Error),
}

/// Reads the header at the beginning of `bytes`: what it says and how long it is, or `None` when there is more to come.
///
/// # Errors
/// When what is there can not become a header that is taken.
pub fn parse(bytes: &[u8]) -> Result<Option<(Source, usize)>, InvalidHeader> {
    let config = ParseConfig {
        include_tlvs: false,
        ..ParseConfig::default()
    };
    let (header, length) = match ProxyHeader::parse(bytes, config) {
        Ok(found) => found,
        Err(Error::BufferTooShort) if bytes.len() >= MAX_BYTES => {
            return Err(InvalidHeader::TooLong);
        }
        Err(Error::BufferTooShort) if begins_like_a_header(bytes) => return Ok(None),
        Err(_) => return Err(InvalidHeader::Malformed),
    };
    if length > MAX_BYTES {
        return Err(InvalidHeader::TooLong);
    }
    let is_v1 = bytes.first() == Some(&b'P');
    if is_v1 && (length > MAX_V1_BYTES || !bytes.starts_with(b"PROXY ")) {
        return Err(InvalidHeader::Malformed);
    }
    let source = match header.proxied_address() {
        Some(address) if matches!(address.protocol, Protocol::Stream) => {
            Source::Client(address.source)
        }
        Some(_) => return Err(InvalidHeader::NotTcp),
        // Version 2 has no address in a `LOCAL` header, but neither in one about a Unix socket.
        None if is_v1 || bytes.get(12) == Some(&V2_LOCAL) => Source::Peer,
        None => return Err(InvalidHeader::NotTcp),
    };
    Ok(Some((source, length)))
}

/// Reads the header off `stream`: what it says, and the bytes that came after it. The caller brings the deadline.
///
/// # Errors
/// When there is none that is taken.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<(Source, Bytes), InvalidHeader> {
    let mut bytes = BytesMut::with_capacity(256);
    loop {
        let room = MAX_BYTES.saturating_sub(bytes.len());
        if room == 0 {
            return Err(InvalidHeader::TooLong);
        }
        let read = (&mut *stream)
            .take(room as u64)
            .read_buf(&mut bytes)
            .await
            .map_err(InvalidHeader::Connection)?;
        if read == 0 {
            return Err(InvalidHeader::Connection(
                io::ErrorKind::UnexpectedEof.into(),
            ));
        }
        if let Some((source, length)) = parse(&bytes)? {
            return Ok((source, bytes.split_off(length).freeze()));
        }
    }
}

/// Version 2, command LOCAL (specification section 2.2).
const V2_LOCAL: u8 = 0x20;

const V1_BEGINNING: &[u8] = b"PROXY ";
const V2_BEGINNING: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn begins_like_a_header(bytes: &[u8]) -> bool {
    [V1_BEGINNING, V2_BEGINNING].iter().any(|beginning| {
        let length = bytes.len().min(beginning.len());
        bytes.get(..length) == beginning.get(..length)
    })
}
