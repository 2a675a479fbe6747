//! The connection to the Kubernetes API: one namespace, every request bounded, nothing repeated by itself.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::apps::v1 as apps;
use k8s_openapi::api::batch::v1 as batch;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::policy::v1 as policy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, ObjectMeta, Preconditions};
use kube::Resource;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, PropagationPolicy};
use kube::config::{Config, KubeConfigOptions};
use kube::core::{NamespaceResourceScope, Status};
use midships_engine::step::Unanswered;
use midships_engine::world::CommandFault;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::objects::{Answer, CLUSTER_LABEL, Command, ConfigMap, Query};

/// How long a request may take, connecting included. The engine counts on it: a command that was
/// sent takes effect within it or not at all as far as a client can bound that.
pub const TIMEOUT: Duration = Duration::from_secs(4);

/// The name under which the API server records what this program writes.
pub const FIELD_MANAGER: &str = "midships-hook";

/// The label that names the Helm release of an object.
pub const RELEASE_LABEL: &str = "app.kubernetes.io/instance";

/// A kind of objects that can be listed in a namespace.
trait Listed:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned
{
}

impl<K> Listed for K where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
{
}

/// A client of the Kubernetes API that stays in one namespace.
#[derive(Clone)]
pub struct Client {
    pub(crate) api: kube::Client,
    pub(crate) namespace: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The library's client may carry credentials; only the namespace is shown.
        formatter
            .debug_struct("Client")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client with the token that is mounted into this pod.
    ///
    /// # Errors
    /// [`Error::NoConfiguration`] outside a pod, [`Error::Unusable`] when the cluster's certificate cannot be used.
    pub fn in_cluster(namespace: &str) -> Result<Self> {
        let configuration = Config::incluster_env().map_err(|error| Error::NoConfiguration {
            why: format!("inside a pod: {error}"),
        })?;
        Self::new(configuration, Some(namespace))
    }

    /// A client with a person's kubeconfig: the files that `KUBECONFIG` names, else `~/.kube/config`.
    /// Without a namespace it stays in that of the current context.
    ///
    /// # Errors
    /// [`Error::NoConfiguration`] when no kubeconfig can be read, [`Error::Unusable`] when its content cannot be used.
    pub async fn from_kubeconfig(namespace: Option<&str>) -> Result<Self> {
        let configuration = Config::from_kubeconfig(&KubeConfigOptions::default())
            .await
            .map_err(|error| Error::NoConfiguration {
                why: format!("kubeconfig: {error}"),
            })?;
        Self::new(configuration, namespace)
    }

