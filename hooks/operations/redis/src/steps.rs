//! The conditions that operations establish on a cluster, each observed and judged by itself.

use std::collections::BTreeMap;

use midships_client_kubernetes::growth::GrownClaim;
use midships_client_redis::{Node, NodeId, Request, Role, Slots};
use midships_engine::step::{
    Direction, Limits, Memory, Problem, Progress, Seen, Step, Unanswered, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::desired::{Server, Shard, Shown, Watch};
use crate::handing_over;
use crate::leaving::Leaving;
use crate::moving;
use crate::renewal;
use crate::restart::{self, Renewal};
use crate::rotate_passwords;
use crate::settings;
use crate::view::{
    Landscape, View, ask_claims, ask_cluster, ask_filled, ask_nodes, ask_passwords, ask_pods,
    ask_replication, ask_sentinels, ask_stateful_sets,
};
use crate::vocabulary::{Answer, Command, Query};
use crate::volumes;

/// How long servers may take to hear of each other before one of them is told again, in milliseconds.
const GOSSIP: i64 = 15_000;
/// How long all slots may take to move, in seconds, and in how many goes.
const MOVING_SECONDS: u64 = 24 * 3_600;
const MOVES: u32 = 100_000;
/// How many goes in a row may fail, and how long the pause is between two, in milliseconds.
const FAILURES: u32 = 5;
const PAUSE: u64 = 100;
/// How long a plan that moves slots waits while none does, in milliseconds.
const STANDSTILL: i64 = 120_000;
/// How long volumes may take to grow, in seconds.
const GROWING_SECONDS: u64 = 900;
/// How long masters may take to hand their shards over, and replicas to get what their masters have, in seconds.
const HANDING_OVER_SECONDS: u64 = 900;
/// The key under which a step remembers since when it waits.
const SINCE: &str = "since";

/// What a step sees.
pub type Observation = Seen<Query, Answer>;

/// A condition.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "condition", rename_all = "snake_case")]
pub enum RedisStep {
    /// Slots that were nobody's are the masters'.
    SlotsAssigned {
        /// The shards of the cluster.
        shards: Vec<Shard>,
        /// The slots that were nobody's, and who gets them.
        slots: Vec<ShardSlots>,
    },
    /// Slots are with the shards that shall have them.
    SlotsPlaced {
        /// The shards of the cluster, those that leave among them.
        shards: Vec<Shard>,
        /// Who had them when the plan was made.
        before: Vec<ShardSlots>,
        /// Who shall have them.
        after: Vec<ShardSlots>,
    },
    /// Shards that leave have no slots. A master that gives up its last one makes itself a replica of who gets it, and its replicas
    /// follow it: from then on it can only go forward.
    ShardsEmptied {
        /// The shards of the cluster, those that leave among them.
        shards: Vec<Shard>,
        /// Who had slots before.
        before: Vec<ShardSlots>,
        /// Who shall have them.
        after: Vec<ShardSlots>,
    },
    /// No slot is on its way, and nobody has keys of a slot that is another one's.
    SlotsRepaired {
        /// The shards of the cluster, those that leave among them.
        shards: Vec<Shard>,
    },
    /// Shards that leave are nobody's: the others do not know them, and they do not know anybody.
    NodesForgotten {
        /// The shards that stay.
        staying: Vec<Shard>,
        /// The shards that leave.
        leaving: Vec<Shard>,
    },
    /// No server that leaves is a master, and those that stay have what their masters have.
    MastersStay {
        /// The shards that stay, with those of their servers that leave.
        shards: Vec<Shard>,
        /// The same shards with the servers that stay.
        staying: Vec<Shard>,
    },
    /// All servers know each other.
    NodesMet {
        /// The shards of the cluster.
        shards: Vec<Shard>,
    },
    /// All servers of a shard but its master copy that.
    ReplicasAttached {
        /// The shards of the cluster.
        shards: Vec<Shard>,
    },
    /// A server's pod is of its newest template, serves, and has what its master has.
    NodeRestarted {
        /// The shards of the cluster.
        shards: Vec<Shard>,
        /// The server and its pod.
        renewal: Renewal,
    },
    /// A server that is in no cluster is of its newest template, serves, and has what its master has.
    ServerRestarted {
        /// All servers of the release.
        servers: Vec<Server>,
        /// Those who watch them, where somebody does.
        watch: Option<Watch>,
        /// The server and its pod.
        renewal: Renewal,
    },
    /// A Sentinel is of its newest template, and knows the others and all replicas.
    SentinelRestarted {
        /// The Sentinels.
        watch: Watch,
        /// How many replicas there are.
        replicas: usize,
        /// The Sentinel and its pod.
        renewal: Renewal,
    },
    /// Of servers that Sentinels watch, none that leaves is the master, and no write waits for more replicas than stay.
    MasterStays {
        /// Who leaves, and who stays.
        set: Leaving,
    },
    /// Running servers take the passwords of the Secret, and no others.
    PasswordsRotated {
        /// The servers.
        servers: Vec<Server>,
        /// Which passwords these are.
        shown: Shown,
    },
    /// Running servers have settings that they take without a restart.
    ServersConfigured {
        /// The servers.
        servers: Vec<Server>,
        /// The settings, with what they shall be.
        settings: BTreeMap<String, String>,
    },
    /// Claims ask for more, and have it.
    ClaimsGrown {
        /// The release's full name.
        cluster: String,
        /// The claims, with what each shall have.
        claims: Vec<GrownClaim>,
    },
    /// A StatefulSet that asks for volumes of another size is gone; its pods go on.
    RoomMade {
        /// The release's full name.
        cluster: String,
        /// The name of the StatefulSet.
        stateful_set: String,
        /// How many mebibytes each claim of the new one asks for.
        mebibytes: u64,
    },
    /// All servers agree on who has which slots, and serve them.
    ClusterServing {
        /// The shards of the cluster.
        shards: Vec<Shard>,
    },
}

/// Slots of a shard.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ShardSlots {
    /// The shard's number.
    pub shard: u32,
    /// The slots.
    pub slots: Slots,
}

