//! `/authorize`: a code at once for a session that fits, or the beginning of a sign-in.
//!
//! **Invariant:** with `prompt=none` nobody is asked anything and no other host is visited.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use domain::account::AccountId;
use domain::connection::{Admission, Connection};
use domain::outcome::{Refusal, Verdict};
use domain::reason::Reason;
use postern_proto::directory::Method;
use runtime::trace::TraceContext;

use super::binding::Binding;
use super::shown::Typed;
use super::transaction::Transaction;
use super::{Offer, Progress, Snapshot, add_cookie};
use crate::audit::Outcome;
use crate::cookies;
use crate::desk::Desk;
use crate::halt::{Halt, see_other};
use crate::ids::TransactionId;
use crate::oidc::answer::{Answer, Says};
use crate::oidc::authorize_request::{AuthorizeRequest, Prompt};
use crate::oidc::error_code::ErrorCode;
use crate::oidc::parameters::Parameters;
use crate::oidc::tokens;
use crate::oidc::tokens::Hint;
use crate::pages::Alert;
use crate::pages::words::Language;
use crate::seals;
use crate::session::{Ended, LiveSession, Session};
use crate::visit::Visit;

/// Answers an authorize request in the query.
pub(crate) async fn get(
    State(desk): State<Arc<Desk>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let mut progress = Progress::of(&visit);
    let query = query.unwrap_or_default();
    let answer = desk
        .authorize(&visit, query.as_bytes(), &mut progress)
        .await;
    desk.ended(&visit, progress, answer)
}

/// Answers an authorize request in a form (OpenID Connect Core section 3.1.2.1) with a redirect to the same in the query:
/// a form of another site comes without our cookies.
pub(crate) async fn post(
    State(desk): State<Arc<Desk>>,
    visit: Visit,
    RawQuery(query): RawQuery,
    form: Bytes,
) -> Response {
    let answer = match (query, Parameters::parse(&form)) {
        (None, Ok(parameters)) => Ok(see_other(
            &desk
                .hosts
                .login_url(&format!("/authorize?{}", parameters.to_query())),
        )),
        (None, Err(error)) => Err(error.into()),
        (Some(_), _) => Err(Halt::Rejected(
            StatusCode::BAD_REQUEST,
            "an authorize request has its parameters in the query or in a form, not in both",
        )),
    };
    desk.ended(&visit, Progress::of(&visit), answer)
}

/// What a session is good for in this request.
enum Standing {
    /// There is none that could be used.
    Nobody,
    /// It is older than the application accepts.
    TooLongAgo,
    /// It answers the request.
    Fits(LiveSession),
}

/// What a sign-in begins with.
struct Asked {
    request: AuthorizeRequest,
    /// Whom it is about, if the application says.
    about: Option<AccountId>,
    /// Whether it waits for a click instead of going on by itself.
    waits: bool,
}

impl Desk {
    async fn authorize(
        &self,
        visit: &Visit,
        query: &[u8],
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        let parameters = Parameters::parse(query)?;
        visit.speak(
            parameters
                .only("ui_locales")
                .ok()
                .flatten()
                .and_then(Language::asked_for),
        );
        let snapshot = self.live()?;
        let configuration = &snapshot.view.configuration;
        let request = AuthorizeRequest::read(&parameters, &configuration.applications)?;
        let application = configuration
            .applications
            .get(&request.client_id)
            .ok_or(Halt::Broken("an application vanished"))?;
        progress.event.client_id = Some(request.client_id.clone());

        // Those of the application that exist; the one asked for, if one is.
        let offered: Vec<&Connection> = application
            .connections
            .iter()
            .filter(|name| {
                request
                    .connection
                    .as_ref()
                    .is_none_or(|asked| asked == *name)
            })
            .filter_map(|name| configuration.connections.get(name))
            .collect();
        let standing = match request.prompt {
            Prompt::Login => Standing::Nobody,
            Prompt::Unspecified | Prompt::None => {
                self.standing(&snapshot, &request, &offered, visit).await?
            }
        };
        let hint = parameters
            .only("id_token_hint")
            .map_err(|error| answer(&request, ErrorCode::InvalidRequest, &error.to_string()))?
            .map(|hint| Hint::read(hint, self.hosts.issuer(), &snapshot.view.token_keys));
        let standing = match (standing, &hint) {
            // A session only answers a request about the person in it (OpenID Connect Core section 3.1.2.2).
            (Standing::Fits(live), Some(hint))
                if !hint
                    .as_ref()
                    .is_ok_and(|hint| hint.sub == live.session().account) =>
            {
                Standing::Nobody
            }
            (standing, _) => standing,
        };
        let about = hint.and_then(Result::ok).map(|hint| hint.sub);
        let too_long_ago = match standing {
            Standing::Fits(session) => {
                return self.go_on(&snapshot, &request, session, visit, progress);
            }
            Standing::TooLongAgo => true,
            Standing::Nobody => false,
        };
        if request.prompt == Prompt::None {
            return Err(answer(
                &request,
                ErrorCode::LoginRequired,
                "nobody is signed in",
            ));
        }
        let connection = match offered.as_slice() {
            [] => {
                return Err(answer(
                    &request,
                    ErrorCode::AccessDenied,
                    "there is no connection for this application",
                ));
            }
            [connection] => *connection,
            several => return Ok(self.chooser(application, several, &parameters, visit)),
        };
        let waits = request.prompt == Prompt::Login
            || too_long_ago
            || cookies::is_there(visit.headers(), cookies::SIGNED_OUT);
        self.begin(
            &snapshot,
            Offer {
                application,
                connection,
            },
            Asked {
                request,
                about,
                waits,
            },
            visit,
            progress,
        )
    }

