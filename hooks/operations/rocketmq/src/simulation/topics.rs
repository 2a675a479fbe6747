//! A simulated topic on its way: masters and name servers of two clusters, producers and consumers that look at the routes now
//! and then, and everything that brokers do by themselves when a client says that it lives.
//!
//! It holds against an operation what a client would: a send that fails, a message that a group never gets, a group that is
//! gone where it consumes.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{
    BrokerGroup, ClusterInfo, ConsumerConnections, ProductVersion, QueueExtent, QueueRange, Reply,
    Request, TimerMetrics, TopicConfiguration, TopicRoute, TopicStatistics,
};
use midships_engine::simulation::{BEGINNING, Simulation};
use midships_engine::step::{Moment, Unanswered};
use midships_engine::world::CommandFault;
use midships_model::desired::FORMAT;
use midships_model::rocketmq::Address;
use midships_model::rocketmq_topic_transfer::{CHART, Desired, Values};
use serde_json::{Map, json};

use super::metadata::{self, Metadata};
use super::{SECOND, over_the_wire};
use crate::desired::Broker;
use crate::metadata::retry_topic;
use crate::steps::transfer::MAKES_GROUPS_SETTING;
use crate::transfer_topic::wish::Wish;
use crate::view::{NAME_SERVER_SETTING, OPEN, PERMISSION_SETTING};
use crate::vocabulary::{Answer, Command, Query};

/// A transfer of the topic from the cluster `old` to the cluster `new`.
#[must_use]
pub fn values() -> Values {
    let mut values = Values {
        topic: TOPIC.to_owned(),
        client_route_refresh_seconds: 5,
        drain_minutes: 2,
        ..Values::default()
    };
    "old".clone_into(&mut values.source.cluster);
    "new".clone_into(&mut values.target.cluster);
    values.name_servers.addresses = vec![Address("n0:9876".to_owned())];
    values
}

/// What a release `move` with these values asks for, or what its end does.
#[must_use]
pub fn wish(values: Values, takes_back: bool) -> Wish {
    let file = Desired {
        format: FORMAT,
        chart: CHART.to_owned(),
        chart_version: "0.1.0".to_owned(),
        release: "move".to_owned(),
        namespace: "shop".to_owned(),
        full_name: "move-rocketmq-topic-transfer".to_owned(),
        templates: BTreeMap::new(),
        values,
    };
    Wish::of(&file, takes_back)
}

/// How often clients look at the routes.
const REFRESH: Moment = 5 * SECOND;
/// How often clients say that they live.
const HEARTBEAT: Moment = 10 * SECOND;
/// For how long a broker believes that.
const LIFE: Moment = 120 * SECOND;
/// How often a broker tells all of its topics.
const REPORT: Moment = 10 * SECOND;
/// How much time passes at once: all that happens here happens at whole seconds.
const TICK: Moment = SECOND;
/// How often a broker delivers a delayed message.
const DELAY: Moment = 7 * SECOND;
/// After this time nothing is under way any more.
const REST: Moment = 90 * SECOND;
/// How many messages of a queue a consumer gets in a tick.
const CONSUMED: i64 = 3;
/// The topic that is moved.
pub const TOPIC: &str = "orders";
/// A topic that stays.
pub const OTHER_TOPIC: &str = "payments";
/// 4.9.0, the first release that removes the offsets of a group.
const REMOVES_OFFSETS: ProductVersion = ProductVersion(393);
/// 4.9.4, the first release whose name servers forget a topic of one cluster only.
const KNOWS_CLUSTERS: ProductVersion = ProductVersion(401);

#[derive(Clone, Debug, Default)]
struct Server {
    routes: BTreeMap<String, BTreeMap<String, QueueRange>>,
    values: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Clone, Debug)]
