//! Everything that can be asked of a name server, a broker or a controller, and the frame that asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Map;
use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::answer::{self, DecodeError, SubscriptionGroup, TopicConfiguration};
use crate::fastjson::Value;
use crate::frame::Frame;
use crate::node::Node;
use crate::properties;
use crate::version::ProductVersion;

/// What is asked or told. The numbers are the product's request codes, the same from 4.5.0 to 5.5.0.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Request {
    /// 106, to a name server: the brokers that are registered there.
    ClusterInfo,
    /// 206, to a name server: the names of all topics, among them those that the system makes.
    TopicList,
    /// 105, to a name server: which brokers have queues of a topic.
    TopicRoute {
        /// The topic's name.
        topic: String,
    },
    /// 219, to a name server: all keys of a namespace. Name servers do not share them.
    KeyValues {
        /// The namespace; that of ordered topics is `ORDER_TOPIC_CONFIG`.
        namespace: String,
    },
    /// 100, to a name server: sets a key of a namespace.
    PutKeyValue {
        /// The namespace.
        namespace: String,
        /// The key.
        key: String,
        /// Its new value.
        value: String,
    },
    /// 102, to a name server: removes a key of a namespace; also done when there is none.
    DeleteKeyValue {
        /// The namespace.
        namespace: String,
        /// The key.
        key: String,
    },
    /// 26, to a broker: its configuration as it stands in memory.
    BrokerConfiguration,
    /// 25, to a broker: sets properties of its configuration. Unknown ones are accepted in silence, so ask for the
    /// configuration afterwards.
    UpdateBrokerConfiguration {
        /// The new values by property.
        properties: BTreeMap<String, String>,
    },
    /// 28, to a broker: counters and facts of the running process.
    RuntimeInformation,
    /// 21, to a broker: the configuration of all its topics.
    TopicConfigurations,
    /// 201, to a broker: the configuration of all its subscription groups.
    SubscriptionGroups,
    /// 202, to a broker: the places of a topic's queues there. Before 5.0.0 only of the queues that are written; code 17
    /// when the broker does not have the topic.
    TopicStatistics {
        /// The topic's name.
        topic: String,
    },
    /// 208, to a broker: how far a group has consumed the queues that are read there.
    ConsumeStatistics {
        /// The subscription group's name.
        group: String,
        /// The topic; without one, all topics of which the broker has an offset of the group.
        topic: Option<String>,
    },
    /// 43, to a broker: the offsets of all groups.
    ConsumerOffsets,
    /// 14, to a broker: the offset of a group in a queue. Before 5.0.0 a broker that has none may say 0.
    ConsumerOffset {
        /// The subscription group's name.
        group: String,
        /// The topic's name.
        topic: String,
        /// The queue's number, from 0.
        queue: u32,
    },
    /// 15, to a broker: sets the offset of a group in a queue. From 5.0.0 on topic and group must be there.
    PutConsumerOffset {
        /// The subscription group's name.
        group: String,
        /// The topic's name.
        topic: String,
        /// The queue's number, from 0.
        queue: u32,
        /// The place of the message that is consumed next.
        offset: u64,
    },
    /// 300, to a broker: the groups that have subscribed to a topic or have an offset of it there.
    TopicGroups {
        /// The topic's name.
        topic: String,
    },
    /// 203, to a broker: the members of a group that are connected to it.
    ConsumerConnections {
        /// The subscription group's name.
        group: String,
    },
    /// 204, to a broker: the members of a group of producers that are connected to it.
    ProducerConnections {
        /// The name of the group of producers.
        group: String,
        /// A topic that they send to; brokers want one and do not look at it.
        topic: String,
    },
    /// 45, to a broker: how far it has delivered the messages of each delay level.
    DelayOffsets,
    /// 61, to a broker from 5.0.0 on: how many timed messages of each topic are not delivered yet.
    TimerMetrics,
    /// 907, to a broker from 5.0.0 on: how far its replicas are, or how far itself as a replica.
    ReplicationStatus,
    /// 200, to a broker: sets the whole configuration of a subscription group, as it is given.
    PutSubscriptionGroup {
        /// The configuration, with all fields under the product's names.
        group: SubscriptionGroup,
    },
    /// 207, to a broker: removes the configuration of a subscription group; also done when there is none.
    DeleteSubscriptionGroup {
        /// The subscription group's name.
        group: String,
        /// Whether its offsets are removed, too. Brokers before 4.9.0 keep them in any case. Without it, 5.5.0 asks after the
        /// removal whether the group is a light one, and so makes it again where groups come by themselves.
        with_offsets: bool,
    },
    /// 17, to a broker: sets the whole configuration of a topic, and has the name servers know.
    ///
    /// Of the fields that the configuration holds as others, `topicFilterType`, `topicSysFlag` and `attributes` are
    /// sent; the request has no place for more. 4.x takes neither attributes nor, from 4.5.0 to 4.9.7, the order.
    PutTopic {
        /// The configuration.
        configuration: TopicConfiguration,
        /// Attributes that the topic loses. Those that are neither named here nor in the configuration stay; to name
        /// one that the topic does not have is declined.
        without_attributes: BTreeSet<String>,
    },
    /// 215, to a broker: removes a topic; also done when there is none. Name servers go on listing it.
    DeleteTopic {
        /// The topic's name.
        topic: String,
    },
    /// 216, to a name server: forgets where a topic has queues. Before 4.9.4 in all clusters.
    ForgetTopic {
        /// The topic's name.
        topic: String,
        /// The cluster that does not have it any more.
        cluster: String,
    },
    /// 1006, to a controller from 5.0.0 on: who is the master of groups, and who is in sync with it. Only the leader tells.
    Elections {
        /// The broker names of the groups.
        groups: BTreeSet<String>,
    },
    /// 1002, to the leading controller: makes a broker the master of its group. It must be in sync, and is the only one in sync
    /// then until others have caught up with it.
    ElectMaster {
        /// The cluster's name.
        cluster: String,
        /// The broker name of the group.
        group: String,
        /// The id that controllers have granted the broker.
        id: i64,
    },
    /// 1011, to the leading controller: forgets brokers of a group that are gone. One that is heard of it does not forget.
    ForgetBrokers {
        /// The cluster's name.
        cluster: String,
        /// The broker name of the group.
        group: String,
        /// The ids that controllers have granted the brokers.
        ids: BTreeSet<i64>,
    },
    /// 310, to a broker: stores a message in a topic's first queue.
    SendMessage {
        /// The topic's name.
        topic: String,
        /// The message.
        body: String,
        /// When it was made, in milliseconds since 1970.
        born: u64,
    },
    /// 11, to a broker: at most one message of a topic's first queue, for the group that the product's own tools use.
    PullMessage {
        /// The topic's name.
        topic: String,
        /// The place in the queue from which to read.
        offset: u64,
        /// How long the broker waits for a message to arrive, in milliseconds.
        wait: u64,
    },
}

