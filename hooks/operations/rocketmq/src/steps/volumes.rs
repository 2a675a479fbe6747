//! Volumes grow, and StatefulSets make room for new ones that ask for as much.

use midships_client_kubernetes::growth::{self, GrownClaim};
use midships_engine::step::{Unanswered, Verdict};

use super::{Observation, of_many, wait};
use crate::view::{View, ask_claims, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Command, Query};

/// Judges whether every claim has grown.
pub(super) fn assess_grown(
    cluster: &str,
    grown: &[GrownClaim],
    seen: &Observation,
) -> Verdict<Command> {
    let claims = match View::new(seen).claims(cluster) {
        Ok(claims) => claims,
        Err(unanswered) => return wait(unanswered.why),
    };
    let growth = match growth::growth(grown, claims) {
        Ok(growth) => growth,
        Err(problem) => return Verdict::Fail(problem),
    };
    let commands = growth.told.into_iter().map(Command::GrowClaim).collect();
    let total = (grown.len(), "volumes");
    let waits = "volumes grow: ";
    of_many(commands, "have to grow", &growth.under_way, waits, total)
}

/// What has to be known of a StatefulSet that makes room, of its pods and of its claims.
pub(super) fn room_queries(cluster: &str) -> Vec<Query> {
    vec![
        ask_pods(cluster),
        ask_claims(cluster),
        ask_stateful_sets(cluster),
    ]
}

/// Judges whether a StatefulSet of another size is gone, its pods left running.
pub(super) fn assess_room(
    cluster: &str,
    stateful_set: &str,
    mebibytes: u64,
    seen: &Observation,
) -> Verdict<Command> {
    match made_room(cluster, stateful_set, mebibytes, seen) {
        Ok(verdict) => verdict,
        Err(unanswered) => wait(unanswered.why),
    }
}

fn made_room(
    cluster: &str,
    stateful_set: &str,
    mebibytes: u64,
    seen: &Observation,
) -> Result<Verdict<Command>, Unanswered> {
    let view = View::new(seen);
    let sets = view.stateful_sets(cluster)?;
    let Some(set) = sets.iter().find(|set| set.name == stateful_set) else {
        return Ok(Verdict::Done);
    };
    if set.deleting {
        return Ok(wait(format!("StatefulSet {stateful_set} is being deleted")));
    }
    let (pods, claims) = (view.pods(cluster)?, view.claims(cluster)?);
    Ok(match growth::clear_room(set, mebibytes, pods, claims) {
        Ok(room) => Verdict::Act {
            commands: vec![Command::MakeRoom(room)],
            why: format!("StatefulSet {stateful_set} asks for volumes of another size"),
        },
        Err(why) => wait(why),
    })
}
