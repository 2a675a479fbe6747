//! The longest time without an acknowledged write, of all slots and of each range of them.

use serde::Serialize;

use crate::slots::{RANGES, range, slots_of_range};

/// A time without an acknowledged write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gap {
    from: u64,
    to: u64,
}

impl Gap {
    const fn length(self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// The times of acknowledged writes in one place, of which only the last one and the longest gap are kept.
#[derive(Clone, Copy, Debug)]
struct Track {
    last: u64,
    longest: Gap,
    count: u64,
}

impl Track {
    const fn begin(now: u64) -> Self {
        Self {
            last: now,
            longest: Gap { from: now, to: now },
            count: 0,
        }
    }

    fn note(&mut self, now: u64) {
        self.longest = self.until(now);
        self.last = now;
        self.count = self.count.saturating_add(1);
    }

    /// The longest gap if one ended now.
    fn until(&self, now: u64) -> Gap {
        let gap = Gap {
            from: self.last,
            to: now,
        };
        if gap.length() > self.longest.length() {
            gap
        } else {
            self.longest
        }
    }
}

/// A gap as it is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The slots, as `first-last`.
    pub slots: String,
    /// How long it was.
    pub milliseconds: f64,
    /// When it began, in seconds since the load began.
    pub began_seconds: f64,
    /// How many writes were acknowledged in these slots in the whole run.
    pub acknowledged: u64,
}

/// All places. Times are microseconds since the load began.
#[derive(Clone, Debug)]
pub struct Gaps {
    all: Track,
    ranges: [Track; RANGES],
}

impl Gaps {
    /// The load begins: until the first acknowledged write is a gap too.
    pub const fn begin(now: u64) -> Self {
        Self {
            all: Track::begin(now),
            ranges: [Track::begin(now); RANGES],
        }
    }

    /// A write to a slot is acknowledged.
    pub fn note(&mut self, slot: u16, now: u64) {
        self.all.note(now);
        if let Some(track) = self.ranges.get_mut(range(slot)) {
            track.note(now);
        }
    }

    /// The longest gap of all slots, of a load that ends now.
    pub fn overall(&self, now: u64) -> Told {
        told(&self.all, now, slots_of_range(0, 1))
    }

    /// The longest gap of each range of slots, of a load that ends now.
    pub fn by_range(&self, now: u64) -> Vec<Told> {
        let tracks = self.ranges.iter().enumerate();
        tracks
            .map(|(number, track)| told(track, now, slots_of_range(number, RANGES)))
            .collect()
    }
}

fn told(track: &Track, now: u64, slots: String) -> Told {
    let gap = track.until(now);
    Told {
        slots,
        milliseconds: thousandths(gap.length()),
        began_seconds: thousandths(gap.from / 1000),
        acknowledged: track.count,
    }
}

/// A count of thousandths as a number; counts of microseconds stay far below what such a number holds exactly.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a run are far below 2 to the 52nd"
)]
pub fn thousandths(count: u64) -> f64 {
    count as f64 / 1000.0
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_is_found_at_the_beginning_in_the_middle_and_at_the_end() {
        let mut gaps = Gaps::begin(0);
        gaps.note(0, 300_000);
        gaps.note(0, 310_000);
        assert_eq!(gaps.overall(320_000).milliseconds, 300.0);
        gaps.note(0, 1_310_000);
        let middle = gaps.overall(1_320_000);
        assert_eq!((middle.milliseconds, middle.began_seconds), (1000.0, 0.31));
        let end = gaps.overall(4_310_000);
        assert_eq!((end.milliseconds, end.began_seconds), (3000.0, 1.31));
        assert_eq!(end.acknowledged, 3);
        assert_eq!(end.slots, "0-16383");
    }

    #[test]
    fn a_gap_of_one_range_is_none_of_all() {
        let mut gaps = Gaps::begin(0);
        for moment in 1..=100_u64 {
            gaps.note(16_383, moment * 1000);
            if moment == 50 {
                gaps.note(0, 50_000);
            }
        }
        assert_eq!(gaps.overall(100_000).milliseconds, 1.0);
        let ranges = gaps.by_range(100_000);
        assert_eq!(ranges.len(), 16);
        assert_eq!(ranges[0].milliseconds, 50.0);
        assert_eq!(ranges[1].milliseconds, 100.0);
        assert_eq!(ranges[15].milliseconds, 1.0);
        assert_eq!(ranges[15].slots, "15360-16383");
    }
}
