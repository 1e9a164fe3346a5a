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
use crate::oidc::parameters::Parameters;
use crate::pages::{
    self, Alert, Authorities, Choice, Choose, Connections, Does, Password, WithCertificate,
};
use crate::visit::Visit;

/// What stands in the form when it is shown again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Typed<'a> {
    pub(super) user_name: Option<&'a str>,
    /// Whether "I prefer the password on this device" is ticked.
    pub(super) prefers: bool,
}

/// Whether a certificate is asked for where this visit comes from.
pub(super) fn is_asked(connection: &Connection, visit: &Visit) -> bool {
    matches!(
        connection.admission(visit.arrival.address),
        Admission::Certificate { .. }
    )
}

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
        let authorities = &offer.connection.authorities;
        let page = Choose {
            frame: &frame,
            application: &offer.application.name,
            authorities: Authorities::new(authorities.iter().map(|each| each.name.as_str())),
            certificate_url: &certificate_url,
            another_url,
            password_url: password.then(|| self.hosts.login_url(&format!("/password?tx={text}"))),
            back: self.back(text, offer.application),
            waits,
        };
        let mut response = pages::answer(StatusCode::OK, &page, &frame, Does::Nothing);
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
        typed: Typed<'_>,
        alert: Option<Alert>,
        visit: &Visit,
    ) -> Result<Response, Halt> {
        // Browsers remember having sent none, too, until they are asked under another name.
        let sent_none = matches!(alert, Some(Alert::Reason(Reason::NoCertificate)));
        // While certificates cannot be judged, they are no way to sign in.
        let is_offered =
            is_asked(offer.connection, visit) && !matches!(alert, Some(Alert::Fault(_)));
        let certificate = match (is_offered, visit.prefers_password()) {
            (false, _) => WithCertificate::Nowhere,
            (true, true) => WithCertificate::OnRequest,
            (true, false) => WithCertificate::At(match self.another_certificate(text)? {
                Some(another) if sent_none => another,
                _ => self.hosts.certificate_url(text),
            }),
        };
        let mut targets: Vec<String> = transaction.request.to.form_target().into_iter().collect();
        if certificate == WithCertificate::OnRequest {
            targets.push(self.hosts.certificate_origin());
        }
        let frame = self.frame(visit);
        let page = Password {
            frame: &frame,
            application: &offer.application.name,
            connection: &offer.connection.display_name,
            transaction: text,
            user_name: typed
                .user_name
                .or(transaction.request.login_hint.as_deref())
                .unwrap_or_default(),
            prefers: typed.prefers,
            alert,
            certificate,
            back: self.back(text, offer.application),
        };
        Ok(pages::answer(
            StatusCode::OK,
            &page,
            &frame,
            Does::Forms(&targets),
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
        pages::answer(StatusCode::OK, &page, &frame, Does::Nothing)
    }
}
