//! The count of all that a load does and finds.

use std::time::Instant;

use redis::RedisError;

use crate::errors::Errors;
use crate::gaps::Gaps;
use crate::judge::{Difference, Judgement};
use crate::latency::Latency;

/// How many findings are told with their words.
const EXAMPLES: usize = 10;

/// What has been counted so far.
#[derive(Debug)]
pub struct Tally {
    begun: Instant,
    /// Writes that were begun.
    pub written: u64,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that have failed.
    pub errors: Errors,
    /// Times without an acknowledged write.
    pub gaps: Gaps,
    /// How long acknowledged writes took.
    pub latency: Latency,
    /// The same since it was last taken.
    pub recent: Latency,
    /// Acknowledged writes of which nothing was found.
    pub lost: u64,
    /// Acknowledged writes of whose keys an older value was found.
    pub stale: u64,
    /// Keys that held what nobody had written.
    pub damaged: u64,
    /// Writes that were carried out more than once.
    pub repeated: u64,
    /// Acknowledged increments that had no effect.
    pub lost_increments: u64,
    /// Increments that were carried out more than once.
    pub repeated_increments: u64,
    /// Keys and counters that could not be read back.
    pub unread: u64,
    /// Keys and counters that were read back.
    pub read: u64,
    /// The first findings in words.
    pub findings: Vec<String>,
}

impl Tally {
    /// The load begins.
    pub fn begin(begun: Instant) -> Self {
        Self {
            begun,
            written: 0,
            acknowledged: 0,
            errors: Errors::default(),
            gaps: Gaps::begin(0),
            latency: Latency::new(),
            recent: Latency::new(),
            lost: 0,
            stale: 0,
            damaged: 0,
            repeated: 0,
            lost_increments: 0,
            repeated_increments: 0,
            unread: 0,
            read: 0,
            findings: Vec::new(),
        }
    }

    /// Microseconds since the load began.
    pub fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// A write to a slot was acknowledged, which began so many microseconds after the load did.
    pub fn acknowledge(&mut self, slot: u16, begun: u64) {
        let now = self.now();
        self.acknowledged += 1;
        self.recent.note(now.saturating_sub(begun));
        self.gaps.note(slot, now);
    }

    /// A write has failed.
    pub fn fail(&mut self, error: &RedisError) {
        let now = self.now();
        self.errors.note(error, now);
    }

    /// What was found in a key; the words are asked for only where something is wrong.
    pub fn judge(&mut self, judgement: &Judgement, words: impl FnOnce() -> String) {
        match judgement {
            Judgement::Kept => return,
            Judgement::Repeated => self.repeated += 1,
            Judgement::Lost => self.lost += 1,
            Judgement::Stale => self.stale += 1,
            Judgement::Damaged => self.damaged += 1,
        }
        self.tell(words);
    }

    /// What a counter was found to be.
    pub fn compare(&mut self, difference: Difference, words: impl FnOnce() -> String) {
        if difference == Difference::default() {
            return;
        }
        self.lost_increments += difference.missing;
        self.repeated_increments += difference.repeated;
        self.tell(words);
    }

    fn tell(&mut self, words: impl FnOnce() -> String) {
        if self.findings.len() < EXAMPLES {
            let seconds = self.begun.elapsed().as_secs_f64();
            self.findings.push(format!("{seconds:.3} s: {}", words()));
        }
    }

    /// The lengths since this was asked last, which count for the whole from now on.
    pub fn take_recent(&mut self) -> Latency {
        let recent = std::mem::replace(&mut self.recent, Latency::new());
        self.latency.add(&recent);
        recent
    }

    /// Whether all that was acknowledged was read back.
    pub const fn is_whole(&self) -> bool {
        self.lost == 0
            && self.stale == 0
            && self.damaged == 0
            && self.lost_increments == 0
            && self.unread == 0
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn findings_are_counted_and_the_first_are_told() {
        let mut tally = Tally::begin(Instant::now());
        tally.judge(&Judgement::Kept, || "kept".to_owned());
        tally.judge(&Judgement::Repeated, || "repeated".to_owned());
        assert!(tally.is_whole());
        for judgement in [Judgement::Lost, Judgement::Stale, Judgement::Damaged] {
            for _ in 0..5 {
                tally.judge(&judgement, || "wrong".to_owned());
            }
            assert!(!tally.is_whole());
        }
        assert_eq!((tally.lost, tally.stale, tally.damaged), (5, 5, 5));
        assert_eq!(tally.repeated, 1);
        assert_eq!(tally.findings.len(), EXAMPLES);
        assert!(tally.findings[0].ends_with("s: repeated"));
    }

    #[test]
    fn a_missing_increment_is_a_loss_and_a_repeated_one_is_none() {
        let mut tally = Tally::begin(Instant::now());
        let repeated = Difference {
            missing: 0,
            repeated: 2,
        };
        tally.compare(repeated, String::new);
        assert!(tally.is_whole());
        let missing = Difference {
            missing: 3,
            repeated: 0,
        };
        tally.compare(missing, String::new);
        assert!(!tally.is_whole());
        assert_eq!((tally.lost_increments, tally.repeated_increments), (3, 2));
    }

    #[test]
    fn recent_lengths_count_for_the_whole_once_they_are_taken() {
        let mut tally = Tally::begin(Instant::now());
        tally.acknowledge(5, 0);
        assert_eq!(tally.latency.told().max, 0.0);
        tally.take_recent();
        assert_eq!(tally.take_recent().told().max, 0.0);
        assert_eq!(tally.acknowledged, 1);
    }
}
