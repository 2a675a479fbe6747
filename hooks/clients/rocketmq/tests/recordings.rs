//! Every recording of a live server is read by the client and gives what that server was set up with.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use midships_client_rocketmq::answer::{ERROR, NO_TOPIC, answered};
use midships_client_rocketmq::fastjson::{self, Value};
use midships_client_rocketmq::request::requested;
use midships_client_rocketmq::system::{is_system_group, is_system_topic};
use midships_client_rocketmq::{
    Answer, BrokerGroup, ClusterInfo, DecodeError, Frame, Message, ProductVersion, QueueRange,
    Recording, Reply, Request, TopicRoute, decode,
};

/// The ordinal of each recorded version, and how many exchanges of it there are at least.
const VERSIONS: [(&str, i32, usize); 5] = [
    ("4.5.0", 313, 44),
    ("4.9.3", 399, 44),
    ("4.9.7", 407, 44),
    ("5.4.0", 493, 48),
    ("5.5.0", 513, 48),
];

/// Response code: the broker does not let anybody do that.
const NO_PERMISSION: i32 = 16;

struct Recorded {
    name: String,
    recording: Recording,
    frame: Frame,
}

fn recordings(version: &str) -> Vec<Recorded> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("recordings")
        .join(version);
    let mut recordings: Vec<Recorded> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let recording: Recording =
                serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(recording.server, version);
            let frame = Frame::from_bytes(&recording.received.to_bytes().unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            Recorded {
                name,
                recording,
                frame,
            }
        })
        .collect();
    recordings.sort_by(|one, other| one.name.cmp(&other.name));
    recordings
}

fn replies(version: &str) -> BTreeMap<String, Reply> {
    recordings(version)
        .into_iter()
        .filter_map(|recorded| {
            let answer = decode(&recorded.recording.request, &recorded.frame).ok()?;
            Some((recorded.name, answer.reply))
        })
        .collect()
}

fn text(value: &str) -> String {
    value.to_owned()
}

#[test]
fn every_recording_is_read_and_says_its_version() {
    for (version, ordinal, least) in VERSIONS {
        let recordings = recordings(version);
        assert!(
            recordings.len() >= least,
            "{version} has {} recordings",
            recordings.len()
        );
        for Recorded {
            name,
            recording,
            frame,
        } in recordings
        {
            assert_eq!(ProductVersion(frame.version).to_string(), version, "{name}");
            let sent = Frame::from_bytes(&recording.sent.to_bytes().unwrap()).unwrap();
            assert_eq!(
                requested(&sent).unwrap(),
                recording.request,
                "{version} {name}"
            );
            assert_eq!(frame.opaque, sent.opaque, "{version} {name}");
            match decode(&recording.request, &frame) {
                Ok(answer) => assert_eq!(answer.version, ProductVersion(ordinal)),
                Err(DecodeError::Declined {
                    version: said,
                    code,
                    ..
                }) => {
                    assert_eq!(said, ProductVersion(ordinal));
                    let expected = match name.as_str() {
                        "send-message-declined" | "topic-statistics-declined" => NO_TOPIC,
                        "update-broker-configuration-declined" => NO_PERMISSION,
                        _ if name.ends_with("-early") => ERROR,
                        _ => panic!("{version} {name} is declined: {code}"),
                    };
                    assert_eq!(code, expected, "{version} {name}");
                }
                Err(error) => panic!("{version} {name}: {error}"),
            }
        }
    }
}

