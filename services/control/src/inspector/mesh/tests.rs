use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use postern_proto::certval::v1::certval_server::{Certval, CertvalServer};
use postern_proto::certval::v1::inspect_response::Outcome;
use runtime::mesh::{AllowList, MeshServer, Peer};
use runtime::metrics::Metrics;
use runtime::tasks::Tasks;
use testkit::pki::{Authority, ExtendedKeyUsagePurpose, Leaf};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use super::*;

type Answer = dyn Fn(Bytes) -> Result<Outcome, Status> + Send + Sync;

/// A certval that answers as it is told.
struct Told(Arc<Answer>);

#[async_trait]
impl Certval for Told {
    async fn validate(
        &self,
        _: Request<v1::ValidateRequest>,
    ) -> Result<Response<v1::ValidateResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn explain(
        &self,
        _: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ValidateResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn inspect(
        &self,
        request: Request<v1::InspectRequest>,
    ) -> Result<Response<v1::InspectResponse>, Status> {
        let outcome = (self.0)(request.into_inner().certificates)?;
        Ok(Response::new(v1::InspectResponse {
            outcome: Some(outcome),
        }))
    }
}

fn identity(authority: &Authority, role: &str) -> MeshIdentity {
    let name = format!("{role}.mesh.internal");
    let both = [
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let leaf = Leaf::server(&[&name]).unwrap().extended_key_usages(&both);
    let issued = authority.issue(&leaf).unwrap();
    let (chain, key) = (issued.chain_pem(), issued.key_pem());
    MeshIdentity::from_pem(authority.pem().as_bytes(), chain.as_bytes(), key.as_bytes()).unwrap()
}

/// What an inspector over a real mesh makes of a certval's answer to `upload`.
async fn inspected(
    upload: Bytes,
    answer: impl Fn(Bytes) -> Result<Outcome, Status> + Send + Sync + 'static,
) -> Result<Vec<InspectedCertificate>, Inspection> {
    let mesh = Authority::named("Mesh").self_signed().unwrap();
    let tasks = Tasks::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let allow = AllowList::new().allow(INSPECT, &[Peer::role("control")]);
    let settings = runtime::mesh::ServerSettings {
        largest_request: LARGEST_UPLOAD + 1024,
        ..Default::default()
    };
    let service = CertvalServer::new(Told(Arc::new(answer)));
    let address = MeshServer::new(identity(&mesh, "certval"), allow)
        .settings(settings)
        .service(service)
        .start(listener, &tasks)
        .await
        .unwrap();
    let inspector = MeshInspector::new(
        &identity(&mesh, "control"),
        &[address],
        &Metrics::new().unwrap(),
    )
    .unwrap();
    let answer = inspector
        .inspect(&CertificatesOnly::new(upload).unwrap())
        .await;
    tasks.stop();
    answer
}

fn described(der: &Bytes) -> v1::Certificate {
    let key = domain::public_key::of_certificate(der).unwrap();
    v1::Certificate {
        der: der.clone(),
        subject_der: Bytes::from_static(b"0"),
        subject: "CN=Root".to_owned(),
        sha256: Digest::of(der).as_bytes().to_vec().into(),
        key_sha256: Digest::of(key).as_bytes().to_vec().into(),
        not_after: 7,
        ..v1::Certificate::default()
    }
}

fn certificate() -> Bytes {
    let authority = Authority::named("Root").self_signed().unwrap();
    Bytes::copy_from_slice(authority.der())
}

#[tokio::test]
async fn a_certificate_goes_there_and_its_description_comes_back() {
    let sent = certificate();
    let answer = inspected(sent.clone(), |certificates| {
        let certificates = vec![described(&certificates)];
        Ok(Outcome::Certificates(v1::Certificates { certificates }))
    });
    let found = answer.await.unwrap();
    assert_eq!(found.len(), 1);
    let authority = found[0].authority().unwrap();
    assert_eq!(authority.certificate, sent);
    assert_eq!(authority.fingerprint, Digest::of(&sent));
    assert_eq!(authority.not_after, Timestamp(7));
}

#[tokio::test]
async fn the_largest_upload_fits_through() {
    let answer = inspected(vec![b'a'; LARGEST_UPLOAD].into(), |upload| {
        assert_eq!(upload.len(), LARGEST_UPLOAD);
        Ok(Outcome::Refused("too many letters".to_owned()))
    });
    let refused = answer.await.unwrap_err();
    assert!(
        matches!(&refused, Inspection::Refused(why) if why == "too many letters"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_believed_or_asked_is_unavailable_and_never_a_yes() {
    let unavailable =
        async |answer: Box<dyn Fn(Bytes) -> Result<Outcome, Status> + Send + Sync>| {
            let answer = inspected(certificate(), answer).await;
            matches!(answer, Err(Inspection::Unavailable(_)))
        };
    let one = |change: fn(&mut v1::Certificate)| -> Box<dyn Fn(Bytes) -> Result<Outcome, Status> + Send + Sync> {
        Box::new(move |der| {
            let mut certificate = described(&der);
            change(&mut certificate);
            let certificates = vec![certificate];
            Ok(Outcome::Certificates(v1::Certificates { certificates }))
        })
    };
    assert!(!unavailable(one(|_| ())).await);
    assert!(unavailable(one(|certificate| certificate.der = self::certificate())).await);
    assert!(unavailable(one(|certificate| certificate.sha256 = vec![0; 32].into())).await);
    assert!(
        unavailable(one(
            |certificate| certificate.key_sha256 = vec![0; 32].into()
        ))
        .await
    );
    assert!(unavailable(one(|certificate| certificate.key_sha256 = Bytes::new())).await);
    assert!(unavailable(one(|certificate| certificate.subject_der = Bytes::new())).await);
    assert!(unavailable(Box::new(|_| Err(Status::internal("broken")))).await);
}
