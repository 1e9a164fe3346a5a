//! Calls as operators see them: a span on each side, and numbers.
//!
//! **Invariant:** a call continues a trace only where a role said so; what an
//! outsider says is linked. Health checks come by the dozen and leave no
//! spans.

use std::time::Instant;

use http::HeaderMap;
use tonic::{Code, Status};
use tracing::Span;
use tracing::field::Empty;

use super::Peer;
use crate::metrics::{Counter, Metrics, Seconds, label};
use crate::trace;

/// What health checks are called.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// What asking for a server's methods is called, in every version.
const REFLECTION: &str = "/grpc.reflection.";

/// The numbers about calls that are made.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    calls: Counter,
    seconds: Seconds,
}

impl Asked {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            calls: metrics.counter(
                "postern_peer_calls",
                "Calls that this process made to other roles, by how they ended.",
            ),
            seconds: metrics.seconds(
                "postern_peer_call_seconds",
                "How long calls to other roles took, tries elsewhere included.",
            ),
        }
    }
}

/// A call on its way to another role. It counts when it is over, also when whoever asked went away.
pub(super) struct Asking {
    span: Span,
    asked: Option<Asked>,
    method: String,
    role: String,
    began: Instant,
    code: Code,
}

impl Asking {
    /// The call of `path` at `role` begins.
    pub(super) fn new(path: &str, role: &str, asked: Option<&Asked>) -> Self {
        let method = name(path);
        let span = match path.starts_with(HEALTH) {
            true => Span::none(),
            false => tracing::info_span!(
                "asking",
                otel.name = method,
                otel.kind = "client",
                otel.status_code = Empty,
                rpc.system = "grpc",
                peer.role = role,
                peer.address = Empty,
                rpc.code = Empty,
                tries = Empty,
            ),
        };
        Self {
            span,
            asked: asked.cloned(),
            method: method.to_owned(),
            role: role.to_owned(),
            began: Instant::now(),
            code: Code::Cancelled,
        }
    }

    /// What the call's work belongs to.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// One more try, at this address.
    pub(super) fn tries(&self, number: u32, address: &str) {
        self.span.record("tries", number);
        self.span.record("peer.address", address);
    }

    /// The call has ended.
    pub(super) fn ended<B>(mut self, answer: &Result<http::Response<B>, Status>) {
        self.code = match answer {
            Ok(answer) => code_of(answer.headers()),
            Err(status) => status.code(),
        };
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        note(&self.span, self.code);
        if let Some(asked) = &self.asked {
            let peer = label("peer", std::mem::take(&mut self.role));
            let method = label("method", std::mem::take(&mut self.method));
            let outcome = label("outcome", format!("{:?}", self.code));
            let took = self.began.elapsed();
            asked.seconds.took(took, &[peer.clone(), method.clone()]);
            asked.calls.count(&[peer, method, outcome]);
        }
    }
}

/// The numbers about calls that are answered.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    calls: Counter,
    seconds: Seconds,
}

impl Answered {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            calls: metrics.counter(
                "postern_calls",
                "Calls of other roles that this process answered, by how they ended.",
            ),
            seconds: metrics.seconds(
                "postern_call_seconds",
                "How long it took to answer calls of other roles.",
            ),
        }
    }
}

/// An allowed call that is being answered. It counts when it is over, also when whoever asked went away.
pub(super) struct Answering {
    span: Span,
    answered: Option<Answered>,
    method: String,
    began: Instant,
    code: Code,
}

impl Answering {
    /// The call of `path` by `peer` begins.
    pub(super) fn new(
        path: &str,
        peer: &Peer,
        headers: &HeaderMap,
        answered: Option<&Answered>,
    ) -> Self {
        let method = name(path);
        let span = match path.starts_with(HEALTH) {
            true => Span::none(),
            false => tracing::info_span!(
                "answering",
                otel.name = method,
                otel.kind = "server",
                otel.status_code = Empty,
                rpc.system = "grpc",
                rpc.code = Empty,
                %peer,
            ),
        };
        match (trace::incoming(headers), peer) {
            (Some(parent), Peer::Role(_)) => trace::continue_from(&span, parent),
            (Some(other), Peer::Client(_)) => trace::link_to(&span, other),
            (None, _) => {}
        }
        Self {
            span,
            answered: answered.cloned(),
            method: method.to_owned(),
            began: Instant::now(),
            code: Code::Cancelled,
        }
    }

    /// What the answer's work belongs to.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The call is answered.
    pub(super) fn ended<B>(mut self, answer: &http::Response<B>) {
        self.code = code_of(answer.headers());
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        note(&self.span, self.code);
        if let Some(answered) = &self.answered {
            let method = label("method", std::mem::take(&mut self.method));
            let took = self.began.elapsed();
            answered.seconds.took(took, std::slice::from_ref(&method));
            let code = label("code", format!("{:?}", self.code));
            answered.calls.count(&[method, code]);
        }
    }
}

/// A method as gRPC writes it in full: `package.Service/Method`. Of health and reflection, where the allow list knows no
/// methods, the service alone.
fn name(path: &str) -> &str {
    for open in [HEALTH, REFLECTION] {
        if path.starts_with(open) {
            return open.trim_matches(['/', '.']);
        }
    }
    path.strip_prefix('/').unwrap_or(path)
}

/// The code in the head of an answer. Whatever has none there goes on to be
/// answered, which is taken for success.
fn code_of(headers: &HeaderMap) -> Code {
    Status::from_header_map(headers).map_or(Code::Ok, |status| status.code())
}

fn note(span: &Span, code: Code) {
    span.record("rpc.code", format!("{code:?}"));
    if code != Code::Ok {
        span.record("otel.status_code", "ERROR");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_makes_no_series_of_its_own() {
        assert_eq!(name("/a.A/One"), "a.A/One");
        for path in ["Check", "Watch", "Made/Up", ""] {
            assert_eq!(name(&format!("{HEALTH}{path}")), "grpc.health.v1.Health");
        }
        assert_eq!(name(&format!("{REFLECTION}made.up/X")), "grpc.reflection");
    }

    #[test]
    fn whoever_went_away_is_counted() {
        let metrics = Metrics::new().unwrap();
        let (asked, answered) = (Asked::new(&metrics), Answered::new(&metrics));
        drop(Asking::new("/a.A/One", "certval", Some(&asked)));
        let peer = Peer::role("gateway");
        let headers = HeaderMap::new();
        drop(Answering::new("/a.A/One", &peer, &headers, Some(&answered)));
        let text = metrics.text().unwrap();
        for line in [
            r#"postern_peer_calls_total{method="a.A/One",outcome="Cancelled",peer="certval"} 1"#,
            r#"postern_calls_total{code="Cancelled",method="a.A/One"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }
}
