//! The question which keys there are.

use std::collections::BTreeSet;

use midships_answers::{Column, Problem, Told, or_nothing, table, with_problems};
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Servers};
use crate::bytes::Bytes;
use crate::figures;
use crate::landscape::Landscape;
use crate::query::Query;
use crate::reading::{number, read, text};
use crate::scan::{Looked, Portion, Rate, Walk, Watching};

/// What keys are looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// What they are like, in the product's own notation; all where there is none.
    pub pattern: Option<Bytes>,
    /// The type of their values, such as `hash`; any where there is none.
    pub kind: Option<String>,
    /// How many of them are told.
    pub limit: usize,
    /// How many keys a second are looked at.
    pub rate: Rate,
}

/// Keys that were found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// The keys, in the order in which the masters told them.
    pub keys: Vec<Key>,
    /// How many keys were looked at for it.
    pub looked: Looked,
    /// Whether there may be more that are like these.
    pub is_limited: bool,
    /// What was not answered.
    pub problems: Vec<Problem>,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// The key.
    pub key: Bytes,
    /// The type of its value, such as `hash`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How long it has to live; null where it has no end.
    pub time_left_milliseconds: Option<u64>,
    /// The master that has it.
    pub master: String,
}

impl Keys {
    /// Looks at the keys of all masters until enough are found.
    pub async fn ask<S: Servers>(
        servers: &S,
        scope: &Scope,
        wanted: &Wanted,
        watching: Watching<'_>,
    ) -> Self {
        let asking = Asking::new(servers);
        let (places, mut problems) = Landscape::ask(&asking, scope).await.places(scope);
        let pattern = wanted.pattern.clone();
        let walk = Walk::begin(&asking, places, pattern, wanted.rate, None, watching);
        let mut walk = walk.await;
        let mut seen = BTreeSet::new();
        let mut keys = Vec::new();
        let mut is_limited = false;
        while let Some(mut portion) = walk.next().await {
            // A key may be told twice.
            portion.keys.retain(|key| seen.insert(key.clone()));
            match described(&asking, portion).await {
                Ok(described) => keys.extend(described.into_iter().filter(|key| {
                    let kind = wanted.kind.as_ref();
                    kind.is_none_or(|kind| *kind == key.kind)
                })),
                Err(problem) => problems.push(problem),
            }
            if keys.len() > wanted.limit {
                keys.truncate(wanted.limit);
                is_limited = true;
                break;
            }
        }
        let (looked, more) = walk.end();
        problems.extend(more);
        problems.sort();
        problems.dedup();
        Self {
            keys,
            looked,
            is_limited,
            problems,
        }
    }
}

/// Type and time of keys. Those that have gone or moved meanwhile are left out: who has them tells them.
async fn described<S: Servers>(
    asking: &Asking<'_, S>,
    portion: Portion,
) -> Result<Vec<Key>, Problem> {
    let Portion { place, keys } = portion;
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let queries: Vec<Query> = keys
        .iter()
        .flat_map(|key| [Query::Type(key.clone()), Query::TimeLeft(key.clone())])
        .collect();
    let mut answers = place.ask(asking, &queries).await?.into_iter();
    let mut described = Vec::new();
    for key in keys {
        let (kind, time) = (answers.next(), answers.next());
        if let Some(Err(refusal)) = &kind
            && ["MOVED", "ASK"].contains(&refusal.code.as_str())
        {
            continue;
        }
        let kind = read(&place.address, kind, "a type", text)?;
        let left = read(&place.address, time, "a time", number)?;
        if kind != "none" {
            described.push(Key {
                key,
                kind,
                time_left_milliseconds: u64::try_from(left).ok(),
                master: place.address.clone(),
            });
        }
    }
    Ok(described)
}

/// The letters of a key that are shown in a table.
const SHOWN: usize = 200;

impl Told for Keys {
    fn text(&self) -> String {
        let columns = [
            Column::Text("TYPE"),
            Column::Number("TTL"),
            Column::Text("MASTER"),
            Column::Text("KEY"),
        ];
        let rows: Vec<_> = self.keys.iter().map(row).collect();
        let Looked { keys, of } = self.looked;
        let end = if self.is_limited {
            "; there may be more, see --limit"
        } else {
            ""
        };
        let found = self.keys.len();
        let text = format!(
            "{}\n{found} found in {keys} of {of} keys{end}\n",
            table(columns, &rows)
        );
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn row(key: &Key) -> [String; 4] {
    let left = key.time_left_milliseconds;
    [
        key.kind.clone(),
        or_nothing(left.map(|left| figures::time(left.div_ceil(1_000)))),
        key.master.clone(),
        key.key.shortened(SHOWN),
    ]
}
