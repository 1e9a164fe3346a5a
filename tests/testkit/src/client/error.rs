//! Why there is no page.
//!
//! **Invariant:** an alert from the other side is always told apart from everything else, whenever in
//! the exchange it came.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use rustls::AlertDescription;

/// Why an exchange ended without a page.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody accepted the connection.
    #[error("failed to connect to {address}")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server ended the connection with a TLS alert: what a browser shows as an error of its own.
    #[error("the server sent the TLS alert {0:?}")]
    Alert(AlertDescription),
    /// The handshake failed on this side, for example because the server's certificate is not trusted.
    #[error("failed to agree on TLS")]
    Tls(#[source] rustls::Error),
    /// The connection broke off.
    #[error("the connection broke off")]
    Broken(#[source] io::Error),
    /// The answer is not HTTP, or ended early.
    #[error("the exchange failed")]
    Http(#[source] hyper::Error),
    /// The answer is longer than four megabytes.
    #[error("the answer is too long")]
    TooLong,
    /// Ten seconds are over.
    #[error("no whole answer within ten seconds")]
    Deadline,
    /// The request or the answer makes no sense.
    #[error("{0}")]
    Wrong(String),
}

impl ClientError {
    /// The alert, if that is what ended it.
    #[must_use]
    pub fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::Alert(alert) => Some(*alert),
            _ => None,
        }
    }

    pub(super) fn of_handshake(error: io::Error) -> Self {
        match tls_error(&error) {
            Some(rustls::Error::AlertReceived(alert)) => Self::Alert(alert),
            Some(error) => Self::Tls(error),
            None => Self::Broken(error),
        }
    }

    pub(super) fn of_exchange(error: hyper::Error) -> Self {
        // In TLS 1.3 the server judges the certificate after our side is done: its alert comes here.
        match tls_error(&error) {
            Some(rustls::Error::AlertReceived(alert)) => Self::Alert(alert),
            _ => Self::Http(error),
        }
    }
}

fn tls_error(error: &(dyn Error + 'static)) -> Option<rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(error.clone());
        }
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(error.clone());
        }
        next = error.source();
    }
    None
}