impl RedisStep {
    /// Whether it moves slots, which takes as long as there is to move.
    fn moves(&self) -> bool {
        matches!(
            self,
            Self::SlotsPlaced { .. } | Self::ShardsEmptied { .. } | Self::SlotsRepaired { .. }
        )
    }

    fn shards(&self) -> &[Shard] {
        match self {
            Self::NodesForgotten { staying, .. } => staying,
            Self::SlotsAssigned { shards, .. }
            | Self::SlotsRepaired { shards }
            | Self::SlotsPlaced { shards, .. }
            | Self::ShardsEmptied { shards, .. }
            | Self::MastersStay { shards, .. }
            | Self::NodesMet { shards }
            | Self::ReplicasAttached { shards }
            | Self::NodeRestarted { shards, .. }
            | Self::ClusterServing { shards } => shards,
            Self::ServerRestarted { .. }
            | Self::SentinelRestarted { .. }
            | Self::MasterStays { .. }
            | Self::PasswordsRotated { .. }
            | Self::ServersConfigured { .. }
            | Self::ClaimsGrown { .. }
            | Self::RoomMade { .. } => &[],
        }
    }
}

impl Step for RedisStep {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn name(&self) -> String {
        match self {
            Self::SlotsAssigned { .. } => "slots_assigned",
            Self::SlotsPlaced { .. } => "slots_placed",
            Self::SlotsRepaired { .. } => "slots_repaired",
            Self::ShardsEmptied { .. } => "shards_emptied",
            Self::NodesForgotten { .. } => "nodes_forgotten",
            Self::MastersStay { .. } => "masters_stay",
            Self::MasterStays { .. } => "master_stays",
            Self::NodesMet { .. } => "nodes_met",
            Self::ReplicasAttached { .. } => "replicas_attached",
            Self::ClusterServing { .. } => "cluster_serving",
            Self::PasswordsRotated { .. } => "passwords_rotated",
            Self::ServersConfigured { .. } => "servers_configured",
            Self::ClaimsGrown { .. } => "claims_grown",
            Self::RoomMade { stateful_set, .. } => return format!("room_made/{stateful_set}"),
            Self::NodeRestarted { renewal, .. } => {
                return format!("node_restarted/{}", renewal.server.pod);
            }
            Self::ServerRestarted { renewal, .. } => {
                return format!("server_restarted/{}", renewal.server.pod);
            }
            Self::SentinelRestarted { renewal, .. } => {
                return format!("sentinel_restarted/{}", renewal.server.pod);
            }
        }
        .to_owned()
    }