/// The group of the product's own tools, which brokers of every version have.
pub const TOOLS_GROUP: &str = "TOOLS_CONSUMER";
/// What a pull is asked to do: 2, to wait for a message; 4, to take the subscription from the request.
const PULL_FLAGS: &str = "6";

impl Request {
    /// The product's request code.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::ClusterInfo => 106,
            Self::TopicList => 206,
            Self::TopicRoute { .. } => 105,
            Self::KeyValues { .. } => 219,
            Self::PutKeyValue { .. } => 100,
            Self::DeleteKeyValue { .. } => 102,
            Self::BrokerConfiguration => 26,
            Self::UpdateBrokerConfiguration { .. } => 25,
            Self::RuntimeInformation => 28,
            Self::TopicConfigurations => 21,
            Self::SubscriptionGroups => 201,
            Self::TopicStatistics { .. } => 202,
            Self::ConsumeStatistics { .. } => 208,
            Self::ConsumerOffsets => 43,
            Self::ConsumerOffset { .. } => 14,
            Self::PutConsumerOffset { .. } => 15,
            Self::TopicGroups { .. } => 300,
            Self::ConsumerConnections { .. } => 203,
            Self::ProducerConnections { .. } => 204,
            Self::DelayOffsets => 45,
            Self::TimerMetrics => 61,
            Self::ReplicationStatus => 907,
            Self::PutSubscriptionGroup { .. } => 200,
            Self::DeleteSubscriptionGroup { .. } => 207,
            Self::PutTopic { .. } => 17,
            Self::DeleteTopic { .. } => 215,
            Self::ForgetTopic { .. } => 216,
            Self::Elections { .. } => 1006,
            Self::ElectMaster { .. } => 1002,
            Self::ForgetBrokers { .. } => 1011,
            Self::SendMessage { .. } => 310,
            Self::PullMessage { .. } => 11,
        }
    }

    /// Whether it changes something at the server. All of these may be repeated without harm, but a message is stored again.
    #[must_use]
    pub fn changes(&self) -> bool {
        matches!(
            self,
            Self::PutKeyValue { .. }
                | Self::DeleteKeyValue { .. }
                | Self::UpdateBrokerConfiguration { .. }
                | Self::PutConsumerOffset { .. }
                | Self::PutSubscriptionGroup { .. }
                | Self::DeleteSubscriptionGroup { .. }
                | Self::PutTopic { .. }
                | Self::DeleteTopic { .. }
                | Self::ForgetTopic { .. }
                | Self::ElectMaster { .. }
                | Self::ForgetBrokers { .. }
                | Self::SendMessage { .. }
        )
    }

    /// Whether it is asked of brokers, neither of name servers nor of controllers.
    #[must_use]
    pub fn is_for_brokers(&self) -> bool {
        !matches!(
            self,
            Self::ClusterInfo
                | Self::TopicList
                | Self::TopicRoute { .. }
                | Self::KeyValues { .. }
                | Self::PutKeyValue { .. }
                | Self::DeleteKeyValue { .. }
                | Self::ForgetTopic { .. }
                | Self::Elections { .. }
                | Self::ElectMaster { .. }
                | Self::ForgetBrokers { .. }
        )
    }

    /// Whether a server of this version knows the request. Old ones leave those that they do not know without any
    /// answer, so ask for something else first: every answer tells the version.
    #[must_use]
    pub fn is_known_by(&self, version: ProductVersion) -> bool {
        match self {
            Self::TimerMetrics | Self::ReplicationStatus => {
                version >= ProductVersion::FIRST_OF_FIVE
            }
            _ => true,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterInfo => formatter.write_str("list of brokers"),
            Self::TopicList => formatter.write_str("list of topics"),
            Self::TopicRoute { topic } => write!(formatter, "route of topic `{topic}`"),
            Self::KeyValues { namespace } => write!(formatter, "keys of namespace `{namespace}`"),
            Self::PutKeyValue { namespace, key, .. } => {
                write!(formatter, "setting key `{key}` of namespace `{namespace}`")
            }
            Self::DeleteKeyValue { namespace, key } => {
                write!(formatter, "removing key `{key}` of namespace `{namespace}`")
            }
            Self::BrokerConfiguration => formatter.write_str("broker configuration"),
            Self::UpdateBrokerConfiguration { properties } => {
                // Values may be secrets, so only the names are said.
                let names: Vec<&str> = properties.keys().map(String::as_str).collect();
                write!(
                    formatter,
                    "setting broker configuration `{}`",
                    names.join("`, `")
                )
            }
            Self::RuntimeInformation => formatter.write_str("runtime information"),
            Self::TopicConfigurations => formatter.write_str("topic configurations"),
            Self::SubscriptionGroups => formatter.write_str("subscription groups"),
            Self::TopicStatistics { topic } => {
                write!(formatter, "places of the queues of topic `{topic}`")
            }
            Self::ConsumeStatistics { group, topic: None } => {
                write!(formatter, "progress of group `{group}`")
            }
            Self::ConsumeStatistics {
                group,
                topic: Some(topic),
            } => write!(formatter, "progress of group `{group}` in topic `{topic}`"),
            Self::ConsumerOffsets => formatter.write_str("offsets of all groups"),
            Self::ConsumerOffset {
                group,
                topic,
                queue,
            } => write!(
                formatter,
                "offset of group `{group}` in queue {queue} of topic `{topic}`"
            ),
            Self::PutConsumerOffset {
                group,
                topic,
                queue,
                ..
            } => write!(
                formatter,
                "setting the offset of group `{group}` in queue {queue} of topic `{topic}`"
            ),
            Self::TopicGroups { topic } => write!(formatter, "groups of topic `{topic}`"),
            Self::ConsumerConnections { group } => {
                write!(formatter, "members of group `{group}`")
            }
            Self::ProducerConnections { group, .. } => {
                write!(formatter, "members of group `{group}` of producers")
            }
            Self::DelayOffsets => formatter.write_str("offsets of the delay levels"),
            Self::TimerMetrics => formatter.write_str("numbers of timed messages"),
            Self::ReplicationStatus => formatter.write_str("status of the replication"),
            Self::PutSubscriptionGroup { group } => {
                write!(formatter, "making group `{}`", group.name)
            }
            Self::DeleteSubscriptionGroup { group, .. } => {
                write!(formatter, "removing group `{group}`")
            }
            Self::PutTopic { configuration, .. } => {
                write!(formatter, "making topic `{}`", configuration.name)
            }
            Self::DeleteTopic { topic } => write!(formatter, "removing topic `{topic}`"),
            Self::ForgetTopic { topic, .. } => {
                write!(formatter, "forgetting the route of topic `{topic}`")
            }
            Self::Elections { .. } => formatter.write_str("elections"),
            Self::ElectMaster { group, id, .. } => {
                write!(formatter, "electing broker {id} master of `{group}`")
            }
            Self::ForgetBrokers { group, ids, .. } => {
                write!(formatter, "forgetting brokers {} of `{group}`", listed(ids))
            }
            Self::SendMessage { topic, .. } => write!(formatter, "sending to topic `{topic}`"),
            Self::PullMessage { topic, .. } => write!(formatter, "reading topic `{topic}`"),
        }
    }
}

