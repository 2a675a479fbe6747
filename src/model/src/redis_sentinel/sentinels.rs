//! The Sentinels: how many there are, when they take a master for gone, and their pods.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::{
    AccessMode, AntiAffinity, Bytes, NAME_OR_EMPTY_PATTERN, Passed, Resources, Retention, Spread,
    Storage, StorageMode, annotations_schema, labels_schema,
};
use crate::redis::resources;

/// The fewest Sentinels of which one may be missing.
pub const FEWEST_SENTINELS: u32 = 3;
/// The most Sentinels.
pub const MOST_SENTINELS: u32 = 9;

/// The usual places to extend the pods of Sentinels, and of HAProxy.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SentinelPod {
    /// Labels that the pods get in addition.
    #[schemars(title = "Labels", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "标签", "x-help-zh" = "Pod 的附加标签。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pods.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "注解", "x-help-zh" = "Pod 的注解。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub annotations: BTreeMap<String, String>,
    /// Labels that a node must have.
    #[schemars(title = "Node selector", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "节点选择", "x-help-zh" = "节点必须具有的标签。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that the pods tolerate, as in a Kubernetes pod.
    #[schemars(title = "Tolerations")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "容忍", "x-help-zh" = "Pod 容忍的节点污点，写法同 Kubernetes。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub tolerations: Vec<Passed>,
    /// How strictly Sentinels keep to different nodes. Most of them on one node are gone with it, and then nobody replaces a master.
    #[schemars(title = "Anti-affinity")]
    #[schemars(extend("x-title-zh" = "反亲和", "x-help-zh" = "Sentinel 分布到不同节点的严格程度。若多数在同一节点上，该节点失效后无法选出新的主节点。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub anti_affinity: AntiAffinity,
    /// Affinity as in a Kubernetes pod. It takes the place of the one that `antiAffinity` makes.
    #[schemars(title = "Affinity")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "亲和", "x-help-zh" = "写法同 Kubernetes，取代 antiAffinity 生成的内容。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub affinity: Passed,
    /// How evenly Sentinels are spread over parts of the cluster, such as zones.
    #[schemars(title = "Topology spread")]
    #[schemars(extend("x-title-zh" = "拓扑分布", "x-help-zh" = "Sentinel 在可用区等拓扑域之间的均匀程度。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub topology_spread: Vec<Spread>,
    /// Priority class. Empty: the cluster's default one.
    #[schemars(
        title = "Priority class",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-title-zh" = "优先级类", "x-help-zh" = "空表示集群默认。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub priority_class_name: String,
}

/// The Sentinels, which watch the servers, and choose another master when most of them miss the one that there is.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Sentinels {
    /// How many Sentinels there are: an odd number, since one more than that bears no further loss.
    #[schemars(title = "Sentinels", range(min = FEWEST_SENTINELS, max = MOST_SENTINELS))]
    #[schemars(extend("x-title-zh" = "Sentinel 数量", "x-help-zh" = "Sentinel 的数量，须为奇数：再多一个并不能容忍更多的失效。", "x-level" = "basic", "x-mutability" = "change_sentinels"))]
    pub count: u32,
    /// How many Sentinels must miss the master before another one is chosen. 0: most of them. Whatever it is, most of them must agree
    /// to the choice.
    #[schemars(title = "Quorum", range(min = 0, max = MOST_SENTINELS))]
    #[schemars(extend("x-title-zh" = "法定数量", "x-help-zh" = "多少个 Sentinel 认为主节点失效后才选择新的主节点。0 表示多数。无论如何，选择须经多数同意。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub quorum: u32,
    /// How long a master may be silent until a Sentinel takes it for gone (`down-after-milliseconds`). A server that is busy for longer
    /// with one command is taken for gone too.
    #[schemars(title = "Time until it is missed", range(min = 1000, max = 300_000))]
    #[schemars(extend("x-title-zh" = "判定失效时间", "x-help-zh" = "主节点无响应多久后被 Sentinel 视为失效（down-after-milliseconds）。被一条命令占用更久的服务器同样会被视为失效。", "x-unit" = "ms", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub down_after_milliseconds: u32,
    /// How long one attempt to replace a master may take; the next one begins after twice as long (`failover-timeout`).
    #[schemars(title = "Time for a failover", range(min = 5000, max = 3_600_000))]
    #[schemars(extend("x-title-zh" = "故障转移时限", "x-help-zh" = "一次故障转移允许的时间，两倍时间之后才会再次尝试（failover-timeout）。", "x-unit" = "ms", "x-level" = "expert", "x-mutability" = "restart"))]
    pub failover_timeout_milliseconds: u32,
    /// How many replicas get their data from a new master at a time (`parallel-syncs`). One that does answers with old data, or none,
    /// meanwhile.
    #[schemars(title = "Replicas at a time", range(min = 1, max = 8))]
    #[schemars(extend("x-title-zh" = "同时同步的副本", "x-help-zh" = "故障转移后同时从新主节点同步数据的副本数量（parallel-syncs）。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub parallel_syncs: u32,
    /// CPU and memory of a Sentinel.
    #[schemars(title = "Resources", extend("x-title-zh" = "资源", "x-help-zh" = "每个 Sentinel 的 CPU 和内存。"))]
    pub resources: Resources,
    /// Where a Sentinel keeps for whom it has voted, and who the master is.
    #[schemars(title = "Storage", extend("x-title-zh" = "存储", "x-help-zh" = "Sentinel 保存投票记录和当前主节点的位置。"))]
    pub storage: Storage,
    /// The usual places to extend the pods.
    #[schemars(title = "Pods", extend("x-title-zh" = "Pod", "x-help-zh" = "扩展 Pod 的常用位置。"))]
    pub pod: SentinelPod,
}

impl Default for SentinelPod {
    fn default() -> Self {
        Self {
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            anti_affinity: AntiAffinity::Soft,
            affinity: Passed::new(),
            topology_spread: Vec::new(),
            priority_class_name: String::new(),
        }
    }
}

impl Default for Sentinels {
    fn default() -> Self {
        Self {
            count: FEWEST_SENTINELS,
            quorum: 0,
            down_after_milliseconds: 5000,
            failover_timeout_milliseconds: 60_000,
            parallel_syncs: 1,
            resources: resources("20m", "32Mi", "64Mi"),
            storage: Storage {
                mode: StorageMode::StorageClass,
                size: Bytes("64Mi".to_owned()),
                class_name: String::new(),
                access_mode: AccessMode::ReadWriteOnce,
                host_path: String::new(),
                on_scale_in: Retention::Retain,
                on_uninstall: Retention::Retain,
            },
            pod: SentinelPod::default(),
        }
    }
}

impl Sentinels {
    /// How many are most of them.
    #[must_use]
    pub const fn majority(&self) -> u32 {
        self.count / 2 + 1
    }

    /// How many must miss the master.
    #[must_use]
    pub const fn effective_quorum(&self) -> u32 {
        match self.quorum {
            0 => self.majority(),
            set => set,
        }
    }
}
