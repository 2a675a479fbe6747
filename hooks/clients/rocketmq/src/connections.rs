//! The clients that are connected to a broker as members of a group.

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::answer::{DecodeError, with_other};
use crate::fastjson::Value;
use crate::node::Node;
use crate::version::ProductVersion;

/// The field that holds the clients.
const CLIENTS: &str = "connectionSet";
/// The field that holds what they have subscribed to.
const SUBSCRIPTIONS: &str = "subscriptionTable";

/// A client that is connected to a broker.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientConnection {
    /// The client's id, such as `10.0.0.7@1234#5678`.
    pub id: String,
    /// Where it is connected from, as `host:port`.
    pub address: String,
    /// The language of its library, such as `JAVA`.
    pub language: String,
    /// The version of its library.
    pub version: ProductVersion,
}

/// The members of a subscription group that are connected to a broker (`ConsumerConnection` of the product).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerConnections {
    /// The clients, by their ids.
    pub clients: Vec<ClientConnection>,
    /// How they get messages: `CONSUME_PASSIVELY` (push), `CONSUME_ACTIVELY` (pull) or, since 5.0.0, `CONSUME_POP`.
    pub consume_type: Option<String>,
    /// `CLUSTERING`: each message goes to one member; `BROADCASTING`: each to all.
    pub message_model: Option<String>,
    /// What they have subscribed to, by topic, as the broker said it.
    pub subscriptions: Map<String, serde_json::Value>,
    /// All else that the broker said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

impl ClientConnection {
    /// Reads the clients of a body, sorted.
    pub(crate) fn read_all(root: &Node) -> Result<Vec<Self>, DecodeError> {
        let client = |node: &Node| {
            let version = node.field("version").integer()?;
            Ok(Self {
                id: node.field("clientId").text()?,
                address: node.field("clientAddr").text()?,
                language: node.field("language").text()?,
                version: ProductVersion(i32::try_from(version).unwrap_or_default()),
            })
        };
        let mut clients = root
            .field(CLIENTS)
            .items()?
            .iter()
            .map(client)
            .collect::<Result<Vec<_>, _>>()?;
        clients.sort();
        Ok(clients)
    }

    /// The body that holds clients and nothing else.
    pub(crate) fn to_value_of_all(clients: &[Self]) -> Value {
        Value::object([(CLIENTS, Self::array(clients))])
    }

    fn array(clients: &[Self]) -> Value {
        let client = |client: &Self| {
            Value::object([
                ("clientAddr", Value::Text(client.address.clone())),
                ("clientId", Value::Text(client.id.clone())),
                ("language", Value::Text(client.language.clone())),
                ("version", Value::Integer(client.version.0.into())),
            ])
        };
        Value::Array(clients.iter().map(client).collect())
    }
}

impl ConsumerConnections {
    pub(crate) fn read(root: &Node) -> Result<Self, DecodeError> {
        Ok(Self {
            clients: ClientConnection::read_all(root)?,
            consume_type: root.field("consumeType").text_if_any()?,
            message_model: root.field("messageModel").text_if_any()?,
            subscriptions: root.field(SUBSCRIPTIONS).without(&[])?,
            other: root.without(&[CLIENTS, "consumeType", "messageModel", SUBSCRIPTIONS])?,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let subscriptions = with_other(Vec::new(), &self.subscriptions);
        let mut known = vec![
            (CLIENTS, ClientConnection::array(&self.clients)),
            (SUBSCRIPTIONS, subscriptions),
        ];
        let texts = [
            ("consumeType", &self.consume_type),
            ("messageModel", &self.message_model),
        ];
        for (name, text) in texts {
            known.extend(text.as_ref().map(|text| (name, Value::Text(text.clone()))));
        }
        with_other(known, &self.other)
    }
}
