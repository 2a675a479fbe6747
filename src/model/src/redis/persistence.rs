//! Whether and how a server keeps its data over restarts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::Storage;

/// What a server keeps on its disk.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum PersistenceMode {
    /// Nothing: a cache.
    #[schemars(extend("x-help-zh" = "不保留，仅作缓存"))]
    None,
    /// A snapshot now and then, and at a stop. A server that is killed loses what came after the last one.
    #[schemars(extend("x-help-zh" = "定期以及停止时写快照；进程被杀则丢失上次快照之后的写入"))]
    Snapshots,
    /// Each write, in the append-only file.
    #[schemars(extend("x-help-zh" = "每次写入都记入 AOF 文件"))]
    AppendOnly,
    /// Both; at a start the append-only file counts.
    #[schemars(extend("x-help-zh" = "两者；启动时以 AOF 文件为准"))]
    Both,
}

impl PersistenceMode {
    /// Whether there are snapshots.
    #[must_use]
    pub const fn has_snapshots(self) -> bool {
        matches!(self, Self::Snapshots | Self::Both)
    }

    /// Whether there is an append-only file.
    #[must_use]
    pub const fn has_append_only_file(self) -> bool {
        matches!(self, Self::AppendOnly | Self::Both)
    }
}

/// When a snapshot is due: after so many changes, but not before so much time has passed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SavePoint {
    /// Seconds since the last snapshot.
    #[schemars(range(min = 1, max = 604_800))]
    #[schemars(title = "Seconds", extend("x-title-zh" = "秒数", "x-help-zh" = "距上次快照的秒数。"))]
    pub seconds: u32,
    /// Changes since the last snapshot, at least.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    #[schemars(title = "Changes", extend("x-title-zh" = "更改数", "x-help-zh" = "距上次快照的最少更改数。"))]
    pub changes: u32,
}

/// When what stands in the append-only file is brought to the disk.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Flush {
    /// Before a write is acknowledged.
    #[schemars(extend("x-help-zh" = "确认写入之前"))]
    Always,
    /// Each second. A server that is killed, or a node that loses its power, may lose the last second or two.
    #[schemars(extend("x-help-zh" = "每秒一次；进程被杀或节点断电可能丢失最后一两秒的写入"))]
    EverySecond,
    /// When the node does it by itself, which may take half a minute.
    #[schemars(extend("x-help-zh" = "由节点操作系统决定，可能需要半分钟"))]
    Never,
}

impl Flush {
    /// The product's word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::EverySecond => "everysec",
            Self::Never => "no",
        }
    }
}

/// Whether and how the data outlive a restart.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Persistence {
    /// What the server keeps on its disk. A change carries the data over at the restart.
    #[schemars(title = "Kept")]
    #[schemars(extend("x-title-zh" = "持久化方式", "x-help-zh" = "服务器在磁盘上保留什么。更改时，数据在重启时转换。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub mode: PersistenceMode,
    /// When snapshots are due (`save`): as soon as one of these holds.
    #[schemars(title = "Snapshots", length(max = 16))]
    #[schemars(extend("x-visible-if" = ".mode in [Snapshots, Both]", "x-required" = true, "x-title-zh" = "快照时机", "x-help-zh" = "何时写快照（save）：满足任一条即写。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub save_points: Vec<SavePoint>,
    /// When what stands in the append-only file is brought to the disk (`appendfsync`).
    #[schemars(title = "Flush")]
    #[schemars(extend("x-visible-if" = ".mode in [AppendOnly, Both]", "x-title-zh" = "刷盘方式", "x-help-zh" = "AOF 文件的内容何时落盘（appendfsync）。", "x-level" = "basic", "x-mutability" = "online"))]
    pub flush: Flush,
    /// By how much the append-only file may grow before it is written anew (`auto-aof-rewrite-percentage`). 0: it is never.
    #[schemars(title = "Growth before a rewrite", range(min = 0, max = 10_000))]
    #[schemars(extend("x-visible-if" = ".mode in [AppendOnly, Both]", "x-title-zh" = "重写前的增长", "x-help-zh" = "AOF 文件增长多少后重写（auto-aof-rewrite-percentage）。0 表示从不重写。", "x-unit" = "%", "x-level" = "expert", "x-mutability" = "online"))]
    pub rewrite_percent: u32,
    /// The size below which the append-only file is not written anew (`auto-aof-rewrite-min-size`).
    #[schemars(title = "Least size of a rewrite", range(min = 1, max = 1_048_576))]
    #[schemars(extend("x-visible-if" = ".mode in [AppendOnly, Both]", "x-title-zh" = "重写的最小大小", "x-help-zh" = "小于该大小的 AOF 文件不重写（auto-aof-rewrite-min-size）。", "x-unit" = "MB", "x-level" = "expert", "x-mutability" = "online"))]
    pub rewrite_least_megabytes: u32,
    /// Where the data lie.
    #[schemars(title = "Storage", extend("x-title-zh" = "存储", "x-help-zh" = "数据所在的位置。"))]
    pub storage: Storage,
}
