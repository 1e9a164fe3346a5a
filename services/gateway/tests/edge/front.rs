//! A front door with three sites that tell what they were given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::routing::{any, get, post};
use domain::configuration::{Configuration, GatewaySecrets};
use domain::connection::{Connection, DirectorySource, Methods};
use gateway::arrival::Arrival;
use gateway::edge::{self, Names, Settings, Shared, Sites, Snapshot};
use gateway::tls::TlsConfigurations;
use http::HeaderMap;
use runtime::clock::SystemClock;
use runtime::metrics::Metrics;
use runtime::settings::{Section, Settings as Loadable, Sources};
use runtime::tasks::Tasks;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::pki::Ca;

/// Where the client is, in range of nobody.
pub(crate) const OUTSIDE: &str = "127.0.0.99";
/// In range of the connection `FabrikamAD` alone.
pub(crate) const INSIDE: &str = "127.0.0.1";
/// In range of both connections.
pub(crate) const BOTH: &str = "127.0.0.3";

/// A running front door.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    pub(crate) servers: Ca,
    pub(crate) fabrikam: Ca,
    pub(crate) contoso: Ca,
    pub(crate) tasks: Tasks,
    /// What it counts.
    pub(crate) metrics: Metrics,
    /// A permit lets one request to `/slow` end.
    pub(crate) slow: Arc<Semaphore>,
    /// A permit for every request that reached `/slow`.
    pub(crate) reached: Arc<Semaphore>,
    configuration: Configuration,
    secrets: GatewaySecrets,
    names: Names,
    current: Arc<Mutex<Option<Snapshot>>>,
}

#[derive(Deserialize)]
struct Whole {
    edge: Settings,
}

impl Loadable for Whole {
    fn sections() -> Vec<Section> {
        vec![Settings::SECTION]
    }
}

impl Front {
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// With these settings instead of the defaults (TOML, without the section's name).
    pub(crate) async fn with(settings: &str) -> Self {
        let servers = Ca::named("Servers");
        let (fabrikam, contoso) = (Ca::named("FabrikamRootCA"), Ca::named("ContosoRootCA"));
        let mut secrets = GatewaySecrets::default();
        let connections = [
            connection("FabrikamAD", &[INSIDE, BOTH, "::1"], &fabrikam),
            connection("ContosoAD", &[BOTH], &contoso),
        ];
        let configuration = Configuration {
            connections: connections
                .into_iter()
                .map(|each| (each.name.clone(), each))
                .collect(),
            server_certificates: vec![
                servers.server(&["login.localhost"], &mut secrets),
                servers.server(&["cert.localhost", "*.cert.localhost"], &mut secrets),
                servers.server(&["app.localhost"], &mut secrets),
            ],
            ..Configuration::default()
        };
        let others = ["app.localhost".to_owned()];
        let names = Names::new("login.localhost", "cert.localhost", true, others).unwrap();
        let (slow, reached) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let sites = Sites {
            login: site("login", &slow, &reached),
            certificate: site("certificate", &slow, &reached),
            others: [("app.localhost".to_owned(), site("app", &slow, &reached))].into(),
        };
        let current: Arc<Mutex<Option<Snapshot>>> = Arc::default();
        let tasks = Tasks::new();
        let metrics = Metrics::new().unwrap();
        let bound = edge::bind(&["127.0.0.1:0".parse().unwrap()]).await;
        // Clients are bound to addresses all over 127.0.0.0/8, and all of them reach this one.
        let bound = bound.unwrap();
        let address = bound.local_addresses()[0];
        let seen = current.clone();
        bound.serve(
            sites,
            names.clone(),
            settings_of(settings),
            Arc::new(move || seen.lock().unwrap().clone()),
            &Shared {
                clock: Arc::new(SystemClock),
                tasks: tasks.clone(),
                metrics: metrics.clone(),
            },
        );
        let front = Self {
            address,
            servers,
            fabrikam,
            contoso,
            tasks,
            metrics,
            slow,
            reached,
            configuration,
            secrets,
            names,
            current,
        };
        front.apply(1, |_| {});
        front
    }

    /// Puts a changed configuration into force.
    pub(crate) fn apply(&self, revision: u64, change: impl FnOnce(&mut Configuration)) {
        let mut configuration = self.configuration.clone();
        change(&mut configuration);
        let tls = TlsConfigurations::new(&configuration, &self.secrets, &self.names).unwrap();
        *self.current.lock().unwrap() = Some(Snapshot {
            revision,
            tls: Arc::new(tls),
        });
    }

    /// Takes the configuration away.
    pub(crate) fn forget_configuration(&self) {
        *self.current.lock().unwrap() = None;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

pub(crate) fn settings_of(toml: &str) -> Settings {
    let file = format!("[edge]\n{toml}");
    let sources = Sources::given(std::path::Path::new("test.toml"), &file, []);
    sources.load::<Whole>().unwrap().edge
}

fn connection(name: &str, ranges: &[&str], ca: &Ca) -> Connection {
    let ranges: Vec<_> = ranges.iter().map(|range| range.parse().unwrap()).collect();
    Connection {
        name: name.parse().unwrap(),
        display_name: name.to_owned(),
        methods: Methods {
            certificate: true,
            password: true,
        },
        ranges: ranges.into(),
        authorities: vec![ca.authority()],
        directory: DirectorySource::File,
    }
}

fn site(name: &'static str, slow: &Arc<Semaphore>, reached: &Arc<Semaphore>) -> Router {
    let (slow, reached) = (slow.clone(), reached.clone());
    Router::new()
        .route(
            "/",
            any(move |Extension(arrival): Extension<Arc<Arrival>>| async move { told(name, &arrival) }),
        )
        .route("/headers", get(header_names))
        .route("/echo", post(|body: String| async move { body.len().to_string() }))
        .route("/panic", get(panics))
        .route(
            "/slow",
            get(move || async move {
                reached.add_permits(1);
                slow.acquire().await.unwrap().forget();
                "done"
            }),
        )
        .route(
            "/never",
            get(|| tokio::time::sleep(Duration::from_secs(3600))),
        )
}

async fn panics() -> &'static str {
    panic!("on purpose")
}

async fn header_names(headers: HeaderMap) -> String {
    headers.keys().map(|name| format!("{name};")).collect()
}

/// The arrival in words that tests compare.
fn told(site: &str, arrival: &Arrival) -> String {
    let chain = match &arrival.chain {
        None => "none".to_owned(),
        Some(chain) => format!("{}:{}", chain.certificates().len(), chain.fingerprint()),
    };
    format!(
        "{site} host={:?} name={} from={} asked={} chain={chain} revision={}",
        arrival.host, arrival.server_name, arrival.address, arrival.asked, arrival.revision
    )
}
