//! What servers answer, and how it is read from their frames and, for simulated servers, written into them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Map;
use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::connections::{ClientConnection, ConsumerConnections};
use crate::election::{self, Elections};
use crate::fastjson::{self, Key, Value};
use crate::frame::Frame;
use crate::message;
use crate::node::{Node, WHOLE_BODY};
use crate::offsets::{ConsumeStatistics, ConsumerOffsets, DelayOffsets, TopicStatistics};
use crate::properties;
use crate::replication::ReplicationStatus;
use crate::request::Request;
use crate::timers::TimerMetrics;
use crate::version::ProductVersion;

/// Response code: done.
pub const DONE: i32 = 0;
/// Response code: an error inside the server, which may have stopped half-way.
pub const ERROR: i32 = 1;
/// Response code: the server has no such request. Brokers before 4.9.1 and name servers before 5.0.0 stay silent.
pub const UNSUPPORTED: i32 = 3;
/// Response code: the server asks who one is, or does not let one do this (`NO_PERMISSION`).
pub const NO_PERMISSION: i32 = 16;
/// Response code: no broker has the topic.
pub const NO_TOPIC: i32 = 17;
/// Response code: no message arrived in time.
pub const NO_MESSAGE: i32 = 19;
/// Response code: nothing found under this name.
pub const NOT_FOUND: i32 = 22;
/// Response code: nobody of the group is connected.
pub const NOT_ONLINE: i32 = 206;
/// Response code: the controller is not the one that leads.
pub const NOT_LEADER: i32 = 2007;
/// Response code of a server of 5.3 or later that is stopping and did not take the request.
pub const GOING_AWAY: i32 = 1500;

/// The header field that says where a message is stored.
const STORED_AT: &str = "queueOffset";
/// The header field that says what a group's offset is.
const OFFSET: &str = "offset";
/// What a broker remarks when nobody of a group of producers is connected, beside the code of any error.
const NO_PRODUCERS: &str = "not exist";

/// An answer of a server.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The version of the server that answered.
    pub version: ProductVersion,
    /// What it answered.
    pub reply: Reply,
}

/// What was answered, one form for each request that asks and one for all that tell.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// The brokers that a name server lists.
    ClusterInfo(ClusterInfo),
    /// The names of all topics that a name server lists, the system's own among them.
    Topics(BTreeSet<String>),
    /// Where a topic has queues; none when no broker of the name server has the topic.
    Route(Option<TopicRoute>),
    /// A namespace's values by key; empty when there is no such namespace.
    KeyValues(BTreeMap<String, String>),
    /// A broker's configuration by property.
    Configuration(BTreeMap<String, String>),
    /// A broker's runtime information by name.
    Runtime(BTreeMap<String, String>),
    /// A broker's topics.
    TopicConfigurations(TopicConfigurations),
    /// A broker's subscription groups.
    SubscriptionGroups(SubscriptionGroups),
    /// A message is stored at this place of its queue.
    Stored {
        /// The place, from 0.
        offset: u64,
    },
    /// Messages of a queue; none when none arrived in time.
    Messages(Vec<Message>),
    /// The places of a topic's queues at a broker.
    TopicStatistics(TopicStatistics),
    /// How far a group has consumed.
    ConsumeStatistics(ConsumeStatistics),
    /// The offsets of all groups at a broker.
    ConsumerOffsets(ConsumerOffsets),
    /// A group's offset in a queue; none when the broker has none.
    Offset(Option<u64>),
    /// The names of groups.
    Groups(BTreeSet<String>),
    /// The members of a group that are connected; none when nobody is.
    ConsumerConnections(Option<ConsumerConnections>),
    /// The members of a group of producers that are connected, by their ids.
    ProducerConnections(Vec<ClientConnection>),
    /// How far the messages of each delay level are delivered.
    DelayOffsets(DelayOffsets),
    /// Timed messages that are not delivered yet.
    TimerMetrics(TimerMetrics),
    /// How far replicas are.
    ReplicationStatus(ReplicationStatus),
    /// Who is elected and who is in sync; none from a controller that does not lead.
    Elections(Option<Elections>),
    /// What was told is done.
    Accepted,
}

