//! `change_name_servers` in the engine's harness: killed, repeated, lied to and overtaken at each step.

use std::sync::{Arc, Mutex};

use super::trying::try_out;
use midships_engine::journal::Journal;
use midships_engine::report::{Outcome, Report};
use midships_engine::runner;
use midships_engine::simulation::{Fault, Ground, Shared, SimulatedWorld, Simulation, locked};
use midships_engine::step::{Moment, Unanswered};
use midships_engine::world::{
    CommandFault, Interrupted, LeaseRecord, Permit, StoreFault, Stored, World,
};
use midships_operations_rocketmq::change_name_servers::ChangeNameServers;
use midships_operations_rocketmq::simulation::Cluster;
use midships_operations_rocketmq::simulation::scenario::{desired, version};
use midships_operations_rocketmq::{Desired, Phase};

/// The steps of a change that brokers take online.
const ONLINE: &[&str] = &["key_values_copied", "brokers_told", "brokers_registered"];

/// A release whose name servers went from one number to another, as Helm leaves it.
fn applied(from: u32, to: u32, release: &str) -> Cluster {
    let before = desired(from, 2, 1, true);
    let cluster = Cluster::standing(&before, version(release));
    let first = before.name_servers[0].clone();
    let rest = before.name_servers.iter();
    let cluster = rest.fold(cluster, |cluster, server| {
        cluster.with_order_configuration(server, "orders", "shop-rocketmq-broker-0:8")
    });
    assert!(cluster.fingerprint().contains(&first));
    cluster.applied(&desired(to, 2, 1, true))
}

/// When a run says Done, every name server lists every broker already, not only some time later.
#[test]
fn done_means_that_every_name_server_lists_every_broker() {
    for (release, restart) in [("5.4.0", false), ("4.9.3", true)] {
        let operation = ChangeNameServers::new(desired(2, 2, 1, restart), Phase::After);
        let ground = Arc::new(Mutex::new(Ground::new(applied(1, 2, release))));
        let mut world = SimulatedWorld::new(&ground, "only");
        let outcome = runner::run(&mut world, &operation, "only").unwrap();
        assert!(
            matches!(outcome, Outcome::Done { changed: true }),
            "{outcome:?}"
        );
        let state = locked(&ground).simulation.state();
        assert_eq!(state.matches("listed true").count(), 4, "{state}");
        assert_eq!(state.matches("name-server-1").count(), 5, "{state}");
    }
}

#[test]
fn brokers_that_look_again_learn_of_a_second_name_server() {
    let operation = ChangeNameServers::new(desired(2, 2, 1, false), Phase::After);
    let counts = try_out("online-1-to-2", applied(1, 2, "5.4.0"), &operation, ONLINE);
    assert_eq!(counts.steps, ONLINE);
}

#[test]
fn brokers_that_look_rarely_learn_of_a_third_name_server() {
    let operation = ChangeNameServers::new(desired(3, 2, 1, false), Phase::After);
    let start = applied(2, 3, "5.0.0").with_slow_look();
    let counts = try_out("online-2-to-3", start, &operation, ONLINE);
    assert_eq!(counts.steps, ONLINE);
}

#[test]
fn brokers_leave_two_of_three_name_servers() {
    let operation = ChangeNameServers::new(desired(1, 2, 1, false), Phase::Before);
    let start = Cluster::standing(&desired(3, 2, 1, false), version("5.4.0"));
    let steps = &["brokers_told", "brokers_registered", "brokers_released"];
    let counts = try_out("online-3-to-1", start, &operation, steps);
    assert_eq!(counts.steps, steps);
}

#[test]
fn older_brokers_are_restarted_for_a_second_name_server() {
    let operation = ChangeNameServers::new(desired(2, 2, 1, true), Phase::After);
    let steps = &[
        "key_values_copied",
        "broker_restarted",
        "brokers_registered",
    ];
    let counts = try_out("rolling-1-to-2", applied(1, 2, "4.9.3"), &operation, steps);
    assert_eq!(counts.steps.len(), 6);
}

#[test]
fn oldest_brokers_are_restarted_when_a_name_server_left() {
    let operation = ChangeNameServers::new(desired(1, 2, 1, true), Phase::After);
    let steps = &["broker_restarted", "brokers_registered"];
    let counts = try_out("rolling-2-to-1", applied(2, 1, "4.5.0"), &operation, steps);
    assert_eq!(counts.steps.len(), 5);
}

#[test]
fn the_only_master_is_restarted_without_a_drain() {
    let before = desired(1, 1, 0, true);
    let start = Cluster::standing(&before, version("4.9.3")).applied(&desired(2, 1, 0, true));
    let operation = ChangeNameServers::new(desired(2, 1, 0, true), Phase::After);
    let steps = &[
        "key_values_copied",
        "broker_restarted",
        "brokers_registered",
    ];
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let mut world = SimulatedWorld::new(&ground, "only");
    let outcome = runner::run(&mut world, &operation, "only").unwrap();
    assert!(
        matches!(outcome, Outcome::Done { changed: true }),
        "{outcome:?}"
    );
    let told = world
        .reports
        .iter()
        .map(ToString::to_string)
        .collect::<String>();
    assert!(steps.iter().all(|step| told.contains(step)), "{told}");
    assert!(!told.contains("clients turn from"), "{told}");
}

