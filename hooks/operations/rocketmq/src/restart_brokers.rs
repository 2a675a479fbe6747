//! `restart_brokers`: brokers take a new image, new resources or another configuration, one at a time, and nobody notices.
//!
//! The invariant that it keeps: never more than one broker is away, there is always a master that takes messages, and no
//! master goes before its replicas have what it has. What brokers take while they run they are told, and none is restarted
//! for it.

use std::collections::BTreeMap;

use midships_client_kubernetes::{DataVolume, StatefulSet};
use midships_client_rocketmq::Request;
use midships_engine::step::{Limits, Operation, Planning, Problem, Seen};

use crate::desired::{Broker, Desired, Phase};
use crate::restart_name_servers::RestartNameServers;
use crate::steps::{Reason, RocketmqStep, Scene, SetBroker, set_is_newer};
use crate::survey::{self, unanswering};
use crate::version;
use crate::view::{BrokerSettings, View, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Answer, Query};

/// The operation, for one release and one phase.
#[derive(Clone, Debug)]
pub struct RestartBrokers {
    desired: Desired,
    phase: Phase,
}

impl RestartBrokers {
    /// Brings the brokers of a release to the template and the settings that it has.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// The brokers that stand, with their StatefulSets.
    fn standing<'a>(&'a self, sets: &'a [StatefulSet]) -> Vec<(&'a Broker, &'a StatefulSet)> {
        self.desired
            .brokers
            .iter()
            .filter_map(|broker| {
                let name = broker.stateful_set();
                Some((broker, sets.iter().find(|set| set.name == name)?))
            })
            .collect()
    }

    /// Those of them that Helm's next step, or an earlier one, gives another template.
    fn changing<'a>(&'a self, view: View<'a>) -> Vec<(&'a Broker, &'a StatefulSet)> {
        let cluster = &self.desired.full_name;
        let sets = view.stateful_sets(cluster).unwrap_or_default();
        let pods = view.pods(cluster).unwrap_or_default();
        let mut standing = self.standing(sets);
        standing.retain(|(broker, set)| {
            let pod = pods.iter().find(|pod| pod.name == broker.pod);
            set.template != self.desired.broker_template
                || pod.is_some_and(|pod| set_is_newer(pod, &set.name, sets) == Ok(true))
        });
        standing
    }

    /// Refuses what must not be, before Helm has changed anything.
    fn plan_before(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let cluster = &self.desired.full_name;
        let (sets, pods) = match view.sets_and_pods(cluster) {
            Ok(found) => found,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        if sets.is_empty() {
            return survey::nothing_stands();
        }
        let changing = self.changing(view);
        if let Some(problem) = self.check_leave(&changing) {
            return Planning::Refused(problem);
        }
        for (broker, set) in &changing {
            if version::is_tagged(&set.image, &self.desired.broker_tag) {
                continue;
            }
            let running = match view.settings(&broker.address) {
                Ok(found) => found.version,
                Err(unanswered) => {
                    let pod = pods.iter().find(|pod| pod.name == broker.pod);
                    if pod.is_none_or(|pod| !pod.has_run) {
                        // What has never run has stored nothing.
                        continue;
                    }
                    let told = view.describe_pod(cluster, &broker.pod);
                    return unanswering(&told, &unanswered.why);
                }
            };
            let object = format!("broker {}", broker.pod);
            let tag = &self.desired.broker_tag;
            if let Err(problem) = version::check(&object, "brokers.image.tag", running, tag) {
                return Planning::Refused(problem);
            }
        }
        Planning::Nothing {
            why: if changing.is_empty() {
                "the pods of brokers stay as they are".to_owned()
            } else {
                let number = changing.len();
                format!("{number} brokers can be restarted one at a time after the upgrade")
            },
        }
    }

    /// Refuses restarts that nobody has allowed, or that would lose messages.
    fn check_leave(&self, changing: &[(&Broker, &StatefulSet)]) -> Option<Problem> {
        let (broker, set) = changing.first()?;
        if !self.desired.allow_restart {
            return Some(Problem {
                object: "brokers".to_owned(),
                why: format!(
                    "{} brokers have to be restarted for a change of image, resources, configuration or pod, and \
                     `brokers.allowRestart` is false",
                    changing.len()
                ),
                remedy: "set `brokers.allowRestart: true` to have them restarted one at a time, drained, or keep \
                         these values as they are"
                    .to_owned(),
            });
        }
        (set.data == DataVolume::EmptyDir).then(|| Problem {
            object: format!("broker {}", broker.pod),
            why: "it has to be restarted, and with `brokers.storage.mode: EmptyDir` its messages would go with its pod"
                .to_owned(),
            remedy: "keep these values as they are, or move the messages to a release with \
                     `brokers.storage.mode: StorageClass`"
                .to_owned(),
        })
    }

    fn plan_after(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let cluster = &self.desired.full_name;
        let (sets, pods) = match view.sets_and_pods(cluster) {
            Ok(found) => found,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        if self.desired.brokers.is_empty() {
            return Planning::Nothing {
                why: "this release has no brokers".to_owned(),
            };
        }
        let mut outdated = Vec::new();
        for broker in &self.desired.brokers {
            // One that is being made is made of the newest template.
            let Some(pod) = pods.iter().find(|pod| pod.name == broker.pod) else {
                continue;
            };
            match set_is_newer(pod, broker.stateful_set(), sets) {
                Ok(true) => outdated.push(broker),
                Ok(false) => {}
                Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
            }
        }
        let brokers: Vec<&Broker> = self.desired.brokers.iter().collect();
        let settings = match survey::settings_of(&self.desired, &brokers, view) {
            Ok(settings) => settings,
            Err(planning) => return *planning,
        };
        let told = self.differing(&settings, &outdated);
        if outdated.is_empty() && told.is_empty() {
            return Planning::Nothing {
                why: format!(
                    "{} brokers are of the newest template and settings",
                    brokers.len()
                ),
            };
        }
        if !outdated.is_empty() {
            let standing: Vec<_> = self
                .standing(sets)
                .into_iter()
                .filter(|(broker, _)| outdated.contains(broker))
                .collect();
            if let Some(problem) = self.check_leave(&standing) {
                return Planning::Refused(problem);
            }
            if let Some(planning) = survey::check_all_open(&self.desired, view, &settings) {
                return planning;
            }
        }
        let mut steps = self.steps(outdated, told);
        let name_servers = RestartNameServers::new(self.desired.clone(), self.phase);
        if name_servers.follows_brokers(pods) {
            match name_servers.steps(sets, pods) {
                Ok(renewals) => steps.extend(renewals),
                Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
            }
        }
        Planning::Steps(steps)
    }

    /// The brokers that have other values of what they take while they run, without those that will read them at their
    /// restart. A key that a version does not have is none of its settings.
    fn differing(
        &self,
        settings: &[(&Broker, BrokerSettings<'_>)],
        outdated: &[&Broker],
    ) -> Vec<SetBroker> {
        let mut told = Vec::new();
        for (broker, found) in settings {
            if outdated.contains(broker) {
                continue;
            }
            let mut set = SetBroker {
                broker: (*broker).clone(),
                previous: BTreeMap::new(),
                settings: BTreeMap::new(),
            };
            for (key, wanted) in &self.desired.broker_settings {
                if let Some(has) = found.properties.get(key)
                    && has != wanted
                {
                    set.previous.insert(key.clone(), has.clone());
                    set.settings.insert(key.clone(), wanted.clone());
                }
            }
            if !set.settings.is_empty() {
                told.push(set);
            }
        }
        told
    }

    fn steps(&self, mut outdated: Vec<&Broker>, told: Vec<SetBroker>) -> Vec<RocketmqStep> {
        let mut steps = Vec::new();
        if !told.is_empty() {
            steps.push(RocketmqStep::SettingsApplied { brokers: told });
        }
        if outdated.is_empty() {
            return steps;
        }
        let name_servers = self.desired.name_servers.clone();
        let scene = Scene::of(&self.desired, name_servers);
        // Replicas first: their masters go on serving.
        outdated.sort_by_key(|broker| (broker.is_master(), broker.pod.clone()));
        steps.extend(
            outdated
                .into_iter()
                .map(|broker| RocketmqStep::BrokerRestarted {
                    scene: scene.clone(),
                    pod: broker.pod.clone(),
                    reason: Reason::Template,
                }),
        );
        steps.push(RocketmqStep::BrokersRegistered { scene });
        steps
    }
}

impl Operation for RestartBrokers {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        "restart_brokers"
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
        let mut wanted = vec![ask_stateful_sets(cluster), ask_pods(cluster)];
        let asked: Vec<&Broker> = match self.phase {
            Phase::Before => self
                .changing(view)
                .into_iter()
                .map(|(broker, _)| broker)
                .collect(),
            Phase::After => self.desired.brokers.iter().collect(),
        };
        wanted.extend(
            asked
                .iter()
                .map(|broker| Query::rocketmq(&broker.address, Request::BrokerConfiguration)),
        );
        if self.phase == Phase::After {
            wanted.extend(survey::naming_queries(&self.desired, view));
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
