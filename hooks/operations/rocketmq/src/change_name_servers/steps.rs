//! The steps of `change_name_servers`: each is a condition, its observation and its judgement.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_kubernetes as kubernetes;
use midships_client_rocketmq::Request;
use midships_engine::step::{
    Direction, Limits, Memory, Moment, Problem, Progress, Seen, Step, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::desired::Broker;
use crate::guard;
use crate::view::{
    NAME_SERVER_SETTING, ORDER_NAMESPACE, PERMISSION_SETTING, View, ask_name_server,
};
use crate::vocabulary::{Answer, Command, Query};

/// How long after a client's next look at the routes a producer may still send to where it sent
/// before: its look takes up to 3 s and it may be in the middle of a send with two retries.
const SETTLE_SECONDS: u64 = 15;

/// The permission of a broker that is read but not written.
const READ_ONLY: &str = "4";

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

/// A broker that has to be restarted, and what it was when the plan was made.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct RestartedBroker {
    /// The broker.
    pub broker: Broker,
    /// The identity of its pod when the plan was made: another identity means that it was restarted.
    pub uid: String,
    /// Its permission when the plan was made, which it has again in the end.
    pub permission: String,
}

/// What all steps of one plan share.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// The cluster: the release's full name.
    pub cluster: String,
    /// All brokers of the cluster.
    pub brokers: Vec<Broker>,
    /// The name servers that every broker has to be registered at in the end.
    pub name_servers: Vec<String>,
    /// Those of them that all brokers used before, by which a broker is known to be up.
    pub kept_name_servers: Vec<String>,
    /// How often clients look at the routes, in seconds.
    pub route_refresh_seconds: u64,
}

/// A step of `change_name_servers`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChangeStep {
    /// The targets hold the order configuration that the sources agree on, and nothing else.
    OrderConfigurationCopied {
        /// The name servers that were in use before.
        sources: Vec<String>,
        /// The name servers that are new.
        targets: Vec<String>,
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
    /// A broker runs in a new pod with the desired list, serves as before, and clients know it.
    BrokerRestarted {
        /// What the plan is about.
        scene: Scene,
        /// The broker.
        target: RestartedBroker,
    },
}

type Observation = Seen<Query, Answer>;

impl Step for ChangeStep {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn name(&self) -> String {
        match self {
            Self::OrderConfigurationCopied { .. } => "order_configuration_copied".to_owned(),
            Self::BrokersTold { .. } => "brokers_told".to_owned(),
            Self::BrokersRegistered { .. } => "brokers_registered".to_owned(),
            Self::BrokersReleased { .. } => "brokers_released".to_owned(),
            Self::BrokerRestarted { target, .. } => {
                format!("broker_restarted/{}", target.broker.pod)
            }
        }
    }

    fn limits(&self) -> Limits {
        let seconds = match self {
            Self::OrderConfigurationCopied { .. } | Self::BrokersTold { .. } => 120,
            // A broker looks at its list every 120 s where the period cannot be set, and then
            // registers within 30 s (facts of the versions 4.9.4 to 5.3.0).
            Self::BrokersRegistered { .. } => 300,
            Self::BrokersReleased { seconds, .. } => seconds + 120,
            // The drain, the stop and the start, and a wait of 10 minutes for other brokers.
            Self::BrokerRestarted { scene, .. } => {
                2 * scene.route_refresh_seconds + SETTLE_SECONDS + STILL_PATIENCE_SECONDS + 900
            }
        };
        Limits {
            seconds,
            attempts: 20,
            // What is waited for takes tens of seconds in a restart, and a second or so elsewhere.
            poll_milliseconds: if self.undoable() { 1_000 } else { 2_000 },
            ..Limits::default()
        }
    }

    /// A restart cannot be taken back: from the first one on a plan only goes forward.
    fn undoable(&self) -> bool {
        !matches!(self, Self::BrokerRestarted { .. })
    }

