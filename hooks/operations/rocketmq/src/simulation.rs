//! A simulated RocketMQ on a simulated Kubernetes: name servers, brokers, pods and clients that write.
//!
//! It answers in frames as each version writes them, and the real client decodes those frames. The
//! quirks that matter here: brokers before 4.9.4 accept a new name server list and never act on it;
//! newer ones look at it at fixed intervals; a name server forgets a broker at once when its process
//! ends, and after 120 s when it merely stops reporting.

mod elections;
mod groups;
mod metadata;
mod queues;
pub mod scenario;
pub mod topics;

use std::collections::{BTreeMap, BTreeSet};

use midships_client_kubernetes as kubernetes;
use midships_client_kubernetes::growth::Room;
use midships_client_rocketmq as rocketmq;
use midships_client_rocketmq::answer::answered;
use midships_client_rocketmq::{
    BrokerGroup, ClusterInfo, ElectedBroker, Frame, ProductVersion, Reply, Request,
    SubscriptionGroup, TopicConfiguration, decode, encode,
};
use midships_engine::simulation::{BEGINNING, Simulation};
use midships_engine::step::{Moment, Unanswered};
use midships_engine::world::CommandFault;
use midships_model::rocketmq::ORDER_CONFIGURATION;

use self::metadata::Metadata;
use self::queues::Queues;
use crate::desired::{Broker, Desired};
use crate::fixed::{CLUSTER_VARIABLE, ENCRYPTION_VARIABLE, HOST_VARIABLE};
use crate::view::{
    ALL_IN_SYNC_SETTING, ID_SETTING, NAME_SERVER_SETTING, OPEN, PERMISSION_SETTING, READ_ONLY,
    RELOAD_PERIOD_SETTING,
};
use crate::vocabulary::{Answer, Command, Query};

const SECOND: Moment = 1_000;
/// The step of simulated time: things happen at most this late.
const TICK: Moment = 500;
/// A name server forgets a broker that has not reported for this long.
const EXPIRY: Moment = 120 * SECOND;
/// How often a simulated broker reports, as the chart sets it.
const REPORT_PERIOD: Moment = 10 * SECOND;
/// After this time nothing is under way any more.
const REST: Moment = 300 * SECOND;
/// How long a simulated broker takes to stop.
const STOPPING: Moment = 8 * SECOND;
/// How long a simulated volume takes to grow.
const GROWTH: Moment = 5 * SECOND;
/// How many messages a replica fetches in a tick.
const FETCHED: i64 = 20;
/// How long a name server takes to stop and to start.
const NAME_SERVER_RENEWAL: Moment = 8 * SECOND;
/// How long a simulated broker takes to start.
const STARTING: Moment = 20 * SECOND;

/// What a name server knows of one broker.
#[derive(Clone, Debug)]
struct Registration {
    address: String,
    cluster: String,
    expires: Moment,
    topics: BTreeSet<String>,
}

/// A simulated name server.
#[derive(Clone, Debug)]
struct NameServer {
    /// Its pod, if it is one of the release's own.
    pod: Option<String>,
    /// How many times its pod has been made.
    generation: u32,
    /// The template that its pod was made of.
    template: Option<String>,
    /// Whether it has a certificate; it takes what is not encrypted, too.
    encrypted: bool,
    serves_from: Moment,
    order: BTreeMap<String, String>,
    live: BTreeMap<(String, i64), Registration>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Up,
    /// Its pod can never come up as it was made.
    Broken,
    Stopping {
        until: Moment,
    },
    Starting {
        until: Moment,
    },
    /// It is new and was never there.
    Coming {
        until: Moment,
    },
}

/// A simulated broker and its pod.
#[derive(Clone, Debug)]
struct SimulatedBroker {
    identity: Broker,
    state: State,
    generation: u32,
    /// What code 25 sets and code 26 tells.
    configured: String,
    /// What it really reports to.
    used: Vec<String>,
    permission: String,
    permission_since: Moment,
    next_look: Moment,
    next_report: Moment,
    stored: i64,
    metadata: Metadata,
    queues: Queues,
    /// Whether Helm has made it since the cluster stands.
    added: bool,
    /// The template that its pod was made of.
    template: Option<String>,
    /// Whether it speaks TLS to other servers, and reaches none that has no certificate.
    encrypted: bool,
    version: ProductVersion,
    /// Whether it acknowledges only what all have that may be elected.
    waits_for_all: bool,
    /// What it has of the settings that it takes while it runs.
    settings: BTreeMap<String, String>,
}

