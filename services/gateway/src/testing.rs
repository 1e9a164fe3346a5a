//! What the tests of this crate share: a whole desk with real gRPC clients, and services behind them that answer as told.
//!
//! The services are the generated servers, called in this process; nothing of the gateway is replaced.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use domain::application::{Application, SigningAlgorithm};
use domain::authority::Authority;
use domain::configuration::{Configuration, GatewaySecrets, SecretBytes, TokenKey};
use domain::connection::{Connection, DirectorySource, Methods};
use domain::digest::Digest;
use domain::timestamp::Timestamp;
use runtime::bus::LocalBus;
use runtime::clock::{Clock, TestClock};
use runtime::live::Live;
use runtime::metrics::Metrics;
use runtime::random::SystemRandomness;

use crate::clients::{RpcChannel, channel};
use crate::codes::service;
use crate::desk::{Desk, Parts};
use crate::edge::names::Names;
use crate::session::Trusted;
use crate::settings::Settings;
use crate::sites::Sites;
use crate::view::View;

pub(crate) mod browser;
mod published;
pub(crate) mod services;

pub(crate) use browser::Browser;
pub(crate) use services::{TestCertval, TestDirectory};

/// When tests begin, in seconds since 1970.
pub(crate) const START: u64 = 1_800_000_000;
/// The revision gateways are at.
pub(crate) const REVISION: u64 = 7;
/// The public application.
pub(crate) const APP: &str = "app";
/// The confidential application, and its secret.
pub(crate) const SERVER: &str = "server";
pub(crate) const SECRET: &str = "s3cret&=%+ of the server";
/// Where the public application takes its answers.
pub(crate) const CALLBACK: &str = "https://app.example.com/callback?fixed=1";
// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A world with one or more gateways.
pub(crate) struct World {
    pub(crate) desk: Arc<Desk>,
    pub(crate) sites: Sites,
    pub(crate) clock: TestClock,
    pub(crate) certval: TestCertval,
    pub(crate) directory: TestDirectory,
    pub(crate) bus: LocalBus,
    /// How often a channel to another gateway was opened.
    pub(crate) dialled: Arc<AtomicUsize>,
    /// The gateway's numbers.
    pub(crate) metrics: Metrics,
    peers: Peers,
}

type Peers = Arc<Mutex<HashMap<String, RpcChannel>>>;

/// What gateways of one installation share.
struct Around {
    clock: TestClock,
    certval: TestCertval,
    directory: TestDirectory,
    bus: LocalBus,
    peers: Peers,
}

impl Around {
    fn new() -> Self {
        Self {
            clock: TestClock::at_unix_seconds(START),
            certval: TestCertval::default(),
            directory: TestDirectory::default(),
            bus: LocalBus::new(),
            peers: Peers::default(),
        }
    }

    /// A configuration that stays as it is.
    fn fixed(&self, change: impl FnOnce(&mut Configuration), revision: u64) -> Live<View> {
        let mut configuration = configuration();
        change(&mut configuration);
        let view = View::new(configuration, &SECRETS, &names()).unwrap();
        Live::fixed(view, revision, self.clock.now())
    }
}

fn names() -> Names {
    Names::new("login.example.com", "cert.login.example.com", true, []).unwrap()
}

impl World {
    /// One gateway with [`configuration`].
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// One gateway with a changed configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Configuration)) -> Self {
        let around = Around::new();
        let live = around.fixed(change, REVISION);
        Self::of(live, settings(), "gateway-1.example.com:9443", around)
    }

    /// One gateway with changed settings.
    pub(crate) fn set(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let around = Around::new();
        let live = around.fixed(|_| {}, REVISION);
        Self::of(live, settings, "gateway-1.example.com:9443", around)
    }

    /// Another gateway of the same installation, perhaps with another configuration.
    pub(crate) fn beside(&self, name: &str, change: impl FnOnce(&mut Configuration)) -> Self {
        self.beside_at(REVISION, name, change)
    }

    /// Another gateway of the same installation that has come to this revision.
    pub(crate) fn beside_at(
        &self,
        revision: u64,
        name: &str,
        change: impl FnOnce(&mut Configuration),
    ) -> Self {
        let around = Around {
            clock: self.clock.clone(),
            certval: self.certval.clone(),
            directory: self.directory.clone(),
            bus: self.bus.clone(),
            peers: Arc::clone(&self.peers),
        };
        Self::of(around.fixed(change, revision), settings(), name, around)
    }

    /// From now on so many answers of this gateway to `method` of others are lost on their way.
    pub(crate) fn lose_answers(&self, name: &str, method: &'static str, answers: usize) {
        let left = Arc::new(AtomicUsize::new(answers));
        let inner = self.peers.lock().unwrap()[name].clone();
        let lossy = tower::service_fn(move |request: http::Request<tonic::body::Body>| {
            let (mut inner, left) = (inner.clone(), Arc::clone(&left));
            async move {
                let counts = request.uri().path().ends_with(method);
                let answer = tower::Service::call(&mut inner, request).await;
                let one_less = |left: usize| left.checked_sub(1);
                let lost = counts
                    && left
                        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                        .is_ok();
                match lost {
                    true => Err(tonic::Status::unavailable("lost")),
                    false => answer,
                }
            }
        });
        let mut peers = self.peers.lock().unwrap();
        peers.insert(name.to_owned(), channel(lossy));
    }

    fn of(live: Live<View>, settings: Settings, advertise: &str, around: Around) -> Self {
        let Around {
            clock,
            certval,
            directory,
            bus,
            peers,
        } = around;
        let dialled = Arc::new(AtomicUsize::new(0));
        let metrics = Metrics::new().unwrap();
        let desk = Desk::open(Parts {
            settings,
            advertise: advertise.to_owned(),
            live,
            bus: Arc::new(bus.clone()),
            certval: certval.channel(),
            directory: directory.channel(),
            dial: {
                let (peers, dialled) = (Arc::clone(&peers), Arc::clone(&dialled));
                Arc::new(move |address| {
                    dialled.fetch_add(1, Ordering::SeqCst);
                    peers.lock().unwrap().get(address).cloned()
                })
            },
            clock: Arc::new(clock.clone()),
            randomness: Arc::new(SystemRandomness::new()),
            metrics: metrics.clone(),
        })
        .unwrap();
        peers.lock().unwrap().insert(
            advertise.to_owned(),
            channel(service::server(Arc::clone(&desk))),
        );
        Self {
            sites: Sites::of(&desk),
            desk,
            clock,
            certval,
            directory,
            bus,
            dialled,
            metrics,
            peers,
        }
    }
}

