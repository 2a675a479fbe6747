//! Controllers: servers that elect the master of each group among the brokers that have all that was acknowledged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::APP_VERSION;
use crate::fields::{AntiAffinity, Image, Pod, Resources, Storage};

/// The port at which brokers and operations ask a controller. With [`Consensus::DLedger`] controllers talk to each other there, too.
pub const CONTROLLER_PORT: u16 = 9878;
/// The port at which controllers talk to each other with [`Consensus::JRaft`].
pub const CONTROLLER_RAFT_PORT: u16 = 9880;
/// The most controllers that a release may have.
pub const MOST_CONTROLLERS: u32 = 7;
/// Seconds for which a controller that was restarted serves before the next one is: it finds its leader within a few of them.
pub const SETTLE_SECONDS: u32 = 15;
/// Memory in MB that a controller needs beside its heap and its direct memory.
pub const CONTROLLER_MEMORY_BESIDE_HEAP: u64 = 96;

/// How controllers agree.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Consensus {
    /// The product's own default.
    #[schemars(extend("x-help-zh" = "产品默认"))]
    DLedger,
    /// The library `SOFAJRaft`, which compacts what it keeps by snapshots. Since version 5.2.0.
    #[schemars(extend("x-help-zh" = "SOFAJRaft，通过快照压缩所保存的内容。自 5.2.0 起"))]
    JRaft,
}

/// The controllers: which there are and how they agree.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Controllers {
    /// Whether the release has controllers. When a group's master stops, they make a replica its master that has all that was
    /// acknowledged; without them a group takes messages again when its master is back. With `brokers.replication: Synchronous`
    /// nothing acknowledged is lost by it, with `Asynchronous` what no replica had fetched yet is.
    #[schemars(title = "Controllers")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否部署控制器。组的主节点停止时，控制器将已同步的副本提升为主节点；没有控制器时，主节点恢复后该组才能再接收消息。brokers.replication 为 Synchronous 时已确认的消息不会因此丢失，为 Asynchronous 时副本尚未取走的消息会丢失。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub enabled: bool,
    /// How many controllers there are, an odd number. They go on while more than half of them do: with 3, one may be away.
    #[schemars(title = "Number", range(min = 1, max = 7))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "数量", "x-help-zh" = "控制器的数量，须为奇数。超过半数运行时可用：3 个时允许 1 个离开。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub count: u32,
    /// How controllers agree. What one keeps the other cannot read.
    #[schemars(title = "Consensus")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "一致性协议", "x-help-zh" = "控制器之间如何达成一致。二者保存的数据互不兼容。", "x-level" = "advanced", "x-mutability" = "create-only"))]
    pub consensus: Consensus,
    /// Image of the controllers.
    #[schemars(title = "Image", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "镜像", "x-help-zh" = "控制器的镜像。"))]
    pub image: Image,
    /// CPU and memory of each controller.
    #[schemars(title = "Resources", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "资源", "x-help-zh" = "每个控制器的 CPU 和内存。"))]
    pub resources: Resources,
    /// Java heap of each controller. 0: half of the memory limit. A quarter of what the heap leaves is its direct memory.
    #[schemars(title = "Heap", range(min = 0, max = 65536))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "堆", "x-help-zh" = "Java 堆大小。0 表示内存上限的一半。堆以外内存的四分之一用作直接内存。", "x-unit" = "MB", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub heap_megabytes: u32,
    /// Where each controller keeps which brokers there are and which of them are in sync.
    #[schemars(title = "Storage", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "存储", "x-help-zh" = "控制器保存 Broker 及其同步状态的位置。"))]
    pub storage: Storage,
    /// The usual places to extend a pod.
    #[schemars(title = "Pod", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "Pod", "x-help-zh" = "扩展 Pod 的常用位置。"))]
    pub pod: Pod,
}

impl Default for Controllers {
    /// None; where they are wanted, three, as far from each other as nodes allow.
    fn default() -> Self {
        Self {
            enabled: false,
            count: 3,
            consensus: Consensus::DLedger,
            image: super::image("apache/rocketmq", APP_VERSION),
            resources: super::resources("50m", "256Mi", "", "512Mi"),
            heap_megabytes: 0,
            storage: super::storage("2Gi"),
            pod: Pod {
                anti_affinity: AntiAffinity::Soft,
                ..Pod::default()
            },
        }
    }
}
