//! `remove_brokers`: groups of brokers leave when everybody has what was written there, and masters that stay take messages.
//!
//! The invariant that it keeps: no broker leaves that has a message which a subscription group, or the broker itself, has not
//! delivered yet, and no topic is without a master that takes its messages.
//!
//! Before Helm applies anything, the masters of groups that leave are closed for writing, under a mark; clients turn to other
//! groups; consumers get what is left; a second mark says so. A wait that outlasts its budget is taken back: the masters take
//! messages again, and the StatefulSets are as they were. The masters stay closed until Helm has deleted them. If the upgrade
//! fails after that and older values come back, what has the mark and shall stay is opened, by whichever phase comes first.
//!
//! Replicas that leave have nothing that their master lacks; whether that is so, the ends of both commit logs say.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use midships_client_kubernetes::StatefulSet;
use midships_client_rocketmq::Request;
use midships_engine::step::{Limits, Operation, Planning, Problem, Seen, Unanswered};
use midships_model::rocketmq::{ORDER_CONFIGURATION, OrderedTopics};

use crate::desired::{Broker, Desired, Phase, without_one_master};
use crate::lag;
use crate::metadata::{DRAINED_MARK, LEAVING_MARK, is_compacted, is_dead_letters, static_topics};
use crate::steps::addition::{order_queries, user_topics};
use crate::steps::key_values::disagreement;
use crate::steps::{Removal, RemovalPart, RocketmqStep, Scene, ShortenedEntry};
use crate::survey::{self, unanswering};
use crate::view::{View, ask_pods, ask_stateful_sets, list_of};
use crate::vocabulary::{Answer, Query};

/// How many topics a refusal names.
const NAMED: usize = 5;

/// What is between the parts of an entry of the order configuration.
const PLACES: char = ';';

/// The label of a pod that says what it is, and what it says of a broker.
const COMPONENT_LABEL: &str = "midships/component";
const BROKER_COMPONENT: &str = "broker";

/// The operation, for one release and one phase.
#[derive(Clone, Debug)]
pub struct RemoveBrokers {
    desired: Desired,
    phase: Phase,
}

