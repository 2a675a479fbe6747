//! What a simulated broker keeps of topics, subscription groups and offsets, and how it takes changes of them.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{
    ConsumerOffsets, DataVersion, ProductVersion, Reply, Request, SubscriptionGroup,
    SubscriptionGroups, TopicConfiguration, TopicConfigurations,
};
use serde_json::{Map, Value};

use crate::desired::Broker;
use crate::metadata::{DRAINED_MARK, LEAVING_MARK, MARK, is_system_group, is_system_topic};
use crate::view::BrokerSettings;

/// A topic is somebody's or not whatever the broker's settings are, where no topic of traces is set.
static NO_PROPERTIES: BTreeMap<String, String> = BTreeMap::new();
/// 5.5.0.
const MAKES_REMOVED_AGAIN: ProductVersion = ProductVersion(513);

/// Topics, subscription groups and offsets of one broker.
#[derive(Clone, Debug, Default)]
pub(super) struct Metadata {
    pub(super) topics: BTreeMap<String, TopicConfiguration>,
    pub(super) groups: BTreeMap<String, SubscriptionGroup>,
    pub(super) offsets: BTreeMap<String, BTreeMap<String, BTreeMap<u32, i64>>>,
}

/// A subscription group with the fields that a broker writes.
pub(super) fn group(name: &str, retries: u32) -> SubscriptionGroup {
    let mut other = Map::new();
    other.insert("retryMaxTimes".to_owned(), retries.into());
    SubscriptionGroup {
        name: name.to_owned(),
        consume_enabled: true,
        other,
    }
}

impl Metadata {
    /// What a broker has that nobody has given anything.
    pub(super) fn of_new(broker: &Broker, version: ProductVersion) -> Self {
        let mut metadata = Self::default();
        let reply = format!("{}_REPLY_TOPIC", broker.cluster);
        let mut names = vec![
            "SELF_TEST_TOPIC",
            "BenchmarkTest",
            &broker.name,
            &broker.cluster,
        ];
        if version >= ProductVersion::FIRST_OF_FIVE {
            names.extend(["SCHEDULE_TOPIC_XXXX", "rmq_sys_wheel_timer", &reply]);
        }
        for name in names {
            metadata.put_topic(TopicConfiguration::plain(name, 1));
        }
        for name in ["TOOLS_CONSUMER", "CID_RMQ_SYS_TRANS"] {
            metadata.groups.insert(name.to_owned(), group(name, 16));
        }
        metadata
    }

    pub(super) fn put_topic(&mut self, topic: TopicConfiguration) {
        self.topics.insert(topic.name.clone(), topic);
    }