    fn observe(&self, direction: Direction, seen: &Observation) -> Vec<Query> {
        let view = View::new(seen);
        view.unasked(match self {
            Self::OrderConfigurationCopied { sources, targets } => sources
                .iter()
                .chain(targets)
                .map(|server| order_configuration_query(server))
                .collect(),
            Self::BrokersTold { brokers, .. } => brokers
                .iter()
                .map(|told| settings_query(&told.broker))
                .collect(),
            Self::BrokersReleased { brokers, .. } => brokers.iter().map(settings_query).collect(),
            Self::BrokersRegistered { .. } if direction == Direction::Undoing => Vec::new(),
            Self::BrokersRegistered { scene } => registration_queries(scene),
            Self::BrokerRestarted { scene, target } => {
                let mut wanted = vec![
                    pods_query(scene),
                    settings_query(&target.broker),
                    Query::rocketmq(&target.broker.address, Request::RuntimeInformation),
                ];
                wanted.extend(
                    scene
                        .name_servers
                        .iter()
                        .map(|server| Query::rocketmq(server, Request::ClusterInfo)),
                );
                wanted
            }
        })
    }

    fn assess(&self, direction: Direction, seen: &Observation) -> Verdict<Command> {
        let undoing = direction == Direction::Undoing;
        match self {
            // What was copied to a name server that nobody uses yet, and the news of where brokers
            // are, do no harm and need not be taken back.
            Self::OrderConfigurationCopied { .. }
            | Self::BrokersRegistered { .. }
            | Self::BrokersReleased { .. }
            | Self::BrokerRestarted { .. }
                if undoing =>
            {
                Verdict::Done
            }
            Self::OrderConfigurationCopied { sources, targets } => {
                assess_order_configuration(sources, targets, seen)
            }
            Self::BrokersTold { list, brokers } => {
                let wanted = brokers
                    .iter()
                    .map(|told| (&told.broker, if undoing { &told.previous } else { list }));
                assess_told(wanted, seen)
            }
            Self::BrokersRegistered { scene } => assess_registered(scene, seen),
            Self::BrokersReleased {
                list,
                brokers,
                seconds,
            } => assess_released(list, brokers, *seconds, seen),
            Self::BrokerRestarted { scene, target } => assess_restarted(scene, target, seen),
        }
    }
}

/// The question for the order configuration that a name server holds.
pub(crate) fn order_configuration_query(server: &str) -> Query {
    Query::rocketmq(
        server,
        Request::KeyValues {
            namespace: ORDER_NAMESPACE.to_owned(),
        },
    )
}

fn settings_query(broker: &Broker) -> Query {
    Query::rocketmq(&broker.address, Request::BrokerConfiguration)
}

fn pods_query(scene: &Scene) -> Query {
    Query::Kubernetes(kubernetes::Query::Pods {
        cluster: scene.cluster.clone(),
    })
}

/// Everything that has to be asked to know whether every name server lists every broker and topic.
#[must_use]
pub fn registration_queries(scene: &Scene) -> Vec<Query> {
    let servers = scene
        .name_servers
        .iter()
        .flat_map(|server| ask_name_server(server));
    let masters = scene.brokers.iter().filter(|broker| broker.is_master());
    servers
        .chain(masters.map(|broker| Query::rocketmq(&broker.address, Request::TopicConfigurations)))
        .collect()
}

fn set(address: &str, setting: &str, value: &str) -> Command {
    let properties = BTreeMap::from([(setting.to_owned(), value.to_owned())]);
    Command::Rocketmq {
        address: address.to_owned(),
        request: Request::UpdateBrokerConfiguration { properties },
    }
}

