//! certval on the mesh: `postern.certval.v1.Certval`.
//!
//! **Invariant:** a refusal is an answer. A `Status` means that nothing was judged: a question that makes no sense, or a
//! configuration that is missing, behind, or without the connection asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::certificate::PresentedChain;
use domain::outcome::Verdict;
use domain::timestamp::Timestamp;
use postern_proto::certval::v1::certval_server::{Certval, CertvalServer};
use postern_proto::certval::{Judgement, Question, v1};
use runtime::clock::Clock;
use runtime::live::{LONGEST_WAIT, Live};
use runtime::mesh::{AllowList, Peer};
use runtime::metrics::Metrics;
use tonic::{Request, Response, Status};

use crate::inspect::{MAX_UPLOAD, inspect};
use crate::judge::{judge, not_taken};
use crate::view::View;
use numbers::Numbers;

mod numbers;
#[cfg(test)]
mod tests;

/// Judges a chain, now.
pub const VALIDATE: &str = "/postern.certval.v1.Certval/Validate";
/// Judges a chain by another time.
pub const EXPLAIN: &str = "/postern.certval.v1.Certval/Explain";
/// Says what uploaded certificates are.
pub const INSPECT: &str = "/postern.certval.v1.Certval/Inspect";

/// Most bytes of one request, for [`runtime::mesh::ServerSettings::largest_request`]: an upload and the message around it.
pub const LARGEST_REQUEST: usize = MAX_UPLOAD + (16 << 10);

/// The service over a live configuration. It prepares nothing per request and holds nothing between requests.
#[derive(Debug)]
pub struct Service {
    live: Live<View>,
    clock: Arc<dyn Clock>,
    numbers: Numbers,
}

/// The gRPC service that judges by `live`, with the time of `clock`, and counts in `metrics`.
#[must_use]
pub fn server(
    live: Live<View>,
    clock: Arc<dyn Clock>,
    metrics: &Metrics,
) -> CertvalServer<Service> {
    let service = Service {
        numbers: Numbers::new(metrics, &live),
        live,
        clock,
    };
    CertvalServer::new(service).max_decoding_message_size(LARGEST_REQUEST)
}

/// Who may call what: the gateway asks for sign-ins, control and the command line (the client named `postern`) also explain
/// and inspect. `others` are outside programs that may have chains judged.
#[must_use]
pub fn allow_list(others: &[Peer]) -> AllowList {
    let insiders = [Peer::role("control"), Peer::client("postern")];
    AllowList::new()
        .allow(VALIDATE, &[Peer::role("gateway")])
        .allow(VALIDATE, &insiders)
        .allow(VALIDATE, others)
        .allow(EXPLAIN, &insiders)
        .allow(INSPECT, &insiders)
        .reflection(&insiders)
        .reflection(others)
}

#[tonic::async_trait]
impl Certval for Service {
    async fn validate(
        &self,
        request: Request<v1::ValidateRequest>,
    ) -> Result<Response<v1::ValidateResponse>, Status> {
        let at = self.now();
        let (judgement, took) = self.judged(request.into_inner(), at).await?;
        self.numbers.judged(&judgement, took);
        Ok(Response::new(judgement.into()))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ValidateResponse>, Status> {
        let request = request.into_inner();
        let question = request
            .question
            .ok_or_else(|| Status::invalid_argument("invalid message: no question"))?;
        let (judgement, _) = self.judged(question, Timestamp(request.at)).await?;
        Ok(Response::new(judgement.into()))
    }

    async fn inspect(
        &self,
        request: Request<v1::InspectRequest>,
    ) -> Result<Response<v1::InspectResponse>, Status> {
        use v1::inspect_response::Outcome;
        let outcome = match inspect(&request.into_inner().certificates, self.now()) {
            Ok(certificates) => Outcome::Certificates(v1::Certificates { certificates }),
            Err(why) => Outcome::Refused(why),
        };
        Ok(Response::new(v1::InspectResponse {
            outcome: Some(outcome),
        }))
    }
}

impl Service {
    fn now(&self) -> Timestamp {
        Timestamp(self.clock.unix_seconds())
    }

    /// A judgement takes well under a millisecond, and what a stranger can make of it is bounded by the size of a chain and
    /// by the search's budget; it runs where it is asked.
    async fn judged(
        &self,
        question: v1::ValidateRequest,
        at: Timestamp,
    ) -> Result<(Judgement, Duration), Status> {
        let question = Question::try_from(question)?;
        let snapshot = self
            .live
            .at_least(question.min_revision, LONGEST_WAIT)
            .await
            .map_err(|behind| Status::unavailable(behind.to_string()))?;
        let authorities = snapshot
            .view
            .authorities(&question.connection)
            .ok_or_else(|| {
                Status::failed_precondition(format!(
                    "revision {} has no connection {}",
                    snapshot.revision, question.connection
                ))
            })?;
        let began = Instant::now();
        let judgement = match &question.chain {
            Ok(chain) => judge(authorities, chain, at, snapshot.revision),
            Err(reason) => not_taken(*reason, snapshot.revision),
        };
        let took = began.elapsed();
        log(&question, &judgement, took);
        Ok((judgement, took))
    }
}

fn log(question: &Question, judgement: &Judgement, took: Duration) {
    let (verdict, detail) = match &judgement.verdict {
        Verdict::Accepted(_) => ("accepted", ""),
        Verdict::Refused(refusal) => (refusal.reason.code(), refusal.detail.as_str()),
    };
    let leaf = question
        .chain
        .as_ref()
        .ok()
        .map(PresentedChain::fingerprint);
    tracing::info!(
        connection = %question.connection,
        leaf = leaf.map(tracing::field::display),
        verdict,
        detail,
        revision = judgement.revision,
        microseconds = took.as_micros(),
        "chain judged"
    );
}
