//! Tests of the survey: what is refused, with whom and what it names, and what is planned.

use std::sync::{Arc, Mutex};

use midships_client_rocketmq::TopicConfiguration;
use midships_engine::runner::{self, Outcome};
use midships_engine::simulation::{Ground, SimulatedWorld, Simulation, locked};
use midships_engine::step::{Memory, Operation, Planning, Seen, Step};
use midships_model::rocketmq_topic_transfer::{Afterwards, Broadcasting, Ordered, Pending, Values};
use serde_json::json;

use super::TransferTopic;
use crate::simulation::scenario::version;
use crate::simulation::topics::{OTHER_TOPIC, TOPIC, Topics, values, wish};
use crate::steps::RocketmqStep;
use crate::steps::transfer::CLAIMS;

const MASTERS: [(&str, &str); 3] = [("new-0", "new"), ("old-0", "old"), ("old-1", "old")];

fn standing() -> Topics {
    Topics::of(&MASTERS, version("5.5.0"))
        .with_topic("old-0", TopicConfiguration::plain(TOPIC, 4))
        .with_topic("old-1", TopicConfiguration::plain(TOPIC, 4))
        .with_group("old-1", "billing", 3)
        .with_consumer("old-0", "billing", &[TOPIC], 0)
}

#[test]
fn a_group_that_differs_between_the_brokers_of_the_source_is_refused() {
    let differing = standing().with_group("old-1", "billing", 9);
    is_refused(
        differing,
        values(),
        &["subscription group billing", "its settings at old-1 differ"],
    );
}

/// What is planned, with every question answered.
fn planned(world: Topics, values: Values, takes_back: bool) -> Planning<RocketmqStep> {
    let operation = TransferTopic::new(wish(values, takes_back));
    let mut world = world.at_work();
    let now = world.now();
    let mut seen = Seen::new(now, Memory::new());
    for _ in 0..operation.limits().rounds {
        for query in operation.observe(&seen) {
            let answer = world.ask(now, &query);
            seen.answers.insert(query, answer);
        }
    }
    assert!(operation.observe(&seen).is_empty(), "too many rounds");
    operation.plan(&seen)
}

/// The problem with which a transfer is refused, in one line.
fn refusal(world: Topics, values: Values) -> String {
    match planned(world, values, false) {
        Planning::Refused(problem)
        | Planning::Wait {
            otherwise: problem, ..
        } => format!("{}: {}; {}", problem.object, problem.why, problem.remedy),
        other => panic!("{other:?}"),
    }
}

fn is_refused(world: Topics, values: Values, parts: &[&str]) {
    let told = refusal(world, values);
    for part in parts {
        assert!(told.contains(part), "{told} lacks `{part}`");
    }
}

