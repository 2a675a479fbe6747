//! Groups of simulated brokers: what somebody makes of topics and subscription groups there, and those that Helm adds.

use midships_client_rocketmq::{ProductVersion, TopicConfiguration};

use super::metadata::{self, Metadata};
use super::{Cluster, Desired};

impl Cluster {
    /// Gives a broker a topic, or another configuration of one.
    #[must_use]
    pub fn with_topic(mut self, pod: &str, topic: TopicConfiguration) -> Self {
        if let Some(broker) = self.at(pod) {
            broker.metadata.put_topic(topic);
        }
        self
    }

    /// Gives a broker a subscription group that has consumed all queues of a topic up to some place.
    #[must_use]
    pub fn with_consumer(mut self, pod: &str, name: &str, topic: &str, place: i64) -> Self {
        if let Some(broker) = self.at(pod) {
            let group = metadata::group(name, 3);
            broker.metadata.groups.insert(name.to_owned(), group);
            let queues = broker.metadata.topics.get(topic);
            let queues = queues.map_or(0, |topic| topic.read_queues);
            let offsets = broker.metadata.offsets.entry(name.to_owned()).or_default();
            offsets.insert(
                topic.to_owned(),
                (0..queues).map(|queue| (queue, place)).collect(),
            );
        }
        self
    }

    /// Takes all topics, groups and messages from a broker, as if it had just been made.
    #[must_use]
    pub fn with_nothing(mut self, pod: &str) -> Self {
        if let Some(broker) = self.at(pod) {
            broker.metadata = Metadata::of_new(&broker.identity, broker.version);
            broker.stored = 0;
        }
        self
    }

    /// Takes all topics and groups from a broker that has stored messages.
    #[must_use]
    pub fn with_nothing_but_messages(mut self, pod: &str) -> Self {
        if let Some(broker) = self.at(pod) {
            broker.metadata = Metadata::of_new(&broker.identity, broker.version);
            broker.stored += 1;
        }
        self
    }

    /// Gives a broker another version.
    #[must_use]
    pub fn with_version(mut self, pod: &str, version: ProductVersion) -> Self {
        if let Some(broker) = self.at(pod) {
            broker.version = version;
        }
        self
    }

    /// Has somebody make a topic and a group while new groups are being filled.
    #[must_use]
    pub fn with_latecomers(mut self, topic: &str, group: &str) -> Self {
        let topic = TopicConfiguration::plain(topic, 4);
        self.latecomers = Some((topic, metadata::group(group, 5)));
        self
    }

    pub(super) fn add_brokers(&mut self, desired: &Desired) {
        let source = self.brokers.iter().find(|broker| {
            broker.identity.is_master() && broker.identity.name == desired.source_group
        });
        self.source = source.map(|broker| broker.metadata.clone());
        for identity in &desired.brokers {
            if self.at(&identity.pod).is_none() {
                let broker = self.made(identity, desired, self.version);
                self.brokers.push(broker);
            }
        }
    }

    /// Somebody makes a topic and a group at the group from which new ones are filled.
    pub(super) fn come_late(&mut self) {
        let source = self.brokers.iter_mut().find(|broker| {
            broker.identity.is_master() && broker.identity.name == self.desired.source_group
        });
        if let Some(broker) = source
            && let Some((topic, group)) = self.latecomers.take()
        {
            broker.metadata.put_topic(topic);
            broker.metadata.groups.insert(group.name.clone(), group);
            broker.report(self.now, &mut self.name_servers);
        }
    }
}
