//! What the program says: plain lines, with the time in UTC where they are a log.

use std::io::Write;

use jiff::Timestamp;
use midships_engine::step::Moment;

/// Says one line of the log.
pub fn line(moment: Moment, text: &str) {
    say(&format!("{} {text}", time(moment)));
}

/// Says a text to whoever asked for it.
pub fn say(text: &str) {
    // Nobody may be listening any more; an operation does not stop for that.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Says what is wrong.
pub fn complain(text: &str) {
    // As above.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says on one line of a terminal how far something has come; the next text replaces it, and an empty one clears it.
pub fn progress(text: &str) {
    // As above.
    let _ = write!(std::io::stderr(), "\r{text}\x1b[K");
}

/// A moment as people write it, such as `2026-01-31T12:00:00Z`.
pub fn time(moment: Moment) -> String {
    let seconds = i64::try_from(moment / 1_000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc_to_the_second() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_769_860_800_999), "2026-01-31T12:00:00Z");
        assert!(time(Moment::MAX).starts_with("9999-12-30"));
    }
}
