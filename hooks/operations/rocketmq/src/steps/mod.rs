//! The steps of all operations: each is a condition, its observation and its judgement.

pub(crate) mod addition;
mod broker_restart;
mod forgetting;
pub mod key_values;
mod lists;
mod name_server_restart;
mod pod_renewal;
pub mod registration;
mod removal;
mod settings;
pub mod transfer;
mod turning;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};

use midships_client_kubernetes as kubernetes;
use midships_client_kubernetes::growth::GrownClaim;
use midships_client_rocketmq::Request;
use midships_engine::step::{
    Direction, Limits, Memory, Moment, Problem, Progress, Seen, Step, Unanswered, Verdict,
};
use serde::{Deserialize, Serialize};

pub use addition::{Addition, AdditionPart};
pub use broker_restart::Reason;
pub use forgetting::Gone;
pub use removal::{Removal, RemovalPart, ShortenedEntry};
pub use settings::SetBroker;
pub use transfer::{Transfer, TransferPart};

use crate::desired::{Broker, Desired};
use crate::guard::Clearance;
use crate::view::{View, ask_claims, list_of, settings_query};
use crate::vocabulary::{Answer, Command, Query};

/// How long after a client's next look at the routes a producer may still send to where it sent
/// before: its look takes up to 3 s and it may be in the middle of a send with two retries.
const SETTLE_SECONDS: u64 = 15;

/// How long a drained broker's message count has to stand still.
const STILL_SECONDS: u64 = 5;

/// How much longer than the clients need the drain waits for messages that go on arriving, such as
/// delayed ones that the broker itself puts. After that it goes on: the data stays on the volume
/// and a client's send is retried at another broker.
const STILL_PATIENCE_SECONDS: u64 = 60;

/// A broker and the name server list that it used before the change.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ToldBroker {
    /// The broker.
    pub broker: Broker,
    /// What it was set to when the plan was made.
    pub previous: String,
}

/// What all steps of one plan share.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// The cluster: the release's full name.
    pub cluster: String,
    /// All brokers of the cluster; without ids where masters are elected.
    pub brokers: Vec<Broker>,
    /// The addresses of the controllers that elect masters, if any do.
    #[serde(default)]
    pub controllers: Vec<String>,
    /// The pods of brokers that leave: they take nothing over, and nobody waits for them.
    #[serde(default)]
    pub leaving: Vec<String>,
    /// The name servers that every broker has to be registered at in the end.
    pub name_servers: Vec<String>,
    /// Those of them that all brokers used before, by which a broker is known to be up.
    pub kept_name_servers: Vec<String>,
    /// How often clients look at the routes, in seconds.
    pub route_refresh_seconds: u64,
    /// Whether sends wait until a replica has the message, so that clients notice when one is away.
    pub synchronous: bool,
}

impl Scene {
    /// The scene of all brokers of a release and of the name servers that it shall use.
    #[must_use]
    pub fn of(desired: &Desired, kept_name_servers: Vec<String>) -> Self {
        Self {
            cluster: desired.full_name.clone(),
            brokers: desired.lasting_brokers(),
            controllers: desired.controllers.clone(),
            leaving: Vec::new(),
            name_servers: desired.name_servers.clone(),
            kept_name_servers,
            route_refresh_seconds: desired.route_refresh_seconds,
            synchronous: desired.synchronous,
        }
    }

    /// Whether masters are elected.
    fn is_elected(&self) -> bool {
        !self.controllers.is_empty()
    }

    /// What tells who is a master, where that is elected.
    fn identities(&self) -> Vec<Query> {
        let brokers = self.brokers.iter().filter(|_| self.is_elected());
        brokers.map(settings_query).collect()
    }

    /// The scene with the ids that brokers are seen to have, where masters are elected.
    #[must_use]
    pub fn as_seen(&self, view: View<'_>) -> Self {
        let mut scene = self.clone();
        if self.is_elected() {
            let ids = view.ids(self.brokers.iter());
            for broker in &mut scene.brokers {
                broker.id = ids.get(&broker.address).copied();
            }
        }
        scene
    }

    fn broker(&self, pod: &str) -> Option<&Broker> {
        self.brokers.iter().find(|broker| broker.pod == pod)
    }