/// A message as a broker keeps it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its place in its queue, from 0.
    pub offset: u64,
    /// What was sent.
    pub body: Vec<u8>,
}

/// The brokers that a name server lists.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterInfo {
    /// The groups by broker name.
    pub brokers: BTreeMap<String, BrokerGroup>,
    /// The broker names of each cluster.
    pub clusters: BTreeMap<String, BTreeSet<String>>,
}

/// The brokers that share a broker name: a master and its replicas.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerGroup {
    /// The cluster's name.
    pub cluster: String,
    /// Each broker's address (`host:port`) by broker id; 0 is the master.
    pub addresses: BTreeMap<i64, String>,
}

/// Where a topic has queues.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicRoute {
    /// The groups that have the topic, by broker name.
    pub brokers: BTreeMap<String, BrokerGroup>,
    /// Their queues, by broker name.
    pub queues: BTreeMap<String, QueueRange>,
    /// The configuration of an ordered topic (`broker:queues;…`), when the name server has one and hands it out.
    pub order: Option<String>,
}

/// The queues of a topic at one broker.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueRange {
    /// Number of queues that are read.
    pub read_queues: u32,
    /// Number of queues that are written.
    pub write_queues: u32,
    /// Bits: 4 read, 2 write, 1 inherited.
    pub permission: u32,
    /// The topic's system flag.
    pub system_flag: i64,
}

/// The state of a broker's table, by which brokers and name servers tell newer from older.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataVersion {
    /// Counts changes.
    pub counter: i64,
    /// When it last changed, in milliseconds since 1970.
    pub timestamp: i64,
    /// The store's state machine; since 5.0.0.
    pub state_version: Option<i64>,
}

/// A broker's topics.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicConfigurations {
    /// The topics by name.
    pub topics: BTreeMap<String, TopicConfiguration>,
    /// The state of the table.
    pub data_version: DataVersion,
    /// All else that the broker said, as it said it, such as the queue mappings of 5.x.
    pub other: Map<String, serde_json::Value>,
}

/// A topic's configuration at one broker.
#[derive(Clone, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicConfiguration {
    /// The topic's name.
    pub name: String,
    /// Number of queues that are read.
    pub read_queues: u32,
    /// Number of queues that are written.
    pub write_queues: u32,
    /// Bits: 4 read, 2 write, 1 inherited.
    pub permission: u32,
    /// Whether it is an ordered topic.
    pub order: bool,
    /// All other fields as the broker said them, also those that this client does not know.
    pub other: Map<String, serde_json::Value>,
}

impl TopicConfiguration {
    /// The bit of the permission that lets a topic be written.
    pub const WRITE: u32 = 2;
    /// The product's name of the field that says how messages are filtered.
    pub(crate) const FILTER_TYPE: &str = "topicFilterType";
    /// The product's name of the system flag.
    pub(crate) const SYSTEM_FLAG: &str = "topicSysFlag";
    /// The product's name of the attributes, which topics have since 5.0.0.
    pub(crate) const ATTRIBUTES: &str = "attributes";

    /// A topic that is read and written and has nothing special.
    #[must_use]
    pub fn plain(name: &str, queues: u32) -> Self {
        let mut other = Map::new();
        other.insert(Self::FILTER_TYPE.to_owned(), "SINGLE_TAG".into());
        other.insert(Self::SYSTEM_FLAG.to_owned(), 0.into());
        Self {
            name: name.to_owned(),
            read_queues: queues,
            write_queues: queues,
            permission: 6,
            order: false,
            other,
        }
    }

    /// How messages are filtered, `SINGLE_TAG` unless the broker said otherwise.
    #[must_use]
    pub fn filter_type(&self) -> &str {
        let said = self.other.get(Self::FILTER_TYPE);
        said.and_then(serde_json::Value::as_str)
            .unwrap_or("SINGLE_TAG")
    }

