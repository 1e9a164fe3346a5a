//! Authorization codes: issued here, redeemed here once, whichever gateway the application asks.
//!
//! The code an application holds is sealed and names the gateway that issued it (mesh address and start). That gateway's
//! memory alone decides that it is used once; others forward the redemption to it.
//!
//! A redemption reserves the code, and settles the reservation when its tokens are ready: what could not be decided on the
//! way, or got lost between gateways, leaves the code as it was. Only the answer to a settlement can be lost for good; the
//! settlement is asked for twice, and after that the code counts as used.
//!
//! **Invariant:** of any number of redemptions of one code at most one is settled, tokens leave only after that, and a
//! redemption that begins after it ends the session.

use std::sync::Arc;
use std::time::Duration;

use domain::application::ClientId;
use domain::configuration::Configuration;
use domain::seal::{Purpose, SealKeys};
use domain::timestamp::Timestamp;
use runtime::random::Randomness;
use runtime::trace::TraceContext;
use serde::{Deserialize, Serialize};

use crate::clients::RpcChannel;
use crate::ids::{CodeId, StartId};
use crate::oidc::authorize_request::AuthorizeRequest;
use crate::oidc::pkce::Challenge;
use crate::oidc::scopes::Scopes;
use crate::seals::{self, Sealed};
use crate::session::signed_out::SignedOut;
use crate::session::{LiveSession, Session};
pub use peers::IssuerAway;
use peers::Peers;
use store::{NotReserved, Store};

mod peers;
pub mod service;
mod store;
#[cfg(test)]
mod tests;

/// How long a code lives.
pub const LIFE: Duration = Duration::from_secs(60);
/// Opens a channel to the gateway at a mesh address (`host:port`); `None` when it cannot be one.
pub type Dial = Arc<dyn Fn(&str) -> Option<RpcChannel> + Send + Sync>;

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The application it was issued to.
    pub client_id: ClientId,
    /// What it asked to know.
    pub scopes: Scopes,
    /// Its `nonce`.
    pub nonce: Option<String>,
    /// The session it was issued in.
    pub session: Session,
}

/// A redemption, as an application asks for it.
#[derive(Clone, Copy)]
pub struct Redemption<'a> {
    /// The sealed code.
    pub code: &'a str,
    /// The application, authenticated.
    pub client_id: &'a ClientId,
    /// The address the code was asked for.
    pub redirect_uri: &'a str,
    /// The PKCE verifier.
    pub verifier: &'a str,
}

/// A code that is reserved for one redemption, until another one reserves it.
pub struct Reservation<'a> {
    /// What the code stands for.
    pub grant: Grant,
    code: &'a str,
    number: u64,
    issuer: Issuer,
}

/// Where a code was issued.
enum Issuer {
    Here(CodeId),
    /// At the gateway with this mesh address.
    At(String),
}

/// What a redemption is judged by.
pub struct Judgement<'a> {
    /// The keys codes are sealed with.
    pub keys: &'a SealKeys,
    /// The configuration in force.
    pub configuration: &'a Configuration,
    /// The sessions that ended before their time.
    pub signed_out: &'a SignedOut,
    /// Now.
    pub now: Timestamp,
}

/// The code cannot be redeemed; why is not told to applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid(pub &'static str);

/// No code could be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotIssue {
    /// No randomness, or nothing could be sealed.
    #[error("a code could not be made")]
    Broken,
    /// More codes are open than this gateway keeps.
    #[error("too many codes are open")]
    Full,
}

/// What an application holds, unsealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CodeText {
    gateway: String,
    start: StartId,
    id: CodeId,
    /// The place in its sign-in's trace where it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<TraceContext>,
}

impl Sealed for CodeText {
    const PURPOSE: Purpose = Purpose::Code;
}

/// The codes of one gateway.
pub struct Codes {
    store: Arc<Store>,
    /// Our own mesh address.
    gateway: String,
    start: StartId,
    /// The login host, which codes are sealed for.
    host: String,
    peers: Peers,
}

impl Codes {
    /// No codes yet.
    pub fn new(gateway: String, start: StartId, host: String, dial: Dial) -> Self {
        Self {
            store: Arc::default(),
            gateway,
            start,
            host,
            peers: Peers::new(dial),
        }
    }

    /// A code for `request` in `session`.
    ///
    /// # Errors
    /// When none can be made or kept.
    pub fn issue(
        &self,
        keys: &SealKeys,
        request: &AuthorizeRequest,
        session: &LiveSession,
        now: Timestamp,
        randomness: &dyn Randomness,
    ) -> Result<String, CannotIssue> {
        let id = CodeId::draw(randomness).map_err(|_| CannotIssue::Broken)?;
        let text = CodeText {
            gateway: self.gateway.clone(),
            start: self.start,
            id,
            trace: TraceContext::current(),
        };
        let sealed =
            seals::seal(keys, &self.host, &text, randomness).map_err(|_| CannotIssue::Broken)?;
        let kept = Kept {
            grant: Grant {
                client_id: request.client_id.clone(),
                scopes: request.scopes.clone(),
                nonce: request.nonce.clone(),
                session: session.session().clone(),
            },
            redirect_uri: request.to.as_str().to_owned(),
            challenge: request.challenge,
        };
        if self.store.keep(id, kept, now) {
            Ok(sealed)
        } else {
            Err(CannotIssue::Full)
        }
    }

