//! What cannot be changed once a release stands, compared with what stands: fields of mutability create-only.

use midships_client_kubernetes::{ConfigMap, DataVolume, Pod, StatefulSet};
use midships_engine::step::Problem;
use midships_model::fields::{Storage, StorageMode};
use midships_model::rocketmq::BROKER_PORT;
use serde::{Deserialize, Serialize};

use crate::desired::Desired;

/// The variable that tells a broker its cluster.
pub(crate) const CLUSTER_VARIABLE: &str = "MIDSHIPS_CLUSTER";
/// The variable that tells a broker the name that it registers.
pub(crate) const HOST_VARIABLE: &str = "MIDSHIPS_HOST";
/// The variable that tells how controllers agree.
const CONSENSUS_VARIABLE: &str = "MIDSHIPS_CONSENSUS";
/// The variable that tells a broker the port at which it listens, where that is not the usual one.
pub(crate) const PORT_VARIABLE: &str = "MIDSHIPS_PORT";
/// The variable that tells servers how they speak TLS; without it they have no certificate.
pub(crate) const ENCRYPTION_VARIABLE: &str = "MIDSHIPS_TLS";
/// The key of `broker.conf` with the bytes of a commit log file.
const FILE_SIZE_KEY: &str = "mappedFileSizeCommitLog=";
const MEBIBYTE: u64 = 1_048_576;

/// Where the data of each pod shall lie.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DataPlace {
    /// In which kind of volume.
    pub mode: StorageMode,
    /// How large it is, in mebibytes; not told where that does not matter.
    pub mebibytes: Option<u64>,
    /// The storage class; none stands for the cluster's default one.
    pub class: Option<String>,
    /// Who may mount it, as Kubernetes spells it.
    pub access_mode: String,
    /// The directory of the node, where it is one.
    pub host_path: String,
}

impl DataPlace {
    /// The place that the values of a component ask for.
    #[must_use]
    pub fn of(storage: &Storage) -> Self {
        Self {
            mode: storage.mode,
            mebibytes: storage.size.mebibytes(),
            class: Some(storage.class_name.clone()).filter(|class| !class.is_empty()),
            access_mode: format!("{:?}", storage.access_mode),
            host_path: storage.host_path.clone(),
        }
    }
}

/// What a release was created with and keeps.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Fixed {
    /// How controllers agree.
    pub consensus: String,
    /// Where the data of controllers lie.
    pub controller_data: DataPlace,
    /// Where the data of name servers lie.
    pub name_server_data: DataPlace,
    /// Where the data of brokers lie.
    pub broker_data: DataPlace,
    /// The port of nodes from which those of brokers are counted.
    pub first_node_port: u32,
    /// The size of a commit log file, in mebibytes.
    pub commit_log_file_mebibytes: u64,
}

/// The first field that the desired release has otherwise than the one that stands.
#[must_use]
pub fn changed(
    desired: &Desired,
    sets: &[StatefulSet],
    broker_configuration: Option<&ConfigMap>,
) -> Option<Problem> {
    let name_server_set = format!("{}-name-server", desired.full_name);
    for set in sets {
        if set.name == name_server_set {
            if desired.own_name_servers.is_empty() {
                return Some(problem(
                    &set.name,
                    "nameServers.source",
                    "`Own`",
                    "another source",
                ));
            }
            if let Some(found) = moved(set, &desired.fixed.name_server_data, "nameServers.storage")
            {
                return Some(found);
            }
            continue;
        }
        if set.name == desired.controller_set() {
            if let Some(found) = other_controllers(desired, set) {
                return Some(found);
            }
            continue;
        }
        let stood = desired.is_elected_set(&set.name);
        if stood.is_some_and(|stood| stood != desired.is_elected() && !desired.brokers.is_empty()) {
            return Some(problem(
                &set.name,
                "controllers.enabled",
                &(!desired.is_elected()).to_string(),
                &desired.is_elected().to_string(),
            ));
        }
        if let Some(found) = moved(set, &desired.fixed.broker_data, "brokers.storage") {
            return Some(found);
        }
        let Some(broker) = desired
            .brokers
            .iter()
            .find(|broker| broker.stateful_set() == set.name)
        else {
            continue;
        };
        let (host, port) = broker.address.split_once(':').unwrap_or_default();
        let (stands, wanted) = (port_of(set), port.parse().unwrap_or_default());
        if stands != wanted {
            let first = desired.fixed.first_node_port;
            return Some(other_port(&set.name, stands, wanted, first));
        }
        for (variable, field, wanted) in [
            (
                CLUSTER_VARIABLE,
                "brokers.clusterName",
                broker.cluster.as_str(),
            ),
            (HOST_VARIABLE, "clusterDomain", host),
        ] {
            if let Some(stands) = set.environment.get(variable)
                && stands != wanted
            {
                return Some(problem(&set.name, field, stands, wanted));
            }
        }
    }
    let stands = broker_configuration?
        .data
        .get("broker.conf")?
        .lines()
        .find_map(|line| line.trim().strip_prefix(FILE_SIZE_KEY))?
        .trim()
        .parse::<u64>()
        .ok()?
        / MEBIBYTE;
    let wanted = desired.fixed.commit_log_file_mebibytes;
    (stands != wanted && !desired.brokers.is_empty()).then(|| {
        problem(
            &desired.broker_config_map(),
            "brokers.commitLogFileMegabytes",
            &stands.to_string(),
            &wanted.to_string(),
        )
    })
}

