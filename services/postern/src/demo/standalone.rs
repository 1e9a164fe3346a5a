//! `postern sample`: the sample application by itself, beside a Postern that runs elsewhere.
//!
//! **Invariant:** it is the same application as in the demonstration, and knows Postern only through OpenID Connect; a
//! stranger costs it at most one of [`CONNECTIONS`], for at most [`LIFE`].

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use runtime::metrics::Metrics;
use runtime::operations::{self, OperationsSettings};
use runtime::private_files;
use runtime::readiness::Readiness;
use runtime::tasks::{DRAIN, Tasks, exit_code};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::application::sample::{Files, Sample};
use super::application::{self, Registration};
use super::material;
use crate::cli::SampleArguments;
use crate::https::{Client, Route};
use crate::terminal::say;

/// Connections at one time.
const CONNECTIONS: usize = 256;
/// For the TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// For a connection in all.
const LIFE: Duration = Duration::from_secs(120);
/// How long to wait before accepting again when the system gives no more sockets.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);
const LIMIT: usize = 64 << 10;

/// Runs the sample application until it is stopped.
///
/// # Errors
/// When it cannot start: what, why, and what to do.
pub(crate) async fn run(arguments: &SampleArguments) -> Result<ExitCode> {
    let tls = tls(&arguments.certificate, &arguments.key)?;
    let router = router(arguments)?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on --listen {}", arguments.listen))?;
    let readiness = Readiness::new(&[]);
    let settings = OperationsSettings {
        listen: arguments.operations,
    };
    let asked = operations::bind(&settings).await?;
    let _operations = operations::serve(
        asked,
        &Metrics::new()?,
        &readiness,
        env!("CARGO_PKG_VERSION"),
    );

    let tasks = Tasks::new();
    tasks.stop_on_signals()?;
    tasks.spawn(
        "sample application",
        accept(listener, tls, router, tasks.clone()),
    );
    say!("the sample application is at {}", arguments.home);
    tasks.stopping().cancelled().await;
    readiness.stopping();
    Ok(exit_code(&tasks.finish(DRAIN).await))
}

fn router(arguments: &SampleArguments) -> Result<Router> {
    let secret = private_files::read(&arguments.client_secret, LIMIT)
        .context("--client-secret cannot be used")?;
    let secret = std::str::from_utf8(&secret).context("the client secret is not text")?;
    let trusted =
        private_files::read_public(&arguments.trust, LIMIT).context("--trust cannot be used")?;
    let registration = Registration {
        issuer: arguments.issuer.clone(),
        home: arguments.home.clone(),
        client_id: material::APPLICATION.to_owned(),
        client_secret: secret.trim().to_owned(),
    };
    let sample = Sample {
        issuer: arguments.issuer.clone(),
        files: Files::copied_to(&arguments.people),
    };
    let client = Client::new(&trusted, None, Route::ByName).context("--trust cannot be used")?;
    Ok(application::router(sample, registration, client))
}

fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let chain = private_files::read_public(certificate, LIMIT)?;
    let chain = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} holds no certificate as PEM", certificate.display()))?;
    let private = private_files::read(key, LIMIT)?;
    let private = PrivateKeyDer::from_pem_slice(&private)
        .with_context(|| format!("{} holds no private key as PEM", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .context("--certificate and --key do not fit together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, router: Router, tasks: Tasks) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let stopping = tasks.stopping();
    loop {
        let place = places.clone().acquire_owned().await;
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, _)) => {
                let served = timeout(LIFE, serve(tcp, tls.clone(), router.clone()));
                tasks.spawn_work("sample connection", async move {
                    // However it ends, the browser sees it; there is nobody else to tell.
                    let _ended = served.await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(OUT_OF_SOCKETS).await,
        }
    }
}

async fn serve(tcp: TcpStream, tls: TlsAcceptor, router: Router) -> Result<()> {
    tcp.set_nodelay(true)?;
    let tls = timeout(PATIENCE, tls.accept(tcp)).await??;
    let service = service_fn(move |request: Request<Incoming>| router.clone().oneshot(request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        // One answer a connection: nothing is left open when the application is asked to end.
        .keep_alive(false)
        .serve_connection(TokioIo::new(tls), service)
        .await?;
    Ok(())
}
