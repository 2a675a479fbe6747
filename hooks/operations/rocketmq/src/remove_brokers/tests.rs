//! Tests of what the survey of groups that leave concludes and refuses, on a simulated cluster.

use midships_client_rocketmq::TopicConfiguration;
use midships_engine::step::Planning;
use midships_model::rocketmq::OrderedTopics;
use serde_json::json;

use super::RemoveBrokers;
use crate::desired::{Desired, Phase};
use crate::simulation::Cluster;
use crate::simulation::scenario::{desired, version};
use crate::steps::RocketmqStep;
use crate::surveying::{names, refusal, surveyed};

const STAYS: &str = "shop-rocketmq-broker-0-master-0";
const LEAVES: &str = "shop-rocketmq-broker-1-master-0";
const REPLICA: &str = "shop-rocketmq-broker-0-replica-1-0";
const NAMES: [&str; 3] = ["masters_closed", "clients_turned", "groups_drained"];

fn survey(wanted: &Desired, cluster: &mut Cluster) -> Planning<RocketmqStep> {
    let operation = RemoveBrokers::new(wanted.clone(), Phase::Before);
    surveyed(&operation, cluster)
}

fn standing(groups: u32, replicas: u32) -> Cluster {
    Cluster::standing(&desired(2, groups, replicas, true), version("5.4.0"))
}

#[test]
fn groups_leave_drained() {
    let wanted = desired(2, 1, 1, true);
    assert_eq!(names(&survey(&wanted, &mut standing(2, 1))), NAMES);
    let same = survey(&desired(2, 2, 1, true), &mut standing(2, 1));
    assert!(matches!(same, Planning::Nothing { .. }), "{same:?}");
}

#[test]
fn replicas_leave_while_their_masters_have_all_that_they_have() {
    let wanted = desired(2, 2, 0, true);
    let planning = survey(&wanted, &mut standing(2, 1));
    assert!(matches!(planning, Planning::Nothing { .. }), "{planning:?}");
    let mut without = standing(2, 1).without_broker(LEAVES);
    let told = refusal(&survey(&wanted, &mut without));
    assert!(told.contains(LEAVES), "{told}");
    // A master that has lost its volume lacks what its replica has.
    let told = refusal(&survey(&wanted, &mut standing(2, 1).with_lag(STAYS, 100)));
    assert!(told.contains(REPLICA) && told.contains(STAYS), "{told}");
    let mut replica = standing(2, 1).without_broker(REPLICA);
    let planning = survey(&wanted, &mut replica);
    assert!(matches!(planning, Planning::Nothing { .. }), "{planning:?}");
}

#[test]
fn a_topic_that_only_a_leaving_group_takes_is_refused() {
    let wanted = desired(2, 1, 0, true);
    let mut cluster = standing(2, 0).with_topic_at(LEAVES, "only-here");
    let told = refusal(&survey(&wanted, &mut cluster));
    assert!(
        told.contains("only-here") && told.contains(LEAVES),
        "{told}"
    );
    let closed = TopicConfiguration {
        permission: 4,
        ..TopicConfiguration::plain("only-here", 8)
    };
    let mut both = cluster.with_topic(STAYS, closed);
    assert!(refusal(&survey(&wanted, &mut both)).contains("only-here"));
}

#[test]
fn a_closed_master_that_stays_is_waited_for() {
    let wanted = desired(2, 1, 0, true);
    let told = refusal(&survey(&wanted, &mut standing(2, 0).with_closed(STAYS)));
    assert!(told.contains("closed for writing"), "{told}");
}

#[test]
fn dead_letters_are_refused_unless_they_may_go() {
    let mut wanted = desired(2, 1, 0, true);
    let letters = TopicConfiguration::plain("%DLQ%billing", 1);
    let empty = standing(2, 0).with_topic(LEAVES, letters);
    assert_eq!(names(&survey(&wanted, &mut empty.clone())), NAMES);
    let mut some = empty.with_messages(LEAVES, "%DLQ%billing", 3);
    let told = refusal(&survey(&wanted, &mut some));
    assert!(
        told.contains("%DLQ%billing") && told.contains("3 messages"),
        "{told}"
    );
    wanted.drain.discard_dead_letters = true;
    assert_eq!(names(&survey(&wanted, &mut some)), NAMES);
}

