//! A topic on its way in the engine's harness: killed, repeated, lied to and overtaken at each step, with clients at work that
//! tell of every send that fails and of every message that they never get.

use super::trying::{try_out, try_out_acting};
use midships_client_rocketmq::TopicConfiguration;
use midships_model::rocketmq_topic_transfer::{Afterwards, Ordered, Values};
use midships_operations_rocketmq::simulation::scenario::version;
use midships_operations_rocketmq::simulation::topics::{OTHER_TOPIC, TOPIC, Topics, values, wish};
use midships_operations_rocketmq::transfer_topic::TransferTopic;
use serde_json::json;

const STEPS: &[&str] = &[
    "topic_claimed",
    "groups_in_target",
    "topic_in_target",
    "source_closed",
    "source_drained",
    "topic_deleted",
    "groups_deleted",
    "retry_topics_in_target",
    "claim_released",
];

fn operation(values: Values) -> TransferTopic {
    TransferTopic::new(wish(values, false))
}

/// A topic with three groups: one that is away at first, and one that consumes another topic as well.
fn standing(release: &str, masters: &[(&str, &str)]) -> Topics {
    let mut topic = TopicConfiguration::plain(TOPIC, 2);
    if release.starts_with('5') {
        let attributes = json!({"message.type": "DELAY"});
        topic.other.insert("attributes".to_owned(), attributes);
    }
    Topics::of(masters, version(release))
        .with_topic("old-0", topic)
        .with_topic("old-0", TopicConfiguration::plain(OTHER_TOPIC, 1))
        .with_consumer("old-0", "billing", &[TOPIC], 0)
        .with_consumer("old-0", "audit", &[TOPIC], 25)
        .with_consumer("old-0", "shared", &[TOPIC, OTHER_TOPIC], 0)
}

#[test]
fn a_topic_goes_to_another_cluster() {
    let start = standing("5.5.0", &[("new-0", "new"), ("old-0", "old")])
        .with_delayed("old-0", 4)
        .at_work();
    let counts = try_out("transfer", start, &operation(values()), STEPS);
    assert_eq!(counts.steps.len(), 9);
}

#[test]
fn name_servers_of_old_versions_forget_a_topic_of_all_clusters() {
    let start = Topics::of(&[("new-0", "new"), ("old-0", "old")], version("4.5.0"))
        .with_topic("old-0", TopicConfiguration::plain(TOPIC, 1))
        .with_consumer("old-0", "billing", &[TOPIC], 0)
        .at_work();
    try_out("transfer-4.5.0", start, &operation(values()), STEPS);
}

#[test]
fn a_topic_goes_to_another_group_of_its_cluster() {
    let mut values = values();
    values.target.cluster = "old".to_owned();
    values.source.groups = vec!["old-0".to_owned()];
    values.target.groups = vec!["old-1".to_owned()];
    values.ordered_topics = Ordered::Move;
    let masters = [("old-0", "old"), ("old-1", "old"), ("old-2", "old")];
    let start = standing("5.5.0", &masters)
        .with_key("ORDER_TOPIC_CONFIG", TOPIC, "old-0:2")
        .at_work();
    try_out("transfer-in-a-cluster", start, &operation(values), STEPS);
}

#[test]
fn the_source_may_keep_a_topic_that_nobody_uses() {
    let mut values = values();
    values.afterwards = Afterwards::KeepReadOnly;
    let start = Topics::of(&[("new-0", "new"), ("old-0", "old")], version("4.9.7"))
        .with_topic("old-0", TopicConfiguration::plain(TOPIC, 1))
        .with_absent("old-0", "archive", &[TOPIC])
        .idle();
    let steps: Vec<&'static str> = STEPS
        .iter()
        .copied()
        .filter(|step| !["topic_deleted", "groups_deleted"].contains(step))
        .collect();
    let acting = ["retry_topics_in_target"];
    let operation = operation(values);
    let counts = try_out_acting("transfer-keeping", start, &operation, &steps, &acting);
    assert_eq!(counts.steps.len(), 7);
}
