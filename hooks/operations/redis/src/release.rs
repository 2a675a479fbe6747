//! Everything that a release needs done around an upgrade: its operations in their order.

use midships_engine::runner::Surveys;
use midships_engine::step::{Operation, Phase};

use crate::change_replicas::ChangeReplicas;
use crate::configure_servers::ConfigureServers;
use crate::create_cluster::CreateCluster;
use crate::desired::Desired;
use crate::grow_volumes::GrowVolumes;
use crate::keep_node_ports::KeepNodePorts;
use crate::place_slots::{PlaceSlots, Placing};
use crate::repair_slots::RepairSlots;
use crate::restart_nodes::RestartNodes;
use crate::restart_servers::RestartServers;
use crate::rotate_passwords::RotatePasswords;
use crate::steps::RedisStep;

/// An operation on a release.
type OnRelease = Box<dyn Operation<Step = RedisStep>>;

/// The operations of a phase, which are all of them, so that a plan that is open is carried on in whichever phase meets it.
///
/// Servers of a cluster are one before slots are repaired, no slot is half moved when others begin to, and none is on its way when a
/// master goes.
#[must_use]
pub fn operations(desired: &Desired, phase: Phase) -> Vec<OnRelease> {
    if !desired.is_cluster() {
        return vec![
            Box::new(RotatePasswords::new(desired.clone(), phase)),
            Box::new(ChangeReplicas::new(desired.clone(), phase)),
            Box::new(ConfigureServers::new(desired.clone(), phase)),
            Box::new(RestartServers::new(desired.clone(), phase)),
            Box::new(GrowVolumes::new(desired.clone(), phase)),
        ];
    }
    let placing = |placing| Box::new(PlaceSlots::new(desired.clone(), placing, phase));
    vec![
        Box::new(KeepNodePorts::new(desired.clone(), phase)),
        // Others show servers the password, and have them show it to each other.
        Box::new(RotatePasswords::new(desired.clone(), phase)),
        Box::new(CreateCluster::new(desired.clone(), phase)),
        Box::new(RepairSlots::new(desired.clone(), phase)),
        placing(Placing::DrainShards),
        Box::new(ChangeReplicas::new(desired.clone(), phase)),
        placing(Placing::RebalanceSlots),
        Box::new(ConfigureServers::new(desired.clone(), phase)),
        Box::new(RestartNodes::new(desired.clone(), phase)),
        // The last one: others look at StatefulSets, which it takes away.
        Box::new(GrowVolumes::new(desired.clone(), phase)),
    ]
}

/// When they are surveyed: before Helm has changed anything, what one of them refuses is refused before another one acts.
#[must_use]
pub fn surveys(phase: Phase) -> Surveys {
    match phase {
        Phase::Before => Surveys::First,
        Phase::After => Surveys::InTurn,
    }
}
