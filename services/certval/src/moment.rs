//! The times inside certificates (RFC 5280 section 4.1.2.5), and dates in words.

use domain::timestamp::Timestamp;
use time::{Date, Month, OffsetDateTime, Time};

use crate::der::{Element, GENERALIZED_TIME, Malformed, UTC_TIME};

/// Seconds since 1970-01-01 UTC; before it, negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    /// Reads a UTCTime (`YYMMDDHHMMSSZ`) or GeneralizedTime (`YYYYMMDDHHMMSSZ`): no fractions, no other zones.
    pub(crate) fn read(element: Element<'_>) -> Result<Self, Malformed> {
        let wrong = Malformed("a date is not well-formed");
        let text = element.contents;
        let (year, rest) = match element.tag {
            UTC_TIME => {
                let (digits, rest) = text.split_first_chunk::<2>().ok_or(wrong)?;
                let year = number(digits)?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            GENERALIZED_TIME => {
                let (digits, rest) = text.split_first_chunk::<4>().ok_or(wrong)?;
                (number(digits)?, rest)
            }
            _ => return Err(wrong),
        };
        let (&[a, b, c, d, e, f, g, h, i, j, b'Z'], []) =
            rest.split_first_chunk::<11>().ok_or(wrong)?
        else {
            return Err(wrong);
        };
        let two = |tens, ones| {
            number(&[tens, ones]).and_then(|value| u8::try_from(value).map_err(|_| wrong))
        };
        let month = Month::try_from(two(a, b)?).map_err(|_| wrong)?;
        let date = Date::from_calendar_date(year, month, two(c, d)?).map_err(|_| wrong)?;
        let time = Time::from_hms(two(e, f)?, two(g, h)?, two(i, j)?).map_err(|_| wrong)?;
        Ok(Self(date.with_time(time).assume_utc().unix_timestamp()))
    }

    /// The same moment as the rest of the system counts; what lies before 1970 reads as 1970.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp(u64::try_from(self.0).unwrap_or(0))
    }

    /// In words, like `2026-05-03 12:00:00 UTC`.
    pub(crate) fn words(self) -> String {
        let Ok(moment) = OffsetDateTime::from_unix_timestamp(self.0) else {
            return "a time beyond the year 9999".to_owned();
        };
        format!(
            "{} {:02}:{:02}:{:02} UTC",
            moment.date(),
            moment.hour(),
            moment.minute(),
            moment.second()
        )
    }
}

impl From<Timestamp> for Moment {
    fn from(timestamp: Timestamp) -> Self {
        Self(i64::try_from(timestamp.0).unwrap_or(i64::MAX))
    }
}

/// A certificate's first and last second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: Moment,
    pub(crate) not_after: Moment,
}

fn number(digits: &[u8]) -> Result<i32, Malformed> {
    digits.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'9' => Ok(value * 10 + i32::from(digit - b'0')),
        _ => Err(Malformed("a date is not well-formed")),
    })
}

#[cfg(test)]
mod tests {
    use super::{Element, GENERALIZED_TIME, Moment, UTC_TIME};

    fn read(tag: u8, text: &str) -> Option<String> {
        let contents = text.as_bytes();
        Moment::read(Element {
            tag,
            contents,
            whole: contents,
        })
        .ok()
        .map(Moment::words)
    }

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        let utc = |text| read(UTC_TIME, text);
        assert_eq!(utc("260503120000Z").unwrap(), "2026-05-03 12:00:00 UTC");
        assert_eq!(utc("500101000000Z").unwrap(), "1950-01-01 00:00:00 UTC");
        assert_eq!(
            read(GENERALIZED_TIME, "20500101000000Z").unwrap(),
            "2050-01-01 00:00:00 UTC"
        );
        for bad in [
            "",
            "2605031200Z",
            "260503120000",
            "260503120000+0100",
            "261303120000Z",
            "260230120000Z",
            "260503240000Z",
            "26050312000 Z",
            "260503120000ZZ",
        ] {
            assert_eq!(utc(bad), None, "{bad}");
        }
        assert_eq!(
            read(GENERALIZED_TIME, "20500101000000.1234567890123Z"),
            None
        );
        assert_eq!(read(GENERALIZED_TIME, "500101000000Z"), None);
    }
}
