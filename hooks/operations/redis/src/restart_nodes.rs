//! `restart_nodes`: servers take a new image, new resources or settings that need a restart, one at a time.
//!
//! Replicas first. A master hands its shard over to a replica that has what it has, and goes when it is a replica itself: clients
//! wait for the time that the two need to agree, and nothing that was acknowledged is lost. Who is a master is what the cluster says
//! at each look.

use midships_engine::step::{Limits, Operation, Phase, Planning, Unanswered};

use crate::desired::Desired;
use crate::restart::{Renewal, is_outdated};
use crate::steps::{Observation, RedisStep, told};
use crate::survey::absent;
use crate::view::{View, ask_nodes, ask_pods, ask_stateful_sets};
use crate::vocabulary::Query;

/// The operation, for one release.
#[derive(Clone, Debug)]
pub struct RestartNodes {
    desired: Desired,
    phase: Phase,
}

impl RestartNodes {
    /// Brings the servers of a release to the templates that it has.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// The servers whose pods are of an older template, with whether each is a master, in the order of their shards.
    fn outdated(&self, view: View<'_>) -> Result<Vec<(bool, Renewal)>, Unanswered> {
        let sets = view.stateful_sets(&self.desired.full_name)?;
        let pods = view.pods(&self.desired.full_name)?;
        let mut outdated = Vec::new();
        for shard in &self.desired.shards {
            let name = self.desired.stateful_set(shard.number);
            for server in &shard.servers {
                if is_outdated(server, &name, sets, pods)? {
                    let nodes = view.nodes(server)?;
                    let is_master = nodes.myself.is_master() && !nodes.myself.slots.is_empty();
                    let renewal = Renewal {
                        cluster: self.desired.full_name.clone(),
                        stateful_set: name.clone(),
                        shard: shard.number,
                        server: server.clone(),
                    };
                    outdated.push((is_master, renewal));
                }
            }
        }
        Ok(outdated)
    }
}

impl Operation for RestartNodes {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "restart_nodes"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        self.desired.digest.clone()
    }

    fn limits(&self) -> Limits {
        Limits {
            seconds: self.desired.patience_seconds,
            ..Limits::default()
        }
    }

    fn observe(&self, seen: &Observation) -> Vec<Query> {
        if self.phase == Phase::Before {
            return Vec::new();
        }
        let mut wanted = vec![
            ask_stateful_sets(&self.desired.full_name),
            ask_pods(&self.desired.full_name),
        ];
        wanted.extend(ask_nodes(&self.desired.shards));
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        if self.phase == Phase::Before {
            return nothing("servers are restarted when Helm has changed their templates");
        }
        let mut outdated = match self.outdated(View::new(seen)) {
            Ok(outdated) => outdated,
            Err(unanswered) => return absent(&told(&[unanswered])),
        };
        if outdated.is_empty() {
            return nothing("every server is of the newest template");
        }
        // The order of shards and pods is kept within both.
        outdated.sort_by_key(|(is_master, _)| *is_master);
        let steps = outdated
            .into_iter()
            .map(|(_, renewal)| RedisStep::NodeRestarted {
                shards: self.desired.shards.clone(),
                renewal,
            });
        Planning::Steps(steps.collect())
    }
}
