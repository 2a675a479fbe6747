//! `grow_volumes`: volumes become larger while their pods go on, before Helm applies the new size.
//!
//! Kubernetes lets claims grow, but not the part of a StatefulSet that they are made from. So each claim is told the new
//! size and has it before its StatefulSet is deleted with its pods left running; Helm makes it anew with the new size, and
//! it takes the pods over. No pod restarts. Nothing is ever made smaller: a rollback keeps the volumes as they are.

use midships_client_kubernetes::growth::{self, Resized};
use midships_client_kubernetes::{DataVolume, StatefulSet};
use midships_engine::step::{Limits, Operation, Planning, Seen};
use midships_model::fields::Bytes;

use crate::desired::{Desired, Phase};
use crate::fixed::DataPlace;
use crate::steps::RocketmqStep;
use crate::survey::{self, unanswering};
use crate::view::{View, ask_claims, ask_config_map, ask_stateful_sets};
use crate::vocabulary::{Answer, Query};

/// The operation, for one release; only before Helm has changed anything.
#[derive(Clone, Debug)]
pub struct GrowVolumes {
    desired: Desired,
}

impl GrowVolumes {
    /// Grows the volumes of a release.
    #[must_use]
    pub fn new(desired: Desired) -> Self {
        Self { desired }
    }

    fn resized<'a>(&self, sets: &'a [StatefulSet]) -> Vec<Resized<'a>> {
        let fixed = &self.desired.fixed;
        let name_server_set = self.desired.name_server_set();
        let resized = sets.iter().filter_map(|set| {
            let (place, field): (&DataPlace, _) = if set.name == name_server_set {
                (&fixed.name_server_data, "nameServers.storage.size")
            } else if set.name == self.desired.controller_set() && self.desired.is_elected() {
                (&fixed.controller_data, "controllers.storage.size")
            } else if self.desired.has_broker_set(&set.name) {
                (&fixed.broker_data, "brokers.storage.size")
            } else {
                // Helm makes no StatefulSet anew that leaves: its pods would be left behind.
                return None;
            };
            let DataVolume::Claim { size, .. } = &set.data else {
                return None;
            };
            let (before, after) = (Bytes(size.clone()).mebibytes()?, place.mebibytes?);
            (before != after).then_some(Resized {
                set,
                before,
                after,
                field,
            })
        });
        resized.collect()
    }

    /// Whether the desired state is that of an earlier revision than the one that stands.
    fn is_rollback(&self, view: View<'_>) -> bool {
        let stands = view.config_map(&self.desired.after_config_map());
        growth::is_rollback(self.desired.revision, stands.ok().flatten())
    }
}

impl Operation for GrowVolumes {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        "grow_volumes"
    }

    fn phase(&self) -> &'static str {
        Phase::Before.as_str()
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
        let mut wanted = vec![ask_stateful_sets(cluster)];
        let resized = view
            .stateful_sets(cluster)
            .is_ok_and(|sets| !self.resized(sets).is_empty());
        if resized {
            wanted.push(ask_claims(cluster));
            wanted.push(ask_config_map(&self.desired.after_config_map()));
        }
        view.unasked(wanted)
    }

    fn plan(&self, seen: &Seen<Query, Answer>) -> Planning<RocketmqStep> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let sets = match view.stateful_sets(cluster) {
            Ok(sets) => sets,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        if sets.is_empty() {
            return survey::nothing_stands();
        }
        let resized = self.resized(sets);
        if resized.is_empty() {
            return Planning::Nothing {
                why: "volumes stay as large as they are".to_owned(),
            };
        }
        let claims = match view.claims(cluster) {
            Ok(claims) => claims,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        let rollback = self.is_rollback(view);
        let mut grown = Vec::new();
        let mut rooms = Vec::new();
        for one in resized {
            if let Some(problem) = one.refusal(rollback) {
                return Planning::Refused(problem);
            }
            grown.append(&mut one.growing(claims));
            rooms.push(RocketmqStep::RoomMade {
                cluster: cluster.clone(),
                stateful_set: one.set.name.clone(),
                mebibytes: one.after,
            });
        }
        let mut steps = Vec::new();
        if !grown.is_empty() {
            steps.push(RocketmqStep::ClaimsGrown {
                cluster: cluster.clone(),
                claims: grown,
            });
        }
        steps.append(&mut rooms);
        Planning::Steps(steps)
    }
}