struct Master {
    identity: Broker,
    metadata: Metadata,
    ends: BTreeMap<String, BTreeMap<u32, i64>>,
    /// Whether it makes a group when a consumer comes with one that it does not know.
    makes_groups: bool,
    /// When members of groups said last that they live.
    members: BTreeMap<String, Moment>,
    /// Delayed messages of the topic: how many are delivered, and how many there are.
    delayed: (i64, i64),
}

/// What a client knows of the routes.
#[derive(Clone, Debug, Default)]
struct Known {
    routes: BTreeMap<String, BTreeMap<String, QueueRange>>,
}

#[derive(Clone, Debug)]
struct Consumer {
    group: String,
    topics: Vec<String>,
    comes: Moment,
    broadcasts: bool,
    known: Known,
}

/// The simulated world.
#[derive(Clone, Debug)]
pub struct Topics {
    now: Moment,
    version: ProductVersion,
    servers: BTreeMap<String, Server>,
    masters: Vec<Master>,
    producer: Known,
    sent: usize,
    /// Whether the producer is at work.
    sends: bool,
    consumers: Vec<Consumer>,
    /// A name server, and a master that it does not list.
    unlisted: Option<(String, String)>,
    breach: Option<String>,
}

fn range(topic: &TopicConfiguration) -> QueueRange {
    QueueRange {
        read_queues: topic.read_queues,
        write_queues: topic.write_queues,
        permission: topic.permission,
        system_flag: topic.system_flag(),
    }
}

impl Topics {
    /// Two name servers, and masters with nothing but what brokers make themselves: each with its cluster.
    #[must_use]
    pub fn of(masters: &[(&str, &str)], version: ProductVersion) -> Self {
        let master = |(name, cluster): &(&str, &str)| {
            let identity = Broker {
                pod: (*name).to_owned(),
                address: format!("{name}:10911"),
                cluster: (*cluster).to_owned(),
                name: (*name).to_owned(),
                id: Some(0),
            };
            Master {
                metadata: Metadata::of_new(&identity, version),
                identity,
                ends: BTreeMap::new(),
                makes_groups: true,
                members: BTreeMap::new(),
                delayed: (0, 0),
            }
        };
        let server = |name: &str| (format!("{name}:9876"), Server::default());
        Self {
            now: BEGINNING - 60 * SECOND,
            version,
            servers: [server("n0"), server("n1")].into(),
            masters: masters.iter().map(master).collect(),
            producer: Known::default(),
            sent: 0,
            sends: false,
            consumers: Vec::new(),
            unlisted: None,
            breach: None,
        }
    }

    fn at(&mut self, name: &str) -> Option<&mut Master> {
        self.masters
            .iter_mut()
            .find(|master| master.identity.name == name)
    }

    /// Gives a master a topic.
    #[must_use]
    pub fn with_topic(mut self, name: &str, topic: TopicConfiguration) -> Self {
        if let Some(master) = self.at(name) {
            master.metadata.put_topic(topic);
        }
        self
    }

    /// Gives a master a group.
    #[must_use]
    pub fn with_group(mut self, name: &str, group: &str, retries: u32) -> Self {
        if let Some(master) = self.at(name) {
            let group = metadata::group(group, retries);
            master.metadata.groups.insert(group.name.clone(), group);
        }
        self
    }

    /// Has a group without members be at the beginning of topics at a master.
    #[must_use]
    pub fn with_absent(mut self, name: &str, group: &str, topics: &[&str]) -> Self {
        self = self.with_group(name, group, 3);
        let retried = retry_topic(group);
        if let Some(master) = self.at(name) {
            master
                .metadata
                .put_topic(TopicConfiguration::plain(&retried, 1));
            let read: BTreeMap<String, u32> = topics
                .iter()
                .chain([&retried.as_str()])
                .filter_map(|topic| {
                    let found = master.metadata.topics.get(*topic)?;
                    Some(((*topic).to_owned(), found.read_queues))
                })
                .collect();
            let offsets = master.metadata.offsets.entry(group.to_owned()).or_default();
            for (topic, queues) in read {
                offsets.insert(topic, (0..queues).map(|queue| (queue, 0)).collect());
            }
        }
        self
    }

