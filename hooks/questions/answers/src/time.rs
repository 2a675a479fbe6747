//! Moments as people and other programs read them.

use jiff::Timestamp;

/// A moment in milliseconds since 1970, in UTC to the second, such as `2026-01-31T12:00:00Z`; none for 0 and what is before,
/// with which servers say that there is none.
#[must_use]
pub fn moment(milliseconds: i64) -> Option<String> {
    if milliseconds <= 0 {
        return None;
    }
    let moment = Timestamp::from_second(milliseconds / 1_000).ok()?;
    Some(moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_utc_to_the_second() {
        let expected = Some("2026-01-31T12:00:00Z".to_owned());
        assert_eq!(moment(1_769_860_800_999), expected);
        assert_eq!(moment(0), None);
        assert_eq!(moment(-1), None);
        assert_eq!(moment(i64::MAX), None);
    }
}
