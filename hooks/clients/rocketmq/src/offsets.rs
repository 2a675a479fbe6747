//! Places in queues: what a broker keeps of a topic, how far groups are in it, and how far delayed messages are delivered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::answer::{DecodeError, with_other};
use crate::fastjson::{Key, Value};
use crate::node::Node;

/// What stands between topic and group in the keys of a broker's table of offsets.
const TOPIC_AND_GROUP: char = '@';
/// The field of every table of places.
const TABLE: &str = "offsetTable";

/// The places of a topic's queues at one broker (`TopicStatsTable` of the product).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicStatistics {
    /// The queues, sorted.
    pub queues: Vec<QueueExtent>,
    /// All else that the broker said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

/// What a broker keeps of a queue.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueExtent {
    /// The broker's name.
    pub broker: String,
    /// The topic's name.
    pub topic: String,
    /// The queue's number, from 0.
    pub queue: u32,
    /// The place of the first message that is still there.
    pub minimum_offset: i64,
    /// The place that the next message gets.
    pub maximum_offset: i64,
    /// When the last message was stored, in milliseconds since 1970; 0 when there is none.
    pub updated: i64,
}

/// How far a group has consumed at one broker (`ConsumeStats` of the product).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumeStatistics {
    /// The queues that are read, sorted.
    pub queues: Vec<QueueProgress>,
    /// All else that the broker said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

/// How far a group has consumed a queue.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueProgress {
    /// The broker's name.
    pub broker: String,
    /// The topic's name.
    pub topic: String,
    /// The queue's number, from 0.
    pub queue: u32,
    /// The place that the next message gets.
    pub broker_offset: i64,
    /// The place of the message that is consumed next; 0 also where the group has no offset.
    pub consumer_offset: i64,
    /// When the message before it was stored, in milliseconds since 1970; 0 when it is not there any more.
    pub consumed: i64,
    /// The place up to which messages have been handed out; since 5.0.0.
    pub pull_offset: Option<i64>,
}

/// The offsets of all groups at one broker (`ConsumerOffsetSerializeWrapper` of the product).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerOffsets {
    /// The place of the message that is consumed next, by group, topic and number of the queue.
    pub groups: BTreeMap<String, BTreeMap<String, BTreeMap<u32, i64>>>,
    /// All else that the broker said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

/// How far a broker has delivered delayed messages (`DelayOffsetSerializeWrapper` of the product).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelayOffsets {
    /// The place in the queue of each delay level, which are counted from 1, of the message that is delivered next.
    pub levels: BTreeMap<u32, i64>,
    /// All else that the broker said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

