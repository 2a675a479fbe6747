//! How much of a processor this program has taken, and how long it has waited for one: who waits measures itself.

use std::fs;

use serde::Serialize;

use crate::gaps::thousandths;

/// Times of the one thread that does everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Processor {
    /// Seconds on a processor.
    pub used_seconds: f64,
    /// Seconds in which it could have gone on, had a processor been free.
    pub waited_seconds: f64,
}

/// The times until now; nothing where the system does not tell.
pub fn processor() -> Option<Processor> {
    parse(&fs::read_to_string("/proc/self/schedstat").ok()?)
}

fn parse(text: &str) -> Option<Processor> {
    let mut nanoseconds = text.split_whitespace().map(str::parse::<u64>);
    let mut next = || Some(thousandths(nanoseconds.next()?.ok()? / 1_000_000));
    Some(Processor {
        used_seconds: next()?,
        waited_seconds: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_nanoseconds() {
        let expected = Processor {
            used_seconds: 1.5,
            waited_seconds: 0.25,
        };
        assert_eq!(parse("1500000000 250000000 77\n"), Some(expected));
        assert_eq!(parse("1500000000"), None);
    }
}
