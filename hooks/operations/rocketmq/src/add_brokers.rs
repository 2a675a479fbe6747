//! `add_brokers`: groups that are new get topics, subscription groups and the order of topics before they take traffic.
//!
//! Before Helm makes them, only one thing is looked at: whether a volume stands that another broker of that name left. Such a
//! volume has old messages, topics and offsets, and a broker comes up with it as if it had never been away.
//!
//! A group is new while its master has no topic and no subscription group that somebody has made and has never stored
//! anything, or while it has the mark of an addition that was left in the middle. All others are never touched: topics may
//! be on some groups only on purpose.
//!
//! The invariant that it keeps: a topic of a new group is written only when every subscription group is there and has an
//! offset of each queue, so that no message is skipped, even by a group that is away. So subscription groups come first,
//! then the topics, closed for writing, then offsets, and in the end the topics are opened. That last step looks at all of it
//! once more and gets what was made meanwhile.
//!
//! Only the mark is taken back, and only before anything was copied. What is copied stays, since messages may lie there as
//! soon as a topic is open; every step finds out what is still missing, so that whoever comes next, with the journal or
//! without it, goes on. Removing the new groups again is another operation.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{ElectedBroker, Request, TopicConfiguration};
use midships_engine::step::{Limits, Operation, Planning, Problem, Seen, Unanswered};
use midships_model::fields::StorageMode;
use midships_model::rocketmq::{KeptVolumes, OrderedTopics};

use crate::desired::{Broker, Desired, Phase};
use crate::metadata::{self, MARK};
use crate::steps::addition::{
    agreed_order, copied_topics, order_queries, user_groups, user_topics, version,
};
use crate::steps::{Addition, AdditionPart, Gone, RocketmqStep, Scene};
use crate::survey::{self, unanswering};
use crate::view::{View, ask_claims, ask_elections, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Answer, Query};

/// How many volumes a refusal names.
const NAMED: usize = 5;

/// The operation, for one release and one phase.
#[derive(Clone, Debug)]
pub struct AddBrokers {
    desired: Desired,
    phase: Phase,
}

/// What is known of a master.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// It has what somebody has made or sent.
    Used,
    /// It has nothing.
    Empty,
    /// It is being filled.
    Marked,
}

/// New groups with the one that fills them, and what is known of each master.
type Found = (Addition, Vec<(Broker, State)>);

