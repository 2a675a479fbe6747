//! Tests of what the survey concludes, on a simulated cluster.

use std::sync::{Arc, Mutex};

use midships_client_kubernetes::{self as kubernetes, DataVolume, StatefulSet};
use midships_client_rocketmq::ProductVersion;
use midships_engine::journal::Plan;
use midships_engine::report::Outcome;
use midships_engine::runner;
use midships_engine::simulation::{Ground, SimulatedWorld, Simulation, locked};
use midships_engine::step::{Direction, Memory, Planning, Seen, Step, Verdict};

use super::ChangeNameServers;
use crate::desired::{Desired, Phase};
use crate::fixed;
use crate::simulation::Cluster;
use crate::simulation::scenario::{desired, version};
use crate::steps::{Reason, RocketmqStep, Scene};
use crate::surveying::{names, surveyed};
use crate::vocabulary::Command;

fn plan(
    cluster: &mut Cluster,
    name_servers: u32,
    phase: Phase,
    restart: bool,
) -> Planning<RocketmqStep> {
    let desired = desired(name_servers, 2, 1, restart);
    surveyed(&ChangeNameServers::new(desired, phase), cluster)
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
        ["key_values_copied", "brokers_told", "brokers_registered"]
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
            "key_values_copied",
            "broker_restarted/shop-rocketmq-broker-0-replica-1-0",
            "broker_restarted/shop-rocketmq-broker-1-replica-1-0",
            "broker_restarted/shop-rocketmq-broker-0-master-0",
            "broker_restarted/shop-rocketmq-broker-1-master-0",
            "brokers_registered",
        ]
    );
}

