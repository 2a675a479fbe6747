//! `repair_slots`: slots that were left on their way arrive, and keys are where clients are sent to for them.
//!
//! Whoever moved slots and was killed leaves some of them open, with keys on both sides; a master that is replaced by its replica in
//! the middle forgets that it was sending. What is on its way is finished, so that no key has to be found anywhere else meanwhile. Of
//! a key with two copies that are not the same, none is replaced: a person is told of it.

use midships_engine::step::{Limits, Operation, Phase, Planning, Verdict};

use crate::desired::{Desired, Shard};
use crate::moving;
use crate::steps::{Observation, RedisStep, told};
use crate::survey::absent;
use crate::view::{View, ask_cluster, ask_filled, ask_nodes, ask_stateful_sets};
use crate::vocabulary::Query;

/// The operation, for one release.
#[derive(Clone, Debug)]
pub struct RepairSlots {
    desired: Desired,
    phase: Phase,
}

impl RepairSlots {
    /// Repairs the slots of a release.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// The shards that are looked at: before Helm has changed anything only if some of them leave, since only then slots move. None
    /// where it is not known yet.
    fn shards(&self, view: View<'_>) -> Option<Vec<Shard>> {
        if self.phase == Phase::After {
            return Some(self.desired.shards.clone());
        }
        let sets = view.stateful_sets(&self.desired.full_name).ok()?;
        if self.desired.leaving(sets).is_empty() {
            return Some(Vec::new());
        }
        Some(self.desired.standing(sets))
    }
}

impl Operation for RepairSlots {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "repair_slots"
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
        let view = View::new(seen);
        let mut wanted = Vec::new();
        if self.phase == Phase::Before {
            wanted.push(ask_stateful_sets(&self.desired.full_name));
        }
        if let Some(shards) = self.shards(view) {
            wanted.extend(ask_nodes(&shards));
            wanted.extend(ask_cluster(&shards));
            wanted.extend(ask_filled(view, &shards));
        }
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        let view = View::new(seen);
        let Some(shards) = self.shards(view) else {
            return absent("the Kubernetes API does not tell which shards stand");
        };
        if shards.is_empty() {
            return Planning::Nothing {
                why: "no shard leaves, so that no slot moves".to_owned(),
            };
        }
        let landscape = match view.landscape(&shards) {
            Ok(landscape) => landscape,
            Err(silent) => return absent(&format!("servers do not answer: {}", told(&silent))),
        };
        let verdict = match moving::repair(&landscape, view, seen) {
            Ok(verdict) => verdict,
            Err(unanswered) => return absent(&told(&[unanswered])),
        };
        match verdict {
            Verdict::Done => Planning::Nothing {
                why: "no slot is on its way, and all keys are with the masters of their slots"
                    .to_owned(),
            },
            // What is waited for is for the step to see.
            Verdict::Act { .. } | Verdict::Wait { .. } => {
                Planning::Steps(vec![RedisStep::SlotsRepaired { shards }])
            }
            Verdict::Fail(problem) => Planning::Refused(problem),
        }
    }
}
