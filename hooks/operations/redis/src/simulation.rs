//! A simulated release: servers of a cluster, or such that Sentinels watch. Those of a cluster hear of each other with a delay, as they do over their bus, and say no as real ones do.
//!
//! Each knows of the others what it was told last. A claim of slots is believed when its epoch is the higher one. What is
//! refused, and in which words, is as servers of 7.0 said it (`recordings` of the client).

use std::collections::{BTreeMap, BTreeSet};

use midships_client_kubernetes as kubernetes;
use midships_client_kubernetes::growth::{ClaimGrowth, Room};
use midships_client_kubernetes::{Claim, ConfigMap, DataVolume, Pod, StatefulSet};
use midships_client_redis::migration::Task;
use midships_client_redis::{
    self as redis, Failover, Health, Information, Link, Migration, Node, NodeId, Nodes, Password,
    Passwords, Request, Role, SLOTS, Slot, Slots,
};
use midships_engine::journal::hash;
use midships_engine::simulation::{BEGINNING, Simulation};
use midships_engine::step::{Moment, Unanswered};
use midships_engine::world::CommandFault;
use midships_model::redis::servers::Servers;
use midships_model::redis::version::Version;

use crate::desired::{Desired, Kind, SHARD_LABEL, Server, Shard, Shown, Watch};
use crate::guard::Clearance;
use crate::leaving::{LEAST, PRIORITY};
use crate::vocabulary::{Answer, Command, Query};

const SECOND: Moment = 1_000;
/// The step of simulated time: things happen at most this late.
const TICK: Moment = 500;
/// After this time nothing is under way any more.
const REST: Moment = 300 * SECOND;
/// How long two servers take to meet.
const MEETING: Moment = SECOND;
/// How long a replica takes to have what its master has.
const COPYING: Moment = 3 * SECOND;
/// How long a server holds back after the last slot was given out, before it says that the cluster is well.
const SETTLING: Moment = 2 * SECOND;
/// The port of every simulated server.
const PORT: u16 = 6379;
/// How long a server does not hear of one that it was told to forget.
const FORGETTING: Moment = 60 * SECOND;
/// How long a pod that was evicted takes until the next one serves.
const RESTARTING: Moment = 20 * SECOND;
/// How long Sentinels take to hear of a replica that is in step.
const HEARD: Moment = 10 * SECOND;
/// The priority with which Sentinels promote a replica that has begun.
const USUAL_PRIORITY: u32 = 100;
/// How long a volume takes to grow.
const GROWING: Moment = 5 * SECOND;
/// How many slots move at a time.
const MOVED: usize = 1_500;
/// Every so many slots have keys, and how many each.
const FILLED: usize = 1_365;
const KEYS: u32 = 2;
/// How many bytes a key takes.
const BYTES_OF_A_KEY: usize = 1_000;

/// Keys of a slot by their numbers, with how often each was written.
type Keys = BTreeMap<u32, u64>;

/// What a server knows of another one.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Known {
    role: Role,
    slots: Slots,
    epoch: u64,
    /// Until when the two are meeting.
    meeting: Option<Moment>,
}

/// Which passwords a server takes and shows: that of the Secret, and the one that stood there before.
#[derive(Clone, Copy, Debug)]
struct Taken {
    takes: bool,
    takes_before: bool,
    shows: bool,
}

/// A simulated server.
#[derive(Clone, Debug)]
struct SimulatedServer {
    server: Server,
    id: NodeId,
    host: String,
    up_from: Moment,
    /// How many pods there were before its present one, and of which template that is.
    pods: u32,
    template: u32,
    /// What it has of the settings that it takes while it runs.
    settings: BTreeMap<String, String>,
    passwords: Taken,
    role: Role,
    slots: Slots,
    epoch: u64,
    number: usize,
    keys: BTreeMap<Slot, Keys>,
    migrations: BTreeMap<Slot, Migration>,
    known: BTreeMap<NodeId, Known>,
    /// Until when it does not hear of whom.
    forgotten: BTreeMap<NodeId, Moment>,
    /// From when it has what its master has.
    linked_from: Moment,
    /// Since when it has seen every slot in somebody's hands.
    covered_from: Option<Moment>,
}

/// A simulated Sentinel.
#[derive(Clone, Debug)]
struct SimulatedSentinel {
    server: Server,
    up_from: Moment,
    /// How many pods there were before its present one, and of which template that is.
    pods: u32,
    template: u32,
}

/// The simulated world of one release.
#[derive(Clone, Debug)]
pub struct Cluster {
    now: Moment,
    desired: Desired,
    sentinels: BTreeMap<String, SimulatedSentinel>,
    shards: Vec<Shard>,
    servers: BTreeMap<String, SimulatedServer>,
    /// What clients wrote last, which was acknowledged.
    written: BTreeMap<(Slot, u32), u64>,
    /// Keys that clients are not sent to, because of what has happened before. They are written again once they are.
    hidden: BTreeSet<(Slot, u32)>,
    /// How many times Helm has changed the template of the pods.
    template: u32,
    /// What servers read of settings when they start.
    settings: BTreeMap<String, String>,
    /// What claims ask for and have in mebibytes, and since when they ask for it.
    claims: BTreeMap<String, (u64, u64, Moment)>,
    /// What StatefulSets were made with, and those that are gone with their pods left.
    volume: u64,
    removed: BTreeSet<String>,
    /// The number of the revision that stands.
    revision: u64,
    /// How many goes there were at moving slots, and how many go well before one is cut short.
    goes: u32,
    well: u32,
    breach: Option<String>,
}

/// The release of an example: so many shards with so many replicas each.
#[must_use]
pub fn desired(shards: u32, replicas: u32) -> Desired {
    let mut desired = Desired {
        full_name: "shop-redis-cluster".to_owned(),
        kind: Kind::Cluster,
        digest: format!("{shards}x{replicas}"),
        namespace: "shop".to_owned(),
        domain: "cluster.local".to_owned(),
        port: PORT,
        shards: Vec::new(),
        version: Version::Redis7_0,
        settings: midships_model::redis_cluster::Values::default().online_settings(),
        named: Vec::new(),
        shown: Shown::Alone,
        volume_mebibytes: Some(1_024),
        node_ports: Vec::new(),
        revision: None,
        patience_seconds: 600,
    };
    desired.shards = (0..shards)
        .map(|number| desired.shard(number, replicas + 1))
        .collect();
    desired
}