    /// The same of a group with a member, which comes after so many seconds.
    #[must_use]
    pub fn with_consumer(mut self, name: &str, group: &str, topics: &[&str], seconds: u64) -> Self {
        self = self.with_absent(name, group, topics);
        self.consumers.push(Consumer {
            group: group.to_owned(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            comes: BEGINNING + seconds * SECOND,
            broadcasts: false,
            known: Known::default(),
        });
        self
    }

    /// Has the members of the last group each get all messages.
    #[must_use]
    pub fn with_broadcasting(mut self) -> Self {
        if let Some(consumer) = self.consumers.last_mut() {
            consumer.broadcasts = true;
        }
        self
    }

    /// Gives a master messages of the topic that it delivers later.
    #[must_use]
    pub fn with_delayed(mut self, name: &str, count: i64) -> Self {
        if let Some(master) = self.at(name) {
            master.delayed = (0, count);
        }
        self
    }

    /// Has a name server not list a master.
    #[must_use]
    pub fn with_unlisted(mut self, server: &str, name: &str) -> Self {
        self.unlisted = Some((server.to_owned(), name.to_owned()));
        self
    }

    /// The simulated clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Sets a key of a namespace on every name server.
    #[must_use]
    pub fn with_key(mut self, namespace: &str, key: &str, value: &str) -> Self {
        for server in self.servers.values_mut() {
            let keys = server.values.entry(namespace.to_owned()).or_default();
            keys.insert(key.to_owned(), value.to_owned());
        }
        self
    }

    /// The same after some time, with a producer that sends without a pause.
    #[must_use]
    pub fn at_work(self) -> Self {
        self.begun(true)
    }

    /// The same after some time, with nobody who sends.
    #[must_use]
    pub fn idle(self) -> Self {
        self.begun(false)
    }

    fn begun(mut self, sends: bool) -> Self {
        for consumer in &mut self.consumers {
            // Who comes at the beginning has been there for long.
            if consumer.comes == BEGINNING {
                consumer.comes = 0;
            }
        }
        for index in 0..self.masters.len() {
            self.report_all(index);
        }
        self.look();
        self.sends = sends;
        self.advance(BEGINNING - 2 * TICK);
        self
    }

    fn report(&mut self, index: usize, topic: &str) {
        let Some(master) = self.masters.get(index) else {
            return;
        };
        if let Some(topic) = master.metadata.topics.get(topic) {
            for server in self.servers.values_mut() {
                let route = server.routes.entry(topic.name.clone()).or_default();
                route.insert(master.identity.name.clone(), range(topic));
            }
        }
    }

    fn report_all(&mut self, index: usize) {
        let Some(master) = self.masters.get(index) else {
            return;
        };
        let topics: Vec<String> = master.metadata.topics.keys().cloned().collect();
        for topic in topics {
            self.report(index, &topic);
        }
    }

    /// Every client looks at the routes; what the name server does not know of stays as it was.
    fn look(&mut self) {
        let Some(server) = self.servers.values().next() else {
            return;
        };
        let look = |known: &mut Known, topic: &str| {
            if let Some(route) = server.routes.get(topic) {
                known.routes.insert(topic.to_owned(), route.clone());
            }
        };
        look(&mut self.producer, TOPIC);
        for consumer in &mut self.consumers {
            let retried = retry_topic(&consumer.group);
            for topic in consumer.topics.iter().chain([&retried]) {
                look(&mut consumer.known, topic);
            }
        }
    }

    fn breach(&mut self, what: String) {
        self.breach.get_or_insert(what);
    }

    fn send(&mut self) {
        let route = self.producer.routes.get(TOPIC);
        let open: Vec<String> = route
            .into_iter()
            .flatten()
            .filter(|(_, range)| range.permission & TopicConfiguration::WRITE != 0)
            .map(|(name, _)| name.clone())
            .collect();
        self.sent += 1;
        let sent = self.sent;
        let Some(name) = sent.checked_rem(open.len()).and_then(|at| open.get(at)) else {
            return self.breach("a producer has nowhere to send to".to_owned());
        };
        let stored = self.at(name).is_some_and(|master| {
            let Some(topic) = master.metadata.topics.get(TOPIC) else {
                return false;
            };
            let queues = usize::try_from(topic.write_queues).unwrap_or(1).max(1);
            let queue = u32::try_from((sent / open.len()) % queues).unwrap_or_default();
            *master
                .ends
                .entry(TOPIC.to_owned())
                .or_default()
                .entry(queue)
                .or_default() += 1;
            true
        });
        if !stored {
            self.breach(format!(
                "a send to {name} failed: it does not have the topic"
            ));
        }
    }

    /// Members of groups get messages, and say that they live.
    fn consume(&mut self) {
        let now = self.now;
        let mut created = Vec::new();
        let mut skipped = None;
        for consumer in self
            .consumers
            .iter()
            .filter(|consumer| consumer.comes <= now)
        {
            let group = &consumer.group;
            for (topic, route) in &consumer.known.routes {
                for (index, master) in self.masters.iter_mut().enumerate() {
                    if !route.contains_key(&master.identity.name) {
                        continue;
                    }
                    if now.is_multiple_of(HEARTBEAT) {
                        master.members.insert(group.clone(), now);
                        let known = &mut master.metadata;
                        if master.makes_groups {
                            let fresh = metadata::group(group, 16);
                            known.groups.entry(group.clone()).or_insert(fresh);
                        }
                        if !known.groups.contains_key(group) {
                            continue;
                        }
                        let retried = retry_topic(group);
                        if !known.topics.contains_key(&retried) {
                            known.put_topic(TopicConfiguration::plain(&retried, 1));
                            created.push((index, retried));
                        }
                    }
                    if let Some(what) = master.consume(group, topic) {
                        skipped = Some(what);
                    }
                }
            }
        }
        if let Some(what) = skipped {
            self.breach(what);
        }
        for (index, topic) in created {
            self.report(index, &topic);
        }
    }

    fn deliver(&mut self) {
        let mut lost = None;
        for master in &mut self.masters {
            if master.delayed.0 == master.delayed.1 {
                continue;
            }
            master.delayed.0 += 1;
            if master.metadata.topics.contains_key(TOPIC) {
                let queues = master.ends.entry(TOPIC.to_owned()).or_default();
                *queues.entry(0).or_default() += 1;
            } else {
                lost = Some(format!(
                    "a delayed message of {} has no topic any more",
                    master.identity.name
                ));
            }
        }
        if let Some(lost) = lost {
            self.breach(lost);
        }
    }

    fn tick(&mut self) {
        let now = self.now;
        if now.is_multiple_of(REFRESH) {
            self.look();
        }
        if now.is_multiple_of(REPORT) {
            for index in 0..self.masters.len() {
                self.report_all(index);
            }
        }
        if now.is_multiple_of(DELAY) {
            self.deliver();
        }
        if self.sends {
            self.send();
        }
        self.consume();
    }

    fn info(&self) -> ClusterInfo {
        let mut info = ClusterInfo::default();
        for master in &self.masters {
            let Broker {
                name,
                cluster,
                address,
                ..
            } = &master.identity;
            let group = BrokerGroup {
                cluster: cluster.clone(),
                addresses: [(0, address.clone())].into(),
            };
            info.brokers.insert(name.clone(), group);
            let names = info.clusters.entry(cluster.clone()).or_default();
            names.insert(name.clone());
        }
        info
    }

    fn serve_as_name_server(&mut self, address: &str, request: &Request) -> Option<Reply> {
        if *request == Request::ClusterInfo {
            let mut info = self.info();
            if let Some((server, name)) = &self.unlisted
                && server == address
            {
                info.brokers.remove(name);
            }
            return Some(Reply::ClusterInfo(info));
        }
        let info = self.info();
        let server = self.servers.get_mut(address)?;
        match request {
            Request::TopicRoute { topic } => {
                Some(Reply::Route(server.routes.get(topic).map(|queues| {
                    TopicRoute {
                        brokers: info
                            .brokers
                            .into_iter()
                            .filter(|(name, _)| queues.contains_key(name))
                            .collect(),
                        queues: queues.clone(),
                        order: None,
                    }
                })))
            }
            Request::KeyValues { namespace } => Some(Reply::KeyValues(
                server.values.get(namespace).cloned().unwrap_or_default(),
            )),
            Request::PutKeyValue {
                namespace,
                key,
                value,
            } => {
                let keys = server.values.entry(namespace.clone()).or_default();
                keys.insert(key.clone(), value.clone());
                Some(Reply::Accepted)
            }
            Request::DeleteKeyValue { namespace, key } => {
                if let Some(keys) = server.values.get_mut(namespace) {
                    keys.remove(key);
                }
                Some(Reply::Accepted)
            }
            Request::ForgetTopic { topic, cluster } => {
                if let Some(route) = server.routes.get_mut(topic) {
                    let names = info.clusters.get(cluster).cloned().unwrap_or_default();
                    route.retain(|name, _| self.version >= KNOWS_CLUSTERS && !names.contains(name));
                    if route.is_empty() {
                        server.routes.remove(topic);
                    }
                }
                Some(Reply::Accepted)
            }
            _ => None,
        }
    }

    fn serve_as_broker(&mut self, index: usize, request: &Request) -> Option<Reply> {
        let (now, version) = (self.now, self.version);
        let list: Vec<String> = self.servers.keys().cloned().collect();
        match request {
            Request::DeleteTopic { topic } => self.lose_topic(index, topic),
            Request::DeleteSubscriptionGroup { group, .. } => self.lose_group(index, group),
            _ => {}
        }
        let consumers = &self.consumers;
        let master = self.masters.get_mut(index)?;
        let reply = match request {
            Request::BrokerConfiguration => Some(Reply::Configuration(BTreeMap::from([
                (NAME_SERVER_SETTING.to_owned(), list.join(";")),
                (PERMISSION_SETTING.to_owned(), OPEN.to_owned()),
                (
                    MAKES_GROUPS_SETTING.to_owned(),
                    master.makes_groups.to_string(),
                ),
            ]))),
            Request::UpdateBrokerConfiguration { properties } => {
                if let Some(value) = properties.get(MAKES_GROUPS_SETTING) {
                    master.makes_groups = value == "true";
                }
                Some(Reply::Accepted)
            }
            Request::RuntimeInformation => {
                let (done, end) = master.delayed;
                Some(Reply::Runtime(
                    [(
                        "scheduleMessageOffset_3".to_owned(),
                        format!("{done},{end}"),
                    )]
                    .into(),
                ))
            }
            Request::TopicStatistics { topic } => master.statistics(topic),
            Request::TopicGroups { topic } => {
                let offsets = master.metadata.offsets.iter();
                let recorded = offsets
                    .filter(|(_, topics)| topics.contains_key(topic))
                    .map(|(group, _)| group.clone());
                let members = consumers.iter().filter(|consumer| {
                    consumer.topics.contains(topic) && master.has_member(&consumer.group, now)
                });
                let members = members.map(|consumer| consumer.group.clone());
                Some(Reply::Groups(recorded.chain(members).collect()))
            }
            Request::ConsumerConnections { group } => {
                let member = consumers.iter().find(|consumer| consumer.group == *group);
                let member = member.filter(|_| master.has_member(group, now));
                Some(Reply::ConsumerConnections(member.map(connections)))
            }
            Request::TimerMetrics => Some(Reply::TimerMetrics(TimerMetrics::default())),
            Request::DeleteTopic { topic } => {
                master.metadata.topics.remove(topic);
                master.ends.remove(topic);
                if version >= ProductVersion::FIRST_OF_FIVE {
                    for topics in master.metadata.offsets.values_mut() {
                        topics.remove(topic);
                    }
                }
                Some(Reply::Accepted)
            }
            Request::DeleteSubscriptionGroup {
                group,
                with_offsets,
            } => {
                if *with_offsets && version >= REMOVES_OFFSETS {
                    master.metadata.offsets.remove(group);
                }
                master.metadata.serve(request, version)
            }
            _ => master.metadata.serve(request, version),
        };
        if let Request::PutTopic { configuration, .. } = request {
            self.report(index, &configuration.name);
        }
        reply
    }

    /// Looks at what goes with a topic that a broker is told to remove.
    fn lose_topic(&mut self, index: usize, topic: &str) {
        let Some(master) = self.masters.get(index) else {
            return;
        };
        let readers = self.consumers.iter().filter(|consumer| {
            consumer.topics.iter().any(|name| name == topic)
                || retry_topic(&consumer.group) == topic
        });
        let mut lost = None;
        for consumer in readers {
            for (queue, end) in master.ends.get(topic).into_iter().flatten() {
                let offsets = master.metadata.offsets.get(&consumer.group);
                let place = offsets
                    .and_then(|topics| topics.get(topic)?.get(queue))
                    .copied()
                    .unwrap_or_default();
                if place < *end {
                    lost = Some(format!(
                        "{} messages of {topic} queue {queue} at {} are lost for {}",
                        end - place,
                        master.identity.name,
                        consumer.group
                    ));
                }
            }
        }
        if let Some(lost) = lost {
            self.breach(lost);
        }
    }

    fn lose_group(&mut self, index: usize, group: &str) {
        let Some(master) = self.masters.get(index) else {
            return;
        };
        let used = self.consumers.iter().any(|consumer| {
            consumer.group == group
                && consumer
                    .topics
                    .iter()
                    .any(|topic| master.metadata.topics.contains_key(topic))
        });
        if used {
            let name = master.identity.name.clone();
            self.breach(format!(
                "group {group} is gone at {name}, where it consumes"
            ));
        }
    }

    /// What somebody has made, and where the name servers say that it is.
    #[must_use]
    pub fn state(&self) -> String {
        let mut lines = Vec::new();
        let mut made = BTreeSet::new();
        for master in &self.masters {
            let identity = &master.identity;
            made.extend(
                master
                    .metadata
                    .user_topics(identity)
                    .map(|topic| topic.name.clone()),
            );
            let mut kept = master.metadata.clone();
            for topics in kept.offsets.values_mut() {
                topics.retain(|topic, _| kept.topics.contains_key(topic));
                for place in topics.values_mut().flat_map(BTreeMap::values_mut) {
                    *place = 0;
                }
            }
            kept.offsets.retain(|_, topics| !topics.is_empty());
            lines.push(kept.state(identity));
            if !master.makes_groups {
                lines.push(format!("{} makes no groups", identity.name));
            }
        }
        for (address, server) in &self.servers {
            for (topic, route) in &server.routes {
                if made.contains(topic) {
                    let route: Vec<String> = route
                        .iter()
                        .map(|(name, range)| {
                            format!("{name} {} {}", range.permission, range.read_queues)
                        })
                        .collect();
                    lines.push(format!("{address} {topic} at {}", route.join(", ")));
                }
            }
            let values = server.values.iter().filter(|(_, keys)| !keys.is_empty());
            lines.extend(values.map(|(namespace, keys)| format!("{address} {namespace} {keys:?}")));
        }
        lines.join("\n")
    }
}

fn connections(consumer: &Consumer) -> ConsumerConnections {
    let retried = retry_topic(&consumer.group);
    let topics = consumer.topics.iter().chain([&retried]);
    let model = if consumer.broadcasts {
        "BROADCASTING"
    } else {
        "CLUSTERING"
    };
    ConsumerConnections {
        message_model: Some(model.to_owned()),
        subscriptions: topics.map(|topic| (topic.clone(), json!({}))).collect(),
        ..ConsumerConnections::default()
    }
}

impl Master {
    fn has_member(&self, group: &str, now: Moment) -> bool {
        self.members
            .get(group)
            .is_some_and(|seen| now < seen + LIFE)
    }

