//! What the surveys of several operations conclude.

use midships_engine::step::{Planning, Problem, Unanswered};

use crate::desired::Shard;
use crate::steps::RedisStep;
use crate::view::View;

/// A wait for something that cannot be told yet, and the refusal when that outlasts its limit.
pub(crate) fn waiting(why: &str, remedy: &str) -> Planning<RedisStep> {
    Planning::Wait {
        why: why.to_owned(),
        otherwise: Problem {
            object: "the cluster".to_owned(),
            why: why.to_owned(),
            remedy: remedy.to_owned(),
        },
    }
}

/// The same for servers and objects that a person has to bring back.
pub(crate) fn absent(why: &str) -> Planning<RedisStep> {
    waiting(why, "bring back what is named, then run the upgrade again")
}

/// Those of the shards that leave that are of the cluster: somebody who stays knows them, or they have slots. The others have been
/// forgotten before, or never came, and what they know may be of then.
pub(crate) fn taking_part(
    staying: &[Shard],
    leaving: Vec<Shard>,
    view: View<'_>,
) -> Result<Vec<Shard>, Vec<Unanswered>> {
    let known = view.landscape(staying)?;
    let mut taking_part = Vec::new();
    for shard in leaving {
        let is_of_the_cluster =
            view.landscape(std::slice::from_ref(&shard))?
                .servers()
                .any(|one| {
                    let myself = one.myself();
                    !myself.slots.is_empty() || known.servers().any(|other| other.knows(&myself.id))
                });
        if is_of_the_cluster {
            taking_part.push(shard);
        }
    }
    Ok(taking_part)
}