    /// Whether the browser's session answers this request, with the account asked about again.
    async fn standing(
        &self,
        snapshot: &Snapshot,
        request: &AuthorizeRequest,
        offered: &[&Connection],
        visit: &Visit,
    ) -> Result<Standing, Halt> {
        let view = &snapshot.view;
        let session = cookies::read(visit.headers(), cookies::SESSION)
            .and_then(|text| seals::open::<Session>(&view.seal_keys, self.hosts.login(), text).ok())
            .filter(|session| offered.iter().any(|each| each.name == session.connection));
        let Some(session) = session else {
            return Ok(Standing::Nobody);
        };
        let (id, end) = (session.id, tokens::end(&session));
        let live = match session.live(&view.configuration, &self.signed_out, visit.now) {
            Ok(live) => live,
            Err(ended) => {
                if ended == Ended::AuthorityRemoved {
                    // For good: it must not live again should the authority come back.
                    self.signed_out.sign_out(id, end, visit.now);
                }
                return Ok(Standing::Nobody);
            }
        };
        if !live.is_within(request.max_age, visit.now) {
            return Ok(Standing::TooLongAgo);
        }
        let session = live.session();
        let person = self
            .accounts
            .known(
                &session.connection,
                session.account,
                session.method.kind(),
                snapshot.revision,
                visit.now,
            )
            .await;
        match person {
            Ok(Verdict::Accepted(_)) => Ok(Standing::Fits(live)),
            // Whoever it is must say so again, and hears the reason then.
            Ok(Verdict::Refused(_)) => Ok(Standing::Nobody),
            Err(unavailable) if request.prompt == Prompt::None => {
                tracing::warn!(detail = unavailable.detail, request_id = %visit.request_id, "an account could not be checked");
                Err(answer(
                    request,
                    ErrorCode::TemporarilyUnavailable,
                    "the account could not be checked",
                ))
            }
            Err(unavailable) => Err(unavailable.into()),
        }
    }

    /// A code at once.
    fn go_on(
        &self,
        snapshot: &Snapshot,
        request: &AuthorizeRequest,
        session: LiveSession,
        visit: &Visit,
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        // The code carries the session as used now: it must not grow idle before the code is redeemed.
        let renewed = session.renewed(visit.now);
        let is_new = renewed.is_some();
        let session = renewed.unwrap_or(session);
        let mut response = self.code_for(snapshot, request, &session, visit)?;
        if is_new {
            let sealed = seals::seal(
                &snapshot.view.seal_keys,
                self.hosts.login(),
                session.session(),
                &*self.randomness,
            )?;
            add_cookie(&mut response, cookies::set(cookies::SESSION, &sealed))?;
        }
        progress.event.of(session.session());
        progress.event.ended(Outcome::Continued);
        Ok(response)
    }

    /// Opens the transaction and shows what the client's address allows.
    fn begin(
        &self,
        snapshot: &Snapshot,
        offer: Offer<'_>,
        asked: Asked,
        visit: &Visit,
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        let connection = offer.connection;
        progress.event.connection = Some(connection.name.clone());
        let (browser, is_new) = match visit.browser() {
            Some(browser) => (browser, false),
            None => (Binding::draw(&*self.randomness)?, true),
        };
        let transaction = Transaction {
            id: TransactionId::draw(&*self.randomness)?,
            connection: connection.name.clone(),
            address: visit.arrival.address,
            revision: snapshot.revision,
            binding: browser.hash(),
            created: visit.now,
            request: asked.request,
            about: asked.about,
            trace: TraceContext::current(),
        };
        progress.within(&transaction);
        let text = seals::seal(
            &snapshot.view.seal_keys,
            self.hosts.login(),
            &transaction,
            &*self.randomness,
        )?;
        progress.ways = self.ways(&text, offer, Method::Certificate, visit)?;
        let form =
            |alert| self.form_page(offer, &transaction, &text, Typed::default(), alert, visit);
        let mut response = match connection.admission(visit.arrival.address) {
            Admission::Certificate { password } => match self.fresh() {
                Ok(()) if password && visit.prefers_password() => form(None)?,
                Ok(()) => self.choose_page(offer, &text, password, asked.waits, visit)?,
                Err(stale) if password => {
                    progress.event.ended(Outcome::Unavailable(&stale));
                    form(Some(Alert::Fault(stale.fault)))?
                }
                Err(stale) => return Err(stale.into()),
            },
            Admission::Password => form(None)?,
            Admission::Nothing => {
                return Err(Refusal::new(Reason::AddressNotInRange).into());
            }
        };
        if is_new {
            add_cookie(
                &mut response,
                cookies::set(cookies::BROWSER, &browser.text()),
            )?;
        }
        Ok(response)
    }
}

fn answer(request: &AuthorizeRequest, error: ErrorCode, description: &str) -> Halt {
    Halt::Application(Answer {
        to: request.to.clone(),
        says: Says::Error(error, description.to_owned()),
        state: request.state.clone(),
    })
}