#[test]
fn name_servers_list_what_was_registered() {
    let group = BrokerGroup {
        cluster: text("recorded"),
        addresses: BTreeMap::from([(0, text("127.0.0.1:10911")), (1, text("127.0.0.1:11911"))]),
    };
    let brokers = BTreeMap::from([(text("recorded-broker-0"), group)]);
    let info = ClusterInfo {
        brokers: brokers.clone(),
        clusters: BTreeMap::from([(
            text("recorded"),
            BTreeSet::from([text("recorded-broker-0")]),
        )]),
    };
    let range = QueueRange {
        read_queues: 4,
        write_queues: 4,
        permission: 6,
        system_flag: 0,
    };
    let route = TopicRoute {
        brokers,
        queues: BTreeMap::from([(text("recorded-broker-0"), range)]),
        order: Some(text("recorded-broker-0:4")),
    };
    let keys = BTreeMap::from([(text("orders"), text("recorded-broker-0:4"))]);
    for (version, _, _) in VERSIONS {
        let replies = replies(version);
        for name in ["cluster-info", "cluster-info-binary"] {
            assert_eq!(
                replies[name],
                Reply::ClusterInfo(info.clone()),
                "{version} {name}"
            );
        }
        assert_eq!(
            replies["cluster-info-empty"],
            Reply::ClusterInfo(ClusterInfo::default())
        );
        assert_eq!(replies["topic-list-empty"], Reply::Topics(BTreeSet::new()));
        assert_eq!(
            replies["topic-route"],
            Reply::Route(Some(route.clone())),
            "{version}"
        );
        assert_eq!(replies["topic-route-none"], Reply::Route(None), "{version}");
        assert_eq!(
            replies["key-values"],
            Reply::KeyValues(keys.clone()),
            "{version}"
        );
        for name in ["key-values-none", "key-values-none-binary"] {
            assert_eq!(
                replies[name],
                Reply::KeyValues(BTreeMap::new()),
                "{version} {name}"
            );
        }
        assert_eq!(replies["put-key-value"], Reply::Accepted);
        assert_eq!(replies["delete-key-value"], Reply::Accepted);
        let Reply::Topics(topics) = &replies["topic-list"] else {
            panic!("topics")
        };
        for topic in ["orders", "archive", "recorded", "recorded-broker-0"] {
            assert!(topics.contains(topic), "{version} {topic}");
        }
    }
}

#[test]
fn brokers_say_how_they_are_configured() {
    for (version, ordinal, _) in VERSIONS {
        let replies = replies(version);
        assert_eq!(replies["update-broker-configuration"], Reply::Accepted);
        let Reply::Configuration(configuration) = &replies["broker-configuration"] else {
            panic!("configuration")
        };
        assert_eq!(
            configuration["namesrvAddr"], "127.0.0.1:9876;127.0.0.2:9876",
            "{version}"
        );
        // Since 5.2.0 brokers take blanks off both ends of a value.
        let region = "  a=b:c#d!\\e \u{e9}\u{4e2d}";
        let expected = if ordinal < 453 { region } else { region.trim() };
        assert_eq!(configuration["regionId"], expected, "{version}");
        assert_eq!(configuration["brokerClusterName"], "recorded");
        assert_eq!(configuration["listenPort"], "10911");
        for name in ["runtime-information", "runtime-information-replica"] {
            let Reply::Runtime(runtime) = &replies[name] else {
                panic!("runtime")
            };
            // Gone from 5.4.0 on, where only the description is left.
            let number = runtime.get("brokerVersion");
            let expected = ordinal.to_string();
            assert_eq!(
                number,
                (ordinal < 493).then_some(&expected),
                "{version} {name}"
            );
            assert!(ProductVersion(ordinal).is_named(&runtime["brokerVersionDesc"]));
        }
    }
}

#[test]
fn brokers_store_a_message_and_give_it_back() {
    for (version, _, _) in VERSIONS {
        let replies = replies(version);
        let message = Message {
            offset: 0,
            body: b"tried".to_vec(),
        };
        for (name, expected) in [
            ("put-topic", Reply::Accepted),
            ("pull-message-none", Reply::Messages(Vec::new())),
            ("send-message", Reply::Stored { offset: 0 }),
            ("pull-message", Reply::Messages(vec![message])),
            ("delete-topic", Reply::Accepted),
            ("forget-topic", Reply::Accepted),
            ("delete-topic-none", Reply::Accepted),
        ] {
            assert_eq!(replies[name], expected, "{version} {name}");
        }
        // The topic is gone: that is what a send to it is told.
        assert!(!replies.contains_key("send-message-declined"), "{version}");
    }
}

