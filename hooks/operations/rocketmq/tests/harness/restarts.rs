//! Restarts of brokers and name servers, and volumes that grow, in the engine's harness: killed, repeated, lied to and overtaken at each step.

use std::sync::{Arc, Mutex};

use super::trying::try_out;
use super::upgrade::carry;
use midships_engine::report::Outcome;
use midships_engine::runner;
use midships_engine::simulation::{Ground, SimulatedWorld, Simulation, locked};
use midships_operations_rocketmq::elected::Elected;
use midships_operations_rocketmq::grow_volumes::GrowVolumes;
use midships_operations_rocketmq::renew_pods::RenewPods;
use midships_operations_rocketmq::restart_brokers::RestartBrokers;
use midships_operations_rocketmq::restart_name_servers::RestartNameServers;
use midships_operations_rocketmq::simulation::Cluster;
use midships_operations_rocketmq::simulation::scenario::{
    desired, elected, version, with_encryption, with_name_server_template, with_setting, with_size,
    with_template,
};
use midships_operations_rocketmq::{Desired, Phase};

const REPLICA: &str = "shop-rocketmq-broker-0-replica-1-0";
const RESTARTS: &[&str] = &["broker_restarted", "brokers_registered"];

fn standing(wanted: &Desired, release: &str) -> Cluster {
    Cluster::standing(wanted, version(release))
}

fn synchronous(mut wanted: Desired) -> Desired {
    wanted.synchronous = true;
    wanted
}

#[test]
fn brokers_take_a_newer_image_one_at_a_time() {
    let before = desired(2, 2, 1, true);
    let after = with_template(before.clone(), "b2", "5.5.0");
    let start = standing(&before, "5.4.0").applied(&after);
    let operation = RestartBrokers::new(after, Phase::After);
    let counts = try_out("image", start, &operation, RESTARTS);
    assert_eq!(counts.steps.len(), 5);
}

#[test]
fn where_sends_wait_for_replicas_clients_turn_away_before_one_goes() {
    let before = synchronous(desired(1, 2, 1, true));
    let after = with_template(before.clone(), "b2", "5.4.0");
    let start = standing(&before, "4.9.7").applied(&after);
    let operation = RestartBrokers::new(after, Phase::After);
    let counts = try_out("synchronous", start, &operation, RESTARTS);
    assert_eq!(counts.steps.len(), 5);
}

#[test]
fn elected_masters_hand_their_groups_over_before_they_go() {
    for (name, before) in [
        ("elected", elected(desired(2, 2, 1, true))),
        ("elected-alone", elected(desired(1, 1, 1, true))),
    ] {
        let after = with_template(before.clone(), "b2", "5.5.0");
        let start = standing(&before, "5.4.0").applied(&after);
        let operation = Elected::new(after, Phase::After, RestartBrokers::new);
        let counts = try_out(name, start, &operation, RESTARTS);
        assert_eq!(counts.steps.len(), before.brokers.len() + 1);
    }
}

#[test]
fn a_master_waits_for_a_replica_that_is_far_behind() {
    let before = desired(1, 2, 1, true);
    let after = with_template(before.clone(), "b2", "5.4.0");
    let start = standing(&before, "5.4.0")
        .with_lag(REPLICA, 4_000)
        .applied(&after);
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let mut world = SimulatedWorld::new(&ground, "only");
    let operation = RestartBrokers::new(after, Phase::After);
    let outcome = runner::run(&mut world, &operation, "only").unwrap();
    assert_eq!(outcome, Outcome::Done { changed: true });
    let told: Vec<String> = world.reports.iter().map(ToString::to_string).collect();
    assert!(
        told.iter()
            .any(|line| line.contains("fetches what its master has")),
        "{told:#?}"
    );
    assert_eq!(locked(&ground).violation, None);
}

#[test]
fn what_brokers_take_while_they_run_restarts_none() {
    let before = desired(1, 2, 1, false);
    let after = with_setting(before.clone(), "fileReservedTime", "48");
    let start = standing(&before, "5.4.0").applied(&after);
    let operation = RestartBrokers::new(after, Phase::After);
    let counts = try_out("settings", start, &operation, &["settings_applied"]);
    assert_eq!(counts.steps, ["settings_applied"]);
}

