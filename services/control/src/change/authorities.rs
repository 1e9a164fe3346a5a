//! Adding and removing the authorities of a connection.
//!
//! **Invariant:** an authority is known by its key; a connection never holds two with the same.

use domain::authority::Authority;
use domain::configuration::Configuration;
use domain::connection::Connection;

use super::refusal::{Kind, Refusal};
use super::{FingerprintPrefix, say_who_is_shut_out};

pub(super) fn add(
    connection: &mut Connection,
    authorities: &[Authority],
    words: &mut Vec<String>,
) -> Result<(), Refusal> {
    if authorities.is_empty() {
        return Err(Refusal::unreadable(
            "no certificate was sent",
            "send the authority's certificate as PEM or DER",
        ));
    }
    let before = connection.authorities.len();
    for authority in authorities {
        let added = connection.authorities.get(before..).unwrap_or_default();
        if added.iter().any(|same| same == authority) {
            words.push(format!("{} was sent more than once", described(authority)));
            continue;
        }
        if let Some(there) = connection.authority(authority.key) {
            return Err(already_there(connection, there, authority));
        }
        words.push(format!(
            "{}: certificates of {} are accepted now",
            connection.name,
            described(authority)
        ));
        connection.authorities.push(authority.clone());
    }
    if connection.ranges.is_empty() {
        words.push(format!(
            "{} has no range yet: nobody is asked for a certificate there until one is added",
            connection.name
        ));
    }
    Ok(())
}

/// Writes into every authority that `before` did not have which revision added it: with that, what rests on an authority
/// that was removed does not live again when it comes back.
pub(crate) fn number_added(before: &Configuration, after: &mut Configuration, revision: u64) {
    for (name, connection) in &mut after.connections {
        let there = before.connections.get(name);
        for authority in &mut connection.authorities {
            match there.and_then(|there| there.authority(authority.key)) {
                Some(there) => authority.added_in = there.added_in,
                None => authority.added_in = revision,
            }
        }
    }
}

pub(super) fn remove(
    connection: &mut Connection,
    fingerprint: &FingerprintPrefix,
    words: &mut Vec<String>,
) -> Result<(), Refusal> {
    let fitting: Vec<&Authority> = connection
        .authorities
        .iter()
        .filter(|authority| fingerprint.fits(authority))
        .collect();
    let removed = match fitting.as_slice() {
        [] => return Err(unknown(connection, fingerprint)),
        [one] => (*one).clone(),
        several => {
            let names: Vec<String> = several.iter().map(|each| described(each)).collect();
            return Err(Refusal::new(
                Kind::AmbiguousFingerprint,
                format!("`{fingerprint}` fits {}", names.join(" and ")),
                "send more digits of the fingerprint",
            ));
        }
    };
    connection
        .authorities
        .retain(|each| each.key != removed.key);
    words.push(format!(
        "{}: certificates of {} are accepted no longer, and the sessions they opened end",
        connection.name,
        described(&removed)
    ));
    if connection.authorities.is_empty() {
        words.push(format!(
            "this was the last authority of {}: nobody is asked for a certificate there any more",
            connection.name
        ));
        say_who_is_shut_out(connection, words);
    }
    Ok(())
}

/// An authority in words: its name and the beginning of its fingerprint.
pub(super) fn described(authority: &Authority) -> String {
    let fingerprint = authority.fingerprint.to_string();
    let beginning = fingerprint
        .get(..super::given::FEWEST_DIGITS)
        .unwrap_or(&fingerprint);
    format!("\"{}\" ({beginning})", authority.name)
}

fn already_there(connection: &Connection, there: &Authority, sent: &Authority) -> Refusal {
    let name = &connection.name;
    let detail = if there.fingerprint == sent.fingerprint {
        format!("{} is already there, at {name}", described(there))
    } else {
        format!(
            "{} has the key of {}, which is already there, at {name}",
            described(sent),
            described(there)
        )
    };
    let what_to_do =
        "there is nothing to do; to exchange the certificate of a key, remove the old one first";
    Refusal::new(Kind::AlreadyThere, detail, what_to_do)
}

fn unknown(connection: &Connection, fingerprint: &FingerprintPrefix) -> Refusal {
    let name = &connection.name;
    let there: Vec<String> = connection
        .authorities
        .iter()
        .take(5)
        .map(described)
        .collect();
    let what_to_do = match (there.as_slice(), connection.authorities.len()) {
        ([], _) => format!("{name} has no authority at all"),
        (_, count) if count > there.len() => {
            format!("there are {count}, among them {}", there.join(", "))
        }
        _ => format!("there are {}", there.join(", ")),
    };
    let detail = format!("no authority of {name} has the fingerprint `{fingerprint}`");
    Refusal::new(Kind::UnknownAuthority, detail, what_to_do)
}
