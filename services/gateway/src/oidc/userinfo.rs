//! `/userinfo`: what the directory says now of the person behind an access token (OpenID Connect Core section 5.3).
//!
//! **Invariant:** asked live each time; a person who may not sign in any more has no valid token any more.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use bytes::Bytes;
use domain::outcome::Verdict;
use serde::Serialize;

use super::error_code::ErrorCode;
use super::json;
use super::keys::NotOurs;
use super::parameters::Parameters;
use super::token::is_form;
use super::tokens::{self, PersonClaims};
use crate::audit::{Outcome, SignIn};
use crate::desk::Desk;
use crate::visit::Visit;

#[derive(Serialize)]
struct Userinfo {
    sub: String,
    #[serde(flatten)]
    person: PersonClaims,
}

/// Answers the holder of an access token, sent as a header.
pub(crate) async fn get(State(desk): State<Arc<Desk>>, visit: Visit) -> Response {
    match bearer(visit.headers()) {
        Ok(Some(token)) => desk.userinfo(&visit, token).await,
        Ok(None) => json::bearer(None),
        Err(error) => json::bearer(Some(error)),
    }
}

/// The same, or sent in a form (RFC 6750 section 2.2).
pub(crate) async fn post(State(desk): State<Arc<Desk>>, visit: Visit, body: Bytes) -> Response {
    let form = match is_form(visit.headers()) {
        true => Parameters::parse(&body).ok(),
        false => Parameters::parse(b"").ok(),
    };
    let in_form = form
        .as_ref()
        .ok_or(ErrorCode::InvalidRequest)
        .and_then(|form| {
            form.only("access_token")
                .map_err(|_| ErrorCode::InvalidRequest)
        });
    match (bearer(visit.headers()), in_form) {
        (Ok(Some(token)), Ok(None)) | (Ok(None), Ok(Some(token))) => {
            desk.userinfo(&visit, token).await
        }
        (Ok(None), Ok(None)) => json::bearer(None),
        (Ok(Some(_)), Ok(Some(_))) => json::bearer(Some(ErrorCode::InvalidRequest)),
        (Err(error), _) | (_, Err(error)) => json::bearer(Some(error)),
    }
}

impl Desk {
    async fn userinfo(&self, visit: &Visit, token: &str) -> Response {
        let unavailable = || json::error(ErrorCode::TemporarilyUnavailable, "please try again");
        let Ok(snapshot) = self.live() else {
            return unavailable();
        };
        let access = match tokens::access(
            token,
            self.hosts.issuer(),
            &snapshot.view.token_keys,
            &snapshot.view.configuration,
            &self.signed_out,
            visit.now,
        ) {
            Ok(access) => access,
            Err(NotOurs) => return json::bearer(Some(ErrorCode::InvalidToken)),
        };
        let person = self
            .accounts
            .anew(
                &access.connection,
                access.account,
                access.method,
                snapshot.revision,
                visit.now,
            )
            .await;
        let mut event = SignIn::at(visit);
        event.method = Some(access.method);
        event.connection = Some(access.connection);
        match person {
            Ok(Verdict::Accepted(person)) => {
                let claims = Userinfo {
                    sub: access.account.to_string(),
                    person: PersonClaims::of(person.profile(), &access.scopes),
                };
                match serde_json::to_value(claims) {
                    Ok(claims) => json::private(claims),
                    Err(_) => {
                        json::error(ErrorCode::ServerError, "the claims could not be written")
                    }
                }
            }
            Ok(Verdict::Refused(refusal)) => {
                event.ended(Outcome::Refused(&refusal));
                json::bearer(Some(ErrorCode::InvalidToken))
            }
            Err(away) => {
                event.ended(Outcome::Unavailable(&away));
                unavailable()
            }
        }
    }
}

/// The bearer token of the one Authorization header, if there is one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ErrorCode> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| Some(token.trim()))
            .ok_or(ErrorCode::InvalidRequest),
        (Some(_), Some(_)) => Err(ErrorCode::InvalidRequest),
    }
}
