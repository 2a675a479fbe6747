//! Running brokers are set to values of their configuration that they take without a restart.

use std::collections::BTreeMap;

use midships_client_rocketmq::Request;
use midships_engine::step::Verdict;
use serde::{Deserialize, Serialize};

use super::{Observation, of_many};
use crate::desired::Broker;
use crate::view::{View, settings_query};
use crate::vocabulary::{Command, Query};

/// A broker with the values that it shall get and those that it had.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SetBroker {
    /// The broker.
    pub broker: Broker,
    /// The values that it had when the plan was made.
    pub previous: BTreeMap<String, String>,
    /// The values that it shall have, of the same keys.
    pub settings: BTreeMap<String, String>,
}

/// What has to be known of these brokers.
pub(super) fn queries(brokers: &[SetBroker]) -> Vec<Query> {
    brokers
        .iter()
        .map(|set| settings_query(&set.broker))
        .collect()
}

/// Judges whether each broker has its values, or, undoing, those of before.
pub(super) fn assess(brokers: &[SetBroker], undoing: bool, seen: &Observation) -> Verdict<Command> {
    let view = View::new(seen);
    let mut commands = Vec::new();
    let mut silent = Vec::new();
    for SetBroker {
        broker,
        previous,
        settings,
    } in brokers
    {
        let wanted = if undoing { previous } else { settings };
        match view.settings(&broker.address) {
            Ok(found) => {
                let differing: BTreeMap<String, String> = wanted
                    .iter()
                    .filter(|(key, value)| found.properties.get(*key) != Some(*value))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                if !differing.is_empty() {
                    commands.push(Command::Rocketmq {
                        address: broker.address.clone(),
                        request: Request::UpdateBrokerConfiguration {
                            properties: differing,
                        },
                    });
                }
            }
            Err(unanswered) => silent.push(format!("broker {}: {}", broker.pod, unanswered.why)),
        }
    }
    let total = (brokers.len(), "brokers");
    of_many(commands, "have other settings", &silent, "", total)
}
