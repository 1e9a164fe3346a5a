//! A snapshot that is offered, as traces show it: `apply revision`, which goes
//! on with the change that made it.
//!
//! **Invariant:** only what came with a snapshot of control's is believed, and
//! only while the change is young: an instance that starts a day later begins a
//! trace of its own, which names the change's.

use std::time::{Duration, SystemTime};

use tracing::field::Empty;
use tracing::{Span, info_span};

use super::SnapshotRefused;
use crate::clock::unix_seconds;
use crate::live::SignedManifest;
use crate::trace::{TraceContext, continue_from, link_to};

/// How old a change may be for its trace to be gone on with.
const YOUNG: Duration = Duration::from_secs(600);

/// An offer that is being dealt with.
pub(super) struct Offered(Span);

impl Offered {
    /// An offer begins: of `signed`, if a trusted key did sign it, put there by
    /// work that stands at `writer`.
    pub(super) fn new(
        signed: Option<&SignedManifest>,
        writer: Option<TraceContext>,
        now: SystemTime,
    ) -> Self {
        let span = info_span!(
            parent: None,
            "apply revision",
            otel.kind = "consumer",
            otel.status_code = Empty,
            revision = signed.map(|signed| signed.manifest.revision),
            outcome = Empty,
            code = Empty,
        );
        let young = signed.is_some_and(|signed| {
            let age = unix_seconds(now).saturating_sub(signed.manifest.created_at);
            age <= YOUNG.as_secs()
        });
        match writer {
            Some(writer) if young => continue_from(&span, writer),
            Some(writer) => link_to(&span, writer),
            None => {}
        }
        Self(span)
    }

    /// What its work belongs to.
    pub(super) fn span(&self) -> Span {
        self.0.clone()
    }

    /// It is applied, or it is not.
    pub(super) fn ended(&self, applied: &Result<(), SnapshotRefused>) {
        match applied {
            Ok(()) => {
                self.0.record("outcome", "applied");
            }
            Err(refused) => {
                self.0.record("outcome", "refused");
                self.0.record("code", refused.code());
                self.0.record("otel.status_code", "ERROR");
            }
        }
    }
}