#[test]
fn name_servers_are_renewed_one_at_a_time() {
    for (name, ephemeral) in [("name-servers", false), ("name-servers-ephemeral", true)] {
        let before = desired(2, 2, 0, true);
        let after = with_name_server_template(before.clone(), "n2");
        let mut start = standing(&before, "5.4.0");
        for server in &before.name_servers {
            start = start.with_order_configuration(server, "orders", "shop-rocketmq-broker-0:8");
        }
        if ephemeral {
            start = start.with_ephemeral_storage();
        }
        let operation = RestartNameServers::new(after.clone(), Phase::After);
        let counts = try_out(
            name,
            start.applied(&after),
            &operation,
            &["name_server_restarted"],
        );
        assert_eq!(counts.steps.len(), 2);
    }
}

#[test]
fn a_pod_that_never_came_up_is_made_anew() {
    let wanted = desired(1, 2, 1, true);
    let start = standing(&wanted, "5.4.0").with_broken(REPLICA, "b0");
    let operation = RenewPods::new(wanted, Phase::After);
    let counts = try_out("broken", start, &operation, &["pod_renewed"]);
    assert_eq!(counts.steps, [format!("pod_renewed/{REPLICA}")]);
}

#[test]
fn volumes_grow_before_their_statefulsets_make_room() {
    let before = desired(1, 2, 0, true);
    let after = with_size(before.clone(), 20_480, 2);
    let start = standing(&before, "5.4.0").with_claims();
    let operation = GrowVolumes::new(after);
    let counts = try_out("volumes", start, &operation, &["claims_grown", "room_made"]);
    assert_eq!(counts.steps.len(), 3);
}

#[test]
fn no_volume_becomes_smaller_but_a_rollback_keeps_the_larger_ones() {
    let large = with_size(desired(1, 1, 1, true), 20_480, 2);
    let cluster = standing(&large, "5.4.0").with_claims();
    let (outcome, cluster, _) = carry(
        cluster,
        &with_size(desired(1, 1, 1, true), 10_240, 3),
        Phase::Before,
    );
    let Outcome::Refused(problem) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        problem.object.contains("brokers.storage.size"),
        "{problem:?}"
    );
    let rollback = with_size(desired(1, 1, 1, true), 10_240, 1);
    let (outcome, cluster, told) = carry(cluster, &rollback, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    let state = cluster.state();
    assert_eq!(state.matches("20480 20480 MiB").count(), 2, "{state}");
    let (outcome, cluster, _) = carry(cluster.applied(&rollback), &rollback, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: false });
    let (outcome, _, _) = carry(cluster, &rollback, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: false });
}

/// One upgrade changes everything at once: the number of name servers, their template, that of brokers and a setting.
#[test]
fn an_upgrade_carries_out_every_operation_in_its_order() {
    let before = desired(1, 2, 1, true);
    let after = with_setting(desired(2, 2, 1, true), "fileReservedTime", "48");
    let after = with_name_server_template(with_template(after, "b2", "5.5.0"), "n2");
    let (outcome, cluster, _) = carry(standing(&before, "5.4.0"), &after, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: false });
    let (outcome, cluster, told) = carry(cluster.applied(&after), &after, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    let place = |needle: &str| {
        let found = told.iter().position(|line| line.contains(needle));
        found.unwrap_or_else(|| panic!("nobody told of {needle}: {told:#?}"))
    };
    assert!(place("brokers_told") < place("name_server_restarted"));
    assert!(place("name_server_restarted") < place("broker_restarted"));
    let state = cluster.state();
    assert_eq!(
        state
            .matches("of b2 version 5.5.0 settings 48 listed true")
            .count(),
        4,
        "{state}"
    );
    assert_eq!(state.matches("of n2").count(), 2, "{state}");
    let (outcome, _, _) = carry(cluster, &after, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: false });
}

/// Servers that have a certificate are reached by everybody; those that speak TLS reach nobody else.
#[test]
fn servers_get_a_certificate_before_brokers_speak_tls_and_give_it_up_after_them() {
    let place = |told: &[String], needle: &str| {
        let found = told.iter().position(|line| line.contains(needle));
        found.unwrap_or_else(|| panic!("nobody told of {needle}: {told:#?}"))
    };
    let plain = desired(2, 2, 1, true);
    let encrypted = with_encryption(plain.clone(), true);
    for (before, after) in [(&plain, &encrypted), (&encrypted, &plain)] {
        let (outcome, cluster, _) = carry(standing(before, "5.5.0"), after, Phase::Before);
        assert_eq!(outcome, Outcome::Done { changed: false });
        let (outcome, cluster, told) = carry(cluster.applied(after), after, Phase::After);
        assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
        let (servers, brokers) = (
            place(&told, "name_server_restarted"),
            place(&told, "broker_restarted"),
        );
        assert_eq!(after.encrypted, servers < brokers, "{told:#?}");
        let state = cluster.state();
        assert_eq!(state.matches("listed true").count(), 4, "{state}");
    }
    let refused = |before: &Desired, after: Desired, said: &str| {
        let (outcome, _, _) = carry(standing(before, "5.5.0"), &after, Phase::Before);
        let Outcome::Refused(problem) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(problem.why.contains(said), "{problem:?}");
    };
    for (more, said) in [
        (desired(3, 2, 1, true), "nameServers.count"),
        (desired(2, 3, 1, true), "is added"),
    ] {
        refused(&plain, with_encryption(more.clone(), true), said);
        refused(&encrypted, more, said);
    }
    let elected = elected(plain);
    let before = with_encryption(elected.clone(), true);
    refused(&before, elected, "controllers would give");
}

