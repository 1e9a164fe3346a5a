//! Ranges of client addresses: CIDR text in, a question with one answer out.
//!
//! **Invariant:** an IPv4 address never matches an IPv6 range or the other way round, and a mapped address counts as the
//! IPv4 address it carries, on both sides.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::address::ClientAddress;

#[cfg(test)]
mod tests;

/// One range in CIDR form, with its host bits cleared. A bare address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Range(IpNet);

/// Text that is not a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRange {
    /// Neither an address nor CIDR notation.
    #[error("`{0}` is not an address range: write it like 10.1.0.0/16, 2001:db8::/32 or 10.1.2.3")]
    Text(String),
    /// An IPv4-mapped IPv6 prefix that also covers addresses that are not mapped ones.
    #[error("`{0}` mixes IPv4 and IPv6: write the IPv4 range by itself, like 10.1.0.0/16")]
    Mixed(String),
}

/// A set of ranges of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Range>", into = "Vec<Range>")]
pub struct Ranges {
    /// As the administrator wrote them, sorted and without repeats.
    written: Vec<Range>,
    /// The same addresses as sorted, disjoint spans, for the question.
    spans: Vec<(IpAddr, IpAddr)>,
}

impl Range {
    /// Whether the text had host bits set, so that the range is wider than what was literally written.
    #[must_use]
    pub fn was_normalised(self, text: &str) -> bool {
        text.trim()
            .parse::<IpNet>()
            .is_ok_and(|net| net.addr() != net.network())
    }

    /// The prefix length in bits.
    #[must_use]
    pub fn prefix_length(self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether every address of `other` lies in this range, too.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.0.contains(&other.0)
    }

    /// The range twice as wide that holds this one; `None` for one that holds every address already.
    #[must_use]
    pub fn wider(self) -> Option<Self> {
        self.0.supernet().map(Self)
    }

    fn span(self) -> (IpAddr, IpAddr) {
        (self.0.network(), self.0.broadcast())
    }
}

impl FromStr for Range {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let trimmed = text.trim();
        let shown = || trimmed.chars().take(64).collect::<String>();
        let net = match trimmed.parse::<IpNet>() {
            Ok(net) => net,
            Err(_) => IpNet::from(
                trimmed
                    .parse::<IpAddr>()
                    .map_err(|_| InvalidRange::Text(shown()))?,
            ),
        };
        let IpNet::V6(v6) = net else {
            return Ok(Self(net.trunc()));
        };
        let mapped = v6.network().to_ipv4_mapped();
        match (mapped, v6.prefix_len().checked_sub(96)) {
            (Some(v4), Some(length)) => {
                let net = Ipv4Net::new(v4, length).map_err(|_| InvalidRange::Text(shown()))?;
                Ok(Self(IpNet::V4(net.trunc())))
            }
            // Longer than the zeros that all mapped addresses begin with, yet holding them: written for IPv4.
            (_, None) if v6.prefix_len() > 80 && v6.contains(&MAPPED) => {
                Err(InvalidRange::Mixed(shown()))
            }
            _ => Ok(Self(net.trunc())),
        }
    }
}

/// The first IPv4-mapped address (RFC 4291 section 2.5.5.2).
const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);

impl TryFrom<String> for Range {
    type Error = InvalidRange;

    fn try_from(text: String) -> Result<Self, InvalidRange> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.to_string()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Ranges {
    /// Whether `address` lies in one of the ranges.
    #[must_use]
    pub fn contains(&self, address: ClientAddress) -> bool {
        let ip = address.ip();
        let after = self.spans.partition_point(|(first, _)| *first <= ip);
        after
            .checked_sub(1)
            .and_then(|index| self.spans.get(index))
            .is_some_and(|(_, last)| ip <= *last)
    }

    /// The ranges as written, sorted.
    pub fn iter(&self) -> impl Iterator<Item = Range> + '_ {
        self.written.iter().copied()
    }

    /// Whether there is no range at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// The same set with `range` added; `None` when it was there already.
    #[must_use]
    pub fn with(&self, range: Range) -> Option<Self> {
        (!self.written.contains(&range))
            .then(|| self.iter().chain([range]).collect::<Vec<_>>().into())
    }

    /// The same set without `range`; `None` when it was not there.
    #[must_use]
    pub fn without(&self, range: Range) -> Option<Self> {
        self.written.contains(&range).then(|| {
            self.iter()
                .filter(|other| *other != range)
                .collect::<Vec<_>>()
                .into()
        })
    }
}

impl From<Vec<Range>> for Ranges {
    fn from(mut written: Vec<Range>) -> Self {
        written.sort_unstable();
        written.dedup();
        // All IPv4 spans sort before all IPv6 ones, so neighbours of one family stay together.
        let mut sorted: Vec<(IpAddr, IpAddr)> = written.iter().map(|range| range.span()).collect();
        sorted.sort_unstable();
        let mut spans: Vec<(IpAddr, IpAddr)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match spans.last_mut() {
                Some((begin, end)) if begin.is_ipv4() == first.is_ipv4() && first <= *end => {
                    *end = (*end).max(last);
                }
                _ => spans.push((first, last)),
            }
        }
        Self { written, spans }
    }
}

impl From<Ranges> for Vec<Range> {
    fn from(ranges: Ranges) -> Self {
        ranges.written
    }
}
