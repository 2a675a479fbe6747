//! Groups that leave in the engine's harness, and the ways in which they do not.

use super::trying::try_out;
use super::upgrade::carry;
use midships_client_rocketmq::TopicConfiguration;
use midships_engine::report::Outcome;
use midships_engine::simulation::Simulation;
use midships_model::rocketmq::{KeptVolumes, OrderedTopics};
use midships_operations_rocketmq::Phase;
use midships_operations_rocketmq::elected::Elected;
use midships_operations_rocketmq::remove_brokers::RemoveBrokers;
use midships_operations_rocketmq::simulation::Cluster;
use midships_operations_rocketmq::simulation::scenario::{desired, elected, version};

const LEAVES: &str = "shop-rocketmq-broker-2-master-0";
const STEPS: &[&str] = &["masters_closed", "clients_turned", "groups_drained"];

/// A release of three groups, each with consumers that are somewhat behind.
fn standing(release: &str) -> Cluster {
    let masters = (0..3).map(|group| format!("shop-rocketmq-broker-{group}-master-0"));
    let start = Cluster::standing(&desired(2, 3, 1, true), version(release));
    let retry = TopicConfiguration::plain("%RETRY%billing", 1);
    masters
        .fold(start, |cluster, pod| {
            cluster
                .with_topic(&pod, retry.clone())
                .with_consumer(&pod, "billing", "orders", 4)
                .with_consumer(&pod, "audit", "payments", 9)
        })
        .with_broadcast(LEAVES, "prices", "orders")
        .with_delayed(LEAVES, 40)
        .with_handed_out(LEAVES, 30, 4)
}

#[test]
fn a_group_leaves_when_everybody_has_what_was_sent_there() {
    for release in ["4.9.7", "5.4.0"] {
        let wanted = desired(2, 2, 1, true);
        let operation = RemoveBrokers::new(wanted, Phase::Before);
        let counts = try_out(release, standing(release), &operation, STEPS);
        assert_eq!(counts.steps, STEPS);
    }
}

#[test]
fn an_elected_master_that_leaves_hands_its_group_over() {
    let leaves = "shop-rocketmq-broker-0-2-0";
    let before = elected(desired(1, 2, 2, true));
    let start = Cluster::standing(&before, version("5.4.0")).with_elected(leaves);
    let wanted = elected(desired(1, 2, 1, true));
    let operation = Elected::new(wanted, Phase::Before, RemoveBrokers::new);
    let counts = try_out("handed-over", start, &operation, &["master_handed_over"]);
    assert_eq!(counts.steps, [format!("master_handed_over/{leaves}")]);
}

#[test]
fn the_order_of_topics_is_shortened_first_where_it_may_be() {
    let mut wanted = desired(2, 2, 1, true);
    wanted.ordered_topics = OrderedTopics::Spread;
    let entry = "shop-rocketmq-broker-0:8;shop-rocketmq-broker-2:8";
    let start = wanted
        .name_servers
        .iter()
        .fold(standing("5.4.0"), |cluster, server| {
            cluster.with_order_configuration(server, "orders", entry)
        });
    let operation = RemoveBrokers::new(wanted, Phase::Before);
    let steps = [&["order_configuration_shortened"], STEPS].concat();
    let counts = try_out("shortened", start, &operation, &steps);
    assert_eq!(counts.steps, steps);
}

#[test]
fn helm_deletes_a_group_that_has_nothing_left() {
    let wanted = desired(2, 2, 1, true);
    let (outcome, cluster, told) = carry(standing("5.4.0"), &wanted, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    let applied = cluster.applied(&wanted);
    assert_eq!(applied.invariant(), Ok(()));
    let (outcome, _, told) = carry(applied, &wanted, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: false }, "{told:#?}");
    let told = told_of_drain();
    assert!(
        ["messages are left", "group billing", "a second", "prices"]
            .iter()
            .all(|part| told.contains(part)),
        "{told}"
    );
}

/// What the log says while a group is drained.
fn told_of_drain() -> String {
    let start = standing("5.4.0").with_messages(LEAVES, "orders", 300);
    let (_, _, told) = carry(start, &desired(2, 2, 1, true), Phase::Before);
    told.join("\n")
}

#[test]
fn a_group_that_comes_back_with_its_volume_is_opened_and_left_as_it_was() {
    let (mut before, wanted) = (desired(2, 3, 1, true), desired(2, 2, 1, true));
    let start = standing("5.4.0").with_claims();
    let (_, drained, _) = carry(start, &wanted, Phase::Before);
    let gone = drained.applied(&wanted);
    let (outcome, gone, told) = carry(gone, &before, Phase::Before);
    assert!(matches!(outcome, Outcome::Refused(_)), "{told:#?}");
    before.kept_volumes = KeptVolumes::Reuse;
    let (outcome, gone, told) = carry(gone, &before, Phase::Before);
    assert_eq!(outcome, Outcome::Done { changed: false }, "{told:#?}");
    let (outcome, cluster, told) = carry(gone.applied(&before), &before, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    let state = cluster.state();
    assert!(
        state.contains("marks [false, false, false]") && !state.contains("true, "),
        "{state}"
    );
}

#[test]
fn a_lag_that_stays_is_named_and_the_master_takes_messages_again() {
    let wanted = desired(2, 2, 1, true);
    let start = standing("5.4.0").with_stopped("billing");
    let (outcome, cluster, told) = carry(start.clone(), &wanted, Phase::Before);
    let Outcome::Unwound(problem) = outcome else {
        panic!("{outcome:?}: {told:#?}")
    };
    let why = format!("{problem:?}");
    assert!(
        ["billing", "orders", "queue", LEAVES]
            .iter()
            .all(|part| why.contains(part)),
        "{why}"
    );
    assert_eq!(cluster.fingerprint(), start.fingerprint());
}

#[test]
fn a_master_that_stays_after_all_is_opened() {
    let (before, wanted) = (desired(2, 3, 1, true), desired(2, 2, 1, true));
    let (_, closed, _) = carry(standing("5.4.0"), &wanted, Phase::Before);
    assert!(
        closed.state().contains("permission 4"),
        "{}",
        closed.state()
    );
    let (outcome, cluster, told) = carry(closed, &before, Phase::After);
    assert_eq!(outcome, Outcome::Done { changed: true }, "{told:#?}");
    assert!(!cluster.state().contains("permission 4"));
    let operation = RemoveBrokers::new(before, Phase::After);
    let (_, closed, _) = carry(standing("5.4.0"), &wanted, Phase::Before);
    try_out("opened", closed, &operation, &["masters_opened"]);
}
