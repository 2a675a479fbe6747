//! The question what is under a key.

use midships_answers::{Column, Problem, Told, or_nothing, table, with_problems};
use midships_client_redis::connection::Answer;
use redis::Value as Raw;
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Servers};
use crate::bytes::Bytes;
use crate::figures;
use crate::owner::{Owner, owner};
use crate::query::Query;
use crate::reading::{bytes, count, list, number, read, text};

/// How much is fetched at most, as far as the server's estimate of the memory goes.
const MOST_BYTES: u64 = 64 << 20;
/// How many portions of a hash or a set are fetched at most.
const MOST_PORTIONS: usize = 1_000;

/// What of a value is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How many elements.
    pub elements: u64,
    /// How many bytes of a string.
    pub bytes: u64,
}

/// A key with its value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Value {
    /// The key.
    pub key: Bytes,
    /// The server that has it.
    pub server: Option<String>,
    /// The type, such as `hash`; null where there is no such key.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How long it has to live; null where it has no end.
    pub time_left_milliseconds: Option<u64>,
    /// How it is kept, such as `listpack`.
    pub encoding: Option<String>,
    /// How much memory it takes with its key, about.
    pub memory_bytes: Option<u64>,
    /// How many elements it has, or bytes in a string.
    pub length: Option<u64>,
    /// Its beginning; null where the type is one of a module.
    pub content: Option<Content>,
    /// What was not answered.
    pub problems: Vec<Problem>,
}

/// The beginning of a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// The first bytes of a string.
    String(Bytes),
    /// Some fields of a hash.
    Hash(Vec<Field>),
    /// The first elements of a list.
    List(Vec<Bytes>),
    /// Some members of a set.
    Set(Vec<Bytes>),
    /// The members of a sorted set with the lowest scores.
    SortedSet(Vec<Scored>),
    /// The first entries of a stream.
    Stream(Vec<Entry>),
}

/// A field of a hash.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its name.
    pub field: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// A member of a sorted set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scored {
    /// The member.
    pub member: Bytes,
    /// Its score, as the server writes it.
    pub score: String,
}

/// An entry of a stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

impl Value {
    /// Asks the server that has a key for the beginning of its value.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope, key: &Bytes, limits: Limits) -> Self {
        let mut value = Self {
            key: key.clone(),
            ..Self::default()
        };
        let asking = Asking::new(servers);
        if let Err(problem) = value.fetch(&asking, scope, limits).await {
            value.problems.push(problem);
        }
        value
    }

    async fn fetch<S: Servers>(
        &mut self,
        asking: &Asking<'_, S>,
        scope: &Scope,
        limits: Limits,
    ) -> Result<(), Problem> {
        let key = self.key.clone();
        let mut owner = owner(asking, scope, &key).await?;
        let of_key = [Query::Type, Query::TimeLeft, Query::Encoding, Query::Memory];
        let queries = of_key.map(|query| query(key.clone()));
        let mut answers = owner.ask(asking, &queries).await?.into_iter();
        self.server = Some(owner.reached.clone());
        let kind = read(&owner.reached, answers.next(), "a type", text)?;
        if kind == "none" {
            return Err(Problem::new(key.to_string(), "is no key here"));
        }
        let left = read(&owner.reached, answers.next(), "a time", number)?;
        self.time_left_milliseconds = u64::try_from(left).ok();
        self.encoding = known(answers.next(), text);
        self.memory_bytes = known(answers.next(), count);
        self.kind = Some(kind.clone());
        let Some(length) = length(&kind, &key) else {
            return Ok(());
        };
        let answer = owner.ask(asking, &[length]).await?.pop();
        let length = read(&owner.reached, answer, "a length", count)?;
        self.length = Some(length);
        let limits = Limits {
            elements: self.affordable(limits.elements, length),
            bytes: limits.bytes.min(MOST_BYTES),
        };
        self.content = Some(content(asking, &mut owner, &kind, &key, limits).await?);
        Ok(())
    }

    /// So many elements as do not take too much memory here, by what they take there; one in any case.
    fn affordable(&self, wished: u64, length: u64) -> u64 {
        let each = self.memory_bytes.unwrap_or_default() / length.max(1);
        wished.min(MOST_BYTES / each.max(1)).max(1)
    }

    /// How many elements or bytes are told.
    fn told(&self) -> u64 {
        let told = match &self.content {
            None => 0,
            Some(Content::String(bytes)) => bytes.0.len(),
            Some(Content::Hash(fields)) => fields.len(),
            Some(Content::List(elements) | Content::Set(elements)) => elements.len(),
            Some(Content::SortedSet(members)) => members.len(),
            Some(Content::Stream(entries)) => entries.len(),
        };
        u64::try_from(told).unwrap_or(u64::MAX)
    }
}

