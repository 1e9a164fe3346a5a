//! `/token`: a code becomes tokens (RFC 6749 section 4.1.3).
//!
//! **Invariant:** the person is looked at once more, and tokens leave only once the code is settled: what could not be
//! decided leaves the code good for another try.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;
use domain::application::Application;
use domain::outcome::Verdict;
use serde_json::json;
use tracing::Instrument as _;

use super::client_authentication::{ClientError, authenticate};
use super::error_code::ErrorCode;
use super::parameters::{InvalidParameters, Parameters, Repeated};
use super::{json, tokens};
use crate::audit::{Outcome, SignIn};
use crate::codes::{Invalid, IssuerAway, Redemption};
use crate::desk::Desk;
use crate::halt::told;
use crate::signin::Snapshot;
use crate::visit::Visit;

/// Answers an application.
pub(crate) async fn post(
    State(desk): State<Arc<Desk>>,
    visit: Visit,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Response {
    let mut event = SignIn::at(&visit);
    match desk
        .tokens(&visit, query.as_deref(), &form, &mut event)
        .await
    {
        Ok(response) => response,
        Err(Stop { error, description }) => {
            told(error.code());
            json::error(error, description)
        }
    }
}

/// An error on its way to the application.
struct Stop {
    error: ErrorCode,
    description: &'static str,
}

impl Stop {
    const fn request(description: &'static str) -> Self {
        Self {
            error: ErrorCode::InvalidRequest,
            description,
        }
    }
}

impl From<Repeated> for Stop {
    fn from(_: Repeated) -> Self {
        Self::request("a parameter is repeated")
    }
}

impl From<InvalidParameters> for Stop {
    fn from(_: InvalidParameters) -> Self {
        Self::request("the request is too large or not text")
    }
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self {
            error: error.error,
            description: error.description,
        }
    }
}

const INVALID_GRANT: Stop = Stop {
    error: ErrorCode::InvalidGrant,
    description: "the code is used, too old, or not for this client, redirect_uri and code_verifier",
};
const UNAVAILABLE: Stop = Stop {
    error: ErrorCode::TemporarilyUnavailable,
    description: "please try again",
};

impl Desk {
    async fn tokens(
        &self,
        visit: &Visit,
        query: Option<&str>,
        form: &[u8],
        event: &mut SignIn,
    ) -> Result<Response, Stop> {
        // Secrets and codes in a URL end up in logs.
        if query.is_some_and(|query| !query.is_empty()) {
            return Err(Stop::request("parameters belong into the body"));
        }
        if !is_form(visit.headers()) {
            return Err(Stop::request(
                "the body must be application/x-www-form-urlencoded",
            ));
        }
        let form = Parameters::parse(form)?;
        let snapshot = self.live().map_err(|_| UNAVAILABLE)?;
        let applications = &snapshot.view.configuration.applications;
        let application = authenticate(visit.headers(), &form, applications)?;
        event.client_id = Some(application.client_id.clone());
        match form.only("grant_type")? {
            Some("authorization_code") => {}
            Some(_) => {
                return Err(Stop {
                    error: ErrorCode::UnsupportedGrantType,
                    description: "grant_type must be authorization_code",
                });
            }
            None => return Err(Stop::request("grant_type is missing")),
        }
        let redemption = Redemption {
            code: form.only("code")?.ok_or(Stop::request("code is missing"))?,
            client_id: &application.client_id,
            redirect_uri: form
                .only("redirect_uri")?
                .ok_or(Stop::request("redirect_uri is missing"))?,
            // Without one the code is of no use, and is used up like with a wrong one.
            verifier: form.only("code_verifier")?.unwrap_or_default(),
        };
        self.redeem(redemption, application, &snapshot, visit, event)
            .await
    }

    async fn redeem(
        &self,
        redemption: Redemption<'_>,
        application: &Application,
        snapshot: &Snapshot,
        visit: &Visit,
        event: &mut SignIn,
    ) -> Result<Response, Stop> {
        let reserved = self
            .codes
            .reserve(redemption, &self.judgement(snapshot))
            .instrument(tracing::info_span!("redeem code"))
            .await;
        let reservation = decided(reserved, visit, event)?;
        let grant = &reservation.grant;
        let session = &grant.session;
        event.of(session);
        // The gateway that issued the code has judged it by its own snapshot and what it knows of sign-outs; this one signs.
        let view = &snapshot.view;
        let live = session
            .clone()
            .live(&view.configuration, &self.signed_out, visit.now);
        if live.is_err() {
            event.ended(Outcome::CodeRefused(
                "its session has ended, or what it rests on is gone",
            ));
            return Err(INVALID_GRANT);
        }
        let person = match self
            .accounts
            .known(
                &session.connection,
                session.account,
                session.method.kind(),
                snapshot.revision,
                visit.now,
            )
            .await
        {
            Ok(Verdict::Accepted(person)) => person,
            Ok(Verdict::Refused(refusal)) => {
                event.ended(Outcome::Refused(&refusal));
                return Err(INVALID_GRANT);
            }
            Err(unavailable) => {
                event.ended(Outcome::Unavailable(&unavailable));
                return Err(UNAVAILABLE);
            }
        };
        let tokens = tracing::info_span!("sign tokens").in_scope(|| {
            tokens::issue(
                grant,
                application,
                person.profile(),
                self.hosts.issuer(),
                &view.token_keys,
                visit.now,
                &*self.randomness,
            )
        });
        let tokens = tokens.map_err(|error| {
            tracing::error!(%error, request_id = %visit.request_id, "tokens could not be made");
            Stop {
                error: ErrorCode::ServerError,
                description: "tokens could not be made",
            }
        })?;
        let settled = self
            .codes
            .settle(&reservation, self.now())
            .instrument(tracing::info_span!("settle code"))
            .await;
        decided(settled, visit, event)?;
        event.ended(Outcome::Redeemed);
        Ok(json::private(json!({
            "access_token": tokens.access_token,
            "token_type": "Bearer",
            "expires_in": tokens::LIFE.as_secs(),
            "id_token": tokens.id_token,
            "scope": grant.scopes.to_string(),
        })))
    }
}

/// What the gateway that issued a code said to a step of its redemption.
fn decided<T>(
    said: Result<Result<T, Invalid>, IssuerAway>,
    visit: &Visit,
    event: &SignIn,
) -> Result<T, Stop> {
    match said {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(invalid)) => {
            event.ended(Outcome::CodeRefused(invalid.0));
            Err(INVALID_GRANT)
        }
        Err(away) => {
            tracing::warn!(error = %away, request_id = %visit.request_id, "a code could not be redeemed");
            Err(UNAVAILABLE)
        }
    }
}

/// Whether the body is a form, whatever its charset parameter says: forms are ASCII.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}
