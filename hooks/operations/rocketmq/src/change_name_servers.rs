//! `change_name_servers`: every broker learns the desired name server list, and nobody notices.
//!
//! The invariant that it keeps: at every moment each broker is registered at a name server that
//! clients know, and never more than one broker is away.
//!
//! Before Helm applies anything, brokers that take a list online are told to leave the name servers
//! that Helm is about to remove. They go on being listed there until those pods are gone: a name
//! server that had forgotten them already would tell a client that starts in that moment that there
//! is no such topic. Everything else happens after, when new name servers stand. Brokers that read
//! their list only when they start are restarted one at a time then, replicas first.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use midships_client_kubernetes::{self as kubernetes, DataVolume};
use midships_client_rocketmq::Request;
use midships_engine::journal::hexadecimal;
use midships_engine::step::{Limits, Operation, Planning, Problem, Seen};
use sha2::{Digest, Sha256};

use crate::desired::{Broker, Desired, Phase};
use crate::fixed;
use crate::steps::{self, Reason, RocketmqStep, Scene, ToldBroker};
use crate::survey;
use crate::view::{BrokerSettings, View, ask_config_map, ask_pods, ask_stateful_sets, list_of};
use crate::vocabulary::{Answer, Query};

/// How long a name server goes on listing a broker that stopped reporting, and a margin, in seconds.
/// Source: the name server's expiry of 120 s, looked at every 10 s.
const EXPIRY_SECONDS: u64 = 150;

/// What is added to the longest time between two looks of a broker at its list, in seconds.
const RELOAD_MARGIN_SECONDS: u64 = 5;

type Observation = Seen<Query, Answer>;

/// The operation, for one release and one phase.
#[derive(Clone, Debug)]
pub struct ChangeNameServers {
    desired: Desired,
    phase: Phase,
}

impl ChangeNameServers {
    /// Brings a release to its desired name server list.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }
}

impl Operation for ChangeNameServers {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        "change_name_servers"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(text.as_bytes());
            hash.update([0]);
        };
        add(&self.desired.full_name);
        self.desired
            .name_servers
            .iter()
            .for_each(|server| add(server));
        add("key-values");
        self.desired
            .key_value_namespaces
            .iter()
            .for_each(|namespace| add(namespace));
        // Whoever forbids restarts does not want the plan that a run with leave for them has made.
        add(if self.desired.allow_restart {
            "restarts"
        } else {
            "no restarts"
        });
        add("brokers");
        for broker in &self.desired.brokers {
            add(&broker.address);
            add(&broker.name);
        }
        hexadecimal(&hash.finalize())
    }

    fn limits(&self) -> Limits {
        let seconds = match self.phase {
            Phase::Before => EXPIRY_SECONDS,
            Phase::After => self.desired.patience_seconds,
        };
        Limits {
            seconds,
            ..Limits::default()
        }
    }

    fn observe(&self, seen: &Observation) -> Vec<Query> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let mut wanted = vec![
            ask_stateful_sets(cluster),
            ask_pods(cluster),
            ask_config_map(&self.desired.broker_config_map()),
        ];
        match self.phase {
            Phase::Before => wanted.extend(self.queries_before(view)),
            Phase::After => wanted.extend(self.queries_after(view)),
        }
        view.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RocketmqStep> {
        let view = View::new(seen);
        match self.phase {
            Phase::Before => self.plan_before(view),
            Phase::After => self.plan_after(view),
        }
    }
}

/// What Helm is about to remove and what stays, as far as the StatefulSets tell.
struct Leaving<'a> {
    /// Addresses of own name servers that Helm will remove.
    servers: Vec<String>,
    /// Brokers that stand and that the desired release has no longer.
    brokers: Vec<&'a kubernetes::StatefulSet>,
    /// Desired brokers that stand.
    standing: Vec<&'a Broker>,
}

