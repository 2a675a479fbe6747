//! `rebalance_slots` and `drain_shards`: slots move with their keys, straight to where they remain.
//!
//! After Helm has made further shards, each gets its part of the slots. Before Helm takes shards away, theirs go to those that
//! stay, and then they are forgotten. The same layout serves both: nothing moves twice.

use std::collections::BTreeMap;

use midships_client_redis::{NodeId, Slot, Slots};
use midships_engine::step::{Limits, Operation, Phase, Planning, Problem};

use crate::desired::{Desired, Shard};
use crate::fitting;
use crate::layout;
use crate::steps::{Observation, RedisStep, ShardSlots, told, without_master};
use crate::survey::{taking_part, waiting};
use crate::view::{Landscape, View, ask_nodes, ask_stateful_sets};
use crate::vocabulary::Query;

/// When slots are placed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Placing {
    /// Before Helm takes shards away.
    DrainShards,
    /// After Helm has made further ones.
    RebalanceSlots,
}

/// The operation, for one release.
#[derive(Clone, Debug)]
pub struct PlaceSlots {
    desired: Desired,
    placing: Placing,
    phase: Phase,
}

impl PlaceSlots {
    /// Places the slots of a release. In the other phase than that of its own it only carries on a plan that is open.
    #[must_use]
    pub fn new(desired: Desired, placing: Placing, phase: Phase) -> Self {
        Self {
            desired,
            placing,
            phase,
        }
    }

    /// Whether there is nothing to place in this phase.
    fn is_over(&self) -> bool {
        self.phase
            != match self.placing {
                Placing::DrainShards => Phase::Before,
                Placing::RebalanceSlots => Phase::After,
            }
    }

    /// The shards that leave. None where it is not known yet.
    fn leaving(&self, view: View<'_>) -> Option<Vec<Shard>> {
        match self.placing {
            Placing::RebalanceSlots => Some(Vec::new()),
            Placing::DrainShards => {
                let sets = view.stateful_sets(&self.desired.full_name).ok()?;
                Some(self.desired.leaving(sets))
            }
        }
    }

    /// The shards that stay and stand already, and those that leave. Before Helm has made further ones, they are not there.
    fn involved(&self, view: View<'_>) -> Option<(Vec<Shard>, Vec<Shard>)> {
        let leaving = self.leaving(view)?;
        let mut staying = self.desired.shards.clone();
        if self.placing == Placing::DrainShards {
            let sets = view.stateful_sets(&self.desired.full_name).ok()?;
            let standing = self.desired.standing(sets);
            staying.retain_mut(|shard| {
                let found = standing.iter().find(|one| one.number == shard.number);
                found.is_some_and(|found| {
                    shard.servers.clone_from(&found.servers);
                    true
                })
            });
        }
        Some((staying, leaving))
    }
}

/// The slots of each shard, by what its master says; none of a shard that leaves and has given up its last one.
fn owned(
    landscape: &Landscape<'_>,
    leaving: &[Shard],
) -> Result<Vec<(ShardSlots, NodeId)>, Problem> {
    let mut owned = Vec::new();
    for shard in landscape.shards() {
        let Some(master) = landscape.master(shard) else {
            if leaving.contains(shard) {
                continue;
            }
            return Err(without_master(shard));
        };
        let slots = ShardSlots {
            shard: shard.number,
            slots: master.myself().slots.clone(),
        };
        owned.push((slots, master.myself().id.clone()));
    }
    Ok(owned)
}

/// The same with one slot left to each shard that leaves, of those that it has.
fn with_last(before: &[ShardSlots], after: &[ShardSlots]) -> Vec<ShardSlots> {
    let kept: Vec<(u32, Slot)> = before
        .iter()
        .zip(after)
        .filter(|(_, after)| after.slots.is_empty())
        .filter_map(|(before, _)| Some((before.shard, before.slots.iter().last()?)))
        .collect();
    let kept_by = |shard| {
        kept.iter()
            .find(|(of, _)| *of == shard)
            .map(|(_, slot)| *slot)
    };
    let slots = after.iter().map(|of| ShardSlots {
        shard: of.shard,
        slots: match kept_by(of.shard) {
            Some(slot) => Slots::from_iter([slot]),
            None => of
                .slots
                .without(&kept.iter().map(|(_, slot)| *slot).collect()),
        },
    });
    slots.collect()
}

