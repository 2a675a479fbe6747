//! The question which keys take most memory, from a sample of all keys.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use midships_answers::{Column, Problem, Told, table, with_problems};
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Servers};
use crate::bytes::Bytes;
use crate::figures;
use crate::landscape::Landscape;
use crate::query::Query;
use crate::reading::{count, text};
use crate::scan::{Looked, Portion, Rate, Walk, Watching};

/// How many prefixes are told apart; what comes later is counted together.
const MOST_PREFIXES: usize = 10_000;

/// What is looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sample {
    /// How many keys are looked at, over all masters.
    pub keys: u64,
    /// How many keys a second are looked at.
    pub rate: Rate,
    /// What ends the first part of a key, by which keys are counted together.
    pub separator: Bytes,
    /// How many of the biggest keys of each type, and how many prefixes, are told.
    pub limit: usize,
}

/// The biggest keys of a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BigKeys {
    /// The types, the one that takes most memory first.
    pub types: Vec<OfType>,
    /// The prefixes that take most memory.
    pub prefixes: Vec<OfPrefix>,
    /// How many keys were looked at.
    pub looked: Looked,
    /// What was not answered.
    pub problems: Vec<Problem>,
}

/// The keys of a type.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfType {
    /// The type, such as `hash`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many keys of it are in the sample.
    pub keys: u64,
    /// How much memory they take, about.
    pub memory_bytes: u64,
    /// The biggest of them.
    pub biggest: Vec<BigKey>,
}

/// A key that takes much memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BigKey {
    /// The key.
    pub key: Bytes,
    /// The master that has it.
    pub master: String,
    /// How much memory it takes with its value, about.
    pub memory_bytes: u64,
}

/// The keys with a prefix.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfPrefix {
    /// The prefix with what ends it; null for keys without one, and for those of prefixes that are too many to be told apart.
    pub prefix: Option<Bytes>,
    /// How many keys with it are in the sample.
    pub keys: u64,
    /// How much memory they take, about.
    pub memory_bytes: u64,
}

/// What has been added up.
#[derive(Default)]
struct Sums {
    types: BTreeMap<String, OfType>,
    prefixes: BTreeMap<Option<Bytes>, (u64, u64)>,
    problems: BTreeSet<Problem>,
}

impl BigKeys {
    /// Looks at a sample of the keys of all masters.
    pub async fn ask<S: Servers>(
        servers: &S,
        scope: &Scope,
        sample: &Sample,
        watching: Watching<'_>,
    ) -> Self {
        let asking = Asking::new(servers);
        let (places, problems) = Landscape::ask(&asking, scope).await.places(scope);
        let quota = Some(sample.keys);
        let walk = Walk::begin(&asking, places, None, sample.rate, quota, watching);
        let mut walk = walk.await;
        let mut sums = Sums::default();
        sums.problems.extend(problems);
        while let Some(portion) = walk.next().await {
            if let Err(problem) = sums.add(&asking, portion, sample).await {
                sums.problems.insert(problem);
            }
        }
        let (looked, more) = walk.end();
        sums.problems.extend(more);
        sums.told(looked, sample)
    }
}

impl Sums {
    async fn add<S: Servers>(
        &mut self,
        asking: &Asking<'_, S>,
        portion: Portion,
        sample: &Sample,
    ) -> Result<(), Problem> {
        let Portion { place, keys } = portion;
        if keys.is_empty() {
            return Ok(());
        }
        let queries: Vec<Query> = keys
            .iter()
            .flat_map(|key| [Query::Type(key.clone()), Query::Memory(key.clone())])
            .collect();
        let mut answers = place.ask(asking, &queries).await?.into_iter();
        for key in keys {
            let (kind, memory) = (answers.next(), answers.next());
            let kind = kind.and_then(|kind| text(&kind.ok()?));
            let memory_bytes = match memory {
                Some(Ok(value)) => count(&value),
                Some(Err(refusal)) => {
                    // A key that has just moved away is counted where it is now, or not at all.
                    if !["MOVED", "ASK", "TRYAGAIN"].contains(&refusal.code.as_str()) {
                        let why = format!("refuses to tell the memory of keys: {refusal}");
                        self.problems.insert(Problem::new(&place.address, why));
                    }
                    None
                }
                None => None,
            };
            if let (Some(kind), Some(memory_bytes)) = (kind, memory_bytes) {
                let big = BigKey {
                    key,
                    master: place.address.clone(),
                    memory_bytes,
                };
                self.count(kind, big, sample);
            }
        }
        Ok(())
    }