/// The release of an example that is no cluster: a master and so many replicas, which three Sentinels watch.
#[must_use]
pub fn watched(replicas: u32) -> Desired {
    let stateful_set = "shop-redis-sentinel-sentinel".to_owned();
    let sentinel = |number| {
        let pod = format!("{stateful_set}-{number}");
        let address = format!("{pod}.{stateful_set}-pods.shop.svc.cluster.local:26379");
        Server { pod, address }
    };
    alone(
        "shop-redis-sentinel",
        Kind::Watched(Watch {
            master_name: "mymaster".to_owned(),
            sentinels: (0..3).map(sentinel).collect(),
            stateful_set: stateful_set.clone(),
        }),
        replicas + 1,
    )
}

/// The same where a write waits for so many replicas.
#[must_use]
pub fn watched_waiting(replicas: u32, least: u32) -> Desired {
    let mut desired = watched(replicas);
    desired.settings.insert(LEAST.to_owned(), least.to_string());
    desired
}

/// The release of an example with one server.
#[must_use]
pub fn single() -> Desired {
    alone("shop-redis", Kind::Single, 1)
}

fn alone(full_name: &str, kind: Kind, servers: u32) -> Desired {
    let mut desired = Desired {
        full_name: full_name.to_owned(),
        kind,
        settings: midships_model::redis::Values::default().online_settings(),
        ..desired(0, 0)
    };
    desired.shards = vec![desired.shard(0, servers)];
    desired
}

impl Cluster {
    /// Pods that have come up with empty volumes.
    #[must_use]
    pub fn fresh(desired: &Desired) -> Self {
        let mut cluster = Self {
            now: BEGINNING - 2 * TICK,
            desired: desired.clone(),
            sentinels: BTreeMap::new(),
            shards: Vec::new(),
            servers: BTreeMap::new(),
            written: BTreeMap::new(),
            hidden: BTreeSet::new(),
            template: 0,
            settings: desired.settings.clone(),
            claims: BTreeMap::new(),
            volume: desired.volume_mebibytes.unwrap_or(0),
            removed: BTreeSet::new(),
            revision: 1,
            goes: 0,
            well: u32::MAX,
            breach: None,
        };
        cluster.add(desired);
        cluster
    }

    /// A cluster that has stood for a long time, with keys in it.
    #[must_use]
    pub fn standing(desired: &Desired) -> Self {
        let mut cluster = Self::fresh(desired);
        let ranges = crate::layout::fresh(desired.shards.len());
        let mut masters = BTreeMap::new();
        for (shard, slots) in desired.shards.iter().zip(ranges) {
            for (place, server) in shard.servers.iter().enumerate() {
                let Some(one) = cluster.servers.get_mut(&server.address) else {
                    continue;
                };
                one.epoch = u64::from(shard.number) + 1;
                let filled = slots
                    .iter()
                    .filter(|slot| usize::from(u16::from(*slot)).is_multiple_of(FILLED));
                let keys: Keys = (0..KEYS).map(|key| (key, 0)).collect();
                one.keys = filled.map(|slot| (slot, keys.clone())).collect();
                one.linked_from = 0;
                one.covered_from = Some(0);
                if place == 0 {
                    one.slots = slots.clone();
                    masters.insert(shard.number, one.id.clone());
                } else {
                    one.role = Role::Replica {
                        of: masters.get(&shard.number).cloned(),
                    };
                }
            }
        }
        let masters = cluster
            .servers
            .values()
            .filter(|one| one.role == Role::Master);
        cluster.written = masters
            .flat_map(|one| &one.keys)
            .flat_map(|(slot, keys)| keys.iter().map(|(key, version)| ((*slot, *key), *version)))
            .collect();
        let all: Vec<(NodeId, Known)> = cluster
            .servers
            .values()
            .map(|one| (one.id.clone(), one.as_known()))
            .collect();
        for one in cluster.servers.values_mut() {
            let others = all.iter().filter(|(id, _)| *id != one.id);
            one.known = others.cloned().collect();
        }
        cluster
    }

    /// The same after Helm has made the pods that the release has in addition.
    #[must_use]
    pub fn applied(mut self, desired: &Desired) -> Self {
        self.add(desired);
        self
    }

    /// The same with a server that comes up this late, in milliseconds.
    #[must_use]
    pub fn with_late(mut self, pod: &str, milliseconds: Moment) -> Self {
        self.change(pod, |one| one.up_from = BEGINNING + milliseconds);
        self
    }

    /// The same with a server that has so many keys of a slot.
    #[must_use]
    pub fn with_keys(mut self, pod: &str, slot: Slot, keys: u32) -> Self {
        let keys = (0..keys).map(|key| (key, 0)).collect();
        self.change(pod, |one| {
            one.keys.insert(slot, keys);
        });
        self
    }

    /// The same where only the first shards, those of another release, have slots and keys.
    #[must_use]
    pub fn with_owners(mut self, first: &Desired) -> Self {
        let standing = Self::standing(first);
        for (address, one) in &mut self.servers {
            let owner = standing.servers.get(address);
            one.slots = owner.map(|owner| owner.slots.clone()).unwrap_or_default();
            one.keys = owner.map(|owner| owner.keys.clone()).unwrap_or_default();
            one.epoch = owner.map_or(0, |owner| owner.epoch);
        }
        self.written = standing.written;
        let known: BTreeMap<NodeId, Known> = self
            .servers
            .values()
            .map(|one| (one.id.clone(), one.as_known()))
            .collect();
        for one in self.servers.values_mut() {
            for (id, other) in &mut one.known {
                if let Some(known) = known.get(id) {
                    *other = known.clone();
                }
            }
        }
        self
    }

    /// The same after Helm has changed the template of all pods.
    #[must_use]
    pub fn with_new_template(mut self) -> Self {
        self.template += 1;
        self
    }

    /// The same where the server of a pod has taken over from its master.
    #[must_use]
    pub fn with_successor(mut self, pod: &str) -> Self {
        let found = self.servers.values().find(|one| one.server.pod == pod);
        let now = std::mem::replace(&mut self.now, BEGINNING);
        if let Some(address) = found.map(|one| one.server.address.clone())
            && let Err(why) = self.fail_over(&address)
        {
            self.breach.get_or_insert(why);
        }
        self.now = now;
        self
    }

    /// The same where a replica has what its master has only from so many milliseconds on.
    #[must_use]
    pub fn with_late_copy(mut self, pod: &str, milliseconds: Moment) -> Self {
        self.change(pod, |one| one.linked_from = BEGINNING + milliseconds);
        self
    }

