//! The question which groups there are, who consumes for them and how much waits for them.

use std::collections::{BTreeMap, BTreeSet};

use midships_answers::{Column, Problem, or_nothing, table, with_problems};
use midships_client_rocketmq::{ClientConnection, ConsumerConnections, Reply, Request};
use serde::Serialize;

use crate::ask::{Asking, Servers};
use crate::holdings::Holding;
use crate::progress::Known;
use crate::{Scope, Told};

/// Groups.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Groups {
    /// The groups by name.
    pub groups: Vec<Group>,
    /// What was not answered or is not as it should be.
    pub problems: Vec<Problem>,
}

/// A group.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its name.
    pub group: String,
    /// The clients that are connected, by their ids.
    pub members: Vec<Member>,
    /// How they get messages: `push`, `pull` or `pop`; none when nobody is connected.
    pub r#type: Option<String>,
    /// `clustering` when each message goes to one member, `broadcasting` when each goes to all; none when nobody is connected.
    pub model: Option<String>,
    /// The topics that they have subscribed to.
    pub subscriptions: BTreeSet<String>,
    /// How many messages wait for it; the members of a broadcasting group keep their offsets themselves.
    pub lag: i64,
    /// The brokers that know it.
    pub brokers: Vec<GroupAtBroker>,
}

/// A client of a group.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The client's id.
    pub id: String,
    /// Where it is connected from, as `host:port`.
    pub address: String,
    /// The language of its library, such as `JAVA`.
    pub language: String,
    /// The version of its library.
    pub version: String,
}

/// A group at a broker.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupAtBroker {
    /// The cluster's name.
    pub cluster: String,
    /// The broker's name.
    pub broker: String,
    /// Whether it has a configuration of the group.
    pub configured: bool,
    /// Whether its members may consume; none without a configuration.
    pub consume_enabled: Option<bool>,
    /// Whether it has offsets of the group.
    pub offsets: bool,
}

impl Groups {
    /// Asks for the progress of all groups, and one broker of each group of brokers for their members.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope) -> Self {
        let asking = Asking::new(servers);
        let mut known = Known::ask(&asking, scope).await;
        let request = |group: &str| Request::ConsumerConnections {
            group: group.to_owned(),
        };
        let take = |reply| match reply {
            Reply::ConsumerConnections(connections) => Some(connections),
            _ => None,
        };
        let mut connected: BTreeMap<String, Vec<ConsumerConnections>> = BTreeMap::new();
        for (group, connections) in known.of_each_group(&asking, request, take).await {
            connected.entry(group).or_default().extend(connections);
        }
        Self::tabulate(known, &connected)
    }

    fn tabulate(known: Known, connected: &BTreeMap<String, Vec<ConsumerConnections>>) -> Self {
        let Known {
            landscape,
            holdings,
            groups,
        } = known;
        let groups = groups
            .into_iter()
            .map(|progress| {
                let connections = connected
                    .get(&progress.group)
                    .map_or(&[][..], Vec::as_slice);
                let said = |word: fn(&ConsumerConnections) -> Option<&str>| {
                    let text = connections.iter().find_map(word)?;
                    // The product's words without what all of them begin with.
                    let text = match text {
                        "CONSUME_PASSIVELY" => "push",
                        "CONSUME_ACTIVELY" => "pull",
                        other => other.strip_prefix("CONSUME_").unwrap_or(other),
                    };
                    Some(text.to_lowercase())
                };
                Group {
                    members: members(connections),
                    r#type: said(|connections| connections.consume_type.as_deref()),
                    model: said(|connections| connections.message_model.as_deref()),
                    subscriptions: connections
                        .iter()
                        .flat_map(|connections| connections.subscriptions.keys().cloned())
                        .collect(),
                    lag: progress.lag,
                    brokers: at_brokers(&holdings, &progress.group),
                    group: progress.group,
                }
            })
            .collect();
        Self {
            groups,
            problems: landscape.problems.into_iter().collect(),
        }
    }
}

/// The members at all brokers; each is connected to most of them.
fn members(connections: &[ConsumerConnections]) -> Vec<Member> {
    let clients: BTreeMap<&str, &ClientConnection> = connections
        .iter()
        .flat_map(|connections| &connections.clients)
        .map(|client| (client.id.as_str(), client))
        .collect();
    let member = |client: &ClientConnection| Member {
        id: client.id.clone(),
        address: client.address.clone(),
        language: client.language.clone(),
        version: client.version.to_string(),
    };
    clients.into_values().map(member).collect()
}

/// The brokers that have a configuration or offsets of a group.
fn at_brokers(holdings: &[Holding], group: &str) -> Vec<GroupAtBroker> {
    holdings
        .iter()
        .map(|holding| {
            let configuration = holding.groups.get(group);
            GroupAtBroker {
                cluster: holding.broker.cluster.clone(),
                broker: holding.broker.name.clone(),
                configured: configuration.is_some(),
                consume_enabled: configuration.map(|group| group.consume_enabled),
                offsets: holding.offsets.groups.contains_key(group),
            }
        })
        .filter(|at| at.configured || at.offsets)
        .collect()
}

impl Told for Groups {
    fn text(&self) -> String {
        let columns = [
            Column::Text("GROUP"),
            Column::Number("MEMBERS"),
            Column::Text("TYPE"),
            Column::Text("MODEL"),
            Column::Number("LAG"),
            Column::Text("CONFIGURED AT"),
            Column::Text("OFFSETS AT"),
        ];
        let row = |group: &Group| {
            let at = |wanted: fn(&GroupAtBroker) -> bool| {
                let brokers: Vec<&str> = group
                    .brokers
                    .iter()
                    .filter(|at| wanted(at))
                    .map(|at| at.broker.as_str())
                    .collect();
                or_nothing((!brokers.is_empty()).then(|| brokers.join(",")))
            };
            [
                group.group.clone(),
                group.members.len().to_string(),
                or_nothing(group.r#type.as_ref()),
                or_nothing(group.model.as_ref()),
                group.lag.to_string(),
                at(|at| at.configured),
                at(|at| at.offsets),
            ]
        };
        let rows: Vec<_> = self.groups.iter().map(row).collect();
        with_problems(table(columns, &rows), &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
