//! Every operation in the engine's harness: killed, repeated, lied to and overtaken at each step.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests are tests"
)]

use std::sync::{Arc, Mutex};

use midships_engine::harness::{Counts, Scenario, exercise};
use midships_engine::report::Outcome;
use midships_engine::runner;
use midships_engine::simulation::{Ground, Obstacle, SimulatedWorld, locked};
use midships_engine::step::{Direction, Operation, Phase};
use midships_model::redis::version::Version;
use midships_operations_redis::change_replicas::ChangeReplicas;
use midships_operations_redis::configure_servers::ConfigureServers;
use midships_operations_redis::create_cluster::CreateCluster;
use midships_operations_redis::grow_volumes::GrowVolumes;
use midships_operations_redis::place_slots::{PlaceSlots, Placing};
use midships_operations_redis::release;
use midships_operations_redis::repair_slots::RepairSlots;
use midships_operations_redis::restart_nodes::RestartNodes;
use midships_operations_redis::restart_servers::RestartServers;
use midships_operations_redis::rotate_passwords::RotatePasswords;
use midships_operations_redis::simulation::{Cluster, desired, single, watched, watched_waiting};
use midships_operations_redis::steps::RedisStep;
use midships_operations_redis::{Desired, Shown};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Two of the servers.
const FIRST: &str = "shop-redis-cluster-shard-0-0";
const SECOND: &str = "shop-redis-cluster-shard-1-0";

/// Steps that only wait.
const WAITING: [&str; 1] = ["cluster_serving"];

/// Tries an operation whose plan has these steps, of which none is undone.
fn try_out<O>(name: &str, start: Cluster, operation: &O, steps: &[&str]) -> Counts
where
    O: Operation<Step = RedisStep> + Sync,
{
    exercised(name, start, operation, steps, steps)
}

/// The same where the slots that were moved are moved back.
fn try_out_undoing<O>(name: &str, start: Cluster, operation: &O, steps: &[&str]) -> Counts
where
    O: Operation<Step = RedisStep> + Sync,
{
    let others: Vec<&str> = steps
        .iter()
        .copied()
        .filter(|step| *step != "slots_placed")
        .collect();
    exercised(name, start, operation, steps, &others)
}

fn exercised<O>(
    name: &str,
    start: Cluster,
    operation: &O,
    steps: &[&str],
    forward: &[&str],
) -> Counts
where
    O: Operation<Step = RedisStep> + Sync,
{
    let waiting: Vec<&str> = steps
        .iter()
        .copied()
        .filter(|step| WAITING.contains(step))
        .collect();
    exercised_waiting(name, start, operation, &waiting, forward)
}