impl AddBrokers {
    /// Fills the groups of a release that are new.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    fn reuses_volumes(&self) -> bool {
        self.desired.kept_volumes == KeptVolumes::Reuse
    }

    /// The brokers that Helm will make, if it has made any before.
    fn coming(&self, view: View<'_>) -> Vec<&Broker> {
        let Ok((sets, pods)) = view.sets_and_pods(&self.desired.full_name) else {
            return Vec::new();
        };
        // Where a StatefulSet makes room for a larger volume, its pod goes on.
        let stands = |broker: &&Broker| {
            sets.iter().any(|set| set.name == broker.stateful_set())
                || pods
                    .iter()
                    .any(|pod| pod.name == broker.pod && !pod.terminating)
        };
        let brokers = self.desired.brokers.iter();
        brokers
            .filter(|broker| !sets.is_empty() && !stands(broker))
            .collect()
    }

    /// What controllers remember of brokers that are added and come up with nothing.
    fn gone(&self, coming: &[&Broker], view: View<'_>) -> Result<Gone, Unanswered> {
        let mut gone = Gone {
            controllers: self.desired.controllers.clone(),
            cluster: coming
                .first()
                .map_or_else(String::new, |broker| broker.cluster.clone()),
            groups: BTreeMap::new(),
        };
        // Directories of nodes cannot be seen: whoever is made anew there may be who it was.
        let is_seen = self.desired.fixed.broker_data.mode == StorageMode::StorageClass;
        let controllers = self.desired.controller_set();
        let stands = view
            .stateful_sets(&self.desired.full_name)?
            .iter()
            .any(|set| set.name == controllers);
        if coming.is_empty() || !self.desired.is_elected() || !is_seen || !stands {
            return Ok(gone);
        }
        let claims = view.claims(&self.desired.full_name)?;
        let begins_with_nothing = |broker: &Broker| {
            let claim = claim_of(broker);
            coming.iter().any(|other| other.pod == broker.pod)
                && !claims.iter().any(|other| other.name == claim)
        };
        let names: BTreeSet<&str> = coming.iter().map(|broker| broker.name.as_str()).collect();
        for name in names {
            let (_, Some(election)) = view.leader(&gone.controllers, name)? else {
                continue;
            };
            let members = || {
                self.desired
                    .brokers
                    .iter()
                    .filter(|broker| broker.name == name)
            };
            // Of a group without any volume nobody is left whom another id could belong to.
            let is_new = members().all(begins_with_nothing)
                && members().all(|broker| {
                    let group = broker.stateful_set().rsplit_once('-').unwrap_or_default().0;
                    let kept = format!("data-{group}-");
                    !claims.iter().any(|claim| claim.name.starts_with(&kept))
                });
            let is_gone = |known: &&ElectedBroker| {
                let mut new = members().filter(|broker| begins_with_nothing(broker));
                is_new || new.any(|broker| broker.address == known.address)
            };
            let known: Vec<&ElectedBroker> = election.brokers().filter(is_gone).collect();
            if let Some(alive) = known.iter().find(|known| known.alive) {
                return Err(Unanswered {
                    object: format!("broker {}", alive.address),
                    why: "it is to be made anew, and controllers have heard of the one before within their last ten seconds"
                        .to_owned(),
                });
            }
            let stays = |elected: &ElectedBroker| known.iter().all(|gone| gone.id != elected.id);
            if !is_new && !known.is_empty() && !election.in_sync.iter().any(stays) {
                return Err(Unanswered {
                    object: format!("group {name}"),
                    why: "none of those whose volumes are there is in sync, so that none could be elected".to_owned(),
                });
            }
            if !known.is_empty() {
                let ids = known.into_iter().map(|known| known.id).collect();
                gone.groups.insert(name.to_owned(), ids);
            }
        }
        Ok(gone)
    }

    /// Refuses while volumes stand that brokers which are added would come up with, unless that is wanted.
    fn plan_before(&self, view: View<'_>) -> Result<Planning<RocketmqStep>, Unanswered> {
        let (sets, _) = view.sets_and_pods(&self.desired.full_name)?;
        if sets.is_empty() {
            return Ok(survey::nothing_stands());
        }
        let coming = self.coming(view);
        let gone = self.gone(&coming, view)?;
        let forgetting = |why: String| {
            if gone.groups.is_empty() {
                Planning::Nothing { why }
            } else {
                Planning::Steps(vec![RocketmqStep::BrokersForgotten { gone: gone.clone() }])
            }
        };
        if coming.is_empty() || self.reuses_volumes() {
            return Ok(forgetting(format!("{} brokers are added", coming.len())));
        }
        let claims = view.claims(&self.desired.full_name)?;
        let mut kept: Vec<String> = coming.iter().map(|broker| claim_of(broker)).collect();
        kept.retain(|name| claims.iter().any(|claim| claim.name == *name));
        if kept.is_empty() {
            return Ok(forgetting(format!(
                "{} brokers are added, and none left a volume before",
                coming.len()
            )));
        }
        let named: Vec<&str> = kept.iter().take(NAMED).map(String::as_str).collect();
        let named = named.join(" ");
        Ok(Planning::Refused(Problem {
            object: "brokers.keptVolumes".to_owned(),
            why: format!(
                "{} volume claims stand of brokers that would be added, with the messages, topics and offsets of those \
                 that left: {named}",
                kept.len()
            ),
            remedy: format!(
                "delete the claims for brokers that begin with nothing (kubectl delete persistentvolumeclaim {named}), \
                 or set `brokers.keptVolumes: Reuse`"
            ),
        }))
    }

    /// The masters that are new, and the one to copy from.
    fn addition(&self, view: View<'_>) -> Result<Option<Found>, Unanswered> {
        let mut found = Vec::new();
        for master in self.desired.masters() {
            found.push((master.clone(), state(master, view)?));
        }
        let mut masters = self.desired.masters();
        let Some(source) = masters.find(|master| master.name == self.desired.source_group) else {
            return Ok(None);
        };
        let targets = found
            .iter()
            .filter(|(master, state)| *state != State::Used && master.name != source.name)
            .map(|(master, _)| master.clone())
            .collect();
        let addition = Addition {
            source: source.clone(),
            targets,
            name_servers: self.desired.name_servers.clone(),
            spread: self.desired.ordered_topics == OrderedTopics::Spread,
        };
        Ok(Some((addition, found)))
    }

    fn survey(&self, view: View<'_>) -> Result<Planning<RocketmqStep>, Unanswered> {
        let nothing = |why: String| Ok(Planning::Nothing { why });
        let Some((addition, found)) = self.addition(view)? else {
            return Ok(Planning::Refused(Problem {
                object: "brokers.newGroupsFrom".to_owned(),
                why: format!("the release has no group `{}`", self.desired.source_group),
                remedy: "name a group that the release has, counted from 0".to_owned(),
            }));
        };
        if addition.targets.is_empty() {
            return nothing(format!(
                "{} groups have topics, subscription groups or messages of their own",
                found.len()
            ));
        }
        let source = &addition.source;
        if found
            .iter()
            .any(|(master, state)| *state == State::Marked && master.name == source.name)
        {
            return Ok(Planning::Refused(Problem {
                object: format!("broker {}", source.pod),
                why: "new groups would be filled from it, and it is itself a new one that was not filled to the end"
                    .to_owned(),
                remedy: "set `brokers.newGroupsFrom` to a group that has all topics, then run the upgrade again"
                    .to_owned(),
            }));
        }
        let topics = copied_topics(&addition, view)?;
        let has_marks = found.iter().any(|(_, state)| *state == State::Marked);
        if topics.is_empty() && user_groups(source, view)?.is_empty() && !has_marks {
            return nothing(format!(
                "{} groups are new, and group {} has nothing that they could get",
                addition.targets.len(),
                source.name
            ));
        }
        if let Some(problem) = Self::check_attributes(&addition, &topics, view)? {
            return Ok(Planning::Refused(problem));
        }
        if addition.spread
            && let Err(problem) = agreed_order(&addition, view)?
        {
            return Ok(Planning::Refused(problem));
        }
        let empty = found.into_iter().filter(|(master, state)| {
            *state == State::Empty && master.name != addition.source.name
        });
        let unmarked = empty.map(|(master, _)| master.name).collect();
        Ok(Planning::Steps(self.steps(&addition, unmarked)))
    }

    /// Refuses topics with attributes that a new master does not know.
    fn check_attributes(
        addition: &Addition,
        topics: &[&TopicConfiguration],
        view: View<'_>,
    ) -> Result<Option<Problem>, Unanswered> {
        let from = version(&addition.source, view)?;
        for target in &addition.targets {
            let to = version(target, view)?;
            for topic in topics {
                if let Some(attribute) = metadata::unknown_attribute(topic, from, to) {
                    return Ok(Some(Problem {
                        object: format!("topic {}", topic.name),
                        why: format!(
                            "it has the attribute `{attribute}` at {}, which runs RocketMQ {from}; the new broker {} \
                             runs {to} and does not know it",
                            addition.source.pod, target.pod
                        ),
                        remedy: format!(
                            "bring all brokers to RocketMQ {from}, or take the attribute from the topic (mqadmin \
                             updateTopic -a -{attribute}), then run the upgrade again"
                        ),
                    }));
                }
            }
        }
        Ok(None)
    }

    fn steps(&self, addition: &Addition, unmarked: Vec<String>) -> Vec<RocketmqStep> {
        let mut parts = Vec::new();
        if !unmarked.is_empty() {
            parts.push(AdditionPart::GroupsMarked(unmarked));
        }
        for part in [
            AdditionPart::SubscriptionGroupsCopied,
            AdditionPart::TopicsCopied,
            AdditionPart::OffsetsBegun,
        ] {
            let names = addition.targets.iter().map(|target| target.name.clone());
            parts.extend(names.map(part));
        }
        parts.push(AdditionPart::TopicsEqual);
        if addition.spread {
            parts.push(AdditionPart::OrderConfigurationExtended);
        }
        let step = |part| RocketmqStep::GroupsAdded {
            addition: addition.clone(),
            part,
        };
        let mut steps: Vec<RocketmqStep> = parts.into_iter().map(step).collect();
        steps.push(RocketmqStep::BrokersRegistered {
            scene: Scene::of(&self.desired, self.desired.name_servers.clone()),
        });
        steps.push(step(AdditionPart::MarksRemoved));
        steps
    }
}

