use domain::application::{Origin, SigningAlgorithm};
use domain::connection::{DirectorySource, DirectoryTrust};
use runtime::private_files::{PRIVATE, PUBLIC};
use runtime::random::SystemRandomness;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use testkit::pki::{KeyKind, Leaf};

use super::*;
use crate::rig::{BIND_PASSWORD, World, write};

const NOW: Timestamp = Timestamp(1_800_000_000);

type Change = fn(&mut InitialConfiguration);

async fn prepared(world: &World, initial: &Initial) -> Result<FirstRevision, InitialError> {
    initial
        .prepare(&*world.known, &SystemRandomness::new(), NOW)
        .await
}

async fn mistakes(world: &World, change: impl FnOnce(&mut InitialConfiguration)) -> String {
    let mut configuration = world.initial();
    change(&mut configuration);
    match prepared(world, &Initial::given(configuration)).await {
        Err(InitialError::Mistakes(mistakes)) => mistakes.to_string(),
        other => panic!("no mistake was found: {other:?}"),
    }
}

#[tokio::test]
async fn the_first_revision_has_everything_and_its_keys_work() {
    let world = World::new();
    let first = prepared(&world, &Initial::given(world.initial()))
        .await
        .unwrap();
    let fabrikam = &first.configuration.connections[&"FabrikamAD".parse().unwrap()];
    assert_eq!(fabrikam.display_name, "Fabrikam");
    assert_eq!(fabrikam.authorities.len(), 1);
    assert_eq!(
        fabrikam.authorities[0].certificate,
        *world.users.der().as_ref()
    );
    let contoso = "ContosoAD".parse().unwrap();
    assert_eq!(
        first.directory.bind_passwords[&contoso].expose(),
        BIND_PASSWORD.as_bytes()
    );
    let DirectorySource::ActiveDirectory(directory) =
        &first.configuration.connections[&contoso].directory
    else {
        panic!("another directory");
    };
    assert!(matches!(&directory.trust, DirectoryTrust::PinnedKeys { keys } if keys.len() == 1));

    let certificate = &first.configuration.server_certificates[0];
    assert_eq!(certificate.hosts, ["login.localhost"]);
    let usable = |key: &[u8]| {
        any_supported_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
            key.to_vec(),
        )))
        .is_ok()
    };
    assert!(usable(
        first.gateway.server_keys[&certificate.fingerprint].expose()
    ));
    let algorithms: Vec<SigningAlgorithm> = first
        .gateway
        .signing_keys
        .iter()
        .map(|key| key.algorithm)
        .collect();
    assert_eq!(
        algorithms,
        [SigningAlgorithm::ES256, SigningAlgorithm::RS256]
    );
    assert!(
        first
            .gateway
            .signing_keys
            .iter()
            .all(|key| usable(key.private_key.expose()))
    );
    assert_eq!(first.gateway.cookie_keys[0].expose().len(), 32);

    let secret = std::fs::read(world.keys().join("app.secret")).unwrap();
    assert!(secret.len() >= 43);
    let application = &first.configuration.applications[&"app".parse().unwrap()];
    assert_eq!(
        application.secret,
        Some(domain::digest::Digest::of(&secret))
    );
    // Made once: the next attempt takes what is there.
    let again = prepared(&world, &Initial::given(world.initial()))
        .await
        .unwrap();
    assert_eq!(again.configuration, first.configuration);
    assert_ne!(
        again.gateway.cookie_keys[0].expose(),
        first.gateway.cookie_keys[0].expose()
    );
}

