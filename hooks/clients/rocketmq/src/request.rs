//! Everything that can be asked of a name server or a broker, and the frame that asks it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use snafu::{OptionExt, Snafu};

use crate::frame::Frame;
use crate::properties;

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
    /// 17, to a broker: sets the whole configuration of a topic that is read and written, and has the name servers know.
    PutTopic {
        /// The topic's name.
        topic: String,
        /// How many queues it has.
        queues: u32,
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
const TOOLS_GROUP: &str = "TOOLS_CONSUMER";
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
            Self::PutTopic { .. } => 17,
            Self::DeleteTopic { .. } => 215,
            Self::ForgetTopic { .. } => 216,
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
                | Self::PutTopic { .. }
                | Self::DeleteTopic { .. }
                | Self::ForgetTopic { .. }
                | Self::SendMessage { .. }
        )
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
            Self::PutTopic { topic, .. } => write!(formatter, "making topic `{topic}`"),
            Self::DeleteTopic { topic } => write!(formatter, "removing topic `{topic}`"),
            Self::ForgetTopic { topic, .. } => {
                write!(formatter, "forgetting the route of topic `{topic}`")
            }
            Self::SendMessage { topic, .. } => write!(formatter, "sending to topic `{topic}`"),
            Self::PullMessage { topic, .. } => write!(formatter, "reading topic `{topic}`"),
        }
    }
}

/// Makes the frame that asks a request. The opaque number comes back with the answer.
#[must_use]
pub fn encode(request: &Request, opaque: i32) -> Frame {
    let mut frame = Frame::request(request.code(), opaque);
    let mut fields = |pairs: &[(&str, &str)]| {
        for (name, value) in pairs {
            frame.fields.insert((*name).to_owned(), (*value).to_owned());
        }
    };
    match request {
        Request::TopicRoute { topic } => {
            // The second is known since 4.9.4; older servers ignore it and leave the broker ids without quotes.
            fields(&[("topic", topic), ("acceptStandardJsonOnly", "true")]);
        }
        Request::KeyValues { namespace } => fields(&[("namespace", namespace)]),
        Request::PutKeyValue {
            namespace,
            key,
            value,
        } => fields(&[("namespace", namespace), ("key", key), ("value", value)]),
        Request::DeleteKeyValue { namespace, key } => {
            fields(&[("namespace", namespace), ("key", key)]);
        }
        Request::PutTopic { topic, queues } => {
            let queues = queues.to_string();
            fields(&[
                ("topic", topic),
                ("defaultTopic", "TBW102"),
                ("readQueueNums", &queues),
                ("writeQueueNums", &queues),
                ("perm", "6"),
                ("topicFilterType", "SINGLE_TAG"),
                ("topicSysFlag", "0"),
                ("order", "false"),
            ]);
        }
        Request::DeleteTopic { topic } => fields(&[("topic", topic)]),
        Request::ForgetTopic { topic, cluster } => {
            fields(&[("topic", topic), ("clusterName", cluster)]);
        }
        Request::SendMessage { topic, body, born } => {
            // This request has letters for names: group, topic, default topic and its queues, queue, flags, time of birth,
            // flags of the sender, properties, times sent again, unit mode, batch.
            fields(&[
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
            ]);
            frame.body = body.clone().into_bytes();
        }
        Request::PullMessage {
            topic,
            offset,
            wait,
        } => fields(&[
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
        ]),
        Request::UpdateBrokerConfiguration { properties } => {
            frame.body = properties::to_java(properties).into_bytes();
        }
        Request::ClusterInfo
        | Request::TopicList
        | Request::BrokerConfiguration
        | Request::RuntimeInformation
        | Request::TopicConfigurations
        | Request::SubscriptionGroups => {}
    }
    frame
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
    if frame.is_answer() {
        return NotARequestSnafu.fail();
    }
    let code = frame.code;
    let field = |name: &'static str| {
        frame
            .fields
            .get(name)
            .cloned()
            .context(MissingFieldSnafu { code, field: name })
    };
    let number = |name: &'static str| {
        let text = field(name)?;
        text.parse::<u64>()
            .ok()
            .context(NumberSnafu { code, field: name })
    };
    Ok(match code {
        106 => Request::ClusterInfo,
        206 => Request::TopicList,
        105 => Request::TopicRoute {
            topic: field("topic")?,
        },
        219 => Request::KeyValues {
            namespace: field("namespace")?,
        },
        100 => Request::PutKeyValue {
            namespace: field("namespace")?,
            key: field("key")?,
            value: field("value")?,
        },
        102 => Request::DeleteKeyValue {
            namespace: field("namespace")?,
            key: field("key")?,
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
        17 => Request::PutTopic {
            topic: field("topic")?,
            queues: u32::try_from(number("readQueueNums")?)
                .ok()
                .context(NumberSnafu {
                    code,
                    field: "readQueueNums",
                })?,
        },
        215 => Request::DeleteTopic {
            topic: field("topic")?,
        },
        216 => Request::ForgetTopic {
            topic: field("topic")?,
            cluster: field("clusterName")?,
        },
        310 => Request::SendMessage {
            topic: field("b")?,
            body: String::from_utf8(frame.body.clone())
                .ok()
                .context(NotTextSnafu { code })?,
            born: number("g")?,
        },
        11 => Request::PullMessage {
            topic: field("topic")?,
            offset: number("queueOffset")?,
            wait: number("suspendTimeoutMillis")?,
        },
        _ => return UnknownCodeSnafu { code }.fail(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests() -> Vec<Request> {
        let text = |value: &str| value.to_owned();
        vec![
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
            Request::PutTopic {
                topic: text("tried"),
                queues: 1,
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
        ]
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
