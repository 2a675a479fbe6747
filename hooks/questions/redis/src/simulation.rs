//! Servers in memory: they answer as servers of some version were recorded, or from keys that a test gives them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use midships_client_redis::connection::Answer;
use midships_client_redis::{CallError, Refusal, slot_of};
use redis::Value;
use serde_json::Value as Json;

use crate::Scope;
use crate::ask::Servers;
use crate::bytes::Bytes;
use crate::change::{Change, Changing};
use crate::query::Query;

/// The versions of which there are recordings.
pub(crate) const VERSIONS: [(&str, &str); 7] = [
    (
        "redis 5.0.6",
        include_str!("../recordings/redis-5.0.6.json"),
    ),
    ("redis 6.0", include_str!("../recordings/redis-6.0.json")),
    ("redis 6.2", include_str!("../recordings/redis-6.2.json")),
    ("redis 7.0", include_str!("../recordings/redis-7.0.json")),
    ("redis 8.0", include_str!("../recordings/redis-8.0.json")),
    ("valkey 8.1", include_str!("../recordings/valkey-8.1.json")),
    ("valkey 9.1", include_str!("../recordings/valkey-9.1.json")),
];

/// A key in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) kind: &'static str,
    pub(crate) time_left: Option<i64>,
    pub(crate) memory: i64,
}

/// A server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server {
    /// What it answers, by the command with all its words.
    pub(crate) answers: BTreeMap<String, Value>,
    /// Its keys.
    pub(crate) keys: BTreeMap<Bytes, Kept>,
    /// Where it sends who asks for a key.
    pub(crate) elsewhere: BTreeMap<Bytes, &'static str>,
    /// The keys of which it answers only who says that they may be on their way.
    pub(crate) coming: BTreeSet<Bytes>,
}

/// All servers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simulation {
    pub(crate) servers: RefCell<BTreeMap<String, Server>>,
    /// How often each address was asked.
    pub(crate) asked: RefCell<BTreeMap<String, u32>>,
}

impl Simulation {
    /// Servers as they were recorded in a state.
    pub(crate) fn recorded(version: &str, state: &str) -> Self {
        let (_, text) = VERSIONS
            .into_iter()
            .find(|(name, _)| *name == version)
            .unwrap();
        let states: BTreeMap<String, Json> = serde_json::from_str(text).unwrap();
        let of_state: BTreeMap<String, BTreeMap<String, Json>> =
            serde_json::from_value(states[state].clone()).unwrap();
        let servers = of_state.into_iter().map(|(address, answers)| {
            let answers = answers
                .iter()
                .map(|(command, answer)| (command.clone(), value(answer)));
            let server = Server {
                answers: answers.collect(),
                ..Server::default()
            };
            (address, server)
        });
        Self {
            servers: RefCell::new(servers.collect()),
            ..Self::default()
        }
    }

    /// Changes a text that a server answers.
    pub(crate) fn rewrite(&self, address: &str, command: &str, from: &str, to: &str) {
        let mut servers = self.servers.borrow_mut();
        let answer = servers
            .get_mut(address)
            .unwrap()
            .answers
            .get_mut(command)
            .unwrap();
        let Value::BulkString(bytes) = answer else {
            panic!("{answer:?}");
        };
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        *bytes = text.replace(from, to).into_bytes();
    }

    /// Gives a server something to answer.
    pub(crate) fn answer(&self, address: &str, command: &str, answer: Value) {
        let mut servers = self.servers.borrow_mut();
        let answers = &mut servers.get_mut(address).unwrap().answers;
        answers.insert(command.to_owned(), answer);
    }

    /// Gives the servers of a cluster keys, each to the one that has the slot by its word.
    pub(crate) fn fill(&self, keys: impl IntoIterator<Item = (Bytes, Kept)>) {
        let keys: Vec<(Bytes, Kept)> = keys.into_iter().collect();
        for server in self.servers.borrow_mut().values_mut() {
            let nodes = server.answers.get("CLUSTER NODES").map(|nodes| {
                let text = crate::reading::text(nodes).unwrap();
                text.parse::<midships_client_redis::Nodes>().unwrap().myself
            });
            for (key, kept) in &keys {
                if nodes
                    .as_ref()
                    .is_none_or(|node| node.slots.contains(slot_of(&key.0)))
                {
                    server.keys.insert(key.clone(), kept.clone());
                }
            }
        }
    }
}

/// What was recorded, as the client reads it: errors begin with a dash, short texts with a plus.
fn value(recorded: &Json) -> Value {
    match recorded {
        Json::Number(number) => Value::Int(number.as_i64().unwrap()),
        Json::Array(elements) => Value::Array(elements.iter().map(value).collect()),
        Json::Null => Value::Nil,
        Json::String(text) => match text.strip_prefix('+') {
            Some(text) => Value::SimpleString(text.to_owned()),
            None => Value::BulkString(text.clone().into_bytes()),
        },
        other => panic!("{other}"),
    }
}

