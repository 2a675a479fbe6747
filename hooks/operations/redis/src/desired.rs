//! The cluster that a release shall be: its shards, their servers, and what these have.

use std::collections::BTreeMap;

use midships_client_kubernetes::StatefulSet;
use midships_engine::journal::hash;
use midships_model::fields::StorageMode;
use midships_model::redis::servers::Servers;
use midships_model::redis::settings::ONLINE;
use midships_model::redis::version::Version;
use midships_model::redis::{PORT, TLS_PORT};
use midships_model::redis_cluster;
use midships_model::redis_cluster::shards::MOST_REPLICAS;
use serde::{Deserialize, Serialize};

/// The label of a shard's StatefulSet and pods that has its number.
pub const SHARD_LABEL: &str = "midships/shard";

/// The longest time in seconds to wait for pods before anything is done.
const LONGEST_PATIENCE: u64 = 900;

/// A cluster as it shall be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Desired {
    /// The release's full name, which is the cluster's.
    pub full_name: String,
    /// A digest of everything that is desired, by which a plan is known to be for it.
    pub digest: String,
    /// The namespace.
    pub namespace: String,
    /// The domain of the cluster's DNS names.
    pub domain: String,
    /// The port for clients.
    pub port: u16,
    /// The shards, in the order of their numbers.
    pub shards: Vec<Shard>,
    /// The product and its version.
    pub version: Version,
    /// What a running server shall have of the settings that it takes without a restart.
    pub settings: BTreeMap<String, String>,
    /// The settings beside them that somebody has named and that have no field: not every server may know them.
    pub named: Vec<String>,
    /// How many mebibytes each server's volume shall have, where it is claimed.
    pub volume_mebibytes: Option<u64>,
    /// The ports of nodes that the first server shall have; none where servers have no ports of nodes.
    pub node_ports: Vec<u16>,
    /// The number of the revision, where it is told.
    pub revision: Option<u64>,
    /// How long pods may take to come up, in seconds.
    pub patience_seconds: u64,
}

impl Desired {
    /// The cluster that a release asks for, in the revision of a number if it is told.
    #[must_use]
    pub fn of(file: &redis_cluster::Desired, revision: Option<u64>) -> Self {
        let values = &file.values;
        let mut desired = Self {
            full_name: file.full_name.clone(),
            digest: String::new(),
            namespace: file.namespace.clone(),
            domain: values.cluster_domain.clone(),
            port: if values.tls.secret_name.is_empty() {
                PORT
            } else {
                TLS_PORT
            },
            shards: Vec::new(),
            version: values.version,
            settings: values.online_settings(),
            named: named(&values.tuning.configuration),
            volume_mebibytes: Some(&values.persistence.storage)
                .filter(|storage| storage.mode == StorageMode::StorageClass)
                .and_then(|storage| storage.size.mebibytes()),
            node_ports: values.node_ports(),
            revision,
            // Half of the Job's time at most, so that time is left to act.
            patience_seconds: (u64::from(values.deadline_seconds()) / 2).min(LONGEST_PATIENCE),
        };
        let servers = values.shards.replicas_per_shard.saturating_add(1);
        let shards = (0..values.shards.count).map(|number| desired.shard(number, servers));
        desired.shards = shards.collect();
        let asked = format!(
            "{:?} {:?} {:?} {:?}",
            desired.shards, file.templates, desired.settings, desired.volume_mebibytes
        );
        desired.digest = hash(&asked);
        desired
    }

    /// The name of a shard's StatefulSet.
    #[must_use]
    pub fn stateful_set(&self, shard: u32) -> String {
        format!("{}-shard-{shard}", self.full_name)
    }

    /// The name of the ConfigMap with what was desired when Helm last applied.
    #[must_use]
    pub fn after_config_map(&self) -> String {
        format!("{}-after", self.full_name)
    }

    /// The name of the Service by which each server has a name of its own.
    fn service(&self) -> String {
        format!("{}-servers", self.full_name)
    }

    /// The ports of nodes that the server of a pod shall have, by the numbers of its shard and its pod.
    #[must_use]
    pub fn node_ports_of(&self, shard: u32, pod: u32) -> Vec<u32> {
        let place = shard * (MOST_REPLICAS + 1) + pod;
        let first = self.node_ports.iter();
        first.map(|first| u32::from(*first) + place).collect()
    }

    /// All servers, shard by shard.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.shards.iter().flat_map(|shard| &shard.servers)
    }

    /// A shard of so many servers, by the names that the chart gives its pods.
    #[must_use]
    pub fn shard(&self, number: u32, servers: u32) -> Shard {
        let set = self.stateful_set(number);
        let server = |place| {
            let pod = format!("{set}-{place}");
            let (service, namespace) = (self.service(), &self.namespace);
            let address = format!(
                "{pod}.{service}.{namespace}.svc.{}:{}",
                self.domain, self.port
            );
            Server { pod, address }
        };
        Shard {
            number,
            servers: (0..servers).map(server).collect(),
        }
    }

    /// The shards that stand.
    #[must_use]
    pub fn standing(&self, sets: &[StatefulSet]) -> Vec<Shard> {
        let standing = sets.iter().filter_map(|set| {
            let number = set.labels.get(SHARD_LABEL)?.parse().ok()?;
            Some(self.shard(number, u32::try_from(set.replicas).ok()?))
        });
        standing.collect()
    }

    /// The shards that stand and that the release shall have no longer.
    #[must_use]
    pub fn leaving(&self, sets: &[StatefulSet]) -> Vec<Shard> {
        let mut standing = self.standing(sets);
        standing.retain(|shard| !self.shards.iter().any(|one| one.number == shard.number));
        standing
    }
}

/// The keys of a configuration that only some versions know: those that a running server takes are known to all of them.
fn named<V>(configuration: &BTreeMap<String, V>) -> Vec<String> {
    let keys = configuration.keys();
    let named = keys.filter(|key| !ONLINE.iter().any(|(online, _)| online == key));
    named.cloned().collect()
}

/// A shard: servers with the same slots, one of which is their master. Which one is for the cluster to say.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// Its number, from 0.
    pub number: u32,
    /// Its servers, in the order of their pods.
    pub servers: Vec<Server>,
}

/// A server and its pod.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Server {
    /// Its pod.
    pub pod: String,
    /// Where this program reaches it, `host:port`.
    pub address: String,
}