    /// The same where servers have a setting that they did not read from their configuration, or that this has another value of now.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        for one in self.servers.values_mut() {
            one.settings.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// The same where servers do not know a setting.
    #[must_use]
    pub fn without_setting(mut self, name: &str) -> Self {
        for one in self.servers.values_mut() {
            one.settings.remove(name);
        }
        self
    }

    /// The same where servers take and show the password that stood in the Secret before.
    #[must_use]
    pub fn with_former_password(mut self) -> Self {
        for one in self.servers.values_mut() {
            one.passwords = Taken {
                takes: false,
                takes_before: true,
                shows: false,
            };
        }
        self
    }

    /// The same where a server takes the password that stood in the Secret before, too.
    #[must_use]
    pub fn with_password_left(mut self, pod: &str) -> Self {
        self.change(pod, |one| one.passwords.takes_before = true);
        self
    }

    /// How many servers take the password that stood in the Secret before.
    #[must_use]
    pub fn taking_former_password(&self) -> usize {
        let servers = self.servers.values();
        servers.filter(|one| one.passwords.takes_before).count()
    }

    /// How many mebibytes the volume of a pod has.
    #[must_use]
    pub fn claim_of(&self, pod: &str) -> Option<u64> {
        let claim = self.claims.get(&format!("data-{pod}"))?;
        Some(claim.1)
    }

    /// The pods of masters.
    #[must_use]
    pub fn masters(&self) -> Vec<&str> {
        let masters = self.servers.values().filter(|one| one.role == Role::Master);
        masters.map(|one| one.server.pod.as_str()).collect()
    }

    /// What a server has of a setting.
    #[must_use]
    pub fn setting_of(&self, pod: &str, name: &str) -> Option<&str> {
        let found = self.servers.values().find(|one| one.server.pod == pod)?;
        found.settings.get(name).map(String::as_str)
    }

    /// The same where one go at moving slots is cut short after so many that went well, over and over.
    #[must_use]
    pub fn with_cuts(mut self, well: u32) -> Self {
        self.well = well;
        self
    }

    /// The same where slots are on their way from one server to another, and one key of each has arrived.
    #[must_use]
    pub fn with_open(mut self, from: &str, to: &str, slots: &Slots) -> Self {
        let id_of = |pod: &str| {
            let found = self.servers.values().find(|one| one.server.pod == pod);
            found.map(|one| one.id.clone())
        };
        let (Some(source), Some(target)) = (id_of(from), id_of(to)) else {
            return self;
        };
        let mut arrived = BTreeMap::new();
        self.change(from, |one| {
            for slot in slots.iter() {
                one.migrations.insert(slot, Migration::To(target.clone()));
                if let Some((key, version)) = one.keys.get_mut(&slot).and_then(BTreeMap::pop_first)
                {
                    arrived.insert(slot, Keys::from([(key, version)]));
                }
            }
        });
        self.change(to, |one| {
            for slot in slots.iter() {
                one.migrations.insert(slot, Migration::From(source.clone()));
            }
            one.keys.extend(arrived);
        });
        self
    }

    /// The same where a server no longer says that slots are on their way, as one that has just taken over from its master. Clients
    /// are not sent on for what has left.
    #[must_use]
    pub fn with_oblivious(mut self, pod: &str) -> Self {
        self.change(pod, |one| one.migrations.clear());
        let lost = self.written.keys().copied().filter(|(slot, key)| {
            let found = self.serving(BEGINNING, *slot, *key);
            let found =
                found.and_then(|address| self.servers.get(&address)?.keys.get(slot)?.get(key));
            found.is_none()
        });
        self.hidden = lost.collect();
        self
    }

    /// The same where a server has other copies of the keys that clients are not sent to, which they do not write any more.
    #[must_use]
    pub fn with_other_copies(mut self, pod: &str) -> Self {
        let hidden = std::mem::take(&mut self.hidden);
        self.written.retain(|key, _| !hidden.contains(key));
        self.change(pod, |one| {
            for (slot, key) in hidden {
                one.keys.entry(slot).or_default().insert(key, u64::MAX);
            }
        });
        self
    }

    /// The same with a replica that copies the server of another pod.
    #[must_use]
    pub fn with_copying(mut self, pod: &str, of: &str) -> Self {
        let found = self.servers.values().find(|one| one.server.pod == of);
        let role = Role::Replica {
            of: found.map(|one| one.id.clone()),
        };
        self.change(pod, |one| one.role = role);
        self
    }

