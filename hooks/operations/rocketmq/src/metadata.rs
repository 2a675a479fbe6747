//! Topics and subscription groups as brokers keep them: which are the product's own, and what makes one like another.
//!
//! Sources: `TopicValidator`, `TopicConfigManager`, `SubscriptionGroupManager`, `MixAll`, `TopicAttributes` and
//! `AttributeUtil` of the product, 4.5.0 to 5.5.0.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::system::{self, DEAD_LETTER_PREFIX, RETRY_PREFIX};
use midships_client_rocketmq::{
    ProductVersion, Request, SubscriptionGroup, TopicConfiguration, TopicConfigurations,
};
use serde_json::{Map, Value};

use crate::desired::Broker;
use crate::view::BrokerSettings;

/// The subscription group that a new master has while it is being filled. It outlives a journal that was emptied.
pub const MARK: &str = "MIDSHIPS_ADDITION_UNFINISHED";

/// The subscription group that the master of a group has that is to leave, from before it is closed for writing.
pub const LEAVING_MARK: &str = "MIDSHIPS_REMOVAL_UNFINISHED";

/// The subscription group that such a master has besides when nothing is left there. It goes before the master is closed
/// again, so that it tells of the time since then.
pub const DRAINED_MARK: &str = "MIDSHIPS_REMOVAL_DRAINED";

/// What the names of queues of light topics begin with; they belong to another topic.
const LIGHT_TOPIC_PREFIX: &str = "%LMQ%";

/// The broker's setting that names the topic of message traces, which it makes itself where it is told to.
const TRACE_TOPIC_SETTING: &str = "msgTraceTopicName";

/// The field of a broker's topics that holds the queue mappings of static topics; since 5.0.0.
const STATIC_TOPICS: &str = "topicQueueMappingDetailMap";

/// The attribute that says which messages a topic is for, and the value for ordered ones.
const FIFO: (&str, &str) = ("message.type", "FIFO");

/// The field of a subscription group that holds its attributes.
const ATTRIBUTES: &str = "attributes";

/// Gives a master a mark: a subscription group with which nobody can consume.
pub(crate) fn marking(mark: &str) -> Request {
    Request::PutSubscriptionGroup {
        group: SubscriptionGroup {
            name: mark.to_owned(),
            consume_enabled: false,
            other: Map::new(),
        },
    }
}

/// Takes a mark from a master. It has no offsets, but 5.5.0 makes a group again at once that goes without them.
pub(crate) fn unmarking(mark: &str) -> Request {
    Request::DeleteSubscriptionGroup {
        group: mark.to_owned(),
        with_offsets: true,
    }
}

/// Whether a group is the product's own, or a mark of an addition or a removal.
#[must_use]
pub fn is_system_group(name: &str) -> bool {
    [MARK, LEAVING_MARK, DRAINED_MARK].contains(&name) || system::is_system_group(name)
}

/// Whether a topic of a broker is there without anybody having made it.
#[must_use]
pub fn is_system_topic(name: &str, broker: &Broker, settings: &BrokerSettings<'_>) -> bool {
    let trace = settings.properties.get(TRACE_TOPIC_SETTING);
    name.starts_with(LIGHT_TOPIC_PREFIX)
        || system::is_system_topic(name, |other| {
            other == broker.name || other == broker.cluster
        })
        || trace.is_some_and(|topic| topic == name)
}

/// Whether a topic holds messages that a group has given up.
#[must_use]
pub fn is_dead_letters(name: &str) -> bool {
    name.starts_with(DEAD_LETTER_PREFIX)
}

/// The topic of a group's messages that are tried again.
#[must_use]
pub fn retry_topic(group: &str) -> String {
    format!("{RETRY_PREFIX}{group}")
}

/// The topic of a group's messages that are given up.
#[must_use]
pub fn dead_letter_topic(group: &str) -> String {
    format!("{DEAD_LETTER_PREFIX}{group}")
}

/// The topics of a broker that have a place for each of their queues, so that another broker cannot have them too.
pub(crate) fn static_topics(table: &TopicConfigurations) -> BTreeSet<&str> {
    let mappings = table.other.get(STATIC_TOPICS).and_then(Value::as_object);
    mappings
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect()
}

