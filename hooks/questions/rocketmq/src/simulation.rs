//! Name servers and brokers in memory, which answer over the wire's own form.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use midships_client_rocketmq::answer::{NO_TOPIC, answered};
use midships_client_rocketmq::{
    Answer, BrokerGroup, CallError, ClientConnection, ClusterInfo, ConsumeStatistics,
    ConsumerConnections, ConsumerOffsets, DecodeError, ProductVersion, QueueExtent, QueueProgress,
    ReplicationStatus, Reply, Request, SubscriptionGroup, SubscriptionGroups, TopicConfiguration,
    TopicConfigurations, TopicStatistics, decode, encode,
};

use crate::Scope;
use crate::ask::Servers;

/// 4.9.7.
const OLD: ProductVersion = ProductVersion(407);
/// 5.4.0.
const NEW: ProductVersion = ProductVersion(493);
/// 2026-01-31T12:00:00Z.
const NOON: i64 = 1_769_860_800_000;

/// A broker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Broker {
    pub(crate) version: ProductVersion,
    pub(crate) name: String,
    pub(crate) configuration: Vec<(&'static str, &'static str)>,
    pub(crate) runtime: Vec<(&'static str, String)>,
    pub(crate) topics: BTreeMap<String, TopicConfiguration>,
    /// First and next place of each queue that has had messages, by topic.
    pub(crate) queues: BTreeMap<String, BTreeMap<u32, (i64, i64)>>,
    pub(crate) groups: BTreeSet<String>,
    /// Offsets by group, topic and queue.
    pub(crate) offsets: BTreeMap<String, BTreeMap<String, BTreeMap<u32, i64>>>,
    pub(crate) members: BTreeMap<String, ConsumerConnections>,
}

/// All servers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simulation {
    pub(crate) name_servers: BTreeMap<String, ClusterInfo>,
    pub(crate) brokers: BTreeMap<String, Broker>,
    /// Servers that do not answer.
    pub(crate) silent: BTreeSet<String>,
    /// How often each server was asked.
    pub(crate) asked: RefCell<BTreeMap<String, u32>>,
    open: Cell<usize>,
    /// The most questions that were open at the same time.
    pub(crate) most_open: Cell<usize>,
}

impl Servers for Simulation {
    async fn call(&self, address: &str, request: &Request) -> Result<Answer, CallError> {
        self.open.set(self.open.get() + 1);
        self.most_open
            .set(self.most_open.get().max(self.open.get()));
        // Whoever asks several things at the same time has them all open now.
        let mut waited = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut waited, true) {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        self.open.set(self.open.get() - 1);
        *self
            .asked
            .borrow_mut()
            .entry(address.to_owned())
            .or_default() += 1;
        let words = request.to_string();
        if self.silent.contains(address) {
            return Err(CallError::Unreachable {
                address: address.to_owned(),
                request: words,
                source: io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused"),
            });
        }
        let (version, reply) = if let Some(info) = self.name_servers.get(address) {
            (NEW, Some(of_name_server(info, request)))
        } else {
            let broker = &self.brokers[address];
            assert!(request.is_known_by(broker.version), "{address} {request}");
            (broker.version, broker.reply(request))
        };
        let Some(reply) = reply else {
            let remark = "topic not exist".to_owned();
            return Err(CallError::Declined {
                address: address.to_owned(),
                request: words,
                version,
                code: NO_TOPIC,
                remark: remark.clone(),
                source: DecodeError::Declined {
                    version,
                    code: NO_TOPIC,
                    remark,
                },
            });
        };
        let frame = answered(&encode(request, 1), &Answer { version, reply });
        Ok(decode(request, &frame).unwrap())
    }
}

fn of_name_server(info: &ClusterInfo, request: &Request) -> Reply {
    match request {
        Request::ClusterInfo => Reply::ClusterInfo(info.clone()),
        Request::KeyValues { .. } => {
            let value = "shop-broker-0:2;shop-broker-1:2".to_owned();
            Reply::KeyValues(BTreeMap::from([("ledger".to_owned(), value)]))
        }
        other => panic!("{other}"),
    }
}