#[tokio::test]
async fn a_toml_file_is_read_with_paths_beside_it() {
    let world = World::new();
    write(&world.keys().join("users.pem"), &world.users.pem(), PUBLIC);
    let file = world.keys().join("initial.toml");
    let text = r#"
        [[connections]]
        name = "FabrikamAD"
        methods = ["certificate"]
        ranges = ["10.1.2.3/16"]
        authorities = ["users.pem"]
        [connections.directory]
        kind = "active_directory"
        servers = ["ldap://dc1.fabrikam.test:389"]
        base = "DC=fabrikam,DC=test"
        bind_account = "CN=postern,DC=fabrikam,DC=test"
        bind_password_file = "bind-password"
        trust_authorities = ["users.pem"]

        [[connections]]
        name = "Local"
        methods = ["password"]
        directory = { kind = "file" }

        [[applications]]
        client_id = "spa"
        origins = ["https://app.example.com", "http://localhost:3000"]
        connections = ["FabrikamAD", "Local"]
        id_token_algorithm = "RS256"

        [[server_certificates]]
        chain = "login.pem"
        key_file = "login.key"
    "#;
    write(&file, text, PUBLIC);
    let first = prepared(&world, &Initial::read(&file).unwrap())
        .await
        .unwrap();
    let connection = &first.configuration.connections[&"FabrikamAD".parse().unwrap()];
    assert_eq!(
        connection.ranges.iter().next().unwrap().to_string(),
        "10.1.0.0/16"
    );
    assert!(
        first
            .words
            .iter()
            .any(|word| word.contains("is read as 10.1.0.0/16"))
    );
    assert!(!connection.methods.password);
    let DirectorySource::ActiveDirectory(directory) = &connection.directory else {
        panic!("another directory");
    };
    assert!(
        matches!(&directory.trust, DirectoryTrust::Authorities { pem } if pem.contains("BEGIN CERTIFICATE"))
    );
    let application = &first.configuration.applications[&"spa".parse().unwrap()];
    assert_eq!(application.secret, None);
    let origins: Vec<&str> = application.origins.iter().map(Origin::as_str).collect();
    assert_eq!(
        origins,
        ["http://localhost:3000", "https://app.example.com"]
    );
}

#[tokio::test]
async fn every_mistake_is_told_at_once_with_its_key() {
    let world = World::new();
    let missing = world.keys().join("missing.key");
    let words = mistakes(&world, |configuration| {
        configuration.connections[0].name = "Fabrikam AD".to_owned();
        configuration.connections[0].methods = vec!["kerberos".to_owned()];
        configuration.connections[0].ranges = vec!["10.0.0.0/8".to_owned(), "nonsense".to_owned()];
        configuration.connections[0].authorities = vec![Pem("missing.pem".to_owned())];
        configuration.applications[0].connections = vec!["no such".to_owned()];
        configuration.applications[0].origins = vec!["https://app.example.com/".to_owned()];
        configuration.server_certificates[0].key_file = missing.clone();
    })
    .await;
    for key in [
        "connections[0].name: ",
        "connections[0].methods[0]: there is no method `kerberos`",
        "connections[0].ranges[1]: `nonsense`",
        "connections[0].authorities[0]: failed to read missing.pem: No such file",
        "applications[0].connections[0]: ",
        "applications[0].origins[0]: must be an origin as browsers write it",
        "server_certificates[0].key_file: failed to",
    ] {
        assert!(words.contains(key), "{key} is not in:\n{words}");
    }
    assert_eq!(words.lines().count(), 7, "{words}");
}

