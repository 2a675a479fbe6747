//! Every question to simulated clusters, as text and as JSON, and with what is not answered.

use std::collections::BTreeMap;

use insta::{assert_json_snapshot, assert_snapshot};

use crate::simulation::{Simulation, scope, shop};
use crate::{Clusters, Groups, Offsets, Progress, Scope, Told, Topics};

fn block_on<T>(answer: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(answer)
}

fn of_group(group: &str) -> Scope {
    Scope {
        group: Some(group.to_owned()),
        ..scope()
    }
}

fn of_topic(topic: &str) -> Scope {
    Scope {
        topic: Some(topic.to_owned()),
        ..scope()
    }
}

#[test]
fn brokers_are_told_with_their_state() {
    let clusters = block_on(Clusters::ask(&shop(), &scope()));
    assert_snapshot!("clusters-text", clusters.text());
    assert_json_snapshot!("clusters-json", clusters);
}

#[test]
fn topics_are_told_with_what_is_in_them() {
    let topics = block_on(Topics::ask(&shop(), &scope()));
    assert_snapshot!("topics-text", topics.text());
    assert_json_snapshot!("topics-json", topics);
    let ledger = block_on(Topics::ask(&shop(), &of_topic("ledger")));
    assert_snapshot!("topics-one-text", ledger.text());
    assert_json_snapshot!("topics-one-json", ledger);
}

#[test]
fn groups_are_told_with_their_members() {
    let groups = block_on(Groups::ask(&shop(), &scope()));
    assert_snapshot!("groups-text", groups.text());
    assert_json_snapshot!("groups-json", groups);
}

#[test]
fn progress_is_told_by_group_topic_and_queue() {
    let progress = block_on(Progress::ask(&shop(), &scope()));
    assert_snapshot!("progress-text", progress.text());
    assert_json_snapshot!("progress-json", progress);
    let billing = block_on(Progress::ask(&shop(), &of_group("billing")));
    assert_snapshot!("progress-one-text", billing.text());
    assert_eq!(billing.lag, 2 + 3 + 3, "queue 0, the other broker, retry");
}

#[test]
fn offsets_are_told_with_times() {
    let offsets = block_on(Offsets::ask(&shop(), &of_group("billing")));
    assert_snapshot!("offsets-text", offsets.text());
    assert_json_snapshot!("offsets-json", offsets);
}

#[test]
fn queues_that_an_old_broker_reads_and_does_not_write_count() {
    let reports = block_on(Progress::ask(&shop(), &of_group("reports")));
    let [group] = reports.groups.as_slice() else {
        panic!("{reports:?}")
    };
    let old: BTreeMap<u32, i64> = group.topics[0]
        .queues
        .iter()
        .filter(|queue| queue.broker == "shop-broker-1")
        .map(|queue| (queue.queue, queue.lag))
        .collect();
    assert_eq!(old, BTreeMap::from([(0, 2), (1, 0), (2, 5), (3, 0)]));
}

#[test]
fn a_topic_of_the_same_name_in_another_cluster_is_not_waited_for() {
    let mut shop = shop();
    let orders = shop.brokers["b0:10911"].topics["orders"].clone();
    let other = shop.brokers.get_mut("o:10911").unwrap();
    other.topics.insert("orders".to_owned(), orders);
    let queues = BTreeMap::from([(0, (0, 1_000))]);
    other.queues.insert("orders".to_owned(), queues);
    let billing = block_on(Progress::ask(&shop, &of_group("billing")));
    assert_eq!(billing.lag, 8);
}

#[test]
fn a_cluster_a_topic_and_a_group_can_be_chosen() {
    let other = Scope {
        cluster: Some("other".to_owned()),
        ..scope()
    };
    let topics = block_on(Topics::ask(&shop(), &other));
    assert_eq!(topics.problems(), []);
    let [topic] = topics.topics.as_slice() else {
        panic!("{topics:?}")
    };
    assert_eq!(topic.topic, "elsewhere");
    let progress = block_on(Progress::ask(&shop(), &of_topic("ledger")));
    let groups: Vec<&str> = progress.groups.iter().map(|group| &*group.group).collect();
    assert_eq!(groups, ["reports"]);
    let nowhere = Scope {
        cluster: Some("nowhere".to_owned()),
        ..scope()
    };
    for problem in [
        block_on(Clusters::ask(&shop(), &nowhere)).problems()[0].to_string(),
        block_on(Topics::ask(&shop(), &of_topic("nothing"))).problems()[0].to_string(),
        block_on(Groups::ask(&shop(), &of_group("nobody"))).problems()[0].to_string(),
    ] {
        assert!(problem.starts_with("no"), "{problem}");
    }
}