/// Ids, as a controller wants them.
fn listed(ids: &BTreeSet<i64>) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    ids.join(";")
}

/// Makes the frame that asks a request. The opaque number comes back with the answer.
#[must_use]
pub fn encode(request: &Request, opaque: i32) -> Frame {
    let mut frame = Frame::request(request.code(), opaque);
    for (name, value) in fields(request) {
        frame.fields.insert(name.to_owned(), value);
    }
    match request {
        Request::SendMessage { body, .. } => frame.body = body.clone().into_bytes(),
        Request::UpdateBrokerConfiguration { properties } => {
            frame.body = properties::to_java(properties).into_bytes();
        }
        Request::PutSubscriptionGroup { group } => {
            frame.body = group.to_value().to_fastjson().into_bytes();
        }
        Request::Elections { groups } => {
            let names = groups.iter().cloned().map(Value::Text).collect();
            frame.body = Value::Array(names).to_fastjson().into_bytes();
        }
        _ => {}
    }
    frame
}

/// The fields of a request's header.
fn fields(request: &Request) -> Vec<(&'static str, String)> {
    match request {
        Request::TopicRoute { topic } => vec![
            ("topic", topic.clone()),
            // Known since 4.9.4; older servers ignore it and leave the broker ids without quotes.
            ("acceptStandardJsonOnly", "true".to_owned()),
        ],
        Request::KeyValues { namespace } => vec![("namespace", namespace.clone())],
        Request::PutKeyValue {
            namespace,
            key,
            value,
        } => vec![
            ("namespace", namespace.clone()),
            ("key", key.clone()),
            ("value", value.clone()),
        ],
        Request::DeleteKeyValue { namespace, key } => {
            vec![("namespace", namespace.clone()), ("key", key.clone())]
        }
        Request::TopicStatistics { topic }
        | Request::TopicGroups { topic }
        | Request::DeleteTopic { topic } => vec![("topic", topic.clone())],
        Request::ConsumeStatistics { group, topic } => {
            let topic = topic.as_ref().map(|topic| ("topic", topic.clone()));
            [("consumerGroup", group.clone())]
                .into_iter()
                .chain(topic)
                .collect()
        }
        Request::ConsumerOffset { .. } | Request::PutConsumerOffset { .. } => {
            fields_of_offset(request)
        }
        Request::ConsumerConnections { group } => vec![("consumerGroup", group.clone())],
        Request::ProducerConnections { group, topic } => {
            vec![("producerGroup", group.clone()), ("topic", topic.clone())]
        }
        Request::DeleteSubscriptionGroup {
            group,
            with_offsets,
        } => vec![
            ("groupName", group.clone()),
            // The field's name in 4.9, and in 5.x.
            ("removeOffset", with_offsets.to_string()),
            ("cleanOffset", with_offsets.to_string()),
        ],
        Request::PutTopic {
            configuration,
            without_attributes,
        } => fields_of_topic(configuration, without_attributes),
        Request::ForgetTopic { topic, cluster } => {
            vec![("topic", topic.clone()), ("clusterName", cluster.clone())]
        }
        Request::SendMessage { .. } | Request::PullMessage { .. } => fields_of_message(request),
        Request::ElectMaster { cluster, group, id } => vec![
            ("clusterName", cluster.clone()),
            ("brokerName", group.clone()),
            ("brokerId", id.to_string()),
            // Else a master that is there stays it.
            ("designateElect", "true".to_owned()),
        ],
        Request::ForgetBrokers {
            cluster,
            group,
            ids,
        } => vec![
            ("clusterName", cluster.clone()),
            ("brokerName", group.clone()),
            ("brokerControllerIdsToClean", listed(ids)),
            ("isCleanLivingBroker", "false".to_owned()),
        ],
        Request::ClusterInfo
        | Request::TopicList
        | Request::BrokerConfiguration
        | Request::UpdateBrokerConfiguration { .. }
        | Request::RuntimeInformation
        | Request::TopicConfigurations
        | Request::SubscriptionGroups
        | Request::ConsumerOffsets
        | Request::DelayOffsets
        | Request::TimerMetrics
        | Request::ReplicationStatus
        | Request::PutSubscriptionGroup { .. }
        | Request::Elections { .. } => Vec::new(),
    }
}

