//! Authorization codes: issued here, redeemed here once, whichever gateway the application asks.
//!
//! The code an application holds is sealed and names the gateway that issued it (mesh address and start). That gateway's
//! memory alone decides that it is used once; others forward the redemption to it.
//!
//! **Invariant:** of any number of redemptions of one code at most one succeeds, and one that comes after it ends the
//! session.

use std::sync::Arc;
use std::time::Duration;

use domain::application::ClientId;
use domain::configuration::Configuration;
use domain::seal::{Purpose, SealKeys};
use domain::timestamp::Timestamp;
use postern_proto::gateway::v1;
use postern_proto::gateway::v1::codes_client::CodesClient;
use postern_proto::gateway::v1::redeem_response::Outcome;
use runtime::random::Randomness;
use serde::{Deserialize, Serialize};

use crate::clients::RpcChannel;
use crate::ids::{CodeId, StartId};
use crate::oidc::authorize_request::AuthorizeRequest;
use crate::oidc::pkce::Challenge;
use crate::oidc::scopes::Scopes;
use crate::oidc::tokens;
use crate::seals::{self, Sealed};
use crate::session::signed_out::SignedOut;
use crate::session::{LiveSession, Session};
use store::{NotSpent, Store};

pub mod service;
mod store;
#[cfg(test)]
mod tests;

/// How long a code lives.
pub const LIFE: Duration = Duration::from_secs(60);
/// Deadline of a redemption at another gateway.
const FORWARD: Duration = Duration::from_secs(2);

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

/// The gateway that issued the code could not be asked: nobody knows whether the code was good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gateway {gateway} could not be asked: {why}")]
pub struct IssuerAway {
    gateway: String,
    why: String,
}

/// What an application holds, unsealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CodeText {
    gateway: String,
    start: StartId,
    id: CodeId,
}

impl Sealed for CodeText {
    const PURPOSE: Purpose = Purpose::Code;
}

/// The codes of one gateway.
pub struct Codes {
    store: Store,
    /// Our own mesh address.
    gateway: String,
    start: StartId,
    /// The login host, which codes are sealed for.
    host: String,
    dial: Dial,
}

impl Codes {
    /// No codes yet.
    pub fn new(gateway: String, start: StartId, host: String, dial: Dial) -> Self {
        Self {
            store: Store::default(),
            gateway,
            start,
            host,
            dial,
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
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge,
        };
        if self.store.keep(id, kept, now) {
            Ok(sealed)
        } else {
            Err(CannotIssue::Full)
        }
    }

    /// Redeems a code, here or at the gateway that issued it.
    ///
    /// # Errors
    /// When that gateway could not be asked.
    pub async fn redeem(
        &self,
        redemption: Redemption<'_>,
        by: Judgement<'_>,
    ) -> Result<Result<Grant, Invalid>, IssuerAway> {
        let Ok(text) = seals::open::<CodeText>(by.keys, &self.host, redemption.code) else {
            return Ok(Err(Invalid("the code cannot be read")));
        };
        if text.start == self.start {
            return Ok(self.redeem_own(text.id, redemption, &by));
        }
        if text.gateway == self.gateway {
            return Ok(Err(Invalid("the gateway has been restarted since")));
        }
        self.forward(&text.gateway, redemption).await
    }

    /// Redeems a code that another gateway was asked to redeem; never asks a third one.
    ///
    /// # Errors
    /// [`Invalid`] when it cannot be redeemed here.
    pub fn redeem_forwarded(
        &self,
        redemption: Redemption<'_>,
        by: &Judgement<'_>,
    ) -> Result<Grant, Invalid> {
        match seals::open::<CodeText>(by.keys, &self.host, redemption.code) {
            Ok(text) if text.start == self.start => self.redeem_own(text.id, redemption, by),
            Ok(_) => Err(Invalid("the gateway has been restarted since")),
            Err(_) => Err(Invalid("the code cannot be read")),
        }
    }

    fn redeem_own(
        &self,
        id: CodeId,
        redemption: Redemption<'_>,
        by: &Judgement<'_>,
    ) -> Result<Grant, Invalid> {
        match self
            .store
            .spend(id, by.now, |kept| kept.judged(redemption, by))
        {
            Ok(grant) => Ok(grant),
            Err(NotSpent::Refused(why)) => Err(why),
            Err(NotSpent::Unknown) => Err(Invalid("the code is too old")),
            Err(NotSpent::Before(session)) => {
                // Two hold the code, and one of them should not (RFC 6749 section 4.1.2).
                by.signed_out
                    .sign_out(session.id, tokens::end(&session), by.now);
                Err(Invalid("the code was used before: its session is ended"))
            }
        }
    }

    async fn forward(
        &self,
        gateway: &str,
        redemption: Redemption<'_>,
    ) -> Result<Result<Grant, Invalid>, IssuerAway> {
        let away = |why: String| IssuerAway {
            gateway: gateway.to_owned(),
            why,
        };
        let Some(channel) = (self.dial)(gateway) else {
            return Ok(Err(Invalid("the code names no gateway")));
        };
        let mut request = tonic::Request::new(v1::RedeemRequest {
            code: redemption.code.to_owned(),
            client_id: redemption.client_id.to_string(),
            redirect_uri: redemption.redirect_uri.to_owned(),
            code_verifier: redemption.verifier.to_owned(),
        });
        request.set_timeout(FORWARD);
        let answer = tokio::time::timeout(FORWARD, CodesClient::new(channel).redeem(request))
            .await
            .map_err(|_| away("no answer in time".to_owned()))?
            .map_err(|status| away(status.to_string()))?
            .into_inner();
        match answer.outcome {
            Some(Outcome::Grant(json)) => serde_json::from_slice(&json)
                .map(Ok)
                .map_err(|error| away(error.to_string())),
            Some(Outcome::Invalid(v1::Invalid {})) => {
                Ok(Err(Invalid("the gateway that issued it refused")))
            }
            None => Err(away("its answer has no outcome".to_owned())),
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
