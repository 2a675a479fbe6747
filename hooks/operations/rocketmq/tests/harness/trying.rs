//! What the tests of operations share: an operation in the engine's harness, with the steps that can be tried in it.

use midships_engine::harness::{Counts, Scenario, exercise};
use midships_engine::simulation::Simulation;
use midships_engine::step::Operation;
use midships_operations_rocketmq::steps::RocketmqStep;
use midships_operations_rocketmq::{Answer, Command, Query};

/// Whether a step performs commands, doing and undoing. The others only wait, are news that do no harm, or are restarts
/// or copies, which stay.
fn acts(step: &str) -> (bool, bool) {
    match step {
        "brokers_told"
        | "settings_applied"
        | "groups_marked"
        | "order_configuration_shortened"
        | "masters_closed"
        | "topic_claimed"
        | "groups_in_target"
        | "topic_in_target"
        | "source_closed" => (true, true),
        "key_values_copied"
        | "broker_restarted"
        | "master_handed_over"
        | "brokers_forgotten"
        | "name_server_restarted"
        | "pod_renewed"
        | "claims_grown"
        | "room_made"
        | "subscription_groups_copied"
        | "topics_copied"
        | "offsets_begun"
        | "topics_equal"
        | "order_configuration_extended"
        | "marks_removed"
        | "groups_drained"
        | "masters_opened"
        | "topic_deleted"
        | "groups_deleted"
        | "claim_released" => (true, false),
        _ => (false, false),
    }
}

/// Tries an operation of which these steps are known by name, and tells the counts.
pub(super) fn try_out<S, O>(name: &str, start: S, operation: &O, steps: &[&'static str]) -> Counts
where
    S: Simulation<Query = Query, Answer = Answer, Command = Command> + Send,
    O: Operation<Step = RocketmqStep> + Sync,
{
    try_out_acting(name, start, operation, steps, &[])
}

/// The same where these steps perform commands as well, in this world.
pub(super) fn try_out_acting<S, O>(
    name: &str,
    start: S,
    operation: &O,
    steps: &[&'static str],
    acting: &[&str],
) -> Counts
where
    S: Simulation<Query = Query, Answer = Answer, Command = Command> + Send,
    O: Operation<Step = RocketmqStep> + Sync,
{
    let without = |acts: &dyn Fn(&str) -> bool| -> Vec<&str> {
        steps.iter().copied().filter(|step| !acts(step)).collect()
    };
    let counts = exercise(Scenario {
        name,
        start,
        operation,
        cannot_act: &without(&|step| acts(step).0 || acting.contains(&step)),
        cannot_undo: &without(&|step| acts(step).1),
        schedules: 100,
        only: None,
    });
    match counts {
        Ok(counts) => {
            println!("{counts}");
            counts
        }
        Err(failure) => panic!("{failure}"),
    }
}