    fn limits(&self) -> Limits {
        let usual = Limits {
            attempts: 20,
            ..Limits::default()
        };
        match self {
            _ if self.moves() => Limits {
                seconds: MOVING_SECONDS,
                attempts: MOVES,
                failures: FAILURES,
                poll_milliseconds: PAUSE,
                ..usual
            },
            // Each of the shards may have its turn.
            Self::MastersStay { shards, .. } => Limits {
                seconds: HANDING_OVER_SECONDS,
                attempts: usual.attempts + u32::try_from(shards.len()).unwrap_or(u32::MAX),
                ..usual
            },
            Self::MasterStays { .. } => Limits {
                seconds: HANDING_OVER_SECONDS,
                ..usual
            },
            // Where the pod has to be told of it, the kubelet looks once in a while.
            Self::ClaimsGrown { .. } => Limits {
                seconds: GROWING_SECONDS,
                ..usual
            },
            // What a server does not take it will not take the next time.
            Self::ServersConfigured { .. } => Limits::default(),
            _ => usual,
        }
    }

    fn observe(&self, _: Direction, seen: &Observation) -> Vec<Query> {
        let mut wanted: Vec<Query> = ask_nodes(self.shards()).collect();
        if let Self::ServersConfigured { servers, settings } = self {
            wanted.extend(settings::queries(servers, settings));
        }
        match self {
            Self::ServerRestarted { servers, watch, .. } => {
                wanted.extend(ask_replication(servers));
                wanted.extend(watch.iter().flat_map(ask_sentinels));
            }
            Self::SentinelRestarted { watch, .. } => wanted.extend(ask_sentinels(watch)),
            Self::MasterStays { set } => wanted.extend(set.queries()),
            Self::PasswordsRotated { servers, .. } => wanted.extend(ask_passwords(servers)),
            Self::ClaimsGrown { cluster, .. } => wanted.push(ask_claims(cluster)),
            Self::RoomMade { cluster, .. } => wanted.extend(volumes::room_queries(cluster)),
            _ => {}
        }
        if let Self::NodesForgotten { leaving, .. } = self {
            wanted.extend(ask_nodes(leaving));
            let servers = leaving.iter().flat_map(|shard| &shard.servers);
            wanted.extend(servers.map(|server| Query::redis(&server.address, Request::Keys)));
        }
        if self.moves() {
            wanted.extend(ask_cluster(self.shards()));
        }
        if matches!(self, Self::SlotsRepaired { .. }) {
            wanted.extend(ask_filled(View::new(seen), self.shards()));
        }
        if let Self::NodeRestarted { renewal, .. }
        | Self::ServerRestarted { renewal, .. }
        | Self::SentinelRestarted { renewal, .. } = self
        {
            wanted.push(ask_stateful_sets(&renewal.cluster));
            wanted.push(ask_pods(&renewal.cluster));
        }
        if matches!(
            self,
            Self::ClusterServing { .. } | Self::NodeRestarted { .. } | Self::MastersStay { .. }
        ) {
            wanted.extend(ask_cluster(self.shards()));
            let servers = self.shards().iter().flat_map(|shard| &shard.servers);
            wanted.extend(ask_replication(servers));
        }
        seen.unasked(wanted)
    }