    /// The topics that somebody has made.
    pub(super) fn user_topics<'a>(
        &'a self,
        broker: &'a Broker,
    ) -> impl Iterator<Item = &'a TopicConfiguration> {
        let is_made = |topic: &&TopicConfiguration| {
            let settings = BrokerSettings {
                version: ProductVersion::default(),
                properties: &NO_PROPERTIES,
            };
            !is_system_topic(&topic.name, broker, &settings)
        };
        self.topics.values().filter(is_made)
    }

    /// Whether all that somebody has made here as a topic is there as well.
    pub(super) fn is_within(&self, broker: &Broker, other: &Self) -> bool {
        self.user_topics(broker)
            .all(|topic| other.topics.contains_key(&topic.name))
    }

    /// What is wrong if clients may write here now: a group or an offset that `source` had and this broker lacks.
    pub(super) fn rashness(&self, broker: &Broker, source: &Self) -> Option<String> {
        let open = self.user_topics(broker).find(|topic| topic.is_written())?;
        let pod = &broker.pod;
        let told = |what: String| Some(format!("{pod} takes {} and lacks {what}", open.name));
        let mut groups = source.groups.keys();
        let is_lacking =
            |name: &&String| !is_system_group(name) && !self.groups.contains_key(*name);
        if let Some(group) = groups.find(is_lacking) {
            return told(format!("group {group}"));
        }
        for (group, topics) in &source.offsets {
            for topic in topics.keys() {
                let Some(there) = self.topics.get(topic).filter(|topic| topic.is_written()) else {
                    continue;
                };
                let begun = self.offsets.get(group).and_then(|topics| topics.get(topic));
                let lacks = |queue: &u32| !begun.is_some_and(|queues| queues.contains_key(queue));
                if let Some(queue) = (0..there.read_queues).find(lacks) {
                    return told(format!("an offset of {group} in {topic} {queue}"));
                }
            }
        }
        None
    }

    /// Answers what is asked of topics, groups and offsets; nothing where it is about something else or declined.
    pub(super) fn serve(&mut self, request: &Request, version: ProductVersion) -> Option<Reply> {
        match request {
            Request::TopicConfigurations => Some(Reply::TopicConfigurations(TopicConfigurations {
                topics: self.topics.clone(),
                data_version: DataVersion::default(),
                other: Map::new(),
            })),
            Request::SubscriptionGroups => Some(Reply::SubscriptionGroups(SubscriptionGroups {
                groups: self.groups.clone(),
                data_version: DataVersion::default(),
                other: Map::new(),
            })),
            Request::ConsumerOffsets => Some(Reply::ConsumerOffsets(ConsumerOffsets {
                groups: self.offsets.clone(),
                other: Map::new(),
            })),
            Request::PutTopic {
                configuration,
                without_attributes,
            } => self.take_topic(configuration, without_attributes, version),
            Request::PutSubscriptionGroup { group } => {
                let mut group = group.clone();
                if let Some(Value::Object(changes)) = group.other.remove("attributes") {
                    // A name without a sign is declined.
                    let attributes: Option<Map<String, Value>> = changes
                        .into_iter()
                        .map(|(name, value)| Some((name.strip_prefix('+')?.to_owned(), value)))
                        .collect();
                    group
                        .other
                        .insert("attributes".to_owned(), attributes?.into());
                }
                self.groups.insert(group.name.clone(), group);
                Some(Reply::Accepted)
            }
            Request::DeleteSubscriptionGroup {
                group,
                with_offsets,
            } => {
                let removed = self.groups.remove(group);
                // It asks afterwards whether the group is a light one, which makes it.
                if version >= MAKES_REMOVED_AGAIN && !with_offsets && removed.is_some() {
                    let made = SubscriptionGroup {
                        name: group.clone(),
                        consume_enabled: true,
                        other: Map::new(),
                    };
                    self.groups.insert(group.clone(), made);
                }
                Some(Reply::Accepted)
            }
            Request::PutConsumerOffset {
                group,
                topic,
                queue,
                offset,
            } => {
                if version >= ProductVersion::FIRST_OF_FIVE
                    && !(self.topics.contains_key(topic) && self.groups.contains_key(group))
                {
                    return None;
                }
                let topics = self.offsets.entry(group.clone()).or_default();
                let queues = topics.entry(topic.clone()).or_default();
                queues.insert(*queue, i64::try_from(*offset).unwrap_or(i64::MAX));
                Some(Reply::Accepted)
            }
            _ => None,
        }
    }

    fn take_topic(
        &mut self,
        configuration: &TopicConfiguration,
        without: &BTreeSet<String>,
        version: ProductVersion,
    ) -> Option<Reply> {
        const FIXED: [&str; 2] = ["queue.type", "cleanup.policy"];
        let mut topic = configuration.clone();
        let found = self.topics.get(&topic.name);
        if version < ProductVersion::FIRST_OF_FIVE {
            topic = topic.with_attributes(BTreeMap::new());
            topic.order = found.is_some_and(|found| found.order);
        } else {
            let mut attributes = found
                .and_then(TopicConfiguration::attributes)
                .unwrap_or_default();
            let changes = configuration.attributes().unwrap_or_default();
            // Some attributes are given to a topic when it is made and never again.
            if found.is_some() && changes.keys().any(|name| FIXED.contains(&name.as_str()))
                || without.iter().any(|name| !attributes.contains_key(name))
            {
                return None;
            }
            attributes.extend(changes);
            attributes.retain(|name, _| !without.contains(name));
            topic = topic.with_attributes(attributes);
        }
        self.put_topic(topic);
        Some(Reply::Accepted)
    }

    /// What somebody has made, in words, and whether an addition is under way.
    pub(super) fn state(&self, broker: &Broker) -> String {
        let topics: Vec<String> = self
            .user_topics(broker)
            .map(|topic| {
                let attributes = topic.attributes().unwrap_or_default();
                format!(
                    "{} {}/{} {} {} {attributes:?}",
                    topic.name,
                    topic.read_queues,
                    topic.write_queues,
                    topic.permission,
                    topic.order
                )
            })
            .collect();
        let groups: Vec<String> = self
            .groups
            .values()
            .filter(|group| !is_system_group(&group.name))
            .map(|group| format!("{} {:?}", group.name, group.other))
            .collect();
        let marks = [MARK, LEAVING_MARK, DRAINED_MARK];
        format!(
            "{} topics [{}] groups [{}] offsets {:?} marks {:?}",
            broker.pod,
            topics.join(", "),
            groups.join(", "),
            self.offsets
                .iter()
                .map(|(group, topics)| (
                    group,
                    topics
                        .iter()
                        .map(|(topic, queues)| (topic, queues.len()))
                        .collect()
                ))
                .collect::<BTreeMap<_, BTreeMap<_, _>>>(),
            marks.map(|mark| self.groups.contains_key(mark))
        )
    }
}