/// What a server may refuse to tell, where it does not know the command or the key has just gone.
fn known<T>(answer: Option<Answer>, read: impl FnOnce(&Raw) -> Option<T>) -> Option<T> {
    read(&answer?.ok()?)
}

fn length(kind: &str, key: &Bytes) -> Option<Query> {
    let query = match kind {
        "string" => Query::StringLength,
        "hash" => Query::HashLength,
        "list" => Query::ListLength,
        "set" => Query::SetLength,
        "zset" => Query::SortedSetLength,
        "stream" => Query::StreamLength,
        _ => return None,
    };
    Some(query(key.clone()))
}

/// The beginning of a value of a type that is known.
async fn content<S: Servers>(
    asking: &Asking<'_, S>,
    owner: &mut Owner,
    kind: &str,
    key: &Bytes,
    limits: Limits,
) -> Result<Content, Problem> {
    let elements = limits.elements;
    let most = usize::try_from(elements).unwrap_or(usize::MAX);
    let (query, expected) = match kind {
        "hash" => {
            let next = |cursor| Query::HashPart(key.clone(), cursor, elements);
            let mut fields = pairs(&portions(asking, owner, next, most.saturating_mul(2)).await?);
            fields.truncate(most);
            return Ok(Content::Hash(fields));
        }
        "set" => {
            let next = |cursor| Query::SetPart(key.clone(), cursor, elements);
            let mut members = portions(asking, owner, next, most).await?;
            members.truncate(most);
            return Ok(Content::Set(members));
        }
        "string" => (Query::StringPart(key.clone(), limits.bytes), "a string"),
        "list" => (Query::ListPart(key.clone(), elements), "a list"),
        "zset" => (Query::SortedSetPart(key.clone(), elements), "a sorted set"),
        _ => (Query::StreamPart(key.clone(), elements), "a stream"),
    };
    let answer = owner.ask(asking, &[query]).await?.pop();
    read(&owner.reached, answer, expected, |value| {
        Some(match kind {
            "string" => Content::String(bytes(value)?),
            "list" => Content::List(all(value)?),
            "zset" => Content::SortedSet(scored(value)?),
            _ => Content::Stream(list(value)?.iter().map(entry).collect::<Option<_>>()?),
        })
    })
}

/// The elements of a hash or a set, portion by portion, until there are enough.
async fn portions<S: Servers>(
    asking: &Asking<'_, S>,
    owner: &mut Owner,
    next: impl Fn(u64) -> Query,
    enough: usize,
) -> Result<Vec<Bytes>, Problem> {
    let mut elements = Vec::new();
    let mut cursor = 0;
    for _ in 0..MOST_PORTIONS {
        let answer = owner.ask(asking, &[next(cursor)]).await?.pop();
        let (after, some) = read(&owner.reached, answer, "elements", |value| {
            let [cursor, elements] = list(value)? else {
                return None;
            };
            Some((text(cursor)?.parse().ok()?, all(elements)?))
        })?;
        elements.extend(some);
        cursor = after;
        if cursor == 0 || elements.len() >= enough {
            break;
        }
    }
    Ok(elements)
}

fn all(value: &Raw) -> Option<Vec<Bytes>> {
    list(value)?.iter().map(bytes).collect()
}

