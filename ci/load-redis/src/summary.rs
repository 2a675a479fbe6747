//! The lines that a load prints: one each second, and the summary.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::arguments::Run;
use crate::connection::{Counts, Policy};
use crate::errors::Errors;
use crate::gaps::{self, thousandths};
use crate::latency;
use crate::processor::Processor;
use crate::tally::Tally;

/// The line of each second.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress<'a> {
    event: &'static str,
    seconds: f64,
    written: u64,
    acknowledged: u64,
    rate: f64,
    errors: BTreeMap<&'a str, u64>,
    lost: u64,
    stale: u64,
    latency: latency::Told,
}

impl<'a> Progress<'a> {
    /// What has become of a load since an earlier moment with its count of acknowledged writes.
    pub fn since(tally: &'a Tally, before: (u64, u64), latency: latency::Told) -> Self {
        let now = tally.now();
        Self {
            event: "progress",
            seconds: thousandths(now / 1000),
            written: tally.written,
            acknowledged: tally.acknowledged,
            rate: rate(
                tally.acknowledged.saturating_sub(before.1),
                now.saturating_sub(before.0),
            ),
            errors: tally.errors.counts(),
            lost: tally.lost + tally.lost_increments,
            stale: tally.stale,
            latency,
        }
    }
}

/// The last line. Times that have no unit in their names are milliseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'a> {
    event: &'static str,
    mode: String,
    policy: Policy,
    seconds: f64,
    written: u64,
    acknowledged: u64,
    rate: f64,
    lost: u64,
    stale: u64,
    damaged: u64,
    repeated: u64,
    lost_increments: u64,
    repeated_increments: u64,
    read: u64,
    unread: u64,
    read_seconds: f64,
    findings: &'a [String],
    failed: u64,
    errors: &'a Errors,
    #[serde(flatten)]
    counts: Counts,
    longest_gap: gaps::Told,
    gaps: Vec<gaps::Told>,
    latency: latency::Told,
    processor: Option<Processor>,
}

/// Moments of a load, in microseconds since it began.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// When it was told to end.
    pub ended: u64,
    /// When everything was read back.
    pub read: u64,
}

impl<'a> Summary<'a> {
    /// All that is told at the end; `lost` has the increments among it.
    pub fn of(
        options: &Run,
        tally: &'a Tally,
        moments: Moments,
        counts: Counts,
        processor: Option<Processor>,
    ) -> Self {
        Self {
            event: "summary",
            mode: format!("{:?}", options.target.mode).to_lowercase(),
            policy: Policy::of(&options.target),
            seconds: thousandths(moments.ended / 1000),
            written: tally.written,
            acknowledged: tally.acknowledged,
            rate: rate(tally.acknowledged, moments.ended),
            lost: tally.lost + tally.lost_increments,
            stale: tally.stale,
            damaged: tally.damaged,
            repeated: tally.repeated,
            lost_increments: tally.lost_increments,
            repeated_increments: tally.repeated_increments,
            read: tally.read,
            unread: tally.unread,
            read_seconds: thousandths(moments.read.saturating_sub(moments.ended) / 1000),
            findings: &tally.findings,
            failed: tally.errors.total(),
            errors: &tally.errors,
            counts,
            longest_gap: tally.gaps.overall(moments.ended),
            gaps: tally.gaps.by_range(moments.ended),
            latency: tally.latency.told(),
            processor,
        }
    }
}

/// So many in so many microseconds, as a number a second with one decimal.
fn rate(count: u64, microseconds: u64) -> f64 {
    let tenths = u128::from(count) * 10_000_000 / u128::from(microseconds.max(1));
    thousandths(u64::try_from(tenths * 100).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_a_second() {
        assert_eq!(rate(7500, 1_000_000), 7500.0);
        assert_eq!(rate(1, 3_000_000), 0.3);
        assert_eq!(rate(0, 0), 0.0);
    }
}