#[test]
fn brokers_say_where_queues_and_groups_are() {
    for (version, ordinal, _) in VERSIONS {
        let five = ordinal >= 413;
        let replies = replies(version);
        let Reply::TopicStatistics(orders) = &replies["topic-statistics"] else {
            panic!("topic statistics")
        };
        let [first, second, _, _] = orders.queues.as_slice() else {
            panic!("{version}: {orders:?}")
        };
        assert_eq!(
            (first.queue, first.minimum_offset, first.maximum_offset),
            (0, 0, 3)
        );
        assert!(first.updated > 1_700_000_000_000, "{version}");
        assert_eq!(
            (second.queue, second.maximum_offset, second.updated),
            (1, 0, 0)
        );
        // Four queues are read and two are written: 4.x tells only of those that are written.
        let Reply::TopicStatistics(shrunk) = &replies["topic-statistics-shrunk"] else {
            panic!("topic statistics")
        };
        assert_eq!(shrunk.queues.len(), if five { 4 } else { 2 }, "{version}");
        let Reply::ConsumeStatistics(shrunk) = &replies["consume-statistics-shrunk"] else {
            panic!("consume statistics")
        };
        assert_eq!(shrunk.queues.len(), 4, "{version}");

        let Reply::ConsumeStatistics(billing) = &replies["consume-statistics"] else {
            panic!("consume statistics")
        };
        assert_eq!(billing.queues.len(), 4, "{version}");
        let first = &billing.queues[0];
        assert_eq!(
            (&*first.broker, &*first.topic),
            ("recorded-broker-0", "orders")
        );
        assert_eq!((first.broker_offset, first.consumer_offset), (3, 2));
        assert!(first.consumed > 1_700_000_000_000, "{version}");
        assert_eq!(first.pull_offset, five.then_some(2), "{version}");

        let Reply::ConsumerOffsets(offsets) = &replies["consumer-offsets"] else {
            panic!("consumer offsets")
        };
        assert_eq!(offsets.offset("billing", "orders", 0), Some(2), "{version}");
        assert_eq!(offsets.offset("billing", "orders", 1), None, "{version}");
        assert_eq!(replies["consumer-offset"], Reply::Offset(Some(2)));
        // 4.x says 0 when there is none and the queue is whole.
        let none = (!five).then_some(0);
        assert_eq!(
            replies["consumer-offset-none"],
            Reply::Offset(none),
            "{version}"
        );
        let billing = BTreeSet::from([text("billing")]);
        assert_eq!(replies["topic-groups"], Reply::Groups(billing));
        assert_eq!(replies["topic-groups-none"], Reply::Groups(BTreeSet::new()));
    }
}

#[test]
fn brokers_say_who_is_connected() {
    for (version, _, _) in VERSIONS {
        let replies = replies(version);
        let Reply::ConsumerConnections(Some(members)) = &replies["consumer-connections"] else {
            panic!("members")
        };
        let [client] = members.clients.as_slice() else {
            panic!("{version}: {members:?}")
        };
        assert_eq!(
            (&*client.id, &*client.language),
            ("127.0.0.1@recorded", "OTHER")
        );
        assert_eq!(members.consume_type.as_deref(), Some("CONSUME_PASSIVELY"));
        assert_eq!(members.message_model.as_deref(), Some("CLUSTERING"));
        assert_eq!(members.subscriptions["orders"]["subString"], "*");
        assert_eq!(
            replies["consumer-connections-none"],
            Reply::ConsumerConnections(None)
        );
        let Reply::ProducerConnections(clients) = &replies["producer-connections"] else {
            panic!("producers")
        };
        assert_eq!(clients, &members.clients, "{version}");
        let none = Reply::ProducerConnections(Vec::new());
        assert_eq!(replies["producer-connections-none"], none, "{version}");
    }
}