    /// A client for wherever this program runs: a kubeconfig where `KUBECONFIG` names one, else the
    /// pod's own token where there is one, else `~/.kube/config`.
    ///
    /// # Errors
    /// As [`Client::in_cluster`] and [`Client::from_kubeconfig`].
    pub async fn connect(namespace: Option<&str>) -> Result<Self> {
        let chosen = std::env::var_os("KUBECONFIG").is_some_and(|path| !path.is_empty());
        if !chosen && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
            let configuration =
                Config::incluster_env().map_err(|error| Error::NoConfiguration {
                    why: format!("inside a pod: {error}"),
                })?;
            return Self::new(configuration, namespace);
        }
        Self::from_kubeconfig(namespace).await
    }

    fn new(mut configuration: Config, namespace: Option<&str>) -> Result<Self> {
        configuration.connect_timeout = Some(TIMEOUT);
        configuration.read_timeout = None;
        configuration.write_timeout = None;
        // A repeated request is a decision of the engine, which observes before it repeats; an
        // eviction that the library repeats on 429 would outlive the permit that it was sent under.
        configuration.default_retry = false;
        let namespace = namespace
            .unwrap_or(&configuration.default_namespace)
            .to_owned();
        let api = kube::Client::try_from(configuration).map_err(|error| Error::Unusable {
            why: error.to_string(),
        })?;
        Ok(Self { api, namespace })
    }

    /// The namespace that every call is about.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Makes a Secret with one key for a release, unless there is one of its name: whether it was made.
    ///
    /// # Errors
    /// When there is no answer, or it is no.
    pub async fn create_secret(
        &self,
        name: &str,
        key: &str,
        value: &SecretString,
        cluster: &str,
    ) -> Result<bool> {
        let secret = core::Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some([(CLUSTER_LABEL.to_owned(), cluster.to_owned())].into()),
                ..ObjectMeta::default()
            },
            string_data: Some([(key.to_owned(), value.expose_secret().to_owned())].into()),
            ..core::Secret::default()
        };
        let api: Api<core::Secret> = Api::namespaced(self.api.clone(), &self.namespace);
        let written = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let object = format!("Secret {name}");
        match self.bounded(object, api.create(&written, &secret)).await {
            Ok(_) => Ok(true),
            Err(Error::Refused { code: 409, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Bounds one request and sorts its errors.
    pub(crate) async fn bounded<T>(
        &self,
        object: String,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T> {
        match tokio::time::timeout(TIMEOUT, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Error::of_call(object, &error)),
            Err(_) => Err(Error::Late {
                object,
                seconds: TIMEOUT.as_secs(),
            }),
        }
    }

    /// Asks one question. Reads are consistent ones, never from a cache of the API server.
    ///
    /// # Errors
    /// When there is no answer; a `ConfigMap` that does not exist is an answer.
    pub async fn ask(&self, query: &Query) -> Result<Answer> {
        match query {
            Query::Pods { cluster } => {
                let pods = self.of_cluster::<core::Pod, _>("pods", cluster).await?;
                Ok(Answer::Pods(pods))
            }
            Query::StatefulSets { cluster } => {
                let sets = self.of_cluster::<apps::StatefulSet, _>("StatefulSets", cluster);
                Ok(Answer::StatefulSets(sets.await?))
            }
            Query::Claims { cluster } => {
                let claims =
                    self.of_cluster::<core::PersistentVolumeClaim, _>("volume claims", cluster);
                Ok(Answer::Claims(claims.await?))
            }
            Query::ConfigMap { name } => {
                let found = self.config_map(name).await?;
                Ok(Answer::ConfigMap(found.map(ConfigMap::from)))
            }
        }
    }

    /// The objects of a kind that a cluster has.
    async fn of_cluster<K, T>(&self, kind: &str, cluster: &str) -> Result<Vec<T>>
    where
        K: Listed,
        T: From<K>,
    {
        let object = format!("{kind} of {cluster}");
        self.labelled(object, CLUSTER_LABEL, cluster).await
    }

    /// The objects of a kind with a value of a label, sorted by name.
    async fn labelled<K, T>(&self, object: String, label: &str, value: &str) -> Result<Vec<T>>
    where
        K: Listed,
        T: From<K>,
    {
        let api: Api<K> = Api::namespaced(self.api.clone(), &self.namespace);
        let parameters = ListParams::default().labels(&format!("{label}={value}"));
        let mut items = self.bounded(object, api.list(&parameters)).await?.items;
        items.sort_by(|left, right| left.meta().name.cmp(&right.meta().name));
        Ok(items.into_iter().map(T::from).collect())
    }

    /// Performs one command once.
    ///
    /// # Errors
    /// [`CommandFault::Declined`] when nothing was changed: the pod or the version is another one by
    /// now, the disruption budget forbids it or a right is missing. [`CommandFault::Unanswered`]
    /// when that is not known.
    pub async fn perform(&self, command: &Command) -> Result<(), CommandFault> {
        let (object, performed) = match command {
            Command::EvictPod { name, uid } => (
                format!("pod {name}"),
                tokio::time::timeout(TIMEOUT, self.evict(name, uid)).await,
            ),
            Command::SetConfigMapKey {
                name,
                version,
                key,
                value,
            } => (
                format!("ConfigMap {name}"),
                // Two requests, one limit: the permit of a command covers it as a whole.
                tokio::time::timeout(TIMEOUT, self.set_key(name, version, key, value.as_deref()))
                    .await,
            ),
            Command::GrowClaim {
                name,
                uid,
                version,
                mebibytes,
            } => (
                format!("volume claim {name}"),
                tokio::time::timeout(TIMEOUT, self.grow(name, uid, version, *mebibytes)).await,
            ),
            Command::OrphanPods { name, uid } => (
                format!("StatefulSet {name}"),
                tokio::time::timeout(TIMEOUT, self.orphan(name, uid)).await,
            ),
        };
        performed.unwrap_or_else(|_| {
            Err(Error::Late {
                object,
                seconds: TIMEOUT.as_secs(),
            }
            .command_fault())
        })
    }

    async fn evict(&self, name: &str, uid: &str) -> Result<(), CommandFault> {
        let api: Api<core::Pod> = Api::namespaced(self.api.clone(), &self.namespace);
        // Spelt out here: the library's own call names the options `delete_options`, which the
        // API server ignores, and with them the precondition.
        let eviction = policy::Eviction {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            delete_options: Some(DeleteOptions {
                preconditions: Some(Preconditions {
                    uid: Some(uid.to_owned()),
                    resource_version: None,
                }),
                ..DeleteOptions::default()
            }),
        };
        let object = format!("pod {name}");
        let parameters = writing();
        let request = api.create_subresource::<_, Status>("eviction", name, &parameters, &eviction);
        let result = self.bounded(object.clone(), request).await;
        match result {
            Ok(_) => Ok(()),
            Err(Error::Refused { code: 404, .. }) => Err(declined(
                object,
                format!("there is no pod of this name now; the one with uid {uid} has gone"),
            )),
            Err(Error::Refused {
                code: 409, message, ..
            }) => Err(declined(
                object,
                format!("it is not the pod with uid {uid} any more: {message}"),
            )),
            Err(error) => Err(error.command_fault()),
        }
    }

    async fn set_key(
        &self,
        name: &str,
        version: &str,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), CommandFault> {
        let object = format!("ConfigMap {name}");
        let found = self
            .config_map(name)
            .await
            .map_err(|error| error.command_fault())?;
        let Some(mut found) = found else {
            return Err(declined(object, "it does not exist".to_owned()));
        };
        let current = found
            .metadata
            .resource_version
            .as_deref()
            .unwrap_or_default();
        if current != version {
            return Err(declined(
                object,
                format!("it has version {current} by now, not {version}"),
            ));
        }
        let data = found.data.get_or_insert_default();
        match value {
            Some(text) => {
                data.insert(key.to_owned(), text.to_owned());
            }
            None => {
                data.remove(key);
            }
        }
        let api: Api<core::ConfigMap> = Api::namespaced(self.api.clone(), &self.namespace);
        found.metadata.managed_fields = None;
        match self
            .bounded(object.clone(), api.replace(name, &writing(), &found))
            .await
        {
            Ok(_) => Ok(()),
            Err(Error::Refused { code: 409, .. }) => Err(declined(
                object,
                format!("it has another version by now, not {version}"),
            )),
            Err(error) => Err(error.command_fault()),
        }
    }

    async fn grow(
        &self,
        name: &str,
        uid: &str,
        version: &str,
        mebibytes: u64,
    ) -> Result<(), CommandFault> {
        let api: Api<core::PersistentVolumeClaim> =
            Api::namespaced(self.api.clone(), &self.namespace);
        let object = format!("volume claim {name}");
        let patch = Patch::Merge(serde_json::json!({
            "metadata": { "uid": uid, "resourceVersion": version },
            "spec": { "resources": { "requests": { "storage": format!("{mebibytes}Mi") } } }
        }));
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let request = api.patch(name, &parameters, &patch);
        match self.bounded(object.clone(), request).await {
            Ok(_) => Ok(()),
            Err(Error::Refused { code: 404, .. }) => {
                Err(declined(object, "it does not exist any more".to_owned()))
            }
            Err(Error::Refused { code: 409, .. }) => Err(declined(
                object,
                format!("it has another version by now, not {version}"),
            )),
            Err(error) => Err(error.command_fault()),
        }
    }

    async fn orphan(&self, name: &str, uid: &str) -> Result<(), CommandFault> {
        let api: Api<apps::StatefulSet> = Api::namespaced(self.api.clone(), &self.namespace);
        let object = format!("StatefulSet {name}");
        let parameters = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Orphan),
            preconditions: Some(kube::api::Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let request = api.delete(name, &parameters);
        match self.bounded(object.clone(), request).await {
            Ok(_) | Err(Error::Refused { code: 404, .. }) => Ok(()),
            Err(Error::Refused { code: 409, .. }) => Err(declined(
                object,
                format!("it is not the one with uid {uid} any more"),
            )),
            Err(error) => Err(error.command_fault()),
        }
    }

    async fn config_map(&self, name: &str) -> Result<Option<core::ConfigMap>> {
        let api: Api<core::ConfigMap> = Api::namespaced(self.api.clone(), &self.namespace);
        self.bounded(format!("ConfigMap {name}"), api.get_opt(name))
            .await
    }

    /// The `ConfigMaps` of a Helm release, sorted by name. For people's commands: the Jobs of a
    /// release have no right to list them.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn config_maps_of_release(&self, release: &str) -> Result<Vec<ConfigMap>> {
        let object = format!("ConfigMaps of the release {release}");
        let maps = self.labelled::<core::ConfigMap, _>(object, RELEASE_LABEL, release);
        maps.await
    }

    /// Whether a Job exists and has neither completed nor failed for good. For people's commands.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn job_unfinished(&self, name: &str) -> Result<bool> {
        let api: Api<batch::Job> = Api::namespaced(self.api.clone(), &self.namespace);
        let job = self
            .bounded(format!("Job {name}"), api.get_opt(name))
            .await?;
        Ok(job.is_some_and(|job| unfinished(&job)))
    }
}

