//! What a sign-in shows while it begins: the certificate page, the form, the choice between connections.
//!
//! **Invariant:** nothing is decided here; certificates are mentioned only where the client's address is asked for one.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::application::Application;
use domain::connection::{Admission, Connection};
use domain::reason::Reason;

use super::Offer;
use super::transaction::Transaction;
use crate::desk::Desk;
use crate::halt::Halt;
use crate::oidc::answer::form_target;
use crate::oidc::parameters::Parameters;
use crate::pages::{self, Alert, Choice, Choose, Connections, Forms, Password};
use crate::visit::Visit;

impl Desk {
    /// "Choose your certificate": stays readable under the browser's chooser, which the certificate host brings up.
    pub(super) fn choose_page(
        &self,
        offer: Offer<'_>,
        text: &str,
        password: bool,
        waits: bool,
        visit: &Visit,
    ) -> Result<Response, Halt> {
        let another_url = if waits {
            self.another_certificate(text)?
        } else {
            None
        };
        let certificate_url = self.hosts.certificate_url(text);
        let frame = self.frame(visit);
        let page = Choose {
            frame: &frame,
            application: &offer.application.name,
            connection: &offer.connection.display_name,
            authorities: offer
                .connection
                .authorities
                .iter()
                .map(|authority| authority.name.as_str())
                .collect(),
            certificate_url: &certificate_url,
            another_url,
            password_url: password.then(|| self.hosts.login_url(&format!("/password?tx={text}"))),
            waits,
        };
        let mut response = pages::answer(StatusCode::OK, &page, &frame, Forms::None);
        if !waits && let Ok(refresh) = HeaderValue::from_str(&format!("0; url={certificate_url}")) {
            response.headers_mut().insert("refresh", refresh);
        }
        Ok(response)
    }

    /// The password form.
    pub(super) fn form_page(
        &self,
        offer: Offer<'_>,
        transaction: &Transaction,
        text: &str,
        user_name: Option<&str>,
        alert: Option<Alert>,
        visit: &Visit,
    ) -> Result<Response, Halt> {
        // Browsers remember having sent none, too, until they are asked under another name.
        let sent_none = alert.is_some_and(|alert| alert.code == Reason::NoCertificate.code());
        let certificate_url = match offer.connection.admission(visit.arrival.address) {
            Admission::Certificate { .. } if sent_none => Some(
                self.another_certificate(text)?
                    .unwrap_or_else(|| self.hosts.certificate_url(text)),
            ),
            Admission::Certificate { .. } => Some(self.hosts.certificate_url(text)),
            Admission::Password | Admission::Nothing => None,
        };
        let frame = self.frame(visit);
        let page = Password {
            frame: &frame,
            application: &offer.application.name,
            connection: &offer.connection.display_name,
            transaction: text,
            user_name: user_name
                .or(transaction.request.login_hint.as_deref())
                .unwrap_or_default(),
            alert,
            certificate_url,
        };
        let target = form_target(&transaction.request.redirect_uri);
        Ok(pages::answer(
            StatusCode::OK,
            &page,
            &frame,
            Forms::Ours(target.as_deref()),
        ))
    }

    /// The choice between connections: links to the same request with one of them.
    pub(super) fn chooser(
        &self,
        application: &Application,
        offered: &[&Connection],
        parameters: &Parameters,
        visit: &Visit,
    ) -> Response {
        let frame = self.frame(visit);
        let page = Connections {
            frame: &frame,
            application: &application.name,
            choices: offered
                .iter()
                .map(|connection| Choice {
                    name: &connection.display_name,
                    url: format!(
                        "/authorize?{}",
                        parameters.with("connection", connection.name.as_str())
                    ),
                })
                .collect(),
        };
        pages::answer(StatusCode::OK, &page, &frame, Forms::None)
    }
}