    /// The place in a trace where a code was issued, by whichever gateway. It says nothing of the code's worth.
    #[must_use]
    pub fn trace_of(&self, keys: &SealKeys, code: &str) -> Option<TraceContext> {
        let text = seals::open::<CodeText>(keys, &self.host, code).ok()?;
        text.trace
    }

    /// How many codes are open, whenever it is asked.
    pub(crate) fn open(&self) -> impl Fn() -> usize + Send + Sync + use<> {
        let store = Arc::clone(&self.store);
        move || store.open()
    }

    /// Reserves a code for a redemption, here or at the gateway that issued it.
    ///
    /// # Errors
    /// When that gateway could not be asked.
    pub async fn reserve<'a>(
        &self,
        redemption: Redemption<'a>,
        by: &Judgement<'_>,
    ) -> Result<Result<Reservation<'a>, Invalid>, IssuerAway> {
        let Ok(text) = seals::open::<CodeText>(by.keys, &self.host, redemption.code) else {
            return Ok(Err(Invalid("the code cannot be read")));
        };
        let (reserved, issuer) = if text.start == self.start {
            let reserved = self.reserve_own(text.id, redemption, by);
            (reserved, Issuer::Here(text.id))
        } else if text.gateway == self.gateway {
            return Ok(Err(Invalid("the gateway has been restarted since")));
        } else {
            let reserved = self.peers.reserve(&text.gateway, redemption).await?;
            (reserved, Issuer::At(text.gateway))
        };
        Ok(reserved.map(|(grant, number)| Reservation {
            grant,
            code: redemption.code,
            number,
            issuer,
        }))
    }

    /// Settles a reservation: tokens may be given out if, and only if, this says yes.
    ///
    /// # Errors
    /// When the gateway that issued the code could not be asked.
    pub async fn settle(
        &self,
        reservation: &Reservation<'_>,
        now: Timestamp,
    ) -> Result<Result<(), Invalid>, IssuerAway> {
        let settled = match &reservation.issuer {
            Issuer::Here(id) => self.store.settle(*id, reservation.number, now),
            Issuer::At(gateway) => {
                self.peers
                    .settle(gateway, reservation.code, reservation.number)
                    .await?
            }
        };
        Ok(if settled {
            Ok(())
        } else {
            Err(Invalid("another redemption of the code overtook this one"))
        })
    }

    /// Reserves a code for another gateway; never asks a third one. What it stands for, and the reservation's number.
    ///
    /// # Errors
    /// [`Invalid`] when it cannot be redeemed here.
    pub fn reserve_forwarded(
        &self,
        redemption: Redemption<'_>,
        by: &Judgement<'_>,
    ) -> Result<(Grant, u64), Invalid> {
        match seals::open::<CodeText>(by.keys, &self.host, redemption.code) {
            Ok(text) if text.start == self.start => self.reserve_own(text.id, redemption, by),
            Ok(_) => Err(Invalid("the gateway has been restarted since")),
            Err(_) => Err(Invalid("the code cannot be read")),
        }
    }

    /// Settles a reservation for another gateway: whether it may give out tokens.
    pub fn settle_forwarded(&self, code: &str, number: u64, by: &Judgement<'_>) -> bool {
        seals::open::<CodeText>(by.keys, &self.host, code).is_ok_and(|text| {
            text.start == self.start && self.store.settle(text.id, number, by.now)
        })
    }

    fn reserve_own(
        &self,
        id: CodeId,
        redemption: Redemption<'_>,
        by: &Judgement<'_>,
    ) -> Result<(Grant, u64), Invalid> {
        match self
            .store
            .reserve(id, by.now, |kept| kept.judged(redemption, by))
        {
            Ok(reserved) => Ok(reserved),
            Err(NotReserved::Refused(why)) => Err(why),
            Err(NotReserved::Unknown) => Err(Invalid("the code is too old")),
            Err(NotReserved::Redeemed { session, until }) => {
                // Two hold the code, and one of them should not (RFC 6749 section 4.1.2).
                by.signed_out.sign_out(session, until, by.now);
                Err(Invalid("the code was used before: its session is ended"))
            }
        }
    }
}

/// What the issuing gateway remembers of a code.
#[derive(Debug, Clone)]
struct Kept {
    grant: Grant,
    redirect_uri: String,
    challenge: Challenge,
}

impl Kept {
    fn judged(self, redemption: Redemption<'_>, by: &Judgement<'_>) -> Result<Grant, Invalid> {
        if self.grant.client_id != *redemption.client_id {
            return Err(Invalid("the code is another application's"));
        }
        if self.redirect_uri != redemption.redirect_uri {
            return Err(Invalid("the redirect_uri is not the code's"));
        }
        if !self.challenge.is_answered_by(redemption.verifier) {
            return Err(Invalid("the code_verifier is not the challenge's"));
        }
        // Judged again: an authority may have been removed, or somebody signed out, since the code was issued.
        let session = self.grant.session.clone();
        match session.live(by.configuration, by.signed_out, by.now) {
            Ok(_) => Ok(self.grant),
            Err(_) => Err(Invalid("the session has ended")),
        }
    }
}

impl std::fmt::Debug for Codes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Codes")
            .field("gateway", &self.gateway)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}
