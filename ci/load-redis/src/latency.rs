//! How long writes took, counted by lengths so that any number of them takes the same memory.

use serde::Serialize;

use crate::gaps::thousandths;

/// Steps of each doubling of the length: what is told is at most a thirty-second too long.
const STEPS: u64 = 32;
/// As many counts as there are steps below 2 to the 63rd.
const COUNTS: usize = 64 * 32;

/// Counts of lengths in microseconds.
#[derive(Clone, Debug)]
pub struct Latency {
    counts: Vec<u64>,
    total: u64,
    longest: u64,
}

/// What is told of them, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// Half took no longer.
    pub p50: f64,
    /// Of a hundred, one took longer.
    pub p99: f64,
    /// Of a thousand, one took longer.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    /// No lengths.
    pub fn new() -> Self {
        Self {
            counts: vec![0; COUNTS],
            total: 0,
            longest: 0,
        }
    }

    /// One more length.
    pub fn note(&mut self, microseconds: u64) {
        if let Some(count) = self.counts.get_mut(step(microseconds)) {
            *count += 1;
        }
        self.total += 1;
        self.longest = self.longest.max(microseconds);
    }

    /// Adds other counts to these.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
    }

    /// The figures.
    pub fn told(&self) -> Told {
        Told {
            p50: thousandths(self.part(500)),
            p99: thousandths(self.part(990)),
            p999: thousandths(self.part(999)),
            max: thousandths(self.longest),
        }
    }

    /// The length that so many of a thousand did not exceed.
    fn part(&self, of_a_thousand: u64) -> u64 {
        let wanted = (self.total * of_a_thousand).div_ceil(1000);
        let mut seen = 0;
        for (number, count) in (0_u64..).zip(&self.counts) {
            seen += count;
            if seen >= wanted && seen > 0 {
                return end_of_step(number).min(self.longest);
            }
        }
        self.longest
    }
}

/// The step of a length: one for each microsecond at first, then `STEPS` for each doubling.
fn step(microseconds: u64) -> usize {
    let doublings = (microseconds | 1).ilog2().saturating_sub(STEPS.ilog2());
    let within = microseconds >> doublings;
    usize::try_from(u64::from(doublings) * STEPS + within).unwrap_or(usize::MAX)
}

/// The longest length of a step.
fn end_of_step(number: u64) -> u64 {
    let doublings = (number / STEPS).saturating_sub(1);
    let within = number - doublings * STEPS;
    ((within + 1) << doublings) - 1
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_step_ends_where_the_next_begins() {
        for length in (0..5000).chain([123_456, 10_000_000, 3_600_000_000]) {
            let number = step(length);
            let end = end_of_step(number as u64);
            assert!(end >= length && step(end) == number && step(end + 1) == number + 1);
            assert!(end - length <= length / STEPS, "{length} is told as {end}");
        }
    }

    #[test]
    fn parts_are_told_within_a_step() {
        let mut latency = Latency::new();
        for length in 1..=10_000 {
            latency.note(length);
        }
        let told = latency.told();
        assert!((5.0..5.2).contains(&told.p50), "{told:?}");
        assert!((9.9..=10.0).contains(&told.p99), "{told:?}");
        assert!((9.99..=10.0).contains(&told.p999), "{told:?}");
        assert_eq!(told.max, 10.0);
    }

    #[test]
    fn counts_add_up() {
        let (mut one, mut other) = (Latency::new(), Latency::new());
        one.note(100);
        other.note(200_000);
        one.add(&other);
        assert_eq!(one.told().max, 200.0);
        assert_eq!(one.told().p50, 0.101);
        let none = Latency::new().told();
        assert_eq!((none.p50, none.max), (0.0, 0.0));
    }
}