impl RemoveBrokers {
    /// Lets brokers leave that a release has no longer.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// The StatefulSets of brokers that the desired release has no longer.
    fn leaving<'a>(&self, view: View<'a>) -> Vec<&'a StatefulSet> {
        let kept = [
            self.desired.name_server_set(),
            self.desired.controller_set(),
        ];
        let sets = view.stateful_sets(&self.desired.full_name);
        sets.unwrap_or_default()
            .iter()
            .filter(|set| !kept.contains(&set.name) && !self.desired.has_broker_set(&set.name))
            .collect()
    }

    fn leaving_brokers(&self, view: View<'_>) -> Vec<Broker> {
        let leaving = self.leaving(view).into_iter();
        leaving
            .filter_map(|set| self.desired.standing_broker(set))
            .collect()
    }

    /// The masters of the groups that leave.
    fn leaving_masters(&self, view: View<'_>) -> Vec<Broker> {
        let mut leaving = self.leaving_brokers(view);
        leaving.retain(|broker| broker.is_master() && !self.keeps_group(&broker.name));
        leaving
    }

    /// Whether the desired release has a group.
    fn keeps_group(&self, name: &str) -> bool {
        self.desired
            .brokers
            .iter()
            .any(|broker| broker.name == name)
    }

    /// The elected masters that leave while their group stays, which others have to take over.
    fn leaving_elected(&self, view: View<'_>) -> Vec<Broker> {
        let mut leaving = self.leaving_brokers(view);
        leaving.retain(|broker| broker.is_master() && self.keeps_group(&broker.name));
        leaving
    }

    /// A group of which a broker leaves, or one that would take over, that has no master now: nobody could say what it has.
    fn without_master(&self, view: View<'_>) -> Option<String> {
        let leaving = self.leaving_brokers(view);
        if leaving.is_empty() || !self.desired.is_elected() {
            return None;
        }
        let sets = view
            .stateful_sets(&self.desired.full_name)
            .unwrap_or_default();
        let staying = self.desired.brokers.iter();
        let staying =
            staying.filter(|broker| sets.iter().any(|set| set.name == broker.stateful_set()));
        without_one_master(&staying.chain(&leaving)).map(str::to_owned)
    }

    /// The steps by which others take over from masters that leave groups which stay.
    fn handing_over(&self, view: View<'_>) -> Result<Vec<RocketmqStep>, Unanswered> {
        let leaving = self.leaving_brokers(view);
        let sets = view.stateful_sets(&self.desired.full_name)?;
        // What the release shall have may not stand yet, and what leaves stands still.
        let mut scene = Scene::of(&self.desired, Vec::new());
        scene
            .brokers
            .retain(|broker| sets.iter().any(|set| set.name == broker.stateful_set()));
        let used = used_name_servers(&scene.brokers, view)?;
        scene.leaving = leaving.iter().map(|broker| broker.pod.clone()).collect();
        scene.name_servers.clone_from(&used);
        scene.kept_name_servers = used;
        scene.brokers.extend(
            leaving
                .into_iter()
                .map(|broker| Broker { id: None, ..broker }),
        );
        let elected = self.leaving_elected(view).into_iter();
        let steps = elected.map(|broker| RocketmqStep::MasterHandedOver {
            scene: scene.clone(),
            pod: broker.pod,
        });
        Ok(steps.collect())
    }

    /// The replicas that leave while their master stays, each with it.
    fn leaving_replicas<'a>(&'a self, view: View<'_>) -> Vec<(Broker, &'a Broker)> {
        let masters = self.staying_masters(view);
        let leaving = self.leaving_brokers(view).into_iter();
        leaving
            .filter_map(|replica| {
                let master = masters.iter().find(|master| master.name == replica.name)?;
                Some((replica, *master))
            })
            .collect()
    }

    /// A pod of a broker that leaves which no StatefulSet owns, so that Helm would not delete it: its StatefulSet was deleted
    /// to be made anew, and the upgrade that would have done so has failed.
    fn orphan(&self, sets: &[StatefulSet], view: View<'_>) -> Option<String> {
        let pods = view.pods(&self.desired.full_name).unwrap_or_default();
        let orphan = pods.iter().find(|pod| {
            let set = pod.name.strip_suffix("-0").unwrap_or(&pod.name);
            let component = pod.labels.get(COMPONENT_LABEL).map(String::as_str);
            component == Some(BROKER_COMPONENT)
                && !pod.terminating
                && !self.desired.has_broker_set(set)
                && !sets.iter().any(|other| other.name == set)
        });
        orphan.map(|pod| pod.name.clone())
    }

    /// The masters that stand and stay.
    fn staying_masters(&self, view: View<'_>) -> Vec<&Broker> {
        let sets = view
            .stateful_sets(&self.desired.full_name)
            .unwrap_or_default();
        let stands = |broker: &&Broker| sets.iter().any(|set| set.name == broker.stateful_set());
        self.desired.masters().filter(stands).collect()
    }

    fn plan_before(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let sets = match view.stateful_sets(&self.desired.full_name) {
            Ok(sets) => sets,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        if sets.is_empty() {
            return survey::nothing_stands();
        }
        if let Some(pod) = self.orphan(sets, view) {
            let why = "the new values have no such broker, and no StatefulSet owns its pod, so that Helm would leave it";
            return Planning::Wait {
                why: format!("pod {pod}: {why}"),
                otherwise: Problem {
                    object: format!("pod {pod}"),
                    why: why.to_owned(),
                    remedy: "run the upgrade with the groups and replicas that it had before, which makes its StatefulSet \
                             anew, then take brokers away with another one"
                        .to_owned(),
                },
            };
        }
        let leaving = self.leaving(view);
        if leaving.is_empty() {
            let staying = self.staying_masters(view);
            return opening(staying.into_iter().filter_map(|master| {
                let groups = view.subscription_groups(&master.address).ok()?;
                groups.contains_key(LEAVING_MARK).then(|| master.clone())
            }));
        }
        if let Some(group) = self.without_master(view) {
            let why = "it has no master, or more than one, while brokers are to leave";
            return Planning::Wait {
                why: format!("group {group}: {why}"),
                otherwise: Problem {
                    object: format!("group {group}"),
                    why: why.to_owned(),
                    remedy: "bring its brokers back, then run the upgrade again".to_owned(),
                },
            };
        }
        if !self.leaving_elected(view).is_empty() {
            return self.plan_handing_over(view);
        }
        self.plan_leaving(&leaving, view)
    }

    /// Masters leave groups that stay: nothing but replicas may leave at the same time.
    fn plan_handing_over(&self, view: View<'_>) -> Planning<RocketmqStep> {
        if let Some(master) = self.leaving_masters(view).first() {
            return Planning::Refused(Problem {
                object: "brokers.groups".to_owned(),
                why: format!(
                    "group {} would leave, and with `brokers.replicasPerGroup` the master of another group at the same time",
                    master.name
                ),
                remedy: "change `brokers.replicasPerGroup` and `brokers.groups` in two upgrades"
                    .to_owned(),
            });
        }
        match self.handing_over(view) {
            Ok(steps) => Planning::Steps(steps),
            Err(unanswered) => unanswering(&unanswered.object, &unanswered.why),
        }
    }

    fn plan_leaving(&self, leaving: &[&StatefulSet], view: View<'_>) -> Planning<RocketmqStep> {
        let staying = self.staying_masters(view);
        if staying.is_empty() {
            return Planning::Refused(Problem {
                object: "brokers".to_owned(),
                why: "no group that stands now would stay, so nobody could take over its topics"
                    .to_owned(),
                remedy: "keep at least one of the groups that stand".to_owned(),
            });
        }
        let is_unknown = |set: &&&StatefulSet| self.desired.standing_broker(set).is_none();
        if let Some(set) = leaving.iter().find(is_unknown) {
            return Planning::Refused(Problem {
                object: format!("StatefulSet {}", set.name),
                why: "the new values have no such broker, and neither its name nor its variables say which one it is"
                    .to_owned(),
                remedy: "look at what has made it; the chart's own are named after group and role".to_owned(),
            });
        }
        let masters = self.leaving_masters(view);
        let asked: Vec<&Broker> = masters.iter().chain(staying.iter().copied()).collect();
        let settings = match survey::settings_of(&self.desired, &asked, view) {
            Ok(settings) => settings,
            Err(planning) => return *planning,
        };
        if let Some(planning) = self.check_replicas(view) {
            return planning;
        }
        if masters.is_empty() {
            let number = leaving.len();
            return Planning::Nothing {
                why: format!("{number} replicas leave, and their masters have all that they have"),
            };
        }
        let staying_settings: Vec<_> = settings
            .into_iter()
            .filter(|(broker, _)| staying.iter().any(|master| master.pod == broker.pod))
            .collect();
        if let Some(planning) = survey::check_all_open(&self.desired, view, &staying_settings) {
            return planning;
        }
        match self.plan_removal(&masters, &staying, view) {
            Ok(planning) => planning,
            Err(unanswered) => unanswering(&unanswered.object, &unanswered.why),
        }
    }

    /// Waits while a replica that leaves has what its master lacks, such as one whose volume was lost. One that does not
    /// answer is not asked again: whoever takes it away may do so because it is broken.
    fn check_replicas(&self, view: View<'_>) -> Option<Planning<RocketmqStep>> {
        for (replica, master) in self.leaving_replicas(view) {
            let Ok(end) = view.log_end(&replica.address) else {
                continue;
            };
            let there = match view.log_end(&master.address) {
                Ok(there) => there,
                Err(unanswered) => return Some(unanswering(&unanswered.object, &unanswered.why)),
            };
            if there < end {
                let why = format!(
                    "its commit log ends at {end}, that of its master {} at {there}: it has messages that the master lacks",
                    master.pod
                );
                return Some(Planning::Wait {
                    why: format!("broker {}: {why}", replica.pod),
                    otherwise: Problem {
                        object: format!("broker {}", replica.pod),
                        why,
                        remedy: "keep this replica, and find out why its master has lost messages"
                            .to_owned(),
                    },
                });
            }
        }
        None
    }

    fn plan_removal(
        &self,
        masters: &[Broker],
        staying: &[&Broker],
        view: View<'_>,
    ) -> Result<Planning<RocketmqStep>, Unanswered> {
        for master in masters {
            if let Some(problem) = self.obstacle(master, staying, view)? {
                return Ok(Planning::Refused(problem));
            }
        }
        let name_servers = used_name_servers(staying.iter().copied(), view)?;
        let entries = match self.entries(masters, &name_servers, view)? {
            Ok(entries) => entries,
            Err(problem) => return Ok(Planning::Refused(problem)),
        };
        if entries.is_empty() && all_drained(masters, view)? {
            return Ok(Planning::Nothing {
                why: format!("{} groups leave, and nothing is left there", masters.len()),
            });
        }
        let mut heirs = self.leaving_brokers(view);
        heirs.retain(|broker| {
            self.desired.is_elected()
                && !broker.is_master()
                && masters.iter().any(|master| master.name == broker.name)
        });
        let removal = Removal {
            masters: masters.to_vec(),
            heirs,
            name_servers,
            entries,
            route_refresh_seconds: self.desired.route_refresh_seconds,
            drain_seconds: self.desired.drain.seconds,
        };
        let mut parts = Vec::new();
        if !removal.entries.is_empty() {
            parts.push(RemovalPart::OrderConfigurationShortened);
        }
        parts.extend([
            RemovalPart::MastersClosed,
            RemovalPart::ClientsTurned,
            RemovalPart::GroupsDrained,
        ]);
        let step = |part| RocketmqStep::GroupsRemoved {
            removal: removal.clone(),
            part,
        };
        Ok(Planning::Steps(parts.into_iter().map(step).collect()))
    }

    /// What forbids that a master leaves, if anything.
    fn obstacle(
        &self,
        master: &Broker,
        staying: &[&Broker],
        view: View<'_>,
    ) -> Result<Option<Problem>, Unanswered> {
        if let Some(problem) = lag::untold(master, view)? {
            return Ok(Some(problem));
        }
        if let Some(problem) = bound(master, view)? {
            return Ok(Some(problem));
        }
        match only_there(master, staying, view)? {
            Some(problem) => Ok(Some(problem)),
            None if self.desired.drain.discard_dead_letters => Ok(None),
            None => dead_letters(master, view),
        }
    }

    /// The entries of the order configuration that name a group that leaves, or why they must not be changed. While they are
    /// being shortened some name servers have them shortened already: they agree if they do so without these groups.
    fn entries(
        &self,
        masters: &[Broker],
        name_servers: &[String],
        view: View<'_>,
    ) -> Result<Result<BTreeMap<String, ShortenedEntry>, Problem>, Unanswered> {
        let leaving: BTreeSet<&str> = masters.iter().map(|master| master.name.as_str()).collect();
        let leaves = |place: &str| leaving.contains(place.split(':').next().unwrap_or(place));
        let mut found: BTreeMap<&str, (&str, ShortenedEntry)> = BTreeMap::new();
        for server in name_servers {
            for (topic, previous) in view.key_values(server, ORDER_CONFIGURATION)? {
                let places = previous.split(PLACES).filter(|place| !leaves(place));
                let wanted = places.collect::<Vec<_>>().join(&PLACES.to_string());
                let entry = ShortenedEntry {
                    previous: previous.clone(),
                    wanted,
                };
                let (first, known) = found
                    .entry(topic)
                    .or_insert_with(|| (server, entry.clone()));
                if known.wanted != entry.wanted {
                    return Ok(Err(disagreement(
                        ORDER_CONFIGURATION,
                        topic,
                        (first, &known.previous),
                        (server, previous),
                    )));
                }
                if known.previous.len() < previous.len() {
                    known.previous = entry.previous;
                }
            }
        }
        let mut entries = BTreeMap::new();
        for (topic, (_, entry)) in found {
            let ShortenedEntry { previous, wanted } = &entry;
            if wanted == previous {
                continue;
            }
            let why = if wanted.trim_matches(PLACES).is_empty() {
                "its order configuration names no group that stays"
            } else if self.desired.ordered_topics == OrderedTopics::Spread {
                entries.insert(topic.to_owned(), entry);
                continue;
            } else {
                "its order configuration names a group that leaves, and messages of one key would go to other queues"
            };
            return Ok(Err(Problem {
                object: format!("topic {topic}"),
                why: format!("{why}: `{previous}`"),
                remedy: "set the order of this topic to groups that stay (mqadmin updateOrderConf) when nobody sends to \
                         it, or set `brokers.orderedTopics: Spread` where the order may break"
                    .to_owned(),
            }));
        }
        Ok(Ok(entries))
    }

    fn plan_after(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let mut marked = Vec::new();
        for master in self.desired.masters() {
            match view.subscription_groups(&master.address) {
                Ok(groups) if groups.contains_key(LEAVING_MARK) => marked.push(master.clone()),
                Ok(_) => {}
                Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
            }
        }
        opening(marked.into_iter())
    }
}