fn pairs(elements: &[Bytes]) -> Vec<Field> {
    let pairs = elements.chunks_exact(2);
    pairs
        .map(|pair| Field {
            field: pair[0].clone(),
            value: pair[1].clone(),
        })
        .collect()
}

fn scored(value: &Raw) -> Option<Vec<Scored>> {
    let pairs = list(value)?.chunks_exact(2);
    pairs
        .map(|pair| {
            Some(Scored {
                member: bytes(&pair[0])?,
                score: text(&pair[1])?,
            })
        })
        .collect()
}

fn entry(value: &Raw) -> Option<Entry> {
    let [id, fields] = list(value)? else {
        return None;
    };
    Some(Entry {
        id: text(id)?,
        fields: pairs(&all(fields)?),
    })
}

/// The letters of an element that are shown in a table.
const SHOWN: usize = 500;

impl Told for Value {
    fn text(&self) -> String {
        let text = match &self.kind {
            Some(kind) => format!("{}\n{}", self.about(kind), self.beginning()),
            None => String::new(),
        };
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Value {
    /// What is known of the key, a line each.
    fn about(&self, kind: &str) -> String {
        let left = self.time_left_milliseconds;
        let left = left.map(|left| figures::time(left.div_ceil(1_000)));
        let unit = if kind == "string" {
            "bytes"
        } else {
            "elements"
        };
        let lines = [
            ("key", self.key.to_string()),
            ("server", or_nothing(self.server.as_ref())),
            ("type", kind.to_owned()),
            ("ttl", left.unwrap_or_else(|| "none".to_owned())),
            ("encoding", or_nothing(self.encoding.as_ref())),
            ("memory", or_nothing(self.memory_bytes.map(figures::bytes))),
            (unit, or_nothing(self.length)),
        ];
        let lines: Vec<String> = lines
            .into_iter()
            .map(|(name, value)| format!("{name:<9} {value}\n"))
            .collect();
        lines.concat()
    }

    /// The content for people, and what is left out of it.
    fn beginning(&self) -> String {
        let Some(content) = &self.content else {
            return "the values of this type are known to a module only\n".to_owned();
        };
        let (told, length) = (self.told(), self.length.unwrap_or_default());
        if told >= length {
            return written(content);
        }
        let option = match content {
            Content::String(_) => "--bytes",
            _ => "--limit",
        };
        format!(
            "{}\nonly {told} of {length}, see {option}\n",
            written(content)
        )
    }
}

fn written(content: &Content) -> String {
    let cell = |bytes: &Bytes| bytes.shortened(SHOWN);
    match content {
        Content::String(bytes) => format!("{bytes}\n"),
        Content::Hash(fields) => {
            let row = |field: &Field| [cell(&field.field), cell(&field.value)];
            let rows: Vec<_> = fields.iter().map(row).collect();
            table([Column::Text("FIELD"), Column::Text("VALUE")], &rows)
        }
        Content::List(elements) => {
            let numbered = elements.iter().enumerate();
            let rows: Vec<_> = numbered
                .map(|(number, element)| [number.to_string(), cell(element)])
                .collect();
            table([Column::Number("INDEX"), Column::Text("ELEMENT")], &rows)
        }
        Content::Set(members) => {
            let rows: Vec<_> = members.iter().map(|member| [cell(member)]).collect();
            table([Column::Text("MEMBER")], &rows)
        }
        Content::SortedSet(members) => {
            let row = |member: &Scored| [member.score.clone(), cell(&member.member)];
            let rows: Vec<_> = members.iter().map(row).collect();
            table([Column::Number("SCORE"), Column::Text("MEMBER")], &rows)
        }
        Content::Stream(entries) => {
            let row = |entry: &Entry| {
                let fields = entry.fields.iter();
                let fields: Vec<String> = fields
                    .map(|field| format!("{}={}", cell(&field.field), cell(&field.value)))
                    .collect();
                [entry.id.clone(), fields.join(" ")]
            };
            let rows: Vec<_> = entries.iter().map(row).collect();
            table([Column::Text("ID"), Column::Text("FIELDS")], &rows)
        }
    }
}
