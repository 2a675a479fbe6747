//! What the tests of surveys share: a survey on a simulated cluster, and what it concludes in words.

use midships_engine::simulation::Simulation;
use midships_engine::step::{Memory, Operation, Planning, Seen, Step};

use crate::simulation::Cluster;
use crate::steps::RocketmqStep;
use crate::vocabulary::{Answer, Query};

/// Surveys once, as the engine does: rounds of queries until the operation asks no more.
pub fn surveyed<O>(operation: &O, cluster: &mut Cluster) -> Planning<RocketmqStep>
where
    O: Operation<Step = RocketmqStep>,
{
    let now = cluster.now();
    let mut seen: Seen<Query, Answer> = Seen::new(now, Memory::new());
    for _ in 0..operation.limits().rounds {
        let queries = operation.observe(&seen);
        if queries.is_empty() {
            return operation.plan(&seen);
        }
        for query in queries {
            let answer = cluster.ask(now, &query);
            seen.answers.insert(query, answer);
        }
    }
    panic!(
        "the survey took more than {} rounds",
        operation.limits().rounds
    );
}

/// The names of the steps of a plan.
pub fn names(planning: &Planning<RocketmqStep>) -> Vec<String> {
    match planning {
        Planning::Steps(steps) => steps.iter().map(Step::name).collect(),
        other => panic!("expected steps, got {other:?}"),
    }
}

/// A refusal, or what a wait ends in.
pub fn refusal(planning: &Planning<RocketmqStep>) -> String {
    match planning {
        Planning::Refused(problem)
        | Planning::Wait {
            otherwise: problem, ..
        } => format!("{}: {}; {}", problem.object, problem.why, problem.remedy),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Why there is nothing to do.
pub fn nothing(planning: &Planning<RocketmqStep>) -> &str {
    match planning {
        Planning::Nothing { why } => why,
        other => panic!("expected nothing, got {other:?}"),
    }
}
