//! The shards of a cluster: how many there are, how many servers each has, and where these may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::{AntiAffinity, Spread};

/// The fewest shards: with two, the loss of one leaves no majority that could let a replica take over.
pub const FEWEST_SHARDS: u32 = 3;
/// The most shards.
pub const MOST_SHARDS: u32 = 64;
/// The most replicas of a shard's master.
pub const MOST_REPLICAS: u32 = 4;

/// How the keys are divided among servers: shards with a share of the slots each, of one master and its replicas.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Shards {
    /// How many shards there are: masters that share the keys. With fewer, those with the highest numbers give their slots away
    /// and leave.
    #[schemars(title = "Shards", range(min = FEWEST_SHARDS, max = MOST_SHARDS))]
    #[schemars(extend("x-title-zh" = "分片数", "x-help-zh" = "分片数量，即分担键的主节点数量。减少时，编号最大的分片先迁出槽再离开。", "x-level" = "basic", "x-mutability" = "rebalance_slots/drain_shards"))]
    pub count: u32,
    /// How many replicas each shard's master has. Without one, the keys of a shard cannot be reached while its server restarts, and go
    /// with its volume.
    #[schemars(title = "Replicas per shard", range(min = 0, max = MOST_REPLICAS))]
    #[schemars(extend("x-title-zh" = "每分片副本数", "x-help-zh" = "每个分片主节点的副本数量。没有副本时，服务器重启期间无法访问该分片的键，卷丢失则键也丢失。", "x-level" = "basic", "x-mutability" = "change_replicas"))]
    pub replicas_per_shard: u32,
    /// How long a server may be silent until the others take it for gone, and a replica takes over from a master
    /// (`cluster-node-timeout`). A server that is busy for longer with one command is taken for gone too.
    #[schemars(title = "Time until a takeover", range(min = 1000, max = 300_000))]
    #[schemars(extend("x-title-zh" = "节点超时", "x-help-zh" = "服务器无响应多久后被其他服务器视为失效，并由副本接替主节点（cluster-node-timeout）。被一条命令占用更久的服务器同样会被视为失效。", "x-unit" = "ms", "x-level" = "advanced", "x-mutability" = "online"))]
    pub node_timeout_milliseconds: u32,
    /// Whether all shards refuse commands while the keys of one cannot be reached (`cluster-require-full-coverage`). Otherwise only
    /// commands with keys of that one fail.
    #[schemars(title = "All or nothing")]
    #[schemars(extend("x-title-zh" = "要求完整覆盖", "x-help-zh" = "某个分片的键无法访问时，是否所有分片都拒绝命令（cluster-require-full-coverage）；否则只有涉及该分片的命令失败。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub require_full_coverage: bool,
    /// How strictly the pods of a shard keep to different nodes. `Hard` holds within a shard, so that a shard never loses two servers
    /// with one node; where there are fewer nodes than servers of a shard, some are not started then.
    #[schemars(title = "Anti-affinity")]
    #[schemars(extend("x-title-zh" = "反亲和", "x-help-zh" = "同一分片的 Pod 分布到不同节点的严格程度。Hard 作用于分片内，一个节点失效时分片不会失去两台服务器；节点数少于分片的服务器数时，部分 Pod 不会启动。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub anti_affinity: AntiAffinity,
    /// How evenly the pods of each shard are spread over parts of the cluster, such as zones.
    #[schemars(title = "Topology spread")]
    #[schemars(extend("x-title-zh" = "拓扑分布", "x-help-zh" = "每个分片的 Pod 在可用区等拓扑域之间的均匀程度。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub topology_spread: Vec<Spread>,
}

impl Default for Shards {
    /// The fewest shards that can replace a master, each with a replica; and the product's own time until that happens, which a
    /// server that forks or whose CPU is throttled does not exceed.
    fn default() -> Self {
        Self {
            count: FEWEST_SHARDS,
            replicas_per_shard: 1,
            node_timeout_milliseconds: 15_000,
            require_full_coverage: false,
            anti_affinity: AntiAffinity::Soft,
            topology_spread: Vec::new(),
        }
    }
}

impl Shards {
    /// How many servers there are.
    #[must_use]
    pub const fn servers(&self) -> u32 {
        self.count * (1 + self.replicas_per_shard)
    }
}
