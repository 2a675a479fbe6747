//! `change_replicas`: servers of shards, or of a set, that have fewer replicas leave, before Helm takes their pods.
//!
//! The pods that Helm takes are the last ones of each shard, whatever their servers are. So a master among them hands its shard over to
//! a server that stays, and none leaves before all that stay have what their masters have. Then nobody knows those that leave. That a
//! shard is left without any replica is what was asked for; its master stays. Further replicas join when Helm has made them: see
//! `create_cluster`. Of a set that Sentinels watch, it is enough that the master stays: Sentinels forget servers by themselves.

use midships_engine::step::{Limits, Operation, Phase, Planning, Unanswered, Verdict};

use crate::desired::{Desired, Shard, Watch};
use crate::leaving::{LEAST, Leaving};
use crate::steps::{Observation, RedisStep, told, without_master};
use crate::survey::{absent, taking_part};
use crate::view::{View, ask_nodes, ask_stateful_sets};
use crate::vocabulary::Query;

const UNTOLD: &str = "the Kubernetes API does not tell which servers stand";

/// The operation, for one release. In the phase *after* it only carries on a plan that is open.
#[derive(Clone, Debug)]
pub struct ChangeReplicas {
    desired: Desired,
    phase: Phase,
}

/// The shards that stay, as they stand, and of each those servers that stay and those that leave.
struct Parted {
    standing: Vec<Shard>,
    staying: Vec<Shard>,
    leaving: Vec<Shard>,
}

impl ChangeReplicas {
    /// Has servers of a release leave.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// None where it is not known yet.
    fn parted(&self, view: View<'_>) -> Option<Parted> {
        let sets = view.stateful_sets(&self.desired.full_name).ok()?;
        let mut standing = self.desired.standing(sets);
        let find = |number| {
            let mut shards = self.desired.shards.iter();
            shards.find(|shard| shard.number == number)
        };
        standing.retain(|shard| find(shard.number).is_some());
        let part = |shard: &Shard, stays: bool| {
            let wanted = find(shard.number).map_or(&[][..], |wanted| &wanted.servers);
            let mut servers = shard.servers.clone();
            servers.retain(|server| wanted.contains(server) == stays);
            Shard {
                number: shard.number,
                servers,
            }
        };
        let parts = |stays| standing.iter().map(move |shard| part(shard, stays));
        let mut leaving: Vec<Shard> = parts(false).collect();
        leaving.retain(|shard| !shard.servers.is_empty());
        Some(Parted {
            staying: parts(true).collect(),
            leaving,
            standing,
        })
    }
}

impl ChangeReplicas {
    /// Who leaves a set and who stays, if anybody leaves.
    fn leaving(&self, watch: &Watch, view: View<'_>) -> Option<Leaving> {
        let parted = self.parted(view)?;
        let servers = |shards: Vec<Shard>| shards.into_iter().flat_map(|shard| shard.servers);
        let least = self.desired.settings.get(LEAST);
        let set = Leaving {
            cluster: self.desired.full_name.clone(),
            staying: servers(parted.staying).collect(),
            leaving: servers(parted.leaving).collect(),
            watch: watch.clone(),
            least: least.and_then(|value| value.parse().ok()).unwrap_or(0),
        };
        (!set.leaving.is_empty()).then_some(set)
    }

    /// What is to be done where Sentinels watch the servers.
    fn plan_of_set(&self, watch: &Watch, seen: &Observation) -> Planning<RedisStep> {
        let view = View::new(seen);
        if view.stateful_sets(&self.desired.full_name).is_err() {
            return absent(UNTOLD);
        }
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        match self.leaving(watch, view) {
            None => nothing("no server leaves"),
            Some(set) if matches!(set.assess(seen), Verdict::Done) => {
                nothing("none of the servers that leave is the master")
            }
            Some(set) => Planning::Steps(vec![RedisStep::MasterStays { set }]),
        }
    }
}

impl Operation for ChangeReplicas {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "change_replicas"
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
        let mut wanted = vec![ask_stateful_sets(&self.desired.full_name)];
        let view = View::new(seen);
        if let Some(watch) = self.desired.watch() {
            let set = self.leaving(watch, view);
            wanted.extend(set.iter().flat_map(Leaving::queries));
        } else if let Some(parted) = self.parted(view)
            && !parted.leaving.is_empty()
        {
            wanted.extend(ask_nodes(&parted.standing));
        }
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        if self.phase == Phase::After {
            return nothing("servers leave before Helm takes their pods");
        }
        let view = View::new(seen);
        if let Some(watch) = self.desired.watch() {
            return self.plan_of_set(watch, seen);
        }
        let Some(parted) = self.parted(view) else {
            return absent(UNTOLD);
        };
        if parted.leaving.is_empty() {
            return nothing("no shard has fewer replicas");
        }
        let unanswered =
            |silent: &[Unanswered]| absent(&format!("servers do not answer: {}", told(silent)));
        let leaving = match taking_part(&parted.staying, parted.leaving, view) {
            Ok(leaving) => leaving,
            Err(silent) => return unanswered(&silent),
        };
        if leaving.is_empty() {
            return nothing("nobody knows the servers that leave");
        }
        let landscape = match view.landscape(&parted.standing) {
            Ok(landscape) => landscape,
            Err(silent) => return unanswered(&silent),
        };
        for shard in &parted.standing {
            if landscape.master(shard).is_none() {
                return Planning::Refused(without_master(shard));
            }
        }
        Planning::Steps(vec![
            RedisStep::MastersStay {
                shards: parted.standing,
                staying: parted.staying.clone(),
            },
            RedisStep::NodesForgotten {
                staying: parted.staying,
                leaving,
            },
        ])
    }
}