    /// Whether a broker's list means the desired name servers, in whatever order.
    fn is_list(&self, list: &str) -> bool {
        let wanted: BTreeSet<&str> = self.name_servers.iter().map(String::as_str).collect();
        list_of(list) == wanted
    }

    /// The master of a broker's group.
    fn master_of(&self, broker: &Broker) -> Option<&Broker> {
        self.brokers
            .iter()
            .find(|other| other.is_master() && other.name == broker.name)
    }

    /// Whether a broker's pod was made of another template than its StatefulSet has.
    fn is_outdated(&self, broker: &Broker, view: View<'_>) -> Result<bool, Unanswered> {
        let pods = view.pods(&self.cluster)?;
        match pods.iter().find(|pod| pod.name == broker.pod) {
            None => Ok(false),
            Some(pod) => {
                let sets = view.stateful_sets(&self.cluster)?;
                set_is_newer(pod, broker.stateful_set(), sets)
            }
        }
    }

    /// The masters of the other groups.
    fn other_masters<'a>(&'a self, target: &'a Broker) -> impl Iterator<Item = &'a Broker> + Clone {
        self.brokers
            .iter()
            .filter(move |other| other.is_master() && other.pod != target.pod)
    }
}

/// A step of an operation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum RocketmqStep {
    /// The targets hold the key-value configuration that the sources agree on: in name servers of
    /// this release nothing else, in those of others beside what they have.
    KeyValuesCopied {
        /// The namespaces of the configuration.
        namespaces: Vec<String>,
        /// The name servers that were in use before.
        sources: Vec<String>,
        /// The name servers of this release that are new.
        targets: Vec<String>,
        /// The name servers of others that are new to this release.
        foreign_targets: Vec<String>,
    },
    /// Every broker that takes a new list online is set to it.
    BrokersTold {
        /// The list, joined by `;`.
        list: String,
        /// The brokers.
        brokers: Vec<ToldBroker>,
    },
    /// Every name server lists every broker under its address, and every topic of every master.
    BrokersRegistered {
        /// What the plan is about.
        scene: Scene,
    },
    /// Every broker has had the time to look at its list again, so that it no longer reports to a
    /// name server that is not in it.
    BrokersReleased {
        /// The list, joined by `;`.
        list: String,
        /// The brokers.
        brokers: Vec<Broker>,
        /// The longest time between two looks, with a margin, in seconds.
        seconds: u64,
    },
    /// A broker is up to date, for which its pod is renewed; it has caught up and takes messages,
    /// and clients know it.
    BrokerRestarted {
        /// What the plan is about.
        scene: Scene,
        /// The broker's pod.
        pod: String,
        /// What makes it out of date.
        reason: Reason,
    },
    /// A broker that leaves a group which stays is not its master; another one is, and clients have turned to other groups
    /// before.
    MasterHandedOver {
        /// What the plan is about.
        scene: Scene,
        /// The broker's pod.
        pod: String,
    },
    /// Controllers do not remember brokers that are gone with their volumes.
    BrokersForgotten {
        /// The brokers.
        gone: Gone,
    },
    /// Brokers have these values of what they take while they run.
    SettingsApplied {
        /// The brokers with their values.
        brokers: Vec<SetBroker>,
    },
    /// A name server's pod is of the template that its StatefulSet has, and it lists what the
    /// others list.
    NameServerRestarted {
        /// The name server and what has to be known for it.
        renewal: NameServerRenewal,
    },
    /// Groups that are new have, of what another group knows, this part.
    GroupsAdded {
        /// The groups, and the one from which they get it.
        addition: Addition,
        /// The part.
        part: AdditionPart,
    },
    /// Groups that leave have, of what has to be before they can, this part.
    GroupsRemoved {
        /// The groups.
        removal: Removal,
        /// The part.
        part: RemovalPart,
    },
    /// A topic that goes from some groups to others has come so far.
    TopicTransferred {
        /// The topic and both sides.
        transfer: Box<Transfer>,
        /// The part.
        part: TransferPart,
    },
    /// Masters that were to leave and stay take messages.
    MastersOpened {
        /// The masters.
        masters: Vec<Broker>,
    },
    /// A pod that did not serve is of the template that its StatefulSet has, or serves by now.
    PodRenewed {
        /// The pod.
        silent: Silent,
    },
    /// Claims have volumes as large as they shall be.
    ClaimsGrown {
        /// The cluster: the release's full name.
        cluster: String,
        /// The claims.
        claims: Vec<GrownClaim>,
    },
    /// A StatefulSet of another size is gone, so that Helm can make it anew; its pods go on.
    RoomMade {
        /// The cluster: the release's full name.
        cluster: String,
        /// The StatefulSet.
        stateful_set: String,
        /// How many mebibytes its claims have at least.
        mebibytes: u64,
    },
}

