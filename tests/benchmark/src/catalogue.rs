//! Every figure by its key: what it is of, in which table, and what it should be at most.
//!
//! **Invariant:** what is not here is not measured; the order here is the order of the tables.

use anyhow::{Context as _, Result};

use crate::figures::Figure;
use crate::report::{Row, Table};

const CATALOGUE: [(Table, &str, &str, Option<f64>); 22] = [
    (
        Table::Cost,
        "nginx-p256",
        "nginx: mutual-TLS handshake, P-256",
        None,
    ),
    (
        Table::Cost,
        "gateway-p256",
        "gateway: mutual-TLS handshake, P-256",
        Some(0.6),
    ),
    (
        Table::Cost,
        "gateway-p256-post-quantum",
        "gateway: mutual-TLS handshake, P-256, with X25519MLKEM768",
        None,
    ),
    (
        Table::Cost,
        "nginx-p256-answer",
        "nginx: handshake and one answer",
        None,
    ),
    (
        Table::Cost,
        "gateway-p256-answer",
        "gateway: handshake and one answer",
        None,
    ),
    (
        Table::Cost,
        "nginx-rsa2048",
        "nginx: mutual-TLS handshake, RSA-2048",
        None,
    ),
    (
        Table::Cost,
        "gateway-rsa2048",
        "gateway: mutual-TLS handshake, RSA-2048",
        Some(0.6),
    ),
    (
        Table::Cost,
        "sign-in-all-in-one-file",
        "certificate sign-in, all in one, directory file",
        Some(4.0),
    ),
    (
        Table::Cost,
        "sign-in-processes-file",
        "certificate sign-in, as processes, directory file",
        Some(4.0),
    ),
    (
        Table::Cost,
        "sign-in-processes-file-traced",
        "certificate sign-in, the same, every trace sent to Jaeger",
        None,
    ),
    (
        Table::Cost,
        "sign-in-processes-active-directory",
        "certificate sign-in, as processes, Active Directory",
        Some(4.0),
    ),
    (
        Table::Cost,
        "again-processes-file",
        "another application within the session, as processes, directory file",
        None,
    ),
    (Table::Memory, "idle-gateway", "gateway, idle", Some(30.0)),
    (Table::Memory, "idle-certval", "certval, idle", None),
    (Table::Memory, "idle-directory", "directory, idle", None),
    (Table::Memory, "idle-control", "control, idle", None),
    (Table::Memory, "idle-all-in-one", "all in one, idle", None),
    (
        Table::Memory,
        "waiting",
        "gateway, for each handshake whose user is choosing a certificate",
        None,
    ),
    (
        Table::Start,
        "ready-gateway",
        "gateway, from its stored snapshot",
        Some(300.0),
    ),
    (
        Table::Start,
        "ready-certval",
        "certval, from its stored snapshot",
        None,
    ),
    (
        Table::Start,
        "ready-directory",
        "directory, from its stored snapshot",
        None,
    ),
    (Table::Start, "ready-control", "control", None),
];

/// What the figure of this key is of.
///
/// # Errors
/// When there is no such key.
pub(crate) fn what(key: &str) -> Result<&'static str> {
    let (_, _, what, _) = CATALOGUE.get(place(key)?).context("no such figure")?;
    Ok(what)
}

/// The figure of this key as a row.
///
/// # Errors
/// When there is no such key.
pub(crate) fn row(key: &str, figure: Figure) -> Result<Row> {
    let (table, _, what, at_most) = CATALOGUE.get(place(key)?).context("no such figure")?;
    let unit = match (table, key) {
        (Table::Memory, "waiting") => "kB",
        (Table::Memory, _) => "MB",
        _ => "ms",
    };
    let mut row = Row::new(*table, key, what, unit, figure);
    row.at_most = *at_most;
    Ok(row)
}

/// The place of this key in the tables; those of other keys come last.
///
/// # Errors
/// When there is no such key.
pub(crate) fn place(key: &str) -> Result<usize> {
    let found = CATALOGUE.iter().position(|(_, each, ..)| *each == key);
    found.with_context(|| format!("{key} is not in the catalogue"))
}
