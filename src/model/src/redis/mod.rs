//! The values of the chart `redis`: one server of Redis or Valkey. What charts of several servers need as well stands in modules of
//! its own.

pub mod authentication;
pub mod metrics;
pub mod outside;
pub mod persistence;
pub mod rules;
pub mod rules_of_servers;
pub mod server;
pub mod servers;
pub mod settings;
pub mod tls;
pub mod tuning;
pub mod version;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use self::authentication::Authentication;
use self::metrics::Metrics;
use self::outside::Outside;
use self::persistence::{Flush, Persistence, PersistenceMode, SavePoint};
use self::server::{Eviction, Memory, Server, ServerImage, ServerPod};
use self::servers::{Groups, Servers};
use self::tls::Tls;
use self::tuning::Tuning;
use self::version::Version;
use crate::fields::hook::Hook;
use crate::fields::monitoring::ServiceMonitor;
use crate::fields::network::NetworkPolicy;
use crate::fields::{
    AccessMode, Bytes, Cpu, IMAGE_REGISTRY_PATTERN, Image, Limits, NAME_PATTERN, PullPolicy,
    Requests, Resources, Retention, Storage, StorageMode, annotations_schema, labels_schema,
    reword,
};
use crate::model::ChartValues;
use crate::rules::Rule;

/// The chart's name.
pub const CHART: &str = "redis";
/// The port for clients that speak plain text.
pub const PORT: u16 = 6379;
/// The port for clients that speak TLS.
pub const TLS_PORT: u16 = 6380;
/// Seconds that a server may take to stop, beside those in which it writes its data.
pub const STOP_SECONDS: u32 = 60;
/// Memory in MB for each of which a server may take a second longer to stop: a slow disk takes as much.
pub const MEGABYTES_A_SECOND: u64 = 32;
/// Seconds that an operation takes beside a restart.
pub const OPERATION_SECONDS: u32 = 600;
/// The least time in seconds after which a hook Job is ended, unless a field says otherwise.
pub const LEAST_DEADLINE_SECONDS: u32 = 3600;
/// Seconds that a hook Job may run longer than the estimate, unless a field says otherwise.
pub const DEADLINE_MARGIN_SECONDS: u32 = 600;