/// Whether a topic's configuration says that the order of its messages counts.
#[must_use]
pub fn is_ordered(topic: &TopicConfiguration) -> bool {
    let (name, value) = FIFO;
    topic.order
        || topic
            .attributes()
            .is_some_and(|attributes| attributes.get(name).is_some_and(|found| found == value))
}

/// Whether a topic keeps the last message of each key, for those who come later.
#[must_use]
pub fn is_compacted(topic: &TopicConfiguration) -> bool {
    topic.attributes().is_some_and(|attributes| {
        attributes
            .get("cleanup.policy")
            .is_some_and(|found| found == "COMPACTION")
    })
}

/// The first attribute of a topic that a broker of the target's version does not know.
#[must_use]
pub fn unknown_attribute(
    topic: &TopicConfiguration,
    source: ProductVersion,
    target: ProductVersion,
) -> Option<String> {
    let is_known = |name: &str| match name {
        "message.type" | "queue.type" => target >= ProductVersion::FIRST_OF_FIVE,
        "cleanup.policy" => {
            ProductVersion::of_release(5, 1, 0).is_some_and(|first| target >= first)
        }
        _ => target >= source,
    };
    let attributes = topic.attributes().unwrap_or_default();
    attributes.into_keys().find(|name| !is_known(name))
}

/// The request that makes a topic like another one, with this permission; none where it is.
///
/// Only what differs of the attributes is said: brokers decline those that cannot change, even with the same value.
/// Brokers of 4.x take the order from the order configuration of name servers, not from the request.
#[must_use]
pub fn topic_like(
    source: &TopicConfiguration,
    permission: u32,
    found: Option<&TopicConfiguration>,
    version: ProductVersion,
) -> Option<Request> {
    let five = version >= ProductVersion::FIRST_OF_FIVE;
    let said = source.attributes().filter(|_| five);
    let there = found.and_then(TopicConfiguration::attributes);
    let there = there.unwrap_or_default();
    let wanted = said.clone().unwrap_or_default();
    let without_attributes: BTreeSet<String> = if said.is_some() {
        let surplus = there.keys().filter(|name| !wanted.contains_key(*name));
        surplus.cloned().collect()
    } else {
        BTreeSet::new()
    };
    let differing: BTreeMap<String, String> = wanted
        .into_iter()
        .filter(|(name, value)| there.get(name) != Some(value))
        .collect();
    let is_like = found.is_some_and(|found| {
        found.read_queues == source.read_queues
            && found.write_queues == source.write_queues
            && found.permission == permission
            && found.filter_type() == source.filter_type()
            && found.system_flag() == source.system_flag()
            && (found.order == source.order || !five)
            && differing.is_empty()
            && without_attributes.is_empty()
    });
    (!is_like).then(|| Request::PutTopic {
        configuration: TopicConfiguration {
            permission,
            ..source.clone()
        }
        .with_attributes(differing),
        without_attributes,
    })
}

