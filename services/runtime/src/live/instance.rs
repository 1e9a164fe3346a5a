//! What an instance says about itself, and what is made of it.
//!
//! **Invariant:** reports come over the bus and are not signed; they inform
//! people and waiting callers, and decide nothing about trust. What does decide
//! is the signed manifest that comes with one, after it was verified.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{SignedManifest, TrustedKeys};

/// How long a report stands without being renewed.
pub(super) const REPORT_LIFE: Duration = Duration::from_secs(15);

/// How often it is renewed.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// The largest report that is read, in bytes.
const LIMIT: usize = 48 << 10;

/// The largest signed manifest that travels with a report, in bytes: several
/// times what a configuration with the longest reason takes. An instance with
/// a larger one reports without it.
const PROOF_LIMIT: usize = 32 << 10;

/// The longest description of a problem, in characters.
const PROBLEM_LIMIT: usize = 300;

/// Who an instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its id: letters, digits, `-` and `_`, unique among those of its role,
    /// such as the host's name.
    pub id: String,
    /// Its role, which is also its user on the bus.
    pub role: String,
    /// The version it runs.
    pub version: String,
    /// Where other roles reach it.
    pub address: String,
    /// When the certificate it shows to other roles ends, in seconds since
    /// 1970, if it has one.
    pub cert_expires_at: Option<u64>,
}

impl Instance {
    /// The key of its report.
    pub(super) fn key(&self) -> String {
        key(&self.role, &self.id)
    }
}

/// How an instance is with its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// No snapshot yet.
    Starting,
    /// Uses the newest snapshot it heard of.
    Current,
    /// Was offered one that it could not use, and keeps the last good one.
    Refusing,
    /// On its way out.
    Stopping,
}

/// What an instance last said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceReport {
    /// Its id.
    pub id: String,
    /// Its role.
    pub role: String,
    /// The version it runs.
    pub version: String,
    /// Where other roles reach it.
    pub address: String,
    /// The revision it uses; 0 for none.
    pub revision: u64,
    /// The revision it would start from without the bus; 0 for none.
    pub persisted_revision: u64,
    /// When it began to use its revision, in seconds since 1970; 0 for never.
    pub applied_at: u64,
    /// When it started, in seconds since 1970.
    pub started_at: u64,
    /// How it is.
    pub state: InstanceState,
    /// What is wrong, if something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How old its knowledge of the configuration is, in seconds.
    #[serde(default)]
    pub age_s: Option<u64>,
    /// When the certificate it shows to other roles ends, in seconds since
    /// 1970.
    #[serde(default)]
    pub cert_expires_at: Option<u64>,
}

impl InstanceReport {
    /// The first report of an instance.
    pub(super) fn of(instance: &Instance, started_at: u64) -> Self {
        Self {
            id: instance.id.clone(),
            role: instance.role.clone(),
            version: instance.version.clone(),
            address: instance.address.clone(),
            revision: 0,
            persisted_revision: 0,
            applied_at: 0,
            started_at,
            state: InstanceState::Starting,
            problem: None,
            age_s: None,
            cert_expires_at: instance.cert_expires_at,
        }
    }

    /// The key that it belongs under.
    pub(super) fn key(&self) -> String {
        key(&self.role, &self.id)
    }

    /// A description short enough to travel.
    pub(super) fn shortened(problem: &str) -> String {
        problem.chars().take(PROBLEM_LIMIT).collect()
    }
}

/// A report as it travels, with the signed manifest of the revision it names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Said {
    #[serde(flatten)]
    pub(super) report: InstanceReport,
    /// The manifest's travelling form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<String>,
}

impl Said {
    pub(super) fn at_first(report: InstanceReport) -> Self {
        Self {
            report,
            signed: None,
        }
    }

    /// Takes the travelling form of a manifest along.
    pub(super) fn prove(&mut self, signed: &[u8]) {
        let fits = (signed.len() <= PROOF_LIMIT).then_some(signed);
        self.signed = fits.and_then(|signed| String::from_utf8(signed.to_vec()).ok());
    }

    /// Reads what came over the bus; `None` for anything that is no report.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LIMIT {
            return None;
        }
        serde_json::from_slice(bytes).ok()
    }

    /// The manifest that came along, if a trusted key signed it.
    pub(super) fn proven(&self, keys: &TrustedKeys) -> Option<SignedManifest> {
        let signed = self.signed.as_ref()?;
        SignedManifest::open(Bytes::copy_from_slice(signed.as_bytes()), keys).ok()
    }
}

/// The role comes first, because a role's user may write under its own name
/// only. Characters that a key cannot hold become `_`.
fn key(role: &str, id: &str) -> String {
    let held = |text: &str| -> String {
        let one = |letter: char| {
            if letter.is_ascii_alphanumeric() || letter == '-' {
                letter
            } else {
                '_'
            }
        };
        text.chars().take(100).map(one).collect()
    };
    format!("{}.{}", held(role), held(id))
}