/// What a server says that it refuses.
pub(crate) fn refusal(text: &str) -> Refusal {
    let (code, text) = text.split_once(' ').unwrap();
    Refusal {
        code: code.to_owned(),
        text: text.to_owned(),
    }
}

impl Servers for Simulation {
    async fn ask(&self, address: &str, queries: &[Query]) -> Result<Vec<Answer>, CallError> {
        *self
            .asked
            .borrow_mut()
            .entry(address.to_owned())
            .or_default() += 1;
        let servers = self.servers.borrow();
        let Some(server) = servers.get(address) else {
            return Err(CallError::Unreachable {
                address: address.to_owned(),
                source: io::Error::from(io::ErrorKind::ConnectionRefused),
            });
        };
        let mut is_asking = false;
        let mut answers = Vec::new();
        for query in queries {
            answers.push(server.told(query, is_asking));
            is_asking = *query == Query::Asking;
        }
        Ok(answers)
    }
}

impl Changing for Simulation {
    async fn change(&self, address: &str, change: &Change) -> Result<Answer, CallError> {
        let mut servers = self.servers.borrow_mut();
        let server = servers.get_mut(address).unwrap();
        let is_there = match change {
            Change::Delete(key) => server.keys.remove(key).is_some(),
            Change::Expire(key, seconds) => match server.keys.get_mut(key) {
                Some(kept) => {
                    kept.time_left = Some(i64::try_from(*seconds).unwrap() * 1_000);
                    true
                }
                None => false,
            },
        };
        Ok(Ok(Value::Int(is_there.into())))
    }
}

impl Server {
    fn told(&self, query: &Query, is_asking: bool) -> Answer {
        let words = query.text();
        if let Some(answer) = self.answers.get(&words) {
            return match crate::reading::text(answer)
                .as_deref()
                .and_then(|text| text.strip_prefix('-'))
            {
                Some(text) => Err(refusal(text)),
                None => Ok(answer.clone()),
            };
        }
        let keys = || i64::try_from(self.keys.len()).unwrap();
        match query {
            Query::Keys => Ok(Value::Int(keys())),
            Query::Asking => Ok(Value::Okay),
            Query::Scan {
                cursor,
                pattern,
                count,
            } => Ok(self.scan(*cursor, pattern.as_ref(), *count)),
            Query::KeysOfSlot(slot) => {
                let in_slot = self.keys.keys().filter(|key| slot_of(&key.0) == *slot);
                Ok(Value::Int(i64::try_from(in_slot.count()).unwrap()))
            }
            Query::Type(key) | Query::TimeLeft(key) | Query::Memory(key) => {
                if let Some(place) = self.elsewhere.get(key) {
                    return Err(refusal(place));
                }
                if self.coming.contains(key) && !is_asking {
                    return Err(refusal("MOVED 1 127.0.0.1:1"));
                }
                Ok(Self::of_key(query, self.keys.get(key)))
            }
            _ => Err(refusal(&format!("ERR unknown command `{words}`"))),
        }
    }

    fn of_key(query: &Query, kept: Option<&Kept>) -> Value {
        match (query, kept) {
            (Query::Type(_), Some(kept)) => Value::SimpleString(kept.kind.to_owned()),
            (Query::Type(_), None) => Value::SimpleString("none".to_owned()),
            (Query::TimeLeft(_), Some(kept)) => Value::Int(kept.time_left.unwrap_or(-1)),
            (Query::TimeLeft(_), None) => Value::Int(-2),
            (_, Some(kept)) => Value::Int(kept.memory),
            (_, None) => Value::Nil,
        }
    }

    /// Keys from a place on: their number is the cursor. A pattern is the beginning of keys and a star.
    fn scan(&self, cursor: u64, pattern: Option<&Bytes>, count: u32) -> Value {
        let (first, count) = (
            usize::try_from(cursor).unwrap(),
            usize::try_from(count).unwrap(),
        );
        let next = if first + count < self.keys.len() {
            first + count
        } else {
            0
        };
        let is_like = |key: &&Bytes| {
            pattern.is_none_or(|pattern| key.0.starts_with(pattern.0.strip_suffix(b"*").unwrap()))
        };
        let keys = self.keys.keys().skip(first).take(count).filter(is_like);
        let keys = keys.map(|key| Value::BulkString(key.0.clone())).collect();
        let cursor = Value::BulkString(next.to_string().into_bytes());
        Value::Array(vec![cursor, Value::Array(keys)])
    }
}

/// A question to some servers.
pub(crate) fn scope(server: &str) -> Scope {
    Scope {
        servers: vec![server.to_owned()],
        set: None,
    }
}
