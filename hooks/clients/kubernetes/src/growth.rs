//! Volumes grow while their pods go on: what each claim is told, and when a `StatefulSet` may make room for one with larger claims.

use midships_engine::step::Problem;
use serde::{Deserialize, Serialize};

use crate::objects::{Claim, Command, ConfigMap, Pod, StatefulSet};

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
    /// The claim of a pod.
    #[must_use]
    pub fn of(pod: &str, mebibytes: u64) -> Self {
        Self {
            name: format!("data-{pod}"),
            mebibytes,
        }
    }

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

/// A claim that is told to ask for more, if it still is that claim of that version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClaimGrowth {
    /// The claim's name.
    pub name: String,
    /// The identity that it must have.
    pub uid: String,
    /// The version that it must have.
    pub version: String,
    /// How many mebibytes it shall ask for.
    pub mebibytes: u64,
}

impl ClaimGrowth {
    /// The command that tells it so.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::GrowClaim {
            name: self.name.clone(),
            uid: self.uid.clone(),
            version: self.version.clone(),
            mebibytes: self.mebibytes,
        }
    }
}

/// How far claims are that shall grow.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Growth {
    /// Those that have to be told.
    pub told: Vec<ClaimGrowth>,
    /// Those whose volumes grow, each with what Kubernetes says of it.
    pub under_way: Vec<String>,
}

/// Looks how far claims are that shall grow.
///
/// # Errors
/// One of them is gone.
pub fn growth(grown: &[GrownClaim], claims: &[Claim]) -> Result<Growth, Problem> {
    let mut growth = Growth::default();
    for wanted in grown {
        let Some(claim) = claims.iter().find(|claim| claim.name == wanted.name) else {
            return Err(Problem {
                object: format!("volume claim {}", wanted.name),
                why: "it does not exist any more".to_owned(),
                remedy: "look who has removed it, then run the upgrade again".to_owned(),
            });
        };
        if !wanted.is_asked(claim) {
            growth.told.push(ClaimGrowth {
                name: claim.name.clone(),
                uid: claim.uid.clone(),
                version: claim.version.clone(),
                mebibytes: wanted.mebibytes,
            });
        } else if !wanted.is_there(claim) {
            let state = claim.growth.as_deref().unwrap_or("asked for");
            growth.under_way.push(format!("{} ({state})", claim.name));
        }
    }
    Ok(growth)
}

/// Leave to delete a `StatefulSet` while its pods run. Only [`clear_room`] can make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Room {
    stateful_set: String,
    uid: String,
}

impl Room {
    /// The name of the `StatefulSet`.
    #[must_use]
    pub fn stateful_set(&self) -> &str {
        &self.stateful_set
    }

    /// The command that deletes it and leaves its pods.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::OrphanPods {
            name: self.stateful_set.clone(),
            uid: self.uid.clone(),
        }
    }
}

/// Clears a `StatefulSet` for its replacement if each of its pods serves, since nobody would make a lost one anew
/// meanwhile, and each of its claims is at least as large as the new ones will ask for.
///
/// # Errors
/// Why not, naming the pods and claims.
pub fn clear_room(
    set: &StatefulSet,
    mebibytes: u64,
    pods: &[Pod],
    claims: &[Claim],
) -> Result<Room, String> {
    for ordinal in 0..set.replicas {
        let name = format!("{}-{ordinal}", set.name);
        match pods.iter().find(|pod| pod.name == name) {
            Some(pod) if pod.ready && !pod.terminating => {}
            Some(pod) => return Err(pod.described()),
            None => return Err(format!("pod {name} does not exist")),
        }
        let wanted = GrownClaim::of(&name, mebibytes);
        let claim = claims.iter().find(|claim| claim.name == wanted.name);
        if !claim.is_some_and(|claim| wanted.is_there(claim)) {
            return Err(format!("volume claim {} has not grown", wanted.name));
        }
    }
    Ok(Room {
        stateful_set: set.name.clone(),
        uid: set.uid.clone(),
    })
}

/// A `StatefulSet` whose claims were made with another size than the desired one.
#[derive(Clone, Debug)]
pub struct Resized<'a> {
    /// The `StatefulSet`.
    pub set: &'a StatefulSet,
    /// How many mebibytes each claim of it was made with.
    pub before: u64,
    /// How many each shall be made with.
    pub after: u64,
    /// The field that says so.
    pub field: &'static str,
}

impl Resized<'_> {
    /// Why it is refused: nothing is made smaller, but a return to an earlier revision keeps what has grown.
    #[must_use]
    pub fn refusal(&self, is_rollback: bool) -> Option<Problem> {
        let Self {
            set,
            before,
            after,
            field,
        } = self;
        (after < before && !is_rollback).then(|| Problem {
            object: (*field).to_owned(),
            why: format!(
                "StatefulSet {} has volumes of {before} MiB and the new values say {after}: a volume cannot \
                 become smaller",
                set.name
            ),
            remedy: format!(
                "set `{field}` to at least {before}Mi; for smaller volumes install a second release and move to it"
            ),
        })
    }

    /// Its claims that have to grow.
    #[must_use]
    pub fn growing(&self, claims: &[Claim]) -> Vec<GrownClaim> {
        let pods = (0..self.set.replicas).map(|ordinal| format!("{}-{ordinal}", self.set.name));
        let wanted = pods.map(|pod| GrownClaim::of(&pod, self.after));
        let mut wanted: Vec<GrownClaim> = wanted.collect();
        wanted.retain(|wanted| {
            let claim = claims.iter().find(|claim| claim.name == wanted.name);
            self.after > self.before && claim.is_some_and(|claim| !wanted.is_there(claim))
        });
        wanted
    }
}

/// Whether a revision is an earlier one than that which stands, of which a `ConfigMap` tells.
#[must_use]
pub fn is_rollback(wanted: Option<u64>, stands: Option<&ConfigMap>) -> bool {
    let stands = stands.and_then(|map| map.data.get("revision")?.parse::<u64>().ok());
    matches!((wanted, stands), (Some(wanted), Some(stands)) if wanted < stands)
}
