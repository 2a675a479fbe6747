//! From where servers are reached: kinds of Services, ports of nodes, and who may connect.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::labels_schema;

/// A name, after a domain and a slash if wanted; or nothing.
pub const KEY_OR_EMPTY_PATTERN: &str =
    "^(([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$";
/// The name or the address of a host, or nothing.
pub const HOST_OR_EMPTY_PATTERN: &str = "^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)?$";
/// A range of addresses: an address and how many of its bits count.
pub const RANGE_PATTERN: &str = "^[0-9a-fA-F.:]+/[0-9]{1,3}$";
/// The first port of nodes that Services may have, unless a cluster has others.
pub const FIRST_NODE_PORT: u16 = 30000;
/// The last one.
pub const LAST_NODE_PORT: u16 = 32767;

/// From where a Service is reached.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ServiceType {
    /// From inside the cluster.
    #[schemars(extend("x-help-zh" = "仅集群内"))]
    ClusterIP,
    /// Also from outside, by a port of every node.
    #[schemars(extend("x-help-zh" = "集群外也可经由每个节点的端口访问"))]
    NodePort,
    /// Also from outside, by an address that the cluster's load balancer gives.
    #[schemars(extend("x-help-zh" = "集群外也可经由负载均衡器的地址访问"))]
    LoadBalancer,
}

/// Pods that may connect.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NetworkClient {
    /// Labels of the namespaces. Absent or empty: with `pods` the release's own namespace.
    #[serde(default)]
    #[schemars(schema_with = "labels_schema")]
    #[schemars(title = "Labels of namespaces", extend("x-title-zh" = "命名空间标签", "x-help-zh" = "缺省或为空：填写了 pods 时为本发布的命名空间。"))]
    pub namespaces: BTreeMap<String, String>,
    /// Labels of the pods. Absent or empty: all pods of those namespaces.
    #[serde(default)]
    #[schemars(schema_with = "labels_schema")]
    #[schemars(title = "Labels of pods", extend("x-title-zh" = "Pod 标签", "x-help-zh" = "缺省或为空：这些命名空间中的所有 Pod。"))]
    pub pods: BTreeMap<String, String>,
}

/// Who may connect to the servers.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// Whether the chart makes network policies. With them nothing outside the cluster's pods connects, except to servers that are
    /// reached from outside, and only the release's own pods reach the port for replication.
    #[schemars(title = "Network policy")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否创建网络策略。启用后只有集群内的 Pod 可以连接（对外开放的服务器除外），复制端口仅限本发布的 Pod。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub enabled: bool,
    /// Pods that may connect, by labels of their namespaces and by their own. Empty: all pods of the cluster.
    #[schemars(title = "Clients")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "客户端", "x-help-zh" = "可以连接的 Pod，按命名空间标签和 Pod 标签选择。空表示集群内所有 Pod。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub clients: Vec<NetworkClient>,
}
