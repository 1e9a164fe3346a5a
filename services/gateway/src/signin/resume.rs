//! `/resume`: the certificate result becomes a session, in the browser that began.
//!
//! **Invariant:** what the transaction and the result rest on is judged again, by the configuration in force now.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::outcome::Refusal;
use domain::reason::Reason;
use postern_proto::directory::Method;

use super::certificate_result::CertificateResult;
use super::{Progress, still_offered};
use crate::desk::Desk;
use crate::halt::Halt;
use crate::oidc::parameters::Parameters;
use crate::session::{Ended, LiveSession, stands};
use crate::visit::Visit;

/// Answers a browser that comes back from the certificate host.
pub(crate) async fn get(
    State(desk): State<Arc<Desk>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let mut progress = Progress::of(&visit);
    progress.event.method = Some(Method::Certificate);
    let query = query.unwrap_or_default();
    let answer = desk.resume(&visit, query.as_bytes(), &mut progress).await;
    desk.ended(&visit, progress, answer)
}

impl Desk {
    async fn resume(
        &self,
        visit: &Visit,
        query: &[u8],
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        let parameters = Parameters::parse(query)?;
        let text = parameters.only("tx")?.ok_or(Reason::TransactionUnknown)?;
        let result = parameters.only("r")?.ok_or(Reason::TransactionUnknown)?;
        let snapshot = self.live()?;
        let transaction = self.transaction(&snapshot, text, visit)?;
        let transaction = self.own(transaction, visit, progress)?;
        let result = CertificateResult::open(
            &snapshot.view.seal_keys,
            self.hosts.login(),
            result,
            &transaction,
            visit.now,
        );
        // certval may have judged by a newer revision than the sign-in began with.
        let judged_by = result
            .as_ref()
            .map_or(0, |result| result.authority().revision);
        let snapshot = self.at_least(transaction.revision.max(judged_by)).await?;
        let configuration = &snapshot.view.configuration;
        let offer = still_offered(configuration, &transaction)?;
        let connection = offer.connection;
        progress.ways = self.ways(text, offer, Method::Certificate, visit)?;
        let result = result?;
        progress.event.account = Some(result.account());
        progress.event.leaf = Some(result.leaf());
        self.fresh()?;
        stands(&connection.name, Some(result.authority()), configuration).map_err(ended)?;
        let session = LiveSession::by_certificate(
            &result,
            connection.name.clone(),
            visit.now,
            &*self.randomness,
        )?;
        self.signed_in(&snapshot, &transaction, &session, visit, progress)
    }
}

/// What changed while the person was signing in.
fn ended(ended: Ended) -> Refusal {
    match ended {
        Ended::AuthorityRemoved => Refusal::because(
            Reason::UnknownIssuer,
            "The authority was removed while this sign-in was on its way.",
        ),
        _ => Refusal::because(
            Reason::AddressNotInRange,
            "The connection no longer accepts certificates, from anywhere.",
        ),
    }
}