    /// How many keys clients are not sent to.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.hidden.len()
    }

    /// The keys that a server has of a slot, with how often each was written.
    #[must_use]
    pub fn keys_of(&self, pod: &str, slot: Slot) -> BTreeMap<u32, u64> {
        let found = self.servers.values().find(|one| one.server.pod == pod);
        let keys = found.and_then(|one| one.keys.get(&slot));
        keys.cloned().unwrap_or_default()
    }

    /// The slots that a server has.
    #[must_use]
    pub fn slots_of(&self, pod: &str) -> Slots {
        let found = self.servers.values().find(|one| one.server.pod == pod);
        found.map(|one| one.slots.clone()).unwrap_or_default()
    }

    /// The same with slots taken from a server, which are nobody's then.
    #[must_use]
    pub fn without_slots(mut self, pod: &str, slots: &Slots) -> Self {
        self.change(pod, |one| one.slots = one.slots.without(slots));
        self
    }

    /// The same with a server that knows a node of another cluster.
    #[must_use]
    pub fn with_stranger(mut self, pod: &str, id: &NodeId) -> Self {
        self.change(pod, |one| {
            let known = one.as_known();
            one.known.insert(id.clone(), known);
        });
        self
    }

    fn change(&mut self, pod: &str, change: impl FnOnce(&mut SimulatedServer)) {
        if let Some(one) = self.servers.values_mut().find(|one| one.server.pod == pod) {
            change(one);
        }
    }

    fn add(&mut self, desired: &Desired) {
        self.desired.clone_from(desired);
        for server in desired.watch().map_or(&[][..], |watch| &watch.sentinels) {
            let sentinel = SimulatedSentinel {
                server: server.clone(),
                up_from: BEGINNING,
                pods: 0,
                template: 0,
            };
            self.sentinels.insert(server.address.clone(), sentinel);
        }
        self.shards.clone_from(&desired.shards);
        self.settings.clone_from(&desired.settings);
        let settings = self.read();
        for server in desired.servers() {
            let (claim, volume) = (format!("data-{}", server.pod), self.volume);
            self.claims.entry(claim).or_insert((volume, volume, 0));
            let number = self.servers.len() + 1;
            self.servers
                .entry(server.address.clone())
                .or_insert_with(|| SimulatedServer {
                    server: server.clone(),
                    id: named(number),
                    number,
                    host: format!("10.0.0.{number}"),
                    up_from: BEGINNING,
                    pods: 0,
                    template: 0,
                    settings: settings.clone(),
                    passwords: Taken {
                        takes: true,
                        takes_before: desired.shown == Shown::WithPrevious,
                        shows: true,
                    },
                    role: Role::Master,
                    slots: Slots::default(),
                    epoch: 0,
                    keys: BTreeMap::new(),
                    migrations: BTreeMap::new(),
                    known: BTreeMap::new(),
                    forgotten: BTreeMap::new(),
                    linked_from: 0,
                    covered_from: None,
                });
        }
    }

    /// What a server has of settings when it has started.
    fn read(&self) -> BTreeMap<String, String> {
        let mut settings = self.settings.clone();
        if self.desired.watch().is_some() {
            settings.insert(PRIORITY.to_owned(), USUAL_PRIORITY.to_string());
        }
        settings
    }

    /// The StatefulSets that stand.
    fn stateful_sets(&self) -> Vec<StatefulSet> {
        let set = |shard: &Shard| {
            let replicas = i64::try_from(shard.servers.len()).unwrap_or(0);
            StatefulSet {
                name: self.desired.stateful_set(shard.number),
                labels: BTreeMap::from([(SHARD_LABEL.to_owned(), shard.number.to_string())]),
                replicas,
                ready_replicas: replicas,
                revision: Some(self.template.to_string()),
                data: DataVolume::Claim {
                    size: format!("{}Mi", self.volume),
                    class: None,
                    access_modes: vec!["ReadWriteOnce".to_owned()],
                },
                ..StatefulSet::default()
            }
        };
        let of_sentinels = self.desired.watch().map(|watch| StatefulSet {
            name: watch.stateful_set.clone(),
            replicas: i64::try_from(watch.sentinels.len()).unwrap_or(0),
            revision: Some(self.template.to_string()),
            ..StatefulSet::default()
        });
        let sets = self.shards.iter().map(set).chain(of_sentinels);
        sets.filter(|set| !self.removed.contains(&set.name))
            .collect()
    }

    fn pods(&self) -> Vec<Pod> {
        let pod = |server: &Server, uid: String, up_from: Moment, template: u32| Pod {
            name: server.pod.clone(),
            uid,
            node: Some("node".to_owned()),
            phase: "Running".to_owned(),
            ready: up_from <= self.now,
            revision: Some(template.to_string()),
            ..Pod::default()
        };
        let servers = self.servers.values();
        let servers = servers.map(|one| pod(&one.server, one.uid(), one.up_from, one.template));
        let sentinels = self.sentinels.values();
        let sentinels = sentinels.map(|one| pod(&one.server, one.uid(), one.up_from, one.template));
        servers.chain(sentinels).collect()
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |(name, (asked, there, _)): (&String, &(u64, u64, Moment))| Claim {
            name: name.clone(),
            uid: name.clone(),
            version: asked.to_string(),
            requested: Some(asked << 20),
            capacity: Some(there << 20),
            growth: None,
        };
        self.claims.iter().map(claim).collect()
    }

    /// A claim asks for more, which it gets after a while.
    fn grow(&mut self, growth: &ClaimGrowth) -> Result<(), String> {
        let now = self.now;
        match self.claims.get_mut(&growth.name) {
            Some((asked, _, since)) if *asked <= growth.mebibytes => {
                (*asked, *since) = (growth.mebibytes, now);
                Ok(())
            }
            _ => Err(format!(
                "volume claim {} cannot become smaller",
                growth.name
            )),
        }
    }

    /// A StatefulSet is gone, and its pods go on.
    fn make_room(&mut self, room: &Room) {
        let name = room.stateful_set();
        let small = self.claims.iter().any(|(claim, (asked, there, _))| {
            claim.starts_with(&format!("data-{name}-")) && there < asked
        });
        let pods = format!("{name}-");
        let mut servers = self.servers.values();
        let away = servers.any(|one| one.server.pod.starts_with(&pods) && one.up_from > self.now);
        if small || away {
            self.breach.get_or_insert(format!(
                "StatefulSet {name} was deleted before its volumes had grown, or while a pod was away"
            ));
        }
        self.removed.insert(name.to_owned());
    }

    /// A pod is evicted, and the next one of its name comes up after a while.
    fn evict(&mut self, clearance: &Clearance) {
        let (now, template) = (self.now, self.template);
        let settings = self.read();
        let pod = clearance.pod();
        if self.sentinels.values().any(|one| one.server.pod == pod) {
            return self.evict_sentinel(clearance);
        }
        if self.desired.watch().is_some() {
            self.hand_over(clearance);
        }
        let away = self.servers.values().find(|one| one.up_from > now);
        let away = away.map(|one| one.server.pod.clone());
        let found = self.servers.values_mut().find(|one| one.server.pod == pod);
        let Some(one) = found.filter(|one| one.uid() == clearance.uid()) else {
            return;
        };
        if let Some(away) = away.filter(|away| away != pod) {
            self.breach
                .get_or_insert(format!("pod {pod} was evicted while {away} was away"));
        }
        let is_replaced = self.shards.iter().any(|shard| {
            shard.servers.len() > 1 && shard.servers.iter().any(|server| server.pod == pod)
        });
        if is_replaced && !one.slots.is_empty() {
            self.breach
                .get_or_insert(format!("pod {pod} was evicted as a master"));
        }
        one.up_from = now + RESTARTING;
        one.pods += 1;
        one.template = template;
        one.settings = settings;
        one.linked_from = one.up_from + COPYING;
    }

    /// A Sentinel is evicted, and the next one of its name comes up after a while.
    fn evict_sentinel(&mut self, clearance: &Clearance) {
        let (now, template) = (self.now, self.template);
        let pod = clearance.pod();
        let away = self.sentinels.values().any(|one| one.up_from > now);
        let mut sentinels = self.sentinels.values_mut();
        let found = sentinels.find(|one| one.uid() == clearance.uid());
        let Some(one) = found.filter(|one| one.server.pod == pod) else {
            return;
        };
        if away {
            self.breach
                .get_or_insert(format!("pod {pod} was evicted while another one was away"));
        }
        one.up_from = now + RESTARTING;
        one.pods += 1;
        one.template = template;
    }

    /// Before the pod of a master stops, Sentinels promote a replica that they know to be in step.
    fn hand_over(&mut self, clearance: &Clearance) {
        let now = self.now;
        let is_master = self.servers.values().any(|one| {
            one.uid() == clearance.uid() && one.role == Role::Master && one.up_from <= now
        });
        if !is_master {
            return;
        }
        let servers = self.servers.values();
        let heirs = servers.filter(|one| one.is_heir(now));
        let heir = heirs.min_by_key(|one| one.priority());
        if let Some(address) = heir.map(|one| one.server.address.clone())
            && let Err(why) = self.fail_over(&address)
        {
            self.breach.get_or_insert(why);
        }
    }

    /// What a Sentinel answers.
    fn answer_of_sentinel(
        &self,
        address: &str,
        request: &Request,
    ) -> Result<redis::Answer, Unanswered> {
        let silent = |why: &str| Unanswered {
            object: address.to_owned(),
            why: why.to_owned(),
        };
        let up = |one: &&SimulatedSentinel| one.up_from <= self.now;
        if !self.sentinels.get(address).as_ref().is_some_and(up) {
            return Err(silent("connection refused"));
        }
        match request {
            Request::Quorum(_) if self.sentinels.values().filter(up).count() > 1 => {
                Ok(redis::Answer::Done)
            }
            Request::Quorum(_) => Err(silent("NOQUORUM")),
            Request::Replicas(_) => {
                let replicas = self.servers.values().filter(|one| one.role != Role::Master);
                let known = replicas.map(|one| {
                    let priority = if one.is_heir(self.now) {
                        one.priority()
                    } else {
                        0
                    };
                    Information::of(&format!(
                        "flags:slave\r\nmaster-link-status:ok\r\nslave-priority:{priority}\r\n"
                    ))
                });
                Ok(redis::Answer::Replicas(known.collect()))
            }
            _ => Err(silent("the simulation does not know what it is asked")),
        }
    }

    /// A replica takes over from its master, which has paused its clients until the replica had everything.
    fn fail_over(&mut self, address: &str) -> Result<(), String> {
        let now = self.now;
        let Some(mut heir) = self.servers.get(address).cloned() else {
            return Err("no such server".to_owned());
        };
        let Role::Replica { of: Some(master) } = heir.role.clone() else {
            return Err("ERR You should send CLUSTER FAILOVER to a replica".to_owned());
        };
        let highest = self.servers.values().map(|one| one.epoch).max();
        let all = self.servers.values_mut();
        let old = all
            .filter(|one| one.up_from <= now)
            .find(|one| one.id == master);
        let Some(old) = old else {
            return Err(
                "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE".to_owned(),
            );
        };
        let role = Role::Replica {
            of: Some(heir.id.clone()),
        };
        heir.role = Role::Master;
        heir.epoch = highest.unwrap_or(0) + 1;
        heir.slots = std::mem::take(&mut old.slots);
        heir.keys = old.keys.clone();
        heir.migrations.clear();
        old.migrations.clear();
        old.role = role.clone();
        for one in self.servers.values_mut() {
            if one.role
                == (Role::Replica {
                    of: Some(master.clone()),
                })
            {
                one.role = role.clone();
            }
            if one.role == role {
                one.linked_from = now + COPYING;
            }
        }
        self.servers.insert(address.to_owned(), heir);
        Ok(())
    }

    /// Replicas have what their masters have.
    fn copy(&mut self) {
        let now = self.now;
        let masters: BTreeMap<NodeId, BTreeMap<Slot, Keys>> = self
            .servers
            .values()
            .filter(|one| one.role == Role::Master && one.up_from <= now)
            .map(|one| (one.id.clone(), one.keys.clone()))
            .collect();
        for one in self.servers.values_mut() {
            if let Role::Replica { of: Some(id) } = &one.role
                && one.linked_from <= now
                && let Some(keys) = masters.get(id)
            {
                one.keys.clone_from(keys);
            }
        }
    }

    /// Who serves a key, as clients find it: they are sent on as servers say.
    fn serving(&self, now: Moment, slot: Slot, key: u32) -> Option<String> {
        let up = || {
            self.servers
                .values()
                .filter(move |one| one.up_from <= now && one.role == Role::Master)
        };
        let owners = up().filter(|one| one.slots.contains(slot));
        let owner = owners.max_by_key(|one| one.epoch)?;
        let is_here = owner
            .keys
            .get(&slot)
            .is_some_and(|keys| keys.contains_key(&key));
        match owner.migrations.get(&slot) {
            Some(Migration::To(id)) if !is_here => up()
                .find(|one| one.id == *id)
                .map(|one| one.server.address.clone()),
            _ => Some(owner.server.address.clone()),
        }
    }

    /// Clients write every key once more.
    fn write(&mut self) {
        for (slot, key) in self.written.keys().copied().collect::<Vec<_>>() {
            let Some(address) = self.serving(self.now, slot, key) else {
                continue;
            };
            let version = self.written.get(&(slot, key)).copied().unwrap_or_default();
            let found = self
                .servers
                .get_mut(&address)
                .and_then(|one| one.keys.get_mut(&slot)?.get_mut(&key));
            match found {
                Some(found) if *found == version => {
                    *found += 1;
                    self.written.insert((slot, key), version + 1);
                    self.hidden.remove(&(slot, key));
                }
                None if self.hidden.contains(&(slot, key)) => {}
                found => {
                    let found = found.copied();
                    self.breach.get_or_insert(format!("{address} has {found:?} of key {key} in slot {slot}, acknowledged is {version}"));
                }
            }
        }
    }

    /// Moves slots of a task, or is cut short in the middle of them.
    fn go(&mut self, task: &Task) -> Result<(), CommandFault> {
        let declined = |address: &str, why: &str| {
            CommandFault::Declined(Unanswered {
                object: address.to_owned(),
                why: why.to_owned(),
            })
        };
        let (from, to) = (&task.from.address, &task.to.address);
        for address in [from, to] {
            self.up(address).map_err(CommandFault::Declined)?;
        }
        let (Some(mut source), Some(mut target)) = (
            self.servers.get(from).cloned(),
            self.servers.get(to).cloned(),
        ) else {
            return Err(declined(from, "no such name"));
        };
        if source.id != task.from.id || target.id != task.to.id {
            return Err(declined(from, "ERR I don't know about node"));
        }
        self.goes += 1;
        let is_cut = self.goes.is_multiple_of(self.well.saturating_add(1));
        for slot in task
            .slots
            .iter()
            .take(if is_cut { MOVED / 2 } else { MOVED })
        {
            if !source.slots.contains(slot) {
                return Err(declined(from, "ERR I'm not the owner of hash slot"));
            }
            if !task.under_way.contains(slot) && is_differing(&source, &target, slot) {
                return Err(declined(to, "keys with different contents"));
            }
            source
                .migrations
                .insert(slot, Migration::To(target.id.clone()));
            target
                .migrations
                .insert(slot, Migration::From(source.id.clone()));
            let mut keys = source.keys.remove(&slot).unwrap_or_default();
            if is_cut && let Some((first, version)) = keys.pop_first() {
                // One key has moved, the others have not, and the slot stays open.
                target.keys.entry(slot).or_default().insert(first, version);
                source.keys.insert(slot, keys);
                continue;
            }
            if !keys.is_empty() {
                target.keys.entry(slot).or_default().extend(keys);
            }
            if is_cut && u16::from(slot).is_multiple_of(2) {
                continue;
            }
            let highest = self
                .servers
                .values()
                .map(|one| one.epoch)
                .max()
                .unwrap_or(0);
            if target.epoch < highest || target.epoch == 0 {
                target.epoch = highest + 1;
            }
            for one in [&mut source, &mut target] {
                one.migrations.remove(&slot);
            }
            source.slots.remove(slot);
            target.slots.insert(slot);
        }
        if source.slots.is_empty() {
            // As servers do: it copies who has its last slot, and its own replicas do the same.
            let (old, new) = (source.id.clone(), target.id.clone());
            source.role = Role::Replica {
                of: Some(new.clone()),
            };
            for one in self.servers.values_mut() {
                if one.role
                    == (Role::Replica {
                        of: Some(old.clone()),
                    })
                {
                    one.role = Role::Replica {
                        of: Some(new.clone()),
                    };
                }
            }
        }
        self.servers.insert(from.clone(), source);
        self.servers.insert(to.clone(), target);
        if is_cut {
            return Err(CommandFault::Unanswered(Unanswered {
                object: from.clone(),
                why: "the connection was closed".to_owned(),
            }));
        }
        Ok(())
    }

    fn up(&self, address: &str) -> Result<&SimulatedServer, Unanswered> {
        let silent = |why: &str| Unanswered {
            object: address.to_owned(),
            why: why.to_owned(),
        };
        let one = self
            .servers
            .get(address)
            .ok_or_else(|| silent("no such name"))?;
        if one.up_from > self.now {
            return Err(silent("connection refused"));
        }
        Ok(one)
    }

    /// Servers tell each other what they are, and of whom they know.
    fn gossip(&mut self) {
        let now = self.now;
        // What each is, whom it knows, and whom it meets at this moment.
        let told: BTreeMap<NodeId, (Known, BTreeSet<NodeId>, BTreeSet<NodeId>)> = self
            .servers
            .values()
            .filter(|one| one.up_from <= now)
            .map(|one| {
                let of = |is: &dyn Fn(Option<Moment>) -> bool| {
                    let known = one.known.iter();
                    known
                        .filter(|(_, known)| is(known.meeting))
                        .map(|(id, _)| id.clone())
                        .collect()
                };
                let met = of(&|meeting| meeting.is_none());
                let meets = of(&|meeting| meeting.is_some_and(|until| until <= now));
                (one.id.clone(), (one.as_known(), met, meets))
            })
            .collect();
        for one in self.servers.values_mut().filter(|one| one.up_from <= now) {
            let mut heard = BTreeSet::new();
            for (id, known) in &mut one.known {
                if known.meeting.is_some_and(|until| until > now) {
                    continue;
                }
                if let Some((news, of, _)) = told.get(id) {
                    *known = news.clone();
                    heard.extend(of.iter().cloned());
                }
            }
            one.forgotten.retain(|_, until| *until > now);
            for (id, (news, _, meets)) in &told {
                // A meeting makes each known to the other. Nobody else listens to whom it does not know.
                let is_met = meets.contains(&one.id);
                let is_heard = heard.contains(id) && !one.forgotten.contains_key(id);
                if *id != one.id && (is_heard || is_met) {
                    one.known.entry(id.clone()).or_insert_with(|| news.clone());
                }
            }
            let claims = one
                .known
                .values()
                .filter(|known| known.meeting.is_none() && known.epoch > one.epoch);
            let lost = claims.fold(Slots::default(), |all, known| all.or(&known.slots));
            one.slots = one.slots.without(&lost);
            let covered = one.covered() == Slots::all();
            one.covered_from = if covered {
                one.covered_from.or(Some(now))
            } else {
                None
            };
        }
    }

    /// What any server shows, every other one has to take.
    fn look_at_passwords(&mut self) {
        let all = || self.servers.values().map(|one| one.passwords);
        let is_shut_out = all().any(|one| {
            let takes = |other: Taken| {
                if one.shows {
                    other.takes
                } else {
                    other.takes_before
                }
            };
            !all().all(takes)
        });
        if is_shut_out {
            self.breach.get_or_insert(
                "a server shows a password that another one does not take".to_owned(),
            );
        }
    }

    fn told(&mut self, address: &str, request: &Request) -> Result<(), String> {
        let now = self.now;
        let ids: BTreeMap<String, NodeId> = self
            .servers
            .values()
            .map(|one| (one.host.clone(), one.id.clone()))
            .collect();
        let Some(one) = self.servers.get_mut(address) else {
            return Err("no such server".to_owned());
        };
        match request {
            Request::Failover(Failover::Agreed) => return self.fail_over(address),
            Request::SetEpoch(epoch) => {
                if !one.known.is_empty() {
                    return Err("ERR The user can assign a config epoch only when the node does not know any other node.".to_owned());
                }
                if one.epoch != 0 {
                    return Err("ERR Node config epoch is already non-zero".to_owned());
                }
                one.epoch = *epoch;
            }
            Request::AddSlots(slots) => {
                if let Some(busy) = slots.and(&one.covered()).iter().next() {
                    return Err(format!("ERR Slot {busy} is already busy"));
                }
                one.slots = one.slots.or(slots);
            }
            Request::Meet { host, .. } => {
                if let Some(id) = ids.get(host).filter(|id| **id != one.id) {
                    let meeting = Known {
                        role: Role::Unknown,
                        slots: Slots::default(),
                        epoch: 0,
                        meeting: Some(now + MEETING),
                    };
                    one.known.entry(id.clone()).or_insert(meeting);
                }
            }
            Request::Replicate(id) => {
                if one
                    .known
                    .get(id)
                    .is_none_or(|known| known.meeting.is_some())
                {
                    return Err(format!("ERR Unknown node {id}"));
                }
                if one.role == Role::Master && (!one.slots.is_empty() || one.count() > 0) {
                    return Err(
                        "ERR To set a master the node must be empty and without assigned slots."
                            .to_owned(),
                    );
                }
                let role = Role::Replica {
                    of: Some(id.clone()),
                };
                if one.role != role {
                    one.role = role;
                    one.linked_from = now + COPYING;
                }
            }
            Request::Forget(id) => {
                if one.role
                    == (Role::Replica {
                        of: Some(id.clone()),
                    })
                {
                    return Err("ERR Can't forget my master!".to_owned());
                }
                if one.known.remove(id).is_none() {
                    return Err(format!("ERR Unknown node {id}"));
                }
                one.forgotten.insert(id.clone(), now + FORGETTING);
            }
            Request::TakePasswords { only } => {
                one.passwords.takes = true;
                match self.desired.shown {
                    Shown::WithPrevious => one.passwords.takes_before = true,
                    _ if *only => one.passwords.takes_before = false,
                    _ => {}
                }
                self.look_at_passwords();
            }
            Request::ShowPassword => {
                one.passwords.shows = true;
                self.look_at_passwords();
            }
            Request::Configure { name, value } => return one.configure(name, value),
            Request::Settle(slots) => one.migrations.retain(|slot, _| !slots.contains(*slot)),
            other => return Err(format!("ERR the simulation does not know {other:?}")),
        }
        Ok(())
    }
}