/// A name server whose pod is renewed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct NameServerRenewal {
    /// The cluster: the release's full name.
    pub cluster: String,
    /// Its pod.
    pub pod: String,
    /// Its StatefulSet.
    pub stateful_set: String,
    /// Its address.
    pub address: String,
    /// The addresses of the other name servers.
    pub others: Vec<String>,
    /// The brokers that it has to list in the end.
    pub brokers: Vec<Broker>,
    /// The namespaces of key-value configuration that it has to hold.
    pub key_value_namespaces: Vec<String>,
    /// Whether what it holds goes with its pod, so that it has to get it again from the others.
    pub ephemeral: bool,
}

/// A pod whose server did not answer when the plan was made.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Silent {
    /// The cluster: the release's full name.
    pub cluster: String,
    /// The pod.
    pub pod: String,
    /// Its StatefulSet.
    pub stateful_set: String,
    /// The address of the server in it.
    pub address: String,
    /// What that is.
    pub server: Server,
}

/// What a server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// A name server.
    NameServer,
    /// A broker.
    Broker,
    /// A controller.
    Controller,
}

impl Silent {
    /// The question that its server would answer if it served.
    #[must_use]
    pub fn query(&self) -> Query {
        let request = match self.server {
            Server::NameServer => Request::ClusterInfo,
            Server::Broker => Request::BrokerConfiguration,
            // One that does not lead answers, too, and none knows this group.
            Server::Controller => Request::Elections {
                groups: BTreeSet::from([self.cluster.clone()]),
            },
        };
        Query::rocketmq(&self.address, request)
    }
}

type Observation = Seen<Query, Answer>;

impl Step for RocketmqStep {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn name(&self) -> String {
        match self {
            Self::KeyValuesCopied { .. } => "key_values_copied".to_owned(),
            Self::BrokersTold { .. } => "brokers_told".to_owned(),
            Self::BrokersRegistered { .. } => "brokers_registered".to_owned(),
            Self::BrokersReleased { .. } => "brokers_released".to_owned(),
            Self::BrokerRestarted { pod, .. } => format!("broker_restarted/{pod}"),
            Self::MasterHandedOver { pod, .. } => format!("master_handed_over/{pod}"),
            Self::BrokersForgotten { .. } => "brokers_forgotten".to_owned(),
            Self::SettingsApplied { .. } => "settings_applied".to_owned(),
            Self::NameServerRestarted { renewal } => {
                format!("name_server_restarted/{}", renewal.pod)
            }
            Self::PodRenewed { silent } => format!("pod_renewed/{}", silent.pod),
            Self::GroupsAdded { part, .. } => part.name(),
            Self::GroupsRemoved { part, .. } => part.name().to_owned(),
            Self::TopicTransferred { part, .. } => part.name().to_owned(),
            Self::MastersOpened { .. } => "masters_opened".to_owned(),
            Self::ClaimsGrown { .. } => "claims_grown".to_owned(),
            Self::RoomMade { stateful_set, .. } => format!("room_made/{stateful_set}"),
        }
    }

