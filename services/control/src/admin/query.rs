//! The query of a request: `wait`, `confirm`, `why`, `range`.
//!
//! **Invariant:** a parameter nobody knows is refused, so that a misspelt `confirm` or `wait` is never overlooked.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use http::Uri;

use super::Problem;
use crate::change::nearest;

/// Longest wait for instances, in seconds.
pub(super) const LONGEST_WAIT_S: u64 = 60;
/// Longest reason for the history, in characters.
const LONGEST_WHY: usize = 200;
const KNOWN: [&str; 5] = ["confirm", "range", "revision", "wait", "why"];

/// What a query says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// How long to wait for every live instance to apply the write.
    pub(super) wait: Duration,
    /// Whether letting everybody in is meant.
    pub(super) confirm: bool,
    /// The reason for the history, in the caller's words.
    pub(super) why: Option<String>,
    /// The revision the caller has seen; the write is refused when there is a newer one.
    pub(super) seen: Option<u64>,
    /// Ranges, as an alternative to a body.
    pub(super) ranges: Vec<String>,
}

impl Query {
    /// Reads the query of `uri`.
    pub(super) fn of(uri: &Uri) -> Result<Self, Problem> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            query.take(&name, value)?;
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: Cow<'_, str>) -> Result<(), Problem> {
        match name {
            "wait" => {
                let seconds = value
                    .parse::<u64>()
                    .ok()
                    .filter(|seconds| *seconds <= LONGEST_WAIT_S);
                self.wait = seconds.map(Duration::from_secs).ok_or_else(|| {
                    Problem::bad_request(
                        "`wait` is a number of whole seconds",
                        format!("send wait=0 to wait={LONGEST_WAIT_S}"),
                    )
                })?;
            }
            "confirm" => {
                self.confirm = match &*value {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(Problem::bad_request(
                            "`confirm` is true or false",
                            "send confirm=true",
                        ));
                    }
                };
            }
            "revision" => {
                let revision = value.parse().ok();
                self.seen = Some(revision.ok_or_else(|| {
                    Problem::bad_request(
                        "`revision` is a number",
                        "send the revision you have seen, like revision=7",
                    )
                })?);
            }
            "why" => {
                if value.chars().count() > LONGEST_WHY || value.chars().any(char::is_control) {
                    let detail = format!("`why` has at most {LONGEST_WHY} characters, on one line");
                    return Err(Problem::bad_request(detail, "say it in fewer words"));
                }
                self.why = Some(value.into_owned());
            }
            "range" => self.ranges.push(value.into_owned()),
            other => {
                let meant = nearest(other, KNOWN).map(|name| format!("did you mean `{name}`? "));
                return Err(Problem::bad_request(
                    format!("there is no parameter `{}`", crate::change::shown(other)),
                    format!(
                        "{}the parameters are {}",
                        meant.unwrap_or_default(),
                        KNOWN.join(", ")
                    ),
                ));
            }
        }
        Ok(())
    }
}
