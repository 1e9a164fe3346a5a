//! `/preference`: the way back from "I prefer the password on this device".
//!
//! **Invariant:** only a page of this host, in the browser that began the transaction, changes what a device prefers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use postern_proto::directory::Method;

use super::{Progress, add_cookie, still_offered};
use crate::cookies;
use crate::desk::Desk;
use crate::halt::{Halt, see_other};
use crate::oidc::parameters::Parameters;
use crate::visit::Visit;

/// Forgets that the password is preferred here, and asks for a certificate.
pub(crate) async fn post(State(desk): State<Arc<Desk>>, visit: Visit, form: Bytes) -> Response {
    let mut progress = Progress::of(&visit);
    progress.event.method = Some(Method::Certificate);
    let answer = desk.preference(&visit, &form, &mut progress).await;
    desk.ended(&visit, progress, answer)
}

impl Desk {
    async fn preference(
        &self,
        visit: &Visit,
        form: &[u8],
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        visit.demand_form_of(self.hosts.issuer())?;
        let form = Parameters::parse(form)?;
        let (snapshot, transaction, text) = self.own_transaction(&form, visit, progress).await?;
        let offer = still_offered(&snapshot.view.configuration, &transaction)?;
        progress.ways = self.ways(text, offer, Method::Certificate, visit)?;
        // Whether a certificate is asked for at this address is judged there.
        let mut response = see_other(&self.hosts.certificate_url(text));
        add_cookie(&mut response, cookies::removed(cookies::PREFER_PASSWORD))?;
        Ok(response)
    }
}
