//! The one exchange in the clear: StartTLS (RFC 4511 section 4.14).
//!
//! **Invariant:** exactly one answer is read, to its last byte; what follows it belongs to the TLS handshake, so nothing
//! that was slipped in before can be taken for an answer inside TLS.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Trouble;
use crate::active_directory::guard::{element, message_length, operation};

/// An ExtendedRequest, message 1, of the name 1.3.6.1.4.1.1466.20037.
const REQUEST: &[u8; 31] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// Most bytes of the answer, with its words for people.
const MAX_ANSWER: usize = 4096;

const EXTENDED_RESPONSE: u8 = 0x78;
const ENUMERATED: u8 = 0x0a;

/// Asks for TLS and waits for the consent.
pub(super) async fn request(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<(), Trouble> {
    stream
        .write_all(REQUEST)
        .await
        .map_err(Trouble::Unreachable)?;
    let mut answer = Vec::new();
    let length = loop {
        // Byte by byte: not one byte beyond the answer may be taken from the stream.
        answer.push(stream.read_u8().await.map_err(Trouble::Unreachable)?);
        match message_length(&answer) {
            Ok(None) => {}
            Ok(Some(length)) if length <= MAX_ANSWER => break length,
            Ok(Some(_)) | Err(_) => return Err(Trouble::NoTls),
        }
    };
    let head = answer.len();
    answer.resize(length.max(head), 0);
    let rest = answer.get_mut(head..).ok_or(Trouble::NoTls)?;
    stream
        .read_exact(rest)
        .await
        .map_err(Trouble::Unreachable)?;
    if consents(&answer) {
        Ok(())
    } else {
        Err(Trouble::NoTls)
    }
}

fn consents(answer: &[u8]) -> bool {
    let Ok((EXTENDED_RESPONSE, response)) = operation(answer) else {
        return false;
    };
    matches!(element(response), Ok((ENUMERATED, [0], _)))
}