    fn limits(&self) -> Limits {
        let seconds = match self {
            Self::TopicTransferred { transfer, part } => return part.limits(transfer),
            Self::KeyValuesCopied { .. }
            | Self::BrokersTold { .. }
            | Self::MastersOpened { .. }
            | Self::SettingsApplied { .. }
            | Self::BrokersForgotten { .. }
            | Self::RoomMade { .. } => 120,
            Self::GroupsRemoved { removal, part } => part.seconds(removal),
            // A file system grows in seconds, a volume of a cloud in minutes. A name server has its
            // stop and its start, and a wait of 10 minutes for others. Thousands of topics are each
            // written to a broker's disk and told to the name servers.
            Self::ClaimsGrown { .. }
            | Self::NameServerRestarted { .. }
            | Self::GroupsAdded { .. } => 900,
            // A stopping pod has its time of grace. A broker looks at its list every 120 s where the
            // period cannot be set, and then registers within 30 s (facts of 4.9.4 to 5.3.0).
            Self::PodRenewed { .. } | Self::BrokersRegistered { .. } => 300,
            Self::BrokersReleased { seconds, .. } => seconds + 120,
            // The drain, the stop and the start, and a wait of 10 minutes for other brokers.
            Self::BrokerRestarted { scene, .. } | Self::MasterHandedOver { scene, .. } => {
                2 * scene.route_refresh_seconds + SETTLE_SECONDS + STILL_PATIENCE_SECONDS + 900
            }
        };
        let poll_milliseconds = match self {
            Self::GroupsRemoved {
                part: RemovalPart::GroupsDrained,
                ..
            } => removal::DRAIN_POLL_MILLISECONDS,
            _ => Limits::default().poll_milliseconds,
        };
        Limits {
            seconds,
            poll_milliseconds,
            // An eviction may be declined for as long as somebody else's disruption lasts.
            attempts: if self.undoable() { 20 } else { 600 },
            ..Limits::default()
        }
    }

    /// A restart, an election or a larger volume cannot be taken back: from the first one on a plan only goes forward. Nor can what a
    /// new group has got: messages may lie there by then. A master that stays has nothing to be closed for again.
    fn undoable(&self) -> bool {
        match self {
            Self::MastersOpened { .. }
            | Self::BrokerRestarted { .. }
            | Self::MasterHandedOver { .. }
            | Self::BrokersForgotten { .. }
            | Self::NameServerRestarted { .. }
            | Self::PodRenewed { .. }
            | Self::ClaimsGrown { .. }
            | Self::RoomMade { .. } => false,
            Self::GroupsAdded { part, .. } => matches!(part, AdditionPart::GroupsMarked(_)),
            Self::TopicTransferred { part, .. } => part.undoable(),
            _ => true,
        }
    }

    fn observe(&self, direction: Direction, seen: &Observation) -> Vec<Query> {
        let view = View::new(seen);
        view.unasked(match self {
            Self::KeyValuesCopied {
                namespaces,
                sources,
                targets,
                foreign_targets,
            } => sources
                .iter()
                .chain(targets)
                .chain(foreign_targets)
                .flat_map(|server| key_values::queries(server, namespaces))
                .collect(),
            Self::BrokersTold { brokers, .. } => brokers
                .iter()
                .map(|told| settings_query(&told.broker))
                .collect(),
            Self::BrokersReleased { brokers, .. } => brokers.iter().map(settings_query).collect(),
            Self::BrokersRegistered { .. } if direction == Direction::Undoing => Vec::new(),
            Self::BrokersRegistered { scene } => {
                let mut wanted = scene.identities();
                wanted.extend(registration::queries(&scene.as_seen(view)));
                wanted
            }
            Self::BrokerRestarted { scene, pod, reason } => {
                queries_of_restart(scene, pod, *reason, view)
            }
            Self::MasterHandedOver { scene, pod } => {
                queries_of_restart(scene, pod, Reason::Leaves, view)
            }
            Self::BrokersForgotten { gone } => forgetting::queries(gone),
            Self::SettingsApplied { brokers } => settings::queries(brokers),
            Self::NameServerRestarted { renewal } => name_server_restart::queries(renewal),
            Self::PodRenewed { silent } => pod_renewal::queries(silent),
            Self::GroupsAdded { addition, part } => addition::queries(addition, part),
            Self::GroupsRemoved { removal, part } => {
                removal::queries(removal, *part, direction == Direction::Undoing, view)
            }
            Self::TopicTransferred { transfer, part } => {
                transfer::queries(transfer, *part, direction == Direction::Undoing, view)
            }
            Self::MastersOpened { masters } => removal::marked_queries(masters),
            Self::ClaimsGrown { cluster, .. } => vec![ask_claims(cluster)],
            Self::RoomMade { cluster, .. } => volumes::room_queries(cluster),
        })
    }