/// The simulated world of one release.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The claims of brokers by name, where their storage has any: mebibytes asked for, there, and since when asked.
    claims: BTreeMap<String, (u64, u64, Moment)>,
    /// Brokers that are gone and that controllers remember, by group.
    remembered: BTreeMap<String, Vec<ElectedBroker>>,
    /// StatefulSets that were deleted with their pods left running.
    removed: BTreeSet<String>,
    /// What brokers had that Helm has deleted, by the claims that were kept.
    kept: BTreeMap<String, (Metadata, Queues, i64)>,
    now: Moment,
    desired: Desired,
    /// The version that brokers have after their next start.
    version: ProductVersion,
    /// The period of looks at the name server list.
    look_period: Moment,
    /// What Helm applied: the list that brokers read when they start.
    applied: String,
    ephemeral_storage: bool,
    declines_evictions: bool,
    /// How brokers describe their version, where that is not as their answers say.
    description: Option<String>,
    name_servers: BTreeMap<String, NameServer>,
    brokers: Vec<SimulatedBroker>,
    /// What the group from which new ones are filled knew when Helm made them.
    source: Option<Metadata>,
    /// What somebody makes at that group as soon as a new one has its first offset.
    latecomers: Option<(TopicConfiguration, SubscriptionGroup)>,
    breach: Option<String>,
}

impl Cluster {
    /// A release that has stood and served with a name server list for a long time.
    #[must_use]
    pub fn standing(desired: &Desired, version: ProductVersion) -> Self {
        let now = BEGINNING - 2 * TICK;
        let list = desired.list();
        let mut cluster = Self {
            claims: BTreeMap::new(),
            remembered: BTreeMap::new(),
            removed: BTreeSet::new(),
            kept: BTreeMap::new(),
            now,
            desired: desired.clone(),
            version,
            look_period: 3 * SECOND,
            applied: list.clone(),
            ephemeral_storage: false,
            declines_evictions: false,
            description: None,
            name_servers: BTreeMap::new(),
            brokers: Vec::new(),
            source: None,
            latecomers: None,
            breach: None,
        };
        cluster.add_name_servers(desired, now);
        for identity in &desired.brokers {
            let mut broker = cluster.made(identity, desired, version);
            broker.state = State::Up;
            broker.added = false;
            for topic in ["orders", "payments"] {
                let topic = TopicConfiguration::plain(topic, 8);
                broker.metadata.put_topic(topic);
            }
            if desired.is_elected() {
                broker.identity.id = Some(broker.granted());
            }
            cluster.brokers.push(broker);
        }
        cluster.elect_missing();
        cluster.advance(now + 2 * TICK);
        cluster
    }

    /// A broker that Helm has just made.
    fn made(
        &self,
        identity: &Broker,
        desired: &Desired,
        version: ProductVersion,
    ) -> SimulatedBroker {
        let now = self.now;
        SimulatedBroker {
            identity: identity.clone(),
            state: State::Coming {
                until: now + STARTING,
            },
            generation: 1,
            configured: self.applied.clone(),
            used: list_of(&self.applied),
            permission: OPEN.to_owned(),
            permission_since: 0,
            next_look: now + TICK,
            next_report: now,
            stored: 0,
            metadata: Metadata::of_new(identity, version),
            queues: Queues::default(),
            added: true,
            template: desired.broker_template.clone(),
            encrypted: desired.encrypted,
            version,
            waits_for_all: desired.synchronous,
            settings: desired.broker_settings.clone(),
        }
    }

    fn at(&mut self, pod: &str) -> Option<&mut SimulatedBroker> {
        self.brokers
            .iter_mut()
            .find(|broker| broker.identity.pod == pod)
    }

    /// Sets an entry of the order configuration at one name server.
    #[must_use]
    pub fn with_order_configuration(mut self, server: &str, key: &str, value: &str) -> Self {
        if let Some(server) = self.name_servers.get_mut(server) {
            server.order.insert(key.to_owned(), value.to_owned());
        }
        self
    }

    /// Gives brokers a volume that ends with their pod.
    #[must_use]
    pub fn with_ephemeral_storage(mut self) -> Self {
        self.ephemeral_storage = true;
        self
    }

    /// Gives every broker a claim of the size that is desired.
    #[must_use]
    pub fn with_claims(mut self) -> Self {
        let mebibytes = self.desired.fixed.broker_data.mebibytes.unwrap_or_default();
        self.claims = self
            .brokers
            .iter()
            .map(|broker| {
                let name = format!("data-{}", broker.identity.pod);
                (name, (mebibytes, mebibytes, 0))
            })
            .collect();
        self
    }

    /// Gives one master a topic that no other has.
    #[must_use]
    pub fn with_topic_at(self, pod: &str, topic: &str) -> Self {
        self.with_topic(pod, TopicConfiguration::plain(topic, 8))
    }

    /// Has every name server forget a broker that goes on, until it reports again.
    #[must_use]
    pub fn unlisted(mut self, pod: &str) -> Self {
        let found = self
            .brokers
            .iter()
            .find(|broker| broker.identity.pod == pod);
        if let Some(broker) = found {
            let key = broker.key();
            for server in self.name_servers.values_mut() {
                server.live.remove(&key);
            }
        }
        self
    }