#[test]
fn an_order_that_names_a_leaving_group_is_refused_unless_it_may_change() {
    let mut wanted = desired(2, 1, 0, true);
    let both = "shop-rocketmq-broker-0:8;shop-rocketmq-broker-1:8";
    let with = |entry: &str| {
        wanted
            .name_servers
            .iter()
            .fold(standing(2, 0), |cluster, server| {
                cluster.with_order_configuration(server, "orders", entry)
            })
    };
    let (mut shared, mut alone) = (with(both), with("shop-rocketmq-broker-1:8"));
    let told = refusal(&survey(&wanted, &mut shared));
    assert!(told.contains("orders") && told.contains("Spread"), "{told}");
    wanted.ordered_topics = OrderedTopics::Spread;
    assert_eq!(
        names(&survey(&wanted, &mut shared))[0],
        "order_configuration_shortened"
    );
    let told = refusal(&survey(&wanted, &mut alone));
    assert!(told.contains("names no group that stays"), "{told}");
}

#[test]
fn all_groups_cannot_leave() {
    let mut wanted = desired(2, 1, 0, true);
    wanted.brokers.clear();
    let told = refusal(&survey(&wanted, &mut standing(1, 0)));
    assert!(told.contains("nobody could take over"), "{told}");
}

#[test]
fn name_servers_that_are_shortened_in_part_agree() {
    let mut wanted = desired(2, 1, 0, true);
    wanted.ordered_topics = OrderedTopics::Spread;
    let entries = [
        "shop-rocketmq-broker-0:8;shop-rocketmq-broker-1:8",
        "shop-rocketmq-broker-0:8",
    ];
    let mut cluster = wanted
        .name_servers
        .iter()
        .zip(entries)
        .fold(standing(2, 0), |cluster, (server, entry)| {
            cluster.with_order_configuration(server, "orders", entry)
        });
    let names = names(&survey(&wanted, &mut cluster));
    assert_eq!(names[0], "order_configuration_shortened");
    let other = &wanted.name_servers[1];
    let mut cluster = cluster.with_order_configuration(other, "orders", "shop-rocketmq-broker-0:4");
    let told = refusal(&survey(&wanted, &mut cluster));
    assert!(told.contains("same value on every name server"), "{told}");
}

#[test]
fn name_servers_that_are_to_come_are_not_asked() {
    let wanted = desired(3, 1, 0, true);
    assert_eq!(names(&survey(&wanted, &mut standing(2, 0))), NAMES);
}

#[test]
fn what_is_bound_to_a_leaving_group_is_refused() {
    let wanted = desired(2, 1, 0, true);
    let mut compacted = TopicConfiguration::plain("orders", 8);
    let attributes = json!({"cleanup.policy": "COMPACTION"});
    compacted.other.insert("attributes".to_owned(), attributes);
    let told = refusal(&survey(
        &wanted,
        &mut standing(2, 0).with_topic(LEAVES, compacted),
    ));
    assert!(
        told.contains("orders") && told.contains("last message of each key"),
        "{told}"
    );
    let setting = "popConsumerKVServiceEnable";
    let told = refusal(&survey(
        &wanted,
        &mut standing(2, 0).with_setting(LEAVES, setting, "true"),
    ));
    assert!(told.contains(setting), "{told}");
}

#[test]
fn a_pod_that_helm_would_leave_is_refused() {
    let wanted = desired(2, 1, 0, true);
    let mut cluster = standing(2, 0).without_set("shop-rocketmq-broker-1-master");
    let told = refusal(&survey(&wanted, &mut cluster));
    assert!(
        told.contains(LEAVES) && told.contains("no StatefulSet"),
        "{told}"
    );
}

#[test]
fn a_master_that_was_to_leave_is_opened_as_soon_as_it_stays() {
    let mut cluster = standing(2, 0).with_mark(LEAVES).with_closed(LEAVES);
    let planning = survey(&desired(2, 2, 0, true), &mut cluster);
    assert_eq!(names(&planning), ["masters_opened"]);
}