fn steps(planning: Planning<RocketmqStep>) -> Vec<RocketmqStep> {
    match planning {
        Planning::Steps(steps) => steps,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sides_must_exist_differ_and_share_their_name_servers() {
    let mut unknown = values();
    "nowhere".clone_into(&mut unknown.target.cluster);
    let expected = [
        "target: ",
        "cluster nowhere",
        "old-0 of cluster old",
        "clients have one list",
    ];
    is_refused(standing(), unknown, &expected);
    let mut lacking = values();
    lacking.source.groups = vec!["old-0".to_owned(), "old-7".to_owned()];
    is_refused(standing(), lacking, &["source: ", "group old-7"]);
    let mut same = values();
    "old".clone_into(&mut same.target.cluster);
    same.target.groups = vec!["old-1".to_owned()];
    is_refused(
        standing(),
        same,
        &["has groups that the source has too: old-1"],
    );
    let apart = standing().with_unlisted("n1:9876", "new-0");
    let expected = [
        "different name servers",
        "n1:9876 does not list new-0",
        "could not follow",
    ];
    is_refused(apart, values(), &expected);
}

#[test]
fn only_topics_that_somebody_has_made_are_moved() {
    let named = |topic: &str| {
        let mut values = values();
        topic.clone_into(&mut values.topic);
        values
    };
    is_refused(
        standing(),
        named("unheard"),
        &[
            "topic unheard",
            "no master of the source (cluster old) has it",
        ],
    );
    is_refused(standing(), named("SELF_TEST_TOPIC"), &["the product's own"]);
    let differing = standing().with_topic("old-1", TopicConfiguration::plain(TOPIC, 8));
    is_refused(
        differing,
        values(),
        &["its settings at old-1 differ from those at old-0"],
    );
    let closed = TopicConfiguration {
        permission: 4,
        ..TopicConfiguration::plain(TOPIC, 4)
    };
    let closed = standing()
        .with_topic("old-0", closed.clone())
        .with_topic("old-1", closed);
    is_refused(
        closed,
        values(),
        &["its permission is 4", "updateTopicPerm"],
    );
}

#[test]
fn what_the_target_has_otherwise_is_refused() {
    let topic = standing().with_topic("new-0", TopicConfiguration::plain(TOPIC, 8));
    let expected = [
        "broker new-0 of the target has it with other settings: 8 queues",
        "at the source: 4 queues",
    ];
    is_refused(topic, values(), &expected);
    let group = standing().with_group("new-0", "billing", 7);
    is_refused(
        group,
        values(),
        &[
            "subscription group billing",
            "broker new-0 of the target has it with other settings",
        ],
    );
    let equal = standing()
        .with_topic("new-0", TopicConfiguration::plain(TOPIC, 4))
        .with_group("new-0", "billing", 3);
    let steps = steps(planned(equal, values(), false));
    let RocketmqStep::TopicTransferred { transfer, .. } = &steps[0] else {
        panic!("{steps:?}");
    };
    assert!(transfer.new_at.is_empty());
    assert!(transfer.groups[0].new_at.is_empty());
}

#[test]
fn a_target_that_is_too_old_for_an_attribute_is_refused() {
    let mut topic = TopicConfiguration::plain(TOPIC, 4);
    topic
        .other
        .insert("attributes".to_owned(), json!({"message.type": "DELAY"}));
    let old = Topics::of(&MASTERS, version("4.9.7")).with_topic("old-0", topic);
    is_refused(
        old,
        values(),
        &["attribute `message.type`", "broker new-0", "4.9.7"],
    );
}

#[test]
fn policies_refuse_what_they_say() {
    let broadcasting = || standing().with_broadcasting();
    let expected = [
        "subscription group billing",
        "broadcasting",
        "consumers.broadcasting: Ignore",
    ];
    is_refused(broadcasting(), values(), &expected);
    let mut ignoring = values();
    ignoring.consumers.broadcasting = Broadcasting::Ignore;
    steps(planned(broadcasting(), ignoring, false));
    let delayed = || standing().with_delayed("old-0", 90);
    let mut refusing = values();
    refusing.messages.delayed = Pending::Refuse;
    is_refused(
        delayed(),
        refusing,
        &[
            "the delay level 3",
            "may belong to it",
            "messages.delayed: Wait",
        ],
    );
    steps(planned(delayed(), values(), false));
    let ordered = || standing().with_key("ORDER_TOPIC_CONFIG", TOPIC, "old-0:4;old-1:4");
    is_refused(
        ordered(),
        values(),
        &["ordered topic", "orderedTopics: Move"],
    );
    let mut moving = values();
    moving.ordered_topics = Ordered::Move;
    let steps = steps(planned(ordered(), moving, false));
    let RocketmqStep::TopicTransferred { transfer, .. } = &steps[0] else {
        panic!("{steps:?}");
    };
    let entry = transfer.entry.clone().unwrap();
    assert_eq!(entry.both, "old-0:4;old-1:4;new-0:4");
    assert_eq!(entry.wanted, "new-0:4");
}

#[test]
fn a_topic_that_somebody_else_moves_is_refused_and_an_own_claim_is_gone_on_with() {
    let claimed = |text: &str| standing().with_key(CLAIMS, TOPIC, text);
    let expected = [
        "the release shop/other moves it",
        "helm uninstall",
        "deleteKvConfig",
    ];
    is_refused(claimed(r#"{"owner":"shop/other"}"#), values(), &expected);
    is_refused(
        claimed("nonsense"),
        values(),
        &["the release nonsense moves it"],
    );
    let first = steps(planned(standing(), values(), false));
    let RocketmqStep::TopicTransferred { transfer, .. } = &first[0] else {
        panic!("{first:?}");
    };
    let text = serde_json::to_string(transfer).unwrap();
    // Whatever the topic is like by now, what was found at first is what counts.
    let later = claimed(&text).with_topic("new-0", TopicConfiguration::plain(TOPIC, 4));
    let again = steps(planned(later, values(), false));
    assert_eq!(again, first);
    match planned(claimed(&text), values(), true) {
        Planning::Refused(problem) => assert!(problem.remedy.contains("action: Transfer")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_topic_that_was_moved_needs_nothing() {
    let moved = Topics::of(&MASTERS, version("5.5.0"))
        .with_topic("new-0", TopicConfiguration::plain(TOPIC, 4))
        .with_topic("old-0", TopicConfiguration::plain(OTHER_TOPIC, 4));
    let planning = planned(moved, values(), false);
    assert!(matches!(planning, Planning::Nothing { .. }), "{planning:?}");
    let planning = planned(standing(), values(), true);
    assert!(matches!(planning, Planning::Absent { .. }), "{planning:?}");
}

#[test]
fn a_group_that_is_away_is_waited_for_while_messages_are_left_to_it() {
    let away = || standing().with_absent("old-0", "archive", &[TOPIC]);
    let expected = [
        "subscription group archive",
        "no member of it is connected",
        "deleteSubGroup",
    ];
    is_refused(away(), values(), &expected);
}

#[test]
fn clients_miss_nothing_while_a_topic_goes() {
    let start = standing()
        .with_absent("old-1", "billing", &[TOPIC])
        .with_absent("old-1", "audit", &[TOPIC])
        .with_consumer("old-0", "audit", &[TOPIC], 25)
        .at_work();
    let ground = Arc::new(Mutex::new(Ground::new(start)));
    let outcome = runner::run(
        &mut SimulatedWorld::new(&ground, "only"),
        &TransferTopic::new(wish(values(), false)),
        "only",
    );
    assert_eq!(outcome, Ok(Outcome::Done { changed: true }));
    assert_eq!(locked(&ground).violation, None);
}

#[test]
fn only_the_removal_cannot_be_taken_back() {
    let steps = steps(planned(standing(), values(), false));
    let names: Vec<String> = steps.iter().map(Step::name).collect();
    assert_eq!(names.len(), 9);
    let reversible = steps.iter().take_while(|step| step.undoable()).count();
    assert_eq!(names[reversible], "topic_deleted");
    let mut keeping = values();
    keeping.afterwards = Afterwards::KeepReadOnly;
    assert_eq!(self::steps(planned(standing(), keeping, false)).len(), 7);
}
