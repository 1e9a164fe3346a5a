use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::*;

/// The NATS protocol by hand: what a role hears after these lines, up to `PONG` or an error.
fn say(nats: &Nats, user: &str, password: &str, lines: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(nats.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = SERVER_NAME.try_into().unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", nats.port())).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(tls, tcp));
    let mut heard = String::new();
    stream.read_line(&mut heard).unwrap();
    assert!(heard.starts_with("INFO "), "{heard}");
    heard.clear();
    let hello = format!(
        "CONNECT {{\"user\":\"{user}\",\"pass\":\"{password}\",\"verbose\":false,\"pedantic\":false}}\r\n"
    );
    stream
        .get_mut()
        .write_all(format!("{hello}{lines}PING\r\n").as_bytes())
        .unwrap();
    while !heard.contains("PONG") && !heard.contains("-ERR") {
        if stream.read_line(&mut heard).unwrap() == 0 {
            break;
        }
    }
    heard
}

#[test]
fn every_role_gets_in_and_no_further_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let nats = Nats::start(folder.path()).unwrap();
    for role in ROLES {
        assert_eq!(
            say(&nats, role, nats.password(role), ""),
            "PONG\r\n",
            "{role}"
        );
        let mode = fs::metadata(nats.password_file(role))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let wrong = say(&nats, "control", nats.password("gateway"), "");
    assert!(wrong.contains("Authorization Violation"), "{wrong}");
    let certval = nats.password("certval");
    let foreign = say(
        &nats,
        "certval",
        certval,
        "PUB $KV.postern_configuration.head 1\r\nx\r\n",
    );
    assert!(foreign.contains("Permissions Violation"), "{foreign}");
}

#[test]
fn it_comes_back_on_the_same_port() {
    let folder = tempfile::tempdir().unwrap();
    let mut nats = Nats::start(folder.path()).unwrap();
    let (port, first) = (nats.port(), nats.id());
    nats.kill().unwrap();
    assert!(!crate::processes::listens(([127, 0, 0, 1], port).into()));
    nats.restart().unwrap();
    assert_ne!(nats.id(), first);
    assert_eq!(
        say(&nats, "control", nats.password("control"), ""),
        "PONG\r\n"
    );
    nats.restart_empty().unwrap();
    assert_eq!(nats.port(), port);
    assert_eq!(
        say(&nats, "gateway", nats.password("gateway"), ""),
        "PONG\r\n"
    );
}
