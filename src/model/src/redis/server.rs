//! The server's container and its pod, and how much of its memory is for data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::{
    EnvironmentVariable, NAME_OR_EMPTY_PATTERN, Named, Passed, PullPolicy, Resources,
    annotations_schema, labels_schema,
};

/// A repository of images, or nothing.
pub const REPOSITORY_OR_EMPTY_PATTERN: &str = r"^([a-z0-9]+([._:/-]+[a-z0-9]+)*)?$";
/// A tag, with a digest after it if wanted; or nothing.
pub const TAG_OR_EMPTY_PATTERN: &str =
    r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?)?$";

/// Percent of the memory limit that are for data unless a field says otherwise, where nothing is written to disk.
pub const MEMORY_PERCENT: u32 = 75;
/// The same where snapshots and the append-only file are written by a process that shares the memory: what changes meanwhile is
/// there twice.
pub const MEMORY_PERCENT_OF_WRITERS: u32 = 60;
/// Memory in MB that a server needs beside its data at least.
pub const MEMORY_BESIDE_DATA: u64 = 24;
/// The least memory for data in MB.
pub const LEAST_DATA: u64 = 16;

/// The image of the server: the official one unless something is set.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ServerImage {
    /// Repository. A first part with a dot or a port, or `localhost`, is a registry; else `imageRegistry` goes before it. Empty: that
    /// of the official image, `library/redis` or `valkey/valkey`.
    #[schemars(
        title = "Repository",
        regex(pattern = REPOSITORY_OR_EMPTY_PATTERN),
        length(max = 255)
    )]
    #[schemars(extend("x-title-zh" = "镜像仓库", "x-help-zh" = "首段含点、端口或为 localhost 时视为镜像服务器，否则在前面加上 imageRegistry。空表示官方镜像：library/redis 或 valkey/valkey。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub repository: String,
    /// Tag, with a digest after it if wanted. Empty: that of `version`. Another one must be of the same minor version.
    #[schemars(title = "Tag", regex(pattern = TAG_OR_EMPTY_PATTERN))]
    #[schemars(extend("x-title-zh" = "标签", "x-help-zh" = "镜像标签，可在其后附加摘要。空表示由 version 得出；否则须为相同的次版本。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub tag: String,
    /// When the kubelet pulls the image.
    #[schemars(title = "Pull policy")]
    #[schemars(extend("x-title-zh" = "拉取策略", "x-help-zh" = "何时拉取镜像。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub pull_policy: PullPolicy,
}

/// The usual places to extend the pod of a server that is alone.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ServerPod {
    /// Labels that the pod gets in addition.
    #[schemars(title = "Labels", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "标签", "x-help-zh" = "Pod 的附加标签。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pod.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "注解", "x-help-zh" = "Pod 的注解。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub annotations: BTreeMap<String, String>,
    /// Environment variables of the server's container.
    #[schemars(title = "Environment")]
    #[schemars(extend("x-title-zh" = "环境变量", "x-help-zh" = "服务器容器的环境变量。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub env: Vec<EnvironmentVariable>,
    /// Volumes in addition, as in a Kubernetes pod.
    #[schemars(title = "Volumes")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "附加卷", "x-help-zh" = "附加的卷，写法同 Kubernetes。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub volumes: Vec<Named>,
    /// Mounts of those volumes in the server's container, as in a Kubernetes container.
    #[schemars(title = "Volume mounts")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "卷挂载", "x-help-zh" = "附加卷在服务器容器中的挂载，写法同 Kubernetes。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub volume_mounts: Vec<Named>,
    /// Labels that the node must have.
    #[schemars(title = "Node selector", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "节点选择", "x-help-zh" = "节点必须具有的标签。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that the pod tolerates, as in a Kubernetes pod.
    #[schemars(title = "Tolerations")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "容忍", "x-help-zh" = "Pod 容忍的节点污点，写法同 Kubernetes。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub tolerations: Vec<Passed>,
    /// Affinity as in a Kubernetes pod, such as to a zone.
    #[schemars(title = "Affinity")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "亲和", "x-help-zh" = "写法同 Kubernetes，例如限定可用区。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub affinity: Passed,
    /// Priority class. Empty: the cluster's default one.
    #[schemars(
        title = "Priority class",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-title-zh" = "优先级类", "x-help-zh" = "空表示集群默认。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub priority_class_name: String,
    /// How long the server may take to stop, in which it writes its data. 0: a minute, and a second for each 32 MB of the memory limit.
    #[schemars(title = "Grace period", range(min = 0, max = 86400))]
    #[schemars(extend("x-title-zh" = "终止宽限期", "x-help-zh" = "服务器停止（包括写入数据）允许的时间。0 表示一分钟，再按内存上限每 32 MB 加一秒。", "x-unit" = "s", "x-level" = "expert", "x-mutability" = "restart"))]
    pub termination_grace_period_seconds: u32,
    /// How long the server may take until it answers. It answers while it loads its data, so that this is the time for a repair and
    /// for a change of how data are kept, which go before.
    #[schemars(title = "Time to start", range(min = 60, max = 86400))]
    #[schemars(extend("x-title-zh" = "启动时限", "x-help-zh" = "服务器开始应答之前允许的时间。加载数据期间服务器已能应答，因此该时限只用于之前的修复和持久化方式的转换。", "x-unit" = "s", "x-level" = "expert", "x-mutability" = "restart"))]
    pub startup_seconds: u32,
}

