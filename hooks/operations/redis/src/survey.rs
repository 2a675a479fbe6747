//! What the surveys of several operations conclude.

use midships_engine::step::{Planning, Problem};

use crate::steps::RedisStep;

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