    fn assess(&self, direction: Direction, seen: &Observation) -> Verdict<Command> {
        let view = View::new(seen);
        // Servers that are renewed may be away.
        match self {
            _ if direction == Direction::Undoing => {}
            Self::NodeRestarted { shards, renewal } => {
                return restart::assess(shards, renewal, seen);
            }
            Self::ServerRestarted {
                servers,
                watch,
                renewal,
            } => return renewal::assess_server(servers, watch.as_ref(), renewal, seen),
            Self::SentinelRestarted {
                watch,
                replicas,
                renewal,
            } => return renewal::assess_sentinel(watch, *replicas, renewal, seen),
            Self::MasterStays { set } => return set.assess(seen),
            _ => {}
        }
        let landscape = match view.landscape(self.shards()) {
            Ok(landscape) => landscape,
            Err(silent) if self.moves() => return patient(told(&silent), seen),
            Err(silent) => return waiting(told(&silent), None),
        };
        if direction == Direction::Undoing {
            return match self {
                Self::SlotsPlaced { before, after, .. } => {
                    moving::assess(&landscape, view, after, before, seen)
                }
                // Nothing of the others takes anything from anybody, and the next plan goes on from it.
                _ => Verdict::Done,
            };
        }
        match self {
            Self::ClaimsGrown { cluster, claims } => volumes::grown(cluster, claims, seen),
            Self::RoomMade {
                cluster,
                stateful_set,
                mebibytes,
            } => volumes::room(cluster, stateful_set, *mebibytes, seen),
            Self::PasswordsRotated { servers, shown } => {
                rotate_passwords::assess(servers, *shown, seen)
            }
            Self::ServersConfigured { servers, settings } => {
                settings::assess(servers, settings, seen)
            }
            Self::SlotsPlaced { before, after, .. } | Self::ShardsEmptied { before, after, .. } => {
                moving::assess(&landscape, view, before, after, seen)
            }
            Self::SlotsRepaired { .. } => moving::repair(&landscape, view, seen)
                .unwrap_or_else(|unanswered| patient(told(&[unanswered]), seen)),
            Self::MastersStay { staying, .. } => {
                handing_over::assess(&landscape, staying, view, &seen.memory)
            }
            Self::NodesForgotten { leaving, .. } => forgotten(&landscape, leaving, view),
            Self::SlotsAssigned { slots, .. } => assigned(&landscape, slots),
            Self::NodesMet { .. } => met(&landscape, seen),
            Self::ReplicasAttached { .. } => attached(&landscape, |_| false),
            // They are judged before.
            Self::NodeRestarted { .. }
            | Self::ServerRestarted { .. }
            | Self::SentinelRestarted { .. }
            | Self::MasterStays { .. } => Verdict::Done,
            Self::ClusterServing { .. } => serving(&landscape, view),
        }
    }

    fn undoable(&self) -> bool {
        match self {
            // Who gives back its last slot makes itself a replica of who gets it, which it was not before.
            Self::SlotsPlaced { before, .. } => before.iter().all(|of| !of.slots.is_empty()),
            _ => false,
        }
    }

    fn severable(&self) -> bool {
        match self {
            Self::SlotsPlaced { .. } => !self.undoable(),
            Self::ShardsEmptied { .. } | Self::NodesForgotten { .. } => false,
            Self::SlotsAssigned { .. }
            | Self::SlotsRepaired { .. }
            | Self::MastersStay { .. }
            | Self::NodesMet { .. }
            | Self::ReplicasAttached { .. }
            | Self::NodeRestarted { .. }
            | Self::ServerRestarted { .. }
            | Self::SentinelRestarted { .. }
            | Self::PasswordsRotated { .. }
            | Self::ServersConfigured { .. }
            | Self::ClaimsGrown { .. }
            | Self::RoomMade { .. }
            | Self::MasterStays { .. }
            | Self::ClusterServing { .. } => true,
        }
    }
}