    /// The system flag; 0 unless the broker said otherwise.
    #[must_use]
    pub fn system_flag(&self) -> i64 {
        let said = self.other.get(Self::SYSTEM_FLAG);
        said.and_then(serde_json::Value::as_i64).unwrap_or(0)
    }

    /// The attributes by name; none where the broker knows none, before 5.0.0.
    #[must_use]
    pub fn attributes(&self) -> Option<BTreeMap<String, String>> {
        let said = self.other.get(Self::ATTRIBUTES)?.as_object()?;
        let attribute = |(name, value): (&String, &serde_json::Value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), value)
        };
        Some(said.iter().map(attribute).collect())
    }

    /// The same with these attributes and no others.
    #[must_use]
    pub fn with_attributes(mut self, attributes: BTreeMap<String, String>) -> Self {
        if attributes.is_empty() {
            self.other.remove(Self::ATTRIBUTES);
        } else {
            let attributes: Map<String, serde_json::Value> = attributes
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            self.other
                .insert(Self::ATTRIBUTES.to_owned(), attributes.into());
        }
        self
    }

    /// Whether messages may be sent to it.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.permission & Self::WRITE != 0 && self.write_queues > 0
    }
}

/// A broker's subscription groups.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionGroups {
    /// The groups by name.
    pub groups: BTreeMap<String, SubscriptionGroup>,
    /// The state of the table.
    pub data_version: DataVersion,
    /// All else that the broker said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

/// A subscription group's configuration at one broker.
#[derive(Clone, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionGroup {
    /// The group's name.
    pub name: String,
    /// Whether its members may consume.
    pub consume_enabled: bool,
    /// All other fields as the broker said them, also those that this client does not know.
    pub other: Map<String, serde_json::Value>,
}

