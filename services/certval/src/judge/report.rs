//! The checks of one judgement as they are made.
//!
//! **Invariant:** the first failed check is the verdict; a report with a failed check never ends as a yes.

use domain::check::{Check, CheckResult};
use domain::outcome::Refusal;
use domain::reason::Reason;
use tracing::Span;

/// What was checked so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    checks: Vec<Check>,
    refusal: Option<Refusal>,
    /// Why the step that runs refuses.
    step: Option<Reason>,
}

/// One check that failed, before it is reported.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) check: &'static str,
    pub(super) certificate: String,
    pub(super) refusal: Refusal,
}

impl Failure {
    pub(super) fn new(
        check: &'static str,
        certificate: impl Into<String>,
        reason: Reason,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            check,
            certificate: certificate.into(),
            refusal: Refusal::because(reason, detail),
        }
    }
}

impl Report {
    /// Runs one step of the judgement in a span of its own, which has the fields `outcome` and `code` for how it ends.
    pub(super) fn step<T>(&mut self, span: &Span, step: impl FnOnce(&mut Self) -> T) -> T {
        self.step = None;
        let outcome = span.in_scope(|| step(self));
        match self.step.take() {
            None => span.record("outcome", "accepted"),
            Some(reason) => span
                .record("outcome", "refused")
                .record("code", reason.code()),
        };
        outcome
    }

    pub(super) fn passed(&mut self, name: &str, certificate: &str, detail: impl Into<String>) {
        self.add(name, certificate, CheckResult::Passed, detail.into());
    }

    pub(super) fn not_applicable(
        &mut self,
        name: &str,
        certificate: &str,
        detail: impl Into<String>,
    ) {
        self.add(name, certificate, CheckResult::NotApplicable, detail.into());
    }

    pub(super) fn failed(
        &mut self,
        name: &str,
        certificate: &str,
        reason: Reason,
        detail: impl Into<String>,
    ) {
        self.refused(name, certificate, &Refusal::because(reason, detail));
    }

    /// Records a failed check. The verdict's detail says which certificate it is about.
    pub(super) fn refused(&mut self, name: &str, certificate: &str, refusal: &Refusal) {
        let detail = refusal.detail.clone();
        self.add(name, certificate, CheckResult::Failed, detail);
        self.step.get_or_insert(refusal.reason);
        if self.refusal.is_none() {
            let detail = match (certificate, refusal.detail.as_str()) {
                ("", detail) => detail.to_owned(),
                (certificate, "") => certificate.to_owned(),
                (certificate, detail) => format!("{certificate}: {detail}"),
            };
            self.refusal = Some(Refusal {
                reason: refusal.reason,
                detail,
            });
        }
    }

    pub(super) fn failure(&mut self, failure: &Failure) {
        self.refused(failure.check, &failure.certificate, &failure.refusal);
    }

    pub(super) fn finish(self) -> (Vec<Check>, Option<Refusal>) {
        (self.checks, self.refusal)
    }

    fn add(&mut self, name: &str, certificate: &str, result: CheckResult, detail: String) {
        self.checks.push(Check {
            name: name.to_owned(),
            certificate: certificate.to_owned(),
            result,
            detail,
        });
    }
}