/// Every value of the chart `redis`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(transform = reworded)]
pub struct Values {
    /// The product and its version.
    #[schemars(title = "Version")]
    #[schemars(extend("x-title-zh" = "版本", "x-help-zh" = "产品及其版本。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub version: Version,
    /// Registry that goes before each image's repository. Empty: the repositories stand as they are.
    #[schemars(
        title = "Image registry",
        regex(pattern = IMAGE_REGISTRY_PATTERN),
        length(max = 255)
    )]
    #[schemars(extend("x-title-zh" = "镜像服务器", "x-help-zh" = "加在每个镜像仓库之前的服务器地址。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub image_registry: String,
    /// Names of the Secrets with which images are pulled.
    #[schemars(title = "Pull secrets", inner(regex(pattern = NAME_PATTERN), length(max = 253)), extend("uniqueItems" = true))]
    #[schemars(extend("x-widget" = "secret", "x-title-zh" = "拉取密钥", "x-help-zh" = "拉取镜像所用 Secret 的名称。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub image_pull_secrets: Vec<String>,
    /// Labels that all objects get in addition, but not pods and volumes.
    #[schemars(title = "Labels of objects", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "对象标签", "x-help-zh" = "所有对象（不含 Pod 与卷）的附加标签。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub common_labels: BTreeMap<String, String>,
    /// Annotations of all objects, but not of pods and volumes.
    #[schemars(title = "Annotations of objects", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "对象注解", "x-help-zh" = "所有对象（不含 Pod 与卷）的注解。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub common_annotations: BTreeMap<String, String>,
    /// The server: its container and its pod.
    #[schemars(title = "Server", extend("x-title-zh" = "服务器", "x-help-zh" = "服务器的容器和 Pod。"))]
    pub server: Server,
    /// How much of the memory is for data, and what happens when that is full.
    #[schemars(title = "Memory", extend("x-title-zh" = "内存", "x-help-zh" = "多少内存用于数据，以及用满时如何处理。"))]
    pub memory: Memory,
    /// Whether and how the data outlive a restart.
    #[schemars(title = "Persistence", extend("x-title-zh" = "持久化", "x-help-zh" = "数据是否以及如何在重启后保留。"))]
    pub persistence: Persistence,
    /// What people change in the server's configuration.
    #[schemars(title = "Tuning", extend("x-title-zh" = "调优", "x-help-zh" = "服务器配置中常更改的项。"))]
    pub tuning: Tuning,
    /// The password that clients show.
    #[schemars(title = "Authentication", extend("x-title-zh" = "身份验证", "x-help-zh" = "客户端出示的密码。"))]
    pub authentication: Authentication,
    /// How the server and its clients keep what they say to themselves. Since version 6.0.
    #[schemars(title = "TLS", extend("x-title-zh" = "TLS", "x-help-zh" = "服务器与客户端之间的加密。自 6.0 起。"))]
    pub tls: Tls,
    /// Who may connect to the server.
    #[schemars(title = "Network policy", extend("x-title-zh" = "网络策略", "x-help-zh" = "谁可以连接服务器。"))]
    pub network_policy: NetworkPolicy,
    /// How clients outside the cluster reach the server. Those inside go on with the Service that they have.
    #[schemars(title = "Outside", extend("x-title-zh" = "集群外访问", "x-help-zh" = "集群外的客户端如何访问服务器；集群内的客户端继续使用原来的 Service。"))]
    pub outside: Outside,
    /// What Prometheus is told of the server.
    #[schemars(title = "Metrics", extend("x-title-zh" = "指标", "x-help-zh" = "向 Prometheus 提供的服务器指标。"))]
    pub metrics: Metrics,
    /// The program that carries out operations before and after an upgrade.
    #[schemars(title = "Hook program", extend("x-title-zh" = "钩子程序", "x-help-zh" = "升级前后执行操作的程序。"))]
    pub hook: Hook,
}

/// What is said otherwise in fields that charts share: there is one server here, and nothing of it runs on Java.
fn reworded(schema: &mut Schema) {
    let memory = (
        "Memory that the container may use at most.",
        "容器最多使用的内存。",
    );
    let texts = [
        (
            "server.resources.limits.memory",
            "Memory that the server may use at most. How much of it is for data follows from it.",
            "服务器最多使用的内存，数据可用的内存由它得出。",
        ),
        ("metrics.resources.limits.memory", memory.0, memory.1),
        ("hook.resources.limits.memory", memory.0, memory.1),
        (
            "metrics.image.tag",
            "Tag, with a digest after it if wanted (`v1.67.0@sha256:…`).",
            "镜像标签，可在其后附加摘要。",
        ),
        (
            "networkPolicy.enabled",
            "Whether the chart makes network policies. With them nothing outside the cluster's pods connects, unless the server is reached from outside.",
            "是否创建网络策略。启用后只有集群内的 Pod 可以连接，服务器对外开放时除外。",
        ),
        (
            "persistence.storage.onScaleIn",
            "What happens to the volume when somebody scales the StatefulSet to nothing.",
            "有人将 StatefulSet 缩容为零时如何处理卷。",
        ),
    ];
    for (path, english, chinese) in texts {
        reword(schema, path, english, chinese);
    }
}

/// What the hook program reads at start: the release's names and its values.
pub type Desired = crate::desired::Desired<Values>;

pub(crate) fn resources(cpu: &str, memory: &str, memory_limit: &str) -> Resources {
    Resources {
        requests: Requests {
            cpu: Cpu(cpu.to_owned()),
            memory: Bytes(memory.to_owned()),
        },
        limits: Limits {
            cpu: Cpu(String::new()),
            memory: Bytes(memory_limit.to_owned()),
        },
    }
}

pub(crate) fn image(repository: &str, tag: &str) -> Image {
    Image {
        repository: repository.to_owned(),
        tag: tag.to_owned(),
        pull_policy: PullPolicy::IfNotPresent,
    }
}

