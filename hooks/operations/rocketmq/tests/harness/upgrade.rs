//! What the tests of whole upgrades share: all operations of a phase, one after the other, as a Job runs them.

use std::sync::{Arc, Mutex};

use midships_engine::report::Outcome;
use midships_engine::runner::run_all;
use midships_engine::simulation::{Ground, SimulatedWorld, locked};
use midships_engine::step::Operation;
use midships_operations_rocketmq::release::{operations, surveys};
use midships_operations_rocketmq::simulation::Cluster;
use midships_operations_rocketmq::steps::RocketmqStep;
use midships_operations_rocketmq::{Desired, Phase};

/// Runs everything that a phase of an upgrade does.
pub(super) fn carry(
    cluster: Cluster,
    wanted: &Desired,
    phase: Phase,
) -> (Outcome, Cluster, Vec<String>) {
    let ground = Arc::new(Mutex::new(Ground::new(cluster)));
    let mut world = SimulatedWorld::new(&ground, "only");
    let operations = operations(wanted, phase);
    let listed: Vec<&dyn Operation<Step = RocketmqStep>> =
        operations.iter().map(AsRef::as_ref).collect();
    let outcome = run_all(&mut world, &listed, surveys(phase), "only")
        .unwrap_or_else(|interrupted| panic!("{interrupted:?}"));
    let told = world.reports.iter().map(ToString::to_string).collect();
    let ground = locked(&ground);
    assert_eq!(ground.violation, None);
    (outcome, ground.simulation.clone(), told)
}
