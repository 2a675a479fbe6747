//! The values of the chart `redis-sentinel`: a master of Redis or Valkey with replicas, and Sentinels that replace it. What a server has
//! is as in the chart `redis`.

pub mod haproxy;
pub mod rules;
pub mod sentinels;
pub mod servers;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use self::haproxy::Haproxy;
use self::sentinels::Sentinels;
use self::servers::SentinelServers;
use crate::fields::hook::Hook;
use crate::fields::network::NetworkPolicy;
use crate::fields::{
    IMAGE_REGISTRY_PATTERN, NAME_PATTERN, annotations_schema, labels_schema, reword,
};
use crate::model::ChartValues;
use crate::redis::authentication::Authentication;
use crate::redis::metrics::Metrics;
use crate::redis::persistence::Persistence;
use crate::redis::server::{Memory, Server};
use crate::redis::servers::{Groups, Servers};
use crate::redis::tls::Tls;
use crate::redis::tuning::Tuning;
use crate::redis::version::Version;
use crate::redis::{OPERATION_SECONDS, hook, settings};
use crate::rules::Rule;

/// The chart's name.
pub const CHART: &str = "redis-sentinel";
/// The port of Sentinels.
pub const SENTINEL_PORT: u16 = 26379;
/// The port of Sentinels for TLS.
pub const SENTINEL_TLS_PORT: u16 = 26380;
/// Seconds that the restart of a Sentinel takes at most, until it serves again.
pub const SENTINEL_RESTART_SECONDS: u32 = 60;
/// What the name of a master may be.
pub const MASTER_NAME_PATTERN: &str = "^[A-Za-z0-9._-]+$";

/// Every value of the chart `redis-sentinel`.
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
    /// The domain of the cluster's DNS names.
    #[schemars(
        title = "Cluster domain",
        regex(pattern = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"),
        length(max = 60)
    )]
    #[schemars(extend("x-title-zh" = "集群域名", "x-help-zh" = "集群 DNS 的域名。", "x-level" = "expert", "x-mutability" = "create-only"))]
    pub cluster_domain: String,
    /// Labels that all objects get in addition, but not pods and volumes.
    #[schemars(title = "Labels of objects", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "对象标签", "x-help-zh" = "所有对象（不含 Pod 与卷）的附加标签。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub common_labels: BTreeMap<String, String>,
    /// Annotations of all objects, but not of pods and volumes.
    #[schemars(title = "Annotations of objects", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "对象注解", "x-help-zh" = "所有对象（不含 Pod 与卷）的注解。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub common_annotations: BTreeMap<String, String>,
    /// The name by which clients ask Sentinels for the master.
    #[schemars(title = "Name of the master", regex(pattern = MASTER_NAME_PATTERN), length(min = 1, max = 63))]
    #[schemars(extend("x-title-zh" = "主节点名称", "x-help-zh" = "客户端向 Sentinel 查询主节点时使用的名称。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub master_name: String,
    /// How many servers there are, how many of them must have a write, and where they may be.
    #[schemars(title = "Servers", extend("x-title-zh" = "服务器组", "x-help-zh" = "服务器的数量、写入所需的副本数以及所在位置。"))]
    pub servers: SentinelServers,
    /// Those who watch the servers and replace the master.
    #[schemars(title = "Sentinels", extend("x-title-zh" = "Sentinel", "x-help-zh" = "监视服务器并接替主节点的 Sentinel。"))]
    pub sentinels: Sentinels,
    /// A server: its container and its pod.
    #[schemars(title = "Server", extend("x-title-zh" = "服务器", "x-help-zh" = "每台服务器的容器和 Pod。"))]
    pub server: Server,
    /// How much of a server's memory is for data, and what happens when that is full.
    #[schemars(title = "Memory", extend("x-title-zh" = "内存", "x-help-zh" = "多少内存用于数据，以及用满时如何处理。"))]
    pub memory: Memory,
    /// Whether and how the data outlive a restart.
    #[schemars(title = "Persistence", extend("x-title-zh" = "持久化", "x-help-zh" = "数据是否以及如何在重启后保留。"))]
    pub persistence: Persistence,
    /// What people change in the servers' configuration.
    #[schemars(title = "Tuning", extend("x-title-zh" = "调优", "x-help-zh" = "服务器配置中常更改的项。"))]
    pub tuning: Tuning,
    /// The password that clients show.
    #[schemars(title = "Authentication", extend("x-title-zh" = "身份验证", "x-help-zh" = "客户端出示的密码。"))]
    pub authentication: Authentication,
    /// How servers and clients keep what they say to themselves. Since version 6.0.
    #[schemars(title = "TLS", extend("x-title-zh" = "TLS", "x-help-zh" = "服务器与客户端之间的加密。自 6.0 起。"))]
    pub tls: Tls,
    /// Who may connect to the servers.
    #[schemars(title = "Network policy", extend("x-title-zh" = "网络策略", "x-help-zh" = "谁可以连接服务器。"))]
    pub network_policy: NetworkPolicy,
    /// One address for clients that ask no Sentinels, also from outside.
    #[schemars(title = "HAProxy", extend("x-title-zh" = "HAProxy", "x-help-zh" = "供不查询 Sentinel 的客户端使用的统一地址，也可对集群外开放。"))]
    pub haproxy: Haproxy,
    /// What Prometheus is told of the servers.
    #[schemars(title = "Metrics", extend("x-title-zh" = "指标", "x-help-zh" = "向 Prometheus 提供的服务器指标。"))]
    pub metrics: Metrics,
    /// The program that carries out operations before and after an upgrade.
    #[schemars(title = "Hook program", extend("x-title-zh" = "钩子程序", "x-help-zh" = "升级前后执行操作的程序。"))]
    pub hook: Hook,
}

