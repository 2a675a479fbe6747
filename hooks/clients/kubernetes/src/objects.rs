//! What can be asked of the Kubernetes API and commanded of it, and the objects as operations see them.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1 as apps;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::{Deserialize, Serialize};

/// The label that names a pod's or a `StatefulSet`'s cluster; its value is the release's full name.
pub const CLUSTER_LABEL: &str = "midships/cluster";

/// The label with which Kubernetes names the version of the `StatefulSet`'s template that a pod was made of.
const REVISION_LABEL: &str = "controller-revision-hash";

/// The annotation in which the chart writes a digest of the pod that a `StatefulSet` makes.
const TEMPLATE_ANNOTATION: &str = "midships/template";

/// What can be asked. Every query is about the client's own namespace.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Query {
    /// The pods of a cluster, found by their label [`CLUSTER_LABEL`].
    Pods {
        /// The cluster: the release's full name.
        cluster: String,
    },
    /// The `StatefulSets` of a cluster, found by their label [`CLUSTER_LABEL`].
    StatefulSets {
        /// The cluster: the release's full name.
        cluster: String,
    },
    /// One `ConfigMap`.
    ConfigMap {
        /// Its name.
        name: String,
    },
    /// The claims for volumes of a cluster, found by their label [`CLUSTER_LABEL`].
    Claims {
        /// The cluster: the release's full name.
        cluster: String,
    },
}

/// What is answered, one variant for each of [`Query`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The pods, sorted by name.
    Pods(Vec<Pod>),
    /// The `StatefulSets`, sorted by name.
    StatefulSets(Vec<StatefulSet>),
    /// The `ConfigMap`, or nothing if there is none of that name.
    ConfigMap(Option<ConfigMap>),
    /// The claims, sorted by name.
    Claims(Vec<Claim>),
}