#[test]
fn brokers_and_name_servers_give_their_certificate_up_one_at_a_time() {
    let plain = desired(2, 2, 0, true);
    let start = standing(&with_encryption(plain.clone(), true), "5.5.0").applied(&plain);
    let operation = RestartBrokers::new(plain, Phase::After);
    let steps = [
        "broker_restarted",
        "brokers_registered",
        "name_server_restarted",
    ];
    let counts = try_out("certificates", start, &operation, &steps);
    assert_eq!(counts.steps.len(), 5);
}

/// What one operation refuses is refused before another one acts.
#[test]
fn a_refusal_comes_before_anything_is_touched() {
    let before = desired(2, 2, 1, true);
    let after = with_template(desired(1, 2, 1, true), "b2", "5.3.0");
    let (outcome, cluster, told) = carry(standing(&before, "5.4.0"), &after, Phase::Before);
    let Outcome::Refused(problem) = outcome else {
        panic!("expected a refusal: {told:#?}")
    };
    assert!(
        problem.why.contains("5.4.0") && problem.why.contains("5.3.0"),
        "{problem:?}"
    );
    assert_eq!(
        cluster.fingerprint(),
        standing(&before, "5.4.0").fingerprint()
    );
}

#[test]
fn what_nobody_has_allowed_or_would_lose_messages_is_refused() {
    let why = |cluster: Cluster, wanted: &Desired| match carry(cluster, wanted, Phase::Before).0 {
        Outcome::Refused(problem) => {
            format!("{}: {}; {}", problem.object, problem.why, problem.remedy)
        }
        other => panic!("{other:?}"),
    };
    let forbidden = desired(1, 2, 1, false);
    let told = why(
        standing(&forbidden, "5.4.0"),
        &with_template(forbidden.clone(), "b2", "5.4.0"),
    );
    assert!(told.contains("brokers.allowRestart"), "{told}");
    let allowed = desired(1, 2, 1, true);
    let told = why(
        standing(&allowed, "5.4.0").with_ephemeral_storage(),
        &with_template(allowed.clone(), "b2", "5.4.0"),
    );
    assert!(told.contains("EmptyDir"), "{told}");
    let told = why(
        standing(&allowed, "4.5.0"),
        &with_template(allowed.clone(), "b2", "5.5.0"),
    );
    assert!(told.contains("4.9.7"), "{told}");
    let told = why(
        standing(&allowed, "5.4.0"),
        &with_template(allowed.clone(), "b2", "newest"),
    );
    assert!(told.contains("newest"), "{told}");
}

/// A pod of an image that does not exist keeps nobody from going back.
#[test]
fn an_upgrade_to_an_image_that_never_came_is_taken_back() {
    let before = desired(1, 2, 1, true);
    let bad = with_template(before.clone(), "b2", "5.5.0");
    let cluster = standing(&before, "5.4.0")
        .with_broken(REPLICA, "b2")
        .applied(&bad);
    let (outcome, cluster, told) = carry(cluster, &before, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: false }, "{told:#?}");
    let (outcome, cluster, told) = carry(cluster.applied(&before), &before, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    let state = cluster.state();
    assert_eq!(state.matches("listed true").count(), 4, "{state}");
}

#[test]
fn two_versions_of_brokers_are_told_apart_by_what_they_answer() {
    let before = desired(1, 1, 1, true);
    let after = with_template(before.clone(), "b2", "5.5.0");
    let (_, cluster, _) = carry(
        standing(&before, "5.4.0").applied(&after),
        &after,
        Phase::After,
    );
    let (outcome, _, _) = carry(cluster, &before, Phase::Before);
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
}