/// What is said otherwise in fields that charts share: there are several servers here, of which one is the master, and nothing of them
/// runs on Java.
fn reworded(schema: &mut Schema) {
    let memory = (
        "Memory that the container may use at most.",
        "容器最多使用的内存。",
    );
    let texts = [
        (
            "server.resources.limits.memory",
            "Memory that each server may use at most. How much of it is for data follows from it.",
            "每台服务器最多使用的内存，数据可用的内存由它得出。",
        ),
        (
            "server.pod.affinity",
            "Affinity as in a Kubernetes pod. It takes the place of the one that `servers.antiAffinity` makes.",
            "写法同 Kubernetes，取代 servers.antiAffinity 生成的内容。",
        ),
        ("sentinels.resources.limits.memory", memory.0, memory.1),
        ("haproxy.resources.limits.memory", memory.0, memory.1),
        (
            "haproxy.image.tag",
            "Tag, with a digest after it if wanted (`3.0-alpine@sha256:…`).",
            "镜像标签，可在其后附加摘要。",
        ),
        (
            "haproxy.pod.antiAffinity",
            "How strictly pods of HAProxy keep to different nodes.",
            "HAProxy 的 Pod 分布到不同节点的严格程度。",
        ),
        (
            "haproxy.pod.topologySpread",
            "How evenly pods of HAProxy are spread over parts of the cluster, such as zones.",
            "HAProxy 的 Pod 在可用区等拓扑域之间的均匀程度。",
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
            "Whether the chart makes network policies. With them nothing outside the cluster's pods connects to servers and Sentinels, and to HAProxy only if that is reached from outside.",
            "是否创建网络策略。启用后只有集群内的 Pod 可以连接服务器和 Sentinel；HAProxy 仅在对外开放时可从集群外连接。",
        ),
        (
            "persistence.mode",
            "What a server keeps on its disk. A change carries the data over at the restart. With `None`, all data are gone when all servers restart at once; a server that restarts alone never becomes the master while another one has data.",
            "服务器在磁盘上保留什么。更改时，数据在重启时转换。选 None 时，所有服务器同时重启则数据全部丢失；单独重启的服务器在其他服务器有数据时不会成为主节点。",
        ),
        (
            "persistence.storage.onScaleIn",
            "What happens to the volumes of servers that leave.",
            "离开的服务器的卷如何处理。",
        ),
        (
            "sentinels.storage.mode",
            "Where a Sentinel's own file lies. `EmptyDir` is refused: a Sentinel that forgets for whom it has voted may vote twice, and then there are two masters.",
            "Sentinel 自身文件所在的位置。不允许 EmptyDir：忘记投票的 Sentinel 可能重复投票，从而产生两个主节点。",
        ),
        (
            "sentinels.storage.onScaleIn",
            "What happens to the volumes of Sentinels that leave.",
            "离开的 Sentinel 的卷如何处理。",
        ),
        (
            "tls.secretName",
            "Name of the Secret with the keys `tls.crt` and `tls.key`, which servers present at port 6380 and Sentinels at port 26380, and `ca.crt`, the authorities that are trusted. Since version 6.0. Servers and Sentinels speak TLS to each other then, and Sentinels tell clients the port of TLS. Empty: nobody speaks TLS. It is chosen at the installation.",
            "Secret 的名称，其键 tls.crt 和 tls.key 为服务器在端口 6380、Sentinel 在端口 26380 出示的证书，ca.crt 为所信任的颁发机构。自 6.0 起。此时服务器与 Sentinel 之间使用 TLS，Sentinel 告知客户端 TLS 端口。空表示不使用 TLS。须在安装时选定。",
        ),
    ];
    for (path, english, chinese) in texts {
        reword(schema, path, english, chinese);
    }
    let secret = "/properties/tls/properties/secretName/x-mutability";
    if let Some(mutability) = schema.pointer_mut(secret) {
        *mutability = "create-only".into();
    }
}

