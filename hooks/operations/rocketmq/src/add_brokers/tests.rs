//! Tests of what the survey of new groups concludes and refuses, on a simulated cluster.

use midships_client_rocketmq::{Request, SubscriptionGroup, TopicConfiguration};
use midships_engine::simulation::Simulation;
use midships_engine::step::Planning;
use midships_model::rocketmq::{KeptVolumes, OrderedTopics};
use serde_json::{Map, json};

use super::AddBrokers;
use crate::desired::{Desired, Phase};
use crate::metadata::MARK;
use crate::simulation::Cluster;
use crate::simulation::scenario::{desired, version};
use crate::steps::RocketmqStep;
use crate::surveying::{names, nothing, refusal, surveyed};
use crate::vocabulary::Command;

const MASTERS: [&str; 3] = [
    "shop-rocketmq-broker-0-master-0",
    "shop-rocketmq-broker-1-master-0",
    "shop-rocketmq-broker-2-master-0",
];

fn survey(wanted: &Desired, cluster: &mut Cluster) -> Planning<RocketmqStep> {
    survey_in(Phase::After, wanted, cluster)
}

fn survey_in(phase: Phase, wanted: &Desired, cluster: &mut Cluster) -> Planning<RocketmqStep> {
    let operation = AddBrokers::new(wanted.clone(), phase);
    surveyed(&operation, cluster)
}

fn standing(groups: u32) -> Cluster {
    Cluster::standing(&desired(2, groups, 0, true), version("5.4.0"))
}

/// The cluster once Helm has made the groups that it lacks and they serve.
fn grown(cluster: Cluster, wanted: &Desired) -> Cluster {
    let mut cluster = cluster.applied(wanted);
    cluster.advance(cluster.now() + 60_000);
    cluster
}

fn tell(cluster: &mut Cluster, wanted: &Desired, pod: &str, request: Request) {
    let broker = wanted.brokers.iter().find(|broker| broker.pod == pod);
    let command = Command::Rocketmq {
        address: broker.unwrap().address.clone(),
        request,
    };
    cluster.perform(cluster.now(), &command).unwrap();
}

fn mark() -> Request {
    Request::PutSubscriptionGroup {
        group: SubscriptionGroup {
            name: MARK.to_owned(),
            consume_enabled: false,
            other: Map::new(),
        },
    }
}

#[test]
fn groups_with_topics_or_messages_of_their_own_are_left_alone() {
    let wanted = desired(2, 2, 0, true);
    let mut cluster = standing(2).with_topic_at(MASTERS[0], "elsewhere");
    assert!(nothing(&survey(&wanted, &mut cluster)).contains("of their own"));
    let alone = desired(2, 1, 0, true);
    assert!(nothing(&survey(&alone, &mut standing(1))).contains("no other group"));
}

#[test]
fn a_group_that_has_only_stored_messages_is_not_new() {
    let wanted = desired(2, 2, 0, true);
    let mut cluster = standing(2).with_nothing_but_messages(MASTERS[1]);
    assert!(nothing(&survey(&wanted, &mut cluster)).contains("of their own"));
}

#[test]
fn new_groups_wait_until_they_serve() {
    let wanted = desired(2, 3, 0, true);
    let mut early = standing(1).applied(&wanted);
    let told = refusal(&survey(&wanted, &mut early));
    assert!(
        told.contains(MASTERS[1]) && told.contains(MASTERS[2]),
        "{told}"
    );
    let mut late = grown(standing(1), &wanted);
    assert_eq!(
        names(&survey(&wanted, &mut late)),
        [
            "groups_marked",
            "subscription_groups_copied/shop-rocketmq-broker-1",
            "subscription_groups_copied/shop-rocketmq-broker-2",
            "topics_copied/shop-rocketmq-broker-1",
            "topics_copied/shop-rocketmq-broker-2",
            "offsets_begun/shop-rocketmq-broker-1",
            "offsets_begun/shop-rocketmq-broker-2",
            "topics_equal",
            "brokers_registered",
            "marks_removed",
        ]
    );
}

#[test]
fn a_source_that_does_not_answer_is_named() {
    let wanted = desired(2, 2, 0, true);
    let mut cluster = grown(standing(1), &wanted).without_broker(MASTERS[0]);
    let told = refusal(&survey(&wanted, &mut cluster));
    assert!(told.contains(MASTERS[0]), "{told}");
}

#[test]
fn where_nobody_has_made_anything_nothing_is_copied() {
    let wanted = desired(2, 2, 0, true);
    let mut cluster = grown(standing(1).with_nothing(MASTERS[0]), &wanted);
    assert!(nothing(&survey(&wanted, &mut cluster)).contains("nothing that they could get"));
}