/// A pod as operations see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its name, which a `StatefulSet` gives to the next pod again.
    pub name: String,
    /// Its identity, which no other pod ever has.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its address, once it has one.
    pub ip: Option<String>,
    /// The node that it is bound to, once it is.
    pub node: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`, as the API tells it.
    pub phase: String,
    /// Whether its condition `Ready` is true. A node that went silent turns it false.
    pub ready: bool,
    /// Whether its deletion has been asked for.
    pub terminating: bool,
    /// How many times its containers have been restarted, added up.
    pub restarts: i64,
    /// The version of its `StatefulSet`'s template that it was made of.
    pub revision: Option<String>,
    /// The image of its first container, as its template names it.
    pub image: String,
    /// Whether a container of it runs or has run.
    pub has_run: bool,
    /// The variables of its containers that have their value in it. Its first one may be another one's than the chart's.
    pub environment: BTreeMap<String, String>,
}

impl Pod {
    /// Its name, where it is and how it is, for people.
    #[must_use]
    pub fn described(&self) -> String {
        let node = self.node.as_deref().unwrap_or("no node yet");
        let state = if self.terminating {
            "stopping"
        } else if self.ready {
            "ready"
        } else {
            "not ready"
        };
        format!("pod {} on {node} ({state}, {})", self.name, self.phase)
    }
}

/// A `StatefulSet` as operations see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatefulSet {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How many pods it shall have (`spec.replicas`; 1 where the field is absent, as the API has it).
    pub replicas: i64,
    /// How many of its pods are ready.
    pub ready_replicas: i64,
    /// Whether its deletion has been asked for.
    pub deleting: bool,
    /// Where the data of its pods lie.
    pub data: DataVolume,
    /// The variables of its first container that have their value in the template.
    pub environment: BTreeMap<String, String>,
    /// The image of its first container.
    pub image: String,
    /// The version of its template as it is now; none while Kubernetes has not looked at it since its last change.
    pub revision: Option<String>,
    /// The digest of its pod that the chart has written.
    pub template: Option<String>,
}

impl StatefulSet {
    /// Whether its template is another one than a pod of it was made of.
    ///
    /// # Errors
    /// Why it cannot be told yet.
    pub fn is_newer_than(&self, pod: &Pod) -> Result<bool, &'static str> {
        match (&self.revision, &pod.revision) {
            (Some(now), Some(made_of)) => Ok(now != made_of),
            (None, _) => Err("Kubernetes has not looked at its last change yet"),
            (_, None) => Err("its pod does not tell which template it was made of"),
        }
    }
}

/// Where the data of a `StatefulSet`'s pods lie: its volume or its claim named `data`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataVolume {
    /// There is none of that name.
    #[default]
    None,
    /// A directory that goes with the pod.
    EmptyDir,
    /// A directory of the node.
    HostPath {
        /// The directory.
        path: String,
    },
    /// A claim for a volume.
    Claim {
        /// How much is asked for, as the API tells it.
        size: String,
        /// The storage class; none stands for the cluster's default one.
        class: Option<String>,
        /// Who may mount it.
        access_modes: Vec<String>,
    },
}

/// The name of the volume or claim that holds the data.
const DATA: &str = "data";

/// A `ConfigMap` as operations see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMap {
    /// Its name.
    pub name: String,
    /// Its `resourceVersion`, for the precondition of [`Command::SetConfigMapKey`].
    pub version: String,
    /// Its text by key. Binary data is left out.
    pub data: BTreeMap<String, String>,
}

/// A claim for a volume as operations see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its name, which begins with that of the volume and ends with that of the pod.
    pub name: String,
    /// Its identity.
    pub uid: String,
    /// Its `resourceVersion`, for the precondition of [`Command::GrowClaim`].
    pub version: String,
    /// How many bytes are asked for; none where the amount cannot be read.
    pub requested: Option<u64>,
    /// How many bytes the volume has that is bound to it.
    pub capacity: Option<u64>,
    /// What Kubernetes says of a growth that is under way or has failed.
    pub growth: Option<String>,
}

/// What can be commanded. Each is harmless when repeated or late, because each carries the identity
/// or the version that it was decided upon.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Evicts a pod, within its disruption budget, if it still is that pod.
    EvictPod {
        /// The pod's name.
        name: String,
        /// The identity that the pod must have.
        uid: String,
    },
    /// Sets or removes one key of a `ConfigMap`, if it still has that version.
    SetConfigMapKey {
        /// The `ConfigMap`'s name.
        name: String,
        /// The `resourceVersion` that it must have.
        version: String,
        /// The key.
        key: String,
        /// The new text; none removes the key.
        value: Option<String>,
    },
    /// Asks for a larger volume, if the claim still is that claim of that version.
    GrowClaim {
        /// The claim's name.
        name: String,
        /// The identity that it must have.
        uid: String,
        /// The `resourceVersion` that it must have.
        version: String,
        /// How many mebibytes it shall ask for.
        mebibytes: u64,
    },
    /// Deletes a `StatefulSet` and leaves its pods running, if it still is that `StatefulSet`.
    OrphanPods {
        /// The name of the `StatefulSet`.
        name: String,
        /// The identity that it must have.
        uid: String,
    },
}

impl From<core::Pod> for Pod {
    fn from(pod: core::Pod) -> Self {
        let status = pod.status.unwrap_or_default();
        let ready = status
            .conditions
            .iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        let restarts = status
            .container_statuses
            .iter()
            .flatten()
            .map(|container| i64::from(container.restart_count))
            .sum();
        let has_run = status.container_statuses.iter().flatten().any(|container| {
            let now_and_before = [&container.state, &container.last_state];
            now_and_before
                .into_iter()
                .flatten()
                .any(|state| state.running.is_some() || state.terminated.is_some())
        });
        let labels = pod.metadata.labels.unwrap_or_default();
        let spec = pod.spec.unwrap_or_default();
        Self {
            name: pod.metadata.name.unwrap_or_default(),
            uid: pod.metadata.uid.unwrap_or_default(),
            revision: labels.get(REVISION_LABEL).cloned(),
            labels,
            ip: status.pod_ip.filter(|ip| !ip.is_empty()),
            image: first_image(&spec),
            environment: variables(&spec.containers),
            node: spec.node_name.filter(|node| !node.is_empty()),
            has_run,
            phase: status.phase.unwrap_or_default(),
            ready,
            terminating: pod.metadata.deletion_timestamp.is_some(),
            restarts,
        }
    }
}

impl From<apps::StatefulSet> for StatefulSet {
    fn from(set: apps::StatefulSet) -> Self {
        let spec = set.spec.unwrap_or_default();
        let data = data_volume(&spec);
        let pod = spec.template.spec.as_ref();
        let environment = pod
            .and_then(|pod| pod.containers.first())
            .map(|first| variables(std::slice::from_ref(first)))
            .unwrap_or_default();
        let image = pod.map_or_else(String::new, first_image);
        let status = set.status.unwrap_or_default();
        let looked = status.observed_generation == set.metadata.generation;
        Self {
            name: set.metadata.name.unwrap_or_default(),
            uid: set.metadata.uid.unwrap_or_default(),
            labels: set.metadata.labels.unwrap_or_default(),
            replicas: i64::from(spec.replicas.unwrap_or(1)),
            ready_replicas: status.ready_replicas.map_or(0, i64::from),
            deleting: set.metadata.deletion_timestamp.is_some(),
            data,
            environment,
            image,
            revision: status.update_revision.filter(|_| looked),
            template: set
                .metadata
                .annotations
                .and_then(|mut annotations| annotations.remove(TEMPLATE_ANNOTATION)),
        }
    }
}

/// The variables of containers that have their value in them, not in a Secret or elsewhere.
fn variables(containers: &[core::Container]) -> BTreeMap<String, String> {
    containers
        .iter()
        .flat_map(|container| container.env.iter().flatten())
        .filter_map(|variable| Some((variable.name.clone(), variable.value.clone()?)))
        .collect()
}

fn first_image(pod: &core::PodSpec) -> String {
    pod.containers
        .first()
        .and_then(|container| container.image.clone())
        .unwrap_or_default()
}

fn data_volume(spec: &apps::StatefulSetSpec) -> DataVolume {
    let claim = spec
        .volume_claim_templates
        .iter()
        .flatten()
        .find(|claim| claim.metadata.name.as_deref() == Some(DATA));
    if let Some(claim) = claim {
        let claim = claim.spec.clone().unwrap_or_default();
        let size = claim
            .resources
            .and_then(|resources| resources.requests)
            .and_then(|requests| requests.get("storage").cloned())
            .map_or_else(String::new, |size| size.0);
        return DataVolume::Claim {
            size,
            class: claim.storage_class_name,
            access_modes: claim.access_modes.unwrap_or_default(),
        };
    }
    let volumes = spec
        .template
        .spec
        .iter()
        .flat_map(|pod| pod.volumes.iter().flatten());
    match volumes.into_iter().find(|volume| volume.name == DATA) {
        Some(volume) if volume.empty_dir.is_some() => DataVolume::EmptyDir,
        Some(volume) => volume
            .host_path
            .as_ref()
            .map_or(DataVolume::None, |directory| DataVolume::HostPath {
                path: directory.path.clone(),
            }),
        None => DataVolume::None,
    }
}

impl From<core::PersistentVolumeClaim> for Claim {
    fn from(claim: core::PersistentVolumeClaim) -> Self {
        let status = claim.status.unwrap_or_default();
        let amount = |amounts: Option<BTreeMap<String, Quantity>>| {
            amounts.and_then(|amounts| bytes(&amounts.get("storage")?.0))
        };
        let growth = status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.status == "True")
            .map(|condition| match condition.message.as_deref() {
                Some(message) if !message.is_empty() => {
                    format!("{}: {message}", condition.type_)
                }
                _ => condition.type_.clone(),
            });
        let requests = claim
            .spec
            .and_then(|spec| spec.resources)
            .and_then(|resources| resources.requests);
        Self {
            name: claim.metadata.name.unwrap_or_default(),
            uid: claim.metadata.uid.unwrap_or_default(),
            version: claim.metadata.resource_version.unwrap_or_default(),
            requested: amount(requests),
            capacity: amount(status.capacity),
            growth,
        }
    }
}

/// The bytes of an amount as Kubernetes writes it, such as `2Gi`, `1500M` or `1073741824`.
fn bytes(quantity: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 10] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("Pi", 1 << 50),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
    ];
    let unit = UNITS.iter().find(|(unit, _)| quantity.ends_with(unit));
    let (number, factor) = unit.map_or((quantity, 1), |(unit, factor)| {
        (quantity.trim_end_matches(unit), *factor)
    });
    number.parse::<u64>().ok()?.checked_mul(factor)
}

impl From<core::ConfigMap> for ConfigMap {
    fn from(map: core::ConfigMap) -> Self {
        Self {
            name: map.metadata.name.unwrap_or_default(),
            version: map.metadata.resource_version.unwrap_or_default(),
            data: map.data.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(value: serde_json::Value) -> Pod {
        Pod::from(serde_json::from_value::<core::Pod>(value).unwrap())
    }

    #[test]
    fn a_running_pod_is_read_whole() {
        let read = pod(json!({
            "metadata": {"name": "a-0", "uid": "u", "labels": {"midships/cluster": "a", "controller-revision-hash": "a-7"}},
            "spec": {"nodeName": "n", "containers": [{
                "name": "one", "image": "server:1",
                "env": [{"name": "MODE", "value": "quick"}, {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
            }]},
            "status": {
                "phase": "Running", "podIP": "10.0.0.1",
                "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {
                        "name": "one", "restartCount": 2, "image": "", "imageID": "", "ready": true,
                        "state": {"running": {}}
                    },
                    {"name": "two", "restartCount": 1, "image": "", "imageID": "", "ready": true}
                ]
            }
        }));
        let expected = Pod {
            name: "a-0".to_owned(),
            uid: "u".to_owned(),
            labels: BTreeMap::from([
                ("midships/cluster".to_owned(), "a".to_owned()),
                ("controller-revision-hash".to_owned(), "a-7".to_owned()),
            ]),
            ip: Some("10.0.0.1".to_owned()),
            node: Some("n".to_owned()),
            phase: "Running".to_owned(),
            ready: true,
            terminating: false,
            restarts: 3,
            revision: Some("a-7".to_owned()),
            image: "server:1".to_owned(),
            has_run: true,
            environment: BTreeMap::from([("MODE".to_owned(), "quick".to_owned())]),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_pod_that_is_unready_unknown_or_leaving_is_told_apart() {
        for status in ["False", "Unknown"] {
            let read = pod(json!({
                "metadata": {"name": "a-0", "deletionTimestamp": "2026-01-01T00:00:00Z"},
                "status": {"conditions": [{"type": "Ready", "status": status}]}
            }));
            assert!(!read.ready && read.terminating, "{status}");
        }
        let bare = pod(json!({"metadata": {"name": "a-0"}}));
        assert!(!bare.ready && !bare.terminating && bare.ip.is_none() && bare.node.is_none());
    }

    #[test]
    fn a_pod_whose_image_never_came_has_not_run() {
        let status = |state: serde_json::Value| {
            pod(json!({
                "metadata": {"name": "a-0"},
                "status": {"containerStatuses": [
                    {"name": "one", "restartCount": 0, "image": "", "imageID": "", "ready": false, "state": state}
                ]}
            }))
        };
        assert!(!status(json!({"waiting": {"reason": "ImagePullBackOff"}})).has_run);
        assert!(status(json!({"terminated": {"exitCode": 1}})).has_run);
    }

    #[test]
    fn a_sets_template_has_no_version_until_kubernetes_has_looked_at_it() {
        let set = |looked: i64| {
            StatefulSet::from(
                serde_json::from_value::<apps::StatefulSet>(json!({
                    "metadata": {"name": "a", "generation": 2, "annotations": {"midships/template": "d"}},
                    "spec": {
                        "serviceName": "a", "selector": {},
                        "template": {"spec": {"containers": [{"name": "broker", "image": "server:2"}]}}
                    },
                    "status": {"replicas": 1, "observedGeneration": looked, "updateRevision": "a-8"}
                }))
                .unwrap(),
            )
        };
        assert_eq!(set(1).revision, None);
        assert_eq!(set(2).revision.as_deref(), Some("a-8"));
        assert_eq!(set(2).template.as_deref(), Some("d"));
        assert_eq!(set(2).image, "server:2");
    }

    #[test]
    fn a_claim_tells_what_it_asks_for_what_it_has_and_what_becomes_of_its_growth() {
        let claim: core::PersistentVolumeClaim = serde_json::from_value(json!({
            "metadata": {"name": "data-a-0", "uid": "u", "resourceVersion": "7"},
            "spec": {"resources": {"requests": {"storage": "2Gi"}}},
            "status": {
                "capacity": {"storage": "1073741824"},
                "conditions": [{"type": "FileSystemResizePending", "status": "True", "message": "waits for a pod"}]
            }
        }))
        .unwrap();
        let expected = Claim {
            name: "data-a-0".to_owned(),
            uid: "u".to_owned(),
            version: "7".to_owned(),
            requested: Some(2 << 30),
            capacity: Some(1 << 30),
            growth: Some("FileSystemResizePending: waits for a pod".to_owned()),
        };
        assert_eq!(Claim::from(claim), expected);
    }

    #[test]
    fn amounts_are_read_in_every_unit_or_not_at_all() {
        for (text, read) in [
            ("1Ki", Some(1_024)),
            ("20Gi", Some(20 << 30)),
            ("1500M", Some(1_500_000_000)),
            ("5", Some(5)),
            ("1.5Gi", None),
            ("", None),
            ("99999999P", None),
        ] {
            assert_eq!(bytes(text), read, "{text}");
        }
    }

    #[test]
    fn where_data_lie_is_told_by_the_volume_or_claim_of_that_name() {
        let set = |volumes: serde_json::Value, claims: serde_json::Value| {
            let variable = json!({"name": "MIDSHIPS_CLUSTER", "value": "shop"});
            let other =
                json!({"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}});
            let container = json!({"name": "broker", "env": [variable, other]});
            let value = json!({
                "metadata": {"name": "a"},
                "spec": {
                    "serviceName": "a", "selector": {}, "volumeClaimTemplates": claims,
                    "template": {"spec": {"containers": [container], "volumes": volumes}}
                },
                "status": {"replicas": 3, "readyReplicas": 2}
            });
            StatefulSet::from(serde_json::from_value::<apps::StatefulSet>(value).unwrap())
        };
        let empty = json!({"name": "data", "emptyDir": {}});
        let scratch = json!({"name": "scratch", "emptyDir": {}});
        let host = json!({"name": "data", "hostPath": {"path": "/srv"}});
        let claim = json!({
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        });
        let none = json!([]);
        assert_eq!(
            set(json!([empty, scratch]), none.clone()).data,
            DataVolume::EmptyDir
        );
        let path = "/srv".to_owned();
        assert_eq!(
            set(json!([scratch, host]), none.clone()).data,
            DataVolume::HostPath { path }
        );
        assert_eq!(set(json!([scratch]), none.clone()).data, DataVolume::None);
        let claimed = DataVolume::Claim {
            size: "1Gi".to_owned(),
            class: None,
            access_modes: vec!["ReadWriteOnce".to_owned()],
        };
        assert_eq!(set(json!([scratch]), json!([claim])).data, claimed);
        let read = set(json!([]), none);
        let variables = BTreeMap::from([("MIDSHIPS_CLUSTER".to_owned(), "shop".to_owned())]);
        assert_eq!(read.environment, variables);
        assert_eq!(
            (read.replicas, read.ready_replicas, read.deleting),
            (1, 2, false)
        );
    }
}
