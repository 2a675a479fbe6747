//! Volumes grow, and StatefulSets make room for new ones that ask for as much.

use midships_client_kubernetes::Claim;
use midships_engine::step::{Problem, Unanswered, Verdict};
use serde::{Deserialize, Serialize};

use super::{Observation, of_many, wait};
use crate::guard;
use crate::view::{View, ask_claims, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Command, Query};

const MEBIBYTE: u64 = 1 << 20;

/// A claim that shall have at least so much.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct GrownClaim {
    /// The claim's name.
    pub name: String,
    /// How many mebibytes it shall have.
    pub mebibytes: u64,
}

impl GrownClaim {
    /// Whether a claim asks for as much.
    #[must_use]
    pub fn is_asked(&self, claim: &Claim) -> bool {
        claim
            .requested
            .is_some_and(|bytes| bytes >= self.mebibytes * MEBIBYTE)
    }

    /// Whether the volume has as much.
    #[must_use]
    pub fn is_there(&self, claim: &Claim) -> bool {
        claim
            .capacity
            .is_some_and(|bytes| bytes >= self.mebibytes * MEBIBYTE)
    }
}

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
    let mut commands = Vec::new();
    let mut under_way = Vec::new();
    for wanted in grown {
        let Some(claim) = claims.iter().find(|claim| claim.name == wanted.name) else {
            return Verdict::Fail(Problem {
                object: format!("volume claim {}", wanted.name),
                why: "it does not exist any more".to_owned(),
                remedy: "look who has removed it, then run the upgrade again".to_owned(),
            });
        };
        if !wanted.is_asked(claim) {
            commands.push(Command::GrowClaim {
                name: claim.name.clone(),
                uid: claim.uid.clone(),
                version: claim.version.clone(),
                mebibytes: wanted.mebibytes,
            });
        } else if !wanted.is_there(claim) {
            let growth = claim.growth.as_deref().unwrap_or("asked for");
            under_way.push(format!("{} ({growth})", claim.name));
        }
    }
    let total = (grown.len(), "volumes");
    let waits = "volumes grow: ";
    of_many(commands, "have to grow", &under_way, waits, total)
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
    Ok(match guard::clear_room(set, mebibytes, cluster, view) {
        Ok(room) => Verdict::Act {
            commands: vec![Command::MakeRoom(room)],
            why: format!("StatefulSet {stateful_set} asks for volumes of another size"),
        },
        Err(why) => wait(why),
    })
}
