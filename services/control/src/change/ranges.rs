//! Adding and removing the ranges of a connection.
//!
//! **Invariant:** what was read otherwise than it was written is said; a range that holds everybody is never added
//! unconfirmed.

use std::collections::BTreeSet;

use domain::address::ClientAddress;
use domain::connection::Connection;
use domain::ranges::Range;

use super::refusal::{Kind, Refusal};
use super::validity::MOST_RANGES;
use super::{GivenRange, say_who_is_shut_out};

pub(super) fn add(
    connection: &mut Connection,
    ranges: &[GivenRange],
    confirmed: bool,
    words: &mut Vec<String>,
) -> Result<(), Refusal> {
    let name = connection.name.clone();
    not_too_many(connection, ranges.len())?;
    // The whole set is made once, however many are added.
    let mut standing: BTreeSet<Range> = connection.ranges.iter().collect();
    let before = standing.len();
    for given in ranges {
        let range = given.range;
        if range.prefix_length() == 0 && !confirmed {
            return Err(Refusal::new(
                Kind::ConfirmationNeeded,
                format!(
                    "{range} is every address there is: everybody would be asked for a certificate at {name}"
                ),
                "if that is meant, say `--confirm` (in the API: `confirm=true`)",
            ));
        }
        words.extend(given.reading());
        if !standing.insert(range) {
            words.push(format!("{range} was already there, at {name}"));
            continue;
        }
        words.push(format!("{name}: certificates are asked for in {range} now"));
        if let Some(wider) = wider(&standing, range) {
            words.push(format!(
                "{range} lies inside {wider}, which was there before"
            ));
        }
    }
    if standing.len() == before {
        return Err(nothing_added(ranges, connection));
    }
    not_too_many(connection, standing.len())?;
    connection.ranges = standing.into_iter().collect::<Vec<_>>().into();
    if connection.authorities.is_empty() {
        words.push(format!(
            "{name} has no authority yet: nobody is asked for a certificate there until one is added"
        ));
    }
    Ok(())
}

pub(super) fn remove(
    connection: &mut Connection,
    ranges: &[GivenRange],
    caller: Option<ClientAddress>,
    words: &mut Vec<String>,
) -> Result<(), Refusal> {
    if ranges.is_empty() {
        return Err(no_range());
    }
    let name = connection.name.clone();
    let was_in_range = caller.is_some_and(|caller| connection.ranges.contains(caller));
    not_too_many(connection, ranges.len())?;
    let mut standing: BTreeSet<Range> = connection.ranges.iter().collect();
    for given in ranges {
        let range = given.range;
        words.extend(given.reading());
        if !standing.remove(&range) {
            return Err(unknown(connection, given));
        }
        words.push(format!(
            "{name}: certificates are no longer asked for in {range}"
        ));
        if let Some(wider) = wider(&standing, range) {
            words.push(format!(
                "they still are, because {range} lies inside {wider}"
            ));
        }
    }
    connection.ranges = standing.into_iter().collect::<Vec<_>>().into();
    if let Some(caller) =
        caller.filter(|caller| was_in_range && !connection.ranges.contains(*caller))
    {
        words.push(format!(
            "your own address {caller} is in no range of {name} any more"
        ));
    }
    if connection.ranges.is_empty() {
        words.push(format!(
            "this was the last range of {name}: nobody is asked for a certificate there any more"
        ));
        say_who_is_shut_out(connection, words);
    }
    Ok(())
}

/// The narrowest other range of the set that holds `range`: as many steps as there are prefix lengths, not ranges.
fn wider(standing: &BTreeSet<Range>, range: Range) -> Option<Range> {
    std::iter::successors(range.wider(), |each| each.wider()).find(|each| standing.contains(each))
}

fn not_too_many(connection: &Connection, number: usize) -> Result<(), Refusal> {
    if number <= MOST_RANGES {
        return Ok(());
    }
    let name = &connection.name;
    Err(Refusal::new(
        Kind::InvalidConfiguration,
        format!("connection `{name}`: {number} ranges are more than the {MOST_RANGES} allowed"),
        "send fewer, or one wider range that holds them",
    ))
}

fn no_range() -> Refusal {
    Refusal::unreadable(
        "no range was sent",
        "send at least one, like {\"ranges\": [\"10.1.0.0/16\"]}",
    )
}

fn nothing_added(ranges: &[GivenRange], connection: &Connection) -> Refusal {
    let listed: Vec<String> = ranges
        .iter()
        .take(5)
        .map(|given| given.range.to_string())
        .collect();
    if listed.is_empty() {
        return no_range();
    }
    Refusal::new(
        Kind::AlreadyThere,
        format!(
            "already there, at {}: {}",
            connection.name,
            listed.join(", ")
        ),
        "there is nothing to do",
    )
}

fn unknown(connection: &Connection, given: &GivenRange) -> Refusal {
    let (name, range) = (&connection.name, given.range);
    let holding = connection.ranges.iter().find(|there| there.covers(range));
    let listed: Vec<String> = connection
        .ranges
        .iter()
        .take(8)
        .map(|each| each.to_string())
        .collect();
    let what_to_do = match (holding, listed.as_slice()) {
        (Some(wider), _) => {
            format!("it lies inside {wider}, which is one: remove that, and add what should stay")
        }
        (None, []) => format!("{name} has no range at all"),
        (None, _) => format!(
            "its ranges are {}{}",
            listed.join(", "),
            if connection.ranges.iter().nth(8).is_some() {
                " and more"
            } else {
                ""
            }
        ),
    };
    Refusal::new(
        Kind::UnknownRange,
        format!("{range} is no range of {name}"),
        what_to_do,
    )
}