    fn assess(&self, direction: Direction, seen: &Observation) -> Verdict<Command> {
        let undoing = direction == Direction::Undoing;
        match self {
            // What was copied to a name server that nobody uses yet, and the news of where brokers
            // are, do no harm and need not be taken back.
            Self::KeyValuesCopied { .. }
            | Self::BrokersRegistered { .. }
            | Self::BrokersReleased { .. }
            | Self::BrokerRestarted { .. }
            | Self::MasterHandedOver { .. }
            | Self::BrokersForgotten { .. }
            | Self::NameServerRestarted { .. }
            | Self::PodRenewed { .. }
            | Self::MastersOpened { .. }
            | Self::ClaimsGrown { .. }
            | Self::RoomMade { .. }
                if undoing =>
            {
                Verdict::Done
            }
            Self::KeyValuesCopied {
                namespaces,
                sources,
                targets,
                foreign_targets,
            } => key_values::assess(namespaces, sources, targets, foreign_targets, seen),
            Self::BrokersTold { list, brokers } => {
                let wanted = brokers
                    .iter()
                    .map(|told| (&told.broker, if undoing { &told.previous } else { list }));
                lists::assess_told(wanted, seen)
            }
            Self::BrokersRegistered { scene } => {
                registration::assess_registered(&scene.as_seen(View::new(seen)), seen)
            }
            Self::BrokersReleased {
                list,
                brokers,
                seconds,
            } => lists::assess_released(list, brokers, *seconds, seen),
            Self::BrokerRestarted { scene, pod, reason } => {
                assess_restart(scene, pod, *reason, seen)
            }
            Self::MasterHandedOver { scene, pod } => {
                assess_restart(scene, pod, Reason::Leaves, seen)
            }
            Self::BrokersForgotten { gone } => forgetting::assess(gone, seen),
            Self::SettingsApplied { brokers } => settings::assess(brokers, undoing, seen),
            Self::NameServerRestarted { renewal } => name_server_restart::assess(renewal, seen),
            Self::PodRenewed { silent } => pod_renewal::assess(silent, seen),
            Self::GroupsAdded { addition, part } => addition::assess(addition, part, undoing, seen),
            Self::GroupsRemoved { removal, part } => removal::assess(removal, *part, undoing, seen),
            Self::TopicTransferred { transfer, part } => {
                transfer::assess(transfer, *part, undoing, seen)
            }
            Self::MastersOpened { masters } => removal::closed(masters, false, View::new(seen)),
            Self::ClaimsGrown { cluster, claims } => volumes::assess_grown(cluster, claims, seen),
            Self::RoomMade {
                cluster,
                stateful_set,
                mebibytes,
            } => volumes::assess_room(cluster, stateful_set, *mebibytes, seen),
        }
    }

    /// A master that this step has closed takes messages again.
    fn relief(&self, seen: &Observation) -> Vec<Command> {
        match self {
            Self::BrokerRestarted { scene, pod, .. } | Self::MasterHandedOver { scene, pod } => {
                let scene = scene.as_seen(View::new(seen));
                scene.broker(pod).map_or_else(Vec::new, |broker| {
                    broker_restart::relief(&scene, broker, seen)
                })
            }
            Self::GroupsRemoved { removal, .. } => removal::relief(removal, seen),
            _ => Vec::new(),
        }
    }

    /// Each step leaves brokers in a state from which a survey plans, but half a topic's way is no place to stay.
    fn severable(&self) -> bool {
        !matches!(self, Self::TopicTransferred { .. })
    }
}

/// What has to be known of a broker that is restarted or leaves, and who is a master where that is elected.
fn queries_of_restart(scene: &Scene, pod: &str, reason: Reason, view: View<'_>) -> Vec<Query> {
    let mut wanted = scene.identities();
    let scene = scene.as_seen(view);
    if let Some(broker) = scene.broker(pod) {
        wanted.extend(broker_restart::queries(&scene, broker, reason, view));
    }
    wanted
}

