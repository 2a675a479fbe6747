//! Looks at keys one portion after the other, no faster than is wished, at all masters.

use std::collections::VecDeque;
use std::time::Duration;

use midships_answers::Problem;
use tokio::time::Instant;

use crate::ask::{Asking, Servers};
use crate::bytes::Bytes;
use crate::landscape::Place;
use crate::query::Query;
use crate::reading::{bytes, count, list, read};

/// The portions of a second: what is looked at in one of them keeps a server busy for well below a millisecond.
const PORTIONS_PER_SECOND: u32 = 20;
/// The most keys that are looked at in one portion.
const MOST_AT_ONCE: u32 = 1_000;
/// The portions that a master may need beyond what its number of keys says: its table is larger than full while it grows or shrinks.
const MORE_PORTIONS: u64 = 1_000;

/// How many keys a second are looked at, over all masters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate(u32);

impl Rate {
    /// So many keys; at least one.
    #[must_use]
    pub fn of(keys_per_second: u32) -> Self {
        Self(keys_per_second.max(1))
    }

    /// The keys of a portion.
    fn portion(self) -> u32 {
        (self.0 / PORTIONS_PER_SECOND).clamp(1, MOST_AT_ONCE)
    }

    /// How long so many keys take.
    fn time(self, keys: u64) -> Duration {
        Duration::from_millis(keys.saturating_mul(1_000) / u64::from(self.0))
    }
}

/// How far one has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// The keys that have been looked at, about.
    pub keys: u64,
    /// The keys that there are.
    pub of: u64,
}

impl Looked {
    /// Whether all have been looked at.
    #[must_use]
    pub fn is_all(self) -> bool {
        self.keys >= self.of
    }
}

/// Is told how far one has come.
pub type Watching<'a> = &'a dyn Fn(Looked);

/// Keys of one master.
pub(crate) struct Portion {
    pub(crate) place: Place,
    pub(crate) keys: Vec<Bytes>,
}

/// A master that is being looked at.
struct Ahead {
    place: Place,
    cursor: u64,
    /// The keys that it has.
    keys: u64,
    /// Those that have been looked at.
    looked: u64,
    /// Those that are looked at, at most.
    quota: u64,
    portions_left: u64,
}

/// A walk over the keys of all masters.
pub(crate) struct Walk<'a, S> {
    asking: &'a Asking<'a, S>,
    watching: Watching<'a>,
    pattern: Option<Bytes>,
    rate: Rate,
    begun: Instant,
    /// The keys for which time has been taken.
    paid: u64,
    ahead: VecDeque<Ahead>,
    looked: Looked,
    problems: Vec<Problem>,
}

impl<'a, S: Servers> Walk<'a, S> {
    /// Begins: asks each master how many keys it has. Of all keys, about as many are looked at as the quota says, of each master the
    /// same part.
    pub(crate) async fn begin(
        asking: &'a Asking<'a, S>,
        places: Vec<Place>,
        pattern: Option<Bytes>,
        rate: Rate,
        quota: Option<u64>,
        watching: Watching<'a>,
    ) -> Self {
        let questions: Vec<_> = places
            .iter()
            .map(|place| (place.reached.clone(), vec![Query::Keys]))
            .collect();
        let mut ahead = VecDeque::new();
        let mut problems = Vec::new();
        for (place, answers) in places.into_iter().zip(asking.all(&questions).await) {
            let keys = answers.and_then(|mut answers| {
                read(&place.address, answers.pop(), "a number of keys", count)
            });
            match keys {
                Ok(keys) => ahead.push_back(Ahead {
                    place,
                    cursor: 0,
                    keys,
                    looked: 0,
                    quota: u64::MAX,
                    portions_left: keys / u64::from(rate.portion()) * 2 + MORE_PORTIONS,
                }),
                Err(problem) => problems.push(problem),
            }
        }
        let of: u64 = ahead.iter().map(|master| master.keys).sum();
        if let Some(quota) = quota {
            for master in &mut ahead {
                master.quota = share(quota, master.keys, of);
            }
        }
        Self {
            asking,
            watching,
            pattern,
            rate,
            begun: Instant::now(),
            paid: 0,
            ahead,
            looked: Looked { keys: 0, of },
            problems,
        }
    }

