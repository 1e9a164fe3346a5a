//! The checks a verdict rests on, in the order they were made, fit to be shown to people.

use serde::{Deserialize, Serialize};

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It held.
    Passed,
    /// It did not hold; the verdict is a refusal.
    Failed,
    /// It did not apply, and says why.
    NotApplicable,
}

/// One check: what was asked, of which certificate, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name in `snake_case`, like `signature` or `extended_key_usage`.
    pub name: String,
    /// The certificate it was asked of, in words ("leaf CN=jon", "authority CN=FabrikamRootCA"); empty for the chain.
    pub certificate: String,
    /// The answer.
    pub result: CheckResult,
    /// The facts seen, in words.
    pub detail: String,
}