/// Settings as an operator would leave them, for `login.example.com`.
pub(crate) fn settings() -> Settings {
    Settings {
        issuer: "https://login.example.com".to_owned(),
        certificate_host: String::new(),
        another_certificate: true,
        product_name: "Postern".to_owned(),
        logo: std::path::PathBuf::new(),
        colour: String::new(),
        colour_dark: String::new(),
        staleness_limit_s: 86_400,
        certval_deadline_ms: 500,
        directory_deadline_ms: 4_000,
        attempts_per_account: 4,
        attempts_per_address: 30,
        attempt_window_s: 600,
    }
}

/// `FabrikamAD` with certificates in 10.0.0.0/8 and passwords, `CardsAD` with certificates alone, `ContosoAD` with passwords
/// alone; one public and one confidential application.
pub(crate) fn configuration() -> Configuration {
    let connections = [
        connection("FabrikamAD", true, true),
        connection("CardsAD", true, false),
        connection("ContosoAD", false, true),
    ];
    let applications = [
        application(APP, None, SigningAlgorithm::ES256, &["FabrikamAD"]),
        application(
            SERVER,
            Some(SECRET),
            SigningAlgorithm::RS256,
            &["FabrikamAD", "CardsAD", "ContosoAD"],
        ),
    ];
    Configuration {
        connections: connections
            .into_iter()
            .map(|each| (each.name.clone(), each))
            .collect(),
        applications: applications
            .into_iter()
            .map(|each| (each.client_id.clone(), each))
            .collect(),
        server_certificates: Vec::new(),
    }
}

/// The key of the one authority.
pub(crate) fn authority_key() -> Digest {
    Digest::of(b"authority")
}

/// The same, as it is trusted at [`REVISION`].
pub(crate) fn trusted() -> Trusted {
    Trusted {
        key: authority_key(),
        revision: REVISION,
    }
}

fn connection(name: &str, certificate: bool, password: bool) -> Connection {
    let authority = Authority {
        key: authority_key(),
        fingerprint: Digest::of(b"certificate of the authority"),
        certificate: b"der".as_slice().into(),
        subject: b"der".as_slice().into(),
        name: "CN=FabrikamRootCA".to_owned(),
        not_after: Timestamp(START * 2),
        added_in: 0,
    };
    Connection {
        name: name.parse().unwrap(),
        display_name: format!("{name} <accounts>"),
        methods: Methods {
            certificate,
            password,
        },
        ranges: vec!["10.0.0.0/8".parse().unwrap()].into(),
        authorities: vec![authority],
        directory: DirectorySource::File,
    }
}

fn application(
    id: &str,
    secret: Option<&str>,
    id_token_algorithm: SigningAlgorithm,
    connections: &[&str],
) -> Application {
    Application {
        client_id: id.parse().unwrap(),
        name: format!("The {id} & co"),
        secret: secret.map(|secret| Digest::of(secret.as_bytes())),
        redirect_uris: [CALLBACK.to_owned()].into(),
        post_logout_redirect_uris: ["https://app.example.com/bye".to_owned()].into(),
        origins: ["https://app.example.com".parse().unwrap()].into(),
        connections: connections
            .iter()
            .map(|name| name.parse().unwrap())
            .collect(),
        id_token_algorithm,
    }
}

/// The secrets of every gateway here.
pub(crate) static SECRETS: LazyLock<GatewaySecrets> = LazyLock::new(|| {
    let ecdsa = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let rsa = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    GatewaySecrets {
        server_keys: BTreeMap::new(),
        signing_keys: vec![
            TokenKey {
                key_id: "es".to_owned(),
                algorithm: SigningAlgorithm::ES256,
                private_key: SecretBytes::new(ecdsa.to_pkcs8v1().unwrap().as_ref().to_vec()),
            },
            TokenKey {
                key_id: "rs".to_owned(),
                algorithm: SigningAlgorithm::RS256,
                private_key: SecretBytes::new(AsDer::as_der(&rsa).unwrap().as_ref().to_vec()),
            },
        ],
        cookie_keys: vec![SecretBytes::new(vec![7; 32])],
    }
});

/// A person of the directory, as it would say.
pub(crate) fn person(name: &str) -> domain::account::Person {
    domain::account::Person::assertion(domain::account::Profile {
        id: domain::account::AccountId(services::person_id(name)),
        account: name.parse().unwrap(),
        display_name: format!("{name} Müller"),
        given_name: Some(name.to_owned()),
        family_name: None,
        email: Some(format!("{name}@fabrikam.test")),
        user_principal_name: None,
        groups: vec!["Readers".to_owned(), "Writers".to_owned()],
    })
}
