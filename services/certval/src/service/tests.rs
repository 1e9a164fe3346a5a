//! The service over the real mesh: TLS, allow list and all.

mod traced;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::configuration::Configuration;
use domain::connection::{Connection, DirectorySource, Methods};
use domain::outcome::Verdict;
use domain::ranges::Ranges;
use domain::reason::Reason;
use postern_proto::certval::v1::certval_client::CertvalClient;
use postern_proto::certval::{Judgement, v1};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use runtime::clock::TestClock;
use runtime::live::Live;
use runtime::mesh::{
    ConnectSettings, MeshChannel, MeshClient, MeshIdentity, MeshServer, Peer, ServerSettings,
};
use runtime::metrics::Metrics;
use runtime::tasks::Tasks;
use tokio::net::TcpListener;
use tonic::Code;

use super::{LARGEST_REQUEST, allow_list, server};
use crate::view::View;
use crate::workshop::{Authority, NOW, Recipe};

/// The mesh's own authority.
struct Mesh {
    parameters: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Mesh {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self {
            parameters,
            key,
            pem,
        }
    }

    fn identity(&self, peer: &Peer) -> MeshIdentity {
        let mut parameters = CertificateParams::new(vec![peer.dns_name()]).unwrap();
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.parameters, &self.key);
        let certificate = parameters.signed_by(&key, &issuer).unwrap();
        MeshIdentity::from_pem(
            self.pem.as_bytes(),
            certificate.pem().as_bytes(),
            key.serialize_pem().as_bytes(),
        )
        .unwrap()
    }
}

struct Rig {
    mesh: Mesh,
    address: String,
    metrics: Metrics,
    tasks: Tasks,
}

impl Rig {
    /// A certval at `revision` that accepts `root` for FabrikamAD.
    async fn start(root: &Authority, revision: u64) -> Self {
        let connection = Connection {
            name: "FabrikamAD".parse().unwrap(),
            display_name: "Fabrikam".to_owned(),
            methods: Methods {
                certificate: true,
                password: true,
            },
            ranges: Ranges::default(),
            authorities: vec![root.configured()],
            directory: DirectorySource::File,
        };
        let configuration = Configuration {
            connections: [(connection.name.clone(), connection)].into(),
            ..Configuration::default()
        };
        let now = UNIX_EPOCH + Duration::from_secs(NOW.0);
        let live = Live::fixed(View::prepare(&configuration).unwrap(), revision, now);
        let mesh = Mesh::new();
        let metrics = Metrics::new().unwrap().of_role("certval");
        let tasks = Tasks::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = MeshServer::new(
            mesh.identity(&Peer::role("certval")),
            allow_list(&[Peer::client("nginx")]),
        )
        .settings(ServerSettings {
            largest_request: LARGEST_REQUEST,
            ..ServerSettings::default()
        })
        .service(server(live, Arc::new(TestClock::at(now)), &metrics))
        .start(listener, &tasks)
        .await
        .unwrap();
        Self {
            mesh,
            address: address.to_string(),
            metrics,
            tasks,
        }
    }

    fn client(&self, peer: &Peer) -> CertvalClient<MeshChannel> {
        let settings = ConnectSettings {
            largest_request: LARGEST_REQUEST,
            ..ConnectSettings::default()
        };
        let client = MeshClient::new(&self.mesh.identity(peer), settings).unwrap();
        CertvalClient::new(client.channel("certval", &[&self.address]).unwrap())
    }

    async fn judged(&self, question: v1::ValidateRequest) -> Judgement {
        let answer = self
            .client(&Peer::role("gateway"))
            .validate(question)
            .await
            .unwrap();
        answer.into_inner().try_into().unwrap()
    }

    async fn end(self) {
        self.tasks.stop();
        self.tasks.finish(Duration::from_secs(5)).await.unwrap();
    }
}

fn question(chain: &[&[u8]]) -> v1::ValidateRequest {
    v1::ValidateRequest {
        chain: chain.iter().map(|der| der.to_vec().into()).collect(),
        connection: "FabrikamAD".to_owned(),
        min_revision: 0,
    }
}

#[tokio::test]
async fn a_chain_is_judged_by_the_clock_and_the_revision() {
    let root = Authority::root("FabrikamRootCA");
    let rig = Rig::start(&root, 42).await;
    let jon = Recipe::leaf("jon").by(&root);
    let judgement = rig.judged(question(&[&jon])).await;
    let Verdict::Accepted(certificate) = judgement.verdict else {
        panic!("{judgement:#?}");
    };
    assert_eq!(certificate.identity().account.as_str(), "jon");
    assert_eq!((judgement.revision, certificate.revision()), (42, 42));
    assert!(judgement.checks.len() > 10);
    rig.end().await;
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let root = Authority::root("FabrikamRootCA");
    let rig = Rig::start(&root, 1).await;
    let eight_and_one: Vec<&[u8]> = vec![&[0x30, 0]; 10];
    let large = vec![0x30; 17 << 10];
    for (chain, expected) in [
        (vec![], Reason::NoCertificate),
        (vec![&b""[..]], Reason::NoCertificate),
        (vec![&b"x"[..]], Reason::Malformed),
        (vec![&large[..]], Reason::TooLarge),
        (eight_and_one, Reason::TooLarge),
    ] {
        let judgement = rig.judged(question(&chain)).await;
        match judgement.verdict {
            Verdict::Refused(refusal) => assert_eq!(refusal.reason, expected),
            Verdict::Accepted(_) => panic!("{judgement:#?}"),
        }
        assert!(!judgement.checks.is_empty());
    }
    rig.end().await;
}

