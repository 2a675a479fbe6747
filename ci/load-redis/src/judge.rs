//! What must be found in a key or a counter after writes that were acknowledged and writes of which nobody knows what became.

use crate::record::Found;

/// What was found, judged by what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// What must be there is there.
    Kept,
    /// A write has found itself: it was carried out twice, because the client has sent it again.
    Repeated,
    /// Nothing is there though a write was acknowledged.
    Lost,
    /// An older value is there than the one that was acknowledged last.
    Stale,
    /// Something is there that nobody has written.
    Damaged,
}

/// The writes to one key, one after the other, of which each tells what it found before.
#[derive(Clone, Debug, Default)]
pub struct Key {
    acknowledged: u32,
    attempted: u32,
    // Writes since the acknowledged one of which it is not known whether they took effect.
    uncertain: Vec<u32>,
}

impl Key {
    /// The number of the next write, which begins now.
    pub fn begin(&mut self) -> u32 {
        self.attempted = self.attempted.saturating_add(1);
        self.attempted
    }

    /// A write was acknowledged: what it found before, judged.
    pub fn acknowledge(&mut self, sequence: u32, before: Found) -> Judgement {
        let judgement = if before == Found::Sequence(sequence) {
            Judgement::Repeated
        } else {
            self.judge(before)
        };
        self.acknowledged = sequence;
        self.uncertain.clear();
        judgement
    }

    /// A write has failed, which may have taken effect nevertheless.
    pub fn fail(&mut self, sequence: u32) {
        self.uncertain.push(sequence);
    }

    /// Whether any write was attempted, so that there is something to read back.
    pub const fn is_written(&self) -> bool {
        self.attempted > 0
    }

    /// What is found in the key, judged.
    pub fn judge(&self, found: Found) -> Judgement {
        match found {
            Found::Nothing if self.acknowledged == 0 => Judgement::Kept,
            Found::Nothing => Judgement::Lost,
            Found::Sequence(sequence)
                if sequence == self.acknowledged || self.uncertain.contains(&sequence) =>
            {
                Judgement::Kept
            }
            Found::Sequence(sequence) if sequence < self.acknowledged => Judgement::Stale,
            Found::Sequence(_) | Found::Damaged => Judgement::Damaged,
        }
    }

    /// What may be found, in words.
    pub fn expected(&self) -> String {
        if self.uncertain.is_empty() {
            format!("write {}", self.acknowledged)
        } else {
            format!("write {} or one of {:?}", self.acknowledged, self.uncertain)
        }
    }
}

/// How many increments of a counter are missing or too many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Acknowledged increments that have no effect any more.
    pub missing: u64,
    /// Increments that were carried out more than once.
    pub repeated: u64,
}

/// The increments of one counter, one after the other, of which each tells what it led to.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    // What it was after the last acknowledged increment; nothing before the first one, since an earlier run may have left a value.
    value: Option<u64>,
    uncertain: u64,
}

impl Counter {
    /// An increment was acknowledged and led to this value.
    pub fn acknowledge(&mut self, value: u64) -> Difference {
        let difference = self.compare(value, 1);
        self.value = Some(value);
        self.uncertain = 0;
        difference
    }

    /// An increment has failed, which may have taken effect nevertheless.
    pub const fn fail(&mut self) {
        self.uncertain = self.uncertain.saturating_add(1);
    }

    /// Whether its value is known, so that there is something to read back.
    pub const fn is_written(&self) -> bool {
        self.value.is_some()
    }

    /// The value that is read back, compared with what it must be.
    pub fn judge(&self, value: u64) -> Difference {
        self.compare(value, 0)
    }

