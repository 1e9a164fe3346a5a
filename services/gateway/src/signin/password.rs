//! The password form.
//!
//! **Invariant:** a password is tried for the form's own browser and origin only, never when empty, never more often than
//! the limits allow, and never twice for one click.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use domain::account::{AccountName, Person};
use domain::connection::Connection;
use domain::outcome::{Refusal, Verdict};
use domain::reason::Reason;
use postern_proto::directory::{MAX_PASSWORD, MAX_USER_NAME, Method};

use super::shown::{Typed, is_asked};
use super::{Progress, Snapshot, add_cookie, still_offered};
use crate::audit::Outcome;
use crate::cookies;
use crate::desk::Desk;
use crate::halt::{Halt, retry_later, status_of};
use crate::oidc::parameters::Parameters;
use crate::pages::Alert;
use crate::session::LiveSession;
use crate::visit::Visit;

/// Shows the form.
pub(crate) async fn get(
    State(desk): State<Arc<Desk>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let mut progress = Progress::of(&visit);
    progress.event.method = Some(Method::Password);
    let query = query.unwrap_or_default();
    let answer = desk.form(&visit, query.as_bytes(), &mut progress).await;
    desk.ended(&visit, progress, answer)
}

/// Tries what was typed.
pub(crate) async fn post(State(desk): State<Arc<Desk>>, visit: Visit, form: Bytes) -> Response {
    let mut progress = Progress::of(&visit);
    progress.event.method = Some(Method::Password);
    let answer = desk.password(&visit, &form, &mut progress).await;
    desk.ended(&visit, progress, answer)
}

impl Desk {
    async fn form(
        &self,
        visit: &Visit,
        query: &[u8],
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        let parameters = Parameters::parse(query)?;
        let (snapshot, transaction, text) =
            self.own_transaction(&parameters, visit, progress).await?;
        let configuration = &snapshot.view.configuration;
        let offer = still_offered(configuration, &transaction)?;
        progress.ways = self.ways(text, offer, Method::Password, visit)?;
        with_password(offer.connection)?;
        // The one reason that comes from elsewhere; others would put words into our mouth.
        let alert = parameters
            .only("reason")?
            .filter(|reason| *reason == Reason::NoCertificate.code())
            .map(|_| Alert::Reason(Reason::NoCertificate));
        self.form_page(offer, &transaction, text, Typed::default(), alert, visit)
    }

    async fn password(
        &self,
        visit: &Visit,
        form: &[u8],
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        visit.demand_form_of(self.hosts.issuer())?;
        let form = Parameters::parse(form)?;
        let (snapshot, transaction, text) = self.own_transaction(&form, visit, progress).await?;
        let configuration = &snapshot.view.configuration;
        let offer = still_offered(configuration, &transaction)?;
        progress.ways = self.ways(text, offer, Method::Password, visit)?;
        let connection = offer.connection;
        with_password(connection)?;
        // Phones put a space behind what they complete.
        let user_name = form.only("user_name")?.unwrap_or_default().trim();
        let password = form.only("password")?.unwrap_or_default();
        let prefers = form.only("prefer")? == Some("password");
        match self
            .try_password(&snapshot, connection, user_name, password, visit)
            .await?
        {
            Verdict::Accepted(person) => {
                let session = LiveSession::by_password(
                    &person,
                    connection.name.clone(),
                    visit.now,
                    &*self.randomness,
                )?;
                let mut response =
                    self.signed_in(&snapshot, &transaction, &session, visit, progress)?;
                // Where nobody is asked for a certificate there is nothing to prefer.
                if prefers && is_asked(connection, visit) {
                    add_cookie(&mut response, cookies::lasting(cookies::PREFER_PASSWORD))?;
                }
                Ok(response)
            }
            Verdict::Refused(refusal) => {
                progress.event.ended(Outcome::Refused(&refusal));
                let told = told(refusal.reason);
                let mut page = self.form_page(
                    offer,
                    &transaction,
                    text,
                    Typed {
                        user_name: Some(user_name),
                        prefers,
                    },
                    Some(Alert::Reason(told)),
                    visit,
                )?;
                *page.status_mut() = status_of(told);
                Ok(if told == Reason::Throttled {
                    retry_later(page)
                } else {
                    page
                })
            }
        }
    }

    async fn try_password(
        &self,
        snapshot: &Snapshot,
        connection: &Connection,
        user_name: &str,
        password: &str,
        visit: &Visit,
    ) -> Result<Verdict<Person>, Halt> {
        // Active Directory takes a bind without a password for an anonymous one and says yes. What can be neither a name
        // nor a password is nobody's attempt, and does not count as one.
        if user_name.parse::<AccountName>().is_err()
            || password.is_empty()
            || user_name.len() > MAX_USER_NAME
            || password.len() > MAX_PASSWORD
        {
            return Ok(Verdict::refused(Reason::WrongCredentials));
        }
        let attempt = self.attempts.begin(
            &connection.name,
            user_name,
            visit.arrival.address,
            visit.now,
        );
        let Some(attempt) = attempt else {
            return Ok(Verdict::refused(Reason::Throttled));
        };
        let answer = self
            .accounts
            .directory()
            .authenticate(
                &connection.name,
                user_name.to_owned(),
                password.as_bytes().to_vec(),
                snapshot.revision,
            )
            .await;
        match answer {
            Ok(answer) => {
                if matches!(answer.verdict, Verdict::Accepted(_)) {
                    self.attempts.right(&attempt);
                }
                Ok(self
                    .accounts
                    .noted(&connection.name, Method::Password, answer, visit.now))
            }
            Err(unavailable) => {
                self.attempts.undecided(&attempt);
                Err(unavailable.into())
            }
        }
    }
}

fn with_password(connection: &Connection) -> Result<(), Refusal> {
    if connection.methods.password {
        Ok(())
    } else {
        Err(Refusal::because(
            Reason::NotAllowed,
            "This connection does not take passwords.",
        ))
    }
}

/// What a stranger at the form may hear: whether an account exists is not theirs to know.
const fn told(reason: Reason) -> Reason {
    match reason {
        // Active Directory says "locked" before it looks at the password, so it would tell of the account to anybody.
        Reason::NotInDirectory | Reason::AmbiguousAccount | Reason::Locked => {
            Reason::WrongCredentials
        }
        reason => reason,
    }
}
