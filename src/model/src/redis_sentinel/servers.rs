//! The servers of a set that Sentinels watch: a master and its replicas, what of the master's writes a replica must have, and where
//! they may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::{AntiAffinity, Spread};

/// The most replicas of the master.
pub const MOST_REPLICAS: u32 = 8;

/// A master and its replicas. Which of the servers is the master is for the Sentinels to say.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SentinelServers {
    /// How many replicas there are besides the master. With one, writes are refused while it restarts, unless `minReplicas` is 0.
    #[schemars(title = "Replicas", range(min = 1, max = MOST_REPLICAS))]
    #[schemars(extend("x-title-zh" = "副本数", "x-help-zh" = "主节点之外的副本数量。只有一个副本时，除非 minReplicas 为 0，否则它重启期间拒绝写入。", "x-level" = "basic", "x-mutability" = "change_replicas"))]
    pub replicas: u32,
    /// How many replicas must be keeping up with the master, or it refuses writes (`min-replicas-to-write`). With 1 or more, a master
    /// that the network has cut off from all replicas takes writes for `minReplicasLagSeconds` at most: these alone can be lost when
    /// another one takes its place. With 0 all that it takes until it is reached again is lost. A write is acknowledged before
    /// replicas have it in either case, so that a master that dies takes along what was on its way, commonly some milliseconds.
    #[schemars(title = "Replicas for a write", range(min = 0, max = MOST_REPLICAS))]
    #[schemars(extend("x-title-zh" = "写入所需副本", "x-help-zh" = "至少多少副本跟上主节点，主节点才接受写入（min-replicas-to-write）。为 1 或以上时，被网络隔离的主节点最多再接受 minReplicasLagSeconds 秒的写入，其他服务器接替时只可能丢失这些；为 0 时，恢复连接之前接受的写入全部丢失。写入总是在副本收到之前确认，因此主节点崩溃时会丢失尚在途中的写入，通常为几毫秒。", "x-level" = "basic", "x-mutability" = "online"))]
    pub min_replicas: u32,
    /// After how many seconds without a word a replica no longer counts as keeping up (`min-replicas-max-lag`).
    #[schemars(title = "Greatest lag", range(min = 2, max = 3600))]
    #[schemars(extend("x-title-zh" = "最大滞后", "x-help-zh" = "副本多少秒没有应答后不再算作跟上主节点（min-replicas-max-lag）。", "x-unit" = "s", "x-level" = "advanced", "x-mutability" = "online"))]
    pub min_replicas_lag_seconds: u32,
    /// How strictly the servers keep to different nodes. With `Hard` a node never has two of them; where there are fewer nodes than
    /// servers, some are not started then.
    #[schemars(title = "Anti-affinity")]
    #[schemars(extend("x-title-zh" = "反亲和", "x-help-zh" = "服务器分布到不同节点的严格程度。Hard 时一个节点上不会有两台服务器；节点数少于服务器数时，部分不会启动。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub anti_affinity: AntiAffinity,
    /// How evenly the servers are spread over parts of the cluster, such as zones.
    #[schemars(title = "Topology spread")]
    #[schemars(extend("x-title-zh" = "拓扑分布", "x-help-zh" = "服务器在可用区等拓扑域之间的均匀程度。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub topology_spread: Vec<Spread>,
}

impl Default for SentinelServers {
    /// Two replicas, so that one may restart while the other bounds what can be lost.
    fn default() -> Self {
        Self {
            replicas: 2,
            min_replicas: 1,
            min_replicas_lag_seconds: 10,
            anti_affinity: AntiAffinity::Soft,
            topology_spread: Vec::new(),
        }
    }
}

impl SentinelServers {
    /// How many servers there are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.replicas + 1
    }
}