impl Broker {
    fn reply(&self, request: &Request) -> Option<Reply> {
        let texts = |pairs: &[(&str, String)]| {
            let pair = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
            pairs.iter().map(pair).collect()
        };
        Some(match request {
            Request::RuntimeInformation => Reply::Runtime(texts(&self.runtime)),
            Request::BrokerConfiguration => {
                let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
                Reply::Configuration(self.configuration.iter().map(pair).collect())
            }
            Request::ReplicationStatus => Reply::ReplicationStatus(ReplicationStatus {
                master: true,
                replicas_in_sync: 1,
                ..ReplicationStatus::default()
            }),
            Request::TopicConfigurations => Reply::TopicConfigurations(TopicConfigurations {
                topics: self.topics.clone(),
                ..TopicConfigurations::default()
            }),
            Request::SubscriptionGroups => {
                let group = |name: &String| SubscriptionGroup {
                    name: name.clone(),
                    consume_enabled: true,
                    ..SubscriptionGroup::default()
                };
                Reply::SubscriptionGroups(SubscriptionGroups {
                    groups: self
                        .groups
                        .iter()
                        .map(|name| (name.clone(), group(name)))
                        .collect(),
                    ..SubscriptionGroups::default()
                })
            }
            Request::ConsumerOffsets => Reply::ConsumerOffsets(ConsumerOffsets {
                groups: self.offsets.clone(),
                ..ConsumerOffsets::default()
            }),
            Request::TopicStatistics { topic } => {
                let there = self.topics.get(topic)?;
                let queues = if self.version < NEW {
                    there.write_queues
                } else {
                    there.write_queues.max(there.read_queues)
                };
                Reply::TopicStatistics(TopicStatistics {
                    queues: (0..queues).map(|queue| self.extent(topic, queue)).collect(),
                    ..TopicStatistics::default()
                })
            }
            Request::ConsumeStatistics { group, topic } => {
                Reply::ConsumeStatistics(self.progress(group, topic.as_deref()))
            }
            Request::ConsumerConnections { group } => {
                Reply::ConsumerConnections(self.members.get(group).cloned())
            }
            other => panic!("{other}"),
        })
    }

    fn extent(&self, topic: &str, queue: u32) -> QueueExtent {
        let places = self.queues.get(topic).and_then(|queues| queues.get(&queue));
        let (minimum_offset, maximum_offset) = places.copied().unwrap_or_default();
        QueueExtent {
            broker: self.name.clone(),
            topic: topic.to_owned(),
            queue,
            minimum_offset,
            maximum_offset,
            updated: if maximum_offset > 0 { NOON } else { 0 },
        }
    }

    fn progress(&self, group: &str, topic: Option<&str>) -> ConsumeStatistics {
        let none = BTreeMap::new();
        let offsets = self.offsets.get(group).unwrap_or(&none);
        let topics: BTreeSet<&str> = match topic {
            Some(topic) => BTreeSet::from([topic]),
            None => offsets.keys().map(String::as_str).collect(),
        };
        let mut queues = Vec::new();
        for (name, topic) in &self.topics {
            if !topics.contains(name.as_str()) {
                continue;
            }
            for queue in 0..topic.read_queues {
                let offset = offsets.get(name).and_then(|queues| queues.get(&queue));
                let offset = offset.copied().unwrap_or(0);
                queues.push(QueueProgress {
                    broker: self.name.clone(),
                    topic: name.clone(),
                    queue,
                    broker_offset: self.extent(name, queue).maximum_offset,
                    consumer_offset: offset,
                    consumed: if offset > 0 { NOON - 60_000 } else { 0 },
                    pull_offset: (self.version >= NEW).then_some(offset),
                });
            }
        }
        ConsumeStatistics {
            queues,
            ..ConsumeStatistics::default()
        }
    }
}

/// A cluster with a broker of 5.4.0 and its replica and one of 4.9.7, and a second cluster.
pub(crate) fn shop() -> Simulation {
    let text = |text: &str| text.to_owned();
    let group = |cluster: &str, addresses: &[(i64, &str)]| BrokerGroup {
        cluster: text(cluster),
        addresses: addresses
            .iter()
            .map(|(id, address)| (*id, text(address)))
            .collect(),
    };
    let brokers = BTreeMap::from([
        (
            text("shop-broker-0"),
            group("shop", &[(0, "b0:10911"), (1, "b0-1:10911")]),
        ),
        (text("shop-broker-1"), group("shop", &[(0, "b1:10911")])),
        (text("other-broker"), group("other", &[(0, "o:10911")])),
    ]);
    let names = |names: &[&str]| names.iter().map(|name| text(name)).collect();
    let info = ClusterInfo {
        brokers,
        clusters: BTreeMap::from([
            (text("shop"), names(&["shop-broker-0", "shop-broker-1"])),
            (text("other"), names(&["other-broker"])),
        ]),
    };
    let servers = ["n0:9876", "n1:9876"].map(|server| (text(server), info.clone()));
    Simulation {
        name_servers: servers.into(),
        brokers: BTreeMap::from([
            (text("b0:10911"), new()),
            (text("b0-1:10911"), replica()),
            (text("b1:10911"), old()),
            (text("o:10911"), other()),
        ]),
        ..Simulation::default()
    }
}

