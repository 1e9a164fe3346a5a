use domain::connection::{ActiveDirectory as Source, Connection, DirectoryTrust, Methods};
use domain::digest::Digest;
use domain::ranges::Ranges;
use runtime::clock::SystemClock;

use super::*;

const KEY: [u8; 32] = [7; 32];

fn seal() -> SealKeys {
    SealKeys::new([KEY.as_slice()]).unwrap()
}

fn views(file: Option<&str>, seal: Option<SealKeys>) -> Views {
    views_of(file, seal, &Metrics::new().unwrap())
}

fn views_of(file: Option<&str>, seal: Option<SealKeys>, metrics: &Metrics) -> Views {
    let settings = Settings {
        file: file.map(Into::into),
        ..Settings::default()
    };
    Views::new(settings, seal, Tasks::new(), Arc::new(SystemClock), metrics)
}

fn connection(name: &str, directory: DirectorySource) -> Connection {
    Connection {
        name: name.parse().unwrap(),
        display_name: name.to_owned(),
        methods: Methods {
            certificate: true,
            password: true,
        },
        ranges: Ranges::default(),
        authorities: Vec::new(),
        directory,
    }
}

fn domain_of(server: &str) -> DirectorySource {
    DirectorySource::ActiveDirectory(Source {
        servers: vec![server.to_owned()],
        base: "DC=fabrikam,DC=test".into(),
        bind_account: "CN=svc,DC=fabrikam,DC=test".into(),
        trust: DirectoryTrust::PinnedKeys {
            keys: vec![Digest::of(b"key")],
        },
    })
}

fn parts(connections: &[Connection], passwords: &[(&str, &str)]) -> BTreeMap<String, Bytes> {
    let configuration = Configuration {
        connections: connections
            .iter()
            .map(|connection| (connection.name.clone(), connection.clone()))
            .collect(),
        ..Configuration::default()
    };
    let secrets = DirectorySecrets {
        bind_passwords: passwords
            .iter()
            .map(|(name, password)| {
                (
                    name.parse().unwrap(),
                    SecretBytes::new(password.as_bytes().to_vec()),
                )
            })
            .collect(),
    };
    let secrets = serde_json::to_vec(&secrets).unwrap();
    let sealed = seal()
        .seal(Purpose::Secrets, part::DIRECTORY_SECRETS, &secrets, [1; 12])
        .unwrap();
    [
        (
            part::CONFIGURATION.to_owned(),
            serde_json::to_vec(&configuration).unwrap().into(),
        ),
        (part::DIRECTORY_SECRETS.to_owned(), sealed.into()),
    ]
    .into()
}

fn backend(view: &View, name: &str) -> Arc<dyn Backend> {
    Arc::clone(view.backend(&name.parse().unwrap()).unwrap())
}

#[test]
fn a_back_end_lives_as_long_as_what_it_is_made_of() {
    let views = views(None, Some(seal()));
    let dc = domain_of("ldaps://dc1");
    let mut fabrikam = connection("FabrikamAD", dc.clone());
    let first = views
        .decode(&parts(&[fabrikam.clone()], &[("FabrikamAD", "one")]))
        .unwrap();
    fabrikam.display_name = "changed".into();
    let contoso = connection("ContosoAD", dc);
    let both = [("FabrikamAD", "one"), ("ContosoAD", "one")];
    let second = views
        .decode(&parts(&[fabrikam.clone(), contoso], &both))
        .unwrap();
    assert!(Arc::ptr_eq(
        &backend(&first, "FabrikamAD"),
        &backend(&second, "FabrikamAD")
    ));
    assert!(!Arc::ptr_eq(
        &backend(&second, "ContosoAD"),
        &backend(&second, "FabrikamAD")
    ));

    let third = views
        .decode(&parts(&[fabrikam.clone()], &[("FabrikamAD", "two")]))
        .unwrap();
    assert!(!Arc::ptr_eq(
        &backend(&second, "FabrikamAD"),
        &backend(&third, "FabrikamAD")
    ));
    assert!(third.backend(&"ContosoAD".parse().unwrap()).is_none());
    fabrikam.directory = domain_of("ldaps://dc2");
    let fourth = views
        .decode(&parts(&[fabrikam], &[("FabrikamAD", "two")]))
        .unwrap();
    assert!(!Arc::ptr_eq(
        &backend(&third, "FabrikamAD"),
        &backend(&fourth, "FabrikamAD")
    ));
}