/// Whether two servers have other copies of the same key of a slot.
fn is_differing(one: &SimulatedServer, other: &SimulatedServer, slot: Slot) -> bool {
    let (Some(ours), Some(theirs)) = (one.keys.get(&slot), other.keys.get(&slot)) else {
        return false;
    };
    let mut both = ours.iter();
    both.any(|(key, version)| theirs.get(key).is_some_and(|their| their != version))
}

/// The name that a server gives itself.
fn named(number: usize) -> NodeId {
    let digits = format!("{number:040x}");
    digits
        .parse()
        .unwrap_or_else(|_| unreachable!("these are 40 hexadecimal digits"))
}

impl SimulatedSentinel {
    /// The identity of its pod.
    fn uid(&self) -> String {
        format!("{}-{}", self.server.pod, self.pods)
    }
}

impl SimulatedServer {
    /// Whether Sentinels have heard that it is a replica that has what its master has.
    fn is_heir(&self, now: Moment) -> bool {
        self.role != Role::Master && self.up_from <= now && self.linked_from + HEARD <= now
    }

    /// In which order Sentinels promote it, the lowest first.
    fn priority(&self) -> u32 {
        let priority = self.settings.get(PRIORITY);
        priority
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    /// The identity of its pod.
    fn uid(&self) -> String {
        format!("{}-{}", self.number, self.pods)
    }

    /// It takes a setting that it knows.
    fn configure(&mut self, name: &str, value: &str) -> Result<(), String> {
        let setting = self.settings.get_mut(name).ok_or_else(|| {
            format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
        })?;
        value.clone_into(setting);
        Ok(())
    }

    /// How many keys it has.
    fn count(&self) -> usize {
        self.keys.values().map(BTreeMap::len).sum()
    }

    fn as_known(&self) -> Known {
        Known {
            role: self.role.clone(),
            slots: self.slots.clone(),
            epoch: self.epoch,
            meeting: None,
        }
    }

    /// The slots of which it knows who has them.
    fn covered(&self) -> Slots {
        let claims = self.known.values().map(|known| &known.slots);
        claims.fold(self.slots.clone(), |all, slots| all.or(slots))
    }

    fn nodes(&self, hosts: &BTreeMap<NodeId, String>) -> Nodes {
        let node = |id: &NodeId, known: &Known| Node {
            id: id.clone(),
            host: hosts
                .get(id)
                .cloned()
                .unwrap_or_else(|| "10.9.9.9".to_owned()),
            port: PORT,
            bus_port: PORT + 10_000,
            host_name: String::new(),
            role: known.role.clone(),
            health: Health::Well,
            is_meeting: known.meeting.is_some(),
            epoch: known.epoch,
            link: Link::Connected,
            slots: known.slots.clone(),
            migrations: BTreeMap::new(),
        };
        let myself = Node {
            migrations: self.migrations.clone(),
            ..node(&self.id, &self.as_known())
        };
        Nodes {
            myself,
            others: self
                .known
                .iter()
                .map(|(id, known)| (id.clone(), node(id, known)))
                .collect(),
        }
    }

    fn answer(
        &self,
        now: Moment,
        hosts: &BTreeMap<NodeId, String>,
        shown: Shown,
        request: &Request,
    ) -> Option<redis::Answer> {
        Some(match request {
            Request::Passwords => {
                let before = match shown {
                    Shown::WithPrevious => Password::Previous,
                    Shown::Alone | Shown::Nothing => Password::Other,
                };
                let Taken {
                    takes,
                    takes_before,
                    shows,
                } = self.passwords;
                let taken = [(takes, Password::Current), (takes_before, before)];
                let taken = taken.into_iter().filter(|(is_taken, _)| *is_taken);
                redis::Answer::Passwords(Passwords {
                    taken: taken.map(|(_, password)| password).collect(),
                    shows,
                })
            }
            Request::Nodes => redis::Answer::Nodes(self.nodes(hosts)),
            Request::KeyCounts(slots) => {
                let keys = self.keys.iter().filter(|(slot, _)| slots.contains(**slot));
                let counts =
                    keys.map(|(slot, keys)| (*slot, u64::try_from(keys.len()).unwrap_or(u64::MAX)));
                redis::Answer::KeyCounts(counts.filter(|(_, keys)| *keys > 0).collect())
            }
            Request::Keys => redis::Answer::Keys(u64::try_from(self.count()).unwrap_or(u64::MAX)),
            Request::Cluster => {
                let is_well = self.covered_from.is_some_and(|from| from + SETTLING <= now);
                let state = if is_well { "ok" } else { "fail" };
                let text = format!(
                    "cluster_state:{state}\r\ncluster_slots_assigned:{}\r\n",
                    self.covered().len()
                );
                redis::Answer::Information(Information::of(&text))
            }
            Request::Configuration(names) => {
                let known = |name: &String| Some((name.clone(), self.settings.get(name)?.clone()));
                redis::Answer::Configuration(names.iter().filter_map(known).collect())
            }
            Request::Information("server") => {
                redis::Answer::Information(Information::of("redis_version:7.0.15\r\n"))
            }
            Request::Information("memory") => {
                let used = self.count() * BYTES_OF_A_KEY;
                let bound = self
                    .settings
                    .get("maxmemory")
                    .and_then(|text| text.parse().ok());
                let text = format!(
                    "used_memory:{used}\r\nused_memory_dataset:{used}\r\nmaxmemory:{}\r\nmaxmemory_policy:{}\r\n",
                    bound.unwrap_or(0_u64),
                    self.settings
                        .get("maxmemory-policy")
                        .map_or("noeviction", String::as_str),
                );
                redis::Answer::Information(Information::of(&text))
            }
            Request::Information(_) => {
                let text = match self.role {
                    Role::Replica { .. } => {
                        let state = if self.linked_from <= now {
                            "up"
                        } else {
                            "down"
                        };
                        format!(
                            "role:slave\r\nmaster_link_status:{state}\r\nslave_repl_offset:100\r\n"
                        )
                    }
                    _ => "role:master\r\nmaster_repl_offset:100\r\n".to_owned(),
                };
                redis::Answer::Information(Information::of(&text))
            }
            _ => return None,
        })
    }
}

impl Simulation for Cluster {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn ask(&mut self, now: Moment, query: &Query) -> Result<Answer, Unanswered> {
        self.advance(now);
        let (address, request) = match query {
            Query::Redis { address, request } => (address, request),
            Query::Kubernetes(kubernetes::Query::StatefulSets { .. }) => {
                let sets = self.stateful_sets();
                return Ok(Answer::Kubernetes(kubernetes::Answer::StatefulSets(sets)));
            }
            Query::Kubernetes(kubernetes::Query::Pods { .. }) => {
                return Ok(Answer::Kubernetes(kubernetes::Answer::Pods(self.pods())));
            }
            Query::Kubernetes(kubernetes::Query::Claims { .. }) => {
                return Ok(Answer::Kubernetes(kubernetes::Answer::Claims(
                    self.claims(),
                )));
            }
            Query::Kubernetes(kubernetes::Query::ConfigMap { name }) => {
                let revision = ("revision".to_owned(), self.revision.to_string());
                let map = ConfigMap {
                    name: name.clone(),
                    version: "1".to_owned(),
                    data: BTreeMap::from([revision]),
                };
                return Ok(Answer::Kubernetes(kubernetes::Answer::ConfigMap(Some(map))));
            }
        };
        if self.sentinels.contains_key(address) {
            return self.answer_of_sentinel(address, request).map(Answer::Redis);
        }
        let hosts = self
            .servers
            .values()
            .map(|one| (one.id.clone(), one.host.clone()))
            .collect();
        let answer = self
            .up(address)?
            .answer(now, &hosts, self.desired.shown, request);
        answer.map(Answer::Redis).ok_or_else(|| Unanswered {
            object: address.clone(),
            why: format!("the simulation does not know {request:?}"),
        })
    }

