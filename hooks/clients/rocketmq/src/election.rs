//! What controllers know of groups whose master is elected: who is the master, and which brokers are in sync with it; since 5.0.0.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::answer::{DecodeError, with_other};
use crate::fastjson::Value;
use crate::node::Node;

/// The field that holds the groups.
const GROUPS: &str = "replicasInfoTable";
/// The field of a group that holds those of its brokers who are in sync with the master, itself among them.
const IN_SYNC: &str = "inSyncReplicas";
/// The field of a group that holds its other brokers.
const NOT_IN_SYNC: &str = "notInSyncReplicas";

/// What a controller knows of groups, by broker name (`BrokerReplicasInfo` of the product). One that it does not know is not in it.
pub type Elections = BTreeMap<String, Election>;

/// A group whose master is elected.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Election {
    /// The id of the master; none while nobody is.
    pub master: Option<i64>,
    /// The brokers that have all that the master has acknowledged, itself among them.
    pub in_sync: Vec<ElectedBroker>,
    /// The other brokers of the group.
    pub not_in_sync: Vec<ElectedBroker>,
    /// All else that the controller said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

/// A broker as a controller knows it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ElectedBroker {
    /// The id that controllers have granted it, from 1. It keeps that as a master, too, which others know under the id 0.
    pub id: i64,
    /// Its address, as `host:port`.
    pub address: String,
    /// Whether it has been heard of lately.
    pub alive: bool,
    /// All else that the controller said, as it said it.
    pub other: Map<String, serde_json::Value>,
}

pub(crate) fn read(root: &Node) -> Result<Elections, DecodeError> {
    root.field(GROUPS)
        .entries()?
        .into_iter()
        .map(|(name, node)| Ok((name, Election::read(&node)?)))
        .collect()
}

pub(crate) fn to_value(elections: &Elections) -> Value {
    let groups = elections
        .iter()
        .map(|(name, election)| (name.as_str(), election.to_value()));
    Value::object([(GROUPS, Value::object(groups))])
}

impl Election {
    /// All brokers of the group that the controller knows.
    pub fn brokers(&self) -> impl Iterator<Item = &ElectedBroker> {
        self.in_sync.iter().chain(&self.not_in_sync)
    }

    /// Whether the broker of an address has all that the master has acknowledged.
    #[must_use]
    pub fn is_in_sync(&self, address: &str) -> bool {
        self.in_sync.iter().any(|broker| broker.address == address)
    }

    fn read(node: &Node) -> Result<Self, DecodeError> {
        let brokers = |field: &str| {
            let items = node.field(field).items()?;
            let brokers: Result<Vec<_>, DecodeError> =
                items.iter().map(ElectedBroker::read).collect();
            brokers
        };
        Ok(Self {
            master: node.field("masterBrokerId").integer_if_any()?,
            in_sync: brokers(IN_SYNC)?,
            not_in_sync: brokers(NOT_IN_SYNC)?,
            other: node.without(&["masterBrokerId", IN_SYNC, NOT_IN_SYNC])?,
        })
    }

    fn to_value(&self) -> Value {
        let brokers = |brokers: &[ElectedBroker]| {
            Value::Array(brokers.iter().map(ElectedBroker::to_value).collect())
        };
        let mut known = vec![
            (IN_SYNC, brokers(&self.in_sync)),
            (NOT_IN_SYNC, brokers(&self.not_in_sync)),
        ];
        if let Some(master) = self.master {
            known.push(("masterBrokerId", Value::Integer(master)));
        }
        with_other(known, &self.other)
    }
}

impl ElectedBroker {
    fn read(node: &Node) -> Result<Self, DecodeError> {
        Ok(Self {
            id: node.field("brokerId").integer()?,
            address: node.field("brokerAddress").text()?,
            alive: node.field("alive").boolean()?,
            other: node.without(&["brokerId", "brokerAddress", "alive"])?,
        })
    }

    fn to_value(&self) -> Value {
        let known = vec![
            ("brokerId", Value::Integer(self.id)),
            ("brokerAddress", Value::Text(self.address.clone())),
            ("alive", Value::Boolean(self.alive)),
        ];
        with_other(known, &self.other)
    }
}

#[cfg(test)]
mod tests {
    use crate::answer::{Answer, DecodeError, Reply, answered, decode};
    use crate::frame::Frame;
    use crate::request::{Request, encode};
    use crate::version::ProductVersion;

    /// What a controller of 5.5.0 answered of a group whose replica had just come, and of one that has lost its master.
    const BODY: &str = concat!(
        r#"{"replicasInfoTable":{"shop_orders-0":{"inSyncReplicas":[{"alive":true,"brokerAddress":"orders-0-1:10911","#,
        r#""brokerId":2,"brokerName":"shop_orders-0"}],"masterAddress":"orders-0-1:10911","masterBrokerId":2,"#,
        r#""masterEpoch":1,"notInSyncReplicas":[{"alive":true,"brokerAddress":"orders-0-0:10911","brokerId":1,"#,
        r#""brokerName":"shop_orders-0"}],"syncStateSetEpoch":1},"shop_orders-1":{"inSyncReplicas":[{"alive":false,"#,
        r#""brokerAddress":"orders-1-0:10911","brokerId":1,"brokerName":"shop_orders-1"}],"masterEpoch":1,"#,
        r#""notInSyncReplicas":[],"syncStateSetEpoch":4}}}"#
    );

    fn asked() -> Frame {
        let groups = ["shop_orders-0".to_owned(), "shop_orders-1".to_owned()].into();
        encode(&Request::Elections { groups }, 3)
    }

    fn read(frame: &Frame) -> Result<Answer, DecodeError> {
        let groups = ["shop_orders-0".to_owned()].into();
        decode(&Request::Elections { groups }, frame)
    }

    #[test]
    fn a_controllers_answer_tells_masters_and_who_is_in_sync() {
        let mut frame = Frame::answer(&asked(), 0);
        frame.body = BODY.into();
        let answer = read(&frame).unwrap();
        let Reply::Elections(Some(elections)) = &answer.reply else {
            panic!("{answer:?}")
        };
        let first = &elections["shop_orders-0"];
        assert_eq!(first.master, Some(2));
        assert_eq!((first.in_sync.len(), first.not_in_sync.len()), (1, 1));
        assert_eq!(first.not_in_sync[0].address, "orders-0-0:10911");
        let second = &elections["shop_orders-1"];
        assert_eq!((second.master, second.in_sync[0].alive), (None, false));
        // As a simulated controller writes it, it is read alike.
        assert_eq!(read(&answered(&asked(), &answer)).unwrap(), answer);
    }

    #[test]
    fn one_that_does_not_lead_knows_nothing() {
        let answer = Answer {
            version: ProductVersion(0),
            reply: Reply::Elections(None),
        };
        assert_eq!(read(&answered(&asked(), &answer)).unwrap(), answer);
    }

    #[test]
    fn names_of_groups_are_sent_as_a_list() {
        assert_eq!(asked().body, br#"["shop_orders-0","shop_orders-1"]"#);
    }
}
