//! One sign-in, step by step: each takes the proof the step before made.
//!
//! `authorize` → [`transaction::Transaction`] → certificate host: `PresentedChain` → certval: `VerifiedCertificate` →
//! directory: `Person` → [`certificate_result::CertificateResult`] → `resume` → session → code. The password form goes from the
//! transaction to the person in one step.
//!
//! **Invariant:** a session is opened for a [`transaction::OwnTransaction`] only: in the browser that began it.

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use domain::application::Application;
use domain::configuration::Configuration;
use domain::connection::Connection;
use domain::outcome::Refusal;
use domain::reason::Reason;
use postern_proto::directory::Method;
use runtime::live::Revisioned;

use crate::audit::{Outcome, SignIn};
use crate::cookies;
use crate::desk::Desk;
use crate::halt::{Halt, Ways};
use crate::ids;
use crate::oidc::answer::{Answer, Says};
use crate::oidc::authorize_request::{AuthorizeRequest, PageError};
use crate::oidc::error_code::ErrorCode;
use crate::oidc::parameters::Parameters;
use crate::oidc::return_address::ReturnAddress;
use crate::pages::Back;
use crate::seals;
use crate::session::LiveSession;
use crate::view::View;
use crate::visit::Visit;
use shown::is_asked;
use transaction::{OwnTransaction, Transaction};

pub(crate) mod attempts;
pub(crate) mod authorize;
pub(crate) mod belonging;
pub(crate) mod binding;
pub(crate) mod cancel;
pub(crate) mod certificate;
pub(crate) mod certificate_result;
pub(crate) mod password;
pub(crate) mod preference;
pub(crate) mod resume;
mod shown;
#[cfg(test)]
mod tests;
pub(crate) mod transaction;

/// The live snapshot as one request sees it.
pub(crate) type Snapshot = Arc<Revisioned<View>>;

/// How far a request has come: what its audit event says, and what its pages offer.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) event: SignIn,
    pub(crate) ways: Ways,
}

impl Progress {
    pub(crate) fn of(visit: &Visit) -> Self {
        Self {
            event: SignIn::at(visit),
            ways: Ways::default(),
        }
    }

    /// Notes the transaction.
    pub(crate) fn within(&mut self, transaction: &Transaction) {
        self.event.connection = Some(transaction.connection.clone());
        self.event.client_id = Some(transaction.request.client_id.clone());
        self.event.transaction = Some(transaction.id);
    }
}

impl Desk {
    /// Ends a request: writes the audit event of a sign-in that goes no further, and makes the answer.
    pub(crate) fn ended(
        &self,
        visit: &Visit,
        progress: Progress,
        answer: Result<Response, Halt>,
    ) -> Response {
        match answer {
            Ok(response) => response,
            Err(halt) => {
                match &halt {
                    Halt::Refused(refusal) => progress.event.ended(Outcome::Refused(refusal)),
                    Halt::Unavailable(unavailable) => {
                        progress.event.ended(Outcome::Unavailable(unavailable));
                    }
                    _ => {}
                }
                self.halted(visit, halt, progress.ways)
            }
        }
    }

    /// Opens the transaction a request belongs to.
    pub(crate) fn transaction(
        &self,
        snapshot: &Revisioned<View>,
        text: &str,
        visit: &Visit,
    ) -> Result<Transaction, Reason> {
        let transaction = Transaction::open(
            &snapshot.view.seal_keys,
            self.hosts.login(),
            text,
            visit.now,
        )?;
        visit.speak(transaction.request.ui_locale);
        Ok(transaction)
    }

