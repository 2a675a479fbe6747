//! What a release of the chart `rocketmq` shall be, resolved from its values into addresses.

use std::collections::BTreeMap;

use midships_client_kubernetes::StatefulSet;
use midships_client_rocketmq::ClusterInfo;
use midships_engine::journal::hexadecimal;
pub use midships_engine::step::Phase;
use midships_model::desired;
use midships_model::rocketmq::names::{Names, Role};
use midships_model::rocketmq::{
    KeptVolumes, NAME_SERVER_PORT, NameServerSource, ORDER_CONFIGURATION, OrderedTopics, Timing,
    Values,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fixed::{CLUSTER_VARIABLE, DataPlace, Fixed, HOST_VARIABLE, port_of};

/// The longest that the *after* run waits for pods to serve before it has a plan, in seconds.
const LONGEST_PATIENCE: u64 = 900;

/// One broker: a master or one of its replicas.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Broker {
    /// The pod that it runs in.
    pub pod: String,
    /// The address that it registers: host and port.
    pub address: String,
    /// Its `brokerClusterName`.
    pub cluster: String,
    /// Its `brokerName`, shared by a master and its replicas.
    pub name: String,
    /// Its `brokerId`: 0 is the master. None where masters are elected, until it was seen.
    pub id: Option<i64>,
}

impl Broker {
    /// The `StatefulSet` that makes its pod, the only one of it.
    #[must_use]
    pub fn stateful_set(&self) -> &str {
        self.pod.strip_suffix("-0").unwrap_or(&self.pod)
    }

    /// Whether it is the master of its group.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.id == Some(0)
    }

    /// Whether a name server that says this lists it under its address, and its id if that is known.
    #[must_use]
    pub fn is_registered(&self, info: &ClusterInfo) -> bool {
        info.brokers.get(&self.name).is_some_and(|group| {
            let is_listed = match self.id {
                Some(id) => group.addresses.get(&id) == Some(&self.address),
                None => group
                    .addresses
                    .values()
                    .any(|address| *address == self.address),
            };
            group.cluster == self.cluster && is_listed
        })
    }
}

/// The first group that has no master among these brokers, or more than one.
pub fn without_one_master<'a>(
    brokers: &(impl Iterator<Item = &'a Broker> + Clone),
) -> Option<&'a str> {
    let mut groups = brokers.clone().map(|broker| broker.name.as_str());
    groups.find(|group| {
        let of_group = brokers.clone().filter(|broker| broker.name == *group);
        of_group.filter(|broker| broker.is_master()).count() != 1
    })
}

/// How groups that leave are drained.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Drain {
    /// How long consumers may take for what is left, in seconds.
    pub seconds: u64,
    /// Whether messages that groups have given up may go with the brokers that keep them.
    pub discard_dead_letters: bool,
}

/// What a release shall be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// The release's full name, which labels its objects.
    pub full_name: String,
    /// The DNS zone of its namespace's Services, such as `shop.svc.cluster.local`.
    pub dns_zone: String,
    /// The pods of its own name servers, in order of their ordinals.
    pub own_name_servers: Vec<String>,
    /// The addresses of all name servers that its brokers use, in the order that they are told.
    pub name_servers: Vec<String>,
    /// Its brokers.
    pub brokers: Vec<Broker>,
    /// The addresses of the controllers that elect the masters of its groups; none where names tell who is a master.
    pub controllers: Vec<String>,
    /// Where masters are elected, the ids that brokers were seen to have, by their addresses.
    pub seen_ids: BTreeMap<String, i64>,
    /// Whether brokers may be restarted one at a time where a change needs it.
    pub allow_restart: bool,
    /// How often clients look at the routes, in seconds.
    pub route_refresh_seconds: u64,
    /// How long the *after* run waits for pods to serve, in seconds.
    pub patience_seconds: u64,
    /// The namespaces of key-value configuration that new name servers get, the order configuration first.
    pub key_value_namespaces: Vec<String>,
    /// What cannot be changed once the release stands.
    pub fixed: Fixed,
    /// Whether servers have a certificate, and speak TLS to each other.
    pub encrypted: bool,
    /// Whether sends wait until a replica has the message.
    pub synchronous: bool,
    /// The tag of the name servers' image.
    pub name_server_tag: String,
    /// The tag of the brokers' image.
    pub broker_tag: String,
    /// The digest of a name server's pod, as the chart makes it.
    pub name_server_template: Option<String>,
    /// The digest of a broker's pod, as the chart makes it.
    pub broker_template: Option<String>,
    /// What brokers shall have of the settings that they take while they run.
    pub broker_settings: BTreeMap<String, String>,
    /// The name of the group from which new groups get topics and subscription groups.
    pub source_group: String,
    /// Whether new groups get ordered topics as well.
    pub ordered_topics: OrderedTopics,
    /// What becomes of volumes that other brokers left, of the name of those that are new.
    pub kept_volumes: KeptVolumes,
    /// How groups that leave are drained.
    pub drain: Drain,
    /// The number of the release's revision that asks for this, where that is known.
    pub revision: Option<u64>,
    /// A digest of everything that the release's values ask for.
    pub digest: String,
}

