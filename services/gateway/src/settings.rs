//! What an operator sets for the sign-in side of a gateway before it starts.
//!
//! **Invariant:** every field stands in [`SECTION`] with its default; nothing that changes while Postern runs is here.

use std::path::PathBuf;

use runtime::settings::{Key, Section};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The boot settings of the sign-in side.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The issuer: the https URL of the login host as browsers reach it, with the port where it is not 443, without a path.
    pub issuer: String,
    /// The host that asks for certificates; empty means `cert.` before the login host's name.
    pub certificate_host: String,
    /// Whether any one label before the certificate host leads here too (wildcard name and server certificate), which
    /// "try another certificate" needs.
    pub another_certificate: bool,
    /// What people see as the product's name.
    pub product_name: String,
    /// The logo over the sign-in pages: an SVG or PNG file of at most 64 KiB; empty means the mark that is built in.
    pub logo: PathBuf,
    /// The accent colour of the light theme (`#rrggbb`); empty means the one that is built in.
    pub colour: String,
    /// The accent colour of the dark theme (`#rrggbb`); empty means the one that is built in.
    pub colour_dark: String,
    /// Age of the configuration, in seconds, past which certificate sign-in closes.
    pub staleness_limit_s: u64,
    /// Deadline of one question to certval, in milliseconds, with one repetition at another instance inside it.
    pub certval_deadline_ms: u64,
    /// Deadline of one question to the directory service, in milliseconds.
    pub directory_deadline_ms: u64,
    /// Failed passwords for one account of one connection within `attempt_window_s` before it has to wait. Counted by each
    /// gateway process for itself: below the domain's lockout threshold divided by the number of gateways.
    pub attempts_per_account: u32,
    /// Failed passwords from one address (IPv6: one /64) within `attempt_window_s` before it has to wait.
    pub attempts_per_address: u32,
    /// Seconds in which failed passwords are counted together.
    pub attempt_window_s: u64,
}

/// The table of keys behind [`Settings`].
pub const SECTION: Section = Section {
    name: "gateway",
    doc: "Sign-in: who we are to browsers and applications, and how long others may take.",
    keys: &[
        key(
            "issuer",
            r#""https://login.localhost:8443""#,
            "The issuer: the https URL of the login host as browsers reach it, with the port where it is not 443, without a path.",
        ),
        key(
            "certificate_host",
            r#""""#,
            "The host that asks for certificates. Empty: `cert.` before the login host's name.",
        ),
        key(
            "another_certificate",
            "true",
            "Whether any one label before the certificate host leads here too (wildcard name and server certificate). Without it there is no \"try another certificate\".",
        ),
        key(
            "product_name",
            r#""Postern""#,
            "The name that people see on the sign-in pages.",
        ),
        key(
            "logo",
            r#""""#,
            "The logo over the sign-in pages: an SVG or PNG file of at most 64 KiB, read when the gateway starts. Empty: the mark that is built in, with the product's name.",
        ),
        key(
            "colour",
            r#""""#,
            "The accent colour of the sign-in pages in the light theme, like `#1d56c4`. Its contrast against the white card must be at least 4.5:1. Empty: the colour that is built in.",
        ),
        key(
            "colour_dark",
            r#""""#,
            "The accent colour in the dark theme, like `#8fb8ff`. Its contrast against the dark card (`#1b1f26`) must be at least 4.5:1. Empty: the colour that is built in.",
        ),
        key(
            "staleness_limit_s",
            "86400",
            "Age of the configuration in seconds past which certificate sign-in closes.",
        ),
        key(
            "certval_deadline_ms",
            "500",
            "Deadline of one question to certval in milliseconds, with one repetition at another instance inside it.",
        ),
        key(
            "directory_deadline_ms",
            "4000",
            "Deadline of one question to the directory service in milliseconds.",
        ),
        key(
            "attempts_per_account",
            "4",
            "Failed passwords for one account within attempt_window_s before it has to wait. Each gateway process counts for itself: keep it below the domain's lockout threshold divided by the number of gateways.",
        ),
        key(
            "attempts_per_address",
            "30",
            "Failed passwords from one address (IPv6: one /64) within attempt_window_s before it has to wait.",
        ),
        key(
            "attempt_window_s",
            "600",
            "Seconds in which failed passwords are counted together.",
        ),
    ],
};

const fn key(path: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        path,
        default,
        doc,
        secret: false,
    }
}
