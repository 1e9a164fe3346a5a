mod authorities;
mod cost;
mod issuers;
mod leaves;
mod makecert;
mod malformed;

use domain::certificate::{PresentedChain, VerifiedCertificate};
use domain::check::CheckResult;
use domain::outcome::Verdict;
use domain::reason::Reason;
use domain::timestamp::Timestamp;
use postern_proto::certval::Judgement;

use super::judge;
use crate::authorities::Authorities;
use crate::workshop::{Authority, NOW};

fn accepting(authorities: &[&Authority]) -> Authorities {
    let configured: Vec<_> = authorities.iter().map(|each| each.configured()).collect();
    Authorities::prepare(&configured).unwrap()
}

fn judged_at(authorities: &Authorities, chain: &[&[u8]], at: Timestamp) -> Judgement {
    let chain = chain.iter().map(|der| der.to_vec().into()).collect();
    let judgement = judge(authorities, &PresentedChain::new(chain).unwrap(), at, 7);
    let failed = judgement
        .checks
        .iter()
        .any(|check| check.result == CheckResult::Failed);
    match judgement.verdict {
        Verdict::Accepted(_) => assert!(!failed, "{judgement:#?}"),
        Verdict::Refused(_) => assert!(failed, "{judgement:#?}"),
    }
    judgement
}

#[track_caller]
fn accepted(authorities: &Authorities, chain: &[&[u8]]) -> VerifiedCertificate {
    let judgement = judged_at(authorities, chain, NOW);
    match judgement.verdict {
        Verdict::Accepted(certificate) => certificate,
        Verdict::Refused(_) => panic!("{judgement:#?}"),
    }
}

/// The reason, and the detail that must hold `words`.
#[track_caller]
fn refused(authorities: &Authorities, chain: &[&[u8]], reason: Reason, words: &str) {
    refused_at(authorities, chain, NOW, reason, words);
}

#[track_caller]
fn refused_at(
    authorities: &Authorities,
    chain: &[&[u8]],
    at: Timestamp,
    reason: Reason,
    words: &str,
) {
    let judgement = judged_at(authorities, chain, at);
    match &judgement.verdict {
        Verdict::Refused(refusal) if refusal.reason == reason && refusal.detail.contains(words) => {
        }
        _ => panic!("expected {reason} with “{words}”, got {judgement:#?}"),
    }
}