/// The fields of a request about the offset of a group in a queue.
fn fields_of_offset(request: &Request) -> Vec<(&'static str, String)> {
    let (Request::ConsumerOffset {
        group,
        topic,
        queue,
    }
    | Request::PutConsumerOffset {
        group,
        topic,
        queue,
        ..
    }) = request
    else {
        return Vec::new();
    };
    let last = match request {
        Request::PutConsumerOffset { offset, .. } => ("commitOffset", offset.to_string()),
        // Known since 5.0.0; older brokers say 0 when the queue still has its first message.
        _ => ("setZeroIfNotFound", "false".to_owned()),
    };
    vec![
        ("consumerGroup", group.clone()),
        ("topic", topic.clone()),
        ("queueId", queue.to_string()),
        last,
    ]
}

/// The fields that carry a topic's configuration.
fn fields_of_topic(
    configuration: &TopicConfiguration,
    without_attributes: &BTreeSet<String>,
) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("topic", configuration.name.clone()),
        ("defaultTopic", "TBW102".to_owned()),
        ("readQueueNums", configuration.read_queues.to_string()),
        ("writeQueueNums", configuration.write_queues.to_string()),
        ("perm", configuration.permission.to_string()),
        ("topicFilterType", configuration.filter_type().to_owned()),
        ("topicSysFlag", configuration.system_flag().to_string()),
        ("order", configuration.order.to_string()),
    ];
    let attributes = configuration.attributes();
    if attributes.is_some() || !without_attributes.is_empty() {
        let added = attributes.unwrap_or_default();
        let changes: Vec<String> = added
            .iter()
            .map(|(name, value)| format!("+{name}={value}"))
            .chain(without_attributes.iter().map(|name| format!("-{name}")))
            .collect();
        fields.push(("attributes", changes.join(",")));
    }
    fields
}

