//! New groups in the engine's harness: killed, repeated, lied to and overtaken at each step.

use super::trying::try_out;
use midships_client_rocketmq::TopicConfiguration;
use midships_model::rocketmq::OrderedTopics;
use midships_operations_rocketmq::add_brokers::AddBrokers;
use midships_operations_rocketmq::elected::Elected;
use midships_operations_rocketmq::simulation::Cluster;
use midships_operations_rocketmq::simulation::scenario::{desired, elected, version};
use midships_operations_rocketmq::{Desired, Phase};
use serde_json::json;

const SOURCE: &str = "shop-rocketmq-broker-0-master-0";
const COPYING: &[&str] = &[
    "groups_marked",
    "subscription_groups_copied",
    "topics_copied",
    "offsets_begun",
    "topics_equal",
    "brokers_registered",
    "marks_removed",
];

/// A release whose first group has topics of every kind, two of them consumed.
fn standing(release: &str) -> Cluster {
    let mut typed = TopicConfiguration::plain("typed", 2);
    let attributes = json!({"message.type": "DELAY"});
    typed.other.insert("attributes".to_owned(), attributes);
    let ordered = TopicConfiguration {
        order: true,
        ..TopicConfiguration::plain("ordered", 4)
    };
    let mut cluster = Cluster::standing(&desired(2, 1, 0, true), version(release))
        .with_consumer(SOURCE, "billing", "orders", 7)
        .with_consumer(SOURCE, "audit", "payments", 9)
        .with_topic(SOURCE, ordered)
        .with_topic(SOURCE, TopicConfiguration::plain("%RETRY%billing", 1));
    if release.starts_with('5') {
        cluster = cluster.with_topic(SOURCE, typed);
    }
    cluster
}

fn order_entry(cluster: Cluster, wanted: &Desired) -> Cluster {
    wanted.name_servers.iter().fold(cluster, |cluster, server| {
        cluster.with_order_configuration(server, "ordered", "shop-rocketmq-broker-0:4")
    })
}

#[test]
fn two_new_groups_get_all_that_the_first_one_knows() {
    let after = desired(2, 3, 0, true);
    let start = standing("5.4.0")
        .with_latecomers("later", "late-billing")
        .applied(&after);
    let operation = AddBrokers::new(after, Phase::After);
    let counts = try_out("groups", start, &operation, COPYING);
    assert_eq!(counts.steps.len(), 10);
}

#[test]
fn ordered_topics_are_spread_where_that_is_wanted() {
    let mut after = desired(2, 2, 0, true);
    after.ordered_topics = OrderedTopics::Spread;
    let start = order_entry(standing("4.9.7"), &after).applied(&after);
    let operation = AddBrokers::new(after, Phase::After);
    let mut steps = COPYING.to_vec();
    steps.push("order_configuration_extended");
    let counts = try_out("spread", start, &operation, &steps);
    assert_eq!(counts.steps.len(), 8);
}

/// Controllers that wait for brokers which are gone with their volumes would elect none of those that come in their place.
#[test]
fn who_comes_back_without_a_volume_is_forgotten_first() {
    let before = elected(desired(1, 2, 1, true));
    let wanted = elected(desired(1, 3, 1, true));
    let coming: Vec<_> = wanted.brokers[4..].iter().zip(1..).collect();
    let start = Cluster::standing(&before, version("5.4.0")).with_claims();
    let start = coming.iter().fold(start, |cluster, (broker, id)| {
        cluster.with_remembered(broker, *id)
    });
    let operation = Elected::new(wanted, Phase::Before, AddBrokers::new);
    let counts = try_out("forgotten", start, &operation, &["brokers_forgotten"]);
    assert_eq!(counts.steps, ["brokers_forgotten"]);
}