#[test]
fn brokers_say_what_is_delivered_later_and_to_replicas() {
    for (version, ordinal, _) in VERSIONS {
        let replies = replies(version);
        let Reply::DelayOffsets(delayed) = &replies["delay-offsets"] else {
            panic!("delay offsets")
        };
        // One message of the first level; a broker may have counted it already or not.
        let levels: Vec<(u32, i64)> = delayed.levels.clone().into_iter().collect();
        assert!(
            matches!(levels.as_slice(), [(1, 0..=1)]),
            "{version}: {levels:?}"
        );
        if ordinal < 413 {
            continue;
        }
        let Reply::TimerMetrics(timed) = &replies["timer-metrics"] else {
            panic!("timer metrics")
        };
        assert_eq!(timed.topics["orders"].count, 1, "{version}");
        let Reply::ReplicationStatus(master) = &replies["replication-status"] else {
            panic!("replication")
        };
        let [replica] = master.replicas.as_slice() else {
            panic!("{version}: {master:?}")
        };
        assert!(master.master && replica.in_sync, "{version}");
        assert_eq!(
            replica.acknowledged_offset + replica.behind,
            master.maximum_offset
        );
        let Reply::ReplicationStatus(replica) = &replies["replication-status-replica"] else {
            panic!("replication")
        };
        assert!(!replica.master && replica.replicas.is_empty(), "{version}");
    }
}

#[test]
fn a_group_is_kept_as_it_was_put() {
    for (version, _, _) in VERSIONS {
        let replies = replies(version);
        let Reply::SubscriptionGroups(groups) = &replies["subscription-groups-more"] else {
            panic!("groups")
        };
        let group = &groups.groups["shipping"];
        assert!(!group.consume_enabled, "{version}");
        assert_eq!(group.other["retryMaxTimes"], 5, "{version}");
        assert_eq!(group.other["consumeBroadcastEnable"], true, "{version}");
        for name in [
            "put-subscription-group",
            "delete-subscription-group",
            "put-consumer-offset",
        ] {
            assert_eq!(replies[name], Reply::Accepted, "{version} {name}");
        }
    }
}

#[test]
fn what_a_broker_makes_itself_is_told_from_what_was_made() {
    for (version, ..) in VERSIONS {
        let replies = replies(version);
        let Reply::TopicConfigurations(table) = &replies["topic-configurations"] else {
            panic!("topics")
        };
        let is_their_name = |name: &str| ["recorded", "recorded-broker-0"].contains(&name);
        let mut made: BTreeSet<&str> = table.topics.keys().map(String::as_str).collect();
        made.retain(|topic| !is_system_topic(topic, is_their_name));
        // The recorded topic has the name of its cluster.
        assert_eq!(made, BTreeSet::from(["archive", "orders"]), "{version}");
        let Reply::SubscriptionGroups(groups) = &replies["subscription-groups"] else {
            panic!("groups")
        };
        let mut made: BTreeSet<&str> = groups.groups.keys().map(String::as_str).collect();
        made.retain(|group| !is_system_group(group));
        assert_eq!(made, BTreeSet::from(["billing"]), "{version}");
    }
}