    /// Has a broker's pod be of a template that never comes up, such as one with an image that does not exist.
    #[must_use]
    pub fn with_broken(mut self, pod: &str, template: &str) -> Self {
        self.stop(pod, Moment::MAX);
        for broker in &mut self.brokers {
            if broker.identity.pod == pod {
                broker.state = State::Broken;
                broker.template = Some(template.to_owned());
            }
        }
        self
    }

    /// Has a replica be behind its master by so many messages.
    #[must_use]
    pub fn with_lag(mut self, pod: &str, messages: i64) -> Self {
        for broker in &mut self.brokers {
            if broker.identity.pod == pod {
                broker.stored -= messages;
            }
        }
        self
    }

    /// Declines every eviction, as a disruption budget of somebody else may.
    #[must_use]
    pub fn without_evictions(mut self) -> Self {
        self.declines_evictions = true;
        self
    }

    /// Makes brokers describe their version in other words than their answers say.
    #[must_use]
    pub fn with_description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Closes a broker for writing, as somebody else may.
    #[must_use]
    pub fn with_closed(mut self, pod: &str) -> Self {
        for broker in &mut self.brokers {
            if broker.identity.pod == pod {
                READ_ONLY.clone_into(&mut broker.permission);
            }
        }
        self
    }

    /// Makes brokers look at their list only every 120 s, as versions without a setting for it do.
    #[must_use]
    pub fn with_slow_look(mut self) -> Self {
        self.look_period = 120 * SECOND;
        self
    }

    /// Takes a broker away, as a node does that is powered off.
    #[must_use]
    pub fn without_broker(mut self, pod: &str) -> Self {
        self.stop(pod, Moment::MAX);
        self
    }

    /// Registers a broker of another release at every name server.
    pub fn register_stranger(&mut self, name: &str) {
        for server in self.name_servers.values_mut() {
            let registration = Registration {
                address: format!("{name}:10911"),
                cluster: "other".to_owned(),
                expires: Moment::MAX,
                topics: BTreeSet::new(),
            };
            server.live.insert((name.to_owned(), 0), registration);
        }
    }

    /// The simulated clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// What Helm does between the two phases: name servers come and go, brokers come, and what brokers read at
    /// their next start changes.
    #[must_use]
    pub fn applied(mut self, desired: &Desired) -> Self {
        self.applied = desired.list();
        if let Some(version) = crate::version::of_tag(&desired.broker_tag)
            && desired.broker_tag != self.desired.broker_tag
        {
            self.version = version;
        }
        self.desired = desired.clone();
        self.removed.clear();
        self.name_servers.retain(|address, server| {
            server
                .pod
                .as_ref()
                .is_none_or(|pod| desired.own_name_servers.contains(pod))
                || desired.name_servers.contains(address)
        });
        self.add_name_servers(desired, self.now + 5 * SECOND);
        self.remove_brokers(desired);
        self.add_brokers(desired);
        self
    }

    fn add_name_servers(&mut self, desired: &Desired, serves_from: Moment) {
        let template = &desired.name_server_template;
        for address in &desired.name_servers {
            let host = address.split('.').next().unwrap_or(address).to_owned();
            let pod = desired.own_name_servers.contains(&host).then_some(host);
            self.name_servers
                .entry(address.clone())
                .or_insert_with(|| NameServer {
                    pod,
                    generation: 1,
                    template: template.clone(),
                    encrypted: desired.encrypted,
                    serves_from,
                    order: BTreeMap::new(),
                    live: BTreeMap::new(),
                });
        }
    }

    fn stop(&mut self, pod: &str, until: Moment) {
        if let Some(broker) = self
            .brokers
            .iter_mut()
            .find(|broker| broker.identity.pod == pod)
        {
            broker.state = State::Stopping { until };
            let key = broker.key();
            for server in self.name_servers.values_mut() {
                server.live.remove(&key);
            }
        }
        self.elect_missing();
    }

