//! What a release shall be: its shards, their servers, and what these have. A release that is no cluster is one shard.

use std::collections::BTreeMap;

use midships_client_kubernetes::StatefulSet;
use midships_engine::journal::hash;
use midships_model::fields::StorageMode;
use midships_model::redis::servers::Servers;
use midships_model::redis::settings::ONLINE;
use midships_model::redis::version::Version;
use midships_model::redis::{PORT, TLS_PORT};
use midships_model::redis_cluster::shards::MOST_REPLICAS;
use midships_model::redis_sentinel::{SENTINEL_PORT, SENTINEL_TLS_PORT};
use midships_model::{redis, redis_cluster, redis_sentinel};
use serde::{Deserialize, Serialize};

/// The label of a shard's StatefulSet and pods that has its number.
pub const SHARD_LABEL: &str = "midships/shard";

/// The longest time in seconds to wait for pods before anything is done.
const LONGEST_PATIENCE: u64 = 900;

/// What the servers of a release are to each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Shards of a cluster, which agree among themselves on who is a master.
    Cluster,
    /// One server.
    Single,
    /// A master and its replicas, of which Sentinels say which is which.
    Watched(Watch),
}

/// Which passwords this program has to show, of those of the release's Secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// None: servers ask for none.
    Nothing,
    /// The password alone.
    Alone,
    /// The password, and the previous one, which clients may still show.
    WithPrevious,
}

/// Those who watch a master and its replicas.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// The name by which they know the master.
    pub master_name: String,
    /// The Sentinels, in the order of their pods.
    pub sentinels: Vec<Server>,
    /// The name of their StatefulSet.
    pub stateful_set: String,
}

/// A release as it shall be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Desired {
    /// The release's full name.
    pub full_name: String,
    /// What its servers are to each other.
    pub kind: Kind,
    /// A digest of everything that is desired, by which a plan is known to be for it.
    pub digest: String,
    /// The namespace.
    pub namespace: String,
    /// The domain of the cluster's DNS names; empty where the chart has no field for it.
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
    /// Which passwords servers shall take.
    pub shown: Shown,
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
        let mut desired = Self::without_servers(file, Kind::Cluster, revision);
        desired.domain.clone_from(&values.cluster_domain);
        desired.node_ports = values.node_ports();
        let servers = values.shards.replicas_per_shard.saturating_add(1);
        let shards = (0..values.shards.count).map(|number| desired.shard(number, servers));
        desired.shards = shards.collect();
        desired.digested(&file.templates)
    }

    /// The one server that a release asks for.
    #[must_use]
    pub fn of_single(file: &redis::Desired, revision: Option<u64>) -> Self {
        let mut desired = Self::without_servers(file, Kind::Single, revision);
        desired.shards = vec![desired.shard(0, 1)];
        desired.digested(&file.templates)
    }

    /// The master with its replicas that a release asks for, and its Sentinels.
    #[must_use]
    pub fn of_watched(file: &redis_sentinel::Desired, revision: Option<u64>) -> Self {
        let values = &file.values;
        let port = if values.tls.secret_name.is_empty() {
            SENTINEL_PORT
        } else {
            SENTINEL_TLS_PORT
        };
        let set = format!("{}-sentinel", file.full_name);
        let sentinels = (0..values.sentinels.count).map(|number| {
            let pod = format!("{set}-{number}");
            let host = host(
                &pod,
                &format!("{set}-pods"),
                &file.namespace,
                &values.cluster_domain,
            );
            Server {
                address: format!("{host}:{port}"),
                pod,
            }
        });
        let watch = Watch {
            master_name: values.master_name.clone(),
            sentinels: sentinels.collect(),
            stateful_set: set.clone(),
        };
        let mut desired = Self::without_servers(file, Kind::Watched(watch), revision);
        desired.domain.clone_from(&values.cluster_domain);
        desired.shards = vec![desired.shard(0, values.servers.count())];
        desired.digested(&file.templates)
    }

    /// What follows from the fields that all charts have.
    fn without_servers<V: Servers>(
        file: &midships_model::desired::Desired<V>,
        kind: Kind,
        revision: Option<u64>,
    ) -> Self {
        let (values, groups) = (&file.values, file.values.groups());
        Self {
            full_name: file.full_name.clone(),
            kind,
            digest: String::new(),
            namespace: file.namespace.clone(),
            domain: String::new(),
            port: if groups.tls.secret_name.is_empty() {
                PORT
            } else {
                TLS_PORT
            },
            shards: Vec::new(),
            version: groups.version,
            settings: values.online_settings(),
            named: named(&groups.tuning.configuration),
            shown: Shown::Nothing,
            volume_mebibytes: Some(&groups.persistence.storage)
                .filter(|storage| storage.mode == StorageMode::StorageClass)
                .and_then(|storage| storage.size.mebibytes()),
            node_ports: Vec::new(),
            revision,
            // Half of the Job's time at most, so that time is left to act.
            patience_seconds: (u64::from(values.deadline_seconds()) / 2).min(LONGEST_PATIENCE),
        }
    }

    /// The same with passwords that servers shall take.
    #[must_use]
    pub fn showing(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self.digest = hash(&format!("{} {shown:?}", self.digest));
        self
    }

    /// The same with the digest of what is asked for.
    fn digested(mut self, templates: &BTreeMap<String, String>) -> Self {
        let asked = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            self.kind, self.shards, templates, self.settings, self.volume_mebibytes
        );
        self.digest = hash(&asked);
        self
    }

    /// The name of a shard's StatefulSet.
    #[must_use]
    pub fn stateful_set(&self, shard: u32) -> String {
        match self.kind {
            Kind::Cluster => format!("{}-shard-{shard}", self.full_name),
            Kind::Single | Kind::Watched(_) => format!("{}-server", self.full_name),
        }
    }

    /// Whether its servers are a cluster.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.kind == Kind::Cluster
    }

    /// Those who watch its servers, where somebody does.
    #[must_use]
    pub fn watch(&self) -> Option<&Watch> {
        match &self.kind {
            Kind::Watched(watch) => Some(watch),
            Kind::Cluster | Kind::Single => None,
        }
    }

    /// The name of the ConfigMap with what was desired when Helm last applied.
    #[must_use]
    pub fn after_config_map(&self) -> String {
        format!("{}-after", self.full_name)
    }

    /// The name of the Service by which each server has a name of its own.
    fn service(&self) -> String {
        let name = &self.full_name;
        match self.kind {
            Kind::Cluster => format!("{name}-servers"),
            Kind::Single => format!("{name}-server"),
            Kind::Watched(_) => format!("{name}-server-pods"),
        }
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
            let address = format!(
                "{}:{}",
                host(&pod, &self.service(), &self.namespace, &self.domain),
                self.port
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
            let number = match self.kind {
                Kind::Cluster => set.labels.get(SHARD_LABEL)?.parse().ok()?,
                Kind::Single | Kind::Watched(_) => 0,
            };
            if set.name != self.stateful_set(number) {
                return None;
            }
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

/// The name of a pod in the network. Where the domain is not told, the resolver of the pod adds it.
fn host(pod: &str, service: &str, namespace: &str, domain: &str) -> String {
    let host = format!("{pod}.{service}.{namespace}.svc");
    match domain {
        "" => host,
        domain => format!("{host}.{domain}"),
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
