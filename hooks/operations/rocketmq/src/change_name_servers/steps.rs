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
    NAME_SERVER_SETTING, OPEN, PERMISSION_SETTING, READ_ONLY, View, ask_name_server,
};
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
    /// All brokers of the cluster.
    pub brokers: Vec<Broker>,
    /// The name servers that every broker has to be registered at in the end.
    pub name_servers: Vec<String>,
    /// Those of them that all brokers used before, by which a broker is known to be up.
    pub kept_name_servers: Vec<String>,
    /// How often clients look at the routes, in seconds.
    pub route_refresh_seconds: u64,
}

impl Scene {
    fn broker(&self, pod: &str) -> Option<&Broker> {
        self.brokers.iter().find(|broker| broker.pod == pod)
    }

    /// Whether a broker's list means the desired name servers, in whatever order.
    fn is_list(&self, list: &str) -> bool {
        let wanted: BTreeSet<&str> = self.name_servers.iter().map(String::as_str).collect();
        super::list_of(list) == wanted
    }

    /// The masters of the other groups.
    fn other_masters<'a>(&'a self, target: &'a Broker) -> impl Iterator<Item = &'a Broker> + Clone {
        self.brokers
            .iter()
            .filter(move |other| other.is_master() && other.pod != target.pod)
    }
}

/// A step of `change_name_servers`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum ChangeStep {
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
    /// A broker runs with the desired list, for which its pod is renewed; it takes messages, and
    /// clients know it.
    BrokerRestarted {
        /// What the plan is about.
        scene: Scene,
        /// The broker's pod.
        pod: String,
    },
}

type Observation = Seen<Query, Answer>;

impl Step for ChangeStep {
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
        }
    }

    fn limits(&self) -> Limits {
        let seconds = match self {
            Self::KeyValuesCopied { .. } | Self::BrokersTold { .. } => 120,
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
            // An eviction may be declined for as long as somebody else's disruption lasts.
            attempts: if self.undoable() { 20 } else { 600 },
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
            Self::KeyValuesCopied {
                namespaces,
                sources,
                targets,
                foreign_targets,
            } => sources
                .iter()
                .chain(targets)
                .chain(foreign_targets)
                .flat_map(|server| key_value_queries(server, namespaces))
                .collect(),
            Self::BrokersTold { brokers, .. } => brokers
                .iter()
                .map(|told| settings_query(&told.broker))
                .collect(),
            Self::BrokersReleased { brokers, .. } => brokers.iter().map(settings_query).collect(),
            Self::BrokersRegistered { .. } if direction == Direction::Undoing => Vec::new(),
            Self::BrokersRegistered { scene } => registration_queries(scene),
            Self::BrokerRestarted { scene, pod } => scene
                .broker(pod)
                .map_or_else(Vec::new, |target| restart_queries(scene, target, view)),
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
                if undoing =>
            {
                Verdict::Done
            }
            Self::KeyValuesCopied {
                namespaces,
                sources,
                targets,
                foreign_targets,
            } => assess_key_values(namespaces, sources, targets, foreign_targets, seen),
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
            Self::BrokerRestarted { scene, pod } => match scene.broker(pod) {
                Some(target) => assess_restarted(scene, target, seen),
                None => Verdict::Fail(Problem {
                    object: format!("pod {pod}"),
                    why: "it is not among the brokers that the plan knows".to_owned(),
                    remedy: "this is a bug of midships; report it with the journal".to_owned(),
                }),
            },
        }
    }

    /// A master that this step has closed takes messages again.
    fn relief(&self, seen: &Observation) -> Vec<Command> {
        let Self::BrokerRestarted { scene, pod } = self else {
            return Vec::new();
        };
        let Some(target) = scene.broker(pod) else {
            return Vec::new();
        };
        let view = View::new(seen);
        let stays = view.pods(&scene.cluster).is_ok_and(|pods| {
            pods.iter()
                .any(|pod| pod.name == target.pod && !pod.terminating)
        });
        match view.settings(&target.address) {
            Ok(settings) if stays && !settings.is_open() => {
                vec![set(&target.address, PERMISSION_SETTING, OPEN)]
            }
            _ => Vec::new(),
        }
    }

    /// Each step leaves brokers in a state from which a survey plans.
    fn severable(&self) -> bool {
        true
    }
}

/// The questions for the key-value configuration that a name server holds.
pub(crate) fn key_value_queries<'a>(
    server: &'a str,
    namespaces: &'a [String],
) -> impl Iterator<Item = Query> + 'a {
    namespaces.iter().map(move |namespace| {
        Query::rocketmq(
            server,
            Request::KeyValues {
                namespace: namespace.clone(),
            },
        )
    })
}

