//! The brokers that name servers list, and where the lists differ.

use std::collections::{BTreeMap, BTreeSet};

use midships_answers::Problem;
use midships_client_rocketmq::{Answer, ClusterInfo, Reply, Request};
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Question, Servers, another_kind};

/// A name server that was asked.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct NameServer {
    /// Its address, as `host:port`.
    pub address: String,
    /// Its version, such as `5.4.0`; none when it did not answer.
    pub version: Option<String>,
}

/// A broker as name servers list it.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct Broker {
    pub(crate) cluster: String,
    pub(crate) name: String,
    /// 0 is the master.
    pub(crate) id: i64,
    pub(crate) address: String,
}

/// What all name servers together list.
#[derive(Debug, Default)]
pub(crate) struct Landscape {
    pub(crate) name_servers: Vec<NameServer>,
    /// The brokers in scope, sorted.
    pub(crate) brokers: Vec<Broker>,
    /// The names of all clusters and brokers, whether in scope or not.
    pub(crate) names: BTreeSet<String>,
    pub(crate) problems: BTreeSet<Problem>,
}

impl Landscape {
    /// Asks all name servers.
    pub(crate) async fn ask<S: Servers>(asking: &Asking<'_, S>, scope: &Scope) -> Self {
        let questions: Vec<Question> = scope
            .name_servers
            .iter()
            .map(|address| Question::new(address, Request::ClusterInfo))
            .collect();
        let answers = asking.all(&questions).await;
        let answers = scope.name_servers.iter().zip(answers).collect();
        Self::tabulate(answers, scope.cluster.as_deref())
    }

    fn tabulate(answers: Vec<(&String, Result<Answer, Problem>)>, cluster: Option<&str>) -> Self {
        let mut landscape = Self::default();
        let mut listed: BTreeMap<Broker, BTreeSet<&str>> = BTreeMap::new();
        let mut answered = BTreeSet::new();
        for (address, answer) in answers {
            let version = answer
                .as_ref()
                .ok()
                .map(|answer| answer.version.to_string());
            landscape.name_servers.push(NameServer {
                address: address.clone(),
                version,
            });
            match answer.map(|answer| answer.reply) {
                Ok(Reply::ClusterInfo(info)) => {
                    answered.insert(address.as_str());
                    for broker in brokers(info) {
                        listed.entry(broker).or_default().insert(address);
                    }
                }
                Ok(_) => {
                    landscape.problems.insert(another_kind(address));
                }
                Err(problem) => {
                    landscape.problems.insert(problem);
                }
            }
        }
        for broker in listed.keys() {
            let names = [&broker.cluster, &broker.name].map(String::clone);
            landscape.names.extend(names);
        }
        let clusters: BTreeSet<String> =
            listed.keys().map(|broker| broker.cluster.clone()).collect();
        listed.retain(|broker, _| cluster.is_none_or(|cluster| broker.cluster == cluster));
        if let Some(cluster) = cluster
            && listed.is_empty()
            && !answered.is_empty()
        {
            let known: Vec<String> = clusters.into_iter().collect();
            let why = format!("is no cluster here; there are: {}", known.join(", "));
            landscape.problems.insert(Problem::new(cluster, why));
        }
        landscape.problems.extend(differences(&listed, &answered));
        landscape.brokers = listed.into_keys().collect();
        landscape
    }

    /// The broker of each group that is asked for topics, groups and offsets: the master or, where none is registered,
    /// the replica with the lowest id, which may lag behind and is told as a problem.
    pub(crate) fn sources(&mut self) -> Vec<Broker> {
        let mut sources: BTreeMap<(&str, &str), &Broker> = BTreeMap::new();
        for broker in &self.brokers {
            // They are sorted, so that the first one has the lowest id.
            sources
                .entry((&broker.cluster, &broker.name))
                .or_insert(broker);
        }
        let sources: Vec<Broker> = sources.into_values().cloned().collect();
        for source in sources.iter().filter(|source| source.id != 0) {
            let why = format!(
                "has no master that is registered; what is told of it is what replica {} at {} has",
                source.id, source.address
            );
            self.problems.insert(Problem::new(&source.name, why));
        }
        sources
    }
}

fn brokers(info: ClusterInfo) -> Vec<Broker> {
    let mut brokers = Vec::new();
    for (name, group) in info.brokers {
        for (id, address) in group.addresses {
            brokers.push(Broker {
                cluster: group.cluster.clone(),
                name: name.clone(),
                id,
                address,
            });
        }
    }
    brokers
}

/// Where name servers that answered do not list the same.
fn differences(
    listed: &BTreeMap<Broker, BTreeSet<&str>>,
    answered: &BTreeSet<&str>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (broker, by) in listed {
        for server in answered.difference(by) {
            let by: Vec<&str> = by.iter().copied().collect();
            let why = format!(
                "does not list the broker {} with id {} at {}, as {} does",
                broker.name,
                broker.id,
                broker.address,
                by.join(", ")
            );
            problems.push(Problem::new(*server, why));
        }
    }
    problems
}
