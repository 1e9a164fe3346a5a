//! Why a connection ended before any request, and who is told of it.
//!
//! **Invariant:** whoever never named a host of ours is a number and a debug line; only handshakes at the login and the
//! certificate host are events, one each, and within the bounds of [`Noise`](super::noise::Noise).

use std::io;

use domain::reason::{Fault, Reason};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use crate::audit::Outcome;
use crate::listener::places::Full;
use crate::listener::proxy::InvalidHeader;
use crate::tls;

/// What is told of who was asked for a certificate, left and did not come again.
pub(super) const STAYED_AWAY: &str =
    "the client left when it was asked for a certificate, and did not come again to this gateway";

/// What is told of handshakes that a soft stop ends.
pub(super) const STOPPED: &str = "this gateway stopped meanwhile";

/// Why a connection ended before any request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("no PROXY header of a listed peer")]
    Proxy(#[source] InvalidHeader),
    #[error("too late: {0}")]
    TooLate(&'static str),
    #[error("no ClientHello: not TLS, or a PROXY header of a peer that is not listed")]
    ClientHello(#[source] io::Error),
    #[error("no host of ours: {0:?}")]
    ServerName(Option<String>),
    #[error("no configuration yet")]
    NoConfiguration,
    #[error("no server certificate for {0}")]
    Unserved(String),
    #[error("no place")]
    NoPlace(#[source] Full),
    #[error("handshake failed")]
    Handshake(#[source] io::Error),
    #[error("certificates that are not taken in: {0}")]
    OverLimit(Reason),
    #[error("stopping")]
    Stopping,
}

impl Ended {
    /// Whether the client broke off, without a word why: what Chromium does when it is asked for a certificate.
    pub(super) fn is_breaking_off(&self) -> bool {
        matches!(self, Self::Handshake(error) if matches!(Failure::of(error), Failure::Left))
    }

    /// The result that is counted. `named` is whether the client had named a host of ours.
    pub(super) fn result(&self, named: bool) -> &'static str {
        match self {
            Self::Proxy(_) | Self::ClientHello(_) => "no_hello",
            Self::ServerName(_) => "unknown_host",
            Self::TooLate(_) => "late",
            Self::NoPlace(_) if !named => "no_place",
            Self::NoConfiguration | Self::Unserved(_) | Self::NoPlace(_) => "unavailable",
            Self::OverLimit(_) => "refused",
            Self::Stopping => "stopping",
            Self::Handshake(error) => match Failure::of(error) {
                Failure::Left | Failure::Alert(_) => "abandoned",
                Failure::Refused(..) => "refused",
            },
        }
    }

    /// What the audit trail hears, where a certificate was asked for (`asked`) or not.
    pub(super) fn tell(&self, asked: bool, event: impl FnOnce(Outcome<'_>)) {
        match self {
            Self::TooLate(_) if asked => event(Outcome::Left("no certificate was chosen in time")),
            Self::TooLate(_) => event(Outcome::Left("the handshake was not finished in time")),
            Self::NoConfiguration => event(Outcome::NotServed(
                Some(Fault::ConfigurationStale),
                "there is no configuration yet",
            )),
            Self::Unserved(_) => event(Outcome::NotServed(
                None,
                "there is no server certificate for this host",
            )),
            Self::NoPlace(full) => event(Outcome::NotServed(None, &full.to_string())),
            Self::OverLimit(reason) => event(Outcome::NotTaken(
                Some(*reason),
                reason.explanation().help_desk,
            )),
            // No fault: whoever comes again finds another gateway.
            Self::Stopping => event(Outcome::Left(STOPPED)),
            Self::Handshake(error) => match Failure::of(error) {
                Failure::Left => event(Outcome::Left("the client went away")),
                Failure::Alert(alert) => event(Outcome::Left(&format!(
                    "the client ended the handshake: {alert}"
                ))),
                Failure::Refused(reason, why) => event(Outcome::NotTaken(reason, why)),
            },
            // Nobody has named a host then.
            Self::Proxy(_) | Self::ClientHello(_) | Self::ServerName(_) => {}
        }
    }
}

/// How a handshake failed.
enum Failure {
    /// The connection broke off.
    Left,
    /// The client said why it ends.
    Alert(String),
    /// We did not take what the client sent.
    Refused(Option<Reason>, &'static str),
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref();
        match inner.and_then(|inner| inner.downcast_ref::<Error>()) {
            None => Self::Left,
            Some(Error::AlertReceived(AlertDescription::UserCanceled)) => Self::Left,
            Some(Error::AlertReceived(alert)) => Self::Alert(format!("{alert:?}")),
            Some(Error::InvalidCertificate(CertificateError::BadSignature)) => Self::Refused(
                None,
                "the client did not prove that it holds the certificate's key",
            ),
            Some(Error::InvalidCertificate(CertificateError::BadEncoding)) => {
                Self::table(Reason::Malformed)
            }
            Some(Error::InvalidMessage(
                InvalidMessage::CertificatePayloadTooLarge
                | InvalidMessage::HandshakePayloadTooLarge
                | InvalidMessage::MessageTooLarge,
            )) => Self::table(Reason::TooLarge),
            Some(Error::PeerIncompatible(_)) => Self::Refused(
                None,
                "the client knows no TLS that is spoken here (1.2 and 1.3)",
            ),
            Some(error) => match tls::over_limit(error) {
                Some(reason) => Self::table(reason),
                None => Self::Refused(None, "the client did not keep to TLS"),
            },
        }
    }

    const fn table(reason: Reason) -> Self {
        Self::Refused(Some(reason), reason.explanation().help_desk)
    }
}