fn assess_restart(
    scene: &Scene,
    pod: &str,
    reason: Reason,
    seen: &Observation,
) -> Verdict<Command> {
    let scene = scene.as_seen(View::new(seen));
    match scene.broker(pod) {
        Some(broker) => broker_restart::assess(&scene, broker, reason, seen),
        None => Verdict::Fail(Problem {
            object: format!("pod {pod}"),
            why: "it is not among the brokers that the plan knows".to_owned(),
            remedy: "this is a bug of midships; report it with the journal".to_owned(),
        }),
    }
}

/// A command to a broker.
fn tell(broker: &Broker, request: Request) -> Command {
    Command::Rocketmq {
        address: broker.address.clone(),
        request,
    }
}

/// Whether the template of a pod's StatefulSet is another one than the pod was made of.
///
/// # Errors
/// While it cannot be told.
pub(crate) fn set_is_newer(
    pod: &kubernetes::Pod,
    stateful_set: &str,
    sets: &[kubernetes::StatefulSet],
) -> Result<bool, Unanswered> {
    let unknown = |why: &str| Unanswered {
        object: format!("StatefulSet {stateful_set}"),
        why: why.to_owned(),
    };
    let set = sets
        .iter()
        .find(|set| set.name == stateful_set)
        .ok_or_else(|| unknown("does not exist"))?;
    set.is_newer_than(pod).map_err(unknown)
}

fn set(address: &str, setting: &str, value: &str) -> Command {
    let properties = BTreeMap::from([(setting.to_owned(), value.to_owned())]);
    Command::Rocketmq {
        address: address.to_owned(),
        request: Request::UpdateBrokerConfiguration { properties },
    }
}

/// The most commands that are performed between two looks.
const BATCH: usize = 100;

/// These commands, a batch of them at a time; done where there are none.
fn acting(mut commands: Vec<Command>, what: &str) -> Verdict<Command> {
    if commands.is_empty() {
        return Verdict::Done;
    }
    let why = format!("{} {what}", commands.len());
    commands.truncate(BATCH);
    Verdict::Act { commands, why }
}

fn wait(why: impl Into<String>) -> Verdict<Command> {
    Verdict::Wait {
        why: why.into(),
        progress: None,
        memory: Memory::new(),
    }
}

/// What is remembered of a server that was seen to be out of date.
const OUTDATED: &str = "outdated";

/// A wait of a server that was seen to be out of date, which the next look may believe: one look may
/// be older than the last change.
fn wait_again(why: String) -> Verdict<Command> {
    Verdict::Wait {
        why,
        progress: None,
        memory: Memory::from([(OUTDATED.to_owned(), 1)]),
    }
}

/// Whether the look before this one found the server out of date too.
fn is_believed(seen: &Observation) -> bool {
    seen.memory.contains_key(OUTDATED)
}

/// The eviction of a pod that was cleared for it, else a wait that says why it was not.
fn evicting(cleared: Result<Clearance, String>, why: String) -> Verdict<Command> {
    match cleared {
        Ok(clearance) => Verdict::Act {
            commands: vec![Command::Restart(clearance)],
            why,
        },
        Err(why) => wait_again(why),
    }
}

fn count(done: usize, total: usize, unit: &str) -> Progress {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Progress {
        done: number(done),
        total: number(total),
        unit: unit.to_owned(),
    }
}

/// What follows from a look at many objects: commands for those that need any, else a wait for those that are not ready, else
/// nothing more. `need` says what those that need commands are, `waits` begins what is said of the others.
fn of_many(
    commands: Vec<Command>,
    need: &str,
    waiting: &[String],
    waits: &str,
    (total, unit): (usize, &str),
) -> Verdict<Command> {
    if !commands.is_empty() {
        let why = format!("{} of {total} {unit} {need}", commands.len());
        Verdict::Act { commands, why }
    } else if waiting.is_empty() {
        Verdict::Done
    } else {
        Verdict::Wait {
            why: format!("{waits}{}", waiting.join("; ")),
            progress: Some(count(total - waiting.len(), total, unit)),
            memory: Memory::new(),
        }
    }
}

/// The seconds since a remembered moment, and that moment; since now if nothing is remembered.
fn since(memory: &Memory, key: &str, now: Moment) -> (u64, i64) {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let started = memory.get(key).copied().unwrap_or(now);
    (u64::try_from((now - started) / 1_000).unwrap_or(0), started)
}
