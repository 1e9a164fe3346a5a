//! A whole control for its tests: real TLS, a real store on disk, the in-process bus; certval alone is stood in for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::seal::SealKeys;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use runtime::bus::{Bus, LocalBus};
use runtime::clock::SystemClock;
use runtime::live::{
    Follower, FollowerSettings, Instance, Live, Manifest, SigningKey, TrustedKeys,
};
use runtime::metrics::Metrics;
use runtime::private_files::{self, PRIVATE, PUBLIC};
use runtime::random::SystemRandomness;
use runtime::readiness::Readiness;
use runtime::tasks::Tasks;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use serde_json::Value;
use tempfile::TempDir;
use testkit::pki::Authority;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::initial::{
    Initial, InitialApplication, InitialConfiguration, InitialConnection, InitialDirectory,
    InitialServerCertificate, Pem,
};
use crate::inspector::known::Known;
use crate::parts::{Parts, RoleSeals};
use crate::{Needs, PARTS, Settings, StartError, Started, start};

/// For anything that should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// A bind password, to look for where it must not be.
pub(crate) const BIND_PASSWORD: &str = "correct-horse-battery";

/// What outlives one run of a control: its folder, its keys, the world around it.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) bus: Arc<LocalBus>,
    pub(crate) known: Arc<Known>,
    pub(crate) users: Authority,
    /// How long a control waits for instances before it makes the first revision.
    pub(crate) patience: Duration,
    servers: Authority,
    pub(crate) signing_key: SigningKey,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        private_files::create_folder(&keys).unwrap();
        let known = Arc::new(Known::default());
        let users = Authority::named("Fabrikam Root").self_signed().unwrap();
        known.authority(users.der(), "Fabrikam Root");
        let servers = testkit::pki::server_root("Server Root").unwrap();
        let admin = servers.issue_server(&["localhost", "127.0.0.1"]).unwrap();
        write(&keys.join("admin.pem"), &admin.chain_pem(), PUBLIC);
        write(&keys.join("admin.key"), &admin.key_pem(), PRIVATE);
        let login = servers.issue_server(&["Login.localhost"]).unwrap();
        known.leaf(
            &login.certificate,
            "login.localhost",
            "Server Root",
            &["Login.localhost"],
        );
        write(&keys.join("login.pem"), &login.chain_pem(), PUBLIC);
        write(&keys.join("login.key"), &login.key_pem(), PRIVATE);
        write(
            &keys.join("bind-password"),
            &format!("{BIND_PASSWORD}\n"),
            PRIVATE,
        );
        Self {
            bus: Arc::new(LocalBus::new()),
            known,
            users,
            patience: Duration::ZERO,
            servers,
            signing_key: SigningKey::generate(&SystemRandomness::new()).unwrap(),
            folder,
        }
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// A new authority that the inspector knows.
    pub(crate) fn authority(&self, name: &str) -> Authority {
        let authority = Authority::named(name).self_signed().unwrap();
        self.known.authority(authority.der(), name);
        authority
    }

    pub(crate) fn initial(&self) -> InitialConfiguration {
        let keys = self.keys();
        InitialConfiguration {
            connections: vec![
                InitialConnection {
                    name: "FabrikamAD".to_owned(),
                    display_name: Some("Fabrikam".to_owned()),
                    methods: vec!["certificate".to_owned(), "password".to_owned()],
                    ranges: vec!["127.0.0.1/32".to_owned(), "::1/128".to_owned()],
                    authorities: vec![Pem(self.users.pem())],
                    directory: InitialDirectory::File,
                },
                InitialConnection {
                    name: "ContosoAD".to_owned(),
                    display_name: None,
                    methods: vec!["password".to_owned()],
                    ranges: Vec::new(),
                    authorities: Vec::new(),
                    directory: InitialDirectory::ActiveDirectory {
                        servers: vec!["ldaps://dc1.contoso.test".to_owned()],
                        base: "DC=contoso,DC=test".to_owned(),
                        bind_account: "postern@contoso.test".to_owned(),
                        bind_password_file: keys.join("bind-password"),
                        trust_authorities: Vec::new(),
                        trust_keys: vec!["ab".repeat(32)],
                    },
                },
            ],
            applications: vec![InitialApplication {
                client_id: "app".to_owned(),
                name: None,
                secret_file: Some(keys.join("app.secret")),
                generate_secret: true,
                redirect_uris: vec!["https://app.localhost:8443/callback".to_owned()],
                post_logout_redirect_uris: Vec::new(),
                origins: Vec::new(),
                connections: vec!["FabrikamAD".to_owned()],
                id_token_algorithm: Default::default(),
            }],
            server_certificates: vec![InitialServerCertificate {
                chain: Pem::from(keys.join("login.pem").as_path()),
                key_file: keys.join("login.key"),
            }],
        }
    }

    pub(crate) fn settings(&self, name: &str) -> Settings {
        let keys = self.keys();
        Settings {
            admin_listen: "127.0.0.1:0".parse().unwrap(),
            admin_hosts: vec!["LOCALHOST".to_owned(), "127.0.0.1".to_owned()],
            admin_certificate_file: keys.join("admin.pem"),
            admin_key_file: keys.join("admin.key"),
            folder: self.folder.path().join(name),
            signing_key_file: PathBuf::new(),
            gateway_seal_key_file: PathBuf::new(),
            directory_seal_key_file: PathBuf::new(),
            initial_configuration: None,
        }
    }

    /// Starts a control with the initial configuration, and waits until it uses one.
    pub(crate) async fn control(&self, name: &str) -> Control {
        let initial = Some(Initial::given(self.initial()));
        let control = self.started(&self.settings(name), initial).await.unwrap();
        control.applied(1).await;
        control
    }

    /// Starts a control.
    pub(crate) async fn started(
        &self,
        settings: &Settings,
        initial: Option<Initial>,
    ) -> Result<Control, StartError> {
        let tasks = Tasks::new();
        let readiness = Readiness::new(PARTS);
        let metrics = Metrics::new().unwrap();
        let id = settings.folder.file_name().unwrap().to_str().unwrap();
        let needs = Needs {
            bus: self.bus.clone(),
            signing_key: SigningKey::from_pem(self.signing_key.to_pem().as_bytes()).unwrap(),
            trusted: TrustedKeys::of(&self.signing_key),
            seals: seals(),
            inspector: self.known.clone(),
            instance: instance("control", id),
            last_good: settings.folder.join("last-good"),
            initial,
            patience: self.patience,
            tasks: tasks.clone(),
            readiness: readiness.clone(),
            clock: Arc::new(SystemClock),
            metrics: metrics.of_role("control"),
            randomness: Arc::new(SystemRandomness::new()),
        };
        let started = start(settings, needs).await?;
        let mut roots = RootCertStore::empty();
        roots.add(self.servers.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let token = std::fs::read_to_string(&started.token_file).unwrap();
        Ok(Control {
            started,
            tasks,
            readiness,
            metrics,
            token,
            client: TlsConnector::from(Arc::new(client)),
        })
    }

    /// Another instance that follows the configuration, as a gateway does.
    pub(crate) async fn follower(&self, id: &str, tasks: &Tasks) -> Live<()> {
        let settings = FollowerSettings {
            bus: self.bus.clone() as Arc<dyn Bus>,
            keys: TrustedKeys::of(&self.signing_key),
            folder: self.folder.path().join(format!("follower-{id}")),
            instance: instance("gateway", id),
            clock: Arc::new(SystemClock),
            metrics: Metrics::new().unwrap(),
        };
        let everything = |_: &Manifest, _: &Parts| Ok(());
        let (live, follower) = Follower::start(settings, everything).await.unwrap();
        tasks.spawn("follower", follower.run(tasks.stopping()));
        live
    }
}