impl TopicStatistics {
    pub(crate) fn read(root: &Node) -> Result<Self, DecodeError> {
        let queues = by_queue(root, |(broker, topic, queue), value| {
            Ok(QueueExtent {
                broker,
                topic,
                queue,
                minimum_offset: value.field("minOffset").integer()?,
                maximum_offset: value.field("maxOffset").integer()?,
                updated: value.field("lastUpdateTimestamp").integer()?,
            })
        })?;
        Ok(Self {
            queues,
            other: root.without(&[TABLE])?,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let queue = |queue: &QueueExtent| {
            let value = Value::object([
                ("lastUpdateTimestamp", Value::Integer(queue.updated)),
                ("maxOffset", Value::Integer(queue.maximum_offset)),
                ("minOffset", Value::Integer(queue.minimum_offset)),
            ]);
            (queue_key(&queue.broker, queue.queue, &queue.topic), value)
        };
        let table = Value::Object(self.queues.iter().map(queue).collect());
        with_other(vec![(TABLE, table)], &self.other)
    }
}

impl ConsumeStatistics {
    pub(crate) fn read(root: &Node) -> Result<Self, DecodeError> {
        let queues = by_queue(root, |(broker, topic, queue), value| {
            Ok(QueueProgress {
                broker,
                topic,
                queue,
                broker_offset: value.field("brokerOffset").integer()?,
                consumer_offset: value.field("consumerOffset").integer()?,
                consumed: value.field("lastTimestamp").integer()?,
                pull_offset: value.field("pullOffset").integer_if_any()?,
            })
        })?;
        Ok(Self {
            queues,
            other: root.without(&[TABLE])?,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let queue = |queue: &QueueProgress| {
            let mut fields = vec![
                ("brokerOffset", Value::Integer(queue.broker_offset)),
                ("consumerOffset", Value::Integer(queue.consumer_offset)),
                ("lastTimestamp", Value::Integer(queue.consumed)),
            ];
            fields.extend(
                queue
                    .pull_offset
                    .map(|offset| ("pullOffset", Value::Integer(offset))),
            );
            let key = queue_key(&queue.broker, queue.queue, &queue.topic);
            (key, Value::object(fields))
        };
        let table = Value::Object(self.queues.iter().map(queue).collect());
        with_other(vec![(TABLE, table)], &self.other)
    }
}

/// Reads a table by queue, each from broker, topic and number and from its value; sorted.
fn by_queue<T: Ord>(
    root: &Node,
    read: impl Fn((String, String, u32), &Node) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut queues = root.field(TABLE).keyed_by_objects(|key, value| {
        let broker = key.field("brokerName").text()?;
        let topic = key.field("topic").text()?;
        read((broker, topic, key.field("queueId").count()?), value)
    })?;
    queues.sort();
    Ok(queues)
}

/// A queue as a key, with its fields in the order in which the product's library writes them.
fn queue_key(broker: &str, queue: u32, topic: &str) -> Key {
    Key::Object(vec![
        (
            Key::Text("brokerName".to_owned()),
            Value::Text(broker.to_owned()),
        ),
        (
            Key::Text("queueId".to_owned()),
            Value::Integer(queue.into()),
        ),
        (Key::Text("topic".to_owned()), Value::Text(topic.to_owned())),
    ])
}

impl ConsumerOffsets {
    /// The offset of a group in a queue.
    #[must_use]
    pub fn offset(&self, group: &str, topic: &str, queue: u32) -> Option<i64> {
        self.groups.get(group)?.get(topic)?.get(&queue).copied()
    }

    pub(crate) fn read(root: &Node) -> Result<Self, DecodeError> {
        let mut groups: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
        for (key, queues) in root.field(TABLE).entries()? {
            // Topics cannot hold the character; groups are not checked where only their offsets are set.
            let Some((topic, group)) = key.split_once(TOPIC_AND_GROUP) else {
                return queues.wrong("`topic@group` as the key");
            };
            let topics = groups.entry(group.to_owned()).or_default();
            topics.insert(topic.to_owned(), numbered_offsets(&queues)?);
        }
        Ok(Self {
            groups,
            other: root.without(&[TABLE])?,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut table = Vec::new();
        for (group, topics) in &self.groups {
            for (topic, queues) in topics {
                let key = format!("{topic}{TOPIC_AND_GROUP}{group}");
                table.push((Key::Text(key), numbered_value(queues)));
            }
        }
        with_other(vec![(TABLE, Value::Object(table))], &self.other)
    }
}

impl DelayOffsets {
    pub(crate) fn read(root: &Node) -> Result<Self, DecodeError> {
        Ok(Self {
            levels: numbered_offsets(&root.field(TABLE))?,
            other: root.without(&[TABLE])?,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        with_other(vec![(TABLE, numbered_value(&self.levels))], &self.other)
    }
}

fn numbered_offsets(node: &Node) -> Result<BTreeMap<u32, i64>, DecodeError> {
    node.numbered("a whole number as the key: a queue or a delay level")?
        .into_iter()
        .map(|(number, offset)| Ok((number, offset.integer()?)))
        .collect()
}

fn numbered_value(offsets: &BTreeMap<u32, i64>) -> Value {
    let entry =
        |(number, offset): (&u32, &i64)| (Key::Integer((*number).into()), Value::Integer(*offset));
    Value::Object(offsets.iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fastjson;

    #[test]
    fn offsets_are_found_by_group_topic_and_queue() {
        let body = br#"{"offsetTable":{"a@g":{0:7,1:9},"%RETRY%g@g":{0:1},"a@odd@g":{}},"pullOffsetTable":{}}"#;
        let value = fastjson::parse(body).unwrap();
        let offsets = ConsumerOffsets::read(&Node::of(&value)).unwrap();
        assert_eq!(offsets.offset("g", "a", 1), Some(9));
        assert_eq!(offsets.offset("g", "%RETRY%g", 0), Some(1));
        assert_eq!(offsets.offset("g", "a", 2), None);
        assert_eq!(offsets.groups["odd@g"]["a"], BTreeMap::new());
        assert_eq!(
            offsets.to_value().to_fastjson(),
            r#"{"offsetTable":{"%RETRY%g@g":{0:1},"a@g":{0:7,1:9},"a@odd@g":{}},"pullOffsetTable":{}}"#
        );
    }

    #[test]
    fn what_is_malformed_is_refused_with_its_place() {
        for (body, path) in [
            (r#"{"offsetTable":{"a":{}}}"#, "offsetTable.a"),
            (r#"{"offsetTable":{"a@g":{x":1}}}"#, ""),
            (r#"{"offsetTable":{"a@g":{"x":1}}}"#, "offsetTable.a@g.x"),
            (r#"{"offsetTable":{"a@g":{-1:1}}}"#, "offsetTable.a@g.-1"),
            (r#"{"offsetTable":{"a@g":{0:"1"}}}"#, "offsetTable.a@g.0"),
            (r"{}", "offsetTable"),
        ] {
            let Ok(value) = fastjson::parse(body.as_bytes()) else {
                assert_eq!(path, "", "{body}");
                continue;
            };
            match ConsumerOffsets::read(&Node::of(&value)) {
                Err(DecodeError::Field { field, .. }) => assert_eq!(field, path, "{body}"),
                other => panic!("{body}: {other:?}"),
            }
        }
        let value = fastjson::parse(br#"{"offsetTable":{"text":{}}}"#).unwrap();
        assert!(TopicStatistics::read(&Node::of(&value)).is_err());
        assert!(ConsumeStatistics::read(&Node::of(&value)).is_err());
    }
}