/// What brings masters back that were to leave and stay.
fn opening(marked: impl Iterator<Item = Broker>) -> Planning<RocketmqStep> {
    let masters: Vec<Broker> = marked.collect();
    if masters.is_empty() {
        return Planning::Nothing {
            why: "no broker leaves, and none that stays was to leave".to_owned(),
        };
    }
    Planning::Steps(vec![RocketmqStep::MastersOpened { masters }])
}

/// The name servers that brokers use now. Those that the release shall use may not stand yet.
fn used_name_servers<'b>(
    staying: impl IntoIterator<Item = &'b Broker>,
    view: View<'_>,
) -> Result<Vec<String>, Unanswered> {
    let mut used = BTreeSet::new();
    for master in staying {
        let settings = view.settings(&master.address)?;
        used.extend(
            list_of(settings.name_servers())
                .into_iter()
                .map(str::to_owned),
        );
    }
    Ok(used.into_iter().collect())
}

/// Whether all these masters are closed and known to have nothing left since then.
fn all_drained(masters: &[Broker], view: View<'_>) -> Result<bool, Unanswered> {
    for master in masters {
        if !is_marked(master, view)?
            || view.settings(&master.address)?.is_open()
            || !lag::lag(master, view)?.remainders.is_empty()
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a master has both marks of those that leave and have nothing left.
fn is_marked(master: &Broker, view: View<'_>) -> Result<bool, Unanswered> {
    let groups = view.subscription_groups(&master.address)?;
    Ok(groups.contains_key(LEAVING_MARK) && groups.contains_key(DRAINED_MARK))
}

/// Refuses while topics at this master are bound to it: static ones, whose queues have their places, and those that keep the
/// last message of each key.
fn bound(master: &Broker, view: View<'_>) -> Result<Option<Problem>, Unanswered> {
    let fixed = static_topics(view.topic_table(&master.address)?);
    let refused = |topic: &str, why: &str, remedy: &str| {
        Some(Problem {
            object: format!("topic {topic}"),
            why: format!("{why} {}, which leaves", master.pod),
            remedy: format!("{remedy}, then run the upgrade again"),
        })
    };
    for topic in user_topics(master, view)? {
        if fixed.contains(topic.name.as_str()) {
            return Ok(refused(
                &topic.name,
                "it is static, and some of its queues have their place at",
                "move its queues (mqadmin remappingStaticTopic)",
            ));
        }
        if is_compacted(topic) {
            return Ok(refused(
                &topic.name,
                "it keeps the last message of each key, and some of them are at",
                "send them again to a topic of groups that stay and remove this one",
            ));
        }
    }
    Ok(None)
}

/// Refuses while a topic is written at this master and nowhere else.
fn only_there(
    master: &Broker,
    staying: &[&Broker],
    view: View<'_>,
) -> Result<Option<Problem>, Unanswered> {
    let mut elsewhere = BTreeSet::new();
    for other in staying {
        let topics = view.topic_configurations(&other.address)?.values();
        elsewhere.extend(
            topics
                .filter(|topic| topic.is_written())
                .map(|topic| &topic.name),
        );
    }
    let topics = user_topics(master, view)?;
    let only: Vec<&str> = topics
        .into_iter()
        .filter(|topic| topic.is_written() && !elsewhere.contains(&topic.name))
        .map(|topic| topic.name.as_str())
        // Those of groups that try again or give up are made where they are needed.
        .filter(|name| !name.starts_with('%'))
        .collect();
    Ok((!only.is_empty()).then(|| Problem {
        object: format!("broker {}", master.pod),
        why: format!(
            "{} topics are written only in groups that leave: {}",
            only.len(),
            only.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ")
        ),
        remedy: "make these topics in a group that stays (mqadmin updateTopic -b), or remove them, then run the upgrade \
                 again"
            .to_owned(),
    }))
}

/// Refuses while messages lie at this master that a group has given up.
fn dead_letters(master: &Broker, view: View<'_>) -> Result<Option<Problem>, Unanswered> {
    for topic in user_topics(master, view)? {
        if !is_dead_letters(&topic.name) {
            continue;
        }
        let places = &view.topic_statistics(&master.address, &topic.name)?.queues;
        let count: i64 = places
            .iter()
            .map(|place| place.maximum_offset - place.minimum_offset)
            .sum();
        if count > 0 {
            return Ok(Some(Problem {
                object: format!("topic {}", topic.name),
                why: format!("{count} messages that the group has given up lie at {}, which leaves", master.pod),
                remedy: "take them out, or set `brokers.discardDeadLetters: true` to let them go with the broker"
                    .to_owned(),
            }));
        }
    }
    Ok(None)
}

impl Operation for RemoveBrokers {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        "remove_brokers"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        self.desired.digest.clone()
    }

    fn limits(&self) -> Limits {
        Limits {
            rounds: 6,
            ..survey::limits(&self.desired, self.phase)
        }
    }

    fn observe(&self, seen: &Seen<Query, Answer>) -> Vec<Query> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let ask = |broker: &Broker, request| Query::rocketmq(&broker.address, request);
        if self.phase == Phase::After {
            return view.unasked(
                self.desired
                    .masters()
                    .map(|master| ask(master, Request::SubscriptionGroups))
                    .collect(),
            );
        }
        let mut wanted = vec![ask_stateful_sets(cluster), ask_pods(cluster)];
        let leaving = self.leaving_masters(view);
        let staying = self.staying_masters(view);
        if self.leaving(view).is_empty() {
            wanted.extend(
                staying
                    .into_iter()
                    .map(|master| ask(master, Request::SubscriptionGroups)),
            );
            return view.unasked(wanted);
        }
        for (replica, master) in self.leaving_replicas(view) {
            let query = ask(&replica, Request::RuntimeInformation);
            // The master afterwards, since it goes on.
            if view.is_asked(&query) {
                wanted.push(ask(master, Request::RuntimeInformation));
            }
            wanted.push(query);
        }
        for master in leaving.iter().chain(staying.iter().copied()) {
            wanted.push(ask(master, Request::BrokerConfiguration));
            if !leaving.is_empty() {
                wanted.push(ask(master, Request::TopicConfigurations));
            }
        }
        wanted.extend(survey::naming_queries(&self.desired, view));
        if !leaving.is_empty() {
            let used = used_name_servers(staying.iter().copied(), view).unwrap_or_default();
            wanted.extend(order_queries(&used));
        }
        for master in &leaving {
            wanted.push(ask(master, Request::RuntimeInformation));
            wanted.push(ask(master, Request::SubscriptionGroups));
            if is_marked(master, view).unwrap_or_default() {
                wanted.extend(lag::queries(master, view));
            }
            let topics = user_topics(master, view).unwrap_or_default();
            let letters = topics
                .into_iter()
                .filter(|topic| is_dead_letters(&topic.name));
            wanted.extend(letters.map(|topic| {
                ask(
                    master,
                    Request::TopicStatistics {
                        topic: topic.name.clone(),
                    },
                )
            }));
        }
        view.unasked(wanted)
    }

    fn plan(&self, seen: &Seen<Query, Answer>) -> Planning<RocketmqStep> {
        let view = View::new(seen);
        match self.phase {
            Phase::Before => self.plan_before(view),
            Phase::After => self.plan_after(view),
        }
    }
}