/// Who did not answer and why, on a line.
pub(crate) fn told(silent: &[Unanswered]) -> String {
    let told = silent
        .iter()
        .map(|one| format!("{}: {}", one.object, one.why));
    told.collect::<Vec<_>>().join("; ")
}

/// Waits while nothing moves, but not for long: all of the moving may take much longer.
pub(crate) fn patient(why: String, seen: &Observation) -> Verdict<Command> {
    let now = i64::try_from(seen.now).unwrap_or(i64::MAX);
    let since = seen.memory.get(SINCE).copied().unwrap_or(now);
    if now - since > STANDSTILL {
        return Verdict::Fail(Problem {
            object: "the cluster".to_owned(),
            why: format!("no slot has moved for {} s: {why}", STANDSTILL / 1_000),
            remedy: "bring back what is named, then run the upgrade again".to_owned(),
        });
    }
    let mut memory = seen.memory.clone();
    memory.insert(SINCE.to_owned(), since);
    Verdict::Wait {
        why,
        progress: None,
        memory,
    }
}

pub(crate) fn waiting(why: String, progress: Option<Progress>) -> Verdict<Command> {
    Verdict::Wait {
        why,
        progress,
        memory: Memory::new(),
    }
}

fn assigned(landscape: &Landscape<'_>, slots: &[ShardSlots]) -> Verdict<Command> {
    let owned = landscape.owned();
    let mut commands = Vec::new();
    let mut lacking = 0;
    for shard in landscape.shards() {
        let given = slots.iter().find(|given| given.shard == shard.number);
        let (Some(master), Some(given)) = (landscape.master(shard), given) else {
            continue;
        };
        let missing = given.slots.without(&owned);
        if missing.is_empty() {
            continue;
        }
        lacking += missing.len();
        let address = &master.server.address;
        if master.is_virgin() && master.myself().epoch == 0 {
            // Each with another one: else they would find that out one by one when they meet.
            let epoch = u64::from(shard.number) + 1;
            commands.push(Command::redis(address, Request::SetEpoch(epoch)));
        }
        commands.push(Command::redis(address, Request::AddSlots(missing)));
    }
    if commands.is_empty() {
        Verdict::Done
    } else {
        Verdict::Act {
            commands,
            why: format!("{lacking} slots are nobody's"),
        }
    }
}

pub(crate) fn met(landscape: &Landscape<'_>, seen: &Observation) -> Verdict<Command> {
    let servers: Vec<_> = landscape.servers().collect();
    let pairs = servers.len() * servers.len().saturating_sub(1);
    let lacks = |one: usize| {
        let of = &servers[one];
        servers
            .iter()
            .filter(move |other| !of.knows(&other.myself().id))
    };
    let missing: usize = (0..servers.len()).map(|one| lacks(one).count()).sum();
    if missing == 0 {
        return Verdict::Done;
    }
    if let Some(nowhere) = servers
        .iter()
        .find(|one| one.myself().host.is_empty() && servers.len() > 1)
    {
        return Verdict::Fail(Problem {
            object: format!("pod {}", nowhere.server.pod),
            why: "its server does not tell its address, at which others could meet it".to_owned(),
            remedy:
                "see that `cluster-announce-ip` is set in its pod, as the chart's start script does"
                    .to_owned(),
        });
    }
    // Who knows most of the cluster tells the others of it.
    let first = (0..servers.len())
        .min_by_key(|one| lacks(*one).count())
        .unwrap_or(0);
    let since = seen.memory.get(SINCE).copied();
    let now = i64::try_from(seen.now).unwrap_or(i64::MAX);
    let is_late = since.is_some_and(|since| now - since > GOSSIP);
    let mut commands = Vec::new();
    for (index, one) in servers.iter().enumerate() {
        if index != first && !is_late {
            continue;
        }
        let is_met = |host: &str, port: u16| {
            let mut others = one.nodes.others.values();
            others.any(|node| node.is_meeting && node.host == host && node.port == port)
        };
        for other in lacks(index) {
            let myself = other.myself();
            if !is_met(&myself.host, myself.port) {
                let request = Request::Meet {
                    host: myself.host.clone(),
                    port: myself.port,
                    bus_port: myself.bus_port,
                };
                commands.push(Command::redis(&one.server.address, request));
            }
        }
    }
    let why = format!("{missing} of {pairs} acquaintances are missing");
    if commands.is_empty() {
        let since = if is_late { now } else { since.unwrap_or(now) };
        let done = u64::try_from(pairs - missing).unwrap_or(0);
        return Verdict::Wait {
            why,
            progress: Some(Progress {
                done,
                total: u64::try_from(pairs).unwrap_or(0),
                unit: "acquaintances".to_owned(),
            }),
            memory: Memory::from([(SINCE.to_owned(), since)]),
        };
    }
    Verdict::Act { commands, why }
}

