//! `create_cluster`: the servers of a release become one cluster, and further ones join it.
//!
//! What is there already is gone on with: a creation that was left half-done, a cluster that has got more shards or replicas. It is
//! never begun again over something: slots that are nobody's are given out only as long as no server has a key, and a server
//! that knows nodes of another cluster is refused.

use midships_client_redis::{Request, Slots};
use midships_engine::step::{Limits, Operation, Phase, Planning, Problem};

use crate::desired::Desired;
use crate::layout;
use crate::steps::{Observation, RedisStep, ShardSlots, told, without_master};
use crate::view::{Landscape, View, ask_nodes};
use crate::vocabulary::Query;

/// The operation, for one release; only after Helm has made its pods. Before, it only carries on a plan that is open.
#[derive(Clone, Debug)]
pub struct CreateCluster {
    desired: Desired,
    phase: Phase,
}

impl CreateCluster {
    /// Makes the cluster of a release.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }
}

/// What must not be gone on with.
fn refusal(landscape: &Landscape<'_>) -> Option<Problem> {
    if let Some((server, stranger)) = landscape.strangers().next() {
        return Some(Problem {
            object: format!("pod {}", server.pod),
            why: format!("its server knows the node {} at {}:{}, which is none of this release", stranger.id, stranger.host, stranger.port),
            remedy: "if that node is gone for good, have every server forget it (CLUSTER FORGET); if the pod's volume is of another \
                     cluster, delete its claim; then run the upgrade again"
                .to_owned(),
        });
    }
    for shard in landscape.shards() {
        let owners = landscape
            .of(shard)
            .filter(|one| !one.myself().slots.is_empty());
        let owners: Vec<&str> = owners.map(|one| one.server.pod.as_str()).collect();
        if owners.len() > 1 {
            return Some(Problem {
                object: format!("shard {}", shard.number),
                why: format!("{} each have slots; a shard has one master", owners.join(" and ")),
                remedy: "move all slots of the shard to one of them (redis-cli --cluster reshard), then run the upgrade again".to_owned(),
            });
        }
        if landscape.master(shard).is_none() {
            return Some(without_master(shard));
        }
    }
    None
}

/// The slots that are nobody's, and the shards that shall have them.
fn unowned(landscape: &Landscape<'_>) -> Vec<ShardSlots> {
    let owned = landscape.owned();
    let shards = landscape.shards();
    let ranges = layout::fresh(shards.len());
    let lacking = shards.iter().zip(ranges).map(|(shard, slots)| ShardSlots {
        shard: shard.number,
        slots: slots.without(&owned),
    });
    lacking.filter(|given| !given.slots.is_empty()).collect()
}

impl Operation for CreateCluster {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "create_cluster"
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
        let view = View::new(seen);
        let mut wanted: Vec<Query> = ask_nodes(&self.desired.shards).collect();
        let is_lacking = view
            .landscape(&self.desired.shards)
            .is_ok_and(|landscape| !unowned(&landscape).is_empty());
        if is_lacking {
            let servers = self.desired.servers();
            wanted.extend(servers.map(|server| Query::redis(&server.address, Request::Keys)));
        }
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        if self.phase == Phase::Before {
            return Planning::Nothing {
                why: "servers join when Helm has made them".to_owned(),
            };
        }
        let view = View::new(seen);
        let landscape = match view.landscape(&self.desired.shards) {
            Ok(landscape) => landscape,
            Err(silent) => return unanswering(&told(&silent)),
        };
        if let Some(problem) = refusal(&landscape) {
            return Planning::Refused(problem);
        }
        let shards = self.desired.shards.clone();
        let mut steps = Vec::new();
        let slots = unowned(&landscape);
        if !slots.is_empty() {
            for server in self.desired.servers() {
                match view.keys(server) {
                    Ok(0) => {}
                    Ok(keys) => return Planning::Refused(with_keys(&server.pod, keys, &slots)),
                    Err(unanswered) => return unanswering(&told(&[unanswered])),
                }
            }
            steps.push(RedisStep::SlotsAssigned {
                shards: shards.clone(),
                slots,
            });
        }
        let is_unmet = landscape.servers().any(|one| {
            let mut others = landscape.servers();
            others.any(|other| !one.knows(&other.myself().id))
        });
        if is_unmet {
            steps.push(RedisStep::NodesMet {
                shards: shards.clone(),
            });
        }
        let is_alone = landscape.shards().iter().any(|shard| {
            let masters = landscape.of(shard).filter(|one| one.myself().is_master());
            masters.count() > 1
        });
        if is_alone {
            steps.push(RedisStep::ReplicasAttached {
                shards: shards.clone(),
            });
        }
        if steps.is_empty() {
            return Planning::Nothing {
                why: "all servers are one cluster, and every slot is somebody's".to_owned(),
            };
        }
        steps.push(RedisStep::ClusterServing { shards });
        Planning::Steps(steps)
    }
}

fn with_keys(pod: &str, keys: u64, slots: &[ShardSlots]) -> Problem {
    let slots: Slots = slots.iter().map(|given| &given.slots).collect();
    Problem {
        object: format!("pod {pod}"),
        why: format!("the slots {slots} are nobody's, and its server has {keys} keys: this is not a cluster that is being made"),
        remedy: "bring the server back that had these slots; if it is gone for good, what is to become of them is for a person to say \
                 (redis-cli --cluster fix)"
            .to_owned(),
    }
}

/// A wait for servers that do not answer, and the refusal when that outlasts its limit.
fn unanswering(why: &str) -> Planning<RedisStep> {
    Planning::Wait {
        why: format!("servers do not answer: {why}"),
        otherwise: Problem {
            object: "servers".to_owned(),
            why: format!("these do not answer: {why}"),
            remedy: "bring these pods (or their nodes) up, then run the upgrade again".to_owned(),
        },
    }
}
