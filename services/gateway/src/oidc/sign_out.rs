//! `/signout`: the end of a session (OpenID Connect RP-Initiated Logout 1.0).
//!
//! **Invariant:** a browser is sent on only to an address that the application named in a genuine ID token has registered,
//! byte by byte; without such a token, or with one of another session than the browser's, a person is asked first.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use domain::application::ClientId;
use domain::configuration::Configuration;
use postern_proto::directory::Method;

use super::answer::with_query;
use super::keys::NotOurs;
use super::parameters::Parameters;
use super::tokens::{self, Hint};
use crate::audit::{Outcome, SignIn};
use crate::cookies;
use crate::desk::Desk;
use crate::halt::{Halt, see_other};
use crate::pages::words::Language;
use crate::pages::{self, Does, SignOut, SignedOutPage};
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
    let answer = desk.sign_out(&visit, query.as_bytes());
    desk.ended(&visit, Progress::of(&visit), answer)
}

/// The yes to the question, or the same as [`get`] in a form.
pub(crate) async fn post(State(desk): State<Arc<Desk>>, visit: Visit, form: Bytes) -> Response {
    let answer = desk.sign_out_by_form(&visit, &form);
    desk.ended(&visit, Progress::of(&visit), answer)
}

impl Desk {
    fn sign_out(&self, visit: &Visit, query: &[u8]) -> Result<Response, Halt> {
        let parameters = Parameters::parse(query)?;
        visit.speak(parameters.only("ui_locales")?.and_then(Language::asked_for));
        let Some(token) = parameters.only("id_token_hint")? else {
            return Ok(self.question(visit));
        };
        let snapshot = self.live()?;
        let hint = Hint::read(token, self.hosts.issuer(), &snapshot.view.token_keys).map_err(
            |NotOurs| {
                Halt::Rejected(
                    StatusCode::BAD_REQUEST,
                    "the id_token_hint is not an ID token of this issuer",
                )
            },
        )?;
        // Before anything is ended: a request that is refused has done nothing.
        let target = target(&parameters, &hint, &snapshot.view.configuration)?;
        let session = self.cookie_session(&snapshot, visit);
        self.signed_out.sign_out(hint.sid, hint.end(), visit.now);
        // The application speaks of a session that this browser has left: whoever is there now is asked.
        if session.as_ref().is_some_and(|there| there.id != hint.sid) {
            return Ok(self.question(visit));
        }
        self.signed_out_response(visit, session.as_ref(), Some(hint.aud), target)
    }

    fn sign_out_by_form(&self, visit: &Visit, form: &[u8]) -> Result<Response, Halt> {
        let parameters = Parameters::parse(form)?;
        visit.speak(parameters.only("ui_locales")?.and_then(Language::asked_for));
        if parameters.only("confirmed")? != Some("yes") {
            // A form of another site comes without our cookies: only after a redirect is it known who is here.
            let path = format!("/signout?{}", parameters.to_query());
            return Ok(see_other(&self.hosts.login_url(&path)));
        }
        visit.demand_form_of(self.hosts.issuer())?;
        let snapshot = self.live()?;
        let session = self.cookie_session(&snapshot, visit);
        self.signed_out_response(visit, session.as_ref(), None, None)
    }

    /// Ends this browser's session, if it has one, and sends it on.
    fn signed_out_response(
        &self,
        visit: &Visit,
        session: Option<&Session>,
        client_id: Option<ClientId>,
        target: Option<String>,
    ) -> Result<Response, Halt> {
        let mut response = match target {
            Some(target) => see_other(&target),
            None => {
                let frame = self.frame(visit);
                let words = frame.words();
                let by_certificate =
                    session.is_some_and(|ended| ended.method.kind() == Method::Certificate);
                let page = SignedOutPage {
                    frame: &frame,
                    another_certificate: by_certificate.then_some(
                        match self.hosts.has_another_certificate() {
                            true => words.signed_out_there,
                            false => words.signed_out_restart,
                        },
                    ),
                };
                pages::answer(StatusCode::OK, &page, &frame, Does::Nothing)
            }
        };
        let mut event = SignIn::at(visit);
        event.client_id = client_id;
        if let Some(session) = session {
            self.signed_out
                .sign_out(session.id, tokens::end(session), visit.now);
            event.of(session);
            let browser = Binding::draw(&*self.randomness)?;
            add_cookie(
                &mut response,
                cookies::set(cookies::BROWSER, &browser.text()),
            )?;
            add_cookie(&mut response, cookies::removed(cookies::SESSION))?;
        }
        add_cookie(&mut response, cookies::lasting(cookies::SIGNED_OUT))?;
        event.ended(Outcome::SignedOut);
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
        pages::answer(StatusCode::OK, &page, &frame, Does::Forms(&[]))
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
    Ok(uri.map(|uri| with_query(uri, state.map(|state| ("state", state)))))
}