/// The fields of a request that sends or reads a message.
fn fields_of_message(request: &Request) -> Vec<(&'static str, String)> {
    let text = |(name, value): (&'static str, &str)| (name, value.to_owned());
    match request {
        // This request has letters for names: group, topic, default topic and its queues, queue, flags, time of birth,
        // flags of the sender, properties, times sent again, unit mode, batch.
        Request::SendMessage { topic, born, .. } => [
            ("a", TOOLS_GROUP),
            ("b", topic),
            ("c", "TBW102"),
            ("d", "1"),
            ("e", "0"),
            ("f", "0"),
            ("g", &born.to_string()),
            ("h", "0"),
            ("i", ""),
            ("j", "0"),
            ("k", "false"),
            ("m", "false"),
        ]
        .map(text)
        .into(),
        Request::PullMessage {
            topic,
            offset,
            wait,
        } => [
            ("consumerGroup", TOOLS_GROUP),
            ("topic", topic),
            ("queueId", "0"),
            ("queueOffset", &offset.to_string()),
            ("maxMsgNums", "1"),
            ("sysFlag", PULL_FLAGS),
            ("commitOffset", "0"),
            ("suspendTimeoutMillis", &wait.to_string()),
            ("subscription", "*"),
            ("subVersion", "0"),
            ("expressionType", "TAG"),
        ]
        .map(text)
        .into(),
        _ => Vec::new(),
    }
}

/// Why a frame is not one of the requests known here.
#[derive(Debug, Clone, Eq, PartialEq, Snafu)]
pub enum Error {
    /// It is an answer.
    #[snafu(display("the frame is an answer; expected a request (flag without bit 0)"))]
    NotARequest,
    /// No request has this code.
    #[snafu(display("request code {code} is not known"))]
    UnknownCode {
        /// The code in the frame.
        code: i32,
    },
    /// A header field that the request needs is not there.
    #[snafu(display("request code {code} lacks the header field `{field}`"))]
    MissingField {
        /// The code in the frame.
        code: i32,
        /// The field's name.
        field: &'static str,
    },
    /// A header field is no number of the right kind.
    #[snafu(display(
        "the header field `{field}` of request code {code} is no whole number from 0"
    ))]
    Number {
        /// The code in the frame.
        code: i32,
        /// The field's name.
        field: &'static str,
    },
    /// A header field is neither `true` nor `false`.
    #[snafu(display(
        "the header field `{field}` of request code {code} is neither `true` nor `false`"
    ))]
    Boolean {
        /// The code in the frame.
        code: i32,
        /// The field's name.
        field: &'static str,
    },
    /// The body is not what the request carries.
    #[snafu(display("the body of request code {code} is wrong: {source}"))]
    Body {
        /// The code in the frame.
        code: i32,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The body of a message is not text.
    #[snafu(display("the body of request code {code} is not UTF-8"))]
    NotText {
        /// The code in the frame.
        code: i32,
    },
    /// The body is not in the form of Java properties.
    #[snafu(display("the body of request code {code} is not a list of properties: {source}"))]
    Properties {
        /// The code in the frame.
        code: i32,
        /// What is wrong with it.
        source: properties::Error,
    },
}

