//! A mesh authority, a server with a service that misbehaves when asked to,
//! and callers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use runtime::mesh::{
    AllowList, ConnectSettings, MeshChannel, MeshClient, MeshIdentity, MeshServer, Peer,
    ServerSettings,
};
use runtime::readiness::Readiness;
use runtime::tasks::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::Service;

pub(crate) const CHECK: &str = "/grpc.health.v1.Health/Check";
pub(crate) const HANG: &str = "/test.Odd/Hang";
pub(crate) const PANIC: &str = "/test.Odd/Panic";
pub(crate) const READ: &str = "/test.Odd/Read";

/// A mesh authority.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "mesh");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// The PEM of a certificate for these names, and of its key.
    pub(crate) fn certificate(&self, names: &[String]) -> (String, String) {
        use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ServerAuth, ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// An identity with these names that believes in `believed`.
    pub(crate) fn identity_with(&self, names: &[String], believed: &Self) -> MeshIdentity {
        let (certificate, key) = self.certificate(names);
        MeshIdentity::from_pem(
            believed.pem.as_bytes(),
            certificate.as_bytes(),
            key.as_bytes(),
        )
        .unwrap()
    }

    pub(crate) fn identity(&self, peer: &Peer) -> MeshIdentity {
        self.identity_with(&[peer.dns_name()], self)
    }

    pub(crate) fn client(&self, peer: &Peer) -> MeshClient {
        MeshClient::new(&self.identity(peer), quick()).unwrap()
    }
}

/// Short bounds, so that tests of bounds are short.
pub(crate) fn quick() -> ConnectSettings {
    ConnectSettings {
        connect: Duration::from_millis(400),
        call: Duration::from_secs(2),
        ..ConnectSettings::default()
    }
}

/// A running certval with its owner.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) tasks: Tasks,
    pub(crate) readiness: Readiness,
    pub(crate) odd: Odd,
}

impl Server {
    pub(crate) async fn start(authority: &Authority) -> Self {
        Self::start_on(authority, "127.0.0.1:0", Odd::default()).await
    }

    /// A server on this address with this service.
    pub(crate) async fn start_on(authority: &Authority, address: &str, odd: Odd) -> Self {
        let gateway = [Peer::role("gateway")];
        let allow = AllowList::new()
            .allow(CHECK, &[Peer::role("gateway"), Peer::client("wiki")])
            .allow(HANG, &gateway)
            .allow(PANIC, &gateway)
            .allow(READ, &gateway)
            .allow("/test.Odd/Other", &[Peer::role("control")])
            .reflection(&[Peer::role("control")]);
        let tasks = Tasks::new();
        let readiness = Readiness::new(&["parts"]);
        let identity = authority.identity(&Peer::role("certval"));
        let settings = ServerSettings {
            handshake: Duration::from_millis(500),
            ..ServerSettings::default()
        };
        let listener = TcpListener::bind(address).await.unwrap();
        let address = MeshServer::new(identity, allow)
            .settings(settings)
            .service(odd.clone())
            .health(&readiness)
            .start(listener, &tasks)
            .await
            .unwrap();
        Self {
            address,
            tasks,
            readiness,
            odd,
        }
    }

    pub(crate) fn channel(&self, authority: &Authority, peer: &Peer) -> MeshChannel {
        let client = authority.client(peer);
        client.channel("certval", &[self.address]).unwrap()
    }
}

/// Asks for health over `channel`.
pub(crate) async fn check(channel: &MeshChannel) -> Result<i32, Status> {
    let mut client = HealthClient::new(channel.clone());
    let answer = client.check(HealthCheckRequest::default()).await?;
    Ok(answer.into_inner().status)
}

/// The status of a bare call with an empty message.
pub(crate) async fn call(channel: &MeshChannel, path: &str) -> Code {
    call_with(channel, path, Body::empty()).await
}

pub(crate) async fn call_with(channel: &MeshChannel, path: &str, body: Body) -> Code {
    let request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap();
    match channel.clone().call(request).await {
        Ok(answer) => Status::from_header_map(answer.headers()).map_or(Code::Ok, |s| s.code()),
        Err(status) => status.code(),
    }
}

/// A service that hangs, panics or reads, by the method called.
#[derive(Clone, Default)]
pub(crate) struct Odd {
    /// How many calls came.
    pub(crate) calls: Arc<AtomicUsize>,
    /// What a hanging call waits for.
    pub(crate) release: Arc<watch::Sender<bool>>,
}

impl NamedService for Odd {
    const NAME: &'static str = "test.Odd";
}

impl Service<http::Request<Body>> for Odd {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut release = self.release.subscribe();
        Box::pin(async move {
            let status = match request.uri().path() {
                PANIC => panic!("as asked"),
                HANG => {
                    release.wait_for(|released| *released).await.unwrap();
                    Status::ok("released")
                }
                _ => match http_body_util::BodyExt::collect(request.into_body()).await {
                    Ok(_) => Status::ok("read"),
                    Err(status) => status,
                },
            };
            Ok(status.into_http())
        })
    }
}

/// Passes bytes on to `to` until it is frozen; then it keeps every connection
/// open and silent, like a stopped process.
pub(crate) struct Freezer {
    pub(crate) address: SocketAddr,
    frozen: Arc<watch::Sender<bool>>,
}

impl Freezer {
    pub(crate) async fn before(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let frozen = Arc::new(watch::Sender::new(false));
        let state = frozen.clone();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                let (mut from, _) = listener.accept().await.unwrap();
                let mut state = state.subscribe();
                kept.push(tokio::spawn(async move {
                    let mut to = TcpStream::connect(to).await.unwrap();
                    let frozen = async { state.wait_for(|frozen| *frozen).await.is_ok() };
                    tokio::select! {
                        _ = frozen => std::future::pending().await,
                        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
                    }
                }));
            }
        });
        Self { address, frozen }
    }

    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(true);
    }
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Waits until `holds`, at most ten seconds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert!(waited.is_ok(), "never came true: {what}");
}