#[test]
fn configurations_keep_every_field_as_the_broker_said_it() {
    for (version, ordinal, _) in VERSIONS {
        let five = ordinal >= 413;
        let replies = replies(version);
        let Reply::TopicConfigurations(table) = &replies["topic-configurations"] else {
            panic!("topics")
        };
        let topic = &table.topics["archive"];
        assert_eq!(
            (topic.read_queues, topic.write_queues, topic.permission),
            (8, 8, 4)
        );
        // 4.x does not take the order of a topic from the request that makes it.
        assert_eq!(table.topics["orders"].order, five, "{version}");
        let attributes = table.topics["orders"].other.get("attributes");
        let expected = serde_json::json!({"message.type": "FIFO"});
        assert_eq!(attributes, five.then_some(&expected), "{version}");
        assert_eq!(table.data_version.state_version, five.then_some(0));
        assert!(table.data_version.counter > 0);

        let Reply::SubscriptionGroups(groups) = &replies["subscription-groups"] else {
            panic!("groups")
        };
        let group = &groups.groups["billing"];
        assert!(group.consume_enabled);
        assert_eq!(group.other["retryMaxTimes"], 5, "{version}");
        assert_eq!(
            group.other.contains_key("groupRetryPolicy"),
            five,
            "{version}"
        );

        for Recorded { name, frame, .. } in recordings(version) {
            let (table_name, decoded): (_, BTreeMap<_, _>) = match name.as_str() {
                "topic-configurations" => (
                    "topicConfigTable",
                    table
                        .topics
                        .iter()
                        .map(|(name, topic)| (name, topic.to_value()))
                        .collect(),
                ),
                "subscription-groups" => (
                    "subscriptionGroupTable",
                    groups
                        .groups
                        .iter()
                        .map(|(name, group)| (name, group.to_value()))
                        .collect(),
                ),
                _ => continue,
            };
            let body = fastjson::parse(&frame.body).unwrap();
            let said = body.get(table_name).unwrap();
            let Value::Object(entries) = said else {
                panic!("an object")
            };
            assert_eq!(entries.len(), decoded.len());
            for (name, value) in decoded {
                let said = said.get(name).unwrap();
                assert_eq!(
                    value.to_json().unwrap(),
                    said.to_json().unwrap(),
                    "{version} {name}"
                );
            }
        }
    }
}

#[test]
fn bodies_written_again_are_the_same_bytes() {
    let mut compared = 0;
    for (version, _, _) in VERSIONS {
        for Recorded { name, frame, .. } in recordings(version) {
            if let Ok(value) = fastjson::parse(&frame.body) {
                assert_eq!(
                    value.to_fastjson().into_bytes(),
                    frame.body,
                    "{version} {name}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared >= 40, "{compared}");
}

#[test]
fn a_simulated_server_answers_what_a_real_one_did() {
    // What a server adds for itself: remarks, and fields of its groups that this client does not read.
    fn without_extras(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(entries) => entries
                .iter()
                .filter(|(name, _)| *name != "enableActingMaster")
                .map(|(name, value)| (name.clone(), without_extras(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            serde_json::Value::Array(values) => {
                // Only lists of names are without an order of their own.
                let mut values: Vec<_> = values.iter().map(without_extras).collect();
                values.sort_by_key(ToString::to_string);
                values.into()
            }
            other => other.clone(),
        }
    }
    for (version, _, _) in VERSIONS {
        for Recorded {
            name,
            recording,
            frame,
        } in recordings(version)
        {
            let Ok(answer) = decode(&recording.request, &frame) else {
                continue;
            };
            let sent = Frame::from_bytes(&recording.sent.to_bytes().unwrap()).unwrap();
            let simulated = answered(&sent, &answer);
            assert_eq!(simulated.code, frame.code, "{version} {name}");
            assert_eq!(simulated.version, frame.version);
            assert_eq!(simulated.opaque, frame.opaque);
            assert_eq!(
                decode(&recording.request, &simulated),
                Ok(answer),
                "{version} {name}"
            );
            if let (Ok(real), Ok(made)) = (
                fastjson::parse(&frame.body),
                fastjson::parse(&simulated.body),
            ) {
                let [real, made] = [real, made].map(|value| value.to_json().unwrap());
                assert_eq!(
                    without_extras(&made),
                    without_extras(&real),
                    "{version} {name}"
                );
            }
            // The same keys stand without quotes.
            if matches!(
                recording.request,
                Request::ClusterInfo | Request::TopicRoute { .. }
            ) {
                let bare = |body: &[u8]| body.windows(3).filter(|bytes| bytes == b"{0:").count();
                assert_eq!(bare(&simulated.body), bare(&frame.body), "{version} {name}");
            }
        }
    }
}

#[test]
fn an_answer_survives_being_kept_as_json() {
    for (version, _, _) in VERSIONS {
        for Recorded {
            name,
            recording,
            frame,
        } in recordings(version)
        {
            if let Ok(answer) = decode(&recording.request, &frame) {
                let kept = serde_json::to_string(&answer).unwrap();
                let read: Answer = serde_json::from_str(&kept).unwrap();
                assert_eq!(read, answer, "{version} {name}");
            }
        }
    }
}