#[test]
fn what_the_product_makes_is_shown_on_request() {
    let all = Scope {
        system: true,
        ..scope()
    };
    let topics = block_on(Topics::ask(&shop(), &all));
    let names = |topics: &Topics| -> Vec<String> {
        topics
            .topics
            .iter()
            .map(|topic| topic.topic.clone())
            .collect()
    };
    let more = names(&topics);
    assert!(more.contains(&"rmq_sys_wheel_timer".to_owned()), "{more:?}");
    assert!(more.contains(&"shop".to_owned()), "{more:?}");
    let groups = block_on(Groups::ask(&shop(), &all));
    assert!(
        groups
            .groups
            .iter()
            .any(|group| group.group == "TOOLS_CONSUMER")
    );
}

/// What is wrong, as it is printed.
fn problems(told: &impl Told) -> Vec<String> {
    told.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn a_broker_that_does_not_answer_is_told_once_and_left_alone() {
    let mut shop = shop();
    shop.silent.insert("b1:10911".to_owned());
    let expected = ["b1:10911 cannot be reached (runtime information): connection refused"];
    let clusters = block_on(Clusters::ask(&shop, &scope()));
    assert_eq!(problems(&clusters), expected);
    assert_eq!(clusters.brokers.len(), 4);
    let progress = block_on(Progress::ask(&shop, &scope()));
    let expected = ["b1:10911 cannot be reached (topic configurations): connection refused"];
    assert_eq!(problems(&progress), expected);
    assert!(
        progress
            .text()
            .ends_with(&format!("problem: {}\n", expected[0]))
    );
    // Both questions have been asked at the same time, and no further one.
    assert!(shop.asked.borrow()["b1:10911"] <= 5);
    shop.silent.insert("n0:9876".to_owned());
    shop.silent.insert("n1:9876".to_owned());
    let topics = block_on(Topics::ask(&shop, &scope()));
    assert_eq!((topics.topics.len(), topics.problems().len()), (0, 2));
}

#[test]
fn name_servers_that_list_different_brokers_are_told() {
    let mut shop = shop();
    let info = shop.name_servers.get_mut("n1:9876").unwrap();
    info.brokers.remove("shop-broker-1");
    let clusters = block_on(Clusters::ask(&shop, &scope()));
    let expected =
        "n1:9876 does not list the broker shop-broker-1 with id 0 at b1:10911, as n0:9876 does";
    assert_eq!(problems(&clusters), [expected]);
    assert_eq!(clusters.brokers.len(), 4);
}

#[test]
fn a_replica_is_asked_where_no_master_is_registered() {
    let mut shop = shop();
    for info in shop.name_servers.values_mut() {
        let group = info.brokers.get_mut("shop-broker-0").unwrap();
        group.addresses.remove(&0);
    }
    let progress = block_on(Progress::ask(&shop, &of_group("billing")));
    assert_eq!(progress.lag, 8);
    let [problem] = progress.problems() else {
        panic!("{progress:?}")
    };
    assert!(
        problem.to_string().contains("replica 1 at b0-1:10911"),
        "{problem}"
    );
}

#[test]
fn only_so_many_questions_are_open_at_the_same_time() {
    let mut shop: Simulation = shop();
    let broker = shop.brokers.get_mut("b0:10911").unwrap();
    for number in 0..200 {
        let name = format!("topic-{number}");
        let topic = midships_client_rocketmq::TopicConfiguration::plain(&name, 1);
        broker.topics.insert(name, topic);
    }
    let topics = block_on(Topics::ask(&shop, &scope()));
    assert!(topics.topics.len() > 200);
    assert_eq!(shop.most_open.get(), 16);
}