    fn perform(&mut self, now: Moment, command: &Command) -> Result<(), CommandFault> {
        self.advance(now);
        let (address, request) = match command {
            Command::Redis { address, request } => (address, request),
            Command::Restart(clearance) => {
                self.evict(clearance);
                return Ok(());
            }
            Command::GrowClaim(growth) => {
                return self.grow(growth).map_err(|why| {
                    CommandFault::Declined(Unanswered {
                        object: growth.name.clone(),
                        why,
                    })
                });
            }
            Command::MakeRoom(room) => {
                self.make_room(room);
                return Ok(());
            }
            Command::Move(tasks) => return tasks.iter().try_for_each(|task| self.go(task)),
        };
        self.up(address).map_err(CommandFault::Declined)?;
        self.told(address, request).map_err(|why| {
            CommandFault::Declined(Unanswered {
                object: address.clone(),
                why,
            })
        })
    }

    fn advance(&mut self, to: Moment) {
        // A long rest is not lived through.
        if to > self.now + REST {
            self.now = to - REST;
        }
        while self.now + TICK <= to {
            self.now += TICK;
            let now = self.now;
            for (asked, there, since) in self.claims.values_mut() {
                if now >= *since + GROWING {
                    *there = *asked;
                }
            }
            self.gossip();
            self.write();
            self.copy();
        }
    }