    fn tick(&mut self) {
        let now = self.now;
        self.elect_missing();
        let is_elected = self.desired.is_elected();
        let refresh = self.desired.route_refresh_seconds * SECOND;
        for (asked, there, since) in self.claims.values_mut() {
            if now >= *since + GROWTH {
                *there = *asked;
            }
        }
        let masters: BTreeMap<String, i64> = self
            .brokers
            .iter()
            .filter(|broker| broker.identity.is_master() && broker.state == State::Up)
            .map(|broker| (broker.identity.name.clone(), broker.stored))
            .collect();
        for broker in &mut self.brokers {
            match broker.state {
                State::Stopping { until } if now >= until => {
                    broker.state = State::Starting {
                        until: now + STARTING,
                    };
                    broker.generation += 1;
                    broker.template.clone_from(&self.desired.broker_template);
                    broker.encrypted = self.desired.encrypted;
                }
                State::Starting { until } | State::Coming { until } if now >= until => {
                    broker.state = State::Up;
                    if is_elected {
                        broker.identity.id = Some(broker.granted());
                    }
                    broker.waits_for_all = self.desired.synchronous;
                    broker.configured.clone_from(&self.applied);
                    broker.used = list_of(&self.applied);
                    OPEN.clone_into(&mut broker.permission);
                    broker.permission_since = now;
                    broker.next_look = now + 10 * SECOND;
                    broker.next_report = now;
                    broker.version = self.version;
                    broker.settings.clone_from(&self.desired.broker_settings);
                }
                _ => {}
            }
            if broker.state != State::Up {
                continue;
            }
            if broker.version.reloads_name_servers() == Some(true) && now >= broker.next_look {
                broker.used = list_of(&broker.configured);
                broker.next_look += self.look_period;
            }
            if now >= broker.next_report {
                broker.next_report += REPORT_PERIOD;
                broker.report(now, &mut self.name_servers);
            }
            let is_open = broker.permission == OPEN || now < broker.permission_since + refresh;
            if broker.identity.is_master()
                && is_open
                && broker
                    .queues
                    .store(&broker.identity, &broker.metadata, broker.stored)
            {
                broker.stored += 1;
            }
            broker.queues.consume(&mut broker.metadata);
            // A replica fetches what its master had a tick ago, so many messages at a time.
            if let Some(end) = masters.get(&broker.identity.name)
                && !broker.identity.is_master()
            {
                broker.stored = (broker.stored + FETCHED).min(*end).max(broker.stored);
            }
        }
        for server in self.name_servers.values_mut() {
            server
                .live
                .retain(|_, registration| registration.expires > now);
        }
        self.check();
    }

    /// What must hold at every moment, whatever the engine and its world go through.
    fn check(&mut self) {
        if self.breach.is_some() {
            return;
        }
        let away = |broker: &&SimulatedBroker| {
            matches!(
                broker.state,
                State::Stopping { .. } | State::Starting { .. }
            )
        };
        if self.brokers.iter().filter(away).count() > 1 {
            self.breach = Some("more than one broker is away".to_owned());
        }
        let masters = self
            .brokers
            .iter()
            .filter(|broker| broker.identity.is_master());
        let (mut total, mut writable) = (0, 0);
        for master in masters {
            total += 1;
            writable += usize::from(master.state == State::Up && master.permission == OPEN);
        }
        if total > 1 && writable == 0 {
            self.breach = Some("no master takes messages".to_owned());
        }
        let added = self
            .brokers
            .iter()
            .filter(|broker| broker.added && broker.identity.is_master());
        let rashness = added
            .zip(self.source.iter().cycle())
            .find_map(|(broker, source)| broker.metadata.rashness(&broker.identity, source));
        self.breach = self.breach.take().or(rashness);
        for broker in self
            .brokers
            .iter()
            .filter(|broker| broker.state == State::Up)
        {
            let serving = |address: &String| {
                self.name_servers
                    .get(address)
                    .is_some_and(|server| server.serves(broker, self.now))
            };
            if !broker.used.iter().any(serving) {
                self.breach = Some(format!(
                    "broker {} has no name server left",
                    broker.identity.pod
                ));
            }
        }
    }

    fn grow(&mut self, name: &str, mebibytes: u64) -> Result<(), CommandFault> {
        let now = self.now;
        match self.claims.get_mut(name) {
            Some((asked, _, since)) if *asked <= mebibytes => {
                (*asked, *since) = (mebibytes, now);
                Ok(())
            }
            _ => Err(CommandFault::Declined(Unanswered {
                object: format!("volume claim {name}"),
                why: "cannot become smaller".to_owned(),
            })),
        }
    }

    fn make_room(&mut self, room: &Room) {
        let name = room.stateful_set();
        let claim = self.claims.get(&format!("data-{name}-0"));
        if claim.is_some_and(|(asked, there, _)| there < asked) {
            self.breach = Some(format!(
                "StatefulSet {name} was deleted before its volume had grown"
            ));
        }
        if self
            .brokers
            .iter()
            .any(|broker| broker.identity.stateful_set() == name && broker.state != State::Up)
        {
            self.breach = Some(format!(
                "StatefulSet {name} was deleted while its pod was away"
            ));
        }
        self.removed.insert(name.to_owned());
    }

    fn evict(&mut self, pod: &str, uid: &str) -> Result<(), CommandFault> {
        let declined = |why: &str| {
            Err(CommandFault::Declined(Unanswered {
                object: format!("pod {pod}"),
                why: why.to_owned(),
            }))
        };
        let now = self.now;
        if self.declines_evictions {
            return declined("a disruption budget does not allow it");
        }
        let server = self
            .name_servers
            .iter()
            .find(|(_, server)| server.pod.as_deref() == Some(pod));
        if let Some((address, server)) = server {
            if server.uid() != Some(uid.to_owned()) || server.serves_from > now {
                return declined("is another pod by now");
            }
            let address = address.clone();
            self.renew_name_server(&address);
            return Ok(());
        }
        let Some(broker) = self
            .brokers
            .iter()
            .find(|broker| broker.identity.pod == pod)
        else {
            return declined("does not exist");
        };
        if broker.uid() != uid || !matches!(broker.state, State::Up | State::Broken) {
            return declined("is another pod by now");
        }
        if broker.state == State::Up {
            self.breach = self.breach.take().or(self.rashness(broker));
        }
        self.stop(pod, now + STOPPING);
        self.check();
        Ok(())
    }

