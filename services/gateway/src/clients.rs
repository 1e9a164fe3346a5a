//! The questions a gateway asks: certval about a chain, the directory about a person.
//!
//! **Invariant:** every question has a deadline, and whatever is not a complete answer to exactly that question, by a
//! revision at least as new as asked for, is [`Unavailable`].

use std::time::Duration;

use domain::account::AccountId;
use domain::certificate::{PresentedChain, VerifiedCertificate};
use domain::connection::ConnectionName;
use domain::outcome::{Unavailable, Verdict};
use domain::reason::Fault;
use postern_proto::certval::{self, Judgement};
use postern_proto::directory::{self, Answer, Method, Resolve, Who};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

pub mod accounts;
#[cfg(test)]
mod tests;

/// A channel that gRPC calls go through: the mesh's, or a service in the same process.
pub type RpcChannel = BoxCloneSyncService<
    http::Request<tonic::body::Body>,
    http::Response<tonic::body::Body>,
    tonic::Status,
>;

/// Makes a channel of whatever takes gRPC requests, such as `runtime::mesh::MeshChannel`.
pub fn channel<S>(service: S) -> RpcChannel
where
    S: Service<http::Request<tonic::body::Body>, Response = http::Response<tonic::body::Body>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(service.map_err(|error| tonic::Status::from_error(error.into())))
}

/// Asks certval.
#[derive(Debug, Clone)]
pub struct CertvalClient {
    client: certval::v1::certval_client::CertvalClient<RpcChannel>,
    deadline: Duration,
}

impl CertvalClient {
    /// Asks through `channel`, each time for at most `deadline`. Asking again within it, where an instance is lost, is the
    /// channel's.
    #[must_use]
    pub fn new(channel: RpcChannel, deadline: Duration) -> Self {
        Self {
            client: certval::v1::certval_client::CertvalClient::new(channel),
            deadline,
        }
    }

    /// Judges a chain by a connection's authorities.
    ///
    /// # Errors
    /// When there is no complete answer in time.
    pub async fn validate(
        &self,
        chain: &PresentedChain,
        connection: &ConnectionName,
        min_revision: u64,
    ) -> Result<Verdict<VerifiedCertificate>, Unavailable> {
        self.ask(chain, connection, min_revision)
            .await
            .map_err(|why| Unavailable::new(Fault::CertvalUnavailable, why))
    }

    async fn ask(
        &self,
        chain: &PresentedChain,
        connection: &ConnectionName,
        min_revision: u64,
    ) -> Result<Verdict<VerifiedCertificate>, String> {
        let question = certval::v1::ValidateRequest {
            chain: chain.certificates().to_vec(),
            connection: connection.to_string(),
            min_revision,
        };
        let mut client = self.client.clone();
        let answer = within(self.deadline, question, |question| async move {
            client.validate(question).await
        })
        .await?;
        let judgement = Judgement::try_from(answer).map_err(|error| error.to_string())?;
        new_enough(judgement.revision, min_revision)?;
        match judgement.verdict {
            Verdict::Accepted(certificate) if certificate.leaf() != chain.fingerprint() => {
                Err("the answer is about another certificate".to_owned())
            }
            verdict => Ok(verdict),
        }
    }
}

/// Asks the directory.
#[derive(Debug, Clone)]
pub struct DirectoryClient {
    client: directory::v1::directory_client::DirectoryClient<RpcChannel>,
    deadline: Duration,
}

impl DirectoryClient {
    /// Asks through `channel`, each time for at most `deadline`.
    #[must_use]
    pub fn new(channel: RpcChannel, deadline: Duration) -> Self {
        Self {
            client: directory::v1::directory_client::DirectoryClient::new(channel),
            deadline,
        }
    }

    /// Finds a person.
    ///
    /// # Errors
    /// When there is no complete answer in time.
    pub async fn resolve(&self, question: Resolve) -> Result<Answer, Unavailable> {
        let (who, min_revision) = (question.who.clone(), question.min_revision);
        let mut client = self.client.clone();
        let answer = within(self.deadline, question.into(), |question| async move {
            client.resolve(question).await
        })
        .await
        .and_then(|answer| complete(answer, min_revision))
        .map_err(unavailable)?;
        match (&answer.verdict, who) {
            (Verdict::Accepted(person), Who::Account(id)) if person.profile().id != id => Err(
                unavailable("the answer is about another account".to_owned()),
            ),
            (Verdict::Accepted(person), Who::Certificate { account, .. })
                if !account.is_exactly(person.profile().account.as_str()) =>
            {
                Err(unavailable("the answer is about another name".to_owned()))
            }
            _ => Ok(answer),
        }
    }

    /// Checks a user name and password, both as typed and within their size limits. Asked once: a password is not tried
    /// twice.
    ///
    /// # Errors
    /// When there is no complete answer in time.
    pub async fn authenticate(
        &self,
        connection: &ConnectionName,
        user_name: String,
        password: Vec<u8>,
        min_revision: u64,
    ) -> Result<Answer, Unavailable> {
        let question = directory::v1::AuthenticateRequest {
            connection: connection.to_string(),
            min_revision,
            user_name,
            password: password.into(),
        };
        let mut client = self.client.clone();
        within(self.deadline, question, |question| async move {
            client.authenticate(question).await
        })
        .await
        .and_then(|answer| complete(answer, min_revision))
        .map_err(unavailable)
    }

    /// Finds a person known from an earlier sign-in.
    ///
    /// # Errors
    /// When there is no complete answer in time.
    pub async fn account(
        &self,
        connection: &ConnectionName,
        id: AccountId,
        method: Method,
        min_revision: u64,
    ) -> Result<Answer, Unavailable> {
        self.resolve(Resolve {
            connection: connection.clone(),
            min_revision,
            who: Who::Account(id),
            method,
        })
        .await
    }
}

/// Asks once, with the deadline told to the other side and kept on this one.
async fn within<Q, A, F>(
    deadline: Duration,
    question: Q,
    ask: impl FnOnce(tonic::Request<Q>) -> F,
) -> Result<A, String>
where
    F: Future<Output = Result<tonic::Response<A>, tonic::Status>>,
{
    let mut request = tonic::Request::new(question);
    request.set_timeout(deadline);
    tokio::time::timeout(deadline, ask(request))
        .await
        .map_err(|_| "no answer in time".to_owned())?
        .map(tonic::Response::into_inner)
        .map_err(|status| format!("{:?}: {}", status.code(), status.message()))
}

fn complete(answer: directory::v1::PersonResponse, min_revision: u64) -> Result<Answer, String> {
    let answer = Answer::try_from(answer).map_err(|error| error.to_string())?;
    new_enough(answer.revision, min_revision)?;
    Ok(answer)
}

fn new_enough(revision: u64, min_revision: u64) -> Result<(), String> {
    if revision >= min_revision {
        Ok(())
    } else {
        Err(format!(
            "answered by revision {revision}, asked for {min_revision}"
        ))
    }
}

fn unavailable(why: String) -> Unavailable {
    Unavailable::new(Fault::DirectoryUnavailable, why)
}