impl Default for ServerPod {
    fn default() -> Self {
        Self {
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            env: Vec::new(),
            volumes: Vec::new(),
            volume_mounts: Vec::new(),
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            affinity: Passed::new(),
            priority_class_name: String::new(),
            termination_grace_period_seconds: 0,
            startup_seconds: 300,
        }
    }
}

/// The server: its container and its pod.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Server {
    /// Image of the server.
    #[schemars(title = "Image", extend("x-title-zh" = "镜像", "x-help-zh" = "服务器的镜像。"))]
    pub image: ServerImage,
    /// CPU and memory of the server.
    #[schemars(title = "Resources", extend("x-title-zh" = "资源", "x-help-zh" = "服务器的 CPU 和内存。"))]
    pub resources: Resources,
    /// The usual places to extend the pod.
    #[schemars(title = "Pod", extend("x-title-zh" = "Pod", "x-help-zh" = "扩展 Pod 的常用位置。"))]
    pub pod: ServerPod,
}

/// What a server does when its memory for data is full. The names are the product's.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Eviction {
    /// It refuses writes and keeps all.
    #[serde(rename = "noeviction")]
    #[schemars(extend("x-help-zh" = "拒绝写入，保留全部数据"))]
    Nothing,
    /// Keys that have not been used for the longest time go.
    #[schemars(extend("x-help-zh" = "移除最久未使用的键"))]
    AllkeysLru,
    /// Keys that are used least often go.
    #[schemars(extend("x-help-zh" = "移除使用频率最低的键"))]
    AllkeysLfu,
    /// Any keys go.
    #[schemars(extend("x-help-zh" = "移除任意键"))]
    AllkeysRandom,
    /// Of keys that expire, those that have not been used for the longest time go.
    #[schemars(extend("x-help-zh" = "在会过期的键中移除最久未使用的"))]
    VolatileLru,
    /// Of keys that expire, those that are used least often go.
    #[schemars(extend("x-help-zh" = "在会过期的键中移除使用频率最低的"))]
    VolatileLfu,
    /// Any keys that expire go.
    #[schemars(extend("x-help-zh" = "在会过期的键中移除任意的"))]
    VolatileRandom,
    /// Of keys that expire, those that expire soonest go.
    #[schemars(extend("x-help-zh" = "在会过期的键中移除最先过期的"))]
    VolatileTtl,
}

/// How much of the memory is for data, and what happens when that is full.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Memory {
    /// Percent of the memory limit that are for data (`maxmemory`). 0: 75 where nothing is kept, else 60, because what changes while
    /// data are written to the disk is there twice.
    #[schemars(title = "Share for data", range(min = 0, max = 90))]
    #[schemars(extend("x-title-zh" = "数据占比", "x-help-zh" = "内存上限中用于数据的百分比（maxmemory）。0 表示：不持久化时 75，否则 60，因为写盘期间被更改的数据在内存中存在两份。", "x-unit" = "%", "x-level" = "advanced", "x-mutability" = "online"))]
    pub percent: u32,
    /// What happens when the memory for data is full (`maxmemory-policy`).
    #[schemars(title = "When it is full")]
    #[schemars(extend("x-title-zh" = "内存用满时", "x-help-zh" = "数据内存用满时的处理方式（maxmemory-policy）。", "x-level" = "basic", "x-mutability" = "online"))]
    pub policy: Eviction,
}
