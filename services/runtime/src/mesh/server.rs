//! A role's gRPC server.
//!
//! **Invariant:** everything a peer can hold is bounded: connections,
//! handshakes, calls, their bytes and their time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Server;
use tower::Service;

use super::accept::Door;
use super::calls::Answered;
use super::guard::GuardLayer;
use super::peer::KnownPeers;
use super::{AllowList, LARGEST_REQUEST, MeshError, MeshIdentity};
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::tasks::Tasks;

/// The bounds of a server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Connections at one time. Default 1024.
    pub connections: usize,
    /// Handshakes at one time. Default 256.
    pub handshakes: usize,
    /// How long a handshake may take. Default 5 s.
    pub handshake: Duration,
    /// How long a call may take, whatever the caller allows. Default 10 s.
    pub call: Duration,
    /// Calls at one time on one connection. Default 128.
    pub calls_per_connection: u32,
    /// The most that a request's messages may weigh together, in bytes.
    /// Default [`LARGEST_REQUEST`].
    pub largest_request: usize,
    /// After what time a connection is asked to go, so that callers spread
    /// over instances that came later. Default 10 min.
    pub connection_age: Duration,
    /// How often a silent connection is asked for a sign of life. Default
    /// 20 s; without one for as long again it is closed.
    pub keepalive: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshakes: 256,
            handshake: Duration::from_secs(5),
            call: Duration::from_secs(10),
            calls_per_connection: 128,
            largest_request: LARGEST_REQUEST,
            connection_age: Duration::from_secs(600),
            keepalive: Duration::from_secs(20),
        }
    }
}

/// A server that is being put together.
#[derive(Debug)]
pub struct MeshServer {
    identity: MeshIdentity,
    allow: AllowList,
    settings: ServerSettings,
    routes: Routes,
    readiness: Option<Readiness>,
    descriptors: Vec<&'static [u8]>,
    until: Option<CancellationToken>,
    answered: Option<Answered>,
}

impl MeshServer {
    /// A server of this identity that serves what the list allows.
    pub fn new(identity: MeshIdentity, allow: AllowList) -> Self {
        Self {
            identity,
            allow,
            settings: ServerSettings::default(),
            routes: Routes::default(),
            readiness: None,
            descriptors: Vec::new(),
            until: None,
            answered: None,
        }
    }

    /// With its calls counted there.
    #[must_use]
    pub fn counted(mut self, metrics: &Metrics) -> Self {
        self.answered = Some(Answered::new(metrics));
        self
    }

    /// With other bounds than the default ones.
    #[must_use]
    pub fn settings(mut self, settings: ServerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// With this generated service.
    #[must_use]
    pub fn service<S>(mut self, service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self
    }

    /// With the standard health service, telling this readiness.
    #[must_use]
    pub fn health(mut self, readiness: &Readiness) -> Self {
        self.readiness = Some(readiness.clone());
        self
    }

    /// With reflection over these encoded descriptor sets, for those whom the
    /// list allows it.
    #[must_use]
    pub fn reflection(mut self, descriptors: &[&'static [u8]]) -> Self {
        self.descriptors.extend(descriptors);
        self
    }

    /// Serves until `stop` instead of the soft stop: for a role that answers
    /// its peers while it drains.
    #[must_use]
    pub fn until(mut self, stop: CancellationToken) -> Self {
        self.until = Some(stop);
        self
    }

    /// Starts serving on `listener` in tasks of `tasks` and returns its
    /// address. At the stop no connection is taken any more, and those that
    /// are there finish their calls; the hard stop ends them.
    ///
    /// # Errors
    /// When identity, names or descriptors cannot be used.
    pub async fn start(
        self,
        listener: TcpListener,
        tasks: &Tasks,
    ) -> Result<SocketAddr, MeshError> {
        let address = listener.local_addr().map_err(MeshError::Listener)?;
        let tls = TlsAcceptor::from(Arc::new(self.identity.server_config()?));
        let known = Arc::new(KnownPeers::new(self.allow.known())?);
        let settings = self.settings;
        let mut routes = self.routes;
        if !self.descriptors.is_empty() {
            let mut builder = tonic_reflection::server::Builder::configure();
            for descriptors in self.descriptors {
                builder = builder.register_encoded_file_descriptor_set(descriptors);
            }
            routes = routes.add_service(builder.build_v1()?);
        }
        if let Some(readiness) = self.readiness {
            routes = routes.add_service(readiness.health_service(tasks).await);
        }
        let guard = GuardLayer {
            allow: Arc::new(self.allow),
            largest: settings.largest_request,
            answered: self.answered,
        };
        let stop = self.until.unwrap_or_else(|| tasks.stopping());
        // The age is given without a grace of its own: with one, tonic skips
        // the graceful end. `MeshStream` keeps the outer bound.
        let server = Server::builder()
            .timeout(settings.call)
            .max_concurrent_streams(settings.calls_per_connection)
            .concurrency_limit_per_connection(
                usize::try_from(settings.calls_per_connection).unwrap_or(usize::MAX),
            )
            .load_shed(true)
            .max_connection_age(settings.connection_age)
            .http2_keepalive_interval(Some(settings.keepalive))
            .http2_keepalive_timeout(Some(settings.keepalive))
            .http2_max_header_list_size(16 << 10)
            .layer(guard)
            .add_routes(routes);
        let (connections, incoming) = mpsc::channel(64);
        let door = Arc::new(Door {
            tls,
            known,
            settings,
            tasks: tasks.clone(),
            connections,
        });
        let incoming = ReceiverStream::new(incoming);
        let stopped = stop.clone();
        tasks.spawn("mesh server", async move {
            let served = server
                .serve_with_incoming_shutdown(incoming, stopped.cancelled_owned())
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the mesh server failed");
            }
        });
        tasks.spawn("mesh accept", door.accept(listener, stop));
        tracing::info!(%address, "mesh server listening");
        Ok(address)
    }
}
