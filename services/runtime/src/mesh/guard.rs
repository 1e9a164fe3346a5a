//! What stands between a connection and the services: the allow list, the
//! bound on a request's size, and the fence around panics.
//!
//! **Invariant:** a request reaches a service only past the allow list, and a
//! service that panics fails that one request.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Layer, Service};
use tracing::Instrument;

use super::calls::{Answered, Answering};
use super::{AllowList, Arrival};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Puts a [`Guard`] before the services.
#[derive(Debug, Clone)]
pub(super) struct GuardLayer {
    pub(super) allow: Arc<AllowList>,
    /// The most that a request's messages may weigh together, in bytes.
    pub(super) largest: usize,
    pub(super) answered: Option<Answered>,
}

impl Layer<Routes> for GuardLayer {
    type Service = Guard;

    fn layer(&self, inner: Routes) -> Guard {
        let layer = self.clone();
        Guard { layer, inner }
    }
}

/// The services behind their guard.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    layer: GuardLayer,
    inner: Routes,
}

impl Service<http::Request<Body>> for Guard {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<http::Request<Body>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let arrival = request.extensions().get::<Arrival>();
        let peer = arrival.and_then(|arrival| arrival.peer.as_ref());
        let answering = match self.layer.allow.decide(&path, peer) {
            Ok(peer) => {
                Answering::new(&path, peer, request.headers(), self.layer.answered.as_ref())
            }
            Err(status) => {
                let address = arrival.map(|arrival| arrival.address);
                tracing::warn!(
                    method = path,
                    ?address,
                    why = status.message(),
                    "call refused"
                );
                return Box::pin(async move { Ok(status.into_http()) });
            }
        };
        let largest = self.layer.largest;
        let request = request.map(|body| bounded(body, largest));
        // The one that was polled ready serves; its clone waits for the next.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let span = answering.span();
        let answer = async move {
            let served = AssertUnwindSafe(async move { inner.call(request).await });
            let answer = match served.catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                // The panic hook has logged what and where.
                Err(_) => {
                    tracing::error!(method = path, "a call panicked");
                    Status::internal("the call failed on our side").into_http()
                }
            };
            answering.ended(&answer);
            Ok(answer)
        };
        Box::pin(answer.instrument(span))
    }
}

fn bounded(body: Body, largest: usize) -> Body {
    let limited = Limited::new(body, largest);
    Body::new(limited.map_err(move |error| -> BoxError {
        match error.is::<LengthLimitError>() {
            true => {
                Status::out_of_range(format!("the request is larger than {largest} bytes")).into()
            }
            false => error,
        }
    }))
}