/// Refuses what cannot go together with the first certificate of servers that stand, or with the end of the last one.
///
/// Those that speak TLS do not reach those that have none, and the restarts that mend it come after servers that are new.
/// Controllers are restarted by Kubernetes, before any broker.
#[must_use]
pub fn encrypted_together(
    desired: &Desired,
    sets: &[StatefulSet],
    pods: &[Pod],
) -> Option<Problem> {
    if !is_encryption_changing(desired, pods) {
        return None;
    }
    let brokers = &desired.brokers;
    let refused = |why: String, remedy: &str| Problem {
        object: "tls.secretName".to_owned(),
        why,
        remedy: remedy.to_owned(),
    };
    if desired.is_elected() && !desired.encrypted {
        return Some(refused(
            "controllers would give their certificate up before brokers, which speak TLS and would not reach them".to_owned(),
            "leave the Secret: with `tls.enforced: false` servers take plain text too",
        ));
    }
    let find = |name: &str| sets.iter().find(|set| set.name == name);
    let added = brokers
        .iter()
        .find(|broker| find(broker.stateful_set()).is_none())
        .map(|broker| format!("broker {} is added", broker.pod));
    let wanted = i64::try_from(desired.own_name_servers.len()).unwrap_or(i64::MAX);
    let counted = find(&desired.name_server_set()).filter(|set| set.replicas != wanted);
    let number =
        counted.map(|set| format!("`nameServers.count` goes from {} to {wanted}", set.replicas));
    let also = added.or(number)?;
    let event = if desired.encrypted {
        "get their first certificate"
    } else {
        "give their certificate up"
    };
    Some(refused(
        format!(
            "{also} in the same upgrade in which servers {event}, and servers with and without one would not reach each \
             other"
        ),
        "change the number of servers in an upgrade of its own, before this one or after it",
    ))
}

/// Whether a broker runs that speaks TLS to others and shall not, or the other way round.
pub(crate) fn is_encryption_changing(desired: &Desired, pods: &[Pod]) -> bool {
    let speaks_tls = |pod: &Pod| pod.environment.contains_key(ENCRYPTION_VARIABLE);
    desired.brokers.iter().any(|broker| {
        let pod = pods.iter().find(|pod| pod.name == broker.pod);
        pod.is_some_and(|pod| speaks_tls(pod) != desired.encrypted)
    })
}

/// What of the controllers differs, if anything. That there are none any more, the brokers tell.
fn other_controllers(desired: &Desired, set: &StatefulSet) -> Option<Problem> {
    if !desired.is_elected() {
        return None;
    }
    let (stands, wanted) = (
        set.replicas.to_string(),
        desired.controllers.len().to_string(),
    );
    if stands != wanted {
        return Some(problem(&set.name, "controllers.count", &stands, &wanted));
    }
    let (field, wanted) = ("controllers.consensus", &desired.fixed.consensus);
    match set.environment.get(CONSENSUS_VARIABLE) {
        Some(stands) if stands != wanted => Some(problem(&set.name, field, stands, wanted)),
        _ => moved(set, &desired.fixed.controller_data, "controllers.storage"),
    }
}

/// That a broker was to listen at another port than the one at which it was created.
fn other_port(set: &str, stands: u32, wanted: u32, first: u32) -> Problem {
    let usual = u32::from(BROKER_PORT);
    if stands == usual || wanted == usual {
        let has = |port: u32| (port != usual).to_string();
        return problem(set, "outside.nodePorts", &has(stands), &has(wanted));
    }
    // Every port is as far from the first one as it was.
    let stood = (first + stands).saturating_sub(wanted).to_string();
    problem(set, "outside.firstNodePort", &stood, &first.to_string())
}

/// The port at which the broker of a StatefulSet listens.
pub(crate) fn port_of(set: &StatefulSet) -> u32 {
    let told = set.environment.get(PORT_VARIABLE);
    told.and_then(|port| port.parse().ok())
        .unwrap_or_else(|| BROKER_PORT.into())
}

/// What of a component's storage differs, if anything.
fn moved(set: &StatefulSet, wanted: &DataPlace, section: &str) -> Option<Problem> {
    let differs = |field: &str, stands: &str, wants: &str| {
        Some(problem(
            &set.name,
            &format!("{section}.{field}"),
            stands,
            wants,
        ))
    };
    let mode = match &set.data {
        DataVolume::None => return None,
        DataVolume::EmptyDir => StorageMode::EmptyDir,
        DataVolume::HostPath { .. } => StorageMode::HostPath,
        DataVolume::Claim { .. } => StorageMode::StorageClass,
    };
    if mode != wanted.mode {
        return differs("mode", &format!("{mode:?}"), &format!("{:?}", wanted.mode));
    }
    match &set.data {
        DataVolume::HostPath { path } if *path != wanted.host_path => {
            differs("hostPath", path, &wanted.host_path)
        }
        DataVolume::Claim {
            class,
            access_modes,
            ..
        } => {
            if *class != wanted.class {
                let words = |class: &Option<String>| {
                    class
                        .clone()
                        .unwrap_or_else(|| "the default class".to_owned())
                };
                return differs("className", &words(class), &words(&wanted.class));
            }
            if !access_modes.contains(&wanted.access_mode) {
                return differs("accessMode", &access_modes.join(", "), &wanted.access_mode);
            }
            None
        }
        _ => None,
    }
}

fn problem(object: &str, field: &str, stands: &str, wanted: &str) -> Problem {
    Problem {
        object: field.to_owned(),
        why: format!(
            "{object} was created with {stands}, the new values say {wanted}, and this field cannot \
             be changed once the release stands"
        ),
        remedy: format!(
            "set `{field}` back to {stands}; for another value install a second release and move to \
             it"
        ),
    }
}
