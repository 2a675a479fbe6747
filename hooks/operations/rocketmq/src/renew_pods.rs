//! `renew_pods`: pods that do not serve are made anew from the template that Helm has applied.
//!
//! Kubernetes leaves a pod of an older template alone, also when that template never came up, such as one with an image
//! that does not exist. Nobody is served by such a pod, so it needs no drain and no clearance of others.

use std::collections::BTreeSet;

use midships_engine::step::{Limits, Operation, Planning, Seen};

use crate::desired::{Desired, Phase};
use crate::guard;
use crate::steps::{RocketmqStep, Server, Silent, set_is_newer};
use crate::survey::{self, unanswering};
use crate::view::{View, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Answer, Query};

/// The operation, for one release and one phase.
#[derive(Clone, Debug)]
pub struct RenewPods {
    desired: Desired,
    phase: Phase,
}

impl RenewPods {
    /// Renews what does not serve of a release.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// Every pod that the release shall have.
    fn pods(&self) -> impl Iterator<Item = Silent> + '_ {
        let desired = &self.desired;
        let name_servers = desired.own_name_servers.iter().map(|pod| Silent {
            cluster: desired.full_name.clone(),
            pod: pod.clone(),
            stateful_set: desired.name_server_set(),
            address: desired.own_address(pod),
            server: Server::NameServer,
        });
        let brokers = desired.brokers.iter().map(|broker| Silent {
            cluster: desired.full_name.clone(),
            pod: broker.pod.clone(),
            stateful_set: broker.stateful_set().to_owned(),
            address: broker.address.clone(),
            server: Server::Broker,
        });
        let controllers = desired
            .controllers
            .iter()
            .enumerate()
            .map(|(number, address)| Silent {
                cluster: desired.full_name.clone(),
                pod: format!("{}-{number}", desired.controller_set()),
                stateful_set: desired.controller_set(),
                address: address.clone(),
                server: Server::Controller,
            });
        name_servers.chain(brokers).chain(controllers)
    }
}

impl Operation for RenewPods {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        "renew_pods"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        self.desired.digest.clone()
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn observe(&self, seen: &Seen<Query, Answer>) -> Vec<Query> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let mut wanted = vec![ask_stateful_sets(cluster), ask_pods(cluster)];
        // Only what is not ready is asked whether it serves.
        let unready: BTreeSet<&str> = view
            .pods(cluster)
            .unwrap_or_default()
            .iter()
            .filter(|pod| !pod.ready)
            .map(|pod| pod.name.as_str())
            .collect();
        let silent = self.pods().filter(|pod| unready.contains(pod.pod.as_str()));
        wanted.extend(silent.map(|pod| pod.query()));
        view.unasked(wanted)
    }

    fn plan(&self, seen: &Seen<Query, Answer>) -> Planning<RocketmqStep> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let (sets, pods) = match view.sets_and_pods(cluster) {
            Ok(found) => found,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        if sets.is_empty() && self.phase == Phase::Before {
            return survey::nothing_stands();
        }
        let mut steps = Vec::new();
        for silent in self.pods() {
            let found = pods.iter().find(|pod| pod.name == silent.pod);
            let Some(pod) = found.filter(|pod| !pod.terminating) else {
                continue;
            };
            if guard::clear_silent(&silent, pod, seen).is_none() {
                continue;
            }
            match set_is_newer(pod, &silent.stateful_set, sets) {
                Ok(true) => steps.push(RocketmqStep::PodRenewed { silent }),
                Ok(false) => {}
                Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
            }
        }
        if steps.is_empty() {
            Planning::Nothing {
                why: "no pod of an older template stands that does not serve".to_owned(),
            }
        } else {
            Planning::Steps(steps)
        }
    }
}