/// Judges whether each server that is no master copies that of its shard. `known` tells of masters that are none of these and known all
/// the same: who copies one of them may be told otherwise.
pub(crate) fn attached(
    landscape: &Landscape<'_>,
    known: impl Fn(&NodeId) -> bool,
) -> Verdict<Command> {
    let mut commands = Vec::new();
    let mut unknown = Vec::new();
    for shard in landscape.shards() {
        let Some(master) = landscape.master(shard) else {
            return Verdict::Fail(without_master(shard));
        };
        let id = &master.myself().id;
        for one in landscape.of(shard) {
            if one.server == master.server || copies(&one.myself().role, id) {
                continue;
            }
            if let Role::Replica { of: Some(other) } = &one.myself().role
                && !landscape.servers().any(|any| any.myself().id == *other)
                && !known(other)
            {
                return Verdict::Fail(Problem {
                    object: format!("pod {}", one.server.pod),
                    why: format!("it copies the node {other}, which is none of this release, and may be the only one with its keys"),
                    remedy: "bring that node back, or have this server take over its shard (CLUSTER FAILOVER FORCE), then run the upgrade again"
                        .to_owned(),
                });
            }
            if one.knows(id) {
                let request = Request::Replicate(id.clone());
                commands.push(Command::redis(&one.server.address, request));
            } else {
                unknown.push(one.server.pod.as_str());
            }
        }
    }
    if !commands.is_empty() {
        let why = format!("{} servers do not copy their master", commands.len());
        Verdict::Act { commands, why }
    } else if unknown.is_empty() {
        Verdict::Done
    } else {
        waiting(
            format!("{} do not know their master yet", unknown.join(", ")),
            None,
        )
    }
}

/// Nobody knows those that leave. They go on to know the others, so that clients that still ask them are sent on until their pods go, and
/// nobody listens to them.
fn forgotten(landscape: &Landscape<'_>, leaving: &[Shard], view: View<'_>) -> Verdict<Command> {
    let leaving = match view.landscape(leaving) {
        Ok(leaving) => leaving,
        Err(silent) => return waiting(told(&silent), None),
    };
    let leaves = |id: &NodeId| leaving.servers().any(|other| other.myself().id == *id);
    let attached = attached(landscape, leaves);
    if !matches!(attached, Verdict::Done) {
        return attached;
    }
    for one in leaving.servers() {
        if let Some(problem) = kept(
            one.server,
            &one.myself().slots,
            view.keys(one.server),
            one.myself().is_master(),
        ) {
            return Verdict::Fail(problem);
        }
    }
    let stays = |id: &NodeId| landscape.servers().any(|one| one.myself().id == *id);
    let (mut commands, mut behind) = (Vec::new(), Vec::new());
    for one in landscape.servers() {
        for (id, node) in one.nodes.others.iter().filter(|(id, _)| !stays(id)) {
            // To whoever has not heard where they are, slots of a node that it forgets are nobody's.
            if node.slots.is_empty() {
                let request = Request::Forget(id.clone());
                commands.push(Command::redis(&one.server.address, request));
            } else {
                behind.push(one.server.pod.as_str());
            }
        }
    }
    if !behind.is_empty() {
        let pods = behind.join(", ");
        return waiting(
            format!("{pods} have not heard yet that slots of servers that leave have moved"),
            None,
        );
    }
    if commands.is_empty() {
        return Verdict::Done;
    }
    Verdict::Act {
        why: format!("servers that leave are known {} times", commands.len()),
        commands,
    }
}