#[tokio::test]
async fn what_cannot_be_judged_is_a_status() {
    let root = Authority::root("FabrikamRootCA");
    let rig = Rig::start(&root, 5).await;
    let jon = Recipe::leaf("jon").by(&root);
    let mut client = rig.client(&Peer::role("gateway"));
    let mut ask = async |change: &dyn Fn(&mut v1::ValidateRequest)| {
        let mut question = question(&[&jon]);
        change(&mut question);
        client
            .validate(question)
            .await
            .map(|_| ())
            .map_err(|status| status.code())
    };
    assert_eq!(ask(&|question| question.min_revision = 5).await, Ok(()));
    assert_eq!(
        ask(&|question| question.min_revision = 6).await,
        Err(Code::Unavailable)
    );
    assert_eq!(
        ask(&|question| question.connection = "ContosoAD".to_owned()).await,
        Err(Code::FailedPrecondition)
    );
    assert_eq!(
        ask(&|question| question.connection = "a b".to_owned()).await,
        Err(Code::InvalidArgument)
    );
    rig.end().await;
}

#[tokio::test]
async fn each_caller_reaches_its_own_methods() {
    let root = Authority::root("FabrikamRootCA");
    let rig = Rig::start(&root, 1).await;
    let jon = Recipe::leaf("jon").by(&root);
    for (peer, validate, others) in [
        (Peer::role("gateway"), Code::Ok, Code::PermissionDenied),
        (Peer::role("control"), Code::Ok, Code::Ok),
        (Peer::client("postern"), Code::Ok, Code::Ok),
        (Peer::client("nginx"), Code::Ok, Code::PermissionDenied),
        (
            Peer::role("directory"),
            Code::Unauthenticated,
            Code::Unauthenticated,
        ),
    ] {
        let mut client = rig.client(&peer);
        let code = |outcome: Result<(), tonic::Status>| {
            outcome.map_or_else(|status| status.code(), |()| Code::Ok)
        };
        let validated = client.validate(question(&[&jon])).await.map(|_| ());
        let explanation = v1::ExplainRequest {
            question: Some(question(&[&jon])),
            at: NOW.0,
        };
        let explained = client.explain(explanation).await.map(|_| ());
        let upload = v1::InspectRequest {
            certificates: root.der.clone().into(),
        };
        let inspected = client.inspect(upload).await.map(|_| ());
        assert_eq!(code(validated), validate, "{peer}");
        assert_eq!(
            (code(explained), code(inspected)),
            (others, others),
            "{peer}"
        );
    }
    rig.end().await;
}

#[tokio::test]
async fn an_explanation_has_a_time_of_its_own() {
    let root = Authority::root("FabrikamRootCA");
    let rig = Rig::start(&root, 1).await;
    let jon = Recipe::leaf("jon").by(&root);
    let mut client = rig.client(&Peer::role("control"));
    let next_year = v1::ExplainRequest {
        question: Some(question(&[&jon])),
        at: NOW.0 + 366 * 86_400,
    };
    let answer = client.explain(next_year).await.unwrap().into_inner();
    let judgement = Judgement::try_from(answer).unwrap();
    assert!(
        matches!(judgement.verdict, Verdict::Refused(refusal) if refusal.reason == Reason::Expired)
    );
    let empty = v1::ExplainRequest {
        question: None,
        at: 0,
    };
    assert_eq!(
        client.explain(empty).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    rig.end().await;
}

#[tokio::test]
async fn an_upload_of_the_largest_size_is_answered() {
    use v1::inspect_response::Outcome;
    let root = Authority::root("FabrikamRootCA");
    let rig = Rig::start(&root, 1).await;
    let mut client = rig.client(&Peer::role("control"));
    let mut inspect = async |upload: Vec<u8>| {
        let request = v1::InspectRequest {
            certificates: upload.into(),
        };
        client
            .inspect(request)
            .await
            .unwrap()
            .into_inner()
            .outcome
            .unwrap()
    };
    match inspect(root.der.clone()).await {
        Outcome::Certificates(found) => {
            assert_eq!(found.certificates[0].subject, "CN=FabrikamRootCA");
        }
        Outcome::Refused(why) => panic!("{why}"),
    }
    match inspect(vec![b'x'; crate::inspect::MAX_UPLOAD]).await {
        Outcome::Refused(why) => assert!(why.contains("not a certificate")),
        Outcome::Certificates(_) => panic!("nothing of this is a certificate"),
    }
    rig.end().await;
}

#[test]
fn the_clock_of_the_tests_is_the_moment_they_speak_of() {
    assert_eq!(
        crate::moment::Moment::from(NOW).words(),
        "2026-05-01 00:00:00 UTC"
    );
    let _: SystemTime = UNIX_EPOCH + Duration::from_secs(NOW.0);
}
