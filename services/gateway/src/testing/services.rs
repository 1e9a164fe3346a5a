//! certval and directory as tests need them: real servers, made-up people.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use postern_proto::certval::v1 as certval;
use postern_proto::certval::v1::certval_server::{Certval, CertvalServer};
use postern_proto::directory::v1 as directory;
use postern_proto::directory::v1::directory_server::{Directory, DirectoryServer};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::authority_key;
use crate::clients::{RpcChannel, channel};
use domain::digest::Digest;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse + battery=staple&";

/// Judges by what the leaf's bytes say: `jon` names jon, `!expired` is refused as expired.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestCertval(Arc<Knobs>);

/// jon, jane, and eve who is disabled.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestDirectory(Arc<Knobs>, Arc<Mutex<HashMap<String, &'static str>>>);

/// How a service behaves.
#[derive(Debug, Default)]
pub(crate) struct Knobs {
    away: AtomicBool,
    behind: AtomicU64,
    ahead: AtomicU64,
    about_others: AtomicBool,
    asked: AtomicUsize,
}

impl Knobs {
    /// Takes the service away, or brings it back.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Lets it answer by a revision that is this much older than asked for.
    pub(crate) fn set_behind(&self, by: u64) {
        self.behind.store(by, Ordering::SeqCst);
    }

    /// Lets it answer by a revision that is this much newer than asked for.
    pub(crate) fn set_ahead(&self, by: u64) {
        self.ahead.store(by, Ordering::SeqCst);
    }

    /// Lets it answer another question than was asked.
    pub(crate) fn set_about_others(&self, others: bool) {
        self.about_others.store(others, Ordering::SeqCst);
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn revision(&self, asked: u64) -> Result<u64, Status> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        Ok(asked + self.ahead.load(Ordering::SeqCst) - self.behind.load(Ordering::SeqCst))
    }
}

impl std::ops::Deref for TestCertval {
    type Target = Knobs;

    fn deref(&self) -> &Knobs {
        &self.0
    }
}

impl std::ops::Deref for TestDirectory {
    type Target = Knobs;

    fn deref(&self) -> &Knobs {
        &self.0
    }
}

impl TestCertval {
    pub(crate) fn channel(&self) -> RpcChannel {
        channel(CertvalServer::new(self.clone()))
    }
}

impl TestDirectory {
    pub(crate) fn channel(&self) -> RpcChannel {
        channel(DirectoryServer::new(self.clone()))
    }

    /// From now on this person is refused.
    pub(crate) fn refuse(&self, name: &str, reason: &'static str) {
        self.1.lock().unwrap().insert(name.to_owned(), reason);
    }

    fn person(&self, name: &str, revision: u64) -> Response<directory::PersonResponse> {
        use directory::person_response::Verdict;
        let refused = match (self.1.lock().unwrap().get(name), name) {
            (Some(reason), _) => Some(*reason),
            (None, "eve") => Some("disabled"),
            (None, "jon" | "jane") => None,
            (None, _) => Some("not_in_directory"),
        };
        let verdict = match refused {
            Some(reason) => Verdict::Refused(directory::Refusal {
                reason: reason.to_owned(),
                detail: String::new(),
            }),
            None => Verdict::Accepted(directory::Person {
                id: person_id(match self.0.about_others.load(Ordering::SeqCst) {
                    true => "somebody else",
                    false => name,
                })
                .to_string(),
                account: match self.0.about_others.load(Ordering::SeqCst) {
                    true => "somebody".to_owned(),
                    false => name.to_owned(),
                },
                display_name: format!("{name} \"<b>\" Müller"),
                given_name: Some(name.to_owned()),
                family_name: None,
                email: Some(format!("{name}@fabrikam.test")),
                user_principal_name: None,
                groups: vec!["Readers".to_owned(), "Writers".to_owned()],
            }),
        };
        Response::new(directory::PersonResponse {
            verdict: Some(verdict),
            revision,
        })
    }
}

/// The objectGUID of a person here.
pub(crate) fn person_id(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Digest::of(name.as_bytes()).as_bytes()[..16]);
    Uuid::from_bytes(bytes)
}

#[tonic::async_trait]
impl Certval for TestCertval {
    async fn validate(
        &self,
        request: Request<certval::ValidateRequest>,
    ) -> Result<Response<certval::ValidateResponse>, Status> {
        use certval::validate_response::Verdict;
        let request = request.into_inner();
        let revision = self.revision(request.min_revision)?;
        let leaf = request.chain.first().cloned().unwrap_or_default();
        let said = String::from_utf8_lossy(&leaf).into_owned();
        let (said, authority) = match said.split_once(" by ") {
            Some((name, authority)) => (name.to_owned(), Digest::of(authority.as_bytes())),
            None => (said, authority_key()),
        };
        let verdict = match said.strip_prefix('!') {
            Some(reason) => Verdict::Refused(certval::Refusal {
                reason: reason.to_owned(),
                detail: "seen by <certval>".to_owned(),
            }),
            None => Verdict::Accepted(certval::VerifiedCertificate {
                identity: Some(certval::Identity {
                    rule: certval::identity::Rule::CommonName.into(),
                    account: said,
                    sid: String::new(),
                }),
                leaf_sha256: match self.about_others.load(Ordering::SeqCst) {
                    true => Digest::of(b"another leaf"),
                    false => Digest::of(&leaf),
                }
                .as_bytes()
                .to_vec()
                .into(),
                authority_key_sha256: authority.as_bytes().to_vec().into(),
            }),
        };
        Ok(Response::new(certval::ValidateResponse {
            verdict: Some(verdict),
            checks: Vec::new(),
            revision,
        }))
    }

    async fn inspect(
        &self,
        _: Request<certval::InspectRequest>,
    ) -> Result<Response<certval::InspectResponse>, Status> {
        Err(Status::unimplemented("not asked by a gateway"))
    }

    async fn explain(
        &self,
        _: Request<certval::ExplainRequest>,
    ) -> Result<Response<certval::ValidateResponse>, Status> {
        Err(Status::unimplemented("not asked by a gateway"))
    }
}

#[tonic::async_trait]
impl Directory for TestDirectory {
    async fn resolve(
        &self,
        request: Request<directory::ResolveRequest>,
    ) -> Result<Response<directory::PersonResponse>, Status> {
        use directory::resolve_request::Who;
        let request = request.into_inner();
        let revision = self.revision(request.min_revision)?;
        let name = match request.who {
            Some(Who::Certificate(identity)) => identity.account,
            Some(Who::AccountId(id)) => ["jon", "jane", "eve"]
                .into_iter()
                .find(|name| person_id(name).to_string() == id)
                .unwrap_or("nobody")
                .to_owned(),
            None => return Err(Status::invalid_argument("nobody asked for")),
        };
        Ok(self.person(&name, revision))
    }

    async fn authenticate(
        &self,
        request: Request<directory::AuthenticateRequest>,
    ) -> Result<Response<directory::PersonResponse>, Status> {
        let request = request.into_inner();
        let revision = self.revision(request.min_revision)?;
        if request.password.as_ref() != PASSWORD.as_bytes() {
            return Ok(Response::new(directory::PersonResponse {
                verdict: Some(directory::person_response::Verdict::Refused(
                    directory::Refusal {
                        reason: "wrong_credentials".to_owned(),
                        detail: String::new(),
                    },
                )),
                revision,
            }));
        }
        Ok(self.person(&request.user_name, revision))
    }
}