impl ChangeNameServers {
    fn leaving<'a>(&'a self, sets: &'a [kubernetes::StatefulSet]) -> Leaving<'a> {
        let name_server_set = self.desired.name_server_set();
        let servers = sets
            .iter()
            .filter(|set| set.name == name_server_set)
            .flat_map(|set| (0..set.replicas).map(move |ordinal| format!("{}-{ordinal}", set.name)))
            .filter(|pod| !self.desired.own_name_servers.contains(pod))
            .map(|pod| self.desired.own_address(&pod))
            .collect();
        let desired: BTreeSet<&str> = self
            .desired
            .brokers
            .iter()
            .map(Broker::stateful_set)
            .collect();
        let standing: BTreeSet<&str> = sets.iter().map(|set| set.name.as_str()).collect();
        Leaving {
            servers,
            brokers: sets
                .iter()
                .filter(|set| set.name != name_server_set && !desired.contains(set.name.as_str()))
                .collect(),
            standing: self
                .desired
                .brokers
                .iter()
                .filter(|broker| standing.contains(broker.stateful_set()))
                .collect(),
        }
    }

    /// Whether Helm's next step changes what brokers have to use.
    fn changes(&self, view: View<'_>, leaving: &Leaving<'_>) -> bool {
        let read = view
            .config_map(&self.desired.broker_config_map())
            .ok()
            .flatten();
        let applied = read.and_then(|map| map.data.get("name-servers"));
        !leaving.servers.is_empty()
            || applied.map(|list| list.trim()) != Some(self.desired.list().as_str())
    }

    fn queries_before(&self, view: View<'_>) -> Vec<Query> {
        let Ok(sets) = view.stateful_sets(&self.desired.full_name) else {
            return Vec::new();
        };
        let leaving = self.leaving(sets);
        if sets.is_empty() || !self.changes(view, &leaving) {
            return Vec::new();
        }
        let servers: BTreeSet<&String> = self
            .desired
            .name_servers
            .iter()
            .chain(&leaving.servers)
            .collect();
        let mut wanted: Vec<Query> = leaving
            .standing
            .iter()
            .map(|broker| Query::rocketmq(&broker.address, Request::BrokerConfiguration))
            .collect();
        for server in servers {
            wanted.push(Query::rocketmq(server, Request::ClusterInfo));
            wanted.extend(steps::key_values::queries(
                server,
                &self.desired.key_value_namespaces,
            ));
        }
        wanted.extend(survey::naming_queries(&self.desired, view));
        wanted
    }

    fn plan_before(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let (sets, pods) = match view.sets_and_pods(&self.desired.full_name) {
            Ok(found) => found,
            Err(unanswered) => return survey::unanswering(&unanswered.object, &unanswered.why),
        };
        if sets.is_empty() {
            return survey::nothing_stands();
        }
        let leaving = self.leaving(sets);
        let configuration = match view.config_map(&self.desired.broker_config_map()) {
            Ok(configuration) => configuration,
            Err(unanswered) => return survey::unanswering(&unanswered.object, &unanswered.why),
        };
        if let Some(problem) = fixed::changed(&self.desired, sets, configuration)
            .or_else(|| fixed::encrypted_together(&self.desired, sets, pods))
        {
            return Planning::Refused(problem);
        }
        if !self.changes(view, &leaving) {
            return Planning::Nothing {
                why: "the name server list stays as it is".to_owned(),
            };
        }
        // What already answers of the desired list is what brokers can use until Helm has applied it.
        let remaining: Vec<String> = self
            .desired
            .name_servers
            .iter()
            .filter(|server| view.cluster_info(server).is_ok())
            .cloned()
            .collect();
        if !leaving.servers.is_empty()
            && let Some(planning) = self.check_strangers(view, &leaving)
        {
            return planning;
        }
        let settings = match survey::settings_of(&self.desired, &leaving.standing, view) {
            Ok(settings) => settings,
            Err(planning) => return *planning,
        };
        if settings.is_empty() {
            return Planning::Nothing {
                why: "no brokers of this release stand".to_owned(),
            };
        }
        if let Some(planning) = self
            .check_lists(view, &settings)
            .or_else(|| self.check_restarts(view, &settings, sets))
        {
            return planning;
        }
        if leaving.servers.is_empty() {
            return Planning::Nothing {
                why: format!(
                    "{} brokers answer and can take the new list; no name server leaves",
                    settings.len()
                ),
            };
        }
        if remaining.is_empty() {
            let why = format!(
                "none of the desired name servers answers yet: `{}`",
                self.desired.list()
            );
            return Planning::Wait {
                why: why.clone(),
                otherwise: in_two_upgrades("nameServers", why),
            };
        }
        self.plan_leaving(view, &leaving, &settings, remaining)
    }