/// Reads a request back from its frame, as a server does: for servers that are simulated.
///
/// # Errors
/// When the frame is no request, or not one that is known here, or incomplete.
pub fn requested(frame: &Frame) -> Result<Request, Error> {
    ensure!(!frame.is_answer(), NotARequestSnafu);
    let header = Header { frame };
    let code = frame.code;
    Ok(match code {
        106 => Request::ClusterInfo,
        206 => Request::TopicList,
        105 => Request::TopicRoute {
            topic: header.text("topic")?,
        },
        219 => Request::KeyValues {
            namespace: header.text("namespace")?,
        },
        100 => Request::PutKeyValue {
            namespace: header.text("namespace")?,
            key: header.text("key")?,
            value: header.text("value")?,
        },
        102 => Request::DeleteKeyValue {
            namespace: header.text("namespace")?,
            key: header.text("key")?,
        },
        26 => Request::BrokerConfiguration,
        25 => {
            let properties = properties::from_java(&frame.body)
                .map_err(|source| Error::Properties { code, source })?;
            Request::UpdateBrokerConfiguration { properties }
        }
        28 => Request::RuntimeInformation,
        21 => Request::TopicConfigurations,
        201 => Request::SubscriptionGroups,
        43 => Request::ConsumerOffsets,
        45 => Request::DelayOffsets,
        61 => Request::TimerMetrics,
        907 => Request::ReplicationStatus,
        14 | 15 | 200 | 202 | 203 | 204 | 207 | 208 | 300 => of_groups(&header)?,
        17 => header.put_topic()?,
        215 => Request::DeleteTopic {
            topic: header.text("topic")?,
        },
        216 => Request::ForgetTopic {
            topic: header.text("topic")?,
            cluster: header.text("clusterName")?,
        },
        1002 | 1006 | 1011 => header.of_controllers()?,
        310 => Request::SendMessage {
            topic: header.text("b")?,
            body: String::from_utf8(frame.body.clone())
                .ok()
                .context(NotTextSnafu { code })?,
            born: header.number("g")?,
        },
        11 => Request::PullMessage {
            topic: header.text("topic")?,
            offset: header.number("queueOffset")?,
            wait: header.number("suspendTimeoutMillis")?,
        },
        _ => return UnknownCodeSnafu { code }.fail(),
    })
}

/// Reads a request about groups, their members and their offsets.
fn of_groups(header: &Header) -> Result<Request, Error> {
    let code = header.frame.code;
    let group = || header.text("consumerGroup");
    let topic = || header.text("topic");
    Ok(match code {
        202 => Request::TopicStatistics { topic: topic()? },
        208 => Request::ConsumeStatistics {
            group: group()?,
            topic: topic().ok(),
        },
        14 => Request::ConsumerOffset {
            group: group()?,
            topic: topic()?,
            queue: header.number("queueId")?,
        },
        15 => Request::PutConsumerOffset {
            group: group()?,
            topic: topic()?,
            queue: header.number("queueId")?,
            offset: header.number("commitOffset")?,
        },
        300 => Request::TopicGroups { topic: topic()? },
        203 => Request::ConsumerConnections { group: group()? },
        204 => Request::ProducerConnections {
            group: header.text("producerGroup")?,
            topic: topic()?,
        },
        207 => Request::DeleteSubscriptionGroup {
            group: header.text("groupName")?,
            with_offsets: header.boolean("cleanOffset")?,
        },
        200 => {
            let body = answer::json(&header.frame.body)
                .and_then(|value| SubscriptionGroup::read(&Node::of(&value)));
            Request::PutSubscriptionGroup {
                group: body.context(BodySnafu { code })?,
            }
        }
        _ => return UnknownCodeSnafu { code }.fail(),
    })
}

/// The header of a request's frame.
struct Header<'a> {
    frame: &'a Frame,
}