fn wait(why: impl Into<String>) -> Verdict<Command> {
    Verdict::Wait {
        why: why.into(),
        progress: None,
        memory: Memory::new(),
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

/// The seconds since a remembered moment, and that moment; since now if nothing is remembered.
fn since(memory: &Memory, key: &str, now: Moment) -> (u64, i64) {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let started = memory.get(key).copied().unwrap_or(now);
    (u64::try_from((now - started) / 1_000).unwrap_or(0), started)
}

/// The order configuration that all sources agree on.
///
/// # Errors
/// A problem that names the key and the servers that disagree.
pub fn agreed_order_configuration(
    sources: &[String],
    view: View<'_>,
) -> Result<Result<BTreeMap<String, String>, Problem>, midships_engine::step::Unanswered> {
    let mut agreed: BTreeMap<String, (String, String)> = BTreeMap::new();
    for source in sources {
        for (key, value) in view.key_values(source)? {
            match agreed.get(key) {
                Some((other, known)) if other != value => {
                    return Ok(Err(Problem {
                        object: format!("order configuration of topic {key}"),
                        why: format!("name server {known} says `{other}`, {source} says `{value}`"),
                        remedy: "set the same order configuration on every name server (mqadmin \
                                 updateOrderConf), then run the upgrade again"
                            .to_owned(),
                    }));
                }
                Some(_) => {}
                None => {
                    agreed.insert(key.clone(), (value.clone(), source.clone()));
                }
            }
        }
    }
    Ok(Ok(agreed
        .into_iter()
        .map(|(key, (value, _))| (key, value))
        .collect()))
}

fn assess_order_configuration(
    sources: &[String],
    targets: &[String],
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let agreed = match agreed_order_configuration(sources, view) {
        Ok(Ok(agreed)) => agreed,
        Ok(Err(problem)) => return Verdict::Fail(problem),
        Err(unanswered) => {
            return wait(format!(
                "name server {}: {}",
                unanswered.object, unanswered.why
            ));
        }
    };
    let mut commands = Vec::new();
    for target in targets {
        let held = match view.key_values(target) {
            Ok(held) => held,
            Err(unanswered) => {
                return wait(format!(
                    "name server {}: {}",
                    unanswered.object, unanswered.why
                ));
            }
        };
        let command = |request| Command::Rocketmq {
            address: target.clone(),
            request,
        };
        for (key, value) in &agreed {
            if held.get(key) != Some(value) {
                commands.push(command(Request::PutKeyValue {
                    namespace: ORDER_NAMESPACE.to_owned(),
                    key: key.clone(),
                    value: value.clone(),
                }));
            }
        }
        for key in held.keys().filter(|key| !agreed.contains_key(*key)) {
            commands.push(command(Request::DeleteKeyValue {
                namespace: ORDER_NAMESPACE.to_owned(),
                key: key.clone(),
            }));
        }
    }
    if commands.is_empty() {
        Verdict::Done
    } else {
        let why = format!("{} entries differ on new name servers", commands.len());
        Verdict::Act { commands, why }
    }
}

fn assess_told<'a>(
    wanted: impl Iterator<Item = (&'a Broker, &'a String)>,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let mut commands = Vec::new();
    let mut silent = Vec::new();
    let mut total = 0;
    for (broker, list) in wanted {
        total += 1;
        match view.settings(&broker.address) {
            Ok(settings) if settings.name_servers() == list => {}
            Ok(_) => commands.push(set(&broker.address, NAME_SERVER_SETTING, list)),
            Err(unanswered) => silent.push(format!("broker {}: {}", broker.pod, unanswered.why)),
        }
    }
    if !commands.is_empty() {
        let why = format!(
            "{} of {total} brokers are set to another list",
            commands.len()
        );
        Verdict::Act { commands, why }
    } else if silent.is_empty() {
        Verdict::Done
    } else {
        Verdict::Wait {
            why: silent.join("; "),
            progress: Some(count(total - silent.len(), total, "brokers")),
            memory: Memory::new(),
        }
    }
}

/// What is missing at the name servers, in words, and how many registrations there are and should be.
pub(crate) fn missing_registrations(scene: &Scene, view: View<'_>) -> (Vec<String>, usize, usize) {
    let mut missing = Vec::new();
    let mut done = 0;
    let mut topics = BTreeSet::new();
    for master in scene.brokers.iter().filter(|broker| broker.is_master()) {
        match view.topic_configurations(&master.address) {
            Ok(table) => topics.extend(table.keys()),
            Err(unanswered) => missing.push(format!("broker {}: {}", master.pod, unanswered.why)),
        }
    }
    for server in &scene.name_servers {
        match (view.cluster_info(server), view.topics(server)) {
            (Ok(info), Ok(known)) => {
                for broker in &scene.brokers {
                    if broker.is_registered(info) {
                        done += 1;
                    } else {
                        missing.push(format!("{server} lacks broker {}", broker.pod));
                    }
                }
                let lacking = topics
                    .iter()
                    .filter(|topic| !known.contains(**topic))
                    .count();
                if lacking > 0 {
                    missing.push(format!(
                        "{server} lacks {lacking} of {} topics",
                        topics.len()
                    ));
                }
            }
            (Err(unanswered), _) | (_, Err(unanswered)) => {
                missing.push(format!("name server {server}: {}", unanswered.why));
            }
        }
    }
    (
        missing,
        done,
        scene.name_servers.len() * scene.brokers.len(),
    )
}

fn assess_registered(scene: &Scene, seen: &Observation) -> Verdict<Command> {
    let (missing, done, total) = missing_registrations(scene, View::new(seen));
    if missing.is_empty() {
        Verdict::Done
    } else {
        Verdict::Wait {
            why: missing.join("; "),
            progress: Some(count(done, total, "registrations")),
            memory: Memory::new(),
        }
    }
}

fn assess_released(
    list: &str,
    brokers: &[Broker],
    seconds: u64,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    for broker in brokers {
        match view.settings(&broker.address) {
            Ok(settings) if settings.name_servers() == list => {}
            Ok(settings) => {
                return wait(format!(
                    "broker {} is set to `{}` and not to `{list}`",
                    broker.pod,
                    settings.name_servers()
                ));
            }
            Err(unanswered) => return wait(format!("broker {}: {}", broker.pod, unanswered.why)),
        }
    }
    let (passed, started) = since(&seen.memory, "since", seen.now);
    if passed >= seconds {
        return Verdict::Done;
    }
    Verdict::Wait {
        why: "every broker looks at its new list".to_owned(),
        progress: Some(Progress {
            done: passed,
            total: seconds,
            unit: "seconds".to_owned(),
        }),
        memory: Memory::from([("since".to_owned(), started)]),
    }
}

/// The broker still runs in the pod that has to go: it is drained first, but only as long as no
/// other broker is away, so that a wait for another one never leaves this one closed.
fn assess_leaving(
    scene: &Scene,
    target: &RestartedBroker,
    pod: &kubernetes::Pod,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let broker = &target.broker;
    let settings = match view.settings(&broker.address) {
        Ok(settings) => settings,
        Err(unanswered) => return wait(format!("broker {}: {}", broker.pod, unanswered.why)),
    };
    let clearance = match guard::clear(
        broker,
        pod,
        &scene.brokers,
        &scene.kept_name_servers,
        &scene.cluster,
        seen,
    ) {
        Ok(clearance) => clearance,
        Err(why) if settings.permission() == target.permission => return wait(why),
        Err(why) => {
            return Verdict::Act {
                commands: vec![set(&broker.address, PERMISSION_SETTING, &target.permission)],
                why: format!("broker {} takes messages again, since {why}", broker.pod),
            };
        }
    };
    // Where there is no other master, clients have nowhere to turn to.
    let other_master = |other: &Broker| other.is_master() && other.pod != broker.pod;
    if broker.is_master()
        && scene.brokers.iter().any(other_master)
        && let Some(verdict) = assess_draining(scene, broker, settings.permission(), seen)
    {
        return verdict;
    }
    Verdict::Act {
        commands: vec![Command::Restart(clearance)],
        why: format!("broker {} uses another name server list", broker.pod),
    }
}

/// What has to be done or waited for until clients write elsewhere; nothing once they do.
fn assess_draining(
    scene: &Scene,
    broker: &Broker,
    permission: &str,
    seen: &Observation,
) -> Option<Verdict<Command>> {
    if permission != READ_ONLY {
        return Some(Verdict::Act {
            commands: vec![set(&broker.address, PERMISSION_SETTING, READ_ONLY)],
            why: format!("broker {} takes new messages", broker.pod),
        });
    }
    let stored = match View::new(seen).messages_stored_today(&broker.address) {
        Ok(stored) => stored,
        Err(unanswered) => return Some(wait(format!("broker {}: {}", broker.pod, unanswered.why))),
    };
    let (drained, drained_since) = since(&seen.memory, "drained", seen.now);
    let unchanged = seen.memory.get("stored") == Some(&stored);
    let (still, still_since) = since(
        &seen.memory,
        if unchanged { "still" } else { "changed" },
        seen.now,
    );
    let needed = scene.route_refresh_seconds + SETTLE_SECONDS;
    let out_of_patience = drained >= needed + STILL_PATIENCE_SECONDS;
    if drained >= needed && (still >= STILL_SECONDS || out_of_patience) {
        return None;
    }
    Some(Verdict::Wait {
        why: format!("clients turn from broker {} to others", broker.pod),
        progress: Some(Progress {
            done: drained.min(needed),
            total: needed,
            unit: "seconds".to_owned(),
        }),
        memory: Memory::from([
            ("drained".to_owned(), drained_since),
            ("still".to_owned(), still_since),
            ("stored".to_owned(), stored),
        ]),
    })
}

fn assess_restarted(
    scene: &Scene,
    target: &RestartedBroker,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let broker = &target.broker;
    let pods = match view.pods(&scene.cluster) {
        Ok(pods) => pods,
        Err(unanswered) => return wait(unanswered.why),
    };
    let Some(pod) = pods.iter().find(|pod| pod.name == broker.pod) else {
        return wait(format!("pod {} is being made", broker.pod));
    };
    if pod.uid == target.uid && !pod.terminating {
        return assess_leaving(scene, target, pod, seen);
    }
    if pod.terminating || !pod.ready {
        return wait(view.describe_pod(&scene.cluster, &broker.pod));
    }
    let settings = match view.settings(&broker.address) {
        Ok(settings) => settings,
        Err(unanswered) => return wait(format!("broker {}: {}", broker.pod, unanswered.why)),
    };
    if settings.permission() != target.permission {
        return Verdict::Act {
            commands: vec![set(&broker.address, PERMISSION_SETTING, &target.permission)],
            why: format!("broker {} has another permission than before", broker.pod),
        };
    }
    for server in &scene.name_servers {
        match view.cluster_info(server) {
            Ok(info) if broker.is_registered(info) => {}
            Ok(_) => return wait(format!("{server} lacks broker {}", broker.pod)),
            Err(unanswered) => {
                return wait(format!("name server {server}: {}", unanswered.why));
            }
        }
    }
    if !broker.is_master() {
        return Verdict::Done;
    }
    // The next master may be drained only when clients write to this one again.
    let (passed, started) = since(&seen.memory, "serving", seen.now);
    if passed >= scene.route_refresh_seconds {
        return Verdict::Done;
    }
    Verdict::Wait {
        why: format!("clients learn that broker {} is back", broker.pod),
        progress: Some(Progress {
            done: passed,
            total: scene.route_refresh_seconds,
            unit: "seconds".to_owned(),
        }),
        memory: Memory::from([("serving".to_owned(), started)]),
    }
}
