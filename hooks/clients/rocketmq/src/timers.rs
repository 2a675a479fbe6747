//! Timed messages that a broker keeps until their time has come; since 5.0.0.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::answer::{DecodeError, with_other};
use crate::fastjson::Value;
use crate::node::Node;

/// The field that holds the numbers.
const COUNTS: &str = "timingCount";

/// How many timed messages a broker keeps (`TimerMetricsSerializeWrapper` of the product).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimerMetrics {
    /// The numbers by the topic that the messages are for.
    pub topics: BTreeMap<String, TimedMessages>,
    /// All else that the broker said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

/// How many timed messages of a topic there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimedMessages {
    /// Messages that are not delivered yet.
    pub count: i64,
    /// When the number last changed, in milliseconds since 1970.
    pub changed: i64,
}

impl TimerMetrics {
    pub(crate) fn read(root: &Node) -> Result<Self, DecodeError> {
        let topic = |(name, node): (String, Node)| {
            let messages = TimedMessages {
                count: node.field("count").integer()?,
                changed: node.field("timeStamp").integer()?,
            };
            Ok((name, messages))
        };
        Ok(Self {
            topics: root
                .field(COUNTS)
                .entries()?
                .into_iter()
                .map(topic)
                .collect::<Result<_, _>>()?,
            other: root.without(&[COUNTS])?,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let topics = self.topics.iter().map(|(name, messages)| {
            let value = Value::object([
                ("count", Value::Integer(messages.count)),
                ("timeStamp", Value::Integer(messages.changed)),
            ]);
            (name.as_str(), value)
        });
        with_other(vec![(COUNTS, Value::object(topics))], &self.other)
    }
}