/// The name of the claim of a broker's volume.
fn claim_of(broker: &Broker) -> String {
    format!("data-{}", broker.pod)
}

fn state(master: &Broker, view: View<'_>) -> Result<State, Unanswered> {
    if view
        .subscription_groups(&master.address)?
        .contains_key(MARK)
    {
        return Ok(State::Marked);
    }
    let is_used = !user_groups(master, view)?.is_empty()
        || !user_topics(master, view)?.is_empty()
        || view.log_end(&master.address)? > 0;
    Ok(if is_used { State::Used } else { State::Empty })
}

impl Operation for AddBrokers {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        "add_brokers"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        self.desired.digest.clone()
    }

    fn limits(&self) -> Limits {
        survey::limits(&self.desired, self.phase)
    }

    fn observe(&self, seen: &Seen<Query, Answer>) -> Vec<Query> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let mut wanted = vec![ask_pods(cluster)];
        if self.phase == Phase::Before {
            wanted.push(ask_stateful_sets(cluster));
            let coming = self.coming(view);
            if !coming.is_empty() && (self.desired.is_elected() || !self.reuses_volumes()) {
                wanted.push(ask_claims(cluster));
            }
            for broker in coming {
                wanted.extend(ask_elections(&self.desired.controllers, &broker.name));
            }
            return view.unasked(wanted);
        }
        let masters: Vec<&Broker> = self.desired.masters().collect();
        // With one group there is nobody to get anything from.
        if masters.len() > 1 {
            for master in &masters {
                wanted.extend(
                    [
                        Request::BrokerConfiguration,
                        Request::RuntimeInformation,
                        Request::SubscriptionGroups,
                        Request::TopicConfigurations,
                    ]
                    .map(|request| Query::rocketmq(&master.address, request)),
                );
            }
            if let Ok(Some((addition, _))) = self.addition(view)
                && !addition.targets.is_empty()
            {
                wanted.extend(order_queries(&self.desired.name_servers));
            }
        }
        view.unasked(wanted)
    }

    fn plan(&self, seen: &Seen<Query, Answer>) -> Planning<RocketmqStep> {
        let view = View::new(seen);
        if self.phase == Phase::Before {
            return self
                .plan_before(view)
                .unwrap_or_else(|unanswered| unanswering(&unanswered.object, &unanswered.why));
        }
        let masters: Vec<&Broker> = self.desired.masters().collect();
        if masters.len() < 2 {
            return Planning::Nothing {
                why: "there is no other group".to_owned(),
            };
        }
        if let Err(planning) = survey::settings_of(&self.desired, &masters, view) {
            return *planning;
        }
        match self.survey(view) {
            Ok(planning) => planning,
            Err(unanswered) => unanswering(&unanswered.object, &unanswered.why),
        }
    }
}