    fn statistics(&self, topic: &str) -> Option<Reply> {
        let found = self.metadata.topics.get(topic)?;
        let end = |queue: &u32| {
            let ends = self.ends.get(topic).and_then(|ends| ends.get(queue));
            ends.copied().unwrap_or_default()
        };
        let queues = (0..found.read_queues.max(found.write_queues)).map(|queue| QueueExtent {
            broker: self.identity.name.clone(),
            topic: topic.to_owned(),
            queue,
            minimum_offset: 0,
            maximum_offset: end(&queue),
            updated: 0,
        });
        Some(Reply::TopicStatistics(TopicStatistics {
            queues: queues.collect(),
            other: Map::new(),
        }))
    }

    /// A member of a group gets messages; what it never gets is told.
    fn consume(&mut self, group: &str, topic: &str) -> Option<String> {
        if !self.metadata.groups.contains_key(group) {
            return None;
        }
        let queues = self.metadata.topics.get(topic)?.read_queues;
        let mut skipped = None;
        for queue in 0..queues {
            let ends = self.ends.get(topic).and_then(|ends| ends.get(&queue));
            let end = ends.copied().unwrap_or_default();
            let offsets = self.metadata.offsets.entry(group.to_owned()).or_default();
            let offsets = offsets.entry(topic.to_owned()).or_default();
            if let Some(place) = offsets.get_mut(&queue) {
                *place = (*place + CONSUMED).min(end).max(*place);
                continue;
            }
            // It begins with the last message.
            offsets.insert(queue, end);
            if end > 0 {
                skipped = Some(format!(
                    "group {group} skips {end} messages of {topic} queue {queue} at {}",
                    self.identity.name
                ));
            }
        }
        skipped
    }
}

impl Simulation for Topics {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn ask(&mut self, now: Moment, query: &Query) -> Result<Answer, Unanswered> {
        self.advance(now);
        let Query::Rocketmq { address, request } = query else {
            return Err(Unanswered {
                object: query.object(),
                why: "nobody of this world runs on Kubernetes".to_owned(),
            });
        };
        let at = |master: &Master| master.identity.address == *address;
        let reply = if self.servers.contains_key(address) {
            self.serve_as_name_server(address, request)
        } else if let Some(index) = self.masters.iter().position(at) {
            self.serve_as_broker(index, request)
        } else {
            None
        };
        over_the_wire(address, request, self.version, reply)
    }

    fn perform(&mut self, now: Moment, command: &Command) -> Result<(), CommandFault> {
        let Command::Rocketmq { address, request } = command else {
            return Err(CommandFault::Declined(Unanswered {
                object: format!("{command:?}"),
                why: "nobody of this world runs on Kubernetes".to_owned(),
            }));
        };
        let query = Query::rocketmq(address, request.clone());
        self.ask(now, &query)
            .map(|_| ())
            .map_err(CommandFault::Unanswered)
    }

    fn advance(&mut self, to: Moment) {
        while self.now + TICK <= to {
            self.now += TICK;
            self.tick();
        }
    }

    /// Taken when nobody sends any more and all that is under way has come to rest.
    fn fingerprint(&self) -> String {
        let mut rested = self.clone();
        rested.sends = false;
        let last = rested.consumers.iter().map(|consumer| consumer.comes).max();
        let end = rested.now.max(last.unwrap_or_default()) + REST;
        rested.advance(end);
        rested.state()
    }

    fn appearance(&self) -> String {
        self.state()
    }

    fn invariant(&self) -> Result<(), String> {
        self.breach.clone().map_or(Ok(()), Err)
    }
}
