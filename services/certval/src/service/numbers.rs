//! certval in numbers.
//!
//! **Invariant:** labels are reason codes, and names of connections and fingerprints of authorities that an
//! administrator chose.

use std::time::Duration;

use domain::outcome::Verdict;
use domain::reason::Reason;
use postern_proto::certval::Judgement;
use runtime::live::Live;
use runtime::metrics::{Counter, Label, Metrics, Seconds, label};

use crate::view::View;

/// Of a fingerprint, as many digits as tell authorities apart.
const DIGITS: usize = 16;

/// Verdicts that are worth a look before the first of them.
const COMMON: [Reason; 10] = [
    Reason::Expired,
    Reason::NotYetValid,
    Reason::UnknownIssuer,
    Reason::BadChain,
    Reason::WrongKeyUsage,
    Reason::WeakKey,
    Reason::Sha1Signature,
    Reason::Malformed,
    Reason::NoCn,
    Reason::AmbiguousCn,
];

/// Counts judgements.
#[derive(Debug)]
pub(super) struct Numbers {
    verdicts: Counter,
    seconds: Seconds,
}

impl Numbers {
    /// Nothing was judged yet. Tells from now on when the authorities in `live` end.
    pub(super) fn new(metrics: &Metrics, live: &Live<View>) -> Self {
        let verdicts = metrics.counter(
            "postern_verdicts",
            "Certificates that were judged for signing in, by outcome and reason code.",
        );
        verdicts.add(0, &labels(None));
        for reason in COMMON {
            verdicts.add(0, &labels(Some(reason)));
        }
        let live = live.clone();
        metrics.gauge(
            "postern_certificate_expiry_timestamp_seconds",
            "When a certificate ends, in seconds since 1970.",
            move |tell| {
                if let Some(snapshot) = live.current() {
                    ends(&snapshot.view, tell);
                }
            },
        );
        Self {
            verdicts,
            seconds: metrics.seconds(
                "postern_judgement_seconds",
                "How long it took to judge a certificate for signing in.",
            ),
        }
    }

    /// One more judgement, which took so long.
    pub(super) fn judged(&self, judgement: &Judgement, took: Duration) {
        let reason = match &judgement.verdict {
            Verdict::Accepted(_) => None,
            Verdict::Refused(refusal) => Some(refusal.reason),
        };
        self.verdicts.count(&labels(reason));
        self.seconds.took(took, &[]);
    }
}

fn labels(refused: Option<Reason>) -> [Label; 2] {
    match refused {
        None => [label("outcome", "accepted"), label("code", "")],
        Some(reason) => [label("outcome", "refused"), label("code", reason.code())],
    }
}

/// Tells of every authority when its certificate ends.
fn ends(view: &View, tell: &mut dyn FnMut(f64, &[Label])) {
    for (connection, authorities) in view.connections() {
        for anchor in authorities.anchors() {
            let fingerprint: String = anchor
                .fingerprint
                .to_string()
                .chars()
                .take(DIGITS)
                .collect();
            let labels = [
                label("kind", "authority"),
                label("name", format!("{connection}/{fingerprint}")),
            ];
            tell(anchor.validity.not_after.timestamp().0 as f64, &labels);
        }
    }
}
