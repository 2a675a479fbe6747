//! Groups of simulated brokers: what somebody makes of topics and subscription groups there, and those that Helm adds.

use midships_client_rocketmq::{ProductVersion, TopicConfiguration};

use super::metadata::{self, Metadata};
use super::{Cluster, Desired};
use crate::lag::REVIVED;
use crate::metadata::LEAVING_MARK;

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
            for queue in 0..queues {
                broker.queues.fill(topic, queue, place);
            }
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

    /// Makes a group consume nothing any more.
    #[must_use]
    pub fn with_stopped(mut self, group: &str) -> Self {
        for broker in &mut self.brokers {
            broker.queues.stopped.insert(group.to_owned());
        }
        self
    }

    /// Gives a broker delayed messages, so many of which are not delivered yet.
    #[must_use]
    pub fn with_delayed(mut self, pod: &str, messages: i64) -> Self {
        if let Some(broker) = self.at(pod) {
            broker.queues.delayed.1 += messages;
        }
        self
    }

    /// Has a broker have handed out messages by POP: so many notes of it by which it has not gone, and so many confirmations
    /// after them.
    #[must_use]
    pub fn with_handed_out(mut self, pod: &str, messages: i64, confirmations: i64) -> Self {
        if let Some(broker) = self.at(pod) {
            let (prefix, group) = REVIVED;
            let topic = format!("{prefix}{}", broker.identity.cluster);
            broker
                .metadata
                .put_topic(TopicConfiguration::plain(&topic, 1));
            broker.queues.handed_out = (messages, confirmations);
            broker.queues.fill(&topic, 0, messages + confirmations);
            let offsets = broker.metadata.offsets.entry(group.to_owned()).or_default();
            offsets.insert(topic, [(0, 0)].into());
        }
        self
    }

    /// Makes a group of consumers each of which gets all messages of a topic.
    #[must_use]
    pub fn with_broadcast(mut self, pod: &str, group: &str, topic: &str) -> Self {
        if let Some(broker) = self.at(pod) {
            let topic = topic.to_owned();
            broker.queues.broadcast.insert(group.to_owned(), topic);
        }
        self
    }

    /// Gives a master the mark of those that leave.
    #[must_use]
    pub fn with_mark(mut self, pod: &str) -> Self {
        if let Some(broker) = self.at(pod) {
            let mark = metadata::group(LEAVING_MARK, 1);
            broker.metadata.groups.insert(mark.name.clone(), mark);
        }
        self
    }

    /// Gives a broker a value of its configuration file.
    #[must_use]
    pub fn with_setting(mut self, pod: &str, key: &str, value: &str) -> Self {
        if let Some(broker) = self.at(pod) {
            broker.settings.insert(key.to_owned(), value.to_owned());
        }
        self
    }

    /// Has a StatefulSet be gone while its pod goes on, as after an upgrade to a larger volume that has failed.
    #[must_use]
    pub fn without_set(mut self, name: &str) -> Self {
        self.removed.insert(name.to_owned());
        self
    }

    /// Puts messages into the first queue of a topic of a broker.
    #[must_use]
    pub fn with_messages(self, pod: &str, topic: &str, messages: i64) -> Self {
        self.with_queue(pod, topic, 0, messages)
    }

    /// Puts messages into a queue of a topic of a broker.
    #[must_use]
    pub fn with_queue(mut self, pod: &str, topic: &str, queue: u32, messages: i64) -> Self {
        if let Some(broker) = self.at(pod) {
            broker.queues.fill(topic, queue, messages);
        }
        self
    }

    /// Helm deletes the brokers that a release has no longer; nobody gets what is left at one of them.
    pub(super) fn remove_brokers(&mut self, desired: &Desired) {
        let is_desired = |pod: &str| desired.brokers.iter().any(|broker| broker.pod == pod);
        for broker in &self.brokers {
            let identity = &broker.identity;
            if identity.is_master()
                && !is_desired(&identity.pod)
                && broker.queues.is_left(&broker.metadata)
            {
                self.breach = Some(format!("{} left with messages", identity.pod));
            }
        }
        for broker in &self.brokers {
            let claim = format!("data-{}", broker.identity.pod);
            if !is_desired(&broker.identity.pod) && self.claims.contains_key(&claim) {
                let data = (
                    broker.metadata.clone(),
                    broker.queues.clone(),
                    broker.stored,
                );
                self.kept.insert(claim, data);
            }
        }
        self.brokers
            .retain(|broker| is_desired(&broker.identity.pod));
        for server in self.name_servers.values_mut() {
            let addresses = desired.brokers.iter();
            let addresses: Vec<&str> = addresses.map(|broker| broker.address.as_str()).collect();
            server.live.retain(|_, found| {
                found.cluster != desired.full_name || addresses.contains(&found.address.as_str())
            });
        }
    }

    pub(super) fn add_brokers(&mut self, desired: &Desired) {
        let source = self.brokers.iter().find(|broker| {
            broker.identity.is_master() && broker.identity.name == desired.source_group
        });
        self.source = source.map(|broker| broker.metadata.clone());
        for identity in &desired.brokers {
            if self.at(&identity.pod).is_none() {
                let mut broker = self.made(identity, desired, self.version);
                if let Some(data) = self.kept.remove(&format!("data-{}", identity.pod)) {
                    (broker.metadata, broker.queues, broker.stored) = data;
                    broker.added = false;
                }
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
