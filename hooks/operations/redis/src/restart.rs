//! A server's pod is renewed, while every other server serves.

use midships_client_kubernetes::{Pod, StatefulSet};
use midships_client_redis::{Failover, Health, Request};
use midships_engine::step::{Memory, Unanswered, Verdict};
use serde::{Deserialize, Serialize};

use crate::desired::{Server, Shard};
use crate::guard::{self, Clearance};
use crate::steps::{Observation, attached, met, told, waiting, without_master};
use crate::view::{Landscape, Standing, View};
use crate::vocabulary::Command;

/// What is remembered of a server that was seen to be out of date.
const OUTDATED: &str = "outdated";

/// A server whose pod is renewed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Renewal {
    /// The release's full name.
    pub cluster: String,
    /// The name of the pod's StatefulSet.
    pub stateful_set: String,
    /// The number of the shard.
    pub shard: u32,
    /// The server and its pod.
    pub server: Server,
}

/// How far a renewal is, as far as pods tell.
pub(crate) enum Stage<'a> {
    /// Its pod is on its way.
    Waiting(Verdict<Command>),
    /// Its pod is of an older template.
    Outdated {
        /// The pod.
        pod: &'a Pod,
        /// All pods of the release.
        pods: &'a [Pod],
    },
    /// Its pod is of the newest template, and ready.
    Newest,
}

/// Looks how far a renewal is.
///
/// # Errors
/// When Kubernetes does not tell.
pub(crate) fn stage<'a>(renewal: &Renewal, seen: &'a Observation) -> Result<Stage<'a>, Unanswered> {
    let view = View::new(seen);
    let name = &renewal.server.pod;
    let pods = view.pods(&renewal.cluster)?;
    let Some(pod) = pods.iter().find(|pod| pod.name == *name) else {
        let why = format!("pod {name} is being made");
        return Ok(Stage::Waiting(waiting(why, None)));
    };
    if pod.terminating {
        return Ok(Stage::Waiting(waiting(pod.described(), None)));
    }
    let sets = view.stateful_sets(&renewal.cluster)?;
    if is_outdated(&renewal.server, &renewal.stateful_set, sets, pods)? {
        return Ok(if seen.memory.contains_key(OUTDATED) {
            Stage::Outdated { pod, pods }
        } else {
            Stage::Waiting(once_more(format!("pod {name} is of an older template")))
        });
    }
    if !pod.ready {
        return Ok(Stage::Waiting(waiting(pod.described(), None)));
    }
    Ok(Stage::Newest)
}

/// Whether the pod of a server is of an older template than its StatefulSet has. One that is being made is made of the newest.
///
/// # Errors
/// When the StatefulSet does not tell.
pub(crate) fn is_outdated(
    server: &Server,
    stateful_set: &str,
    sets: &[StatefulSet],
    pods: &[Pod],
) -> Result<bool, Unanswered> {
    let unknown = |why: &str| Unanswered {
        object: format!("StatefulSet {stateful_set}"),
        why: why.to_owned(),
    };
    let set = sets.iter().find(|set| set.name == stateful_set);
    let set = set.ok_or_else(|| unknown("does not exist yet"))?;
    let Some(pod) = pods.iter().find(|pod| pod.name == server.pod) else {
        return Ok(false);
    };
    set.is_newer_than(pod).map_err(unknown)
}

/// Judges a server that is renewed.
pub(crate) fn assess(shards: &[Shard], renewal: &Renewal, seen: &Observation) -> Verdict<Command> {
    let view = View::new(seen);
    let landscape = view.landscape(shards);
    match (stage(renewal, seen), landscape) {
        (Err(unanswered), _) => waiting(told(&[unanswered]), None),
        (Ok(Stage::Waiting(verdict)), _) => verdict,
        (Ok(Stage::Outdated { pod, pods }), landscape) => {
            let answers = view.nodes(&renewal.server).is_ok();
            match (guard::clear_silent(pod, answers), landscape) {
                (Some(clearance), _) => evicting(clearance, &pod.name),
                (None, Ok(landscape)) => outdated(&landscape, renewal, pod, pods, view),
                (None, Err(silent)) => once_more(told(&silent)),
            }
        }
        (Ok(Stage::Newest), Ok(landscape)) => renewed(&landscape, renewal, view, seen),
        (Ok(Stage::Newest), Err(silent)) => waiting(told(&silent), None),
    }
}