    /// What is wrong with stopping a broker now, if anything.
    fn rashness(&self, broker: &SimulatedBroker) -> Option<String> {
        let refresh = self.desired.route_refresh_seconds * SECOND;
        let identity = &broker.identity;
        let group = |other: &&SimulatedBroker| other.identity.name == identity.name;
        let master = self
            .brokers
            .iter()
            .filter(group)
            .find(|other| other.identity.is_master())?;
        let drained =
            master.permission == READ_ONLY && self.now >= master.permission_since + refresh;
        let mut others = self.brokers.iter().filter(|other| {
            other.identity.is_master() && other.identity.pod != master.identity.pod
        });
        // A drain serves those whose topics can be written elsewhere.
        let drainable =
            others.any(|other| master.metadata.is_within(&master.identity, &other.metadata));
        if self.desired.is_elected() {
            let others = self.brokers.iter().filter(group);
            let could = others.filter(|other| other.state == State::Up).count() > 1;
            return (identity.is_master() && could).then(|| {
                format!(
                    "master {} was restarted while others could take over",
                    identity.pod
                )
            });
        }
        if identity.is_master() && drainable && !drained {
            return Some(format!(
                "master {} was restarted while clients wrote to it",
                identity.pod
            ));
        }
        if !identity.is_master() && self.desired.synchronous && drainable && !drained {
            return Some(format!(
                "replica {} was restarted while clients waited for it",
                identity.pod
            ));
        }
        let behind = self
            .brokers
            .iter()
            .filter(group)
            .find(|other| !other.identity.is_master() && other.stored < master.stored);
        match behind {
            Some(behind) if identity.is_master() && drained => Some(format!(
                "master {} was restarted while {} lacked messages of it",
                identity.pod, behind.identity.pod
            )),
            _ => None,
        }
    }

    fn renew_name_server(&mut self, address: &str) {
        let now = self.now;
        let elsewhere = |key: &(String, i64)| {
            self.name_servers.iter().any(|(other, server)| {
                other != address && server.serves_from <= now && server.live.contains_key(key)
            })
        };
        let known = self.name_servers.get(address);
        let lost = known
            .into_iter()
            .flat_map(|server| server.live.keys())
            .find(|key| !elsewhere(key));
        if let Some((name, id)) = lost
            && self.name_servers.len() > 1
        {
            self.breach = Some(format!(
                "nobody lists broker {name} {id} but {address}, which was restarted"
            ));
        }
        let template = self.desired.name_server_template.clone();
        let (ephemeral, encrypted) = (self.ephemeral_storage, self.desired.encrypted);
        if let Some(server) = self.name_servers.get_mut(address) {
            server.live.clear();
            server.generation += 1;
            server.template = template;
            server.encrypted = encrypted;
            server.serves_from = now + NAME_SERVER_RENEWAL;
            if ephemeral {
                server.order.clear();
            }
        }
    }

