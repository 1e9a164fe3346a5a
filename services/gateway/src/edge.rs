//! The front door: from a TCP connection to a request that a site answers.
//!
//! `TcpStream → PROXY header → ClientHello → admission → handshake → Arrival → guarded request → the site's router`. One task
//! per connection; each step has its deadline. The sites are chosen by the server name of the TLS handshake, and every
//! request is answered only for that name.
//!
//! **Invariant:** a request reaches a site only over the server name it is meant for, with the headers that could claim an
//! address or an identity taken off, and with its [`Arrival`](crate::arrival::Arrival) put in.

mod connection;
mod ended;
mod guard;
mod http;
mod left;
mod misdirected;
pub mod names;
mod noise;
mod numbers;
mod pace;
mod seen;
pub mod settings;
mod untrusted;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use runtime::clock::Clock;
use runtime::metrics::Metrics;
use runtime::tasks::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::arrival::Site;
use crate::listener::{self, CannotListen, places::Places};
use crate::numbers::number;
use crate::tls::TlsConfigurations;

use left::Left;
pub use names::Names;
use noise::Noise;
use numbers::Numbers;
pub use settings::Settings;
use settings::seconds;

/// What answers on each site.
#[derive(Debug, Clone, Default)]
pub struct Sites {
    /// On the login host.
    pub login: Router,
    /// On the certificate host, "another certificate" included.
    pub certificate: Router,
    /// On any other host, by its name.
    pub others: BTreeMap<String, Router>,
}

/// What the edge takes out of the live configuration, once per connection.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The configuration's revision.
    pub revision: u64,
    /// Its TLS, prepared.
    pub tls: Arc<TlsConfigurations>,
}

/// The snapshot of this moment; `None` as long as there is no configuration, which refuses every handshake.
pub type Current = Arc<dyn Fn() -> Option<Snapshot> + Send + Sync>;

/// What the edge shares with the rest of its process.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The owner of all that is started.
    pub tasks: Tasks,
    /// Where it counts.
    pub metrics: Metrics,
}

/// Open sockets that nobody is served on yet. Connections wait in the kernel meanwhile.
#[derive(Debug)]
pub struct Bound {
    listeners: Vec<TcpListener>,
}

/// Opens the sockets. Port 0 is a port of the system's choice, the same one for all addresses.
///
/// # Errors
/// [`CannotListen`], which names the address and what to do.
#[expect(
    clippy::unused_async,
    reason = "sockets can only be opened inside the runtime, which a caller in async code cannot forget"
)]
pub async fn bind(addresses: &[SocketAddr]) -> Result<Bound, CannotListen> {
    listener::bind(addresses).map(|listeners| Bound { listeners })
}

impl Bound {
    /// The addresses that were opened, in the order given.
    #[must_use]
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        let local = |listener: &TcpListener| listener.local_addr().ok();
        self.listeners.iter().filter_map(local).collect()
    }

    /// Serves until the soft stop of the process's tasks, to which all belongs that is started here. Returns at once.
    ///
    /// After the soft stop nobody is accepted once nobody has come for a moment; connections without a request in flight are
    /// closed, and those with one after its answer.
    pub fn serve(
        self,
        sites: Sites,
        names: Names,
        settings: Settings,
        current: Current,
        shared: &Shared,
    ) {
        let Shared {
            clock,
            tasks,
            metrics,
        } = shared;
        let choice = settings.certificate_choice_s;
        let door = Arc::new(Door {
            connections: Arc::new(Semaphore::new(
                settings.connections.min(Semaphore::MAX_PERMITS),
            )),
            by_address: Places::new(settings.connections, settings.connections_per_address),
            waiting: Places::new(settings.waiting, settings.waiting_per_address),
            sites,
            names,
            settings,
            current,
            clock: clock.clone(),
            tasks: tasks.clone(),
            numbers: Numbers::new(metrics),
            noise: Noise::new(Instant::now()),
            left: Left::new(seconds(choice)),
        });
        door.told_to(metrics);
        tasks.spawn("handshakes that were left", seen::follow(door.clone()));
        for listener in self.listeners {
            let door = door.clone();
            let arrived = move |stream, peer| door.arrived(stream, peer);
            tasks.spawn(
                "accept",
                listener::accept(listener, tasks.stopping(), arrived),
            );
        }
    }
}

/// What all connections share.
struct Door {
    sites: Sites,
    names: Names,
    settings: Settings,
    current: Current,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    connections: Arc<Semaphore>,
    by_address: Places,
    waiting: Places,
    numbers: Numbers,
    noise: Noise,
    left: Left,
}

impl Door {
    /// Tells how much is taken, whenever the numbers are read.
    fn told_to(&self, metrics: &Metrics) {
        let (connections, places) = (
            self.connections.clone(),
            self.connections.available_permits(),
        );
        metrics.gauge(
            "postern_open_connections",
            "Connections that are open now.",
            move |tell| {
                tell(
                    number(places.saturating_sub(connections.available_permits())),
                    &[],
                );
            },
        );
        let waiting = self.waiting.clone();
        metrics.gauge(
            "postern_waiting_handshakes",
            "Handshakes that wait now for their user to choose a certificate.",
            move |tell| tell(number(waiting.taken()), &[]),
        );
    }

    fn arrived(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let Ok(place) = self.connections.clone().try_acquire_owned() else {
            tracing::debug!(%peer, "connection closed: all places are taken");
            return;
        };
        let door = self.clone();
        self.tasks.spawn_work("connection", async move {
            connection::serve(door, stream, peer).await;
            drop(place);
        });
    }

    fn site(&self, site: &Site) -> Option<Router> {
        match site {
            Site::Login => Some(self.sites.login.clone()),
            Site::Certificate { .. } => Some(self.sites.certificate.clone()),
            Site::Other(name) => self.sites.others.get(name).cloned(),
        }
    }
}
