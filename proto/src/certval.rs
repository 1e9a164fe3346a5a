//! certval's contract and its domain types.

use domain::certificate::{CertificateIdentity, IdentityRule, PresentedChain, VerifiedCertificate};
use domain::check::{Check, CheckResult};
use domain::connection::ConnectionName;
use domain::digest::Digest;
use domain::outcome::{Refusal, Verdict};

use crate::InvalidMessage;

/// The generated messages and services.
#[expect(
    missing_docs,
    clippy::all,
    reason = "generated from proto/postern/certval/v1, documented there"
)]
pub mod v1 {
    tonic::include_proto!("postern.certval.v1");
}

/// A question to certval, as the domain sees it.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the client sent; `Err` is the verdict already (too large, nothing).
    pub chain: Result<PresentedChain, domain::reason::Reason>,
    /// Whose authorities apply.
    pub connection: ConnectionName,
    /// The lowest revision to judge by.
    pub min_revision: u64,
}

/// certval's answer, as the domain sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict<VerifiedCertificate>,
    /// What it rests on.
    pub checks: Vec<Check>,
    /// The revision it was judged by.
    pub revision: u64,
}

impl TryFrom<v1::ValidateRequest> for Question {
    type Error = InvalidMessage;

    fn try_from(wire: v1::ValidateRequest) -> Result<Self, InvalidMessage> {
        Ok(Self {
            chain: PresentedChain::new(wire.chain),
            connection: wire
                .connection
                .parse()
                .map_err(|_| InvalidMessage("connection is not a name"))?,
            min_revision: wire.min_revision,
        })
    }
}

impl From<Judgement> for v1::ValidateResponse {
    fn from(judgement: Judgement) -> Self {
        use v1::validate_response::Verdict as Wire;
        let verdict = match judgement.verdict {
            Verdict::Accepted(certificate) => Wire::Accepted(certificate.into()),
            Verdict::Refused(refusal) => Wire::Refused(v1::Refusal {
                reason: refusal.reason.code().to_owned(),
                detail: refusal.detail,
            }),
        };
        Self {
            verdict: Some(verdict),
            checks: judgement.checks.into_iter().map(Into::into).collect(),
            revision: judgement.revision,
        }
    }
}

impl TryFrom<v1::ValidateResponse> for Judgement {
    type Error = InvalidMessage;

    fn try_from(wire: v1::ValidateResponse) -> Result<Self, InvalidMessage> {
        use v1::validate_response::Verdict as Wire;
        let revision = wire.revision;
        let verdict = match wire.verdict.ok_or(InvalidMessage("no verdict"))? {
            Wire::Accepted(certificate) => Verdict::Accepted(verified(certificate, revision)?),
            Wire::Refused(refusal) => Verdict::Refused(Refusal {
                reason: refusal
                    .reason
                    .parse()
                    .map_err(|_| InvalidMessage("unknown reason code"))?,
                detail: refusal.detail,
            }),
        };
        let checks = wire
            .checks
            .into_iter()
            .map(Check::try_from)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            verdict,
            checks,
            revision,
        })
    }
}

impl From<VerifiedCertificate> for v1::VerifiedCertificate {
    fn from(certificate: VerifiedCertificate) -> Self {
        let identity = certificate.identity();
        Self {
            identity: Some(v1::Identity {
                rule: match identity.rule {
                    IdentityRule::CommonName => v1::identity::Rule::CommonName.into(),
                },
                account: identity.account.to_string(),
                sid: identity
                    .sid
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            }),
            leaf_sha256: certificate.leaf().as_bytes().to_vec().into(),
            authority_key_sha256: certificate.authority().as_bytes().to_vec().into(),
        }
    }
}

fn verified(
    wire: v1::VerifiedCertificate,
    revision: u64,
) -> Result<VerifiedCertificate, InvalidMessage> {
    let identity = wire.identity.ok_or(InvalidMessage("no identity"))?;
    let rule = match identity.rule() {
        v1::identity::Rule::CommonName => IdentityRule::CommonName,
        v1::identity::Rule::Unspecified => return Err(InvalidMessage("unknown identity rule")),
    };
    let identity = CertificateIdentity {
        rule,
        account: identity
            .account
            .parse()
            .map_err(|_| InvalidMessage("not an account name"))?,
        sid: optional(identity.sid)
            .map(|sid| sid.parse())
            .transpose()
            .map_err(|_| InvalidMessage("not a SID"))?,
    };
    Ok(VerifiedCertificate::assertion(
        identity,
        digest(&wire.leaf_sha256)?,
        digest(&wire.authority_key_sha256)?,
        revision,
    ))
}

impl From<Check> for v1::Check {
    fn from(check: Check) -> Self {
        let result = match check.result {
            CheckResult::Passed => v1::check::Result::Passed,
            CheckResult::Failed => v1::check::Result::Failed,
            CheckResult::NotApplicable => v1::check::Result::NotApplicable,
        };
        Self {
            name: check.name,
            certificate: check.certificate,
            result: result.into(),
            detail: check.detail,
        }
    }
}

impl TryFrom<v1::Check> for Check {
    type Error = InvalidMessage;

    fn try_from(wire: v1::Check) -> Result<Self, InvalidMessage> {
        let result = match wire.result() {
            v1::check::Result::Passed => CheckResult::Passed,
            v1::check::Result::Failed => CheckResult::Failed,
            v1::check::Result::NotApplicable => CheckResult::NotApplicable,
            v1::check::Result::Unspecified => return Err(InvalidMessage("unknown check result")),
        };
        Ok(Self {
            name: wire.name,
            certificate: wire.certificate,
            result,
            detail: wire.detail,
        })
    }
}

/// A SHA-256 off the wire.
///
/// # Errors
/// When it has not exactly 32 bytes.
pub fn digest(bytes: &[u8]) -> Result<Digest, InvalidMessage> {
    bytes
        .try_into()
        .map(Digest::from_bytes)
        .map_err(|_| InvalidMessage("not a SHA-256 digest"))
}

fn optional(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
