use std::sync::Mutex;
use std::time::SystemTime;

use async_trait::async_trait;
use domain::account::{AccountId, Profile};
use domain::reason::Fault;
use postern_proto::directory::v1::person_response::Verdict as Wire;
use postern_proto::directory::v1::resolve_request::Who as WireWho;
use postern_proto::directory::v1::{CertificateIdentity, Method as WireMethod};
use postern_proto::directory::{Method, Who};
use tonic::Code;

use super::*;
use crate::backend::Backend;

/// Notes what reaches a back end, and knows `jon` with the password `right`.
#[derive(Debug, Default)]
struct Noting {
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Backend for Noting {
    async fn resolve(&self, who: &Who, method: Method) -> Result<Verdict<Person>, Unavailable> {
        self.asked
            .lock()
            .unwrap()
            .push(format!("{who:?} {method:?}"));
        match who {
            Who::Account(_) => Err(Unavailable::new(Fault::DirectoryUnavailable, "away")),
            Who::Certificate { account, .. } if account.as_str() == "jon" => Ok(jon()),
            Who::Certificate { .. } => Ok(Verdict::refused(Reason::NotInDirectory)),
        }
    }

    async fn authenticate(
        &self,
        account: &AccountName,
        password: &Password,
    ) -> Result<Verdict<Person>, Unavailable> {
        self.asked.lock().unwrap().push(account.to_string());
        match (account.as_str(), password.expose()) {
            ("jon", "right") => Ok(jon()),
            _ => Ok(Verdict::refused(Reason::WrongCredentials)),
        }
    }
}

fn jon() -> Verdict<Person> {
    Verdict::Accepted(Person::assertion(Profile {
        id: AccountId(uuid::Uuid::from_u128(1)),
        account: "jon".parse().unwrap(),
        display_name: "Jon".into(),
        given_name: None,
        family_name: None,
        email: None,
        user_principal_name: None,
        groups: vec![],
    }))
}

fn rig() -> (Arc<Noting>, Service) {
    let backend = Arc::new(Noting::default());
    let shared: Arc<dyn Backend> = backend.clone();
    let view = [("FabrikamAD".parse().unwrap(), shared)]
        .into_iter()
        .collect();
    let live = Live::fixed(view, 7, SystemTime::now());
    (backend, Service::new(live))
}

fn form(user_name: &str, password: &[u8]) -> AuthenticateRequest {
    AuthenticateRequest {
        connection: "FabrikamAD".into(),
        min_revision: 7,
        user_name: user_name.into(),
        password: password.to_vec().into(),
    }
}

fn certificate(account: &str) -> ResolveRequest {
    ResolveRequest {
        connection: "FabrikamAD".into(),
        min_revision: 7,
        who: Some(WireWho::Certificate(CertificateIdentity {
            account: account.into(),
            sid: String::new(),
        })),
        method: WireMethod::Certificate.into(),
    }
}

fn reason(response: Response<PersonResponse>) -> Option<String> {
    match response.into_inner().verdict.unwrap() {
        Wire::Accepted(_) => None,
        Wire::Refused(refusal) => Some(refusal.reason),
    }
}

#[tokio::test]
async fn answers_carry_the_revision_they_were_judged_by() {
    let (_, service) = rig();
    let response = service
        .resolve(Request::new(certificate("jon")))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(response.revision, 7);
    assert!(matches!(response.verdict, Some(Wire::Accepted(_))));
    let refused = service
        .resolve(Request::new(certificate("eve")))
        .await
        .unwrap();
    assert_eq!(reason(refused).as_deref(), Some("not_in_directory"));
}

#[tokio::test(start_paused = true)]
async fn refused_passwords_are_answered_in_steps() {
    let (_, service) = rig();
    let began = Instant::now();
    let response = service
        .authenticate(Request::new(form("jon", b"wrong")))
        .await
        .unwrap();
    assert_eq!(reason(response).as_deref(), Some("wrong_credentials"));
    // The timer has milliseconds.
    let took = began.elapsed();
    assert!(
        (STEP..STEP + Duration::from_millis(2)).contains(&took),
        "{took:?}"
    );
    let began = Instant::now();
    service
        .authenticate(Request::new(form("jon", b"right")))
        .await
        .unwrap();
    assert!(began.elapsed() < STEP);

    let at = |milliseconds| next_step(began, began + Duration::from_millis(milliseconds)) - began;
    for (done, told) in [(0, 250), (1, 250), (250, 250), (251, 500), (3999, 4000)] {
        assert_eq!(at(done), Duration::from_millis(told), "{done}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_could_bind_anonymously_reaches_a_back_end() {
    let (backend, service) = rig();
    let long = "a".repeat(1_000_000);
    for hopeless in [
        form("jon", b""),
        form("jon", b"\0"),
        form("jon", b"right\0"),
        form("jon", b"   "),
        form("jon", b"\xff"),
        form("jon", long.as_bytes()),
        form("", b"right"),
        form("*", b"right"),
        form("a)(&", b"right"),
        form(r"\2a", b"right"),
        form("jon\r\n", b"right"),
        form("jon\0", b"right"),
        form(&long, b"right"),
    ] {
        let response = service.authenticate(Request::new(hopeless)).await.unwrap();
        assert_eq!(reason(response).as_deref(), Some("wrong_credentials"));
    }
    assert_eq!(*backend.asked.lock().unwrap(), Vec::<String>::new());
    assert_eq!(
        reason(
            service
                .authenticate(Request::new(form("jon", b"right")))
                .await
                .unwrap()
        ),
        None
    );
}

#[tokio::test]
async fn what_could_not_be_decided_is_a_status() {
    let (_, service) = rig();
    let unavailable = |request: ResolveRequest| {
        let service = service.clone();
        async move {
            service
                .resolve(Request::new(request))
                .await
                .unwrap_err()
                .code()
        }
    };
    let later = ResolveRequest {
        min_revision: 8,
        ..certificate("jon")
    };
    assert_eq!(unavailable(later).await, Code::Unavailable);
    let by_id = WireWho::AccountId(uuid::Uuid::from_u128(1).to_string());
    let away = ResolveRequest {
        who: Some(by_id),
        ..certificate("jon")
    };
    assert_eq!(unavailable(away).await, Code::Unavailable);
    let nobody = ResolveRequest {
        who: None,
        ..certificate("jon")
    };
    assert_eq!(unavailable(nobody).await, Code::InvalidArgument);
    assert_eq!(unavailable(certificate("*")).await, Code::InvalidArgument);
}

#[tokio::test]
async fn a_connection_that_is_gone_lets_nobody_in() {
    let (_, service) = rig();
    let gone = ResolveRequest {
        connection: "ContosoAD".into(),
        ..certificate("jon")
    };
    let response = service.resolve(Request::new(gone)).await.unwrap();
    assert_eq!(reason(response).as_deref(), Some("not_allowed"));
}
