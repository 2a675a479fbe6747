//! `remove_brokers`: groups of brokers leave when everybody has what was written there, and masters that stay take messages.
//!
//! The invariant that it keeps: no broker leaves that has a message which a subscription group, or the broker itself, has not
//! delivered yet, and no topic is without a master that takes its messages.
//!
//! Before Helm applies anything, the masters of groups that leave are closed for writing, under a mark; clients turn to other
//! groups; consumers get what is left. A wait that outlasts its budget is taken back: the masters take messages again, and
//! the StatefulSets are as they were. The masters stay closed until Helm has deleted them. If the upgrade fails after that
//! and older values come back, the *after* run opens what has the mark and shall stay.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use midships_client_kubernetes::{self as kubernetes, StatefulSet};
use midships_client_rocketmq::Request;
use midships_engine::step::{Limits, Operation, Planning, Problem, Seen, Unanswered};
use midships_model::rocketmq::ORDER_CONFIGURATION;

use crate::desired::{Broker, Desired, Phase};
use crate::lag;
use crate::metadata::{LEAVING_MARK, is_dead_letters};
use crate::steps::addition::{order_queries, user_topics};
use crate::steps::{Removal, RemovalPart, RocketmqStep, ShortenedEntry};
use crate::survey::{self, unanswering};
use crate::view::View;
use crate::vocabulary::{Answer, Query};

/// How many topics a refusal names.
const NAMED: usize = 5;

/// What is between the parts of an entry of the order configuration.
const PLACES: char = ';';

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
        let sets = view.stateful_sets(&self.desired.full_name);
        let name_servers = self.desired.name_server_set();
        let brokers = &self.desired.brokers;
        let is_desired = |set: &StatefulSet| {
            brokers
                .iter()
                .any(|broker| broker.stateful_set() == set.name)
        };
        sets.unwrap_or_default()
            .iter()
            .filter(|set| set.name != name_servers && !is_desired(set))
            .collect()
    }

    /// The masters of the groups that leave.
    fn leaving_masters(&self, view: View<'_>) -> Vec<Broker> {
        let leaving = self.leaving(view).into_iter();
        leaving
            .filter_map(|set| self.desired.standing_broker(set))
            .filter(Broker::is_master)
            .collect()
    }

    fn staying_masters(&self, view: View<'_>) -> Vec<&Broker> {
        let sets = view
            .stateful_sets(&self.desired.full_name)
            .unwrap_or_default();
        let stands = |broker: &&Broker| sets.iter().any(|set| set.name == broker.stateful_set());
        let brokers = self.desired.brokers.iter();
        brokers
            .filter(|broker| broker.is_master())
            .filter(stands)
            .collect()
    }

    fn plan_before(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let sets = match view.stateful_sets(&self.desired.full_name) {
            Ok(sets) => sets,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        if sets.is_empty() {
            return Planning::Absent {
                why: "nothing of this release stands yet".to_owned(),
            };
        }
        let leaving = self.leaving(view);
        if leaving.is_empty() {
            return Planning::Nothing {
                why: "no broker leaves".to_owned(),
            };
        }
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
        if masters.is_empty() {
            let number = leaving.len();
            return Planning::Nothing {
                why: format!("{number} replicas leave, and every master answers"),
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

    fn plan_removal(
        &self,
        masters: &[Broker],
        staying: &[&Broker],
        view: View<'_>,
    ) -> Result<Planning<RocketmqStep>, Unanswered> {
        for master in masters {
            let problem = match only_there(master, staying, view)? {
                Some(problem) => Some(problem),
                None if self.desired.discard_dead_letters => None,
                None => dead_letters(master, view)?,
            };
            if let Some(problem) = problem {
                return Ok(Planning::Refused(problem));
            }
        }
        let entries = match self.entries(masters, view)? {
            Ok(entries) => entries,
            Err(problem) => return Ok(Planning::Refused(problem)),
        };
        let removal = Removal {
            masters: masters.to_vec(),
            name_servers: self.desired.name_servers.clone(),
            entries,
            route_refresh_seconds: self.desired.route_refresh_seconds,
            drain_seconds: self.desired.drain_seconds,
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

    /// The entries of the order configuration that name a group that leaves, or why they must not be changed.
    fn entries(
        &self,
        masters: &[Broker],
        view: View<'_>,
    ) -> Result<Result<BTreeMap<String, ShortenedEntry>, Problem>, Unanswered> {
        let leaving: BTreeSet<&str> = masters.iter().map(|master| master.name.as_str()).collect();
        let leaves = |place: &str| leaving.contains(place.split(':').next().unwrap_or(place));
        let agreed = crate::steps::key_values::agreed(
            &self.desired.name_servers,
            ORDER_CONFIGURATION,
            view,
        )?;
        let agreed = match agreed {
            Ok(agreed) => agreed,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut entries = BTreeMap::new();
        for (topic, previous) in agreed {
            let wanted: Vec<&str> = previous
                .split(PLACES)
                .filter(|place| !leaves(place))
                .collect();
            let wanted = wanted.join(&PLACES.to_string());
            if wanted == previous {
                continue;
            }
            let why = if wanted.trim_matches(PLACES).is_empty() {
                "its order configuration names no group that stays"
            } else if self.desired.spread_ordered {
                entries.insert(topic, ShortenedEntry { previous, wanted });
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
        for master in self
            .desired
            .brokers
            .iter()
            .filter(|broker| broker.is_master())
        {
            match view.subscription_groups(&master.address) {
                Ok(groups) if groups.contains_key(LEAVING_MARK) => marked.push(master.clone()),
                Ok(_) => {}
                Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
            }
        }
        if marked.is_empty() {
            return Planning::Nothing {
                why: "no master that stays was to leave".to_owned(),
            };
        }
        Planning::Steps(vec![RocketmqStep::MastersOpened { masters: marked }])
    }
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
        let seconds = match self.phase {
            Phase::Before => Limits::default().seconds,
            Phase::After => self.desired.patience_seconds,
        };
        Limits {
            seconds,
            rounds: 6,
            ..Limits::default()
        }
    }

    fn observe(&self, seen: &Seen<Query, Answer>) -> Vec<Query> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let ask = |broker: &Broker, request| Query::rocketmq(&broker.address, request);
        let brokers = self.desired.brokers.iter();
        if self.phase == Phase::After {
            let masters = brokers.filter(|broker| broker.is_master());
            return view.unasked(
                masters
                    .map(|master| ask(master, Request::SubscriptionGroups))
                    .collect(),
            );
        }
        let mut wanted = vec![
            Query::Kubernetes(kubernetes::Query::StatefulSets {
                cluster: cluster.clone(),
            }),
            Query::Kubernetes(kubernetes::Query::Pods {
                cluster: cluster.clone(),
            }),
        ];
        if self.leaving(view).is_empty() {
            return view.unasked(wanted);
        }
        let leaving = self.leaving_masters(view);
        let staying = self.staying_masters(view);
        for master in leaving.iter().chain(staying.iter().copied()) {
            wanted.push(ask(master, Request::BrokerConfiguration));
            if !leaving.is_empty() {
                wanted.push(ask(master, Request::TopicConfigurations));
            }
        }
        wanted.extend(survey::naming_queries(&self.desired, view));
        if !leaving.is_empty() {
            wanted.extend(order_queries(&self.desired.name_servers));
        }
        for master in &leaving {
            wanted.push(ask(master, Request::RuntimeInformation));
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