    /// The transaction of a request, in the browser that began it, its sealed text, and a snapshot no older than it.
    async fn own_transaction<'a>(
        &self,
        parameters: &'a Parameters,
        visit: &Visit,
        progress: &mut Progress,
    ) -> Result<(Snapshot, OwnTransaction, &'a str), Halt> {
        let text = parameters.only("tx")?.ok_or(Reason::TransactionUnknown)?;
        let transaction = self.transaction(&*self.live()?, text, visit)?;
        let transaction = self.own(transaction, visit, progress)?;
        let snapshot = self.at_least(transaction.revision).await?;
        Ok((snapshot, transaction, text))
    }

    /// The proof that this browser began the transaction. Where it did not, the same request can be begun anew: of two
    /// tabs that a browser without cookies opens at once, only one finds its cookie again.
    fn own(
        &self,
        transaction: Transaction,
        visit: &Visit,
        progress: &mut Progress,
    ) -> Result<OwnTransaction, Reason> {
        progress.within(&transaction);
        // Without the hint it would be for anybody.
        let anew = match transaction.about {
            None => Some(format!("/authorize?{}", transaction.request.to_query())),
            Some(_) => None,
        };
        transaction.in_browser(visit.browser()).inspect_err(|_| {
            progress.ways.again = anew.map(|path| self.hosts.login_url(&path));
        })
    }

    /// The ways out of a transaction that can still be used, for somebody who came by this method.
    pub(crate) fn ways(
        &self,
        text: &str,
        offer: Offer<'_>,
        method: Method,
        visit: &Visit,
    ) -> Result<Ways, Halt> {
        let connection = offer.connection;
        let is_asked = is_asked(connection, visit);
        let certificate = is_asked.then(|| self.hosts.certificate_url(text));
        let form = connection
            .methods
            .password
            .then(|| self.hosts.login_url(&format!("/password?tx={text}")));
        let (again, password) = match method {
            Method::Certificate => (certificate, form),
            Method::Password => (form, None),
        };
        Ok(Ways {
            again,
            another_certificate: if is_asked {
                self.another_certificate(text)?
            } else {
                None
            },
            password,
            back: Some(self.back(text, offer.application)),
        })
    }

    /// The way back to the application, without signing in.
    pub(crate) fn back(&self, text: &str, application: &Application) -> Back {
        Back {
            application: application.name.clone(),
            url: self.hosts.login_url(&format!("/cancel?tx={text}")),
        }
    }

    /// Where a browser asks for a certificate anew whatever it remembers, where there is such a place.
    pub(crate) fn another_certificate(&self, text: &str) -> Result<Option<String>, Halt> {
        // A label of letters, so that no browser takes the name for an address.
        let attempt: String = ids::draw(&*self.randomness)?
            .iter()
            .take(12)
            .map(|byte| char::from(b'a' + byte % 26))
            .collect();
        Ok(self.hosts.another_certificate_url(&attempt, text))
    }

    /// Sends a browser back to the application with a code for `session`.
    pub(crate) fn code_for(
        &self,
        snapshot: &Snapshot,
        request: &AuthorizeRequest,
        session: &LiveSession,
        visit: &Visit,
    ) -> Result<Response, Halt> {
        let code = tracing::info_span!("issue code").in_scope(|| {
            self.codes.issue(
                &snapshot.view.seal_keys,
                request,
                session,
                visit.now,
                &*self.randomness,
            )
        })?;
        Ok(self.answered(
            visit,
            &Answer {
                to: request.to.clone(),
                says: Says::Code(code),
                state: request.state.clone(),
            },
        ))
    }

    /// The same, for a session that was opened just now: the browser gets it, and forgets that it signed out.
    pub(crate) fn signed_in(
        &self,
        snapshot: &Snapshot,
        transaction: &OwnTransaction,
        session: &LiveSession,
        visit: &Visit,
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        let request = &transaction.request;
        if transaction
            .about
            .is_some_and(|about| about != session.session().account)
        {
            return Err(Halt::Application(Answer {
                to: request.to.clone(),
                says: Says::Error(
                    ErrorCode::LoginRequired,
                    "somebody else signed in than the id_token_hint is about".to_owned(),
                ),
                state: request.state.clone(),
            }));
        }
        let mut response = self.code_for(snapshot, request, session, visit)?;
        let sealed = seals::seal(
            &snapshot.view.seal_keys,
            self.hosts.login(),
            session.session(),
            &*self.randomness,
        )?;
        add_cookie(&mut response, cookies::set(cookies::SESSION, &sealed))?;
        add_cookie(&mut response, cookies::removed(cookies::SIGNED_OUT))?;
        progress.event.of(session.session());
        progress.event.ended(Outcome::SignedIn);
        Ok(response)
    }
}

/// An application, and a connection that people may use for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer<'a> {
    pub(crate) application: &'a Application,
    pub(crate) connection: &'a Connection,
}

/// Judges again where the transaction's answer goes: the application, and the address it asked for.
pub(crate) fn still_registered<'a>(
    configuration: &'a Configuration,
    transaction: &Transaction,
) -> Result<&'a Application, Halt> {
    let request = &transaction.request;
    let application = configuration
        .applications
        .get(&request.client_id)
        .ok_or(Halt::Page(PageError::UnknownApplication))?;
    if request.to.is_registered(application) {
        Ok(application)
    } else {
        Err(Halt::Page(match request.to {
            ReturnAddress::Redirect(_) => PageError::UnknownRedirectUri,
            ReturnAddress::Message(_) => PageError::UnknownOrigin,
        }))
    }
}

/// Judges again what the transaction rests on: where its answer goes, and the connection.
pub(crate) fn still_offered<'a>(
    configuration: &'a Configuration,
    transaction: &Transaction,
) -> Result<Offer<'a>, Halt> {
    let application = still_registered(configuration, transaction)?;
    let connection = configuration
        .connections
        .get(&transaction.connection)
        .filter(|connection| application.connections.contains(&connection.name))
        .ok_or_else(|| {
            Refusal::because(
                Reason::TransactionUnknown,
                "The connection is no longer offered for this application.",
            )
        })?;
    Ok(Offer {
        application,
        connection,
    })
}

/// Adds a cookie to an answer.
pub(crate) fn add_cookie(response: &mut Response, cookie: Option<HeaderValue>) -> Result<(), Halt> {
    let cookie = cookie.ok_or(Halt::Broken("a cookie could not be written"))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(())
}