/// The request that makes a subscription group like another one; none where it is. What an `older` broker does not tell of
/// a group it does not know.
#[must_use]
pub fn group_like(
    source: &SubscriptionGroup,
    found: Option<&SubscriptionGroup>,
    older: bool,
) -> Option<Request> {
    let said = |group: &SubscriptionGroup, name: &str| group.other.get(name).cloned();
    let is_like = found.is_some_and(|found| {
        found.consume_enabled == source.consume_enabled
            && source.other.iter().all(|(name, value)| {
                let there = said(found, name);
                is_nothing(value) && there.as_ref().is_none_or(is_nothing)
                    || older && there.is_none()
                    || there.is_some_and(|there| unordered(&there) == unordered(value))
            })
    });
    if is_like {
        return None;
    }
    let mut group = source.clone();
    if let Some(Value::Object(attributes)) = group.other.remove(ATTRIBUTES) {
        let there = found.and_then(|found| said(found, ATTRIBUTES));
        // A change of an attribute is said with a sign before its name, as for topics.
        let changes: Map<String, Value> = attributes
            .into_iter()
            .filter(|(name, value)| there.as_ref().and_then(|all| all.get(name)) != Some(value))
            .map(|(name, value)| (format!("+{name}"), value))
            .collect();
        group.other.insert(ATTRIBUTES.to_owned(), changes.into());
    }
    Some(Request::PutSubscriptionGroup { group })
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A value with its items in one order: brokers write sets as lists.
fn unordered(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(unordered).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => {
            let mut sorted: Vec<(String, Value)> = fields
                .iter()
                .map(|(name, field)| (name.clone(), unordered(field)))
                .collect();
            sorted.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(sorted.into_iter().collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OLD: ProductVersion = ProductVersion(401);

    fn topic(attributes: Value) -> TopicConfiguration {
        let mut topic = TopicConfiguration::plain("orders", 8);
        topic.other.insert("attributes".to_owned(), attributes);
        topic
    }

    fn group(other: &Value) -> SubscriptionGroup {
        SubscriptionGroup {
            name: "billing".to_owned(),
            consume_enabled: true,
            other: other.as_object().cloned().unwrap_or_default(),
        }
    }

    #[test]
    fn only_what_differs_of_the_attributes_is_said() {
        let source = topic(json!({"message.type": "FIFO", "queue.type": "SimpleCQ"}));
        assert_eq!(
            topic_like(&source, 6, Some(&source), ProductVersion::FIRST_OF_FIVE),
            None
        );
        let there = topic(json!({"queue.type": "SimpleCQ", "reserve.time": "5"}));
        let Some(Request::PutTopic {
            configuration,
            without_attributes,
        }) = topic_like(&source, 4, Some(&there), ProductVersion::FIRST_OF_FIVE)
        else {
            panic!("nothing is said");
        };
        assert_eq!(
            configuration.attributes().unwrap(),
            [("message.type".to_owned(), "FIFO".to_owned())].into()
        );
        assert_eq!(without_attributes, ["reserve.time".to_owned()].into());
        assert_eq!(configuration.permission, 4);
    }

    #[test]
    fn brokers_of_four_are_told_neither_attributes_nor_the_order() {
        let source = TopicConfiguration {
            order: true,
            ..TopicConfiguration::plain("orders", 8)
        };
        let there = TopicConfiguration::plain("orders", 8);
        assert_eq!(topic_like(&source, 6, Some(&there), OLD), None);
        assert!(topic_like(&source, 6, Some(&there), ProductVersion::FIRST_OF_FIVE).is_some());
        // What a source of 4.x does not tell stays as a newer target has it.
        let newer = topic(json!({"message.type": "NORMAL"}));
        assert_eq!(
            topic_like(&there, 6, Some(&newer), ProductVersion::FIRST_OF_FIVE),
            None
        );
    }

    #[test]
    fn an_attribute_is_known_from_the_version_that_brought_it() {
        let newest = ProductVersion::of_release(5, 5, 0).unwrap();
        let unknown = |attributes, target| unknown_attribute(&topic(attributes), newest, target);
        let compacted = json!({"cleanup.policy": "COMPACTION"});
        let found = Some("cleanup.policy".to_owned());
        assert_eq!(
            unknown(compacted.clone(), ProductVersion::FIRST_OF_FIVE),
            found
        );
        assert_eq!(unknown(compacted, newest), None);
        assert!(unknown(json!({"message.type": "FIFO"}), OLD).is_some());
        assert!(unknown(json!({"unheard.of": "1"}), ProductVersion::FIRST_OF_FIVE).is_some());
        assert_eq!(unknown(json!({"unheard.of": "1"}), newest), None);
    }

    #[test]
    fn a_group_is_like_another_whatever_the_order_of_its_lists() {
        let source =
            group(&json!({"retryQueueNums": 2, "set": [{"a": 1, "b": 2}, 3], "attributes": {}}));
        let there =
            group(&json!({"retryQueueNums": 2, "set": [3, {"b": 2, "a": 1}], "more": true}));
        assert_eq!(group_like(&source, Some(&there), false), None);
        let lacking = group(&json!({"retryQueueNums": 2}));
        assert_eq!(group_like(&source, Some(&lacking), true), None);
        assert!(group_like(&source, Some(&lacking), false).is_some());
    }

    #[test]
    fn attributes_of_a_group_are_said_as_changes() {
        let source = group(&json!({"attributes": {"kept": "1", "changed": "2"}}));
        let there = group(&json!({"attributes": {"kept": "1", "changed": "1"}}));
        let Some(Request::PutSubscriptionGroup { group }) =
            group_like(&source, Some(&there), false)
        else {
            panic!("nothing is said");
        };
        assert_eq!(group.other["attributes"], json!({"+changed": "2"}));
    }
}
