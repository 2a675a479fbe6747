//! The one instant that reproducible archives, images and manifests carry.

use std::fmt;

use snafu::{OptionExt, ResultExt, Snafu};

/// Why an instant was refused.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The text is not a whole number of seconds.
    #[snafu(display(
        "SOURCE_DATE_EPOCH: `{text}` is not a whole number of seconds since 1970-01-01T00:00:00Z; \
         give one from 0 to {MAXIMUM_SECONDS}, such as the output of `git log -1 --format=%ct`"
    ))]
    NotANumber {
        /// What was given.
        text: String,
        /// Why it is not a number.
        source: std::num::ParseIntError,
    },
    /// The number is larger than a tar header can carry.
    #[snafu(display(
        "SOURCE_DATE_EPOCH: {seconds} is outside of the allowed range 0 to {MAXIMUM_SECONDS}"
    ))]
    OutOfRange {
        /// What was given.
        seconds: u64,
    },
}

/// 11 octal digits, the width of a time in the header of a POSIX tar entry.
const MAXIMUM_SECONDS: u64 = 0o777_7777_7777;

/// A whole second since 1970-01-01T00:00:00Z, the unit of the environment variable `SOURCE_DATE_EPOCH`
/// (reproducible-builds.org).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 2026-01-01T00:00:00Z: what archives carry unless the caller says otherwise.
    pub const DEFAULT: Self = Self(1_767_225_600);

    /// Reads the value of `SOURCE_DATE_EPOCH`.
    ///
    /// # Errors
    /// When the text is not a whole number or does not fit into a tar header.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let seconds = text
            .trim()
            .parse::<u64>()
            .context(NotANumberSnafu { text })?;
        (seconds <= MAXIMUM_SECONDS)
            .then_some(Self(seconds))
            .context(OutOfRangeSnafu { seconds })
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// The instant as RFC 3339 in UTC, the form of `org.opencontainers.image.created`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let (year, month, day) = date(self.0 / 86_400);
        let second = self.0 % 86_400;
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

impl fmt::Display for Timestamp {
    /// The seconds, as [`Timestamp::parse`] reads them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Year, month and day of the Gregorian calendar, counted in the 400 years (146,097 days) after which it repeats.
fn date(days_since_1970: u64) -> (u64, u64, u64) {
    // Counting from 0000-03-01 puts the leap day last in its year.
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_rfc3339_across_leap_days_and_the_turn_of_a_year() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_210_096, "2024-02-29T12:34:56Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (Timestamp::DEFAULT.seconds(), "2026-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp(seconds).rfc3339(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_a_second_and_names_the_variable() {
        for text in ["", "yesterday", "-1", "1.5", "8589934592"] {
            let message = Timestamp::parse(text).unwrap_err().to_string();
            assert!(message.starts_with("SOURCE_DATE_EPOCH: "), "{message}");
            assert!(message.contains("8589934591"), "{message}");
        }
        assert_eq!(
            Timestamp::parse("8589934591\n").unwrap().seconds(),
            MAXIMUM_SECONDS
        );
    }
}