    fn compare(&self, found: u64, increments: u64) -> Difference {
        let Some(value) = self.value else {
            return Difference::default();
        };
        let least = value.saturating_add(increments);
        let most = least.saturating_add(self.uncertain);
        Difference {
            missing: least.saturating_sub(found),
            repeated: found.saturating_sub(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(acknowledged: &[u32], failed: &[u32]) -> Key {
        let mut key = Key::default();
        let last = acknowledged.iter().chain(failed).max().copied();
        for expected in 1..=last.unwrap_or(0) {
            assert_eq!(key.begin(), expected);
            if acknowledged.contains(&expected) {
                key.acknowledge(expected, Found::Nothing);
            } else {
                key.fail(expected);
            }
        }
        key
    }

    #[test]
    fn the_last_acknowledged_write_must_be_there() {
        let key = written(&[1, 2, 3], &[]);
        assert_eq!(key.judge(Found::Sequence(3)), Judgement::Kept);
        assert_eq!(key.judge(Found::Sequence(2)), Judgement::Stale);
        assert_eq!(key.judge(Found::Nothing), Judgement::Lost);
        assert_eq!(key.judge(Found::Sequence(4)), Judgement::Damaged);
        assert_eq!(key.judge(Found::Damaged), Judgement::Damaged);
    }

    #[test]
    fn a_later_write_of_unknown_fate_may_be_there() {
        let key = written(&[1, 3], &[2, 4, 5]);
        for sequence in [3, 4, 5] {
            assert_eq!(key.judge(Found::Sequence(sequence)), Judgement::Kept);
        }
        assert_eq!(key.judge(Found::Sequence(2)), Judgement::Stale);
        assert_eq!(key.judge(Found::Sequence(1)), Judgement::Stale);
        assert_eq!(key.judge(Found::Nothing), Judgement::Lost);
        assert_eq!(key.expected(), "write 3 or one of [4, 5]");
    }

    #[test]
    fn without_an_acknowledged_write_nothing_must_be_there() {
        let key = written(&[], &[1, 2]);
        assert_eq!(key.judge(Found::Nothing), Judgement::Kept);
        assert_eq!(key.judge(Found::Sequence(1)), Judgement::Kept);
        assert_eq!(key.judge(Found::Sequence(3)), Judgement::Damaged);
        assert!(key.is_written());
        assert!(!Key::default().is_written());
    }

    #[test]
    fn each_write_judges_the_one_before_it_once() {
        let mut key = written(&[1, 2], &[]);
        let third = key.begin();
        assert_eq!(key.acknowledge(third, Found::Sequence(1)), Judgement::Stale);
        let fourth = key.begin();
        assert_eq!(
            key.acknowledge(fourth, Found::Sequence(third)),
            Judgement::Kept
        );
        assert_eq!(key.judge(Found::Sequence(fourth)), Judgement::Kept);
    }

    #[test]
    fn a_write_that_finds_itself_was_carried_out_twice() {
        let mut key = written(&[1], &[]);
        let second = key.begin();
        assert_eq!(
            key.acknowledge(second, Found::Sequence(second)),
            Judgement::Repeated
        );
        assert_eq!(key.judge(Found::Sequence(second)), Judgement::Kept);
    }

    fn difference(missing: u64, repeated: u64) -> Difference {
        Difference { missing, repeated }
    }

    #[test]
    fn a_counter_begins_with_what_it_is_found_with() {
        let mut counter = Counter::default();
        counter.fail();
        assert!(!counter.is_written());
        assert_eq!(counter.acknowledge(41), difference(0, 0));
        assert_eq!(counter.acknowledge(42), difference(0, 0));
        assert_eq!(counter.judge(42), difference(0, 0));
    }

    #[test]
    fn increments_are_missed_and_counted_twice() {
        let mut counter = Counter::default();
        counter.acknowledge(10);
        assert_eq!(counter.acknowledge(9), difference(2, 0));
        assert_eq!(counter.acknowledge(12), difference(0, 2));
        assert_eq!(counter.judge(11), difference(1, 0));
        assert_eq!(counter.judge(13), difference(0, 1));
    }

    #[test]
    fn an_increment_of_unknown_fate_may_count() {
        let mut counter = Counter::default();
        counter.acknowledge(10);
        counter.fail();
        counter.fail();
        for value in 10..=12 {
            assert_eq!(counter.judge(value), difference(0, 0));
        }
        assert_eq!(counter.judge(13), difference(0, 1));
        assert_eq!(counter.judge(9), difference(1, 0));
        assert_eq!(counter.clone().acknowledge(11), difference(0, 0));
        assert_eq!(counter.clone().acknowledge(13), difference(0, 0));
        assert_eq!(counter.acknowledge(14), difference(0, 1));
    }
}
