use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;

use super::plan::empty_folder;
use super::ports::Ports;
use super::*;
use crate::pki::KeyKind;
use crate::processes::run;

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter"), "dear").unwrap();
    let error = empty_folder(folder.path()).unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert!(folder.path().join("letter").exists());

    let own = folder.path().join("own");
    let held = empty_folder(&own).unwrap();
    fs::write(own.join("pki/old"), "").unwrap();
    let error = empty_folder(&own).unwrap_err();
    assert!(error.to_string().contains("another rig runs"), "{error}");
    assert!(own.join("pki/old").exists());
    drop(held);
    // A test beside this one may be starting a program: until that has begun, it holds every file of this process.
    wait_for(Duration::from_secs(5), "the lock to be free", || {
        Ok(empty_folder(&own).ok())
    })
    .unwrap();
    assert!(own.join("pki").exists() && !own.join("pki/old").exists());
    assert_eq!(fs::metadata(own.join("pki")).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn ports_are_each_taken_once() {
    // From the same place on, while nobody listens yet.
    let (one, two) = (
        Ports::claim_from(700, 2).unwrap(),
        Ports::claim_from(700, 2).unwrap(),
    );
    assert!(TcpListener::bind(one.admin()).is_ok());
    let mut all = Vec::new();
    for ports in [&one, &two] {
        all.extend(ports.addresses().into_values().flatten());
        all.push(ports.admin());
        all.push(SocketAddr::from(([127, 0, 0, 1], ports.page())));
        all.push(SocketAddr::from(([127, 0, 0, 1], ports.server())));
        all.push(SocketAddr::from(([127, 0, 0, 1], ports.front())));
    }
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
    assert_eq!(one.addresses()[&Role::Gateway].len(), 2);
}

#[test]
fn material_is_private_and_opens() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, _lock) = empty_folder(folder.path()).unwrap();
    let material = Material::make(&folder, DirectoryKind::File, KeyKind::P256).unwrap();
    for secret in [
        "pki/jon.key",
        "pki/jon.p12",
        "directory.json",
        "passwords.json",
    ] {
        let mode = fs::metadata(folder.join(secret)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let mut openssl = Command::new("openssl");
    openssl.args(["pkcs12", "-nokeys", "-passin"]);
    openssl
        .arg(format!("pass:{}", material.p12_password))
        .arg("-in")
        .arg(folder.join("pki/jon.p12"));
    assert!(run(&mut openssl).unwrap().contains("CN = jon"));
    assert_ne!(material.passwords["jon"], material.passwords["jane"]);
}

#[test]
fn an_authorize_request_is_complete() {
    let request = AuthorizeRequest::new(
        "https://login.localhost:8443",
        "https://app.localhost:8443/script",
        "FabrikamAD",
    )
    .unwrap();
    let pairs: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
    assert_eq!(request.url.path(), "/authorize");
    assert_eq!(pairs["code_challenge_method"], "S256");
    assert_eq!(pairs["code_challenge"].len(), 43);
    assert_eq!(pairs["redirect_uri"], "https://app.localhost:8443/script");
    assert_eq!(pairs["state"], request.state);
}
