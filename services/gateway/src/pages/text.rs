//! Values as the pages print them.

use domain::timestamp::Timestamp;
use time::OffsetDateTime;

#[cfg(test)]
mod tests;

/// A point in time, UTC.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    date: String,
    time: String,
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        // Past the year 9999 there is no such date, nor this page.
        let at = i64::try_from(at.0)
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self {
            date: format!(
                "{:04}-{:02}-{:02}",
                at.year(),
                u8::from(at.month()),
                at.day()
            ),
            time: format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second()),
        }
    }
}

impl Moment {
    /// For machines (the `datetime` attribute of HTML).
    pub(crate) fn machine(&self) -> String {
        format!("{}T{}Z", self.date, self.time)
    }

    /// For people.
    pub(crate) fn human(&self) -> String {
        format!("{} {} UTC", self.date, self.time)
    }
}

/// A part of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    /// Whether it stood between backticks: a command, or something else to type.
    pub(crate) is_code: bool,
}

/// The parts of a sentence, in order.
pub(crate) fn pieces(sentence: &str) -> Vec<Piece<'_>> {
    sentence
        .split('`')
        .enumerate()
        .map(|(number, text)| Piece {
            text,
            is_code: number % 2 == 1,
        })
        .filter(|piece| !piece.text.is_empty())
        .collect()
}

/// Most authorities that are shown at once.
const SHOWN: usize = 2;

/// The accepted authorities: some at once, the others when asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorities<'a> {
    pub(crate) shown: Vec<&'a str>,
    pub(crate) others: Vec<&'a str>,
}

impl<'a> Authorities<'a> {
    /// Of subject names like `CN=Fabrikam Root CA,O=Fabrikam`.
    pub(crate) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let mut shown: Vec<&str> = names.map(common_name).collect();
        // "And 1 more" takes as much room as the one.
        let others = match shown.len() {
            many if many > SHOWN + 1 => shown.split_off(SHOWN),
            _ => Vec::new(),
        };
        Self { shown, others }
    }
}

/// What browsers show of an issuer: its common name, where it begins with one that can be told from the rest.
fn common_name(name: &str) -> &str {
    match name.strip_prefix("CN=") {
        Some(rest) if !rest.contains(['\\', '+', '"', '#']) => {
            match rest.split(',').next().unwrap_or_default().trim() {
                "" => name,
                common => common,
            }
        }
        _ => name,
    }
}