/// Why a frame holds no answer to a request.
#[derive(Debug, Clone, Eq, PartialEq, Snafu)]
pub enum DecodeError {
    /// The server said no.
    #[snafu(display("the server (version {version}) declined with code {code} ({}): {}", meaning(*code), first_line(remark)))]
    Declined {
        /// The server's version.
        version: ProductVersion,
        /// The response code.
        code: i32,
        /// What the server remarked.
        remark: String,
    },
    /// The server is stopping and did not take the request.
    #[snafu(display("the server (version {version}) is stopping; ask again, or ask another one"))]
    GoingAway {
        /// The server's version.
        version: ProductVersion,
    },
    /// The frame is a request.
    #[snafu(display("the frame is a request; expected an answer (flag with bit 0)"))]
    NotAnAnswer,
    /// The body is not what the product's JSON library writes.
    #[snafu(display("the body is not JSON: {source}"))]
    Json {
        /// What is wrong with it.
        source: fastjson::Error,
    },
    /// The body is not a list of properties.
    #[snafu(display("the body is not a list of properties: {source}"))]
    Properties {
        /// What is wrong with it.
        source: properties::Error,
    },
    /// A header field is missing or is no number.
    #[snafu(display("the header field `{field}` is missing or no whole number from 0"))]
    Header {
        /// Its name.
        field: &'static str,
    },
    /// The body is not a list of messages.
    #[snafu(display("the body is no list of messages as versions 4 and 5 keep them"))]
    Messages,
    /// A field of the body is missing or has the wrong form.
    #[snafu(display("field `{field}` of the body is missing or wrong; expected {expected}"))]
    Field {
        /// Its path.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// A response code in words (`ResponseCode` of the product).
fn meaning(code: i32) -> &'static str {
    match code {
        ERROR => "error in the server",
        2 => "busy",
        UNSUPPORTED => "request not supported by this version",
        10 => "flush to disk timed out",
        11 => "replica not available",
        12 => "flush to replica timed out",
        13 => "message illegal",
        14 => "service not available",
        15 => "version not supported",
        16 => "no permission; check the access keys and the broker's list of protected properties",
        NO_TOPIC => "no such topic",
        NO_MESSAGE => "no message arrived in time",
        21 => "no such place in the queue",
        NOT_FOUND => "not found",
        24 => "no such subscription",
        26 => "no such subscription group",
        NOT_ONLINE => "nobody of the group is online",
        NOT_LEADER => "this controller is not the leader",
        2009 => "the controller knows no such broker, or hears of it still",
        2011 => "the master is the same as before",
        2012 => "no such broker is in sync",
        _ => "unknown code",
    }
}

/// The first line of a remark, at most 300 characters: remarks may hold whole stack traces.
fn first_line(remark: &str) -> String {
    match remark.lines().next() {
        None | Some("") => "no remark".to_owned(),
        Some(line) => line.chars().take(300).collect(),
    }
}

/// Reads the answer to a request.
///
/// Code 17 for a route, code 19 for messages, code 22 for a namespace or an offset, code 206 for the members of a group and
/// code 2007 for elections are answers: there is none.
///
/// # Errors
/// When the server declined or its frame is not what this request is answered with.
pub fn decode(request: &Request, frame: &Frame) -> Result<Answer, DecodeError> {
    ensure!(frame.is_answer(), NotAnAnswerSnafu);
    let version = ProductVersion(frame.version);
    let reply = match (frame.code, request) {
        (DONE, _) => reply(request, frame)?,
        (GOING_AWAY, _) => return GoingAwaySnafu { version }.fail(),
        (NO_TOPIC, Request::TopicRoute { .. }) => Reply::Route(None),
        (NO_MESSAGE, Request::PullMessage { .. }) => Reply::Messages(Vec::new()),
        (NOT_FOUND, Request::KeyValues { .. }) => Reply::KeyValues(BTreeMap::new()),
        (NOT_FOUND, Request::ConsumerOffset { .. }) => Reply::Offset(None),
        (NOT_ONLINE, Request::ConsumerConnections { .. }) => Reply::ConsumerConnections(None),
        (NOT_LEADER, Request::Elections { .. }) => Reply::Elections(None),
        (code, _) => {
            let remark = frame.remark.clone().unwrap_or_default();
            // There is no code of its own for this.
            let producers = matches!(request, Request::ProducerConnections { .. });
            if code == ERROR && producers && remark.contains(NO_PRODUCERS) {
                return Ok(Answer {
                    version,
                    reply: Reply::ProducerConnections(Vec::new()),
                });
            }
            return DeclinedSnafu {
                version,
                code,
                remark,
            }
            .fail();
        }
    };
    Ok(Answer { version, reply })
}

/// Reads a body as the product's JSON library writes it.
pub(crate) fn json(body: &[u8]) -> Result<Value, DecodeError> {
    fastjson::parse(body).context(JsonSnafu)
}

/// Reads a body in JSON by one of the readers below.
fn in_json<T>(
    body: &[u8],
    read: impl FnOnce(&Node) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    read(&Node::of(&json(body)?))
}

fn reply(request: &Request, frame: &Frame) -> Result<Reply, DecodeError> {
    let body = frame.body.as_slice();
    let texts = |root: &Node| root.field("table").texts();
    Ok(match request {
        Request::ClusterInfo => Reply::ClusterInfo(in_json(body, cluster_info)?),
        Request::TopicList => Reply::Topics(in_json(body, |root| {
            root.field("topicList").set_of_texts()
        })?),
        Request::TopicRoute { .. } => Reply::Route(Some(in_json(body, route)?)),
        Request::KeyValues { .. } => Reply::KeyValues(in_json(body, texts)?),
        Request::RuntimeInformation => Reply::Runtime(in_json(body, texts)?),
        Request::BrokerConfiguration => {
            let configuration = properties::from_plain(body).context(PropertiesSnafu)?;
            let expected = "at least one property";
            ensure!(
                !configuration.is_empty(),
                FieldSnafu {
                    field: WHOLE_BODY,
                    expected
                }
            );
            Reply::Configuration(configuration)
        }
        Request::TopicConfigurations => {
            Reply::TopicConfigurations(in_json(body, topic_configurations)?)
        }
        Request::SubscriptionGroups => {
            Reply::SubscriptionGroups(in_json(body, subscription_groups)?)
        }
        Request::TopicStatistics { .. } => {
            Reply::TopicStatistics(in_json(body, TopicStatistics::read)?)
        }
        Request::ConsumeStatistics { .. } => {
            Reply::ConsumeStatistics(in_json(body, ConsumeStatistics::read)?)
        }
        Request::ConsumerOffsets => Reply::ConsumerOffsets(in_json(body, ConsumerOffsets::read)?),
        Request::ConsumerOffset { .. } => Reply::Offset(Some(offset(frame, OFFSET)?)),
        Request::TopicGroups { .. } => Reply::Groups(in_json(body, |root| {
            root.field("groupList").set_of_texts()
        })?),
        Request::ConsumerConnections { .. } => {
            Reply::ConsumerConnections(Some(in_json(body, ConsumerConnections::read)?))
        }
        Request::ProducerConnections { .. } => {
            Reply::ProducerConnections(in_json(body, ClientConnection::read_all)?)
        }
        Request::DelayOffsets => Reply::DelayOffsets(in_json(body, DelayOffsets::read)?),
        Request::TimerMetrics => Reply::TimerMetrics(in_json(body, TimerMetrics::read)?),
        Request::ReplicationStatus => {
            Reply::ReplicationStatus(in_json(body, ReplicationStatus::read)?)
        }
        Request::Elections { .. } => Reply::Elections(Some(in_json(body, election::read)?)),
        Request::PutKeyValue { .. }
        | Request::DeleteKeyValue { .. }
        | Request::UpdateBrokerConfiguration { .. }
        | Request::PutConsumerOffset { .. }
        | Request::PutSubscriptionGroup { .. }
        | Request::DeleteSubscriptionGroup { .. }
        | Request::PutTopic { .. }
        | Request::DeleteTopic { .. }
        | Request::ForgetTopic { .. }
        | Request::ElectMaster { .. }
        | Request::ForgetBrokers { .. } => Reply::Accepted,
        Request::SendMessage { .. } => Reply::Stored {
            offset: offset(frame, STORED_AT)?,
        },
        Request::PullMessage { .. } => Reply::Messages(message::read(body).context(MessagesSnafu)?),
    })
}

/// A place in a queue that a header field says.
fn offset(frame: &Frame, field: &'static str) -> Result<u64, DecodeError> {
    let offset = frame.fields.get(field).and_then(|text| text.parse().ok());
    offset.context(HeaderSnafu { field })
}

fn cluster_info(root: &Node) -> Result<ClusterInfo, DecodeError> {
    let brokers = root
        .field("brokerAddrTable")
        .entries()?
        .into_iter()
        .map(|(name, node)| Ok((name, broker_group(&node)?)))
        .collect::<Result<_, _>>()?;
    let clusters = root
        .field("clusterAddrTable")
        .entries()?
        .into_iter()
        .map(|(name, node)| Ok((name, node.set_of_texts()?)))
        .collect::<Result<_, _>>()?;
    Ok(ClusterInfo { brokers, clusters })
}

fn broker_group(node: &Node) -> Result<BrokerGroup, DecodeError> {
    let addresses = node
        .field("brokerAddrs")
        .numbered("a whole number as the key: the broker id")?
        .into_iter()
        .map(|(id, address)| Ok((id, address.text()?)))
        .collect::<Result<_, _>>()?;
    Ok(BrokerGroup {
        cluster: node.field("cluster").text()?,
        addresses,
    })
}

fn route(root: &Node) -> Result<TopicRoute, DecodeError> {
    let mut route = TopicRoute::default();
    for node in root.field("brokerDatas").items()? {
        route
            .brokers
            .insert(node.field("brokerName").text()?, broker_group(&node)?);
    }
    for node in root.field("queueDatas").items()? {
        // Up to 4.8.0 the field was misspelt.
        let [flag, old] = ["topicSysFlag", "topicSynFlag"].map(|name| node.field(name));
        let range = QueueRange {
            read_queues: node.field("readQueueNums").count()?,
            write_queues: node.field("writeQueueNums").count()?,
            permission: node.field("perm").count()?,
            system_flag: if flag.is_absent() {
                old.integer()?
            } else {
                flag.integer()?
            },
        };
        route.queues.insert(node.field("brokerName").text()?, range);
    }
    route.order = root.field("orderTopicConf").text_if_any()?;
    Ok(route)
}

fn data_version(node: &Node) -> Result<DataVersion, DecodeError> {
    Ok(DataVersion {
        counter: node.field("counter").integer()?,
        timestamp: node.field("timestamp").integer()?,
        state_version: node.field("stateVersion").integer_if_any()?,
    })
}

fn topic_configurations(root: &Node) -> Result<TopicConfigurations, DecodeError> {
    let topics = root
        .field("topicConfigTable")
        .entries()?
        .into_iter()
        .map(|(name, node)| {
            let known = [
                "topicName",
                "readQueueNums",
                "writeQueueNums",
                "perm",
                "order",
            ];
            let topic = TopicConfiguration {
                name: node.field("topicName").text()?,
                read_queues: node.field("readQueueNums").count()?,
                write_queues: node.field("writeQueueNums").count()?,
                permission: node.field("perm").count()?,
                order: node.field("order").boolean()?,
                other: node.without(&known)?,
            };
            Ok((name, topic))
        })
        .collect::<Result<_, _>>()?;
    Ok(TopicConfigurations {
        topics,
        data_version: data_version(&root.field("dataVersion"))?,
        other: root.without(&["topicConfigTable", "dataVersion"])?,
    })
}

fn subscription_groups(root: &Node) -> Result<SubscriptionGroups, DecodeError> {
    let groups = root
        .field("subscriptionGroupTable")
        .entries()?
        .into_iter()
        .map(|(name, node)| Ok((name, SubscriptionGroup::read(&node)?)))
        .collect::<Result<_, _>>()?;
    Ok(SubscriptionGroups {
        groups,
        data_version: data_version(&root.field("dataVersion"))?,
        other: root.without(&["subscriptionGroupTable", "dataVersion"])?,
    })
}

impl TopicConfiguration {
    /// All fields under the product's names, as the broker said them.
    #[must_use]
    pub fn to_value(&self) -> Value {
        with_other(
            vec![
                ("topicName", Value::Text(self.name.clone())),
                ("readQueueNums", Value::Integer(self.read_queues.into())),
                ("writeQueueNums", Value::Integer(self.write_queues.into())),
                ("perm", Value::Integer(self.permission.into())),
                ("order", Value::Boolean(self.order)),
            ],
            &self.other,
        )
    }
}

impl SubscriptionGroup {
    pub(crate) fn read(node: &Node) -> Result<Self, DecodeError> {
        Ok(Self {
            name: node.field("groupName").text()?,
            consume_enabled: node.field("consumeEnable").boolean()?,
            other: node.without(&["groupName", "consumeEnable"])?,
        })
    }