#[tokio::test]
async fn secrets_come_from_closed_files_only_and_are_never_repeated() {
    let world = World::new();
    let open = world.keys().join("open-password");
    write(&open, "very-secret-indeed", PUBLIC);
    let words = mistakes(&world, |configuration| {
        if let InitialDirectory::ActiveDirectory {
            bind_password_file, ..
        } = &mut configuration.connections[1].directory
        {
            *bind_password_file = open.clone();
        }
    })
    .await;
    assert!(
        words.contains("connections[1].directory.bind_password_file: ")
            && words.contains("chmod 600"),
        "{words}"
    );
    assert!(!words.contains("very-secret-indeed"));
    let short = world.keys().join("app.secret");
    write(&short, "tooshort", PRIVATE);
    let words = mistakes(&world, |_| {}).await;
    assert!(
        words.contains("applications[0].secret_file: a client secret has at least 32"),
        "{words}"
    );
    assert!(!words.contains("tooshort"));
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused() {
    let world = World::new();
    let cases: [(&str, Change); 9] = [
        ("another connection has this name", |initial| {
            let again = initial.connections[0].clone();
            initial.connections.push(again);
        }),
        ("there is no connection called `Nowhere`", |initial| {
            initial.applications[0].connections = vec!["Nowhere".to_owned()];
        }),
        (
            "exactly one of `trust_authorities` and `trust_keys`",
            |initial| {
                if let InitialDirectory::ActiveDirectory { trust_keys, .. } =
                    &mut initial.connections[1].directory
                {
                    trust_keys.clear();
                }
            },
        ),
        ("is no domain controller's address", |initial| {
            if let InitialDirectory::ActiveDirectory { servers, .. } =
                &mut initial.connections[1].directory
            {
                servers.push("dc2.contoso.test".to_owned());
            }
        }),
        ("is not https", |initial| {
            initial.applications[0].redirect_uris = vec!["http://app.example.com/".to_owned()];
        }),
        ("no redirect URI and no origin", |initial| {
            initial.applications[0].redirect_uris.clear();
        }),
        ("origins", |initial| {
            initial.applications[0].origins = (0..1000)
                .map(|each| format!("https://app-{each}.example.com"))
                .collect();
        }),
        ("a private key is in what was sent", |initial| {
            let key = initial.server_certificates[0].key_file.clone();
            initial.connections[0].authorities = vec![Pem(std::fs::read_to_string(key).unwrap())];
        }),
        ("two authorities have the key", |initial| {
            let again = initial.connections[0].authorities[0].clone();
            initial.connections[0].authorities.push(again);
        }),
    ];
    for (expected, change) in cases {
        let words = mistakes(&world, change).await;
        assert!(words.contains(expected), "{expected} is not in:\n{words}");
    }
}

#[tokio::test]
async fn a_server_certificate_comes_with_its_own_key() {
    let world = World::new();
    let keys = world.keys();
    let other = world.users.issue(&Leaf::named("x")).unwrap();
    write(&keys.join("other.key"), &other.key_pem(), PRIVATE);
    let words = mistakes(&world, |initial| {
        initial.server_certificates[0].key_file = keys.join("other.key");
    })
    .await;
    assert!(
        words.contains("it is not the key of the chain's first certificate"),
        "{words}"
    );
    let words = mistakes(&world, |initial| {
        initial.server_certificates[0].chain = Pem(world.users.pem());
    })
    .await;
    assert!(words.contains("names no host"), "{words}");

    let far = world
        .users
        .issue(&Leaf::server(&["far.localhost"]).unwrap())
        .unwrap();
    world
        .known
        .leaf(&far.certificate, "far", "Somebody Else", &["far.localhost"]);
    let disordered = far.chain_pem() + &world.users.pem();
    write(&keys.join("far.key"), &far.key_pem(), PRIVATE);
    let words = mistakes(&world, |initial| {
        initial.server_certificates[0].chain = Pem(disordered);
        initial.server_certificates[0].key_file = keys.join("far.key");
    })
    .await;
    assert!(
        words.contains("was issued by \"CN=Somebody Else\""),
        "{words}"
    );
}

#[test]
fn the_three_forms_of_a_key_become_one() {
    use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
    let ec = KeyKind::P256.generate().unwrap();
    let pkcs8 = ec.serialize_der();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8).unwrap();
    let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    let sec1 = PrivateKeyDer::Sec1(sec1.as_ref().to_vec().into());
    let pkcs8 = PrivateKeyDer::Pkcs8(pkcs8.into());
    let rsa = KeyKind::Rsa2048.generate().unwrap().serialize_der();
    // PKCS#1 is what the OCTET STRING of PKCS#8 holds (RFC 8017 appendix A.1.2).
    let pkcs1 = PrivateKeyDer::Pkcs1(rsa[26..].to_vec().into());
    let rsa = PrivateKeyDer::Pkcs8(rsa.into());
    for (same, form) in [
        (&pkcs8, &pkcs8),
        (&pkcs8, &sec1),
        (&rsa, &rsa),
        (&rsa, &pkcs1),
    ] {
        let made = keys::as_pkcs8(form).unwrap();
        let made = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.expose().to_vec()));
        let public = |key: &PrivateKeyDer<'static>| {
            any_supported_type(key)
                .unwrap()
                .public_key()
                .map(|spki| spki.as_ref().to_vec())
        };
        assert_eq!(public(&made), public(same));
    }
}
