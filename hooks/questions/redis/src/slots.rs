//! The question how slots and keys are spread over the shards of a cluster.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use midships_answers::{Column, Problem, Told, or_nothing, table, with_problems};
use midships_client_redis::{SLOTS, Slot, Slots};
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Servers};
use crate::figures;
use crate::landscape::{Kind, Landscape, Place, ranges};
use crate::query::Query;
use crate::reading::{count, read};

/// How many slots a server is asked about in one go.
const AT_ONCE: usize = 1_024;

/// How slots and keys are spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    /// The shards, by their first slots.
    pub shards: Vec<Shard>,
    /// The slots with most keys, where they were counted.
    pub fullest: Option<Vec<FullSlot>>,
    /// How many slots have no key, where they were counted.
    pub empty_slots: Option<u64>,
    /// What was not answered or is not as it should be.
    pub problems: Vec<Problem>,
}

/// A master with its part of the keys.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shard {
    /// The master's address.
    pub master: String,
    /// How many slots it has.
    pub slot_count: u16,
    /// The slots, as ranges.
    pub slots: Slots,
    /// How many keys it has.
    pub keys: Option<u64>,
    /// How much memory it uses.
    pub used_memory_bytes: Option<u64>,
}

/// A slot with many keys.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FullSlot {
    /// The slot.
    pub slot: Slot,
    /// Its master's address.
    pub master: String,
    /// How many keys are in it.
    pub keys: u64,
}

impl Distribution {
    /// Asks the masters of a cluster. With a number, it counts the keys of every slot and tells so many of the slots with most.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope, fullest: Option<usize>) -> Self {
        let asking = Asking::new(servers);
        let landscape = Landscape::ask(&asking, scope).await;
        let (places, mut problems) = landscape.places(scope);
        if landscape.kind() != Some(Kind::Cluster) {
            if landscape.kind().is_some() {
                problems = vec![Problem::new(
                    "the servers",
                    "are no cluster, so that they have no slots",
                )];
            }
            return Self {
                shards: Vec::new(),
                fullest: None,
                empty_slots: None,
                problems,
            };
        }
        let shard = |place: &Place| {
            let information = landscape.at(&place.address).map(|found| &found.information);
            let slots = place.slots.clone().unwrap_or_default();
            Shard {
                master: place.address.clone(),
                slot_count: slots.len(),
                slots,
                keys: information.map(crate::topology::keys),
                used_memory_bytes: information
                    .and_then(|information| information.value("used_memory")),
            }
        };
        let mut distribution = Self {
            shards: places.iter().map(shard).collect(),
            fullest: None,
            empty_slots: None,
            problems,
        };
        if let Some(number) = fullest {
            distribution.count(&asking, &places, number).await;
        }
        distribution
    }

    /// Counts the keys of every slot, at each master also of slots that are others'.
    async fn count<S: Servers>(&mut self, asking: &Asking<'_, S>, places: &[Place], number: usize) {
        let mut full = Vec::new();
        let mut empty = 0;
        for place in places {
            let own = place.slots.clone().unwrap_or_default();
            let counts = match counts(asking, place).await {
                Ok(counts) => counts,
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            let mut left: BTreeMap<Slot, u64> = BTreeMap::new();
            for (slot, keys) in counts {
                if own.contains(slot) {
                    empty += u64::from(keys == 0);
                    full.push(FullSlot {
                        slot,
                        master: place.address.clone(),
                        keys,
                    });
                } else if keys > 0 {
                    left.insert(slot, keys);
                }
            }
            if !left.is_empty() {
                let keys: u64 = left.values().sum();
                let slots: Slots = left.into_keys().collect();
                let why = format!(
                    "has {keys} keys of slots that are not its own, left over from a move or still on their way: {}",
                    ranges(&slots)
                );
                self.problems.push(Problem::new(&place.address, why));
            }
        }
        full.sort_by_key(|slot| (Reverse(slot.keys), slot.slot));
        full.retain(|slot| slot.keys > 0);
        full.truncate(number);
        self.fullest = Some(full);
        self.empty_slots = Some(empty);
    }
}

/// The keys that a master has of each slot.
async fn counts<S: Servers>(
    asking: &Asking<'_, S>,
    place: &Place,
) -> Result<Vec<(Slot, u64)>, Problem> {
    let all: Vec<Slot> = Slots::all().iter().collect();
    let mut counts = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        let queries: Vec<Query> = some.iter().copied().map(Query::KeysOfSlot).collect();
        let mut answers = asking.one(&place.reached, &queries).await?.into_iter();
        for slot in some {
            let keys = read(&place.address, answers.next(), "a number of keys", count)?;
            counts.push((*slot, keys));
        }
    }
    Ok(counts)
}

impl Told for Distribution {
    fn text(&self) -> String {
        let columns = [
            Column::Text("MASTER"),
            Column::Number("SLOTS"),
            Column::Number("PART"),
            Column::Number("KEYS"),
            Column::Number("PART"),
            Column::Number("KEYS A SLOT"),
            Column::Number("MEMORY"),
            Column::Text("RANGES"),
        ];
        let all: u64 = self.shards.iter().filter_map(|shard| shard.keys).sum();
        let row = |shard: &Shard| {
            let slots = u64::from(shard.slot_count);
            [
                shard.master.clone(),
                slots.to_string(),
                figures::part(slots, SLOTS.into()),
                or_nothing(shard.keys),
                or_nothing(shard.keys.map(|keys| figures::part(keys, all))),
                or_nothing(shard.keys.map(|keys| figures::each(keys, slots))),
                or_nothing(shard.used_memory_bytes.map(figures::bytes)),
                ranges(&shard.slots),
            ]
        };
        let rows: Vec<_> = self.shards.iter().map(row).collect();
        let fullest = self.fullest.as_deref().map(|fullest| {
            let empty = self.empty_slots.unwrap_or_default();
            format!("\n{}\nslots without keys: {empty}\n", of_slots(fullest))
        });
        let text = table(columns, &rows) + &fullest.unwrap_or_default();
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn of_slots(fullest: &[FullSlot]) -> String {
    let columns = [
        Column::Number("SLOT"),
        Column::Number("KEYS"),
        Column::Text("MASTER"),
    ];
    let row = |slot: &FullSlot| {
        let keys = slot.keys.to_string();
        [slot.slot.to_string(), keys, slot.master.clone()]
    };
    let rows: Vec<_> = fullest.iter().map(row).collect();
    table(columns, &rows)
}
