//! The values of the chart `redis-cluster`: shards of Redis or Valkey that share the keys. What a server has is as in the chart
//! `redis`.

pub mod outside;
pub mod rules;
pub mod shards;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use self::outside::Outside;
use self::shards::Shards;
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
pub const CHART: &str = "redis-cluster";
/// By how much the port of a server for the other servers is above that for clients.
pub const BUS_ABOVE: u16 = 10_000;
/// How many databases a cluster has.
pub const DATABASES: u32 = 1;
/// Memory in MB whose keys another shard has got within a second, at least: small keys on a busy machine.
pub const MEGABYTES_MOVED_A_SECOND: u64 = 4;

/// Every value of the chart `redis-cluster`.
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
    /// How many servers there are, how they share the keys, and where they may be.
    #[schemars(title = "Shards", extend("x-title-zh" = "分片", "x-help-zh" = "服务器的数量、键的分担方式以及所在位置。"))]
    pub shards: Shards,
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
    /// How clients outside the pods' network reach each server.
    #[schemars(title = "Outside", extend("x-title-zh" = "集群外访问", "x-help-zh" = "Pod 网络之外的客户端如何访问每台服务器。"))]
    pub outside: Outside,
    /// What Prometheus is told of the servers.
    #[schemars(title = "Metrics", extend("x-title-zh" = "指标", "x-help-zh" = "向 Prometheus 提供的服务器指标。"))]
    pub metrics: Metrics,
    /// The program that carries out operations before and after an upgrade.
    #[schemars(title = "Hook program", extend("x-title-zh" = "钩子程序", "x-help-zh" = "升级前后执行操作的程序。"))]
    pub hook: Hook,
}

/// What is said otherwise in fields that charts share: there are several servers here, which are one cluster, and nothing of them runs
/// on Java.
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
            "Affinity as in a Kubernetes pod. It takes the place of the one that `shards.antiAffinity` makes.",
            "写法同 Kubernetes，取代 shards.antiAffinity 生成的内容。",
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
            "Whether the chart makes network policies. With them nothing outside the cluster's pods connects, and only servers of the release reach the port at which they speak to each other, unless servers are reached from outside.",
            "是否创建网络策略。启用后只有集群内的 Pod 可以连接，服务器之间通信的端口只对本发布的服务器开放；服务器对外开放时除外。",
        ),
        (
            "persistence.mode",
            "What a server keeps on its disk beside the file by which it knows the others. A change carries the data over at the restart. With `None`, a master that is back before a replica has taken over is empty, and its replicas become so too: all keys of the shard are gone.",
            "除记录其他服务器的文件之外，服务器在磁盘上保留什么。更改时，数据在重启时转换。选 None 时，主节点若在副本接替之前重启完成则没有数据，其副本也随之清空，该分片的键全部丢失。",
        ),
        (
            "persistence.storage.mode",
            "Where the data lie. `EmptyDir` is refused: who a server is and which others it knows must outlive its pod, also where no data are kept.",
            "数据所在的位置。不允许 EmptyDir：即使不保留数据，服务器的身份及其所知的其他服务器也必须比 Pod 存活更久。",
        ),
        (
            "persistence.storage.onScaleIn",
            "What happens to the volumes of shards and replicas that leave. A rule keeps it and `onUninstall` alike.",
            "离开的分片和副本的卷如何处理。须与 onUninstall 相同。",
        ),
        (
            "tuning.databases",
            "How many databases there are (`databases`): 1, since a cluster has one.",
            "数据库的数量（databases）：集群只有 1 个。",
        ),
        (
            "tls.secretName",
            "Name of the Secret with the keys `tls.crt` and `tls.key`, which servers present to clients at port 6380 and to each other, and `ca.crt`, the authorities that are trusted. The certificate must be good for clients too. Since version 6.0, and there before 7.0 clients that speak plain text are sent to port 6380 too. Empty: servers speak no TLS. Servers with and without it do not understand each other, so that it is chosen at the installation.",
            "Secret 的名称，其键 tls.crt 和 tls.key 为服务器在端口 6380 向客户端以及彼此出示的证书（须同时可用作客户端证书），ca.crt 为所信任的颁发机构。自 6.0 起；7.0 之前，明文客户端也会被重定向到端口 6380。空表示不使用 TLS。使用与不使用 TLS 的服务器无法互通，因此须在安装时选定。",
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

impl Values {
    /// The ports of nodes that the first server has.
    #[must_use]
    pub fn node_ports(&self) -> Vec<u16> {
        let ports = self.outside.first_ports(&self.tls);
        let used = ports.into_iter().filter(|(_, _, is_used)| *is_used);
        used.map(|(_, port, _)| port).collect()
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
            shards: Shards::default(),
            server: Server::default(),
            memory: Memory::default(),
            persistence: Persistence::default(),
            tuning: Tuning {
                databases: DATABASES,
                ..Tuning::default()
            },
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

    fn online_settings(&self) -> BTreeMap<String, String> {
        let mut settings = settings::online(&self.groups(), self.data_megabytes());
        let shards = &self.shards;
        let coverage = settings::yes_or_no(shards.require_full_coverage);
        let timeout = shards.node_timeout_milliseconds.to_string();
        settings.insert("cluster-node-timeout".to_owned(), timeout);
        settings.insert(
            "cluster-require-full-coverage".to_owned(),
            coverage.to_owned(),
        );
        settings
    }

    /// All servers restart, one after the other, and shards, each beside the others, send away what they have.
    fn estimate_seconds(&self) -> u32 {
        let restarts = self.restart_seconds().saturating_mul(self.shards.servers());
        let moved = self.data_megabytes().unwrap_or_default() / MEGABYTES_MOVED_A_SECOND;
        OPERATION_SECONDS
            .saturating_add(restarts)
            .saturating_add(u32::try_from(moved).unwrap_or(u32::MAX))
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
    fn times_follow_from_the_number_of_servers_and_their_memory() {
        let mut values = Values::default();
        assert_eq!(values.shards.servers(), 6);
        assert_eq!(values.estimate_seconds(), 600 + 6 * (92 + 300) + 614 / 4);
        assert_eq!(values.deadline_seconds(), 3705);
        values.shards.count = 10;
        values.shards.replicas_per_shard = 2;
        assert_eq!(values.estimate_seconds(), 600 + 30 * (92 + 300) + 614 / 4);
    }

    #[test]
    fn what_the_cluster_takes_while_it_runs_is_among_the_settings() {
        let mut values = Values::default();
        let settings = values.online_settings();
        assert_eq!(settings["cluster-node-timeout"], "15000");
        assert_eq!(settings["cluster-require-full-coverage"], "no");
        values.shards.require_full_coverage = true;
        values.shards.node_timeout_milliseconds = 5000;
        let settings = values.online_settings();
        assert_eq!(settings["cluster-node-timeout"], "5000");
        assert_eq!(settings["cluster-require-full-coverage"], "yes");
    }
}
