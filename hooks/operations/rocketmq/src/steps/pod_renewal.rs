//! A pod that does not serve is renewed from the template that its `StatefulSet` has by now.

use midships_engine::step::{Unanswered, Verdict};

use super::{Observation, Silent, is_believed, set_is_newer, wait, wait_again};
use crate::guard;
use crate::view::{View, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Command, Query};

/// What has to be known: the pod, its `StatefulSet`, and whether its server answers.
pub(super) fn queries(silent: &Silent) -> Vec<Query> {
    vec![
        ask_pods(&silent.cluster),
        ask_stateful_sets(&silent.cluster),
        silent.query(),
    ]
}

/// Judges a pod that did not serve when the plan was made. One that serves by now is left to the operations that drain.
pub(super) fn assess(silent: &Silent, seen: &Observation) -> Verdict<Command> {
    match renewed(silent, seen) {
        Ok(verdict) => verdict,
        Err(unanswered) => wait(format!("{}: {}", unanswered.object, unanswered.why)),
    }
}

fn renewed(silent: &Silent, seen: &Observation) -> Result<Verdict<Command>, Unanswered> {
    let view = View::new(seen);
    let cluster = &silent.cluster;
    let pods = view.pods(cluster)?;
    let Some(pod) = pods.iter().find(|pod| pod.name == silent.pod) else {
        return Ok(Verdict::Done);
    };
    if pod.terminating {
        return Ok(wait(view.describe_pod(cluster, &pod.name)));
    }
    let outdated = set_is_newer(pod, &silent.stateful_set, view.stateful_sets(cluster)?)?;
    let Some(clearance) = guard::clear_silent(silent, pod, seen).filter(|_| outdated) else {
        return Ok(Verdict::Done);
    };
    let why = format!(
        "pod {} does not serve and is of an older template",
        pod.name
    );
    if !is_believed(seen) {
        return Ok(wait_again(why));
    }
    Ok(Verdict::Act {
        commands: vec![Command::Restart(clearance)],
        why,
    })
}
