//! How far the replicas of a broker are; since 5.0.0.

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::answer::{DecodeError, with_other};
use crate::fastjson::Value;
use crate::node::Node;

/// The field that holds the replicas.
const REPLICAS: &str = "haConnectionInfo";

/// How far the replicas of a broker are (`HARuntimeInfo` of the product).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationStatus {
    /// Whether the broker is a master.
    pub master: bool,
    /// Up to where the master's log is written, in bytes; 0 at a replica.
    pub maximum_offset: i64,
    /// How many replicas are in sync with the master.
    pub replicas_in_sync: i64,
    /// The replicas that are connected to the master.
    pub replicas: Vec<ReplicaConnection>,
    /// All else that the broker said, as it said it: `haClientRuntimeInfo` is what a replica knows of itself.
    pub other: Map<String, serde_json::Value>,
}

/// A replica that is connected to its master.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaConnection {
    /// Where it is connected from, as `host:port`.
    pub address: String,
    /// Up to where it has the master's log, in bytes.
    pub acknowledged_offset: i64,
    /// How much of the master's log it lacks, in bytes.
    pub behind: i64,
    /// Whether the master counts it as in sync.
    pub in_sync: bool,
    /// All else that the broker said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

impl ReplicationStatus {
    pub(crate) fn read(root: &Node) -> Result<Self, DecodeError> {
        let known = [
            "master",
            "masterCommitLogMaxOffset",
            "inSyncSlaveNums",
            REPLICAS,
        ];
        Ok(Self {
            master: root.field("master").boolean()?,
            maximum_offset: root.field("masterCommitLogMaxOffset").integer()?,
            replicas_in_sync: root.field("inSyncSlaveNums").integer()?,
            replicas: root
                .field(REPLICAS)
                .items()?
                .iter()
                .map(ReplicaConnection::read)
                .collect::<Result<_, _>>()?,
            other: root.without(&known)?,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let replicas = self.replicas.iter().map(ReplicaConnection::to_value);
        let known = vec![
            ("master", Value::Boolean(self.master)),
            (
                "masterCommitLogMaxOffset",
                Value::Integer(self.maximum_offset),
            ),
            ("inSyncSlaveNums", Value::Integer(self.replicas_in_sync)),
            (REPLICAS, Value::Array(replicas.collect())),
        ];
        with_other(known, &self.other)
    }
}

impl ReplicaConnection {
    fn read(node: &Node) -> Result<Self, DecodeError> {
        Ok(Self {
            address: node.field("addr").text()?,
            acknowledged_offset: node.field("slaveAckOffset").integer()?,
            behind: node.field("diff").integer()?,
            in_sync: node.field("inSync").boolean()?,
            other: node.without(&["addr", "slaveAckOffset", "diff", "inSync"])?,
        })
    }

    fn to_value(&self) -> Value {
        let known = vec![
            ("addr", Value::Text(self.address.clone())),
            ("slaveAckOffset", Value::Integer(self.acknowledged_offset)),
            ("diff", Value::Integer(self.behind)),
            ("inSync", Value::Boolean(self.in_sync)),
        ];
        with_other(known, &self.other)
    }
}
