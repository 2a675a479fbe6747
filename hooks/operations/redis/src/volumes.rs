//! Volumes grow, and StatefulSets make room for new ones that ask for as much.

use midships_client_kubernetes::growth::{self, GrownClaim};
use midships_engine::step::{Progress, Unanswered, Verdict};

use crate::steps::{Observation, told, waiting};
use crate::view::{View, ask_claims, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Command, Query};

/// Judges whether every claim has grown.
pub(crate) fn grown(cluster: &str, claims: &[GrownClaim], seen: &Observation) -> Verdict<Command> {
    let found = match View::new(seen).claims(cluster) {
        Ok(found) => found,
        Err(unanswered) => return waiting(told(&[unanswered]), None),
    };
    let growth = match growth::growth(claims, found) {
        Ok(growth) => growth,
        Err(problem) => return Verdict::Fail(problem),
    };
    let total = claims.len();
    if !growth.told.is_empty() {
        return Verdict::Act {
            why: format!("{} of {total} volumes have to grow", growth.told.len()),
            commands: growth.told.into_iter().map(Command::GrowClaim).collect(),
        };
    }
    if growth.under_way.is_empty() {
        return Verdict::Done;
    }
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let progress = Progress {
        done: count(total - growth.under_way.len()),
        total: count(total),
        unit: "volumes".to_owned(),
    };
    let why = format!("volumes grow: {}", growth.under_way.join("; "));
    waiting(why, Some(progress))
}

/// What has to be known of a StatefulSet that makes room, of its pods and of its claims.
pub(crate) fn room_queries(cluster: &str) -> Vec<Query> {
    vec![
        ask_pods(cluster),
        ask_claims(cluster),
        ask_stateful_sets(cluster),
    ]
}

/// Judges whether a StatefulSet of another size is gone, its pods left running.
pub(crate) fn room(
    cluster: &str,
    stateful_set: &str,
    mebibytes: u64,
    seen: &Observation,
) -> Verdict<Command> {
    made_room(cluster, stateful_set, mebibytes, seen)
        .unwrap_or_else(|unanswered| waiting(told(&[unanswered]), None))
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
        let why = format!("StatefulSet {stateful_set} is being deleted");
        return Ok(waiting(why, None));
    }
    let (pods, claims) = (view.pods(cluster)?, view.claims(cluster)?);
    Ok(match growth::clear_room(set, mebibytes, pods, claims) {
        Ok(room) => Verdict::Act {
            commands: vec![Command::MakeRoom(room)],
            why: format!("StatefulSet {stateful_set} asks for volumes of another size"),
        },
        Err(why) => waiting(why, None),
    })
}