    fn ask_kubernetes(&self, query: &kubernetes::Query) -> kubernetes::Answer {
        match query {
            kubernetes::Query::Pods { .. } => {
                let servers = self.name_servers.values().filter_map(|server| {
                    server.pod.as_ref().map(|pod| kubernetes::Pod {
                        name: pod.clone(),
                        uid: server.uid().unwrap_or_default(),
                        labels: labels("name-server"),
                        revision: server.template.clone(),
                        ready: self.now >= server.serves_from,
                        phase: "Running".to_owned(),
                        ..kubernetes::Pod::default()
                    })
                });
                let brokers = self.brokers.iter().map(|broker| kubernetes::Pod {
                    name: broker.identity.pod.clone(),
                    uid: broker.uid(),
                    labels: labels("broker"),
                    ready: broker.state == State::Up,
                    terminating: matches!(broker.state, State::Stopping { .. }),
                    phase: "Running".to_owned(),
                    revision: broker.template.clone(),
                    has_run: broker.state != State::Broken,
                    environment: encryption(broker.encrypted),
                    ..kubernetes::Pod::default()
                });
                kubernetes::Answer::Pods(servers.chain(brokers).collect())
            }
            kubernetes::Query::StatefulSets { .. } => {
                let own = self
                    .name_servers
                    .values()
                    .filter(|server| server.pod.is_some())
                    .count();
                let servers = (own > 0).then(|| kubernetes::StatefulSet {
                    name: format!("{}-name-server", self.desired.full_name),
                    labels: labels("name-server"),
                    replicas: i64::try_from(own).unwrap_or(i64::MAX),
                    data: self.data(),
                    revision: self.desired.name_server_template.clone(),
                    template: self.desired.name_server_template.clone(),
                    image: format!("rocketmq:{}", self.desired.name_server_tag),
                    ..kubernetes::StatefulSet::default()
                });
                let standing = self
                    .brokers
                    .iter()
                    .filter(|broker| !self.removed.contains(broker.identity.stateful_set()));
                let brokers = standing.map(|broker| kubernetes::StatefulSet {
                    name: broker.identity.stateful_set().to_owned(),
                    uid: format!("{} of {}", broker.identity.stateful_set(), self.applied),
                    labels: labels("broker"),
                    replicas: 1,
                    data: self.broker_data(),
                    revision: self.desired.broker_template.clone(),
                    template: self.desired.broker_template.clone(),
                    image: format!("rocketmq:{}", self.desired.broker_tag),
                    environment: broker.environment(),
                    ..kubernetes::StatefulSet::default()
                });
                let controllers = self.desired.is_elected().then(|| kubernetes::StatefulSet {
                    name: self.desired.controller_set(),
                    labels: labels("controller"),
                    replicas: i64::try_from(self.desired.controllers.len()).unwrap_or(i64::MAX),
                    ..kubernetes::StatefulSet::default()
                });
                let sets = servers.into_iter().chain(controllers).chain(brokers);
                kubernetes::Answer::StatefulSets(sets.collect())
            }
            kubernetes::Query::Claims { .. } => {
                let bytes = |mebibytes: u64| Some(mebibytes << 20);
                let claims =
                    self.claims
                        .iter()
                        .map(|(name, (asked, there, since))| kubernetes::Claim {
                            name: name.clone(),
                            uid: name.clone(),
                            version: since.to_string(),
                            requested: bytes(*asked),
                            capacity: bytes(*there),
                            growth: (there < asked).then(|| "Resizing".to_owned()),
                        });
                kubernetes::Answer::Claims(claims.collect())
            }
            kubernetes::Query::ConfigMap { name } => {
                let revision = self.desired.revision.unwrap_or_default();
                let data = BTreeMap::from([
                    ("name-servers".to_owned(), self.applied.clone()),
                    ("revision".to_owned(), revision.to_string()),
                ]);
                kubernetes::Answer::ConfigMap(Some(kubernetes::ConfigMap {
                    name: name.clone(),
                    version: "1".to_owned(),
                    data,
                }))
            }
        }
    }

    fn broker_data(&self) -> kubernetes::DataVolume {
        if self.claims.is_empty() {
            return self.data();
        }
        let size = self.desired.fixed.broker_data.mebibytes.unwrap_or_default();
        kubernetes::DataVolume::Claim {
            size: format!("{size}Mi"),
            class: None,
            access_modes: vec!["ReadWriteOnce".to_owned()],
        }
    }

    fn data(&self) -> kubernetes::DataVolume {
        if self.ephemeral_storage {
            kubernetes::DataVolume::EmptyDir
        } else {
            kubernetes::DataVolume::None
        }
    }

    /// One exchange with a server: the request and its answer go through the wire's bytes.
    fn exchange(&mut self, address: &str, request: &Request) -> Result<Answer, Unanswered> {
        let silent = |why: &str| Unanswered {
            object: address.to_owned(),
            why: why.to_owned(),
        };
        let mut version = self.version;
        let reply = if let Some(server) = self.name_servers.get_mut(address) {
            if server.serves_from > self.now {
                return Err(silent("connection refused"));
            }
            server.serve(request)
        } else if let Some(broker) = self
            .brokers
            .iter_mut()
            .find(|broker| broker.identity.address == address && broker.state == State::Up)
        {
            let now = self.now;
            version = broker.version;
            let mut reply = broker.serve(request, now, self.look_period);
            if let Some(Reply::Runtime(table)) = &mut reply {
                let description = self
                    .description
                    .clone()
                    .unwrap_or_else(|| format!("V{}", version.to_string().replace('.', "_")));
                table.insert("brokerVersionDesc".to_owned(), description);
            }
            // A change of the permission is reported to the name servers at once.
            if request.changes() {
                broker.report(now, &mut self.name_servers);
            }
            let is_first = broker.added && matches!(request, Request::PutConsumerOffset { .. });
            if is_first {
                self.come_late();
            }
            reply
        } else if self
            .desired
            .controllers
            .iter()
            .any(|other| other == address)
        {
            self.serve_elections(address, request)
        } else {
            return Err(silent("connection refused"));
        };
        over_the_wire(address, request, version, reply)
    }
}

impl Simulation for Cluster {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn ask(&mut self, now: Moment, query: &Query) -> Result<Answer, Unanswered> {
        self.advance(now);
        match query {
            Query::Kubernetes(query) => Ok(Answer::Kubernetes(self.ask_kubernetes(query))),
            Query::Rocketmq { address, request } => self.exchange(address, request),
        }
    }