fn refusal(planning: &Planning<RocketmqStep>) -> String {
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
fn own_name_servers_are_not_given_up() {
    let mut cluster = standing(1, version("5.4.0"));
    let mut other = desired(1, 2, 1, true);
    other.own_name_servers.clear();
    other.name_servers = vec!["elsewhere.example:9876".to_owned()];
    let planning = surveyed(&ChangeNameServers::new(other, Phase::Before), &mut cluster);
    assert!(
        refusal(&planning).contains("nameServers.source"),
        "{planning:?}"
    );
}

#[test]
fn name_servers_that_have_none_in_common_with_the_old_ones_are_refused() {
    let elsewhere = |names: &[&str]| {
        let mut desired = desired(1, 2, 1, true);
        desired.own_name_servers.clear();
        desired.name_servers = names.iter().map(|name| format!("{name}:9876")).collect();
        desired
    };
    for release in ["4.9.3", "5.4.0"] {
        let mut cluster = Cluster::standing(&elsewhere(&["a"]), version(release));
        let other = ChangeNameServers::new(elsewhere(&["b"]), Phase::Before);
        let planning = surveyed(&other, &mut cluster);
        assert!(
            refusal(&planning).contains("none of them is among the desired ones"),
            "{planning:?}"
        );
        let more = ChangeNameServers::new(elsewhere(&["a", "b"]), Phase::Before);
        let planning = surveyed(&more, &mut cluster);
        assert!(matches!(planning, Planning::Nothing { .. }), "{planning:?}");
    }
}

#[test]
fn what_others_have_set_on_their_name_servers_stays() {
    let mut before = desired(1, 2, 1, true);
    before.own_name_servers.clear();
    let mut after = before.clone();
    after.name_servers.push("theirs:9876".to_owned());
    let cluster = Cluster::standing(&before, version("5.4.0"))
        .with_order_configuration(&before.name_servers[0], "orders", "a:8")
        .applied(&after);
    for (key, agrees) in [("payments", true), ("orders", false)] {
        let mut cluster = cluster
            .clone()
            .with_order_configuration("theirs:9876", key, "theirs:4");
        cluster.advance(cluster.now() + 10_000);
        let operation = ChangeNameServers::new(after.clone(), Phase::After);
        let Planning::Steps(steps) = surveyed(&operation, &mut cluster) else {
            panic!("expected steps");
        };
        let mut seen = Seen::new(cluster.now(), Memory::new());
        for query in steps[0].observe(Direction::Doing, &seen) {
            let answer = cluster.ask(cluster.now(), &query);
            seen.answers.insert(query, answer);
        }
        match steps[0].assess(Direction::Doing, &seen) {
            Verdict::Act { commands, .. } if agrees => {
                assert_eq!(commands.len(), 1, "{commands:?}");
                assert!(
                    format!("{commands:?}").contains("PutKeyValue"),
                    "{commands:?}"
                );
            }
            Verdict::Fail(problem) if !agrees => {
                assert!(problem.why.contains("theirs:4"), "{problem:?}");
            }
            verdict => panic!("{verdict:?}"),
        }
    }
}

#[test]
fn no_broker_is_restarted_while_a_master_is_closed() {
    let closed = "shop-rocketmq-broker-1-master-0";
    let mut cluster = standing(1, version("4.9.3")).with_closed(closed);
    let planning = plan(&mut cluster, 2, Phase::Before, true);
    assert!(matches!(planning, Planning::Wait { .. }), "{planning:?}");
    assert!(
        refusal(&planning).contains("closed for writing"),
        "{planning:?}"
    );
    assert!(refusal(&planning).contains(closed), "{planning:?}");
    let mut newer = standing(1, version("5.4.0")).with_closed(closed);
    let planning = plan(&mut newer, 2, Phase::Before, true);
    assert!(matches!(planning, Planning::Nothing { .. }), "{planning:?}");
}

#[test]
fn a_preview_that_says_the_ordinal_of_a_release_is_refused() {
    let mut cluster = standing(1, version("5.0.0")).with_description("V5_0_0_PREVIEW");
    let planning = plan(&mut cluster, 2, Phase::Before, true);
    assert!(refusal(&planning).contains("is not known"), "{planning:?}");
}

/// The plan of the largest release with the longest names must fit into the journal.
#[test]
fn the_largest_release_has_room_in_the_journal() {
    let long = |desired: Desired| -> Desired {
        let text = serde_json::to_string(&desired)
            .unwrap()
            .replace("shop-rocketmq", &"r".repeat(40))
            .replace("test.svc", &format!("{}.svc", "n".repeat(63)));
        serde_json::from_str(&text).unwrap()
    };
    let cluster = Cluster::standing(&long(desired(8, 32, 4, true)), version("4.9.3"));
    let after = long(desired(9, 32, 4, true));
    let mut applied = cluster.applied(&after);
    applied.advance(applied.now() + 10_000);
    let operation = ChangeNameServers::new(after, Phase::After);
    let Planning::Steps(steps) = surveyed(&operation, &mut applied) else {
        panic!("expected steps");
    };
    assert_eq!(steps.len(), 162);
    let plan = Plan::freeze(&operation, &steps, 1, 0).unwrap();
    assert_eq!(plan.decode::<RocketmqStep>().unwrap(), steps);
}

fn stands(change: impl FnOnce(&mut StatefulSet)) -> Vec<StatefulSet> {
    let mut set = StatefulSet {
        name: "shop-rocketmq-broker-0-master".to_owned(),
        replicas: 1,
        data: DataVolume::Claim {
            size: "10Gi".to_owned(),
            class: None,
            access_modes: vec!["ReadWriteOnce".to_owned()],
        },
        environment: [
            ("MIDSHIPS_CLUSTER", "shop-rocketmq"),
            (
                "MIDSHIPS_HOST",
                "shop-rocketmq-broker-0-master-0.shop-rocketmq-broker.test.svc.cluster.local",
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..StatefulSet::default()
    };
    change(&mut set);
    vec![set]
}

#[test]
fn what_cannot_be_changed_is_refused_by_its_field() {
    let configuration = |bytes: u64| kubernetes::ConfigMap {
        data: [(
            "broker.conf".to_owned(),
            format!("listenPort=10911\nmappedFileSizeCommitLog={bytes}\n"),
        )]
        .into(),
        ..kubernetes::ConfigMap::default()
    };
    let desired = desired(1, 1, 0, true);
    let found = |sets: &[StatefulSet], bytes| {
        fixed::changed(&desired, sets, Some(&configuration(bytes))).map(|problem| problem.object)
    };
    let gibibyte = 1_073_741_824;
    assert_eq!(found(&stands(|_| {}), gibibyte), None);
    let claim = |size: &str, class: Option<&str>, mode: &str| DataVolume::Claim {
        size: size.to_owned(),
        class: class.map(str::to_owned),
        access_modes: vec![mode.to_owned()],
    };
    // Volumes of another size are a matter of `grow_volumes`.
    let smaller = stands(|set| set.data = claim("5Gi", None, "ReadWriteOnce"));
    assert_eq!(found(&smaller, gibibyte), None);
    let cases: [(&str, DataVolume); 4] = [
        ("brokers.storage.mode", DataVolume::EmptyDir),
        (
            "brokers.storage.mode",
            DataVolume::HostPath {
                path: "/srv".to_owned(),
            },
        ),
        (
            "brokers.storage.className",
            claim("10Gi", Some("fast"), "ReadWriteOnce"),
        ),
        (
            "brokers.storage.accessMode",
            claim("10Gi", None, "ReadWriteMany"),
        ),
    ];
    for (field, data) in cases {
        assert_eq!(
            found(&stands(|set| set.data = data), gibibyte).as_deref(),
            Some(field)
        );
    }
    for (variable, value, field) in [
        ("MIDSHIPS_CLUSTER", "other", "brokers.clusterName"),
        ("MIDSHIPS_HOST", "other", "clusterDomain"),
        ("MIDSHIPS_PORT", "30004", "outside.nodePorts"),
    ] {
        let sets = stands(|set| {
            set.environment
                .insert(variable.to_owned(), value.to_owned());
        });
        assert_eq!(found(&sets, gibibyte).as_deref(), Some(field));
    }
    assert_eq!(
        found(&stands(|_| {}), gibibyte / 2).as_deref(),
        Some("brokers.commitLogFileMegabytes")
    );
}

#[test]
fn ports_of_nodes_stay_and_the_remedy_is_what_they_were() {
    let stands = stands(|set| {
        let told = ("MIDSHIPS_PORT".to_owned(), "30004".to_owned());
        set.environment.extend([told]);
    });
    let remedy = |desired: &Desired| fixed::changed(desired, &stands, None).unwrap().remedy;
    let mut desired = desired(1, 1, 0, true);
    assert!(remedy(&desired).contains("set `outside.nodePorts` back to true"));
    desired.fixed.first_node_port = 31_000;
    desired.brokers[0].address = desired.brokers[0].address.replace("10911", "31004");
    assert!(remedy(&desired).contains("set `outside.firstNodePort` back to 30000"));
}

const MASTER: &str = "shop-rocketmq-broker-0-master-0";

/// What the step that restarts the first master concludes, once it has believed what it sees.
fn judged(cluster: &mut Cluster, memory: &Memory) -> Verdict<Command> {
    let wanted = desired(2, 2, 1, true);
    let scene = Scene::of(&wanted, wanted.name_servers[..1].to_vec());
    let step = RocketmqStep::BrokerRestarted {
        scene,
        pod: MASTER.to_owned(),
        reason: Reason::NameServers,
    };
    let now = cluster.now();
    let mut seen = Seen::new(now, memory.clone());
    loop {
        let queries = step.observe(Direction::Doing, &seen);
        if queries.is_empty() {
            return step.assess(Direction::Doing, &seen);
        }
        for query in queries {
            let answer = cluster.ask(now, &query);
            seen.answers.insert(query, answer);
        }
    }
}

fn believed() -> Memory {
    Memory::from([("outdated".to_owned(), 1)])
}

/// A cluster of 4.9.3 to which Helm has applied a second name server.
fn applied() -> Cluster {
    let mut cluster = standing(1, version("4.9.3")).applied(&desired(2, 2, 1, true));
    cluster.advance(cluster.now() + 10_000);
    cluster
}

fn waits_for(verdict: &Verdict<Command>, text: &str) {
    match verdict {
        Verdict::Wait { why, .. } => assert!(why.contains(text), "{why}"),
        other => panic!("expected a wait for {text}, got {other:?}"),
    }
}

#[test]
fn a_master_is_closed_only_after_a_second_look() {
    let mut cluster = applied();
    waits_for(
        &judged(&mut cluster, &Memory::new()),
        "another name server list",
    );
    let Verdict::Act { commands, .. } = judged(&mut cluster, &believed()) else {
        panic!("expected commands");
    };
    let closing = format!("{commands:?}");
    assert!(
        closing.contains("brokerPermission") && closing.contains("\"4\""),
        "{closing}"
    );
}

#[test]
fn no_master_is_closed_while_another_broker_is_away_closed_or_unknown() {
    let mut away = applied().without_broker("shop-rocketmq-broker-1-replica-1-0");
    waits_for(&judged(&mut away, &believed()), "another broker is away");
    let mut closed = applied().with_closed("shop-rocketmq-broker-1-master-0");
    waits_for(&judged(&mut closed, &believed()), "is closed for writing");
    let mut unknown = applied().unlisted("shop-rocketmq-broker-1-master-0");
    waits_for(&judged(&mut unknown, &believed()), "is not registered");
}

#[test]
fn a_closed_master_is_evicted_when_clients_have_turned_to_others() {
    let mut cluster = applied().with_closed(MASTER);
    let now = i64::try_from(cluster.now()).unwrap();
    let memory = |drained: i64, still: i64, stored: i64| {
        Memory::from([
            ("outdated".to_owned(), 1),
            // Its replica has what it had when that was looked at.
            ("goal of shop-rocketmq-broker-0-replica-1-0".to_owned(), 0),
            ("drained".to_owned(), now - drained * 1_000),
            ("still".to_owned(), now - still * 1_000),
            ("stored".to_owned(), stored),
        ])
    };
    let stored = match judged(&mut cluster, &memory(0, 0, -1)) {
        Verdict::Wait { memory, .. } => memory["stored"],
        other => panic!("{other:?}"),
    };
    for (drained, still, counted) in [(19, 19, stored), (30, 4, stored), (79, 79, stored - 1)] {
        let verdict = judged(&mut cluster, &memory(drained, still, counted));
        waits_for(&verdict, "clients turn from broker");
    }
    for (drained, still, counted) in [(20, 5, stored), (80, 0, stored - 1)] {
        match judged(&mut cluster, &memory(drained, still, counted)) {
            Verdict::Act { commands, .. } => {
                assert!(
                    matches!(commands[..], [Command::Restart(_)]),
                    "{commands:?}"
                );
            }
            other => panic!("{drained} {still}: {other:?}"),
        }
    }
}

#[test]
fn a_closed_master_is_opened_again_when_another_broker_goes_away() {
    let mut cluster = applied()
        .with_closed(MASTER)
        .without_broker("shop-rocketmq-broker-1-replica-1-0");
    let Verdict::Act { commands, .. } = judged(&mut cluster, &believed()) else {
        panic!("expected commands");
    };
    let opening = format!("{commands:?}");
    assert!(
        opening.contains("brokerPermission") && opening.contains("\"6\""),
        "{opening}"
    );
}

#[test]
fn a_master_that_cannot_be_restarted_takes_messages_again() {
    let operation = ChangeNameServers::new(desired(2, 2, 0, true), Phase::After);
    let start = Cluster::standing(&desired(1, 2, 0, true), version("4.9.3"))
        .applied(&desired(2, 2, 0, true))
        .without_evictions();
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let outcome = runner::run(
        &mut SimulatedWorld::new(&ground, "only"),
        &operation,
        "only",
    )
    .unwrap();
    let Outcome::Stuck(problem) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(problem.why.contains("disruption budget"), "{problem:?}");
    let state = locked(&ground).simulation.state();
    assert_eq!(state.matches("permission 6").count(), 2, "{state}");
}

#[test]
fn a_master_whose_topic_is_nowhere_else_is_not_closed_first() {
    let operation = ChangeNameServers::new(desired(2, 2, 0, true), Phase::After);
    let start = Cluster::standing(&desired(1, 2, 0, true), version("4.9.3"))
        .with_topic_at("shop-rocketmq-broker-0-master-0", "only-here")
        .applied(&desired(2, 2, 0, true));
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let mut world = SimulatedWorld::new(&ground, "only");
    let outcome = runner::run(&mut world, &operation, "only").unwrap();
    assert!(
        matches!(outcome, Outcome::Done { changed: true }),
        "{outcome:?}"
    );
    let told: Vec<String> = world.reports.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    assert!(
        told.contains("can be written nowhere else: only-here"),
        "{told}"
    );
    assert!(
        told.contains("clients turn from broker shop-rocketmq-broker-1-master-0"),
        "{told}"
    );
    assert!(
        !told.contains("clients turn from broker shop-rocketmq-broker-0-master-0"),
        "{told}"
    );
    assert_eq!(locked(&ground).violation, None);
}