/// Why a server that leaves must not be forgotten: it has what nobody else has.
fn kept(
    server: &Server,
    slots: &Slots,
    keys: Result<u64, Unanswered>,
    is_master: bool,
) -> Option<Problem> {
    let why = match keys {
        _ if !slots.is_empty() => format!("it shall leave and has the slots {slots}"),
        Ok(0) => return None,
        Ok(_) if !is_master => return None,
        Ok(keys) => format!("it shall leave and has {keys} keys of slots that are not its own"),
        Err(unanswered) => format!("it does not tell how many keys it has: {}", unanswered.why),
    };
    Some(Problem {
        object: format!("pod {}", server.pod),
        why,
        remedy: "run the upgrade again: they are moved first".to_owned(),
    })
}

fn copies(role: &Role, master: &NodeId) -> bool {
    matches!(role, Role::Replica { of: Some(id) } if id == master)
}

/// A shard in which nobody can be told to be the master.
pub(crate) fn without_master(shard: &Shard) -> Problem {
    let pods: Vec<&str> = shard
        .servers
        .iter()
        .map(|server| server.pod.as_str())
        .collect();
    Problem {
        object: format!("shard {}", shard.number),
        why: format!("{} are all replicas of somebody else", pods.join(", ")),
        remedy: "bring the master of this shard back, or have one of them take over (CLUSTER FAILOVER FORCE), then run the upgrade again"
            .to_owned(),
    }
}

fn serving(landscape: &Landscape<'_>, view: View<'_>) -> Verdict<Command> {
    let mut missing = Vec::new();
    let mut first_owners = None;
    for one in landscape.servers() {
        let pod = &one.server.pod;
        let state = view
            .cluster(one.server)
            .map(|cluster| cluster.text("cluster_state").unwrap_or("unknown"));
        match state {
            Ok("ok") => {}
            Ok(state) => missing.push(format!("{pod} says that the cluster's state is {state}")),
            Err(unanswered) => missing.push(format!("{}: {}", unanswered.object, unanswered.why)),
        }
        let owners = one.nodes.owners();
        if *first_owners.get_or_insert_with(|| owners.clone()) != owners {
            missing.push(format!("{pod} has another opinion of who has which slots"));
        }
        for other in landscape.servers().filter(|one| !one.myself().is_master()) {
            let known = one.nodes.others.get(&other.myself().id);
            if known.is_some_and(Node::is_master) {
                missing.push(format!(
                    "{pod} has not heard yet that {} is a replica",
                    other.server.pod
                ));
            }
        }
        let is_replica = !one.myself().is_master();
        let link = view
            .replication(one.server)
            .map(|told| told.text("master_link_status") == Some("up"));
        match link {
            Ok(true) => {}
            Ok(false) if !is_replica => {}
            Ok(false) => missing.push(format!("{pod} is not connected to its master")),
            Err(unanswered) => missing.push(format!("{}: {}", unanswered.object, unanswered.why)),
        }
    }
    if missing.is_empty() {
        Verdict::Done
    } else {
        waiting(missing.join("; "), None)
    }
}
