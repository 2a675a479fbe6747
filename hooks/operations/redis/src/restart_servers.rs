//! `restart_servers`: servers that are in no cluster take the template that their release has, one at a time, and after them Sentinels.
//!
//! The StatefulSets are updated `OnDelete`, so that Kubernetes leaves the order to this operation: replicas before the master, each
//! only while every other server serves and has what the master has. The master goes last, and its own script hands over before it
//! stops. A single server is away for as long as its restart takes.

use midships_client_kubernetes::{Pod, StatefulSet};
use midships_engine::step::{Limits, Operation, Phase, Planning, Unanswered};

use crate::desired::{Desired, Server};
use crate::restart::{Renewal, is_outdated};
use crate::steps::{Observation, RedisStep, told};
use crate::survey::absent;
use crate::view::{View, ask_pods, ask_replication, ask_stateful_sets};
use crate::vocabulary::Query;

/// The operation, for one release.
#[derive(Clone, Debug)]
pub struct RestartServers {
    desired: Desired,
    phase: Phase,
}

impl RestartServers {
    /// Brings the servers of a release, and its Sentinels, to the templates that it has.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// Those of some servers whose pods are of an older template than their StatefulSet has.
    fn outdated(
        &self,
        servers: &[Server],
        stateful_set: &str,
        sets: &[StatefulSet],
        pods: &[Pod],
    ) -> Result<Vec<Renewal>, Unanswered> {
        let mut outdated = Vec::new();
        for server in servers {
            if is_outdated(server, stateful_set, sets, pods)? {
                outdated.push(Renewal {
                    cluster: self.desired.full_name.clone(),
                    stateful_set: stateful_set.to_owned(),
                    shard: 0,
                    server: server.clone(),
                });
            }
        }
        Ok(outdated)
    }

    /// The servers of the release, in the order of their pods.
    fn servers(&self) -> Vec<Server> {
        self.desired.servers().cloned().collect()
    }

    fn steps(&self, view: View<'_>) -> Result<Vec<RedisStep>, Unanswered> {
        let sets = view.stateful_sets(&self.desired.full_name)?;
        let pods = view.pods(&self.desired.full_name)?;
        let servers = self.servers();
        let set = self.desired.stateful_set(0);
        let mut outdated = self.outdated(&servers, &set, sets, pods)?;
        // The order of pods is kept within each of them.
        outdated.sort_by_key(|renewal| turn(&renewal.server, view));
        let replicas = servers.len().saturating_sub(1);
        let of_servers = outdated
            .into_iter()
            .map(|renewal| RedisStep::ServerRestarted {
                servers: servers.clone(),
                watch: self.desired.watch().cloned(),
                renewal,
            });
        let mut steps: Vec<RedisStep> = of_servers.collect();
        if let Some(watch) = self.desired.watch() {
            let outdated = self.outdated(&watch.sentinels, &watch.stateful_set, sets, pods);
            let of_sentinels = outdated?.into_iter();
            steps.extend(of_sentinels.map(|renewal| RedisStep::SentinelRestarted {
                watch: watch.clone(),
                replicas,
                renewal,
            }));
        }
        Ok(steps)
    }
}

/// When it is a server's turn: one that does not serve first, since others wait for it, and the master last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Turn {
    Silent,
    Replica,
    Master,
}

fn turn(server: &Server, view: View<'_>) -> Turn {
    match view.replication(server).map(|told| told.text("role")) {
        Err(_) => Turn::Silent,
        Ok(Some("master")) => Turn::Master,
        Ok(_) => Turn::Replica,
    }
}

impl Operation for RestartServers {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "restart_servers"
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
        wanted.extend(ask_replication(self.desired.servers()));
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        if self.phase == Phase::Before {
            return nothing("servers are restarted when Helm has changed their templates");
        }
        match self.steps(View::new(seen)) {
            Ok(steps) if steps.is_empty() => nothing("every pod is of the newest template"),
            Ok(steps) => Planning::Steps(steps),
            Err(unanswered) => absent(&told(&[unanswered])),
        }
    }
}