#[test]
fn a_snapshot_that_cannot_be_used_is_refused_in_words_and_changes_nothing() {
    let good = connection("FabrikamAD", domain_of("ldaps://dc1"));
    let secret = [("FabrikamAD", "one")];
    let views = views(None, Some(seal()));
    let before = views
        .decode(&parts(std::slice::from_ref(&good), &secret))
        .unwrap();
    let bad_server = connection("Bad", domain_of("http://dc1"));
    let with_file = connection("Demo", DirectorySource::File);
    for (parts, words) in [
        (BTreeMap::new(), "no configuration"),
        (
            parts(std::slice::from_ref(&good), &[]),
            "connection FabrikamAD: the password of the bind account",
        ),
        (
            parts(
                &[good.clone(), bad_server],
                &[("FabrikamAD", "1"), ("Bad", "1")],
            ),
            "connection Bad: `http://dc1`",
        ),
        (parts(&[with_file], &[]), "`directory.file` is not set"),
    ] {
        let error = views.decode(&parts).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let after = views.decode(&parts(&[good], &secret)).unwrap();
    assert!(Arc::ptr_eq(
        &backend(&before, "FabrikamAD"),
        &backend(&after, "FabrikamAD")
    ));
}

#[test]
fn secrets_need_the_roles_own_key() {
    let parts = parts(&[], &[]);
    assert!(
        views(None, None)
            .decode(&parts)
            .unwrap_err()
            .contains("no key")
    );
    let other = SealKeys::new([[8; 32].as_slice()]).unwrap();
    assert!(
        views(None, Some(other))
            .decode(&parts)
            .unwrap_err()
            .contains("cannot be opened")
    );
}

#[test]
fn a_directory_file_needs_no_secrets() {
    let mut parts = parts(&[connection("Demo", DirectorySource::File)], &[]);
    parts.remove(part::DIRECTORY_SECRETS);
    assert!(views(Some("/nowhere.json"), None).decode(&parts).is_ok());
    assert!(!views(None, None).wants(part::GATEWAY_SECRETS));
}

#[tokio::test]
async fn pools_are_told_about_as_long_as_their_connection_is_there() {
    let metrics = Metrics::new().unwrap();
    let views = views_of(None, Some(seal()), &metrics);
    // Nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("ldaps://{}", listener.local_addr().unwrap());
    drop(listener);
    let fabrikam = connection("FabrikamAD", domain_of(&server));
    let parts_of = |connections: &[Connection]| parts(connections, &[("FabrikamAD", "one")]);
    let view = views.decode(&parts_of(&[fabrikam])).unwrap();
    let up =
        format!("postern_directory_server_up{{connection=\"FabrikamAD\",server=\"{server}\"}}");
    let says = |line: &str| metrics.text().unwrap().lines().any(|said| said == line);
    assert!(says(&format!("{up} 1")), "{}", metrics.text().unwrap());
    for state in ["idle", "busy"] {
        let line = "postern_directory_connections{connection=\"FabrikamAD\",state=";
        assert!(
            says(&format!("{line}\"{state}\"}} 0")),
            "{}",
            metrics.text().unwrap()
        );
    }
    let who = postern_proto::directory::Who::Account(domain::account::AccountId(uuid::Uuid::nil()));
    let method = postern_proto::directory::Method::Password;
    let asked = backend(&view, "FabrikamAD");
    asked.resolve(&who, method).await.unwrap_err();
    assert!(says(&format!("{up} 0")), "{}", metrics.text().unwrap());
    let unreachable =
        "postern_directory_operations_total{operation=\"connect\",outcome=\"unreachable\"}";
    assert!(metrics.text().unwrap().contains(unreachable));
    views.decode(&parts_of(&[])).unwrap();
    assert!(!metrics.text().unwrap().contains("server_up{"));
}