#[test]
fn an_addition_that_was_left_is_gone_on_with_where_the_journal_was_lost() {
    let wanted = desired(2, 3, 0, true);
    let mut cluster = grown(standing(1), &wanted);
    tell(&mut cluster, &wanted, MASTERS[1], mark());
    let topic = Request::PutTopic {
        configuration: TopicConfiguration {
            permission: 4,
            ..TopicConfiguration::plain("orders", 8)
        },
        without_attributes: [].into(),
    };
    tell(&mut cluster, &wanted, MASTERS[1], topic);
    let planning = survey(&wanted, &mut cluster);
    let Planning::Steps(steps) = &planning else {
        panic!("{planning:?}");
    };
    assert_eq!(steps.len(), 10);
    // The mark of a group that has something already is never taken back.
    let first = format!("{:?}", steps[0]);
    assert!(
        first.contains("GroupsMarked([\"shop-rocketmq-broker-2\"])"),
        "{first}"
    );
    tell(&mut cluster, &wanted, MASTERS[2], mark());
    assert!(!names(&survey(&wanted, &mut cluster)).contains(&"groups_marked".to_owned()));
}

#[test]
fn a_source_that_is_itself_unfinished_is_refused() {
    let mut wanted = desired(2, 3, 0, true);
    let mut cluster = grown(standing(1), &wanted);
    tell(&mut cluster, &wanted, MASTERS[1], mark());
    wanted.source_group = "shop-rocketmq-broker-1".to_owned();
    let told = refusal(&survey(&wanted, &mut cluster));
    assert!(told.contains("brokers.newGroupsFrom"), "{told}");
    wanted.source_group = "shop-rocketmq-broker-7".to_owned();
    let told = refusal(&survey(&wanted, &mut cluster));
    assert!(told.contains("has no group"), "{told}");
}

#[test]
fn an_attribute_that_an_older_broker_does_not_know_is_refused() {
    let wanted = desired(2, 2, 0, true);
    let mut compacted = TopicConfiguration::plain("compacted", 2);
    let attributes = json!({"cleanup.policy": "COMPACTION"});
    compacted.other.insert("attributes".to_owned(), attributes);
    let start = standing(1).with_topic(MASTERS[0], compacted);
    let mut cluster = grown(start.clone(), &wanted).with_version(MASTERS[1], version("5.0.0"));
    let told = refusal(&survey(&wanted, &mut cluster));
    assert!(
        ["compacted", "cleanup.policy", "5.4.0", "5.0.0", MASTERS[1]]
            .iter()
            .all(|part| told.contains(part)),
        "{told}"
    );
    let mut same = grown(start, &wanted);
    assert_eq!(names(&survey(&wanted, &mut same)).len(), 7);
}

#[test]
fn name_servers_that_disagree_about_the_order_are_refused_where_it_is_spread() {
    let mut wanted = desired(2, 2, 0, true);
    let start = standing(1)
        .with_order_configuration(
            &wanted.name_servers[0],
            "orders",
            "shop-rocketmq-broker-0:8",
        )
        .with_order_configuration(
            &wanted.name_servers[1],
            "orders",
            "shop-rocketmq-broker-0:4",
        );
    let mut cluster = grown(start, &wanted);
    assert_eq!(names(&survey(&wanted, &mut cluster)).len(), 7);
    wanted.ordered_topics = OrderedTopics::Spread;
    let told = refusal(&survey(&wanted, &mut cluster));
    assert!(told.contains("orders") && told.contains(":4"), "{told}");
}

#[test]
fn a_kept_volume_is_refused_unless_it_may_be_used_again() {
    let (fewer, mut more) = (desired(2, 1, 1, true), desired(2, 2, 1, true));
    let before =
        |wanted: &Desired, cluster: &mut Cluster| survey_in(Phase::Before, wanted, cluster);
    // Without a volume there is nothing to come back.
    let standing = Cluster::standing(&more, version("5.4.0"));
    let fresh = before(&more, &mut standing.clone().applied(&fewer));
    assert!(matches!(fresh, Planning::Nothing { .. }), "{fresh:?}");
    let mut kept = standing.with_claims().applied(&fewer);
    let told = refusal(&before(&more, &mut kept));
    for part in [
        "keptVolumes",
        "data-shop-rocketmq-broker-1-master-0",
        "data-shop-rocketmq-broker-1-replica-1-0",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains("broker-0"), "{told}");
    let same = before(&fewer, &mut kept);
    assert!(matches!(same, Planning::Nothing { .. }), "{same:?}");
    more.kept_volumes = KeptVolumes::Reuse;
    let reused = before(&more, &mut kept);
    assert!(matches!(reused, Planning::Nothing { .. }), "{reused:?}");
    // What came back has what it had, so it is not filled.
    let planning = survey(&more, &mut grown(kept, &more));
    assert!(matches!(planning, Planning::Nothing { .. }), "{planning:?}");
}
