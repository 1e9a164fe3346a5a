//! The names of the groups somebody is in.
//!
//! `tokenGroups` holds the security identifiers of all groups, nested ones and the primary one included; a search turns
//! them into names, and the names are kept for a few minutes.
//!
//! **Invariant:** a failure is an error, never a shorter list. Left out are only identifiers that no entry below the
//! search base has, such as groups of another domain, or that only a placeholder for somebody from elsewhere has
//! (`foreignSecurityPrincipal`, which has no name).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::account::Sid;
use ldap3::Scope;
use tracing::field::Empty;
use tracing::info_span;

use super::connection::Search;
use super::entry::Entry;
use super::filter::{Attribute, Filter};
use super::pool::{NoAnswer, Pool};
use crate::numbers::{OK, Operation};

/// Most groups of one person. Windows itself ends at 1015 (MS-KILE 3.3.5.7).
pub const MAX_GROUPS: usize = 1000;
/// Identifiers asked for at once.
const CHUNK: usize = 100;
/// How long a name is believed.
const BELIEVED: Duration = Duration::from_secs(300);
/// Most names that are remembered.
const REMEMBERED: usize = 20_000;

/// Why somebody's groups are not known.
#[derive(Debug, thiserror::Error)]
pub enum UnknownGroups {
    /// The directory did not answer.
    #[error("failed to read the groups of the account")]
    NoAnswer(#[from] NoAnswer),
    /// `tokenGroups` is missing; everybody has a primary group.
    #[error(
        "tokenGroups of the account cannot be read; the bind account needs the right to read it"
    )]
    Unreadable,
    /// A group is there, but not what it is called.
    #[error("{} of a group cannot be read; the bind account needs the right to read it", .0.as_str())]
    Nameless(Attribute),
    /// More groups than [`MAX_GROUPS`].
    #[error("the account is in {0} groups, more than {MAX_GROUPS}")]
    TooMany(usize),
    /// The directory answered with more entries than were asked for.
    #[error("the directory answered with more groups than were asked for")]
    Excess,
}

/// Names of groups by identifier; `None` for one that is not below the search base.
#[derive(Debug, Default)]
pub struct Groups {
    known: Mutex<HashMap<Sid, (Option<String>, Instant)>>,
}

impl Groups {
    /// The names of all groups of the account with this distinguished name, sorted.
    ///
    /// # Errors
    /// When they cannot be read, all of them.
    pub async fn of(
        &self,
        account: &str,
        base: &str,
        pool: &Pool,
    ) -> Result<Vec<String>, UnknownGroups> {
        let span = info_span!(
            "ldap groups",
            otel.status_code = Empty,
            outcome = Empty,
            groups = Empty,
        );
        let outcome = |read: &Result<Vec<String>, UnknownGroups>| match read {
            Ok(_) => OK,
            Err(UnknownGroups::NoAnswer(_)) => "unavailable",
            Err(_) => "unreadable",
        };
        let read = self.read(account, base, pool);
        let read = pool.numbers().run(Operation::Groups, &span, read, outcome);
        let read = read.await?;
        span.record("groups", read.len());
        Ok(read)
    }

    async fn read(
        &self,
        account: &str,
        base: &str,
        pool: &Pool,
    ) -> Result<Vec<String>, UnknownGroups> {
        let entry = pool
            .search(&Search {
                base: account.to_owned(),
                scope: Scope::Base,
                filter: Filter::Present(Attribute::OBJECT_CLASS),
                attributes: &[Attribute::TOKEN_GROUPS],
                most: 1,
            })
            .await?;
        let groups = entry
            .entries
            .first()
            .map_or(&[][..], |entry| entry.values(Attribute::TOKEN_GROUPS));
        if groups.is_empty() {
            return Err(UnknownGroups::Unreadable);
        }
        if groups.len() > MAX_GROUPS {
            return Err(UnknownGroups::TooMany(groups.len()));
        }
        let mut wanted = HashMap::new();
        for bytes in groups {
            wanted.insert(
                Sid::from_binary(bytes).map_err(|_| UnknownGroups::Unreadable)?,
                bytes,
            );
        }
        let mut names = self.remembered(&mut wanted);
        let missing: Vec<(Sid, &Vec<u8>)> = wanted.into_iter().collect();
        for chunk in missing.chunks(CHUNK) {
            let found = named(chunk, base, pool).await?;
            names.extend(found.values().cloned());
            self.remember(
                chunk
                    .iter()
                    .map(|(sid, _)| (sid.clone(), found.get(sid).cloned())),
            );
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Takes the identifiers whose names are known out of `wanted`, and returns those names.
    fn remembered(&self, wanted: &mut HashMap<Sid, &Vec<u8>>) -> Vec<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names = Vec::new();
        wanted.retain(|sid, _| match known.get(sid) {
            Some((name, since)) if since.elapsed() < BELIEVED => {
                names.extend(name.clone());
                false
            }
            _ => true,
        });
        names
    }

    fn remember(&self, names: impl Iterator<Item = (Sid, Option<String>)>) {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.extend(names.map(|(sid, name)| (sid, (name, now))));
    }
}

/// The names of those of these groups that are below the search base.
async fn named(
    groups: &[(Sid, &Vec<u8>)],
    base: &str,
    pool: &Pool,
) -> Result<HashMap<Sid, String>, UnknownGroups> {
    let asked: HashSet<&Sid> = groups.iter().map(|(sid, _)| sid).collect();
    let any = groups
        .iter()
        .map(|(_, bytes)| Filter::equal(Attribute::OBJECT_SID, bytes))
        .collect();
    let answer = pool
        .search(&Search {
            base: base.to_owned(),
            scope: Scope::Subtree,
            filter: Filter::Or(any),
            attributes: &[
                Attribute::OBJECT_CLASS,
                Attribute::OBJECT_SID,
                Attribute::SAM_ACCOUNT_NAME,
            ],
            // One more than can be, to notice a server that answers another question.
            most: i32::try_from(groups.len() + 1).unwrap_or(i32::MAX),
        })
        .await?;
    if answer.more || answer.entries.len() > groups.len() {
        return Err(UnknownGroups::Excess);
    }
    let mut names = HashMap::new();
    for entry in &answer.entries {
        if let Some((sid, name)) = sid_and_name(entry)?
            && asked.contains(&sid)
        {
            names.insert(sid, name);
        }
    }
    Ok(names)
}

/// What an entry that was found is called; nothing for a placeholder.
fn sid_and_name(entry: &Entry) -> Result<Option<(Sid, String)>, UnknownGroups> {
    let sid = entry
        .value(Attribute::OBJECT_SID)
        .and_then(|sid| Sid::from_binary(sid).ok())
        .ok_or(UnknownGroups::Nameless(Attribute::OBJECT_SID))?;
    match entry.text(Attribute::SAM_ACCOUNT_NAME) {
        Some(name) => Ok(Some((sid, name))),
        None if is_placeholder(entry) => Ok(None),
        None => Err(UnknownGroups::Nameless(Attribute::SAM_ACCOUNT_NAME)),
    }
}

fn is_placeholder(entry: &Entry) -> bool {
    entry
        .values(Attribute::OBJECT_CLASS)
        .iter()
        .any(|class| class.eq_ignore_ascii_case(b"foreignSecurityPrincipal"))
}