    fn count(&mut self, kind: String, big: BigKey, sample: &Sample) {
        let mut prefix = prefix(&big.key, &sample.separator);
        if self.prefixes.len() >= MOST_PREFIXES && !self.prefixes.contains_key(&prefix) {
            prefix = None;
        }
        let (keys, memory) = self.prefixes.entry(prefix).or_default();
        *keys += 1;
        *memory = memory.saturating_add(big.memory_bytes);
        let of_type = self.types.entry(kind).or_default();
        of_type.keys += 1;
        of_type.memory_bytes = of_type.memory_bytes.saturating_add(big.memory_bytes);
        let order = |big: &BigKey| (Reverse(big.memory_bytes), big.key.clone());
        let place = of_type
            .biggest
            .partition_point(|other| order(other) < order(&big));
        // A key may be told twice.
        if of_type.biggest.iter().all(|other| other.key != big.key) {
            of_type.biggest.insert(place, big);
            of_type.biggest.truncate(sample.limit);
        }
    }

    fn told(self, looked: Looked, sample: &Sample) -> BigKeys {
        let types = self.types.into_iter();
        let mut types: Vec<OfType> = types
            .map(|(kind, of_type)| OfType { kind, ..of_type })
            .collect();
        types.sort_by_key(|of_type| Reverse(of_type.memory_bytes));
        let prefixes = self.prefixes.into_iter();
        let mut prefixes: Vec<OfPrefix> = prefixes
            .map(|(prefix, (keys, memory_bytes))| OfPrefix {
                prefix,
                keys,
                memory_bytes,
            })
            .collect();
        prefixes.sort_by_key(|of_prefix| Reverse(of_prefix.memory_bytes));
        prefixes.truncate(sample.limit);
        BigKeys {
            types,
            prefixes,
            looked,
            problems: self.problems.into_iter().collect(),
        }
    }
}

/// The first part of a key with what ends it.
fn prefix(key: &Bytes, separator: &Bytes) -> Option<Bytes> {
    let length = separator.0.len();
    let place = key
        .0
        .windows(length.max(1))
        .position(|part| part == separator.0)?;
    Some(Bytes(key.0.get(..place + length)?.to_vec()))
}

/// The letters of a key that are shown in a table.
const SHOWN: usize = 120;

impl Told for BigKeys {
    fn text(&self) -> String {
        let all: u64 = self.types.iter().map(|of_type| of_type.memory_bytes).sum();
        let types = self.types.iter().map(|of_type| {
            [
                of_type.kind.clone(),
                of_type.keys.to_string(),
                figures::bytes(of_type.memory_bytes),
                figures::part(of_type.memory_bytes, all),
                figures::bytes(of_type.memory_bytes / of_type.keys.max(1)),
            ]
        });
        let biggest = self.types.iter().flat_map(|of_type| {
            of_type.biggest.iter().map(|big| {
                let memory = figures::bytes(big.memory_bytes);
                let key = big.key.shortened(SHOWN);
                [of_type.kind.clone(), memory, big.master.clone(), key]
            })
        });
        let prefixes = self.prefixes.iter().map(|of_prefix| {
            let prefix = of_prefix.prefix.as_ref();
            [
                of_prefix.keys.to_string(),
                figures::bytes(of_prefix.memory_bytes),
                figures::part(of_prefix.memory_bytes, all),
                prefix.map_or("(others)".to_owned(), |prefix| prefix.shortened(SHOWN)),
            ]
        });
        let (types, biggest, prefixes): (Vec<_>, Vec<_>, Vec<_>) =
            (types.collect(), biggest.collect(), prefixes.collect());
        let Looked { keys, of } = self.looked;
        let text = [
            table(
                [
                    Column::Text("TYPE"),
                    Column::Number("KEYS"),
                    Column::Number("MEMORY"),
                    Column::Number("PART"),
                    Column::Number("A KEY"),
                ],
                &types,
            ),
            table(
                [
                    Column::Text("TYPE"),
                    Column::Number("MEMORY"),
                    Column::Text("MASTER"),
                    Column::Text("BIGGEST KEYS"),
                ],
                &biggest,
            ),
            table(
                [
                    Column::Number("KEYS"),
                    Column::Number("MEMORY"),
                    Column::Number("PART"),
                    Column::Text("PREFIX"),
                ],
                &prefixes,
            ),
            format!(
                "{keys} of {of} keys were looked at ({})\n",
                figures::part(keys, of)
            ),
        ];
        with_problems(text.join("\n"), &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_with_the_first_separator() {
        let of = |key: &str, separator: &str| {
            prefix(&key.into(), &separator.into()).map(|prefix| prefix.to_string())
        };
        assert_eq!(of("user:1:name", ":"), Some("user:".to_owned()));
        assert_eq!(of("user::1", "::"), Some("user::".to_owned()));
        assert_eq!(of("user", ":"), None);
        assert_eq!(of("", ":"), None);
        assert_eq!(of("user:1", ""), None);
    }
}