impl Desired {
    /// What a release's values ask for.
    #[must_use]
    pub fn of(file: &desired::Desired<Values>, revision: Option<u64>) -> Self {
        let values = &file.values;
        let names = Names {
            full_name: file.full_name.clone(),
            namespace: file.namespace.clone(),
            cluster_domain: values.cluster_domain.clone(),
        };
        let own = match values.name_servers.source {
            NameServerSource::Own => values.name_servers.count,
            NameServerSource::Release | NameServerSource::Addresses => 0,
        };
        let broker = |(group, role): (u32, Role)| {
            let host = names.broker_host(group, role);
            let id = match role {
                Role::Master | Role::Replica(_) => Some(role.number().into()),
                Role::Elected(_) => None,
            };
            let port = values.outside.broker_port(group, role.number());
            Broker {
                pod: names.broker_pod(group, role),
                address: format!("{host}:{port}"),
                cluster: values.cluster_name(&names).to_owned(),
                name: names.group_name(group),
                id,
            }
        };
        Self {
            dns_zone: format!("{}.svc.{}", names.namespace, names.cluster_domain),
            own_name_servers: (0..own)
                .map(|number| names.name_server_pod(number))
                .collect(),
            name_servers: values.name_server_addresses(&names),
            brokers: values.broker_roles().into_iter().map(broker).collect(),
            controllers: values.controller_addresses(&names),
            seen_ids: BTreeMap::new(),
            allow_restart: values.brokers.allow_restart,
            route_refresh_seconds: u64::from(values.brokers.client_route_refresh_seconds),
            // Half of the Job's time at most, so that time is left to act.
            patience_seconds: (u64::from(values.deadline_seconds()) / 2).min(LONGEST_PATIENCE),
            key_value_namespaces: [ORDER_CONFIGURATION.to_owned()]
                .into_iter()
                .chain(values.name_servers.key_value_namespaces.iter().cloned())
                .collect(),
            fixed: Fixed {
                consensus: format!("{:?}", values.controllers.consensus),
                controller_data: DataPlace::of(&values.controllers.storage),
                name_server_data: DataPlace::of(&values.name_servers.storage),
                broker_data: DataPlace::of(&values.brokers.storage),
                first_node_port: values.outside.first_node_port.into(),
                commit_log_file_mebibytes: u64::from(values.brokers.commit_log_file_megabytes),
            },
            source_group: names.group_name(values.brokers.new_groups_from),
            full_name: names.full_name,
            encrypted: !values.tls.secret_name.is_empty(),
            synchronous: values.brokers.replication == Timing::Synchronous,
            name_server_tag: values.name_servers.image.tag.clone(),
            broker_tag: values.brokers.image.tag.clone(),
            name_server_template: file.templates.get("nameServer").cloned(),
            broker_template: file.templates.get("broker").cloned(),
            broker_settings: values.brokers.online_settings(),
            kept_volumes: values.brokers.kept_volumes,
            drain: Drain {
                seconds: u64::from(values.brokers.drain_minutes) * 60,
                discard_dead_letters: values.brokers.discard_dead_letters,
            },
            ordered_topics: values.brokers.ordered_topics,
            revision,
            digest: digest(file),
        }
    }

