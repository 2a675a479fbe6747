//! `grow_volumes`: volumes become larger while their pods go on, before Helm applies the new size.
//!
//! Kubernetes lets claims grow, but not the part of a StatefulSet that they are made from. So each claim is told the new size and has
//! it before its StatefulSet is deleted with its pods left running; Helm makes it anew with the new size, and it takes the pods over.
//! No pod restarts. Nothing is ever made smaller: a rollback keeps the volumes as they are.

use midships_client_kubernetes::growth::{self, Resized};
use midships_client_kubernetes::{DataVolume, StatefulSet};
use midships_engine::step::{Limits, Operation, Phase, Planning};
use midships_model::fields::Bytes;

use crate::desired::Desired;
use crate::steps::{Observation, RedisStep, told};
use crate::survey::absent;
use crate::view::{View, ask_claims, ask_config_map, ask_stateful_sets};
use crate::vocabulary::Query;

/// The field that says how large volumes are.
const FIELD: &str = "persistence.storage.size";

/// The operation, for one release; in the phase *after* it only carries on a plan that is open.
#[derive(Clone, Debug)]
pub struct GrowVolumes {
    desired: Desired,
    phase: Phase,
}

impl GrowVolumes {
    /// Grows the volumes of a release.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// The StatefulSets that stay and were made with another size. Helm makes none anew that leaves: its pods would be left behind.
    fn resized<'a>(&self, sets: &'a [StatefulSet]) -> Vec<Resized<'a>> {
        let stays = |set: &&StatefulSet| {
            let mut shards = self.desired.shards.iter();
            shards.any(|shard| self.desired.stateful_set(shard.number) == set.name)
        };
        let resized = sets.iter().filter(stays).filter_map(|set| {
            let DataVolume::Claim { size, .. } = &set.data else {
                return None;
            };
            let before = Bytes(size.clone()).mebibytes()?;
            let after = self.desired.volume_mebibytes?;
            (before != after).then_some(Resized {
                set,
                before,
                after,
                field: FIELD,
            })
        });
        resized.collect()
    }
}

impl Operation for GrowVolumes {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "grow_volumes"
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

    fn observe(&self, seen: &Observation) -> Vec<Query> {
        if self.phase == Phase::After {
            return Vec::new();
        }
        let cluster = &self.desired.full_name;
        let mut wanted = vec![ask_stateful_sets(cluster)];
        let sets = View::new(seen).stateful_sets(cluster);
        if sets.is_ok_and(|sets| !self.resized(sets).is_empty()) {
            wanted.push(ask_claims(cluster));
            wanted.push(ask_config_map(&self.desired.after_config_map()));
        }
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        if self.phase == Phase::After {
            return nothing("volumes grow before Helm applies their size");
        }
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let sets = match view.stateful_sets(cluster) {
            Ok(sets) => sets,
            Err(unanswered) => return absent(&told(&[unanswered])),
        };
        let resized = self.resized(sets);
        if resized.is_empty() {
            return nothing("volumes stay as large as they are");
        }
        let claims = match view.claims(cluster) {
            Ok(claims) => claims,
            Err(unanswered) => return absent(&told(&[unanswered])),
        };
        let stands = view.config_map(&self.desired.after_config_map());
        let is_rollback = growth::is_rollback(self.desired.revision, stands.ok().flatten());
        let (mut grown, mut rooms) = (Vec::new(), Vec::new());
        for one in resized {
            if let Some(problem) = one.refusal(is_rollback) {
                return Planning::Refused(problem);
            }
            grown.append(&mut one.growing(claims));
            rooms.push(RedisStep::RoomMade {
                cluster: cluster.clone(),
                stateful_set: one.set.name.clone(),
                mebibytes: one.after,
            });
        }
        let mut steps = Vec::new();
        if !grown.is_empty() {
            steps.push(RedisStep::ClaimsGrown {
                cluster: cluster.clone(),
                claims: grown,
            });
        }
        steps.append(&mut rooms);
        Planning::Steps(steps)
    }
}