    fn fingerprint(&self) -> String {
        let lines = self.servers.values().map(|one| {
            let role = match &one.role {
                Role::Replica { of: Some(id) } => format!("replica of {id}"),
                role => format!("{role:?} {}", one.slots),
            };
            let known = one
                .known
                .values()
                .filter(|known| known.meeting.is_none())
                .count();
            let keys = if one.role == Role::Master {
                one.count()
            } else {
                0
            };
            let (open, template) = (one.migrations.len(), one.template);
            let settings = hash(&format!("{:?} {:?}", one.settings, one.passwords));
            format!(
                "{}: {role}, {keys} keys, {open} open, knows {known}, of template {template}, settings {settings}\n",
                one.server.pod
            )
        });
        let claims = self.claims.iter();
        let claims = claims.map(|(name, (asked, there, _))| format!("{name}: {asked}, {there}\n"));
        let sentinels = self.sentinels.values();
        let sentinels =
            sentinels.map(|one| format!("{}: of template {}\n", one.server.pod, one.template));
        lines
            .chain(claims)
            .chain(sentinels)
            .chain([format!("gone: {:?}\n", self.removed)])
            .collect()
    }

    fn invariant(&self) -> Result<(), String> {
        let slots: u32 = self
            .servers
            .values()
            .map(|one| u32::from(one.slots.len()))
            .sum();
        if slots > u32::from(SLOTS) {
            return Err(format!("{slots} slots are somebody's"));
        }
        self.breach.clone().map_or(Ok(()), Err)
    }
}
