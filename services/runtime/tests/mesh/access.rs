//! Who may call what.

use std::sync::Arc;

use runtime::mesh::{MeshClient, MeshIdentity, Peer};
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Code;

use super::rig::{Authority, CHECK, HANG, Server, call, check, quick};

const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

#[tokio::test]
async fn a_role_on_the_list_is_answered() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let channel = server.channel(&authority, &Peer::role("gateway"));
    assert!(check(&channel).await.is_ok());
}

#[tokio::test]
async fn a_role_off_the_methods_list_is_denied() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let control = server.channel(&authority, &Peer::role("control"));
    assert_eq!(call(&control, CHECK).await, Code::PermissionDenied);
    assert_eq!(call(&control, HANG).await, Code::PermissionDenied);
    assert_eq!(call(&control, "/test.Odd/Other").await, Code::Ok);
    assert_eq!(
        call(&control, "/test.Odd/Unlisted").await,
        Code::PermissionDenied
    );
    assert_eq!(call(&control, REFLECTION).await, Code::Unimplemented);
    let gateway = server.channel(&authority, &Peer::role("gateway"));
    assert_eq!(call(&gateway, REFLECTION).await, Code::PermissionDenied);
}

#[tokio::test]
async fn an_outsider_is_known_by_name() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let wiki = server.channel(&authority, &Peer::client("wiki"));
    assert!(check(&wiki).await.is_ok());
    assert_eq!(call(&wiki, HANG).await, Code::PermissionDenied);
    // An outsider's name makes no role.
    let gateway = server.channel(&authority, &Peer::client("gateway"));
    assert_eq!(call(&gateway, HANG).await, Code::Unauthenticated);
}

#[tokio::test]
async fn a_name_nobody_knows_is_nobody() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let stranger = server.channel(&authority, &Peer::client("stranger"));
    assert_eq!(call(&stranger, CHECK).await, Code::Unauthenticated);
}

#[tokio::test]
async fn a_certificate_with_two_known_names_is_nobodys() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let names = ["gateway", "control"].map(|role| Peer::role(role).dns_name());
    for names in [&names[..], &["*.mesh.internal".to_owned()]] {
        let identity = authority.identity_with(names, &authority);
        let client = MeshClient::new(&identity, quick()).unwrap();
        let channel = client.channel("certval", &[server.address]).unwrap();
        assert_eq!(call(&channel, CHECK).await, Code::Unauthenticated);
    }
}

#[tokio::test]
async fn a_foreign_authority_makes_no_peer() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    let server = Server::start(&authority).await;
    let gateway = Peer::role("gateway");
    // It believes in our server, but its own certificate is from elsewhere.
    let identity = foreign.identity_with(&[gateway.dns_name()], &authority);
    let client = MeshClient::new(&identity, quick()).unwrap();
    let channel = client.channel("certval", &[server.address]).unwrap();
    assert_eq!(check(&channel).await.unwrap_err().code(), Code::Unavailable);
    // The other way round the caller refuses.
    let channel = server.channel(&foreign, &gateway);
    let refused = check(&channel).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    // The foreign authority bears our authority's name, and not its key.
    assert!(refused.message().contains("BadSignature"), "{refused}");
    assert!(check(&server.channel(&authority, &gateway)).await.is_ok());
}

#[tokio::test]
async fn without_a_certificate_there_is_no_connection() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("certval.mesh.internal").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    // In TLS 1.3 the caller learns of it when it first reads.
    let mut tls = connector.connect(name, tcp).await.unwrap();
    let refused = tls.read(&mut [0; 1]).await.unwrap_err();
    assert!(
        refused.to_string().contains("CertificateRequired"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_server_of_another_role_is_not_believed() {
    let authority = Authority::new();
    let server = Server::start(&authority).await;
    let client = authority.client(&Peer::role("gateway"));
    let channel = client.channel("directory", &[server.address]).unwrap();
    let refused = check(&channel).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(
        refused.message().contains("not valid for name"),
        "{refused}"
    );
}

#[test]
fn an_identity_that_does_not_fit_together_is_refused() {
    let authority = Authority::new();
    let names = [Peer::role("gateway").dns_name()];
    let (certificate, key) = authority.certificate(&names);
    let (_, other_key) = authority.certificate(&names);
    let pem = authority.pem.as_bytes();
    let identity = |chain: &str, key: &str| {
        let identity = MeshIdentity::from_pem(pem, chain.as_bytes(), key.as_bytes())?;
        MeshClient::new(&identity, quick())
    };
    assert!(identity(&certificate, &key).is_ok());
    assert!(identity(&certificate, &other_key).is_err());
    assert!(identity("", &key).is_err());
    assert!(identity(&certificate, "").is_err());
    let identity = authority.identity(&Peer::role("gateway"));
    assert!(!format!("{identity:?}").contains("PRIVATE"));
    let client = MeshClient::new(&identity, quick()).unwrap();
    for name in ["", "a.b", "Gateway", "*", "gateway.mesh.internal\0"] {
        assert!(client.dial(name, "127.0.0.1:1").is_err(), "{name}");
    }
}