fn exercised_waiting<O>(
    name: &str,
    start: Cluster,
    operation: &O,
    waiting: &[&str],
    forward: &[&str],
) -> Counts
where
    O: Operation<Step = RedisStep> + Sync,
{
    let counts = exercise(Scenario {
        name,
        start,
        operation,
        cannot_act: waiting,
        cannot_undo: forward,
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

#[test]
fn a_cluster_is_made() {
    let wanted = desired(2, 1);
    let start = Cluster::fresh(&wanted);
    let steps = [
        "slots_assigned",
        "nodes_met",
        "replicas_attached",
        "cluster_serving",
    ];
    let counts = try_out(
        "creation",
        start,
        &CreateCluster::new(wanted, Phase::After),
        &steps,
    );
    assert_eq!(counts.steps, steps);
}

#[test]
fn shards_and_replicas_join() {
    let before = desired(2, 1);
    for (name, after) in [
        ("more-shards", desired(3, 1)),
        ("more-replicas", desired(2, 2)),
    ] {
        let start = Cluster::standing(&before).applied(&after);
        let steps = ["nodes_met", "replicas_attached", "cluster_serving"];
        let counts = try_out(
            name,
            start,
            &CreateCluster::new(after, Phase::After),
            &steps,
        );
        assert_eq!(counts.steps, steps);
    }
}

#[test]
fn slots_move_to_shards_that_are_new() {
    let before = desired(2, 0);
    let after = desired(3, 0);
    let joined = Cluster::standing(&after).with_owners(&before);
    let operation = PlaceSlots::new(after, Placing::RebalanceSlots, Phase::After);
    for (name, start) in [
        ("rebalance", joined.clone()),
        ("rebalance-cut", joined.with_cuts(1)),
    ] {
        let counts = try_out(name, start, &operation, &["slots_placed"]);
        assert_eq!(counts.steps, ["slots_placed"]);
    }
}

#[test]
fn slots_leave_shards_that_go() {
    let before = desired(3, 1);
    let after = desired(2, 1);
    let standing = Cluster::standing(&before);
    let operation = PlaceSlots::new(after, Placing::DrainShards, Phase::Before);
    for (name, start) in [
        ("drain", standing.clone()),
        ("drain-cut", standing.with_cuts(1)),
    ] {
        let steps = ["slots_placed", "shards_emptied", "nodes_forgotten"];
        let counts = try_out_undoing(name, start, &operation, &steps);
        assert_eq!(counts.steps, steps);
    }
}

#[test]
fn shards_leave_only_if_their_keys_fit_into_the_others() {
    let (before, after) = (desired(3, 0), desired(2, 0));
    let slot = 12_000.try_into().unwrap();
    let full = Cluster::standing(&before)
        .with_keys("shop-redis-cluster-shard-2-0", slot, 100)
        .with_setting("maxmemory", "40000");
    let (outcome, _, cluster) = run_release(full.clone(), 2, Phase::Before);
    let Outcome::Refused(problem) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(problem.why.contains("shards.count"), "{problem:?}");
    let leaving = "shop-redis-cluster-shard-2-0";
    assert_eq!(cluster.slots_of(leaving), full.slots_of(leaving));
    for (name, value) in [("maxmemory", "80000"), ("maxmemory-policy", "allkeys-lru")] {
        let operation = PlaceSlots::new(after.clone(), Placing::DrainShards, Phase::Before);
        let ground = Arc::new(Mutex::new(Ground::new(
            full.clone().with_setting(name, value),
        )));
        let mut world = SimulatedWorld::new(&ground, "only");
        let outcome = runner::run(&mut world, &operation, "only").unwrap();
        assert_eq!(outcome, Outcome::Done { changed: true }, "{name} {value}");
    }
}

/// A cluster in which somebody was killed who moved slots.
fn left_open() -> Cluster {
    let slots = "0-1499".parse().unwrap();
    Cluster::standing(&desired(3, 0)).with_open(FIRST, SECOND, &slots)
}

#[test]
fn slots_left_open_arrive() {
    let operation = RepairSlots::new(desired(3, 0), Phase::After);
    for (name, start) in [
        ("open", left_open()),
        ("open-cut", left_open().with_cuts(1)),
        ("source-replaced", left_open().with_oblivious(FIRST)),
        ("target-replaced", left_open().with_oblivious(SECOND)),
        (
            "both-replaced",
            left_open().with_oblivious(FIRST).with_oblivious(SECOND),
        ),
    ] {
        let counts = try_out(name, start, &operation, &["slots_repaired"]);
        assert_eq!(counts.steps, ["slots_repaired"]);
    }
}

#[test]
fn slots_on_their_way_from_a_replaced_source_move_on() {
    let (before, after) = (desired(2, 0), desired(3, 0));
    let slots = "0-1499".parse().unwrap();
    let start = Cluster::standing(&after)
        .with_owners(&before)
        .with_open(FIRST, SECOND, &slots)
        .with_oblivious(FIRST);
    let operation = PlaceSlots::new(after, Placing::RebalanceSlots, Phase::After);
    let counts = try_out("rebalance-replaced", start, &operation, &["slots_placed"]);
    assert_eq!(counts.steps, ["slots_placed"]);
}

/// Runs all operations of a phase for shards without replicas; returns what became of them, and what was told.
fn run_phase(
    ground: &Arc<Mutex<Ground<Cluster>>>,
    shards: u32,
    phase: Phase,
) -> (Outcome, Vec<String>) {
    run_operations(ground, &desired(shards, 0), phase)
}

/// The same for what is desired.
fn run_operations(
    ground: &Arc<Mutex<Ground<Cluster>>>,
    wanted: &Desired,
    phase: Phase,
) -> (Outcome, Vec<String>) {
    let mut world = SimulatedWorld::new(ground, "only");
    let operations = release::operations(wanted, phase);
    let operations: Vec<_> = operations.iter().map(AsRef::as_ref).collect();
    let surveys = release::surveys(phase);
    let outcome = runner::run_all(&mut world, &operations, surveys, "only").unwrap();
    let told = world.reports.iter().map(ToString::to_string).collect();
    (outcome, told)
}

/// The same on a cluster that is given; returns that, too.
fn run_release(start: Cluster, shards: u32, phase: Phase) -> (Outcome, Vec<String>, Cluster) {
    run_desired(start, &desired(shards, 0), phase)
}

fn run_desired(start: Cluster, wanted: &Desired, phase: Phase) -> (Outcome, Vec<String>, Cluster) {
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let (outcome, told) = run_operations(&ground, wanted, phase);
    let ground = locked(&ground);
    assert_eq!(ground.violation, None);
    (outcome, told, ground.simulation.clone())
}

#[test]
fn keys_that_clients_are_not_sent_to_are_served_again() {
    let start = left_open().with_oblivious(FIRST).with_oblivious(SECOND);
    assert_eq!(start.hidden(), 2);
    let (outcome, _, cluster) = run_release(start, 3, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true });
    assert_eq!(cluster.hidden(), 0);
}

#[test]
fn of_a_key_with_two_contents_none_is_replaced() {
    let start = left_open().with_oblivious(FIRST).with_other_copies(FIRST);
    let (outcome, _, cluster) = run_release(start.clone(), 3, Phase::After);
    let Outcome::Stuck(problem) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        problem.why.contains("keys with different contents"),
        "{problem:?}"
    );
    let slot = 0.try_into().unwrap();
    for pod in [FIRST, SECOND] {
        let (now, before) = (cluster.keys_of(pod, slot), start.keys_of(pod, slot));
        assert!(before.contains_key(&0));
        assert_eq!(now.get(&0), before.get(&0), "{pod}");
    }
}

#[test]
fn shards_leave_after_what_was_left_open_has_arrived() {
    let start = left_open().with_oblivious(SECOND);
    let (outcome, told, cluster) = run_release(start, 2, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    assert_eq!(cluster.hidden(), 0);
}

#[test]
fn a_server_that_stays_gives_up_a_master_that_leaves() {
    let start = Cluster::standing(&desired(3, 1)).with_copying(
        "shop-redis-cluster-shard-0-1",
        "shop-redis-cluster-shard-2-0",
    );
    let operation = PlaceSlots::new(desired(2, 1), Placing::DrainShards, Phase::Before);
    let steps = ["slots_placed", "shards_emptied", "nodes_forgotten"];
    let counts = try_out_undoing("drain-copying", start, &operation, &steps);
    assert_eq!(counts.steps, steps);
}

#[test]
fn a_plan_that_is_open_is_carried_on_in_the_other_phase() {
    let (before, after) = (desired(2, 0), desired(3, 0));
    let start = Cluster::standing(&after).with_owners(&before);
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let obstacle = ((Direction::Doing, 0), Obstacle::Declined { after: 1 });
    locked(&ground).obstacles.push(obstacle);
    let (outcome, _) = run_phase(&ground, 3, Phase::After);
    assert!(matches!(outcome, Outcome::Stuck(_)));
    locked(&ground).obstacles.clear();
    // Back to two shards: what was begun goes on or back first, and then the third one is emptied.
    let (outcome, _) = run_phase(&ground, 2, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: true });
    let cluster = locked(&ground).simulation.clone();
    assert!(cluster.slots_of("shop-redis-cluster-shard-2-0").is_empty());
}

#[test]
fn servers_take_a_new_template_one_at_a_time() {
    let wanted = desired(2, 1);
    let start = Cluster::standing(&wanted).with_new_template();
    let operation = RestartNodes::new(wanted, Phase::After);
    // Replicas first.
    let steps = [(0, 1), (1, 1), (0, 0), (1, 0)]
        .map(|(shard, place)| format!("node_restarted/shop-redis-cluster-shard-{shard}-{place}"));
    let steps = steps.each_ref().map(String::as_str);
    let counts = exercised("restart", start, &operation, &steps, &["node_restarted"]);
    assert_eq!(counts.steps, steps);
}

#[test]
fn a_single_server_takes_a_new_template() {
    let start = Cluster::standing(&single()).with_new_template();
    let operation = RestartServers::new(single(), Phase::After);
    let steps = ["server_restarted/shop-redis-server-0"];
    let counts = exercised(
        "restart-single",
        start,
        &operation,
        &steps,
        &["server_restarted"],
    );
    assert_eq!(counts.steps, steps);
}

#[test]
fn servers_take_a_new_password_and_leave_the_previous_one_off() {
    let beside = desired(2, 1).showing(Shown::WithPrevious);
    let alone = desired(2, 1);
    let first = alone.servers().next().unwrap().pod.clone();
    for (name, start, wanted) in [
        (
            "password-beside",
            Cluster::standing(&beside).with_former_password(),
            &beside,
        ),
        (
            "password-alone",
            Cluster::standing(&alone).with_password_left(&first),
            &alone,
        ),
    ] {
        for phase in [Phase::Before, Phase::After] {
            let operation = RotatePasswords::new(wanted.clone(), phase);
            let counts = try_out(name, start.clone(), &operation, &["passwords_rotated"]);
            assert_eq!(counts.steps, ["passwords_rotated"]);
        }
    }
}

#[test]
fn clients_of_both_passwords_are_served_until_one_is_gone_from_the_secret() {
    let beside = desired(2, 1).showing(Shown::WithPrevious);
    let start = Cluster::standing(&beside).with_former_password();
    let (outcome, told, cluster) = run_desired(start, &beside, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    assert_eq!(cluster.taking_former_password(), 4);
    let alone = desired(2, 1);
    let start = cluster.applied(&alone);
    let (outcome, told, cluster) = run_desired(start, &alone, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    assert_eq!(cluster.taking_former_password(), 0);
}

#[test]
fn two_passwords_are_refused_where_servers_or_sentinels_take_one() {
    let mut older = desired(2, 1).showing(Shown::WithPrevious);
    older.version = Version::Redis5_0;
    for (wanted, told) in [
        (older, "Redis 5.0.6"),
        (watched(2).showing(Shown::WithPrevious), "Sentinels"),
    ] {
        let (outcome, _, _) = run_desired(Cluster::standing(&wanted), &wanted, Phase::Before);
        let Outcome::Refused(problem) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(problem.why.contains(told), "{problem:?}");
    }
}

/// A server of a set that Sentinels watch.
fn of_set(number: u32) -> String {
    format!("shop-redis-sentinel-server-{number}")
}

#[test]
fn a_master_is_renewed_after_its_replicas_and_before_the_sentinels() {
    let standing = Cluster::standing(&watched(2)).with_new_template();
    let late = standing.clone().with_late_copy(&of_set(1), 30_000);
    let succeeded = standing.clone().with_successor(&of_set(1));
    for (name, start, order) in [
        ("restart-watched", standing, [1, 2, 0]),
        ("restart-watched-late", late, [1, 2, 0]),
        ("restart-watched-succeeded", succeeded, [0, 2, 1]),
    ] {
        let operation = RestartServers::new(watched(2), Phase::After);
        let servers = order.map(|number| format!("server_restarted/{}", of_set(number)));
        let sentinels = [0, 1, 2]
            .map(|number| format!("sentinel_restarted/shop-redis-sentinel-sentinel-{number}"));
        let steps: Vec<&str> = servers
            .iter()
            .chain(&sentinels)
            .map(String::as_str)
            .collect();
        let forward = ["server_restarted", "sentinel_restarted"];
        let counts = exercised(name, start, &operation, &steps, &forward);
        assert_eq!(counts.steps, steps);
    }
}

#[test]
fn the_master_of_a_set_stays_when_servers_leave() {
    let (before, wanted) = (watched_waiting(4, 3), watched_waiting(2, 1));
    let standing = Cluster::standing(&before);
    for (name, start, stays) in [
        ("leave-watched", standing.clone(), true),
        (
            "leave-watched-last",
            standing.clone().with_successor(&of_set(4)),
            false,
        ),
        (
            "leave-watched-late",
            standing
                .clone()
                .with_successor(&of_set(4))
                .with_late_copy(&of_set(1), 30_000),
            false,
        ),
    ] {
        let operation = ChangeReplicas::new(wanted.clone(), Phase::Before);
        let steps = ["master_stays"];
        let counts = exercised(name, start.clone(), &operation, &steps, &steps);
        assert_eq!(counts.steps, steps);
        let former = start.masters().concat();
        let (outcome, told, set) = run_desired(start, &wanted, Phase::Before);
        assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
        let staying = [0, 1, 2].map(of_set);
        let master = set.masters().concat();
        assert!(staying.contains(&master), "{master}");
        assert_eq!(master == former, stays, "{former} to {master}");
        assert_eq!(
            set.setting_of(&of_set(0), "min-replicas-to-write"),
            Some("1")
        );
    }
}

#[test]
fn a_server_that_does_not_answer_may_leave() {
    let start = Cluster::standing(&watched(2)).with_late(&of_set(2), 10_000_000);
    let (outcome, told, set) = run_desired(start, &watched(1), Phase::Before);
    assert!(matches!(outcome, Outcome::Done { .. }), "{told:#?}");
    assert_eq!(set.masters(), [of_set(0)]);
}

#[test]
fn a_replica_that_does_not_serve_is_renewed_first() {
    let start = Cluster::standing(&watched(2))
        .with_new_template()
        .with_late(&of_set(2), 10_000_000);
    let (outcome, told, _) = run_desired(start, &watched(2), Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    let planned = told.iter().find(|line| line.contains("server_restarted"));
    let planned = planned.map_or("", String::as_str);
    let place = |number| planned.find(&of_set(number)).unwrap_or(usize::MAX);
    assert!(place(2) < place(1) && place(1) < place(0), "{planned}");
}

#[test]
fn what_stands_outside_of_a_cluster_is_left_as_it_is() {
    for wanted in [single(), watched(2)] {
        for phase in [Phase::Before, Phase::After] {
            let (outcome, told, _) = run_desired(Cluster::standing(&wanted), &wanted, phase);
            assert_eq!(outcome, Outcome::Done { changed: false }, "{told:#?}");
        }
    }
}

#[test]
fn settings_and_volumes_change_outside_of_a_cluster_too() {
    for mut wanted in [single(), watched(1)] {
        let start = Cluster::standing(&wanted).with_setting("maxmemory-policy", "allkeys-lru");
        let pod = wanted.shards[0].servers[0].pod.clone();
        wanted.volume_mebibytes = Some(2_048);
        let (outcome, told, cluster) = run_desired(start, &wanted, Phase::Before);
        assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
        assert_eq!(cluster.claim_of(&pod), Some(2_048));
        wanted.volume_mebibytes = Some(1_024);
        let start = Cluster::standing(&wanted).with_setting("maxmemory-policy", "allkeys-lru");
        let (outcome, told, cluster) = run_desired(start, &wanted, Phase::After);
        assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
        assert_eq!(
            cluster.setting_of(&pod, "maxmemory-policy"),
            Some("noeviction")
        );
    }
}

/// Servers of two of the shards: the last ones.
const LAST: &str = "shop-redis-cluster-shard-0-2";
const LAST_OF_SECOND: &str = "shop-redis-cluster-shard-1-2";

#[test]
fn replicas_leave() {
    let wanted = desired(2, 1);
    let standing = Cluster::standing(&desired(2, 2));
    let succeeded = standing.clone().with_successor(LAST);
    let late = succeeded
        .clone()
        .with_late_copy("shop-redis-cluster-shard-0-0", 30_000);
    let steps = ["masters_stay", "nodes_forgotten"];
    for (name, start, waiting) in [
        ("fewer-replicas", standing, true),
        ("fewer-replicas-master", succeeded, false),
        ("fewer-replicas-late", late, false),
    ] {
        let operation = ChangeReplicas::new(wanted.clone(), Phase::Before);
        let waiting = if waiting { &steps[..1] } else { &[] };
        let counts = exercised_waiting(name, start, &operation, waiting, &steps);
        assert_eq!(counts.steps, steps);
    }
}

#[test]
fn all_replicas_leave_whoever_is_the_master() {
    let start = Cluster::standing(&desired(3, 2))
        .with_successor(LAST)
        .with_successor(LAST_OF_SECOND);
    let (outcome, told, cluster) = run_desired(start, &desired(3, 0), Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    for (pod, slots) in [
        (FIRST, 5462),
        (SECOND, 5461),
        (LAST, 0),
        (LAST_OF_SECOND, 0),
    ] {
        assert_eq!(cluster.slots_of(pod).len(), slots, "{pod}");
    }
}

#[test]
fn none_leaves_as_long_as_who_stays_lacks_data() {
    let start = Cluster::standing(&desired(3, 1))
        .with_successor("shop-redis-cluster-shard-0-1")
        .with_late_copy(FIRST, 10_000_000);
    let (outcome, told, cluster) = run_desired(start, &desired(3, 0), Phase::Before);
    let (Outcome::Unwound(problem) | Outcome::Stuck(problem)) = outcome else {
        panic!("{outcome:?} {told:#?}");
    };
    assert!(
        problem.why.contains("is not connected to its master"),
        "{problem:?}"
    );
    let kept = cluster.slots_of("shop-redis-cluster-shard-0-1");
    assert_eq!(kept.len(), 5462);
}

#[test]
fn volumes_grow_while_their_pods_go_on() {
    let standing = Cluster::standing(&desired(2, 1));
    let mut wanted = desired(2, 1);
    wanted.volume_mebibytes = Some(2_048);
    let operation = GrowVolumes::new(wanted, Phase::Before);
    let steps = [
        "claims_grown",
        "room_made/shop-redis-cluster-shard-0",
        "room_made/shop-redis-cluster-shard-1",
    ];
    let forward = ["claims_grown", "room_made"];
    let counts = exercised_waiting("volumes", standing, &operation, &[], &forward);
    assert_eq!(counts.steps, steps);
}

#[test]
fn smaller_volumes_are_refused_but_for_a_rollback() {
    let mut wanted = desired(3, 1);
    wanted.volume_mebibytes = Some(512);
    let (outcome, _, _) = run_desired(Cluster::standing(&desired(3, 1)), &wanted, Phase::Before);
    let Outcome::Refused(problem) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(problem.object, "persistence.storage.size");
    assert!(problem.why.contains("cannot become smaller"), "{problem:?}");
    wanted.revision = Some(0);
    let (outcome, _, cluster) =
        run_desired(Cluster::standing(&desired(3, 1)), &wanted, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: true });
    assert!(
        cluster
            .claim_of(FIRST)
            .is_some_and(|mebibytes| mebibytes == 1_024)
    );
}

#[test]
fn running_servers_take_other_settings() {
    let wanted = desired(2, 1);
    let start = Cluster::standing(&wanted)
        .with_setting("maxmemory-policy", "allkeys-lru")
        .with_setting("maxmemory", "0");
    let operation = ConfigureServers::new(wanted, Phase::After);
    let counts = try_out("settings", start, &operation, &["servers_configured"]);
    assert_eq!(counts.steps, ["servers_configured"]);
}

#[test]
fn a_setting_that_no_server_knows_is_refused_by_its_field() {
    let mut wanted = desired(3, 1);
    let start = Cluster::standing(&wanted);
    for (named, expected) in [
        (&["hz"][..], None),
        (
            &["hz", "no-such-setting"],
            Some("tuning.configuration.no-such-setting"),
        ),
    ] {
        wanted.named = named.iter().map(|name| (*name).to_owned()).collect();
        let (outcome, _, _) = run_desired(start.clone(), &wanted, Phase::Before);
        let found = match outcome {
            Outcome::Refused(problem) => Some(problem.object),
            _ => None,
        };
        assert_eq!(found.as_deref(), expected);
    }
    // Of another version nothing can be said before it runs.
    wanted.version = Version::Redis8_0;
    let (outcome, _, _) = run_desired(start, &wanted, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: false });
}

#[test]
fn ports_of_nodes_that_servers_announce_are_not_closed() {
    let mut wanted = desired(1, 0);
    let start = Cluster::standing(&wanted)
        .with_setting("cluster-announce-bus-port", "30800")
        .with_setting("cluster-announce-port", "30000");
    for (ports, is_refused) in [
        (vec![], true),
        (vec![30_000, 30_801], true),
        (vec![30_000, 30_800], false),
        (vec![30_000, 30_400, 30_800], false),
    ] {
        wanted.node_ports = ports;
        let (outcome, _, _) = run_desired(start.clone(), &wanted, Phase::Before);
        let found = match outcome {
            Outcome::Refused(problem) => problem.object == "outside",
            _ => false,
        };
        assert_eq!(found, is_refused, "{:?}", wanted.node_ports);
    }
    // Who announces none may get some, and none goes on with none.
    for ports in [vec![], vec![30_000, 30_800]] {
        wanted.node_ports = ports;
        let start = Cluster::standing(&wanted).with_setting("cluster-announce-bus-port", "0");
        let (outcome, _, _) = run_desired(start, &wanted, Phase::Before);
        assert_eq!(outcome, Outcome::Done { changed: false });
    }
    assert_eq!(wanted.node_ports_of(2, 1), [30_011, 30_811]);
}

#[test]
fn a_server_that_is_renewed_reads_its_settings_itself() {
    let wanted = desired(3, 1);
    // As servers of an older version: they know fewer settings, and their pods are about to be renewed.
    let start = Cluster::standing(&wanted)
        .without_setting("lazyfree-lazy-user-flush")
        .with_new_template();
    let (outcome, told, cluster) = run_desired(start, &wanted, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    let has = cluster.setting_of(FIRST, "lazyfree-lazy-user-flush");
    assert_eq!(has, Some("yes"));
    let start = Cluster::standing(&wanted).without_setting("lazyfree-lazy-user-flush");
    let (outcome, _, _) = run_desired(start, &wanted, Phase::After);
    let Outcome::Refused(problem) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(problem.object, "tuning.lazyFreeing");
}

#[test]
fn goes_that_fail_in_a_row_are_given_up() {
    let (before, after) = (desired(2, 0), desired(3, 0));
    let start = Cluster::standing(&after).with_owners(&before);
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let obstacle = ((Direction::Doing, 0), Obstacle::Declined { after: 1 });
    locked(&ground).obstacles.push(obstacle);
    let mut world = SimulatedWorld::new(&ground, "only");
    let operation = PlaceSlots::new(after, Placing::RebalanceSlots, Phase::After);
    let outcome = runner::run(&mut world, &operation, "only").unwrap();
    let Outcome::Stuck(problem) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(problem.why.contains("5 attempts in a row"), "{problem:?}");
}

/// Runs the operation once; returns what became of it and what was told.
fn run(start: Cluster, shards: u32, replicas: u32) -> (Outcome, Vec<String>) {
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let mut world = SimulatedWorld::new(&ground, "only");
    let operation = CreateCluster::new(desired(shards, replicas), Phase::After);
    let outcome = runner::run(&mut world, &operation, "only").unwrap();
    assert_eq!(locked(&ground).violation, None);
    let told = world.reports.iter().map(ToString::to_string).collect();
    (outcome, told)
}

#[test]
fn a_pod_that_comes_late_is_waited_for_and_named() {
    let wanted = desired(3, 1);
    let start = Cluster::fresh(&wanted).with_late("shop-redis-cluster-shard-1-0", 180_000);
    let (outcome, told) = run(start, 3, 1);
    assert_eq!(outcome, Outcome::Done { changed: true });
    assert!(
        told.iter()
            .any(|line| line.contains("pod shop-redis-cluster-shard-1-0: connection refused")),
        "{told:#?}"
    );
}

#[test]
fn what_stands_is_left_as_it_is() {
    let wanted = desired(3, 1);
    let (outcome, _) = run(Cluster::standing(&wanted), 3, 1);
    assert_eq!(outcome, Outcome::Done { changed: false });
}

#[test]
fn a_cluster_is_never_made_over_data() {
    let wanted = desired(3, 1);
    let slots = "0-99".parse().unwrap();
    let lost = Cluster::standing(&wanted).without_slots("shop-redis-cluster-shard-0-0", &slots);
    let filled =
        Cluster::fresh(&wanted).with_keys("shop-redis-cluster-shard-2-1", 0.try_into().unwrap(), 7);
    let id = "00000000000000000000000000000000000000ff".parse().unwrap();
    let foreign = Cluster::fresh(&wanted).with_stranger("shop-redis-cluster-shard-1-1", &id);
    for (start, expected) in [
        (lost, "the slots 0-99 are nobody's"),
        (filled, "its server has 7 keys"),
        (
            foreign,
            "knows the node 00000000000000000000000000000000000000ff",
        ),
    ] {
        let before = format!("{start:?}");
        let (outcome, told) = run(start, 3, 1);
        assert!(
            matches!(outcome, Outcome::Refused(_)),
            "{outcome:?} {before}"
        );
        assert!(told.iter().any(|line| line.contains(expected)), "{told:#?}");
    }
}