impl Header<'_> {
    fn text(&self, field: &'static str) -> Result<String, Error> {
        let code = self.frame.code;
        let text = self.frame.fields.get(field).cloned();
        text.context(MissingFieldSnafu { code, field })
    }

    fn number<N: FromStr>(&self, field: &'static str) -> Result<N, Error> {
        let code = self.frame.code;
        let number = self.text(field)?.parse().ok();
        number.context(NumberSnafu { code, field })
    }

    fn boolean(&self, field: &'static str) -> Result<bool, Error> {
        let code = self.frame.code;
        let value = self.text(field)?.parse().ok();
        value.context(BooleanSnafu { code, field })
    }

    /// Reads a request to a controller.
    fn of_controllers(&self) -> Result<Request, Error> {
        let code = self.frame.code;
        if code == 1006 {
            let groups = answer::json(&self.frame.body)
                .and_then(|value| Node::of(&value).set_of_texts())
                .context(BodySnafu { code })?;
            return Ok(Request::Elections { groups });
        }
        let (cluster, group) = (self.text("clusterName")?, self.text("brokerName")?);
        if code == 1002 {
            let id = self.number("brokerId")?;
            return Ok(Request::ElectMaster { cluster, group, id });
        }
        let field = "brokerControllerIdsToClean";
        let ids = self.text(field)?;
        let ids = ids.split(';').map(|id| id.parse().ok());
        let ids: Option<BTreeSet<i64>> = ids.collect();
        Ok(Request::ForgetBrokers {
            cluster,
            group,
            ids: ids.context(NumberSnafu { code, field })?,
        })
    }

    fn put_topic(&self) -> Result<Request, Error> {
        let mut other = Map::new();
        other.insert(
            TopicConfiguration::FILTER_TYPE.to_owned(),
            self.text(TopicConfiguration::FILTER_TYPE)?.into(),
        );
        other.insert(
            TopicConfiguration::SYSTEM_FLAG.to_owned(),
            self.number::<i64>(TopicConfiguration::SYSTEM_FLAG)?.into(),
        );
        let mut without_attributes = BTreeSet::new();
        if let Ok(changes) = self.text(TopicConfiguration::ATTRIBUTES) {
            let mut attributes = Map::new();
            for change in changes.split(',') {
                if let Some((name, value)) = change.split_once('=') {
                    let name = name.strip_prefix('+').unwrap_or(name);
                    attributes.insert(name.to_owned(), value.into());
                } else if let Some(name) = change.strip_prefix('-') {
                    without_attributes.insert(name.to_owned());
                }
            }
            other.insert(TopicConfiguration::ATTRIBUTES.to_owned(), attributes.into());
        }
        let configuration = TopicConfiguration {
            name: self.text("topic")?,
            read_queues: self.number("readQueueNums")?,
            write_queues: self.number("writeQueueNums")?,
            permission: self.number("perm")?,
            order: self.boolean("order")?,
            other,
        };
        Ok(Request::PutTopic {
            configuration,
            without_attributes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> SubscriptionGroup {
        let other = serde_json::json!({
            "retryQueueNums": 2,
            "groupRetryPolicy": {"type": "CUSTOMIZED"},
            "unheardOf": [1.5, null, "\u{4e2d}"],
        });
        SubscriptionGroup {
            name: "billing".to_owned(),
            consume_enabled: true,
            other: other.as_object().unwrap().clone(),
        }
    }

    fn configuration() -> TopicConfiguration {
        let other = serde_json::json!({
            "topicFilterType": "MULTI_TAG",
            "topicSysFlag": 3,
            "attributes": {"message.type": "FIFO", "other": "value"},
        });
        TopicConfiguration {
            name: "orders".to_owned(),
            read_queues: 16,
            write_queues: 8,
            permission: 4,
            order: true,
            other: other.as_object().unwrap().clone(),
        }
    }

    fn requests_of_controllers() -> Vec<Request> {
        let text = |value: &str| value.to_owned();
        vec![
            Request::Elections {
                groups: [text("orders-0"), text("orders-1")].into(),
            },
            Request::ElectMaster {
                cluster: text("orders"),
                group: text("orders-0"),
                id: 2,
            },
            Request::ForgetBrokers {
                cluster: text("orders"),
                group: text("orders-0"),
                ids: [1, 3].into(),
            },
        ]
    }

    fn requests() -> Vec<Request> {
        let text = |value: &str| value.to_owned();
        let of_brokers = vec![
            Request::ClusterInfo,
            Request::TopicList,
            Request::TopicRoute {
                topic: text("orders"),
            },
            Request::KeyValues {
                namespace: text("ORDER_TOPIC_CONFIG"),
            },
            Request::PutKeyValue {
                namespace: text("ORDER_TOPIC_CONFIG"),
                key: text("orders"),
                value: text("b0:8;b1:8"),
            },
            Request::DeleteKeyValue {
                namespace: text("n"),
                key: text("\u{4e2d}\"k"),
            },
            Request::BrokerConfiguration,
            Request::UpdateBrokerConfiguration {
                properties: BTreeMap::from([
                    (text("namesrvAddr"), text("a.b:9876;c.d:9876")),
                    (text("odd key:="), text("  two\nlines \\ \u{1f600}\u{e9}")),
                    (text("empty"), text("")),
                ]),
            },
            Request::RuntimeInformation,
            Request::TopicConfigurations,
            Request::SubscriptionGroups,
            Request::TopicStatistics {
                topic: text("orders"),
            },
            Request::ConsumeStatistics {
                group: text("billing"),
                topic: None,
            },
            Request::ConsumeStatistics {
                group: text("billing"),
                topic: Some(text("orders")),
            },
            Request::ConsumerOffsets,
            Request::ConsumerOffset {
                group: text("billing"),
                topic: text("orders"),
                queue: 3,
            },
            Request::PutConsumerOffset {
                group: text("billing"),
                topic: text("orders"),
                queue: 3,
                offset: 9_223_372_036_854_775_807,
            },
            Request::TopicGroups {
                topic: text("orders"),
            },
            Request::ConsumerConnections {
                group: text("billing"),
            },
            Request::ProducerConnections {
                group: text("shop"),
                topic: text("orders"),
            },
            Request::DelayOffsets,
            Request::TimerMetrics,
            Request::ReplicationStatus,
            Request::PutSubscriptionGroup { group: group() },
            Request::DeleteSubscriptionGroup {
                group: text("billing"),
                with_offsets: true,
            },
            Request::PutTopic {
                configuration: TopicConfiguration::plain("tried", 1),
                without_attributes: BTreeSet::new(),
            },
            Request::PutTopic {
                configuration: configuration(),
                without_attributes: BTreeSet::from([text("cleanup.policy"), text("queue.type")]),
            },
            Request::DeleteTopic {
                topic: text("tried"),
            },
            Request::ForgetTopic {
                topic: text("tried"),
                cluster: text("c"),
            },
            Request::SendMessage {
                topic: text("tried"),
                body: text("\u{4e2d}"),
                born: 1_700_000_000_000,
            },
            Request::PullMessage {
                topic: text("tried"),
                offset: 7,
                wait: 2_000,
            },
        ];
        [of_brokers, requests_of_controllers()].concat()
    }

    #[test]
    fn every_request_survives_the_wire_in_both_header_formats() {
        for (opaque, request) in (0..).zip(requests()) {
            let frame = encode(&request, opaque);
            assert_eq!(frame.opaque, opaque);
            for bytes in [frame.to_bytes().unwrap(), frame.to_bytes_binary().unwrap()] {
                let read = Frame::from_bytes(&bytes).unwrap();
                assert_eq!(read, frame);
                assert_eq!(requested(&read).unwrap(), request);
            }
        }
    }

    #[test]
    fn a_topic_is_sent_with_all_that_the_request_has_a_place_for() {
        let put = |configuration, without: &[&str]| {
            let without_attributes = without.iter().map(|name| (*name).to_owned()).collect();
            let request = Request::PutTopic {
                configuration,
                without_attributes,
            };
            encode(&request, 0).fields
        };
        let fields = put(configuration(), &["queue.type"]);
        assert_eq!(
            fields["attributes"],
            "+message.type=FIFO,+other=value,-queue.type"
        );
        assert_eq!(fields["topicFilterType"], "MULTI_TAG");
        assert_eq!((&*fields["readQueueNums"], &*fields["perm"]), ("16", "4"));
        let fields = put(TopicConfiguration::plain("tried", 1), &[]);
        assert!(!fields.contains_key("attributes"));
        assert_eq!(fields["topicFilterType"], "SINGLE_TAG");
        assert_eq!(
            put(TopicConfiguration::plain("tried", 1), &["a"])["attributes"],
            "-a"
        );
    }

    #[test]
    fn only_versions_that_know_a_request_are_asked() {
        for request in requests() {
            let new = matches!(request, Request::TimerMetrics | Request::ReplicationStatus);
            assert_eq!(request.is_known_by(ProductVersion(411)), !new, "{request}");
            assert!(request.is_known_by(ProductVersion(413)), "{request}");
        }
    }

    #[test]
    fn a_group_or_a_flag_that_is_malformed_is_refused() {
        let mut frame = encode(&Request::PutSubscriptionGroup { group: group() }, 0);
        frame.body = b"{\"groupName\":1}".to_vec();
        assert!(matches!(
            requested(&frame),
            Err(Error::Body { code: 200, .. })
        ));
        let delete = Request::DeleteSubscriptionGroup {
            group: "billing".to_owned(),
            with_offsets: false,
        };
        let mut frame = encode(&delete, 0);
        frame
            .fields
            .insert("cleanOffset".to_owned(), "no".to_owned());
        let field = "cleanOffset";
        assert_eq!(requested(&frame), Err(Error::Boolean { code: 207, field }));
    }

    #[test]
    fn what_is_no_known_request_is_refused() {
        assert_eq!(
            requested(&Frame::request(9999, 0)),
            Err(Error::UnknownCode { code: 9999 })
        );
        assert_eq!(
            requested(&Frame::request(105, 0)),
            Err(Error::MissingField {
                code: 105,
                field: "topic"
            })
        );
        let answer = Frame::answer(&Frame::request(106, 0), 0);
        assert_eq!(requested(&answer), Err(Error::NotARequest));
    }

    #[test]
    fn a_changed_value_is_not_shown() {
        let request = Request::UpdateBrokerConfiguration {
            properties: BTreeMap::from([("password".to_owned(), "hunter2".to_owned())]),
        };
        assert_eq!(
            request.to_string(),
            "setting broker configuration `password`"
        );
        assert!(request.changes());
    }
}
