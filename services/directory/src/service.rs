//! The gRPC service `postern.directory.v1.Directory`.
//!
//! **Invariant:** a refusal is an answer. A `Status` means that the question could not be decided (unavailable), or was
//! none (invalid argument). How long a refused password took tells nothing about the account.

use std::sync::Arc;
use std::time::Duration;

use domain::account::{AccountName, Person};
use domain::connection::ConnectionName;
use domain::outcome::{Unavailable, Verdict};
use domain::reason::Reason;
use postern_proto::directory::v1::directory_server::{Directory, DirectoryServer};
use postern_proto::directory::v1::{AuthenticateRequest, PersonResponse, ResolveRequest};
use postern_proto::directory::{Answer, Authenticate, MAX_PASSWORD, MAX_USER_NAME, Resolve};
use runtime::live::{Live, Revisioned};
use runtime::mesh::{AllowList, Peer};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use crate::password::Password;
use crate::view::View;

#[cfg(test)]
mod tests;

/// How long a question waits for the revision it wants.
const REVISION_WAIT: Duration = Duration::from_millis(500);
/// Refused passwords are answered at multiples of this time after the question. A domain controller refuses a name it does
/// not know three times as fast as a wrong password (8 and 20 ms, measured with Samba), whatever work is made of it here.
const STEP: Duration = Duration::from_millis(250);
/// Most bytes of a question: a password of its greatest length, and room for the rest.
const MAX_QUESTION: usize = 16 << 10;
/// Most bytes of an answer: a thousand group names.
const MAX_ANSWER: usize = 1 << 20;

/// The methods of the service, by their paths.
pub const METHODS: [&str; 2] = [
    "/postern.directory.v1.Directory/Resolve",
    "/postern.directory.v1.Directory/Authenticate",
];

/// Answers by the live configuration.
#[derive(Debug, Clone)]
pub struct Service {
    live: Live<View>,
}

/// The service for a mesh server.
#[must_use]
pub fn server(live: Live<View>) -> DirectoryServer<Service> {
    DirectoryServer::new(Service::new(live))
        .max_decoding_message_size(MAX_QUESTION)
        .max_encoding_message_size(MAX_ANSWER)
}

/// The list with this service's methods added: gateways may call them, and nobody else.
#[must_use]
pub fn allowed(list: AllowList) -> AllowList {
    METHODS.into_iter().fold(list, |list, method| {
        list.allow(method, &[Peer::role("gateway")])
    })
}

#[tonic::async_trait]
impl Directory for Service {
    async fn resolve(
        &self,
        request: Request<ResolveRequest>,
    ) -> Result<Response<PersonResponse>, Status> {
        let question = Resolve::try_from(request.into_inner())?;
        let snapshot = self.snapshot(question.min_revision).await?;
        let Some(backend) = snapshot.view.backend(&question.connection) else {
            return Ok(answer(&snapshot, unknown(&question.connection)));
        };
        match backend.resolve(&question.who, question.method).await {
            Ok(verdict) => Ok(answer(&snapshot, verdict)),
            Err(unavailable) => Err(failed(&question.connection, &unavailable)),
        }
    }

    async fn authenticate(
        &self,
        request: Request<AuthenticateRequest>,
    ) -> Result<Response<PersonResponse>, Status> {
        let began = Instant::now();
        let mut message = request.into_inner();
        if message.user_name.len() > MAX_USER_NAME || message.password.len() > MAX_PASSWORD {
            // Somebody typed it, so it is not the caller's mistake but wrong, as an empty one is.
            message.user_name.clear();
            message.password.clear();
        }
        let question = Authenticate::try_from(message)?;
        let snapshot = self.snapshot(question.min_revision).await?;
        let verdict = checked(&snapshot.view, &question)
            .await
            .map_err(|unavailable| failed(&question.connection, &unavailable))?;
        if let Verdict::Refused(_) = verdict {
            tokio::time::sleep_until(next_step(began, Instant::now())).await;
        }
        Ok(answer(&snapshot, verdict))
    }
}

impl Service {
    /// A service that answers by this configuration.
    #[must_use]
    pub const fn new(live: Live<View>) -> Self {
        Self { live }
    }

    async fn snapshot(&self, min_revision: u64) -> Result<Arc<Revisioned<View>>, Status> {
        self.live
            .at_least(min_revision, REVISION_WAIT)
            .await
            .map_err(|behind| Status::unavailable(behind.to_string()))
    }
}

/// Whose password it is. What no directory may be asked about is wrong before any is.
async fn checked(view: &View, question: &Authenticate) -> Result<Verdict<Person>, Unavailable> {
    let Some(backend) = view.backend(&question.connection) else {
        return Ok(unknown(&question.connection));
    };
    let account = question.user_name.parse::<AccountName>().ok();
    match (account, Password::typed(&question.password)) {
        (Some(account), Some(password)) => backend.authenticate(&account, &password).await,
        _ => Ok(Verdict::refused(Reason::WrongCredentials)),
    }
}

/// The first multiple of [`STEP`] after `began` that is not before `now`.
fn next_step(began: Instant, now: Instant) -> Instant {
    let steps = now
        .duration_since(began)
        .as_nanos()
        .div_ceil(STEP.as_nanos())
        .max(1);
    began + STEP.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
}

fn answer(snapshot: &Revisioned<View>, verdict: Verdict<Person>) -> Response<PersonResponse> {
    let revision = snapshot.revision;
    Response::new(Answer { verdict, revision }.into())
}

/// A connection that was removed ends the sign-ins and sessions that began with it.
fn unknown(connection: &ConnectionName) -> Verdict<Person> {
    Verdict::refused_because(
        Reason::NotAllowed,
        format!("there is no connection {connection}"),
    )
}

fn failed(connection: &ConnectionName, unavailable: &Unavailable) -> Status {
    tracing::warn!(
        %connection,
        error = %unavailable,
        what_to_do = "see what this log says of the domain controllers; people see directory_unavailable until one answers",
        "the directory gave no answer"
    );
    Status::unavailable(unavailable.to_string())
}
