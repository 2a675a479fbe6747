//! Tests of what the survey concludes, on a simulated cluster.

use midships_client_rocketmq::ProductVersion;
use midships_engine::simulation::Simulation;
use midships_engine::step::{Memory, Operation, Planning, Seen, Step};

use super::ChangeNameServers;
use super::steps::ChangeStep;
use crate::desired::Phase;
use crate::simulation::Cluster;
use crate::simulation::scenario::{desired, version};

/// Surveys once, as the engine does: rounds of queries until the operation asks no more.
fn survey(operation: &ChangeNameServers, cluster: &mut Cluster) -> Planning<ChangeStep> {
    let now = cluster.now();
    let mut seen = Seen::new(now, Memory::new());
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

fn plan(
    cluster: &mut Cluster,
    name_servers: u32,
    phase: Phase,
    restart: bool,
) -> Planning<ChangeStep> {
    let desired = desired(name_servers, 2, 1, restart);
    survey(&ChangeNameServers::new(desired, phase), cluster)
}

fn names(planning: &Planning<ChangeStep>) -> Vec<String> {
    match planning {
        Planning::Steps(steps) => steps.iter().map(Step::name).collect(),
        other => panic!("expected steps, got {other:?}"),
    }
}

fn standing(name_servers: u32, version: ProductVersion) -> Cluster {
    Cluster::standing(&desired(name_servers, 2, 1, true), version)
}

#[test]
fn nothing_to_do_where_nothing_changes() {
    for version in ["4.5.0", "4.9.3", "5.4.0"].map(version) {
        for phase in [Phase::Before, Phase::After] {
            let planning = plan(&mut standing(2, version), 2, phase, false);
            assert!(matches!(planning, Planning::Nothing { .. }), "{planning:?}");
        }
    }
}

#[test]
fn brokers_that_look_again_are_told_after_a_new_name_server_serves() {
    let cluster = standing(1, version("5.4.0"));
    let before = plan(&mut cluster.clone(), 2, Phase::Before, false);
    assert!(matches!(before, Planning::Nothing { .. }), "{before:?}");
    let mut applied = cluster.applied(&desired(2, 2, 1, false));
    let early = plan(&mut applied, 2, Phase::After, false);
    assert!(matches!(early, Planning::Wait { .. }), "{early:?}");
    applied.advance(applied.now() + 10_000);
    let after = plan(&mut applied, 2, Phase::After, false);
    assert_eq!(
        names(&after),
        [
            "order_configuration_copied",
            "brokers_told",
            "brokers_registered"
        ]
    );
}

#[test]
fn brokers_that_look_again_leave_before_their_name_server_goes() {
    let mut cluster = standing(3, version("5.4.0"));
    let before = plan(&mut cluster, 1, Phase::Before, false);
    assert_eq!(
        names(&before),
        ["brokers_told", "brokers_registered", "brokers_released"]
    );
}

#[test]
fn older_brokers_are_restarted_one_at_a_time_replicas_first() {
    let mut applied = standing(1, version("4.9.3")).applied(&desired(2, 2, 1, true));
    applied.advance(applied.now() + 10_000);
    let after = plan(&mut applied, 2, Phase::After, true);
    assert_eq!(
        names(&after),
        [
            "order_configuration_copied",
            "broker_restarted/shop-rocketmq-broker-0-replica-1-0",
            "broker_restarted/shop-rocketmq-broker-1-replica-1-0",
            "broker_restarted/shop-rocketmq-broker-0-master-0",
            "broker_restarted/shop-rocketmq-broker-1-master-0",
            "brokers_registered",
        ]
    );
}

fn refusal(planning: &Planning<ChangeStep>) -> String {
    match planning {
        Planning::Refused(problem)
        | Planning::Wait {
            otherwise: problem, ..
        } => {
            format!("{}: {}", problem.object, problem.why)
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn a_restart_that_is_not_allowed_is_refused_before_anything_changes() {
    for (from, to) in [(1, 2), (2, 1)] {
        let planning = plan(
            &mut standing(from, version("4.9.3")),
            to,
            Phase::Before,
            false,
        );
        assert!(
            refusal(&planning).contains("`brokers.allowRestart` is false"),
            "{planning:?}"
        );
    }
}

#[test]
fn a_restart_that_would_lose_messages_is_refused() {
    let mut cluster = standing(1, version("4.5.0")).with_ephemeral_storage();
    let planning = plan(&mut cluster, 2, Phase::Before, true);
    assert!(refusal(&planning).contains("EmptyDir"), "{planning:?}");
}

#[test]
fn an_unknown_version_is_refused() {
    let mut cluster = standing(1, ProductVersion(9_999));
    let planning = plan(&mut cluster, 2, Phase::Before, true);
    assert!(refusal(&planning).contains("is not known"), "{planning:?}");
}

#[test]
fn a_broker_that_is_away_is_waited_for_and_then_named() {
    let away = "shop-rocketmq-broker-1-master-0";
    let mut cluster = standing(1, version("5.4.0")).without_broker(away);
    let planning = plan(&mut cluster, 2, Phase::Before, false);
    assert!(matches!(planning, Planning::Wait { .. }), "{planning:?}");
    assert!(refusal(&planning).contains(away), "{planning:?}");
}

#[test]
fn brokers_of_others_keep_their_name_server() {
    let mut cluster = standing(2, version("5.4.0"));
    cluster.register_stranger("other-broker-0");
    let planning = plan(&mut cluster, 1, Phase::Before, false);
    assert!(
        refusal(&planning).contains("other-broker-0"),
        "{planning:?}"
    );
}

#[test]
fn a_broker_that_would_vanish_is_refused() {
    let mut cluster = standing(1, version("5.4.0"));
    let fewer = ChangeNameServers::new(desired(1, 1, 1, true), Phase::Before);
    let planning = survey(&fewer, &mut cluster);
    assert!(
        refusal(&planning).contains("still holds messages"),
        "{planning:?}"
    );
}

#[test]
fn order_configuration_that_disagrees_is_refused() {
    let before = desired(2, 2, 1, true);
    let [first, second] = [&before.name_servers[0], &before.name_servers[1]];
    let cluster = Cluster::standing(&before, version("5.4.0"))
        .with_order_configuration(first, "orders", "a:8")
        .with_order_configuration(second, "orders", "a:4");
    let mut applied = cluster.applied(&desired(3, 2, 1, true));
    applied.advance(applied.now() + 10_000);
    let planning = plan(&mut applied, 3, Phase::After, true);
    assert!(refusal(&planning).contains("orders"), "{planning:?}");
}

#[test]
fn replacing_all_name_servers_at_once_is_refused_when_none_answers() {
    let mut cluster = standing(1, version("5.4.0"));
    let mut other = desired(1, 2, 1, true);
    other.own_name_servers.clear();
    other.name_servers = vec!["elsewhere.example:9876".to_owned()];
    let planning = survey(&ChangeNameServers::new(other, Phase::Before), &mut cluster);
    assert!(
        refusal(&planning).contains("none of the desired name servers answers"),
        "{planning:?}"
    );
}
