//! What is known of a connection while its handshake goes on, and what is told about it at the end: the number, the span,
//! the event.
//!
//! **Invariant:** every connection is counted once, however its handshake ends.

use std::sync::Arc;
use std::time::Instant;

use domain::address::ClientAddress;
use domain::certificate::PresentedChain;
use tracing::Span;

use super::Door;
use super::ended::{Ended, STAYED_AWAY, STOPPED};
use super::left::Gone;
use crate::arrival::{Arrival, Site};
use crate::audit::{Outcome, SignIn};
use crate::handshake::{self, Handshake};
use crate::request_id::RequestId;

/// One connection, as far as it has come.
pub(super) struct Seen {
    began: Instant,
    /// The host the client named, and the handshake's span.
    named: Option<(&'static str, Span)>,
    address: Option<ClientAddress>,
    asked: bool,
}

impl Seen {
    /// A connection was accepted.
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            named: None,
            address: None,
            asked: false,
        }
    }

    /// The client's address is known.
    pub(super) const fn comes_from(&mut self, address: ClientAddress) {
        self.address = Some(address);
    }

    /// The client named a host of ours. What the door does for strangers leaves no span.
    pub(super) fn names(&mut self, site: &Site) {
        let span = match site {
            Site::Login | Site::Certificate { .. } => handshake::begun(site.kind()),
            Site::Other(_) => Span::none(),
        };
        self.named = Some((site.kind(), span));
    }

    /// It is decided whether a certificate is asked for.
    pub(super) fn is_asked(&mut self, asked: bool) {
        self.asked = asked;
        if let Some((_, span)) = &self.named {
            span.record("postern.asked", asked);
        }
    }

    /// The handshake was finished.
    pub(super) fn finished(
        self,
        door: &Door,
        version: Option<rustls::ProtocolVersion>,
    ) -> Arc<Handshake> {
        let (host, span) = self.named.unwrap_or(("other", Span::none()));
        door.numbers.handshake(Some(host), "done");
        door.numbers.finished(host, self.began.elapsed());
        if let Some(version) = version.and_then(|version| version.as_str()) {
            span.record("tls.protocol.version", version);
        }
        handshake::over(&span, "done");
        let left = match (self.asked, self.address) {
            (true, Some(address)) => door.left.came_again(address),
            _ => None,
        };
        Arc::new(Handshake::finished(left.into_iter().chain([span])))
    }

    /// The connection ended before.
    pub(super) fn ended(self, door: &Door, ended: &Ended) {
        let result = ended.result(self.named.is_some());
        let Some((host, span)) = self.named else {
            door.numbers.handshake(None, result);
            return;
        };
        door.numbers.handshake(Some(host), result);
        handshake::over(&span, result);
        if matches!(result, "refused" | "unavailable") {
            span.record("otel.status_code", "ERROR");
        }
        let (Some(address), false) = (self.address, host == "other") else {
            return;
        };
        // Its id would begin the span, which may still become part of the trace of whoever comes again.
        let unknown = RequestId::default();
        let event =
            SignIn::without_request(host, self.asked, address, unknown, &door.numbers.events);
        if self.asked && ended.is_breaking_off() {
            if let Some(gone) = door.left.waits_for(address, event, span) {
                stayed_away(door, &gone);
            }
            return;
        }
        let event = event.traced_by(&span);
        ended.tell(self.asked, |outcome| told(door, &event, address, outcome));
    }
}

/// Tells of those who were asked, left, and did not come again.
pub(super) async fn follow(door: Arc<Door>) {
    let stopping = door.tasks.stopping();
    let tell = |gone: &Gone| stayed_away(&door, gone);
    door.left.follow(stopping, tell).await;
}

fn stayed_away(door: &Door, gone: &Gone) {
    let event = gone.event.clone().traced_by(&gone.span);
    told(door, &event, gone.address, Outcome::Left(STAYED_AWAY));
}

/// A connection on which a certificate was asked for ended after its handshake, and no request ever came.
pub(super) fn nothing_asked(door: &Door, arrival: &Arrival, handshake: &Handshake) {
    let mut event = SignIn::without_request(
        arrival.host.kind(),
        arrival.asked,
        arrival.address,
        handshake.request_id(),
        &door.numbers.events,
    );
    event.leaf = arrival.chain.as_ref().map(PresentedChain::fingerprint);
    let why = match door.tasks.stopping().is_cancelled() {
        true => STOPPED,
        false => "the connection ended after the handshake, without a request",
    };
    told(door, &event, arrival.address, Outcome::Left(why));
}

/// Writes the event, or counts it alone where there are too many.
fn told(door: &Door, event: &SignIn, address: ClientAddress, outcome: Outcome<'_>) {
    match door.noise.allows(address, Instant::now()) {
        true => event.ended(outcome),
        false => event.counted(outcome),
    }
}
