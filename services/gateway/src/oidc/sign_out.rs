//! `/signout`: the end of a session (OpenID Connect RP-Initiated Logout 1.0).
//!
//! **Invariant:** a browser is sent on only to an address that the application named in a genuine ID token has registered,
//! byte by byte; without such a token a person is asked first.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use domain::configuration::Configuration;

use super::answer::with_query;
use super::keys::NotOurs;
use super::parameters::Parameters;
use super::tokens::{self, Hint};
use crate::audit::{Outcome, SignIn};
use crate::cookies;
use crate::desk::Desk;
use crate::halt::{Halt, see_other};
use crate::pages::{self, Forms, SignOut, SignedOutPage};
use crate::seals;
use crate::session::Session;
use crate::signin::binding::Binding;
use crate::signin::{Progress, Snapshot, add_cookie};
use crate::visit::Visit;

/// Longest `state` that goes back, in bytes.
const MAX_STATE: usize = 2048;

/// Signs out, or asks whether to.
pub(crate) async fn get(
    State(desk): State<Arc<Desk>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let answer = desk.sign_out(&visit, query.as_bytes(), false);
    desk.ended(&visit, Progress::of(&visit), answer)
}

/// The same in a form, or the yes to the question.
pub(crate) async fn post(State(desk): State<Arc<Desk>>, visit: Visit, form: Bytes) -> Response {
    let answer = desk.sign_out(&visit, &form, true);
    desk.ended(&visit, Progress::of(&visit), answer)
}

impl Desk {
    fn sign_out(&self, visit: &Visit, text: &[u8], is_form: bool) -> Result<Response, Halt> {
        let parameters = Parameters::parse(text)?;
        let snapshot = self.live()?;
        let session = self.cookie_session(&snapshot, visit);
        let hint = match parameters.only("id_token_hint")? {
            None => None,
            Some(token) => Some(
                Hint::read(token, self.hosts.issuer(), &snapshot.view.token_keys).map_err(
                    |NotOurs| {
                        Halt::Rejected(
                            StatusCode::BAD_REQUEST,
                            "the id_token_hint is not an ID token of this issuer",
                        )
                    },
                )?,
            ),
        };
        match &hint {
            None => {
                let confirmed = is_form && parameters.only("confirmed")? == Some("yes");
                if !confirmed {
                    return Ok(self.question(visit));
                }
                if !visit.is_from(self.hosts.issuer()) {
                    return Err(Halt::Rejected(
                        StatusCode::FORBIDDEN,
                        "the form was not sent by a page of this host",
                    ));
                }
            }
            // The application speaks of a session that this browser has left: whoever is there now is asked.
            Some(hint) if session.as_ref().is_some_and(|there| there.id != hint.sid) => {
                self.signed_out.sign_out(hint.sid, hint.end(), visit.now);
                return Ok(self.question(visit));
            }
            Some(hint) => self.signed_out.sign_out(hint.sid, hint.end(), visit.now),
        }
        let mut event = SignIn::at(visit);
        if let Some(session) = &session {
            self.signed_out
                .sign_out(session.id, tokens::end(session), visit.now);
            event.method = Some(session.method.kind());
            event.connection = Some(session.connection.clone());
        }
        event.client_id = hint.as_ref().map(|hint| hint.aud.clone());
        event.ended(Outcome::SignedOut);

        let target = hint
            .as_ref()
            .map(|hint| target(&parameters, hint, &snapshot.view.configuration))
            .transpose()?
            .flatten();
        let mut response = match target {
            Some(target) => see_other(&target),
            None => {
                let frame = self.frame(visit);
                let page = SignedOutPage { frame: &frame };
                pages::answer(StatusCode::OK, &page, &frame, Forms::None)
            }
        };
        let browser = Binding::draw(&*self.randomness)?;
        add_cookie(
            &mut response,
            cookies::set(cookies::BROWSER, &browser.text()),
        )?;
        add_cookie(&mut response, cookies::removed(cookies::SESSION))?;
        add_cookie(&mut response, cookies::set(cookies::SIGNED_OUT, "1"))?;
        Ok(response)
    }

    /// The session in this browser's cookie, alive or not.
    fn cookie_session(&self, snapshot: &Snapshot, visit: &Visit) -> Option<Session> {
        let text = cookies::read(visit.headers(), cookies::SESSION)?;
        seals::open(&snapshot.view.seal_keys, self.hosts.login(), text).ok()
    }

    fn question(&self, visit: &Visit) -> Response {
        let frame = self.frame(visit);
        let page = SignOut { frame: &frame };
        pages::answer(StatusCode::OK, &page, &frame, Forms::Ours(None))
    }
}

/// Where the browser goes afterwards: nowhere unless asked, and then exactly to a registered address.
fn target(
    parameters: &Parameters,
    hint: &Hint,
    configuration: &Configuration,
) -> Result<Option<String>, Halt> {
    if parameters
        .only("client_id")?
        .is_some_and(|named| named != hint.aud.as_str())
    {
        return Err(Halt::Rejected(
            StatusCode::BAD_REQUEST,
            "client_id is not the one of the id_token_hint",
        ));
    }
    let registered = configuration
        .applications
        .get(&hint.aud)
        .map(|application| &application.post_logout_redirect_uris);
    let uri = parameters
        .only("post_logout_redirect_uri")?
        .filter(|uri| registered.is_some_and(|registered| registered.contains(*uri)));
    let state = parameters
        .only("state")?
        .filter(|state| state.len() <= MAX_STATE);
    Ok(uri.map(|uri| with_query(uri, [("state", state)])))
}
