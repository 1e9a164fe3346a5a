//! A channel to a role: what generated clients are made over.
//!
//! A call that could not be sent is tried on every other address. One that was
//! sent and lost is tried once more only where its method was declared
//! [`repeatable`](MeshChannel::repeatable): a password must not be tried twice
//! because of a network. Several addresses given, a repeatable call gives the
//! first one half of its time.
//!
//! **Invariant:** whatever the addresses do, a call is answered or fails by
//! its deadline.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Uri};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use tracing::Instrument;

use super::address::{Address, Lost, Target};
use super::calls::{Asked, Asking};
use super::deadline::{TIMEOUT, TimelyBody, asked_for, exceeded};
use super::places::Places;
use crate::trace;

/// A channel to a role; clones share its connections. Requests are single
/// messages: one that streams is collected first.
#[derive(Clone)]
pub struct MeshChannel {
    inner: Arc<Inner>,
    repeatable: Arc<BTreeSet<&'static str>>,
}

struct Inner {
    role: String,
    target: Target,
    places: Arc<Places>,
    turn: AtomicUsize,
    asked: Option<Asked>,
}

impl std::fmt::Debug for MeshChannel {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("MeshChannel")
            .field("role", &self.inner.role)
            .field("addresses", &self.inner.places.known())
            .finish_non_exhaustive()
    }
}

impl MeshChannel {
    pub(super) fn new(
        role: &str,
        target: Target,
        addresses: impl Iterator<Item = String>,
        asked: Option<Asked>,
    ) -> Self {
        let inner = Inner {
            role: role.to_owned(),
            target,
            places: Places::new(addresses.collect()),
            turn: AtomicUsize::new(0),
            asked,
        };
        Self {
            inner: Arc::new(inner),
            repeatable: Arc::default(),
        }
    }

    /// Declares methods (`/postern.certval.v1.Certval/Validate`) that may be
    /// worked on twice without harm, so that a lost call is tried once more.
    #[must_use]
    pub fn repeatable(mut self, methods: &[&'static str]) -> Self {
        self.repeatable = Arc::new(methods.iter().copied().collect());
        self
    }
}

impl Service<http::Request<Body>> for MeshChannel {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let inner = self.inner.clone();
        let path = request.uri().path();
        let repeatable = self.repeatable.contains(path);
        let asking = Asking::new(path, &inner.role, inner.asked.as_ref());
        let span = asking.span();
        let asked = async move {
            let answer = inner.call(request, repeatable, &asking).await;
            asking.ended(&answer);
            answer
        };
        Box::pin(asked.instrument(span))
    }
}

impl Inner {
    async fn call(
        &self,
        request: http::Request<Body>,
        repeatable: bool,
        asking: &Asking,
    ) -> Result<http::Response<Body>, Status> {
        let longest = self.target.settings.call;
        let time = asked_for(request.headers()).map_or(longest, |asked| asked.min(longest));
        let deadline = Instant::now() + time;
        let (parts, body) = request.into_parts();
        let largest = self.target.settings.largest_request;
        let body = timeout_at(deadline, Limited::new(body, largest).collect())
            .await
            .map_err(|_| exceeded(&self.role))?
            .map_err(Status::from_error)?
            .to_bytes();
        let uri = self.uri(&parts.uri)?;

        let addresses = self.places.now(deadline).await;
        let addresses = addresses.map_err(|why| self.unavailable(&why))?;
        let mut untried = self.in_turn(addresses).into_iter();
        let Some(mut address) = untried.next() else {
            return Err(Status::unavailable(format!("no address for {}", self.role)));
        };
        let mut may_repeat = true;
        let mut tries = 0;
        loop {
            tries += 1;
            asking.tries(tries, address.host_and_port());
            let others = untried.len() > 0;
            let until = match repeatable && may_repeat && others {
                true => Instant::now() + (deadline - Instant::now()) / 2,
                false => deadline,
            };
            let request = prepared(&uri, &parts.headers, &body, deadline)?;
            let lost = match address.send(&self.target, request, until).await {
                Ok(answer) => {
                    let late = exceeded(&self.role);
                    return Ok(answer
                        .map(|body| Body::new(TimelyBody::new(Body::new(body), deadline, late))));
                }
                Err(lost) => lost,
            };
            if Instant::now() >= deadline {
                return Err(exceeded(&self.role));
            }
            tracing::debug!(role = self.role, ?lost, "a mesh call was lost");
            address = match lost {
                Lost::Unreachable(why) => untried.next().ok_or_else(|| self.unavailable(&why))?,
                Lost::Unsent(_) if may_repeat => {
                    may_repeat = false;
                    untried.next().unwrap_or(address)
                }
                Lost::Broken(_) if may_repeat && repeatable => {
                    may_repeat = false;
                    untried.next().unwrap_or(address)
                }
                Lost::Late if may_repeat && repeatable => {
                    may_repeat = false;
                    untried.next().ok_or_else(|| exceeded(&self.role))?
                }
                Lost::Unsent(why) | Lost::Broken(why) => return Err(self.unavailable(&why)),
                Lost::Late => return Err(exceeded(&self.role)),
            };
        }
    }

    /// All addresses, beginning with the one whose turn it is, those that
    /// could not be reached a moment ago last.
    fn in_turn(&self, mut addresses: Vec<Arc<Address>>) -> Vec<Arc<Address>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let first = turn.checked_rem(addresses.len()).unwrap_or(0);
        addresses.rotate_left(first);
        addresses.sort_by_cached_key(|address| address.is_resting());
        addresses
    }

    fn uri(&self, given: &Uri) -> Result<Uri, Status> {
        let path = given.path_and_query().map_or("/", |path| path.as_str());
        Uri::builder()
            .scheme("https")
            .authority(format!("{}.mesh.internal", self.role))
            .path_and_query(path)
            .build()
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn unavailable(&self, why: &str) -> Status {
        Status::unavailable(format!("{} could not be reached: {why}", self.role))
    }
}

/// The request for one attempt, telling how much time is left.
fn prepared(
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
    deadline: Instant,
) -> Result<http::Request<Full<Bytes>>, Status> {
    let mut request = http::Request::new(Full::new(body.clone()));
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers.clone();
    // Never 0, and within the eight digits a timeout may have.
    let left = (deadline - Instant::now()).as_millis().clamp(1, 99_999_999);
    let left = HeaderValue::try_from(format!("{left}m"))
        .map_err(|error| Status::internal(error.to_string()))?;
    request.headers_mut().insert(TIMEOUT, left);
    trace::outgoing(request.headers_mut());
    Ok(request)
}
