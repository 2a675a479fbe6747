//! What name servers say of a topic: a removed topic has to be forgotten there, and those that have it must stay listed.
//!
//! The request to forget a topic names a cluster, and is about all of its groups; name servers before 4.9.4 forget the topic
//! of all clusters. So whoever has it says so once more in the same breath.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{Request, TopicConfiguration};
use midships_engine::step::{Unanswered, Verdict};

use super::{Transfer, ask_each, tell, wait};
use crate::desired::Broker;
use crate::view::View;
use crate::vocabulary::{Command, Query};

/// The questions for the routes of a topic.
pub(super) fn route_queries(transfer: &Transfer, topic: &str) -> impl Iterator<Item = Query> {
    let request = Request::TopicRoute {
        topic: topic.to_owned(),
    };
    let servers = transfer.name_servers.iter();
    servers.map(move |server| Query::rocketmq(server, request.clone()))
}

/// What has to be known to have a topic forgotten.
pub(super) fn queries(transfer: &Transfer, topic: &str) -> Vec<Query> {
    let servers = transfer.name_servers.iter();
    let lists = servers.map(|server| Query::rocketmq(server, Request::ClusterInfo));
    route_queries(transfer, topic)
        .chain(lists)
        .chain(ask_each(
            transfer.all_masters(),
            &Request::TopicConfigurations,
        ))
        .collect()
}

/// The request that has a broker say once more that it has a topic, with a permission. Attributes that are not named stay.
pub(super) fn announcement(topic: &TopicConfiguration, permission: u32) -> Request {
    Request::PutTopic {
        configuration: TopicConfiguration {
            permission,
            ..topic.clone()
        }
        .with_attributes(BTreeMap::new()),
        without_attributes: BTreeSet::new(),
    }
}

/// Waits until every name server says that these masters are open for the topic, or, where they have it, that they are not.
pub(super) fn awaited(
    transfer: &Transfer,
    masters: &[Broker],
    open: bool,
    view: View<'_>,
) -> Result<Option<Verdict<Command>>, Unanswered> {
    for server in &transfer.name_servers {
        let route = view.topic_route(server, &transfer.topic)?;
        for master in masters {
            let listed = route.and_then(|route| route.queues.get(&master.name));
            let is_open =
                listed.is_some_and(|range| range.permission & TopicConfiguration::WRITE != 0);
            if is_open != open {
                let state = if open { "open" } else { "closed" };
                return Ok(Some(wait(format!(
                    "name server {server} does not say yet that {} is {state} for the topic",
                    master.name
                ))));
            }
        }
    }
    Ok(None)
}

/// The commands by which no name server says that these masters have a topic, and each says so of all others that do.
pub(super) fn unlisted(
    transfer: &Transfer,
    topic: &str,
    leaving: &[&Broker],
    view: View<'_>,
) -> Result<Vec<Command>, Unanswered> {
    let leaves = |name: &str| leaving.iter().any(|master| master.name == name);
    let mut keepers = Vec::new();
    for master in transfer.all_masters() {
        if leaves(&master.name) {
            continue;
        }
        match view.topic_configurations(&master.address) {
            Ok(topics) => keepers.extend(topics.get(topic).map(|topic| (master, topic))),
            // One of no side that is away says what it has when it comes back.
            Err(_) if transfer.others.contains(master) => {}
            Err(unanswered) => return Err(unanswered),
        }
    }
    let mut commands = Vec::new();
    let mut lacking = BTreeSet::new();
    for server in &transfer.name_servers {
        let known = view.cluster_info(server)?;
        let route = view.topic_route(server, topic)?;
        let listed = |name: &str| route.is_some_and(|route| route.queues.contains_key(name));
        let clusters: BTreeSet<&str> = leaving
            .iter()
            .filter(|master| listed(&master.name))
            .map(|master| master.cluster.as_str())
            .collect();
        let keepers = keepers.iter().filter(|(master, _)| {
            known.brokers.contains_key(&master.name)
                && (!clusters.is_empty() || !listed(&master.name))
        });
        lacking.extend(keepers.map(|(master, _)| &master.name));
        commands.extend(clusters.into_iter().map(|cluster| Command::Rocketmq {
            address: server.clone(),
            request: Request::ForgetTopic {
                topic: topic.to_owned(),
                cluster: cluster.to_owned(),
            },
        }));
    }
    let again = keepers
        .iter()
        .filter(|(master, _)| lacking.contains(&master.name));
    commands
        .extend(again.map(|(master, topic)| tell(master, announcement(topic, topic.permission))));
    Ok(commands)
}