fn carry(ground: &Shared<Cluster>, operation: &ChangeNameServers) -> Outcome {
    match runner::run(
        &mut SimulatedWorld::new(ground, "fresh"),
        operation,
        "fresh",
    ) {
        Ok(outcome) => outcome,
        Err(interrupted) => panic!("{interrupted:?}"),
    }
}

/// A rollback after restarts have begun drops what is left of the plan: it does not first restart
/// the rest for a list that nobody wants any more.
#[test]
fn a_rollback_leaves_a_plan_of_restarts_wherever_it_was_left() {
    let wanted = ChangeNameServers::new(desired(2, 2, 1, true), Phase::After);
    let back = desired(1, 2, 1, true);
    let ground = || Arc::new(Mutex::new(Ground::new(applied(1, 2, "4.9.3"))));
    let whole = ground();
    let mut world = SimulatedWorld::new(&whole, "first");
    runner::run(&mut world, &wanted, "first").unwrap();
    let length = world.trace.len();
    let mut fewest = usize::MAX;
    for at in (0..length).step_by(9) {
        let ground = ground();
        let mut world = SimulatedWorld::new(&ground, "first").with_fault(at, Fault::CrashAfter);
        let _ = runner::run(&mut world, &wanted, "first");
        let before = ChangeNameServers::new(back.clone(), Phase::Before);
        let outcome = carry(&ground, &before);
        assert!(matches!(outcome, Outcome::Done { .. }), "{at}: {outcome:?}");
        {
            let mut ground = locked(&ground);
            ground.simulation = ground.simulation.clone().applied(&back);
        }
        let outcome = carry(&ground, &ChangeNameServers::new(back.clone(), Phase::After));
        assert!(matches!(outcome, Outcome::Done { .. }), "{at}: {outcome:?}");
        let ground = locked(&ground);
        assert_eq!(ground.violation, None, "{at}");
        let state = ground.simulation.state();
        assert_eq!(state.matches("permission 6").count(), 4, "{at}: {state}");
        assert_eq!(state.matches("name-server-1").count(), 0, "{at}: {state}");
        fewest = fewest.min(state.matches("pod 1 ").count());
        assert!(Journal::verify(&ground.journal).unwrap().open().is_none());
    }
    assert_eq!(
        fewest, 0,
        "some run must have come to its end before it was killed"
    );
}

/// The world before the chart is applied for the first time: no journal and no lease.
struct Bare<'a>(SimulatedWorld<'a, Cluster>);

impl World for Bare<'_> {
    type Query = <Cluster as Simulation>::Query;
    type Answer = <Cluster as Simulation>::Answer;
    type Command = <Cluster as Simulation>::Command;

    fn now(&mut self) -> Moment {
        self.0.now()
    }

    fn pause(&mut self, milliseconds: u64) -> Result<(), Interrupted> {
        self.0.pause(milliseconds)
    }

    fn ask(
        &mut self,
        queries: &[Self::Query],
    ) -> Result<Vec<Result<Self::Answer, Unanswered>>, Interrupted> {
        self.0.ask(queries)
    }

    fn perform(&mut self, command: &Self::Command, _permit: &Permit) -> Result<(), CommandFault> {
        panic!("nothing may be commanded without a lease: {command:?}")
    }

    fn read_journal(&mut self) -> Result<Stored, StoreFault> {
        let object = "ConfigMap shop-rocketmq-journal".to_owned();
        Err(StoreFault::Missing { object })
    }

    fn write_journal(&mut self, _journal: &Stored) -> Result<String, StoreFault> {
        panic!("nothing may be written without a lease")
    }

    fn read_lease(&mut self) -> Result<LeaseRecord, StoreFault> {
        let object = "ConfigMap shop-rocketmq-operations".to_owned();
        Err(StoreFault::Missing { object })
    }

    fn write_lease(&mut self, _lease: &LeaseRecord) -> Result<LeaseRecord, StoreFault> {
        panic!("nothing may be written without a lease")
    }

    fn report(&mut self, report: &Report) {
        self.0.report(report);
    }
}

/// Whoever applies the chart for the first time may run the *before* Job before anything stands.
#[test]
fn without_a_lease_all_is_well_where_nothing_stands_and_refused_where_something_does() {
    let run = |desired: &Desired| {
        let cluster = Cluster::standing(desired, version("5.4.0"));
        let ground = Arc::new(Mutex::new(Ground::new(cluster)));
        let mut world = Bare(SimulatedWorld::new(&ground, "only"));
        let operation = ChangeNameServers::new(desired.clone(), Phase::Before);
        runner::run(&mut world, &operation, "only").unwrap()
    };
    let nothing = run(&desired(0, 0, 0, false));
    assert_eq!(nothing, Outcome::Done { changed: false });
    let Outcome::Refused(problem) = run(&desired(1, 2, 1, false)) else {
        panic!("expected a refusal")
    };
    assert!(problem.remedy.contains("--no-hooks"), "{problem:?}");
    assert!(
        problem.object.contains("shop-rocketmq-operations"),
        "{problem:?}"
    );
}
