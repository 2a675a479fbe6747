//! `restart_nodes`: servers take a new image, new resources or settings that need a restart, one at a time.
//!
//! Replicas first. A master hands its shard over to a replica that has what it has, and goes when it is a replica itself: clients
//! wait for the time that the two need to agree, and nothing that was acknowledged is lost. Who is a master is what the cluster says
//! at each look.

use midships_engine::step::{Limits, Operation, Phase, Planning, Problem, Unanswered};

use crate::desired::{Desired, Shard};
use crate::restart::Renewal;
use crate::steps::{Observation, RedisStep, told};
use crate::view::{View, ask_nodes};
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
    fn outdated(&self, view: View<'_>) -> Result<Vec<(bool, Shard, usize)>, Unanswered> {
        let sets = view.stateful_sets(&self.desired.stateful_sets())?;
        let pods = view.pods(&self.desired.pods())?;
        let mut outdated = Vec::new();
        for shard in &self.desired.shards {
            let name = self.desired.stateful_set(shard.number);
            let set = sets.iter().find(|set| set.name == name);
            let set = set.ok_or_else(|| Unanswered {
                object: format!("StatefulSet {name}"),
                why: "does not exist yet".to_owned(),
            })?;
            for (place, server) in shard.servers.iter().enumerate() {
                // One that is being made is made of the newest template.
                let Some(pod) = pods.iter().find(|pod| pod.name == server.pod) else {
                    continue;
                };
                let is_outdated = set.is_newer_than(pod).map_err(|why| Unanswered {
                    object: format!("StatefulSet {name}"),
                    why: why.to_owned(),
                })?;
                if is_outdated {
                    let nodes = view.nodes(server)?;
                    let is_master = nodes.myself.is_master() && !nodes.myself.slots.is_empty();
                    outdated.push((is_master, shard.clone(), place));
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
            Query::Kubernetes(self.desired.stateful_sets()),
            Query::Kubernetes(self.desired.pods()),
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
            Err(unanswered) => {
                let why = told(&[unanswered]);
                return Planning::Wait {
                    why: why.clone(),
                    otherwise: Problem {
                        object: "the cluster".to_owned(),
                        why,
                        remedy: "bring back what is named, then run the upgrade again".to_owned(),
                    },
                };
            }
        };
        if outdated.is_empty() {
            return nothing("every server is of the newest template");
        }
        // The order of shards and pods is kept within both.
        outdated.sort_by_key(|(is_master, _, _)| *is_master);
        let steps = outdated
            .into_iter()
            .map(|(_, shard, place)| RedisStep::NodeRestarted {
                shards: self.desired.shards.clone(),
                renewal: Renewal {
                    cluster: self.desired.full_name.clone(),
                    stateful_set: self.desired.stateful_set(shard.number),
                    shard: shard.number,
                    server: shard.servers[place].clone(),
                },
            });
        Planning::Steps(steps.collect())
    }
}
