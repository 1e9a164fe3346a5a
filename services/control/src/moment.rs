//! Moments as people read them.
//!
//! **Invariant:** every moment in an answer or a record is RFC 3339, UTC, whole seconds.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment, given in seconds since 1970-01-01 UTC, like `2026-11-23T21:00:00Z`. Beyond the year 9999: that year's end.
#[must_use]
pub(crate) fn written(unix_seconds: u64) -> String {
    const LAST: i64 = 253_402_300_799;
    let seconds = i64::try_from(unix_seconds).unwrap_or(LAST).min(LAST);
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn moments_are_rfc_3339() {
        assert_eq!(written(0), "1970-01-01T00:00:00Z");
        assert_eq!(written(1_795_467_600), "2026-11-23T21:00:00Z");
        assert_eq!(written(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
