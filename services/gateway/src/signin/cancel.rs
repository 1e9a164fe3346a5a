//! `/cancel`: the person goes back to the application without signing in.
//!
//! **Invariant:** it ends nothing: the transaction stays good for the page's other ways, and no session is touched.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::{Progress, still_registered};
use crate::audit::Outcome;
use crate::desk::Desk;
use crate::halt::Halt;
use crate::oidc::answer::{Answer, Says};
use crate::oidc::error_code::ErrorCode;
use crate::oidc::parameters::Parameters;
use crate::visit::Visit;

/// Sends the browser back with `access_denied` (RFC 6749 section 4.1.2.1).
pub(crate) async fn get(
    State(desk): State<Arc<Desk>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let mut progress = Progress::of(&visit);
    let query = query.unwrap_or_default();
    let answer = desk.cancel(&visit, query.as_bytes(), &mut progress).await;
    desk.ended(&visit, progress, answer)
}

impl Desk {
    async fn cancel(
        &self,
        visit: &Visit,
        query: &[u8],
        progress: &mut Progress,
    ) -> Result<Response, Halt> {
        let parameters = Parameters::parse(query)?;
        let (snapshot, transaction, _) = self.own_transaction(&parameters, visit, progress).await?;
        still_registered(&snapshot.view.configuration, &transaction)?;
        progress.event.ended(Outcome::Cancelled);
        let request = &transaction.request;
        Err(Halt::Application(Answer {
            to: request.to.clone(),
            says: Says::Error(
                ErrorCode::AccessDenied,
                "the person went back without signing in".to_owned(),
            ),
            state: request.state.clone(),
        }))
    }
}