/// What is asked of both name servers about everything.
pub(crate) fn scope() -> Scope {
    Scope {
        name_servers: vec!["n0:9876".to_owned(), "n1:9876".to_owned()],
        ..Scope::default()
    }
}

fn runtime(end: i64) -> Vec<(&'static str, String)> {
    vec![
        ("putTps", "12.5 11.0 9.9".to_owned()),
        ("getTransferredTps", "25.04  ".to_owned()),
        ("msgPutTotalTodayNow", "1200".to_owned()),
        ("msgPutTotalTodayMorning", "200".to_owned()),
        ("msgGetTotalTodayNow", "2200".to_owned()),
        ("msgGetTotalTodayMorning", "200".to_owned()),
        ("commitLogDiskRatio", "0.42".to_owned()),
        ("commitLogMaxOffset", end.to_string()),
        ("bootTimestamp", NOON.to_string()),
    ]
}

fn plain(topics: &[(&str, u32)]) -> BTreeMap<String, TopicConfiguration> {
    let topic = |(name, queues): &(&str, u32)| {
        ((*name).to_owned(), TopicConfiguration::plain(name, *queues))
    };
    topics.iter().map(topic).collect()
}

fn new() -> Broker {
    let mut topics = plain(&[
        ("orders", 2),
        ("ledger", 2),
        ("%RETRY%billing", 1),
        ("shop", 16),
        ("rmq_sys_wheel_timer", 1),
    ]);
    let orders = topics.get_mut("orders").unwrap();
    let fifo = serde_json::json!({"message.type": "FIFO"});
    orders.other.insert("attributes".to_owned(), fifo);
    orders.order = true;
    let text = |text: &str| text.to_owned();
    let billing = BTreeMap::from([
        (text("orders"), BTreeMap::from([(0, 8), (1, 5)])),
        (text("%RETRY%billing"), BTreeMap::from([(0, 1)])),
    ]);
    let client = ClientConnection {
        id: text("10.0.0.7@1"),
        address: text("10.0.0.7:40000"),
        language: text("JAVA"),
        version: NEW,
    };
    let subscription = serde_json::json!({"orders": {"subString": "*"}});
    let members = ConsumerConnections {
        clients: vec![client],
        consume_type: Some(text("CONSUME_PASSIVELY")),
        message_model: Some(text("CLUSTERING")),
        subscriptions: subscription.as_object().unwrap().clone(),
        ..ConsumerConnections::default()
    };
    Broker {
        version: NEW,
        name: text("shop-broker-0"),
        configuration: vec![("brokerPermission", "6"), ("brokerRole", "SYNC_MASTER")],
        runtime: runtime(5_000),
        topics,
        queues: BTreeMap::from([
            (text("orders"), BTreeMap::from([(0, (2, 10)), (1, (0, 5))])),
            (text("%RETRY%billing"), BTreeMap::from([(0, (0, 4))])),
        ]),
        groups: BTreeSet::from([text("billing"), text("idle"), text("TOOLS_CONSUMER")]),
        offsets: BTreeMap::from([(text("billing"), billing)]),
        members: BTreeMap::from([(text("billing"), members)]),
    }
}

fn replica() -> Broker {
    Broker {
        configuration: vec![("brokerPermission", "4"), ("brokerRole", "SLAVE")],
        runtime: runtime(4_200),
        ..new()
    }
}

fn old() -> Broker {
    let mut topics = plain(&[("orders", 2), ("ledger", 2), ("%RETRY%billing", 1)]);
    // Two queues are read that are not written any more.
    topics.get_mut("ledger").unwrap().read_queues = 4;
    let text = |text: &str| text.to_owned();
    let mut runtime = runtime(700);
    runtime[1] = ("getTransferedTps", "1.0 2.0 3.0".to_owned());
    runtime[6] = ("commitLogDiskRatio", "-1.0".to_owned());
    Broker {
        version: OLD,
        name: text("shop-broker-1"),
        configuration: vec![("brokerPermission", "4"), ("brokerRole", "ASYNC_MASTER")],
        runtime,
        topics,
        queues: BTreeMap::from([
            (text("orders"), BTreeMap::from([(0, (3, 6))])),
            (text("ledger"), BTreeMap::from([(0, (0, 3)), (2, (1, 9))])),
        ]),
        groups: BTreeSet::from([text("reports")]),
        offsets: BTreeMap::from([(
            text("reports"),
            BTreeMap::from([(text("ledger"), BTreeMap::from([(0, 1), (2, 4)]))]),
        )]),
        ..Broker::default()
    }
}

fn other() -> Broker {
    Broker {
        version: NEW,
        name: "other-broker".to_owned(),
        configuration: vec![("brokerPermission", "6"), ("brokerRole", "ASYNC_MASTER")],
        topics: plain(&[("elsewhere", 1)]),
        ..Broker::default()
    }
}