/// The program that carries out operations, as the charts have it by default.
pub(crate) fn hook() -> Hook {
    Hook {
        image: image("midships/hook", env!("CARGO_PKG_VERSION")),
        resources: resources("20m", "32Mi", "128Mi"),
        deadline_seconds: 0,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        node_selector: BTreeMap::new(),
        tolerations: Vec::new(),
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            image: ServerImage {
                repository: String::new(),
                tag: String::new(),
                pull_policy: PullPolicy::IfNotPresent,
            },
            resources: resources("100m", "512Mi", "1Gi"),
            pod: ServerPod::default(),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            percent: 0,
            policy: Eviction::Nothing,
        }
    }
}

impl Default for Persistence {
    fn default() -> Self {
        let save_points = [(3600, 1), (300, 100), (60, 10_000)];
        Self {
            mode: PersistenceMode::AppendOnly,
            save_points: save_points
                .map(|(seconds, changes)| SavePoint { seconds, changes })
                .into(),
            flush: Flush::EverySecond,
            rewrite_percent: 100,
            rewrite_least_megabytes: 64,
            storage: Storage {
                mode: StorageMode::StorageClass,
                size: Bytes("8Gi".to_owned()),
                class_name: String::new(),
                access_mode: AccessMode::ReadWriteOnce,
                host_path: String::new(),
                on_scale_in: Retention::Retain,
                on_uninstall: Retention::Retain,
            },
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            enabled: false,
            image: image("oliver006/redis_exporter", "v1.67.0"),
            resources: resources("10m", "32Mi", "128Mi"),
            service_monitor: ServiceMonitor {
                enabled: false,
                interval_seconds: 30,
                labels: BTreeMap::new(),
            },
        }
    }
}

impl Default for Values {
    /// The chart's defaults, with those of its groups: the only places where they stand.
    fn default() -> Self {
        Self {
            version: Version::Redis7_0,
            image_registry: String::new(),
            image_pull_secrets: Vec::new(),
            common_labels: BTreeMap::new(),
            common_annotations: BTreeMap::new(),
            server: Server::default(),
            memory: Memory::default(),
            persistence: Persistence::default(),
            tuning: Tuning::default(),
            authentication: Authentication::default(),
            tls: Tls::default(),
            network_policy: NetworkPolicy {
                enabled: true,
                clients: Vec::new(),
            },
            outside: Outside::default(),
            metrics: Metrics::default(),
            hook: hook(),
        }
    }
}

impl Servers for Values {
    fn groups(&self) -> Groups<'_> {
        Groups {
            version: self.version,
            common_labels: &self.common_labels,
            server: &self.server,
            memory: &self.memory,
            persistence: &self.persistence,
            tuning: &self.tuning,
            tls: &self.tls,
            network_policy: &self.network_policy,
            metrics: &self.metrics,
            hook: &self.hook,
        }
    }

    /// The server stops and starts once.
    fn estimate_seconds(&self) -> u32 {
        OPERATION_SECONDS.saturating_add(self.restart_seconds())
    }
}

impl ChartValues for Values {
    const CHART: &'static str = CHART;
    const RULES: &'static [Rule<Self>] = rules::RULES;

    fn estimate(&self, _: &[String]) -> Option<u32> {
        Some(self.estimate_seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_for_data_is_less_where_a_second_process_writes() {
        let mut values = Values::default();
        assert_eq!(values.data_megabytes(), Some(614));
        values.persistence.mode = PersistenceMode::None;
        assert_eq!(values.data_megabytes(), Some(768));
        values.memory.percent = 50;
        assert_eq!(values.data_megabytes(), Some(512));
    }

    #[test]
    fn times_follow_from_the_memory_unless_they_are_set() {
        let mut values = Values::default();
        assert_eq!(values.stop_seconds(), 60 + 32);
        assert_eq!(values.estimate_seconds(), 600 + 92 + 300);
        assert_eq!(values.deadline_seconds(), 3600);
        values.server.resources.limits.memory = Bytes("128Gi".to_owned());
        assert_eq!(values.deadline_seconds(), 600 + 60 + 4096 + 300 + 600);
        values.hook.deadline_seconds = 7000;
        assert_eq!(values.deadline_seconds(), 7000);
    }
}