    /// The number of the group and what follows it in the name of a StatefulSet of brokers.
    fn group_and_role<'a>(&self, set: &'a str) -> Option<(u32, &'a str)> {
        let rest = set.strip_prefix(&format!("{}-broker-", self.full_name))?;
        let (group, role) = rest.split_once('-')?;
        Some((group.parse().ok()?, role))
    }

    /// Whether a StatefulSet was made for a broker of a group whose master is elected; none where it is no broker's.
    #[must_use]
    pub fn is_elected_set(&self, set: &str) -> Option<bool> {
        let (_, role) = self.group_and_role(set)?;
        Some(role.parse::<u32>().is_ok())
    }

    /// The broker whose pods a StatefulSet of the chart makes; none where that cannot be told.
    #[must_use]
    pub fn standing_broker(&self, set: &StatefulSet) -> Option<Broker> {
        let (number, role) = self.group_and_role(&set.name)?;
        let (prefix, _) = self.brokers.first()?.name.rsplit_once('-')?;
        let host = set.environment.get(HOST_VARIABLE)?;
        let address = format!("{host}:{}", port_of(set));
        let id = match role {
            "master" => Some(0),
            _ if self.is_elected_set(&set.name)? => self.seen_ids.get(&address).copied(),
            _ => Some(role.strip_prefix("replica-")?.parse().ok()?),
        };
        Some(Broker {
            pod: format!("{}-0", set.name),
            address,
            cluster: set.environment.get(CLUSTER_VARIABLE)?.clone(),
            name: format!("{prefix}-{number}"),
            id,
        })
    }

    /// Whether masters are elected, so that only brokers and controllers know who is one.
    #[must_use]
    pub fn is_elected(&self) -> bool {
        !self.controllers.is_empty()
    }

    /// The same with the ids that brokers were seen to have, where masters are elected.
    #[must_use]
    pub fn with_ids(&self, ids: BTreeMap<String, i64>) -> Self {
        let mut desired = self.clone();
        for broker in &mut desired.brokers {
            broker.id = ids.get(&broker.address).copied();
        }
        desired.seen_ids = ids;
        desired
    }

    /// Its brokers as steps remember them: without ids where these may change.
    #[must_use]
    pub fn lasting_brokers(&self) -> Vec<Broker> {
        let mut brokers = self.brokers.clone();
        if self.is_elected() {
            for broker in &mut brokers {
                broker.id = None;
            }
        }
        brokers
    }

    /// The ConfigMap in which the *after* Job, and nobody else, finds what is desired.
    #[must_use]
    pub fn after_config_map(&self) -> String {
        format!("{}-after", self.full_name)
    }

    /// Whether one of its brokers is made by the StatefulSet of this name.
    #[must_use]
    pub fn has_broker_set(&self, name: &str) -> bool {
        self.brokers
            .iter()
            .any(|broker| broker.stateful_set() == name)
    }

    /// The masters of its groups.
    pub fn masters(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.iter().filter(|broker| broker.is_master())
    }

    /// The StatefulSet of its own name servers.
    #[must_use]
    pub fn name_server_set(&self) -> String {
        format!("{}-name-server", self.full_name)
    }

    /// The StatefulSet of its controllers.
    #[must_use]
    pub fn controller_set(&self) -> String {
        format!("{}-controller", self.full_name)
    }

    /// The address of one of its own name servers.
    #[must_use]
    pub fn own_address(&self, pod: &str) -> String {
        let (set, zone) = (self.name_server_set(), &self.dns_zone);
        format!("{pod}.{set}.{zone}:{NAME_SERVER_PORT}")
    }

    /// The name server list as brokers are told it.
    #[must_use]
    pub fn list(&self) -> String {
        self.name_servers.join(";")
    }

    /// The ConfigMap that brokers read their name server list from when they start.
    #[must_use]
    pub fn broker_config_map(&self) -> String {
        format!("{}-brokers", self.full_name)
    }
}

/// A digest of a release's names, templates and values.
fn digest(file: &desired::Desired<Values>) -> String {
    // Values that came from JSON can be written as JSON; were they not, no two would be told apart, and no plan be left.
    let text = serde_json::to_vec(file).unwrap_or_default();
    hexadecimal(&Sha256::digest(&text))
}