    fn perform(&mut self, now: Moment, command: &Command) -> Result<(), CommandFault> {
        self.advance(now);
        match command {
            Command::Restart(clearance) => self.evict(clearance.pod(), clearance.uid()),
            Command::GrowClaim(claim) => self.grow(&claim.name, claim.mebibytes),
            Command::MakeRoom(room) => {
                self.make_room(room);
                Ok(())
            }
            Command::Rocketmq { address, request } => self
                .exchange(address, request)
                .map(|_| ())
                .map_err(CommandFault::Unanswered),
        }
    }

    fn advance(&mut self, to: Moment) {
        while self.now + TICK <= to {
            self.now += TICK;
            self.tick();
        }
    }

    /// Taken when everything under way has come to rest: brokers report again to a name server that
    /// they were told to leave and to use again.
    fn fingerprint(&self) -> String {
        let mut rested = self.clone();
        while !rested.is_at_rest() && rested.now < self.now + REST {
            rested.advance(rested.now + 10 * TICK);
        }
        rested.state()
    }

    fn appearance(&self) -> String {
        self.state()
    }

    fn invariant(&self) -> Result<(), String> {
        self.breach.clone().map_or(Ok(()), Err)
    }
}

impl Cluster {
    /// Whether every broker is up, and listed by the name servers that it is set to use.
    fn is_at_rest(&self) -> bool {
        self.brokers
            .iter()
            .all(|broker| broker.state == State::Up && self.is_listed(broker))
    }

    fn is_listed(&self, broker: &SimulatedBroker) -> bool {
        let key = broker.key();
        list_of(&broker.configured).iter().all(|address| {
            self.name_servers
                .get(address)
                .is_none_or(|server| server.live.contains_key(&key))
        })
    }

    /// Each broker's settings and pod, whether the name servers that it uses list it, and the order
    /// configuration of those that are in use, as they are now.
    #[must_use]
    pub fn state(&self) -> String {
        let mut lines = Vec::new();
        for broker in &self.brokers {
            let SimulatedBroker {
                identity,
                configured,
                permission,
                generation,
                ..
            } = broker;
            let listed = self.is_listed(broker);
            let template = broker.template.as_deref().unwrap_or_default();
            let settings: Vec<&str> = broker.settings.values().map(String::as_str).collect();
            lines.push(format!(
                "{} list {configured} permission {permission} pod {generation} of {template} version {} settings {} listed {listed}",
                identity.pod,
                broker.version,
                settings.join(",")
            ));
            if identity.is_master() {
                lines.push(broker.metadata.state(identity));
                // While it is written there is always something left.
                if broker.permission == READ_ONLY && broker.queues.is_left(&broker.metadata) {
                    lines.push(format!("{} has messages left", identity.pod));
                }
            }
        }
        for (name, (asked, there, _)) in &self.claims {
            lines.push(format!("{name} {asked} {there} MiB"));
        }
        for (group, brokers) in &self.remembered {
            lines.push(format!("controllers remember {} of {group}", brokers.len()));
        }
        lines.extend(self.removed.iter().map(|name| format!("{name} makes room")));
        for (address, server) in &self.name_servers {
            if self
                .brokers
                .iter()
                .any(|broker| list_of(&broker.configured).contains(address))
            {
                lines.push(format!(
                    "{address} order {:?} renewed {} of {}",
                    server.order,
                    server.generation,
                    server.template.as_deref().unwrap_or_default()
                ));
            }
        }
        lines.join("\n")
    }
}

/// An answer to a request, through the wire's bytes. Servers of old versions stay silent on what they do not know; nothing
/// here asks that.
fn over_the_wire(
    address: &str,
    request: &Request,
    version: ProductVersion,
    reply: Option<Reply>,
) -> Result<Answer, Unanswered> {
    let silent = |why: &str| Unanswered {
        object: address.to_owned(),
        why: why.to_owned(),
    };
    let reply = reply.ok_or_else(|| silent("does not know the request"))?;
    let answer = rocketmq::Answer { version, reply };
    let bytes = answered(&encode(request, 7), &answer)
        .to_bytes()
        .map_err(|error| silent(&error.to_string()))?;
    let read = Frame::from_bytes(&bytes).map_err(|error| silent(&error.to_string()))?;
    decode(request, &read)
        .map(Answer::Rocketmq)
        .map_err(|error| silent(&error.to_string()))
}

fn labels(component: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("midships/component".to_owned(), component.to_owned())])
}

/// The variable that servers with a certificate have.
fn encryption(encrypted: bool) -> BTreeMap<String, String> {
    let variable = (ENCRYPTION_VARIABLE.to_owned(), "permissive".to_owned());
    encrypted.then_some(variable).into_iter().collect()
}

fn list_of(list: &str) -> Vec<String> {
    list.split(';')
        .filter(|server| !server.is_empty())
        .map(str::to_owned)
        .collect()
}

