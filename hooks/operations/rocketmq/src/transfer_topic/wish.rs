//! What a release of the chart `rocketmq-topic-transfer` asks for, resolved from its values.

use std::collections::BTreeMap;

use midships_client_rocketmq::ClusterInfo;
use midships_engine::journal::hexadecimal;
use midships_model::rocketmq_topic_transfer::{
    Action, Afterwards, Consumers, Desired, Messages, Ordered, Side, Values,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::desired::Broker;

/// A transfer that somebody asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wish {
    /// Namespace and full name of the release that asks.
    pub owner: String,
    /// The topic.
    pub topic: String,
    /// The groups that it leaves.
    pub source: Selection,
    /// The groups that it goes to.
    pub target: Selection,
    /// The name servers that are asked first.
    pub name_servers: Vec<String>,
    /// What is wanted.
    pub action: Action,
    /// Whether the source keeps the topic, closed for writing.
    pub keeps_source: bool,
    /// What is done about an ordered topic.
    pub ordered: Ordered,
    /// What is done about messages of special kinds.
    pub messages: Messages,
    /// What is done about groups that consume in special ways.
    pub consumers: Consumers,
    /// How often clients look at the routes, in seconds.
    pub route_refresh_seconds: u64,
    /// How long consumers may take, in seconds.
    pub drain_seconds: u64,
    /// A digest of what is asked for, without budgets: a transfer that is under way goes on when they change.
    pub digest: String,
}

/// Groups of brokers that somebody means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Selection {
    /// The field that says so.
    pub field: &'static str,
    /// The cluster, where only groups of one are meant.
    pub cluster: Option<String>,
    /// What the names of groups begin with, where they are those of a release.
    pub prefix: Option<String>,
    /// The names of groups, where not all are meant.
    pub groups: Vec<String>,
}

impl Selection {
    /// What a side's values mean.
    fn of(field: &'static str, side: &Side, namespace: &str, cluster_domain: &str) -> Self {
        let names = side.names(namespace, cluster_domain);
        let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
        Self {
            field,
            cluster: filled(&side.cluster),
            prefix: names.map(|names| format!("{}_{}-", names.namespace, names.brokers())),
            groups: side.groups.clone(),
        }
    }

    fn means(&self, name: &str, cluster: &str) -> bool {
        let is_of_release = self
            .prefix
            .as_ref()
            .is_none_or(|prefix| name.starts_with(prefix));
        is_of_release
            && self.cluster.as_ref().is_none_or(|meant| meant == cluster)
            && (self.groups.is_empty() || self.groups.iter().any(|meant| meant == name))
    }

    /// The masters that are meant, of those that name servers list.
    #[must_use]
    pub fn masters(&self, lists: &[&ClusterInfo]) -> Vec<Broker> {
        let all = masters(lists).into_iter();
        all.filter(|master| self.means(&master.name, &master.cluster))
            .collect()
    }

    /// What is meant, for people.
    #[must_use]
    pub fn described(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.cluster.as_ref().map(|name| format!("cluster {name}")));
        parts.extend(
            self.prefix
                .as_ref()
                .map(|prefix| format!("groups whose names begin with {prefix}")),
        );
        if !self.groups.is_empty() {
            parts.push(format!("groups {}", self.groups.join(", ")));
        }
        parts.join(", ")
    }
}

/// All masters that name servers list.
#[must_use]
pub fn masters(lists: &[&ClusterInfo]) -> Vec<Broker> {
    let mut found: BTreeMap<String, Broker> = BTreeMap::new();
    for (name, group) in lists.iter().flat_map(|list| &list.brokers) {
        let Some(address) = group.addresses.get(&0) else {
            continue;
        };
        found.entry(name.clone()).or_insert_with(|| Broker {
            pod: name.clone(),
            address: address.clone(),
            cluster: group.cluster.clone(),
            name: name.clone(),
            id: Some(0),
        });
    }
    found.into_values().collect()
}

/// What a digest is made of.
#[derive(Serialize)]
struct Essence<'a> {
    release: &'a str,
    namespace: &'a str,
    action: Action,
    topic: &'a str,
    source: &'a Side,
    target: &'a Side,
    afterwards: Afterwards,
    ordered: Ordered,
    messages: Messages,
    consumers: Consumers,
}

impl Wish {
    /// What a release's values ask for; `takes_back` when the release goes.
    #[must_use]
    pub fn of(file: &Desired, takes_back: bool) -> Self {
        let values: &Values = &file.values;
        let action = if takes_back {
            Action::TakeBack
        } else {
            values.action
        };
        let essence = Essence {
            release: &file.release,
            namespace: &file.namespace,
            action,
            topic: &values.topic,
            source: &values.source,
            target: &values.target,
            afterwards: values.afterwards,
            ordered: values.ordered_topics,
            messages: values.messages,
            consumers: values.consumers,
        };
        // Values that came from JSON can be written as JSON.
        let digest = serde_json::to_vec(&essence).unwrap_or_default();
        let select =
            |field, side| Selection::of(field, side, &file.namespace, &values.cluster_domain);
        Self {
            owner: format!("{}/{}", file.namespace, file.full_name),
            topic: values.topic.clone(),
            source: select("source", &values.source),
            target: select("target", &values.target),
            name_servers: values.name_server_addresses(&file.namespace),
            action,
            keeps_source: values.afterwards == Afterwards::KeepReadOnly,
            ordered: values.ordered_topics,
            messages: values.messages,
            consumers: values.consumers,
            route_refresh_seconds: u64::from(values.client_route_refresh_seconds),
            drain_seconds: u64::from(values.drain_minutes) * 60,
            digest: hexadecimal(&Sha256::digest(digest)),
        }
    }
}