/// What the hook program reads at start: the release's names and its values.
pub type Desired = crate::desired::Desired<Values>;

impl Default for Values {
    /// The chart's defaults, with those of its groups: the only places where they stand.
    fn default() -> Self {
        Self {
            version: Version::Redis7_0,
            image_registry: String::new(),
            image_pull_secrets: Vec::new(),
            cluster_domain: "cluster.local".to_owned(),
            common_labels: BTreeMap::new(),
            common_annotations: BTreeMap::new(),
            master_name: "mymaster".to_owned(),
            servers: SentinelServers::default(),
            sentinels: Sentinels::default(),
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
            haproxy: Haproxy::default(),
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

    fn online_settings(&self) -> BTreeMap<String, String> {
        let mut settings = settings::online(&self.groups(), self.data_megabytes());
        let servers = &self.servers;
        for (key, value) in [
            ("min-replicas-to-write", servers.min_replicas),
            ("min-replicas-max-lag", servers.min_replicas_lag_seconds),
        ] {
            settings.insert(key.to_owned(), value.to_string());
        }
        settings
    }

    /// All servers restart, one after the other, and all Sentinels.
    fn estimate_seconds(&self) -> u32 {
        let restarts = self.restart_seconds().saturating_mul(self.servers.count());
        let sentinels = SENTINEL_RESTART_SECONDS.saturating_mul(self.sentinels.count);
        OPERATION_SECONDS
            .saturating_add(restarts)
            .saturating_add(sentinels)
    }
}

impl ChartValues for Values {
    const CHART: &'static str = CHART;
    const RULES: &'static [Rule<Self>] = rules::RULES;

    fn estimate(&self, _: &[String]) -> Option<u32> {
        Some(Servers::estimate_seconds(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_from_the_number_of_servers_and_sentinels() {
        let mut values = Values::default();
        assert_eq!(values.estimate_seconds(), 600 + 3 * (92 + 300) + 3 * 60);
        values.servers.replicas = 4;
        values.sentinels.count = 5;
        assert_eq!(values.estimate_seconds(), 600 + 5 * (92 + 300) + 5 * 60);
    }

    #[test]
    fn most_sentinels_miss_a_master_unless_told_otherwise() {
        let mut sentinels = Sentinels::default();
        assert_eq!(sentinels.effective_quorum(), 2);
        sentinels.count = 5;
        assert_eq!(sentinels.effective_quorum(), 3);
        sentinels.quorum = 2;
        assert_eq!(sentinels.effective_quorum(), 2);
    }

    #[test]
    fn what_bounds_losses_is_told_to_a_running_server() {
        let settings = Values::default().online_settings();
        assert_eq!(settings["min-replicas-to-write"], "1");
        assert_eq!(settings["min-replicas-max-lag"], "10");
    }
}
