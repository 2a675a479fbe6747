//! Everything that a release of the chart needs done around an upgrade: its operations in their order.

use midships_engine::runner::Surveys;
use midships_engine::step::Operation;

use crate::add_brokers::AddBrokers;
use crate::change_name_servers::ChangeNameServers;
use crate::desired::{Desired, Phase};
use crate::elected::Elected;
use crate::grow_volumes::GrowVolumes;
use crate::remove_brokers::RemoveBrokers;
use crate::renew_pods::RenewPods;
use crate::restart_brokers::RestartBrokers;
use crate::restart_name_servers::RestartNameServers;
use crate::steps::RocketmqStep;

/// An operation on a release.
type OnRelease = Box<dyn Operation<Step = RocketmqStep>>;

/// One of the operations of a release: it is told who is a master where that is elected.
fn operation<O>(desired: &Desired, phase: Phase, make: fn(Desired, Phase) -> O) -> OnRelease
where
    O: Operation<Step = RocketmqStep> + 'static,
{
    if desired.is_elected() {
        Box::new(Elected::new(desired.clone(), phase, make))
    } else {
        Box::new(make(desired.clone(), phase))
    }
}

/// The operations of a phase.
///
/// Pods that do not serve come first, because everything else waits for them; then brokers learn of the name servers
/// that will list them while one of those is renewed; new groups are filled before anything that serves goes away, because
/// clients turn to them then; brokers are restarted last, as the product's own advice on upgrades has it.
#[must_use]
pub fn operations(desired: &Desired, phase: Phase) -> Vec<OnRelease> {
    let removal = operation(desired, phase, RemoveBrokers::new);
    let mut operations: Vec<OnRelease> = vec![
        Box::new(RenewPods::new(desired.clone(), phase)),
        operation(desired, phase, ChangeNameServers::new),
    ];
    let (first, last) = match phase {
        Phase::After => (Some(removal), None),
        // Brokers that leave are closed as late as possible: until then clients can turn to them while others restart.
        Phase::Before => (None, Some(removal)),
    };
    operations.extend(first);
    operations.push(operation(desired, phase, AddBrokers::new));
    operations.push(Box::new(RestartNameServers::new(desired.clone(), phase)));
    operations.push(operation(desired, phase, RestartBrokers::new));
    operations.extend(last);
    if phase == Phase::Before {
        // The last one: the others look at StatefulSets, which it takes away.
        operations.push(Box::new(GrowVolumes::new(desired.clone())));
    }
    operations
}

/// When they are surveyed: before Helm has changed anything, what one of them refuses is refused before another one acts.
#[must_use]
pub fn surveys(phase: Phase) -> Surveys {
    match phase {
        Phase::Before => Surveys::First,
        Phase::After => Surveys::InTurn,
    }
}