/// A control that runs.
pub(crate) struct Control {
    pub(crate) started: Started,
    pub(crate) tasks: Tasks,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) token: String,
    client: TlsConnector,
}

/// An answer of the admin API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_default()
    }

    pub(crate) fn number(&self, key: &str) -> u64 {
        self.body[key].as_u64().unwrap()
    }

    /// The last word of the problem's URN.
    pub(crate) fn problem(&self) -> &str {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{self:?}"
        );
        assert_eq!(self.body["status"], self.status.as_u16());
        for key in ["title", "detail", "what_to_do"] {
            assert!(!self.text(key).is_empty(), "no {key}: {self:?}");
        }
        self.text("type")
            .strip_prefix("urn:postern:problem:")
            .unwrap()
    }
}

impl Control {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, "").await
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = self
            .request(method, path)
            .body(Full::new(body.into()))
            .unwrap();
        self.send(request).await
    }

    /// A request with everything it needs but a body.
    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost:8444")
            .header("authorization", format!("Bearer {}", self.token))
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let tcp = TcpStream::connect(self.started.admin).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = self.client.connect(name, tcp).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls))
            .await
            .unwrap();
        let exchange = async {
            let response = sender.send_request(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            Answer {
                status: parts.status,
                headers: parts.headers,
                body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            }
        };
        let both = async {
            tokio::select! {
                answer = exchange => answer,
                ended = connection => panic!("the connection ended: {ended:?}"),
            }
        };
        timeout(SOON, both).await.unwrap()
    }

    /// Waits until control itself uses this revision.
    pub(crate) async fn applied(&self, revision: u64) {
        let mut revisions = self.started.live.subscribe();
        let reached = revisions.wait_for(|have| *have >= revision);
        timeout(SOON, reached)
            .await
            .expect("no configuration came")
            .unwrap();
    }

    pub(crate) async fn stop(self) {
        self.tasks.stop();
        self.tasks.finish(SOON).await.unwrap();
    }
}

pub(crate) fn seals() -> RoleSeals {
    let keys = |byte| SealKeys::new([[byte; 32].as_slice()]).unwrap();
    RoleSeals {
        gateway: keys(1),
        directory: keys(2),
    }
}

pub(crate) fn write(path: &Path, text: &str, mode: u32) {
    private_files::write_atomically(path, text.as_bytes(), mode).unwrap();
}

fn instance(role: &str, id: &str) -> Instance {
    Instance {
        id: id.to_owned(),
        role: role.to_owned(),
        version: "test".to_owned(),
        address: "127.0.0.1:1".to_owned(),
        cert_expires_at: None,
    }
}