/// Where all slots are after the moves that the layout wants.
fn placed(before: &[(ShardSlots, NodeId)], staying: &[Shard]) -> Vec<ShardSlots> {
    let owners: BTreeMap<NodeId, Slots> = before
        .iter()
        .map(|(slots, id)| (id.clone(), slots.slots.clone()))
        .collect();
    let stays = |shard: u32| staying.iter().any(|staying| staying.number == shard);
    let ids: Vec<NodeId> = before
        .iter()
        .filter(|(slots, _)| stays(slots.shard))
        .map(|(_, id)| id.clone())
        .collect();
    let mut after = layout::after(&owners, &layout::moves(&owners, &ids));
    let slots = before.iter().map(|(slots, id)| ShardSlots {
        shard: slots.shard,
        slots: after.remove(id).unwrap_or_default(),
    });
    slots.collect()
}

impl Operation for PlaceSlots {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        match self.placing {
            Placing::DrainShards => "drain_shards",
            Placing::RebalanceSlots => "rebalance_slots",
        }
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
        if self.is_over() {
            return Vec::new();
        }
        let view = View::new(seen);
        let mut wanted = Vec::new();
        if self.placing == Placing::DrainShards {
            wanted.push(ask_stateful_sets(&self.desired.full_name));
        }
        if let Some((staying, leaving)) = self.involved(view) {
            wanted.extend(ask_nodes(&staying));
            wanted.extend(ask_nodes(&leaving));
            if !leaving.is_empty() {
                wanted.extend(fitting::ask(&[staying, leaving].concat(), view));
            }
        }
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        if self.is_over() {
            return Planning::Nothing {
                why: format!("slots are not placed {} Helm", self.phase.as_str()),
            };
        }
        let view = View::new(seen);
        let Some((staying, leaving)) = self.involved(view) else {
            return silent("the Kubernetes API does not tell which shards stand");
        };
        if self.placing == Placing::DrainShards && leaving.is_empty() {
            return Planning::Nothing {
                why: "no shard leaves".to_owned(),
            };
        }
        let leaving = match taking_part(&staying, leaving, view) {
            Ok(leaving) => leaving,
            Err(unanswered) => {
                return silent(&format!("servers do not answer: {}", told(&unanswered)));
            }
        };
        let shards: Vec<Shard> = staying.iter().chain(&leaving).cloned().collect();
        let landscape = match view.landscape(&shards) {
            Ok(landscape) => landscape,
            Err(unanswered) => {
                return silent(&format!("servers do not answer: {}", told(&unanswered)));
            }
        };
        let before = match owned(&landscape, &leaving) {
            Ok(before) => before,
            Err(problem) => return Planning::Refused(problem),
        };
        if landscape.owned() != Slots::all() {
            let lacking = Slots::all().without(&landscape.owned());
            return silent(&format!("the slots {lacking} are nobody's"));
        }
        let after = placed(&before, &staying);
        let before: Vec<ShardSlots> = before.into_iter().map(|(slots, _)| slots).collect();
        if !leaving.is_empty() {
            match fitting::overfull(&landscape, &before, &after, view) {
                Ok(None) => {}
                Ok(Some(problem)) => return Planning::Refused(problem),
                Err(unanswered) => {
                    return silent(&format!("servers do not answer: {}", told(&[unanswered])));
                }
            }
        }
        let mut steps = Vec::new();
        let middle = with_last(&before, &after);
        if middle != before {
            steps.push(RedisStep::SlotsPlaced {
                shards: shards.clone(),
                before,
                after: middle.clone(),
            });
        }
        if after != middle {
            steps.push(RedisStep::ShardsEmptied {
                shards: shards.clone(),
                before: middle,
                after,
            });
        }
        if !leaving.is_empty() {
            steps.push(RedisStep::NodesForgotten { staying, leaving });
        }
        if steps.is_empty() {
            return Planning::Nothing {
                why: "each shard has its part of the slots".to_owned(),
            };
        }
        Planning::Steps(steps)
    }
}

/// A wait for a cluster that cannot be judged.
fn silent(why: &str) -> Planning<RedisStep> {
    waiting(
        why,
        "bring the cluster to where all slots are served, then run the upgrade again",
    )
}