    /// The next keys that are like the pattern, maybe none; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Portion> {
        loop {
            let master = self.ahead.front_mut()?;
            if master.looked >= master.quota || master.portions_left == 0 {
                if master.portions_left == 0 {
                    let why =
                        "has more keys with each look, so that its last ones were not looked at";
                    self.problems.push(Problem::new(&master.place.address, why));
                }
                self.ahead.pop_front();
                continue;
            }
            tokio::time::sleep_until(self.begun + self.rate.time(self.paid)).await;
            let left = u32::try_from(master.quota - master.looked).unwrap_or(u32::MAX);
            let count = self.rate.portion().min(left);
            let (place, before) = (master.place.clone(), master.looked);
            match scan(self.asking, master, self.pattern.clone(), count).await {
                Ok(keys) => {
                    self.paid += u64::from(count);
                    self.looked.keys += master.looked - before;
                    (self.watching)(self.looked);
                    if master.cursor == 0 {
                        self.ahead.pop_front();
                    }
                    return Some(Portion { place, keys });
                }
                Err(problem) => {
                    self.problems.push(problem);
                    self.ahead.pop_front();
                }
            }
        }
    }

    /// How far it has come, and what was wrong on the way.
    pub(crate) fn end(self) -> (Looked, Vec<Problem>) {
        (self.looked, self.problems)
    }
}

/// A master's part of the keys that are looked at: at least one of those that have any.
fn share(quota: u64, keys: u64, of: u64) -> u64 {
    let share = u128::from(quota) * u128::from(keys) / u128::from(of.max(1));
    u64::try_from(share).unwrap_or(u64::MAX).max(1)
}

async fn scan<S: Servers>(
    asking: &Asking<'_, S>,
    master: &mut Ahead,
    pattern: Option<Bytes>,
    portion: u32,
) -> Result<Vec<Bytes>, Problem> {
    let query = Query::Scan {
        cursor: master.cursor,
        pattern,
        count: portion,
    };
    let mut answers = asking.one(&master.place.reached, &[query]).await?;
    let (cursor, keys) = read(&master.place.address, answers.pop(), "keys", |value| {
        let [cursor, keys] = list(value)? else {
            return None;
        };
        let keys: Option<Vec<Bytes>> = list(keys)?.iter().map(bytes).collect();
        // The cursor is written as text and uses all bits.
        let cursor = String::from_utf8(bytes(cursor)?.0).ok()?.parse().ok()?;
        Some((cursor, keys?))
    })?;
    master.cursor = cursor;
    master.portions_left -= 1;
    let looked = master.looked.saturating_add(portion.into());
    // The last look has seen all keys, whatever was counted.
    master.looked = if cursor == 0 {
        master.keys
    } else {
        looked.min(master.keys)
    };
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_in_portions() {
        assert_eq!(Rate::of(10_000).portion(), 500);
        assert_eq!(Rate::of(10_000).time(500), Duration::from_millis(50));
        assert_eq!(Rate::of(1_000_000).portion(), 1_000);
        assert_eq!(Rate::of(1_000_000).time(1_000), Duration::from_millis(1));
        assert_eq!(Rate::of(0).portion(), 1);
        assert_eq!(Rate::of(0).time(3), Duration::from_secs(3));
    }

    #[test]
    fn each_master_has_its_part_of_a_sample() {
        assert_eq!(share(100, 900, 1_000), 90);
        assert_eq!(share(100, 1, 1_000), 1);
        assert_eq!(share(u64::MAX, u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(share(100, 0, 0), 1);
    }
}