/// What has to be known of a broker that is restarted, of the other masters, and, as long as it is
/// open and has its old list, of what is written where.
fn restart_queries(scene: &Scene, target: &Broker, view: View<'_>) -> Vec<Query> {
    let mut wanted = vec![
        pods_query(scene),
        settings_query(target),
        Query::rocketmq(&target.address, Request::RuntimeInformation),
    ];
    wanted.extend(
        scene
            .name_servers
            .iter()
            .map(|server| Query::rocketmq(server, Request::ClusterInfo)),
    );
    let Ok(settings) = view.settings(&target.address) else {
        return wanted;
    };
    if target.is_master() && !scene.is_list(settings.name_servers()) {
        let others = scene.other_masters(target);
        wanted.extend(others.clone().map(settings_query));
        if settings.is_open() {
            wanted.extend(
                others
                    .chain([target])
                    .map(|master| Query::rocketmq(&master.address, Request::TopicConfigurations)),
            );
        }
    }
    wanted
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

/// A wait of a broker that was seen with another list, which the next look may believe.
fn wait_again(why: String) -> Verdict<Command> {
    Verdict::Wait {
        why,
        progress: None,
        memory: Memory::from([("another list".to_owned(), 1)]),
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

/// The key-value configuration of a namespace that all sources agree on.
///
/// # Errors
/// A problem that names the key and the servers that disagree.
pub fn agreed_key_values(
    sources: &[String],
    namespace: &str,
    view: View<'_>,
) -> Result<Result<BTreeMap<String, String>, Problem>, midships_engine::step::Unanswered> {
    let mut agreed: BTreeMap<String, (String, String)> = BTreeMap::new();
    for source in sources {
        for (key, value) in view.key_values(source, namespace)? {
            match agreed.get(key) {
                Some((other, known)) if other != value => {
                    return Ok(Err(disagreement(
                        namespace,
                        key,
                        (known, other),
                        (source, value),
                    )));
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

fn disagreement(
    namespace: &str,
    key: &str,
    (first, says): (&str, &str),
    (second, otherwise): (&str, &str),
) -> Problem {
    Problem {
        object: format!("key {key} of the key-value configuration {namespace}"),
        why: format!("name server {first} says `{says}`, {second} says `{otherwise}`"),
        remedy: "set the same value on every name server (mqadmin updateKvConfig, or \
                 updateOrderConf for the order of a topic), then run the upgrade again"
            .to_owned(),
    }
}

fn assess_key_values(
    namespaces: &[String],
    sources: &[String],
    targets: &[String],
    foreign_targets: &[String],
    seen: &Observation,
) -> Verdict<Command> {
    let mut commands = Vec::new();
    for namespace in namespaces {
        match missing_key_values(namespace, sources, targets, foreign_targets, seen) {
            Ok(found) => commands.extend(found),
            Err(verdict) => return *verdict,
        }
    }
    if commands.is_empty() {
        Verdict::Done
    } else {
        let why = format!("{} entries differ on new name servers", commands.len());
        Verdict::Act { commands, why }
    }
}

/// The commands that bring one namespace of the targets about, or why they cannot be told.
fn missing_key_values(
    namespace: &str,
    sources: &[String],
    targets: &[String],
    foreign_targets: &[String],
    seen: &Observation,
) -> Result<Vec<Command>, Box<Verdict<Command>>> {
    let view = View::new(seen);
    let silent = |unanswered: midships_engine::step::Unanswered| {
        Box::new(wait(format!(
            "name server {}: {}",
            unanswered.object, unanswered.why
        )))
    };
    let agreed = agreed_key_values(sources, namespace, view)
        .map_err(silent)?
        .map_err(|problem| Box::new(Verdict::Fail(problem)))?;
    let source = sources.first().map_or("", String::as_str);
    let mut commands = Vec::new();
    for (target, own) in targets
        .iter()
        .map(|target| (target, true))
        .chain(foreign_targets.iter().map(|target| (target, false)))
    {
        let held = view.key_values(target, namespace).map_err(silent)?;
        let command = |request| Command::Rocketmq {
            address: target.clone(),
            request,
        };
        for (key, value) in &agreed {
            match held.get(key) {
                Some(there) if there == value => continue,
                // What others have set is theirs.
                Some(there) if !own => {
                    let problem = disagreement(namespace, key, (source, value), (target, there));
                    return Err(Box::new(Verdict::Fail(problem)));
                }
                _ => {}
            }
            commands.push(command(Request::PutKeyValue {
                namespace: namespace.to_owned(),
                key: key.clone(),
                value: value.clone(),
            }));
        }
        let surplus = held.keys().filter(|key| own && !agreed.contains_key(*key));
        commands.extend(surplus.map(|key| {
            command(Request::DeleteKeyValue {
                namespace: namespace.to_owned(),
                key: key.clone(),
            })
        }));
    }
    Ok(commands)
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

/// The broker runs with another list, so its pod has to go: it is drained first, but only as long as
/// no other broker is away or closed, so that a wait for another one never leaves this one closed.
fn assess_leaving(
    scene: &Scene,
    broker: &Broker,
    pod: &kubernetes::Pod,
    is_open: bool,
    seen: &Observation,
) -> Verdict<Command> {
    let cleared = guard::clear(
        broker,
        pod,
        &scene.brokers,
        &scene.kept_name_servers,
        &scene.cluster,
        seen,
    );
    let clearance = match cleared {
        Ok(clearance) => clearance,
        Err(why) if is_open => return wait_again(why),
        Err(why) => {
            return Verdict::Act {
                commands: vec![set(&broker.address, PERMISSION_SETTING, OPEN)],
                why: format!("broker {} takes messages again, since {why}", broker.pod),
            };
        }
    };
    let mut why = format!("broker {} uses another name server list", broker.pod);
    // Where there is no other master, clients have nowhere to turn to.
    if broker.is_master() && scene.other_masters(broker).next().is_some() {
        match written_only_here(scene, broker, is_open, seen) {
            Err(unanswered) => {
                return wait(format!("broker {}: {}", unanswered.object, unanswered.why));
            }
            Ok(topics) if topics.is_empty() => {
                if let Some(verdict) = assess_draining(scene, broker, is_open, seen) {
                    return verdict;
                }
            }
            // A drain would only make the time longer in which these cannot be written.
            Ok(topics) => {
                let named: Vec<&str> = topics.iter().take(5).map(String::as_str).collect();
                why = format!(
                    "{why}; it is not closed first, because {} topics can be written nowhere else: \
                     {}",
                    topics.len(),
                    named.join(", ")
                );
            }
        }
    }
    Verdict::Act {
        commands: vec![Command::Restart(clearance)],
        why,
    }
}

/// The topics of an open master that no other master takes messages for. One that is closed already
/// has been judged.
fn written_only_here(
    scene: &Scene,
    broker: &Broker,
    is_open: bool,
    seen: &Observation,
) -> Result<Vec<String>, midships_engine::step::Unanswered> {
    if !is_open {
        return Ok(Vec::new());
    }
    let view = View::new(seen);
    let mut elsewhere = BTreeSet::new();
    for other in scene.other_masters(broker) {
        let table = view.topic_configurations(&other.address)?;
        elsewhere.extend(
            table
                .values()
                .filter(|topic| topic.is_written())
                .map(|topic| topic.name.as_str()),
        );
    }
    let own = view.topic_configurations(&broker.address)?;
    Ok(own
        .values()
        .filter(|topic| topic.is_written() && !elsewhere.contains(topic.name.as_str()))
        .map(|topic| topic.name.clone())
        // Every broker has a topic of its own name, and those of consumers that came to it.
        .filter(|name| *name != broker.name && !name.starts_with('%'))
        .collect())
}

/// What has to be done or waited for until clients write elsewhere; nothing once they do.
fn assess_draining(
    scene: &Scene,
    broker: &Broker,
    is_open: bool,
    seen: &Observation,
) -> Option<Verdict<Command>> {
    if is_open {
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

fn assess_restarted(scene: &Scene, broker: &Broker, seen: &Observation) -> Verdict<Command> {
    let view = View::new(seen);
    let pods = match view.pods(&scene.cluster) {
        Ok(pods) => pods,
        Err(unanswered) => return wait(unanswered.why),
    };
    let Some(pod) = pods.iter().find(|pod| pod.name == broker.pod) else {
        return wait(format!("pod {} is being made", broker.pod));
    };
    if pod.terminating || !pod.ready {
        return wait(view.describe_pod(&scene.cluster, &broker.pod));
    }
    let settings = match view.settings(&broker.address) {
        Ok(settings) => settings,
        Err(unanswered) => return wait(format!("broker {}: {}", broker.pod, unanswered.why)),
    };
    if !scene.is_list(settings.name_servers()) {
        // One look may be older than the restart; a second one, a pause later, is believed.
        if seen.memory.is_empty() {
            return wait_again(format!(
                "broker {} uses another name server list",
                broker.pod
            ));
        }
        return assess_leaving(scene, broker, pod, settings.is_open(), seen);
    }
    if !settings.is_open() {
        return Verdict::Act {
            commands: vec![set(&broker.address, PERMISSION_SETTING, OPEN)],
            why: format!("broker {} is closed for writing", broker.pod),
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