    /// All fields under the product's names, as the broker said them.
    #[must_use]
    pub fn to_value(&self) -> Value {
        with_other(
            vec![
                ("groupName", Value::Text(self.name.clone())),
                ("consumeEnable", Value::Boolean(self.consume_enabled)),
            ],
            &self.other,
        )
    }
}

/// Requests are told apart and sorted; the order of fields that were only passed on makes no difference.
macro_rules! ordered_by_value {
    ($name:ty) => {
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.to_value().sorted().cmp(&other.to_value().sorted())
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
    };
}

ordered_by_value!(TopicConfiguration);
ordered_by_value!(SubscriptionGroup);

pub(crate) fn with_other<'a>(
    mut known: Vec<(&'a str, Value)>,
    other: &'a Map<String, serde_json::Value>,
) -> Value {
    known.extend(
        other
            .iter()
            .map(|(name, value)| (name.as_str(), Value::from(value))),
    );
    Value::object(known)
}

/// Writes the answer to a request's frame as a server of the answer's version does: for servers that are simulated.
/// Reading it with [`decode`] gives the same answer back.
#[must_use]
pub fn answered(request: &Frame, answer: &Answer) -> Frame {
    let version = answer.version;
    let mut frame = Frame::answer(request, version.0);
    let json = |value: &Value| value.to_fastjson().into_bytes();
    match &answer.reply {
        Reply::ClusterInfo(info) => frame.body = json(&cluster_info_value(info)),
        Reply::Topics(topics) => frame.body = json(&names_value("topicList", topics)),
        Reply::Route(Some(route)) => {
            let value = route_value(route, version);
            // Since 4.9.4 a client can ask for standard JSON.
            let standard = version >= ProductVersion(401)
                && request
                    .fields
                    .get("acceptStandardJsonOnly")
                    .is_some_and(|flag| flag == "true");
            frame.body = if standard {
                value.to_standard().into_bytes()
            } else {
                json(&value)
            };
        }
        Reply::Route(None) => {
            frame.code = NO_TOPIC;
            frame.remark = Some("No topic route info in name server for the topic".to_owned());
        }
        Reply::KeyValues(table) if table.is_empty() => {
            frame.code = NOT_FOUND;
            frame.remark = Some("No config item".to_owned());
        }
        Reply::KeyValues(table) | Reply::Runtime(table) => {
            frame.body = json(&Value::object([("table", texts_value(table))]));
        }
        Reply::Configuration(configuration) => {
            frame.body = properties::to_plain(configuration).into_bytes();
        }
        Reply::TopicConfigurations(table) => frame.body = json(&topic_configurations_value(table)),
        Reply::SubscriptionGroups(table) => frame.body = json(&subscription_groups_value(table)),
        Reply::Stored { offset } => {
            frame
                .fields
                .insert(STORED_AT.to_owned(), offset.to_string());
        }
        Reply::Messages(messages) if messages.is_empty() => {
            frame.code = NO_MESSAGE;
            frame.remark = Some("PULL_NOT_FOUND".to_owned());
        }
        Reply::Messages(messages) => frame.body = message::write(messages),
        Reply::Accepted => {}
        Reply::Offset(Some(offset)) => {
            frame.fields.insert(OFFSET.to_owned(), offset.to_string());
        }
        Reply::Offset(None) => {
            frame.code = NOT_FOUND;
            frame.remark = Some("Not found, maybe this group consumer boot first".to_owned());
        }
        Reply::ConsumerConnections(None) => {
            frame.code = NOT_ONLINE;
            frame.remark = Some("the consumer group not online".to_owned());
        }
        Reply::ProducerConnections(clients) if clients.is_empty() => {
            frame.code = ERROR;
            frame.remark = Some("the producer group not exist".to_owned());
        }
        Reply::TopicStatistics(statistics) => frame.body = json(&statistics.to_value()),
        Reply::ConsumeStatistics(statistics) => frame.body = json(&statistics.to_value()),
        Reply::ConsumerOffsets(offsets) => frame.body = json(&offsets.to_value()),
        Reply::Groups(groups) => frame.body = json(&names_value("groupList", groups)),
        Reply::ConsumerConnections(Some(connections)) => frame.body = json(&connections.to_value()),
        Reply::ProducerConnections(clients) => {
            frame.body = json(&ClientConnection::to_value_of_all(clients));
        }
        Reply::DelayOffsets(offsets) => frame.body = json(&offsets.to_value()),
        Reply::TimerMetrics(metrics) => frame.body = json(&metrics.to_value()),
        Reply::ReplicationStatus(status) => frame.body = json(&status.to_value()),
        Reply::Elections(Some(elections)) => frame.body = json(&election::to_value(elections)),
        Reply::Elections(None) => {
            frame.code = NOT_LEADER;
            frame.remark = Some("The controller is not in leader state".to_owned());
        }
    }
    frame
}

fn names_value(field: &str, names: &BTreeSet<String>) -> Value {
    let names = names.iter().cloned().map(Value::Text).collect();
    Value::object([(field, Value::Array(names))])
}

fn topic_configurations_value(table: &TopicConfigurations) -> Value {
    let topics = table
        .topics
        .iter()
        .map(|(name, topic)| (name.as_str(), topic.to_value()));
    let known = vec![
        ("dataVersion", data_version_value(table.data_version)),
        ("topicConfigTable", Value::object(topics)),
    ];
    with_other(known, &table.other)
}

fn subscription_groups_value(table: &SubscriptionGroups) -> Value {
    let groups = table
        .groups
        .iter()
        .map(|(name, group)| (name.as_str(), group.to_value()));
    let known = vec![
        ("dataVersion", data_version_value(table.data_version)),
        ("subscriptionGroupTable", Value::object(groups)),
    ];
    with_other(known, &table.other)
}

fn texts_value(table: &BTreeMap<String, String>) -> Value {
    Value::object(
        table
            .iter()
            .map(|(name, value)| (name.as_str(), Value::Text(value.clone()))),
    )
}

fn group_value(name: &str, group: &BrokerGroup) -> Value {
    let addresses = group
        .addresses
        .iter()
        .map(|(id, address)| (Key::Integer(*id), Value::Text(address.clone())))
        .collect();
    Value::object([
        ("brokerAddrs", Value::Object(addresses)),
        ("brokerName", Value::Text(name.to_owned())),
        ("cluster", Value::Text(group.cluster.clone())),
    ])
}

fn cluster_info_value(info: &ClusterInfo) -> Value {
    let brokers = info
        .brokers
        .iter()
        .map(|(name, group)| (name.as_str(), group_value(name, group)));
    let clusters = info.clusters.iter().map(|(name, brokers)| {
        (
            name.as_str(),
            Value::Array(brokers.iter().cloned().map(Value::Text).collect()),
        )
    });
    Value::object([
        ("brokerAddrTable", Value::object(brokers)),
        ("clusterAddrTable", Value::object(clusters)),
    ])
}

fn route_value(route: &TopicRoute, version: ProductVersion) -> Value {
    // Misspelt up to 4.8.0; the next release is 4.9.0, whose ordinal is 393.
    let flag = if version < ProductVersion(393) {
        "topicSynFlag"
    } else {
        "topicSysFlag"
    };
    let queues = route.queues.iter().map(|(broker, range)| {
        Value::object([
            ("brokerName", Value::Text(broker.clone())),
            ("perm", Value::Integer(range.permission.into())),
            ("readQueueNums", Value::Integer(range.read_queues.into())),
            (flag, Value::Integer(range.system_flag)),
            ("writeQueueNums", Value::Integer(range.write_queues.into())),
        ])
    });
    let brokers = route
        .brokers
        .iter()
        .map(|(name, group)| group_value(name, group));
    let mut entries = vec![
        ("brokerDatas", Value::Array(brokers.collect())),
        ("filterServerTable", Value::Object(Vec::new())),
        ("queueDatas", Value::Array(queues.collect())),
    ];
    if let Some(order) = &route.order {
        entries.push(("orderTopicConf", Value::Text(order.clone())));
    }
    Value::object(entries)
}

fn data_version_value(version: DataVersion) -> Value {
    let mut entries = vec![
        ("counter", Value::Integer(version.counter)),
        ("timestamp", Value::Integer(version.timestamp)),
    ];
    if let Some(state) = version.state_version {
        entries.push(("stateVersion", Value::Integer(state)));
    }
    Value::object(entries)
}