impl NameServer {
    fn uid(&self) -> Option<String> {
        let pod = self.pod.as_ref()?;
        Some(format!("{pod}/{}", self.generation))
    }

    /// Whether a broker reaches it.
    fn serves(&self, broker: &SimulatedBroker, now: Moment) -> bool {
        self.serves_from <= now && (self.encrypted || !broker.encrypted)
    }

    fn serve(&mut self, request: &Request) -> Option<Reply> {
        match request {
            Request::ClusterInfo => {
                let mut info = ClusterInfo::default();
                for ((name, id), registration) in &self.live {
                    let group = info
                        .brokers
                        .entry(name.clone())
                        .or_insert_with(|| BrokerGroup {
                            cluster: registration.cluster.clone(),
                            addresses: BTreeMap::new(),
                        });
                    group.addresses.insert(*id, registration.address.clone());
                    let cluster = info
                        .clusters
                        .entry(registration.cluster.clone())
                        .or_default();
                    cluster.insert(name.clone());
                }
                Some(Reply::ClusterInfo(info))
            }
            Request::TopicList => Some(Reply::Topics(
                self.live
                    .values()
                    .flat_map(|registration| registration.topics.clone())
                    .collect(),
            )),
            Request::KeyValues { namespace } if namespace == ORDER_CONFIGURATION => {
                Some(Reply::KeyValues(self.order.clone()))
            }
            Request::PutKeyValue { key, value, .. } => {
                self.order.insert(key.clone(), value.clone());
                Some(Reply::Accepted)
            }
            Request::DeleteKeyValue { key, .. } => {
                self.order.remove(key);
                Some(Reply::Accepted)
            }
            _ => None,
        }
    }
}

impl SimulatedBroker {
    fn uid(&self) -> String {
        format!("{}/{}", self.identity.pod, self.generation)
    }

    /// By what name servers know it.
    fn key(&self) -> (String, i64) {
        (self.identity.name.clone(), self.identity.id.unwrap_or(-1))
    }

    /// The variables that the chart gives it.
    fn environment(&self) -> BTreeMap<String, String> {
        let host = self.identity.address.split(':').next().unwrap_or_default();
        [
            (HOST_VARIABLE, host),
            (CLUSTER_VARIABLE, &self.identity.cluster),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn report(&self, now: Moment, name_servers: &mut BTreeMap<String, NameServer>) {
        for address in &self.used {
            if let Some(server) = name_servers.get_mut(address)
                && server.serves(self, now)
            {
                server.live.insert(
                    self.key(),
                    Registration {
                        address: self.identity.address.clone(),
                        cluster: self.identity.cluster.clone(),
                        expires: now + EXPIRY,
                        topics: self.metadata.topics.keys().cloned().collect(),
                    },
                );
            }
        }
    }

    fn serve(&mut self, request: &Request, now: Moment, look_period: Moment) -> Option<Reply> {
        match request {
            Request::BrokerConfiguration => {
                let mut properties = BTreeMap::from([
                    (NAME_SERVER_SETTING.to_owned(), self.configured.clone()),
                    (PERMISSION_SETTING.to_owned(), self.permission.clone()),
                ]);
                properties.extend(self.settings.clone());
                properties.insert(
                    ID_SETTING.to_owned(),
                    self.identity.id.unwrap_or(-1).to_string(),
                );
                properties.insert(
                    ALL_IN_SYNC_SETTING.to_owned(),
                    self.waits_for_all.to_string(),
                );
                if self.version.reloads_name_servers() == Some(true) && look_period != 120 * SECOND
                {
                    properties.insert(RELOAD_PERIOD_SETTING.to_owned(), look_period.to_string());
                }
                Some(Reply::Configuration(properties))
            }
            Request::UpdateBrokerConfiguration { properties } => {
                if let Some(list) = properties.get(NAME_SERVER_SETTING) {
                    self.configured.clone_from(list);
                }
                if let Some(permission) = properties.get(PERMISSION_SETTING)
                    && *permission != self.permission
                {
                    self.permission.clone_from(permission);
                    self.permission_since = now;
                }
                if let Some(waits) = properties.get(ALL_IN_SYNC_SETTING) {
                    self.waits_for_all = waits == "true";
                }
                for (key, value) in &mut self.settings {
                    if let Some(set) = properties.get(key) {
                        value.clone_from(set);
                    }
                }
                Some(Reply::Accepted)
            }
            Request::RuntimeInformation => Some(Reply::Runtime(self.queues.runtime([
                ("msgPutTotalTodayNow".to_owned(), self.stored.to_string()),
                (
                    "commitLogMaxOffset".to_owned(),
                    (self.stored * 100).to_string(),
                ),
            ]))),
            _ => self
                .queues
                .serve(request, &self.identity, &self.metadata, self.version)
                .or_else(|| self.metadata.serve(request, self.version)),
        }
    }
}
