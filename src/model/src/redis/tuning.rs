//! What people change in a server's configuration beside memory, persistence and connections.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::settings;
use crate::fields::configuration::ConfigurationValue;

/// Classes of events about keys, by the product's letters, that every version knows.
pub const EVENTS_PATTERN: &str = r"^[KEg$lshzxetA]*$";

/// The schema of keys in the server's configuration file.
fn configuration_schema(_: &mut SchemaGenerator) -> Schema {
    ConfigurationValue::by_keys("^[a-z][a-z0-9-]*$")
}

/// What people change in the server's configuration.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tuning {
    /// How long a client may say nothing before its connection is closed (`timeout`). 0: for ever.
    #[schemars(title = "Idle clients", range(min = 0, max = 604_800))]
    #[schemars(extend("x-title-zh" = "空闲超时", "x-help-zh" = "客户端空闲多久后关闭连接（timeout）。0 表示从不关闭。", "x-unit" = "s", "x-level" = "advanced", "x-mutability" = "online"))]
    pub timeout_seconds: u32,
    /// How often a silent connection is looked at, so that one whose other end is gone is closed (`tcp-keepalive`). 0: never.
    #[schemars(title = "Keepalive", range(min = 0, max = 86400))]
    #[schemars(extend("x-title-zh" = "TCP 保活", "x-help-zh" = "多久探测一次无数据的连接，以关闭对端已消失的连接（tcp-keepalive）。0 表示不探测。", "x-unit" = "s", "x-level" = "expert", "x-mutability" = "online"))]
    pub tcp_keepalive_seconds: u32,
    /// The most connections of clients (`maxclients`). The node's limit of open files may allow fewer.
    #[schemars(title = "Connections", range(min = 10, max = 1_000_000))]
    #[schemars(extend("x-title-zh" = "最大连接数", "x-help-zh" = "客户端连接的最大数量（maxclients），节点的打开文件数上限可能更小。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub max_clients: u32,
    /// How many databases there are (`databases`).
    #[schemars(title = "Databases", range(min = 1, max = 16_384))]
    #[schemars(extend("x-title-zh" = "数据库数量", "x-help-zh" = "数据库的数量（databases）。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub databases: u32,
    /// How many threads read from and write to clients (`io-threads`). Since version 6.0. More than the CPU limit are of no use.
    #[schemars(title = "Threads", range(min = 1, max = 64))]
    #[schemars(extend("x-title-zh" = "IO 线程数", "x-help-zh" = "读写客户端数据的线程数（io-threads）。自 6.0 起。多于 CPU 上限没有用处。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub threads: u32,
    /// Commands that take longer than this are written down (`slowlog-log-slower-than`). 0: all of them; -1: none.
    #[schemars(title = "Slow commands", range(min = -1, max = 60_000_000))]
    #[schemars(extend("x-title-zh" = "慢命令阈值", "x-help-zh" = "执行时间超过该值的命令会被记录（slowlog-log-slower-than）。0 表示全部，-1 表示不记录。", "x-unit" = "µs", "x-level" = "advanced", "x-mutability" = "online"))]
    pub slow_microseconds: i32,
    /// How many slow commands are remembered (`slowlog-max-len`).
    #[schemars(title = "Slow commands remembered", range(min = 0, max = 100_000))]
    #[schemars(extend("x-title-zh" = "慢命令条数", "x-help-zh" = "保留的慢命令条数（slowlog-max-len）。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub slow_remembered: u32,
    /// What takes longer than this inside the server is remembered for `LATENCY` (`latency-monitor-threshold`). 0: nothing.
    #[schemars(title = "Latency monitor", range(min = 0, max = 60_000))]
    #[schemars(extend("x-title-zh" = "延迟监控阈值", "x-help-zh" = "服务器内部耗时超过该值的事件会被记录，供 LATENCY 查看（latency-monitor-threshold）。0 表示不记录。", "x-unit" = "ms", "x-level" = "expert", "x-mutability" = "online"))]
    pub latency_milliseconds: u32,
    /// Which events about keys clients can subscribe to (`notify-keyspace-events`), such as `Ex` for keys that expire. Empty: none.
    #[schemars(title = "Events about keys", regex(pattern = EVENTS_PATTERN), length(max = 16))]
    #[schemars(extend("x-title-zh" = "键空间通知", "x-help-zh" = "客户端可订阅的键事件（notify-keyspace-events），如 Ex 表示键过期。空表示没有。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub keyspace_events: String,
    /// Whether the memory of keys that go is freed in the background (`lazyfree-*`), so that large ones keep no client waiting.
    #[schemars(title = "Free in the background")]
    #[schemars(extend("x-title-zh" = "后台释放", "x-help-zh" = "键移除后是否在后台释放内存（lazyfree-*），大键不会让客户端等待。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub lazy_freeing: bool,
    /// Whether the server moves data together while it serves, so that memory which is free in many small parts is of use
    /// (`activedefrag`). It needs an image whose server has jemalloc, as the official ones have.
    #[schemars(title = "Defragmentation")]
    #[schemars(extend("x-title-zh" = "在线碎片整理", "x-help-zh" = "服务器是否在运行中整理内存碎片（activedefrag）。需要带有 jemalloc 的镜像，官方镜像即是。", "x-level" = "expert", "x-mutability" = "online"))]
    pub active_defragmentation: bool,
    /// The most fields of a hash that is kept in the compact form (`hash-max-ziplist-entries`).
    #[schemars(title = "Fields of compact hashes", range(min = 0, max = 1_000_000))]
    #[schemars(extend("x-title-zh" = "紧凑哈希的字段数", "x-help-zh" = "以紧凑形式保存的哈希的最大字段数（hash-max-ziplist-entries）。", "x-level" = "expert", "x-mutability" = "online"))]
    pub compact_hash_fields: u32,
    /// The longest field or value of such a hash (`hash-max-ziplist-value`).
    #[schemars(title = "Values of compact hashes", range(min = 0, max = 1_000_000))]
    #[schemars(extend("x-title-zh" = "紧凑哈希的值长度", "x-help-zh" = "此类哈希的字段或值的最大长度（hash-max-ziplist-value）。", "x-unit" = "B", "x-level" = "expert", "x-mutability" = "online"))]
    pub compact_hash_bytes: u32,
    /// The most members of a sorted set that is kept in the compact form (`zset-max-ziplist-entries`).
    #[schemars(
        title = "Members of compact sorted sets",
        range(min = 0, max = 1_000_000)
    )]
    #[schemars(extend("x-title-zh" = "紧凑有序集合的成员数", "x-help-zh" = "以紧凑形式保存的有序集合的最大成员数（zset-max-ziplist-entries）。", "x-level" = "expert", "x-mutability" = "online"))]
    pub compact_sorted_set_members: u32,
    /// The longest member of such a sorted set (`zset-max-ziplist-value`).
    #[schemars(
        title = "Values of compact sorted sets",
        range(min = 0, max = 1_000_000)
    )]
    #[schemars(extend("x-title-zh" = "紧凑有序集合的成员长度", "x-help-zh" = "此类有序集合的成员的最大长度（zset-max-ziplist-value）。", "x-unit" = "B", "x-level" = "expert", "x-mutability" = "online"))]
    pub compact_sorted_set_bytes: u32,
    /// Keys of the server's configuration file in addition, such as `maxmemory-samples: 10`; `true` and `false` become `yes` and `no`.
    /// Keys that the chart sets itself are refused. What a running server takes, such as `lfu-decay-time`, restarts nothing.
    #[schemars(title = "Configuration", schema_with = "configuration_schema")]
    #[schemars(extend("x-title-zh" = "附加配置", "x-help-zh" = "redis.conf 的附加配置项，true 和 false 写作 yes 和 no；由 chart 设置的项会被拒绝。运行中的服务器可接受的项（如 lfu-decay-time）不引起重启。", "x-level" = "advanced", "x-mutability" = "restart", "x-online-keys" = settings::ONLINE.map(|(key, _)| key)))]
    pub configuration: BTreeMap<String, ConfigurationValue>,
}

impl Default for Tuning {
    /// What servers have unless told otherwise, but for the memory that is freed in the background, as Valkey does.
    fn default() -> Self {
        Self {
            timeout_seconds: 0,
            tcp_keepalive_seconds: 300,
            max_clients: 10_000,
            databases: 16,
            threads: 1,
            slow_microseconds: 10_000,
            slow_remembered: 128,
            latency_milliseconds: 0,
            keyspace_events: String::new(),
            lazy_freeing: true,
            active_defragmentation: false,
            compact_hash_fields: 512,
            compact_hash_bytes: 64,
            compact_sorted_set_members: 128,
            compact_sorted_set_bytes: 64,
            configuration: BTreeMap::new(),
        }
    }
}