/// A Job is finished when its controller says so by a condition; a pod that still runs after that
/// (a deadline was passed) counts as unfinished, because it may still act.
fn unfinished(job: &batch::Job) -> bool {
    let Some(status) = &job.status else {
        return true;
    };
    let ended = status.conditions.iter().flatten().any(|condition| {
        matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True"
    });
    !ended || status.active.unwrap_or(0) > 0 || status.terminating.unwrap_or(0) > 0
}

/// Options of a write: the server records this program as the manager of the fields that it sets, so
/// that Helm's server-side apply leaves them alone.
pub(crate) fn writing() -> PostParams {
    PostParams {
        dry_run: false,
        field_manager: Some(FIELD_MANAGER.to_owned()),
    }
}

fn declined(object: String, why: String) -> CommandFault {
    CommandFault::Declined(Unanswered { object, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: &serde_json::Value) -> batch::Job {
        serde_json::from_value(serde_json::json!({"metadata": {"name": "a"}, "status": status}))
            .unwrap()
    }

    #[test]
    fn a_job_is_unfinished_until_a_condition_ends_it_and_its_pods_are_gone() {
        assert!(unfinished(&batch::Job::default()));
        assert!(unfinished(&job(&serde_json::json!({"active": 1}))));
        assert!(unfinished(&job(&serde_json::json!({}))));
        let failing =
            serde_json::json!({"conditions": [{"type": "FailureTarget", "status": "True"}]});
        assert!(unfinished(&job(&failing)));
        for kind in ["Complete", "Failed"] {
            let ended = serde_json::json!({"conditions": [{"type": kind, "status": "True"}]});
            assert!(!unfinished(&job(&ended)), "{kind}");
            let going = serde_json::json!({"conditions": [{"type": kind, "status": "True"}], "terminating": 1});
            assert!(unfinished(&job(&going)), "{kind} with a pod that goes");
        }
    }
}