    /// Refuses while brokers of others are registered at a name server that leaves.
    fn check_strangers(
        &self,
        view: View<'_>,
        leaving: &Leaving<'_>,
    ) -> Option<Planning<RocketmqStep>> {
        let going = leaving.brokers.iter();
        let going = going.filter_map(|set| self.desired.standing_broker(set));
        let own: BTreeSet<String> = self
            .desired
            .brokers
            .iter()
            .cloned()
            .chain(going)
            .map(|broker| broker.name)
            .collect();
        for server in &leaving.servers {
            let Ok(info) = view.cluster_info(server) else {
                continue;
            };
            let strangers: Vec<&str> = info
                .brokers
                .keys()
                .map(String::as_str)
                .filter(|name| !own.contains(*name))
                .collect();
            if !strangers.is_empty() {
                let names = strangers.join(", ");
                return Some(Planning::Wait {
                    why: format!("{server} lists brokers of other releases: {names}"),
                    otherwise: Problem {
                        object: format!("name server {server}"),
                        why: format!("brokers of other releases are registered there: {names}"),
                        remedy: "upgrade those releases first, with a list that lacks this name \
                                 server"
                            .to_owned(),
                    },
                });
            }
        }
        None
    }

    /// Refuses a list that has no name server in common with the one that a broker uses, and
    /// key-value configuration of which nobody could say what new name servers shall get.
    fn check_lists(
        &self,
        view: View<'_>,
        settings: &[(&Broker, BrokerSettings<'_>)],
    ) -> Option<Planning<RocketmqStep>> {
        let list = self.desired.list();
        let wanted = list_of(&list);
        for (broker, found) in settings {
            let used = list_of(found.name_servers());
            if !used.is_empty() && used.is_disjoint(&wanted) {
                return Some(Planning::Refused(in_two_upgrades(
                    &format!("broker {}", broker.pod),
                    format!(
                        "it uses the name servers `{}`, and none of them is among the desired ones: \
                         `{list}`",
                        found.name_servers()
                    ),
                )));
            }
        }
        let (kept, targets) = self.kept_and_new(settings);
        if targets.is_empty() || kept.is_empty() {
            return None;
        }
        self.desired
            .key_value_namespaces
            .iter()
            .find_map(
                |namespace| match steps::key_values::agreed(&kept, namespace, view) {
                    Ok(Err(problem)) => Some(Planning::Refused(problem)),
                    Ok(Ok(_)) => None,
                    Err(unanswered) => {
                        Some(survey::unanswering(&unanswered.object, &unanswered.why))
                    }
                },
            )
    }

    /// The desired name servers that every broker uses already, and those that none uses.
    fn kept_and_new(
        &self,
        settings: &[(&Broker, BrokerSettings<'_>)],
    ) -> (Vec<String>, Vec<String>) {
        let used: Vec<BTreeSet<&str>> = settings
            .iter()
            .map(|(_, found)| list_of(found.name_servers()))
            .collect();
        let servers = &self.desired.name_servers;
        let all = |server: &&String| used.iter().all(|list| list.contains(server.as_str()));
        let none = |server: &&String| !used.iter().any(|list| list.contains(server.as_str()));
        (
            servers.iter().filter(all).cloned().collect(),
            servers.iter().filter(none).cloned().collect(),
        )
    }

    /// The step that gives new name servers the key-value configuration.
    fn copying(&self, sources: Vec<String>, targets: Vec<String>) -> RocketmqStep {
        let own: BTreeSet<String> = self
            .desired
            .own_name_servers
            .iter()
            .map(|pod| self.desired.own_address(pod))
            .collect();
        let (targets, foreign_targets) =
            targets.into_iter().partition(|server| own.contains(server));
        RocketmqStep::KeyValuesCopied {
            namespaces: self.desired.key_value_namespaces.clone(),
            sources,
            targets,
            foreign_targets,
        }
    }

    /// Refuses what a restart would need and must not do, and waits while a broker that is closed or
    /// stops leaves clients fewer to turn to.
    fn check_restarts(
        &self,
        view: View<'_>,
        settings: &[(&Broker, BrokerSettings<'_>)],
        sets: &[kubernetes::StatefulSet],
    ) -> Option<Planning<RocketmqStep>> {
        let desired: BTreeSet<&str> = self
            .desired
            .name_servers
            .iter()
            .map(String::as_str)
            .collect();
        let restarting: Vec<_> = settings
            .iter()
            .filter(|(_, found)| {
                found.version.reloads_name_servers() == Some(false)
                    && list_of(found.name_servers()) != desired
            })
            .collect();
        for (broker, found) in &restarting {
            if !self.desired.allow_restart {
                return Some(Planning::Refused(Problem {
                    object: format!("broker {}", broker.pod),
                    why: format!(
                        "RocketMQ {} reads its name server list only when it starts, and \
                         `brokers.allowRestart` is false",
                        found.version
                    ),
                    remedy: "set `brokers.allowRestart: true` to have brokers restarted one at a \
                             time, or move to 4.9.4 or newer"
                        .to_owned(),
                }));
            }
            let set = broker.stateful_set();
            if sets
                .iter()
                .any(|found| found.name == set && found.data == DataVolume::EmptyDir)
            {
                return Some(Planning::Refused(Problem {
                    object: format!("broker {}", broker.pod),
                    why: format!(
                        "RocketMQ {} has to be restarted for a new name server list, and with \
                         `brokers.storage.mode: EmptyDir` its messages would go with its pod",
                        found.version
                    ),
                    remedy: "keep the name servers as they are, or move the messages to a release \
                             with `brokers.storage.mode: StorageClass`"
                        .to_owned(),
                }));
            }
        }
        if restarting.is_empty() {
            None
        } else {
            survey::check_all_open(&self.desired, view, settings)
        }
    }

    /// The steps that let brokers leave the name servers that Helm will remove.
    fn plan_leaving(
        &self,
        view: View<'_>,
        leaving: &Leaving<'_>,
        settings: &[(&Broker, BrokerSettings<'_>)],
        remaining: Vec<String>,
    ) -> Planning<RocketmqStep> {
        let list = remaining.join(";");
        let (online, restarted): (Vec<_>, Vec<_>) = settings
            .iter()
            .partition(|(_, found)| found.version.reloads_name_servers() == Some(true));
        // Brokers that need a restart keep both kinds of servers until Helm has removed the old
        // ones; so they must be known to one that stays.
        for (broker, _) in &restarted {
            let known = remaining.iter().any(|server| {
                view.cluster_info(server)
                    .is_ok_and(|info| broker.is_registered(info))
            });
            if !known {
                let why = format!("it is not registered at any name server that stays: `{list}`");
                let object = format!("broker {}", broker.pod);
                return Planning::Wait {
                    why: format!("{object}: {why}"),
                    otherwise: in_two_upgrades(&object, why),
                };
            }
        }
        let told: Vec<ToldBroker> = online
            .iter()
            .filter(|(_, found)| found.name_servers() != list)
            .map(|(broker, found)| ToldBroker {
                broker: (*broker).clone(),
                previous: found.name_servers().to_owned(),
            })
            .collect();
        if told.is_empty() {
            return Planning::Nothing {
                why: "no broker uses the name servers that leave".to_owned(),
            };
        }
        let brokers: Vec<Broker> = told.iter().map(|told| told.broker.clone()).collect();
        let seconds = online
            .iter()
            .map(|(_, found)| found.reload_seconds())
            .max()
            .unwrap_or(120)
            + RELOAD_MARGIN_SECONDS;
        let mut steps = Vec::new();
        let targets = self.servers_without_brokers(view, &remaining);
        if !targets.is_empty() {
            steps.push(self.copying(leaving.servers.clone(), targets));
        }
        let scene = Scene {
            brokers: brokers.clone(),
            name_servers: remaining,
            ..Scene::of(&self.desired, Vec::new())
        };
        steps.push(RocketmqStep::BrokersTold {
            list: list.clone(),
            brokers: told,
        });
        steps.push(RocketmqStep::BrokersRegistered { scene });
        steps.push(RocketmqStep::BrokersReleased {
            list,
            brokers,
            seconds,
        });
        Planning::Steps(steps)
    }

    /// Those of the servers that know no broker of this release: the new ones.
    fn servers_without_brokers(&self, view: View<'_>, servers: &[String]) -> Vec<String> {
        servers
            .iter()
            .filter(|server| {
                view.cluster_info(server).is_ok_and(|info| {
                    !self
                        .desired
                        .brokers
                        .iter()
                        .any(|broker| broker.is_registered(info))
                })
            })
            .cloned()
            .collect()
    }

    fn queries_after(&self, view: View<'_>) -> Vec<Query> {
        let Ok(_) = view.stateful_sets(&self.desired.full_name) else {
            return Vec::new();
        };
        let scene = Scene::of(&self.desired, Vec::new()).as_seen(view);
        let mut wanted = steps::registration::queries(&scene);
        wanted.extend(
            self.desired
                .brokers
                .iter()
                .map(|broker| Query::rocketmq(&broker.address, Request::BrokerConfiguration)),
        );
        wanted.extend(self.desired.name_servers.iter().flat_map(|server| {
            steps::key_values::queries(server, &self.desired.key_value_namespaces)
        }));
        wanted.extend(survey::naming_queries(&self.desired, view));
        wanted
    }

    fn plan_after(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let pods = match view.sets_and_pods(&self.desired.full_name) {
            Ok((_, pods)) => pods,
            Err(unanswered) => return survey::unanswering(&unanswered.object, &unanswered.why),
        };
        if let Some(planning) = self.check_name_servers(view, pods) {
            return planning;
        }
        if self.desired.brokers.is_empty() {
            return Planning::Nothing {
                why: format!("{} name servers serve", self.desired.name_servers.len()),
            };
        }
        let brokers: Vec<&Broker> = self.desired.brokers.iter().collect();
        let settings = match survey::settings_of(&self.desired, &brokers, view) {
            Ok(settings) => settings,
            Err(planning) => return *planning,
        };
        if let Some(planning) = self.check_config_map(view) {
            return planning;
        }
        self.plan_telling(view, &settings)
    }

    /// Waits until every desired name server answers and every other own one is gone.
    fn check_name_servers(
        &self,
        view: View<'_>,
        pods: &[kubernetes::Pod],
    ) -> Option<Planning<RocketmqStep>> {
        let mut missing = Vec::new();
        for server in &self.desired.name_servers {
            if let Err(unanswered) = view.cluster_info(server) {
                let pod = server.split('.').next().unwrap_or(server);
                let told = if self.desired.own_name_servers.iter().any(|own| own == pod) {
                    view.describe_pod(&self.desired.full_name, pod)
                } else {
                    server.clone()
                };
                missing.push(format!("{told}: {}", unanswered.why));
            }
        }
        let leaving: Vec<&str> = pods
            .iter()
            .filter(|pod| {
                pod.labels
                    .get("midships/component")
                    .is_some_and(|name| name == "name-server")
                    && !self.desired.own_name_servers.contains(&pod.name)
            })
            .map(|pod| pod.name.as_str())
            .collect();
        if missing.is_empty() && leaving.is_empty() {
            return None;
        }
        let mut why = Vec::new();
        if !missing.is_empty() {
            why.push(format!(
                "name servers do not answer: {}",
                missing.join("; ")
            ));
        }
        if !leaving.is_empty() {
            why.push(format!("name servers still stop: {}", leaving.join(", ")));
        }
        let why = why.join("; ");
        Some(Planning::Wait {
            why: why.clone(),
            otherwise: Problem {
                object: "nameServers".to_owned(),
                why,
                remedy: "look at these pods (kubectl describe pod), then run the upgrade again; \
                         brokers go on with the list that they have"
                    .to_owned(),
            },
        })
    }

    /// Refuses when brokers would read another list at their next start than the desired one.
    fn check_config_map(&self, view: View<'_>) -> Option<Planning<RocketmqStep>> {
        let name = self.desired.broker_config_map();
        let found = match view.config_map(&name) {
            Ok(found) => found.and_then(|map| map.data.get("name-servers")),
            Err(unanswered) => {
                return Some(survey::unanswering(&unanswered.object, &unanswered.why));
            }
        };
        if found.map(|list| list.trim()) == Some(self.desired.list().as_str()) {
            return None;
        }
        Some(Planning::Refused(Problem {
            object: format!("ConfigMap {name}, key `name-servers`"),
            why: format!(
                "brokers would read `{}` at their next start, and `{}` is desired",
                found.map_or("nothing", |list| list.trim()),
                self.desired.list()
            ),
            remedy: "run `helm upgrade` again with the values that are wanted; nothing but Helm \
                     may change this object"
                .to_owned(),
        }))
    }

    fn plan_telling(
        &self,
        view: View<'_>,
        settings: &[(&Broker, BrokerSettings<'_>)],
    ) -> Planning<RocketmqStep> {
        let list = self.desired.list();
        let wanted = list_of(&list);
        let mut told = Vec::new();
        let mut restarted = Vec::new();
        for (broker, found) in settings {
            let online = found.version.reloads_name_servers() == Some(true);
            if online && found.name_servers() != list {
                told.push(ToldBroker {
                    broker: (*broker).clone(),
                    previous: found.name_servers().to_owned(),
                });
            } else if !online && list_of(found.name_servers()) != wanted {
                restarted.push(*broker);
            }
        }
        let (kept, targets) = self.kept_and_new(settings);
        let scene = Scene::of(&self.desired, kept.clone());
        if told.is_empty() && restarted.is_empty() {
            return Self::plan_nothing(view, &scene);
        }
        let sets = view
            .stateful_sets(&self.desired.full_name)
            .unwrap_or_default();
        if let Some(planning) = self
            .check_lists(view, settings)
            .or_else(|| self.check_restarts(view, settings, sets))
        {
            return planning;
        }
        let mut steps = Vec::new();
        if !targets.is_empty() && !kept.is_empty() {
            steps.push(self.copying(kept, targets));
        }
        if !told.is_empty() {
            steps.push(RocketmqStep::BrokersTold {
                list,
                brokers: told,
            });
        }
        // Replicas first: their masters go on serving.
        restarted.sort_by_key(|broker| (broker.is_master(), broker.pod.clone()));
        for broker in restarted {
            steps.push(RocketmqStep::BrokerRestarted {
                scene: scene.clone(),
                pod: broker.pod.clone(),
                reason: Reason::NameServers,
            });
        }
        steps.push(RocketmqStep::BrokersRegistered { scene });
        Planning::Steps(steps)
    }

    /// Nothing has to be told; all that may be missing is time.
    fn plan_nothing(view: View<'_>, scene: &Scene) -> Planning<RocketmqStep> {
        let scene = scene.as_seen(view);
        let (missing, done, total) = steps::registration::missing(&scene, view);
        if missing.is_empty() {
            return Planning::Nothing {
                why: format!(
                    "{} brokers are registered at {} name servers",
                    scene.brokers.len(),
                    scene.name_servers.len()
                ),
            };
        }
        let why = format!("{done} of {total} registrations: {}", missing.join("; "));
        Planning::Wait {
            why: why.clone(),
            otherwise: Problem {
                object: "brokers".to_owned(),
                why,
                remedy: "look at the logs of these brokers: they cannot reach the name servers \
                         named here"
                    .to_owned(),
            },
        }
    }
}

fn in_two_upgrades(object: &str, why: String) -> Problem {
    Problem {
        object: object.to_owned(),
        why,
        remedy: "change it in two upgrades: add the new name servers first, then remove the old \
                 ones"
            .to_owned(),
    }
}