/// A wait of a server that was seen to be out of date, which the next look may believe: one look may be older than the last change.
pub(crate) fn once_more(why: String) -> Verdict<Command> {
    Verdict::Wait {
        why,
        progress: None,
        memory: Memory::from([(OUTDATED.to_owned(), 1)]),
    }
}

/// What evicts a pod that is cleared for it.
pub(crate) fn evicting(clearance: Clearance, pod: &str) -> Verdict<Command> {
    Verdict::Act {
        commands: vec![Command::Restart(clearance)],
        why: format!("pod {pod} is of an older template"),
    }
}

/// A server that still is as before: a master hands its shard over first.
fn outdated(
    landscape: &Landscape<'_>,
    renewal: &Renewal,
    pod: &Pod,
    pods: &[Pod],
    view: View<'_>,
) -> Verdict<Command> {
    let server = &renewal.server;
    let Some(shard) = landscape
        .shards()
        .iter()
        .find(|shard| shard.number == renewal.shard)
    else {
        return waiting(format!("shard {} is not looked at", renewal.shard), None);
    };
    let Some(master) = landscape.master(shard) else {
        return Verdict::Fail(without_master(shard));
    };
    // Also before a master hands over: nobody else may be away then.
    let clearance = match guard::clear(server, pod, pods, landscape, view) {
        Ok(clearance) => clearance,
        Err(why) => return once_more(why),
    };
    if master.server != server || shard.servers.len() == 1 {
        return evicting(clearance, &pod.name);
    }
    match guard::heir(shard, server, landscape, view) {
        Ok(heir) => Verdict::Act {
            commands: vec![Command::redis(
                &heir.address,
                Request::Failover(Failover::Agreed),
            )],
            why: format!("pod {} takes over from pod {}", heir.pod, server.pod),
        },
        Err(why) => once_more(why),
    }
}

/// A server of the newest template: it is one of the cluster, and has what its master has.
fn renewed(
    landscape: &Landscape<'_>,
    renewal: &Renewal,
    view: View<'_>,
    seen: &Observation,
) -> Verdict<Command> {
    // One whose volume went with its pod is a new node.
    for verdict in [met(landscape, seen), attached(landscape, |_| false)] {
        if !matches!(verdict, Verdict::Done) {
            return verdict;
        }
    }
    let gone = gone(landscape);
    if !gone.is_empty() {
        return Verdict::Act {
            why: "servers still know nodes that are gone".to_owned(),
            commands: gone,
        };
    }
    let name = &renewal.server.pod;
    let state = match view.cluster(&renewal.server) {
        Ok(state) => state.text("cluster_state"),
        Err(unanswered) => return waiting(told(&[unanswered]), None),
    };
    if state != Some("ok") {
        return waiting(
            format!("pod {name} says that the cluster is not well"),
            None,
        );
    }
    let is_replica =
        |one: &Standing<'_>| one.server == &renewal.server && !one.myself().is_master();
    if landscape.servers().any(|one| is_replica(&one))
        && let Err(why) = guard::copied(&renewal.server, view)
    {
        return waiting(why, None);
    }
    Verdict::Done
}

/// What has each server forget nodes that are none of the cluster's servers and have failed.
fn gone(landscape: &Landscape<'_>) -> Vec<Command> {
    let strangers = landscape.strangers();
    let failed = strangers.filter(|(_, node)| node.health == Health::Failed);
    failed
        .map(|(server, node)| Command::redis(&server.address, Request::Forget(node.id.clone())))
        .collect()
}
