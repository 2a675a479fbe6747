//! The values of the chart `rocketmq`: name servers, brokers, controllers, proxies, the console and the hook program.

pub mod access_control;
pub mod console;
pub mod controllers;
pub mod names;
pub mod rules;
pub mod settings;
pub mod tls;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use self::access_control::AccessControl;
use self::console::Console;
use self::controllers::Controllers;
use self::tls::Tls;
use crate::description::{Description, DescriptionError};
use crate::fields::configuration::ConfigurationValue;
use crate::fields::hook::Hook;
use crate::fields::monitoring::ServiceMonitor;
use crate::fields::network::{
    FIRST_NODE_PORT, HOST_OR_EMPTY_PATTERN, KEY_OR_EMPTY_PATTERN, NetworkPolicy, RANGE_PATTERN,
    ServiceType,
};
use crate::fields::{
    AccessMode, AntiAffinity, Bytes, Cpu, IMAGE_REGISTRY_PATTERN, Image, Limits, NAME_PATTERN, Pod,
    PullPolicy, Requests, Resources, Retention, Storage, StorageMode, annotations_schema,
    labels_schema, rolled_out,
};
use crate::model::ChartValues;
use crate::rules::Rule;

/// The chart's name.
pub const CHART: &str = "rocketmq";
/// How many node ports lie between a broker and the next: its own, one for replicas above it, one for clients two below it.
pub const NODE_PORTS_OF_BROKER: u16 = 4;
/// The version of the product that the chart installs by default.
pub const APP_VERSION: &str = "5.4.0";
/// The port of a name server.
pub const NAME_SERVER_PORT: u16 = 9876;
/// The port of a broker.
pub const BROKER_PORT: u16 = 10911;
/// The port at which a broker's replicas fetch from it.
pub const BROKER_REPLICATION_PORT: u16 = 10912;
/// A broker's second port for clients, two below the first.
pub const BROKER_FAST_PORT: u16 = 10909;
/// The port at which a proxy takes clients that speak gRPC.
pub const PROXY_GRPC_PORT: u16 = 8081;
/// The port at which a proxy takes clients that speak the remoting protocol.
pub const PROXY_REMOTING_PORT: u16 = 8080;
/// The port at which brokers and proxies serve metrics.
pub const METRICS_PORT: u16 = 5557;
/// The most proxies that a release may have.
pub const MOST_PROXIES: u32 = 32;
/// Seconds for which a proxy goes on before it stops, until nobody is sent to it any more.
pub const PROXY_LEAVE_SECONDS: u32 = 10;
/// Seconds that a proxy waits for calls under way when it stops. It answers a consumer that waits for messages after 20.
pub const PROXY_CALLS_SECONDS: u32 = 30;
/// Seconds that a proxy may take to stop beside these.
pub const PROXY_STOP_SECONDS: u32 = 20;
/// Memory in MB that a proxy needs beside its heap and its direct memory.
pub const PROXY_MEMORY_BESIDE_HEAP: u64 = 160;
/// The most name servers that a release may have.
pub const MOST_NAME_SERVERS: u32 = 9;
/// The most groups that a release may have.
pub const MOST_GROUPS: u32 = 32;
/// The most replicas that a group may have.
pub const MOST_REPLICAS: u32 = 4;
/// Seconds that a drain waits longer than clients take to refresh their routes.
pub const DRAIN_MARGIN_SECONDS: u32 = 15;
/// Seconds for which a drain looks for another master that takes messages, at most.
pub const DRAIN_LOOK_SECONDS: u32 = 30;
/// Seconds that a server may take to stop after its drain.
pub const SHUTDOWN_SECONDS: u32 = 60;
/// Seconds that a restart of a broker takes beside three refreshes of clients' routes.
pub const RESTART_SECONDS: u32 = 120;
/// Seconds that an operation takes beside the restarts of brokers.
pub const OPERATION_SECONDS: u32 = 600;
/// The least time in seconds after which a hook Job is ended, unless a field says otherwise.
pub const LEAST_DEADLINE_SECONDS: u32 = 3600;
/// The operation that waits for consumers, so that an upgrade takes longer.
const REMOVE_BROKERS: &str = "remove_brokers";
/// Seconds that a hook Job may run longer than the estimate, unless a field says otherwise.
pub const DEADLINE_MARGIN_SECONDS: u32 = 600;
/// The namespace of name servers' key-value configuration that every operation copies: the order configuration.
/// Source: `NamesrvUtil.NAMESPACE_ORDER_TOPIC_CONFIG`, the same from 4.5.0 to 5.5.0.
pub const ORDER_CONFIGURATION: &str = "ORDER_TOPIC_CONFIG";
/// Memory in MB that a name server needs beside its heap and its direct memory.
pub const NAME_SERVER_MEMORY_BESIDE_HEAP: u64 = 72;
/// Memory in MB that a broker needs beside its heap and its direct memory.
pub const BROKER_MEMORY_BESIDE_HEAP: u64 = 160;
/// The least heap in MB with which a server starts.
pub const LEAST_HEAP: u64 = 32;

/// Where the name servers come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum NameServerSource {
    /// This release has its own.
    #[schemars(extend("x-help-zh" = "本发布自有"))]
    Own,
    /// Those of another release of this chart.
    #[schemars(extend("x-help-zh" = "本 chart 的另一个发布的"))]
    Release,
    /// A list of addresses.
    #[schemars(extend("x-help-zh" = "地址列表"))]
    Addresses,
}

/// Another release of this chart whose name servers are used.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OtherRelease {
    /// Name of the other release.
    #[schemars(
        title = "Release",
        regex(pattern = r"^([a-z]([a-z0-9-]*[a-z0-9])?)?$"),
        length(max = 53)
    )]
    #[schemars(extend("x-required" = true, "x-title-zh" = "发布名", "x-help-zh" = "另一个发布的名称。", "x-level" = "advanced", "x-mutability" = "change_name_servers"))]
    pub name: String,
    /// Namespace of the other release. Empty: the same one.
    #[schemars(
        title = "Namespace",
        regex(pattern = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$"),
        length(max = 63)
    )]
    #[schemars(extend("x-widget" = "namespace", "x-title-zh" = "命名空间", "x-help-zh" = "另一个发布所在的命名空间，空表示相同。", "x-level" = "advanced", "x-mutability" = "change_name_servers"))]
    pub namespace: String,
    /// How many name servers the other release has.
    #[schemars(title = "Number", range(min = 1, max = 9))]
    #[schemars(extend("x-title-zh" = "数量", "x-help-zh" = "另一个发布的名称服务器数量。", "x-level" = "advanced", "x-mutability" = "change_name_servers"))]
    pub count: u32,
}

/// The address of a name server, `host:port`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Address(pub String);

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 260,
            "pattern": "^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"
        })
    }
}

/// The name servers: which ones, and those of this release.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NameServers {
    /// Where the name servers come from: own ones, those of another release, or a list of addresses.
    #[schemars(title = "Source")]
    #[schemars(extend("x-title-zh" = "来源", "x-help-zh" = "自有、另一个发布的，或地址列表。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub source: NameServerSource,
    /// How many name servers this release has. A change is carried out while clients go on; each broker knows the new list
    /// before the upgrade ends.
    #[schemars(title = "Number", range(min = 1, max = 9))]
    #[schemars(extend("x-visible-if" = ".source == Own", "x-title-zh" = "数量", "x-help-zh" = "名称服务器数量。更改时客户端不中断，升级结束前每个 Broker 都会获知新列表。", "x-level" = "basic", "x-mutability" = "change_name_servers"))]
    pub count: u32,
    /// The other release, for the source `Release`.
    #[schemars(title = "Other release", extend("x-visible-if" = ".source == Release", "x-title-zh" = "另一个发布", "x-help-zh" = "来源为 Release 时使用。"))]
    pub release: OtherRelease,
    /// Addresses `host:port`, for the source `Addresses`.
    #[schemars(title = "Addresses", length(max = 32), extend("uniqueItems" = true))]
    #[schemars(extend("x-visible-if" = ".source == Addresses", "x-required" = true, "x-title-zh" = "地址", "x-help-zh" = "来源为 Addresses 时的 host:port 列表。", "x-level" = "advanced", "x-mutability" = "change_name_servers"))]
    pub addresses: Vec<Address>,
    /// Namespaces of the name servers' key-value configuration that are copied to new name servers, besides the order
    /// configuration of topics, which always is. The protocol cannot list them.
    #[schemars(title = "Key-value namespaces", inner(regex(pattern = r"^[%a-zA-Z0-9_-]+$"), length(max = 127)), length(max = 32), extend("uniqueItems" = true))]
    #[schemars(extend("x-title-zh" = "键值命名空间", "x-help-zh" = "除主题顺序配置外，还要复制到新名称服务器的 KV 配置命名空间；协议无法列出它们。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub key_value_namespaces: Vec<String>,
    /// Image of the name servers.
    #[schemars(title = "Image", extend("x-visible-if" = ".source == Own", "x-title-zh" = "镜像", "x-help-zh" = "名称服务器的镜像。"))]
    pub image: Image,
    /// CPU and memory of each name server.
    #[schemars(title = "Resources", extend("x-visible-if" = ".source == Own", "x-title-zh" = "资源", "x-help-zh" = "每个名称服务器的 CPU 和内存。"))]
    pub resources: Resources,
    /// Java heap of each name server. 0: half of the memory limit. A quarter of what the heap leaves is its direct memory.
    #[schemars(title = "Heap", range(min = 0, max = 65536))]
    #[schemars(extend("x-visible-if" = ".source == Own", "x-title-zh" = "堆", "x-help-zh" = "Java 堆大小。0 表示内存上限的一半。堆以外内存的四分之一用作直接内存。", "x-unit" = "MB", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub heap_megabytes: u32,
    /// Where each name server keeps the order configuration of topics.
    #[schemars(title = "Storage", extend("x-visible-if" = ".source == Own", "x-title-zh" = "存储", "x-help-zh" = "名称服务器保存主题顺序配置的位置。"))]
    pub storage: Storage,
    /// The usual places to extend a pod.
    #[schemars(title = "Pod", extend("x-visible-if" = ".source == Own", "x-title-zh" = "Pod", "x-help-zh" = "扩展 Pod 的常用位置。"))]
    pub pod: Pod,
}

/// When a send or a write counts as done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Timing {
    /// Before the other side has it.
    #[schemars(extend("x-help-zh" = "对方收到之前"))]
    Asynchronous,
    /// After the other side has it.
    #[schemars(extend("x-help-zh" = "对方收到之后"))]
    Synchronous,
}

/// What becomes of ordered topics when groups are added.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OrderedTopics {
    /// They stay where they are, and messages of one key stay together.
    #[schemars(extend("x-help-zh" = "保留在原来的组，同一键的消息仍在一起"))]
    Leave,
    /// New groups get them too. Messages of one key may then change their queue.
    #[schemars(extend("x-help-zh" = "新组也获得这些主题，同一键的消息可能换到其他队列"))]
    Spread,
}

/// What becomes of volumes that groups and replicas left behind when such ones are added again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum KeptVolumes {
    /// The upgrade is refused, and the volumes are named.
    #[schemars(extend("x-help-zh" = "拒绝升级，并列出这些卷"))]
    Refuse,
    /// New brokers come up with what is on them: old messages, topics, subscription groups and offsets.
    #[schemars(extend("x-help-zh" = "新 Broker 使用卷上原有的消息、主题、订阅组和位点"))]
    Reuse,
}

/// The schema of keys in the configuration files of brokers and proxies.
fn configuration_schema(_: &mut SchemaGenerator) -> Schema {
    ConfigurationValue::by_keys("^[A-Za-z][A-Za-z0-9_.]*$")
}

/// The brokers: groups of one master and its replicas.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Brokers {
    /// Whether the release has brokers. Without them it is name servers only.
    #[schemars(title = "Brokers")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否部署 Broker；否则只有名称服务器。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub enabled: bool,
    /// Name of the cluster that the brokers register. Empty: the release's full name.
    #[schemars(
        title = "Cluster name",
        regex(pattern = r"^[A-Za-z0-9_-]*$"),
        length(max = 64)
    )]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "集群名", "x-help-zh" = "Broker 注册的集群名，空表示发布的全名。", "x-level" = "advanced", "x-mutability" = "create-only"))]
    pub cluster_name: String,
    /// How many groups there are: masters that share the topics' queues. With fewer, those with the highest numbers are drained
    /// and leave.
    #[schemars(title = "Groups", range(min = 1, max = 32))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "组数", "x-help-zh" = "Broker 组数，各组主节点分担主题的队列。减少时，先排空离开的组。", "x-level" = "basic", "x-mutability" = "add_brokers/remove_brokers"))]
    pub groups: u32,
    /// How many replicas each group's master has.
    #[schemars(title = "Replicas per group", range(min = 0, max = 4))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "每组副本数", "x-help-zh" = "每组主节点的副本数量。", "x-level" = "basic", "x-mutability" = "online/remove_brokers"))]
    pub replicas_per_group: u32,
    /// Whether a send is acknowledged before or after a replica has the message. Before: a master that is lost with its volume
    /// takes along what no replica has fetched yet.
    #[schemars(title = "Replication")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "复制方式", "x-help-zh" = "发送确认在副本收到消息之前还是之后。之前：主节点连同卷一起丢失时，副本尚未取走的消息随之丢失。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub replication: Timing,
    /// Whether a send is acknowledged before or after the message is on the disk. Before: a broker that is killed loses nothing, a
    /// node that loses its power may lose what came within its last ten seconds.
    #[schemars(title = "Flush")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "刷盘方式", "x-help-zh" = "发送确认在消息落盘之前还是之后。之前：Broker 进程被杀不丢消息；节点断电可能丢失最后十秒内的消息。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub flush: Timing,
    /// Whether an upgrade may restart brokers, one at a time and drained, where a change needs it: of the image, the resources
    /// or the configuration, and for brokers older than 4.9.4 also of the name servers. Otherwise such a change is refused.
    #[schemars(title = "Allow restart")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "允许重启", "x-help-zh" = "镜像、资源、配置的更改需要重启时（低于 4.9.4 的版本更改名称服务器时也需要），升级是否可以逐个排空并重启 Broker；否则拒绝此类更改。", "x-level" = "basic", "x-mutability" = "online"))]
    pub allow_restart: bool,
    /// The group, counted from 0, from which groups that are added get topics, subscription groups and the order of topics
    /// before they take messages.
    #[schemars(title = "Fill new groups from", range(min = 0, max = 31))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "新组的来源", "x-help-zh" = "新增的组在接收消息之前，从哪个组（从 0 起）复制主题、订阅组和主题顺序。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub new_groups_from: u32,
    /// What becomes of ordered topics when groups are added: those whose configuration, message type or order configuration
    /// says that the order of messages counts.
    #[schemars(title = "Ordered topics")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "顺序主题", "x-help-zh" = "增加组时如何处理顺序主题（由主题配置、消息类型或顺序配置标明）。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub ordered_topics: OrderedTopics,
    /// What happens when groups or replicas are added of which volumes stand that were kept when others of that name left.
    #[schemars(title = "Kept volumes")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "保留的卷", "x-help-zh" = "新增的组或副本存在以前同名 Broker 留下的卷时如何处理。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub kept_volumes: KeptVolumes,
    /// How long an upgrade waits until consumers have what is left in groups that leave. What is still left then keeps them.
    #[schemars(title = "Drain", range(min = 1, max = 1440))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "排空时限", "x-help-zh" = "减少组时，等待消费者取完剩余消息的最长时间；超时则保留这些组。", "x-unit" = "min", "x-level" = "advanced", "x-mutability" = "online"))]
    pub drain_minutes: u32,
    /// Whether messages that consumers have given up (`%DLQ%`) may go with groups that leave. Otherwise they keep them.
    #[schemars(title = "Discard dead letters")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "丢弃死信", "x-help-zh" = "减少组时，死信（%DLQ%）是否可以随 Broker 一起删除；否则拒绝。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub discard_dead_letters: bool,
    /// How long clients take to refresh their routes (`pollNameServerInterval`). Waits of operations and drains follow from it.
    #[schemars(title = "Clients' route refresh", range(min = 1, max = 600))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "客户端路由刷新时间", "x-help-zh" = "客户端刷新路由的周期，操作与排空的等待时间由它得出。", "x-unit" = "s", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub client_route_refresh_seconds: u32,
    /// Size of each commit log file. It sizes the index files too. A store keeps the size with which it was made.
    #[schemars(title = "Commit log file", range(min = 8, max = 1024))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "提交日志文件大小", "x-help-zh" = "每个 CommitLog 文件的大小，索引文件随之调整。建立后不可更改。", "x-unit" = "MB", "x-level" = "expert", "x-mutability" = "create-only"))]
    pub commit_log_file_megabytes: u32,
    /// Keys of the broker's configuration file in addition, such as `autoCreateTopicEnable: true`. Keys that the chart sets
    /// itself are refused. What a running broker takes, such as `fileReservedTime`, restarts none.
    #[schemars(title = "Configuration", schema_with = "configuration_schema")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "附加配置", "x-help-zh" = "broker.conf 的附加配置项；由 chart 设置的项会被拒绝。运行中的 Broker 可接受的项（如 fileReservedTime）不引起重启。", "x-level" = "advanced", "x-mutability" = "restart", "x-online-keys" = settings::ONLINE.map(|(key, _)| key)))]
    pub configuration: BTreeMap<String, ConfigurationValue>,
    /// Image of the brokers.
    #[schemars(title = "Image", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "镜像", "x-help-zh" = "Broker 的镜像。"))]
    pub image: Image,
    /// CPU and memory of each broker.
    #[schemars(title = "Resources", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "资源", "x-help-zh" = "每个 Broker 的 CPU 和内存。"))]
    pub resources: Resources,
    /// Java heap of each broker. 0: two fifths of the memory limit.
    #[schemars(title = "Heap", range(min = 0, max = 65536))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "堆", "x-help-zh" = "Java 堆大小。0 表示内存上限的五分之二。", "x-unit" = "MB", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub heap_megabytes: u32,
    /// Java direct memory of each broker. 0: a quarter of the memory limit.
    #[schemars(title = "Direct memory", range(min = 0, max = 65536))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "直接内存", "x-help-zh" = "Java 直接内存。0 表示内存上限的四分之一。", "x-unit" = "MB", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub direct_memory_megabytes: u32,
    /// Where each broker keeps its messages.
    #[schemars(title = "Storage", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "存储", "x-help-zh" = "Broker 保存消息的位置。"))]
    pub storage: Storage,
    /// The usual places to extend a pod.
    #[schemars(title = "Pod", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "Pod", "x-help-zh" = "扩展 Pod 的常用位置。"))]
    pub pod: Pod,
}

/// How the proxies are reached.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProxyService {
    /// From where clients reach the proxies. Clients inside the cluster use the same name whatever it is.
    #[schemars(title = "Reached from")]
    #[schemars(extend("x-title-zh" = "访问范围", "x-help-zh" = "客户端从何处访问代理。集群内的客户端始终使用同一名称。", "x-level" = "basic", "x-mutability" = "online"))]
    #[serde(rename = "type")]
    pub kind: ServiceType,
    /// The port of every node that leads to the proxies by gRPC, from 30000 to 32767. 0: the cluster chooses one.
    #[schemars(title = "Node port for gRPC", range(min = 0, max = 32767))]
    #[schemars(extend("x-visible-if" = ".type == NodePort", "x-title-zh" = "gRPC 节点端口", "x-help-zh" = "每个节点上通往代理 gRPC 端口的端口，30000 到 32767。0 表示由集群选择。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub grpc_node_port: u16,
    /// The class of the load balancer. Empty: the cluster's own. It cannot be changed as long as the Service is balanced.
    #[schemars(title = "Load balancer class", regex(pattern = KEY_OR_EMPTY_PATTERN), length(max = 317))]
    #[schemars(extend("x-visible-if" = ".type == LoadBalancer", "x-title-zh" = "负载均衡器类", "x-help-zh" = "空表示集群默认。Service 使用负载均衡器期间不可更改。", "x-level" = "advanced", "x-mutability" = "online", "x-mutability-while" = { "condition": ".type == LoadBalancer", "mutability": "create-only" }))]
    pub load_balancer_class: String,
    /// Annotations of the Service, by which load balancers are set up.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "注解", "x-help-zh" = "Service 的注解，负载均衡器由此设置。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub annotations: BTreeMap<String, String>,
}

/// The proxies: servers without a state, through which clients reach all brokers over one address.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Proxy {
    /// Whether the release has proxies, for clients that speak gRPC and for those that speak the remoting protocol. Clients that
    /// use the name servers go on as before.
    #[schemars(title = "Proxies")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否部署代理，供 gRPC 和 remoting 协议的客户端使用；使用名称服务器的客户端不受影响。", "x-level" = "basic", "x-mutability" = "online"))]
    pub enabled: bool,
    /// How many proxies there are.
    #[schemars(title = "Number", range(min = 1, max = 32))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "数量", "x-help-zh" = "代理的数量。", "x-level" = "basic", "x-mutability" = "online"))]
    pub replicas: u32,
    /// Keys of the proxy's configuration file in addition, such as `maxMessageSize: 8388608`. Keys that the chart sets itself are
    /// refused.
    #[schemars(title = "Configuration", schema_with = "configuration_schema")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "附加配置", "x-help-zh" = "rmq-proxy.json 的附加配置项；由 chart 设置的项会被拒绝。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub configuration: BTreeMap<String, ConfigurationValue>,
    /// How clients reach the proxies.
    #[schemars(title = "Service", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "服务", "x-help-zh" = "客户端如何访问代理。"))]
    pub service: ProxyService,
    /// The host that clients of the remoting protocol are told to connect to, at port 8080. Empty: the name of the proxies' Service,
    /// which only the cluster knows. Clients of gRPC are told what they asked for themselves.
    #[schemars(title = "Host for remoting", regex(pattern = HOST_OR_EMPTY_PATTERN), length(max = 253))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "remoting 主机", "x-help-zh" = "告知 remoting 客户端连接的主机（端口 8080）。空表示代理 Service 的名称，仅集群内可知。gRPC 客户端使用其自己请求的地址。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub remoting_host: String,
    /// Image of the proxies.
    #[schemars(title = "Image", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "镜像", "x-help-zh" = "代理的镜像。"))]
    pub image: Image,
    /// CPU and memory of each proxy.
    #[schemars(title = "Resources", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "资源", "x-help-zh" = "每个代理的 CPU 和内存。"))]
    pub resources: Resources,
    /// Java heap of each proxy. 0: two fifths of the memory limit. An eighth of the limit is its direct memory.
    #[schemars(title = "Heap", range(min = 0, max = 65536))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "堆", "x-help-zh" = "Java 堆大小。0 表示内存上限的五分之二；上限的八分之一用作直接内存。", "x-unit" = "MB", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub heap_megabytes: u32,
    /// The usual places to extend a pod.
    #[schemars(title = "Pod", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "Pod", "x-help-zh" = "扩展 Pod 的常用位置。"))]
    pub pod: Pod,
}

/// How clients outside the cluster reach name servers and brokers, which they then know by the same names as those inside.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Outside {
    /// Whether the name servers together and each broker have an address of the cluster's load balancer.
    #[schemars(title = "Load balancers")]
    #[schemars(extend("x-title-zh" = "负载均衡器", "x-help-zh" = "名称服务器（共用）和每个 Broker 是否拥有负载均衡器的地址。", "x-level" = "basic", "x-mutability" = "online"))]
    pub load_balancers: bool,
    /// The class of the load balancers. Empty: the cluster's own. It cannot be changed as long as there are any.
    #[schemars(title = "Load balancer class", regex(pattern = KEY_OR_EMPTY_PATTERN), length(max = 317))]
    #[schemars(extend("x-visible-if" = ".loadBalancers == true", "x-title-zh" = "负载均衡器类", "x-help-zh" = "空表示集群默认。有负载均衡器期间不可更改。", "x-level" = "advanced", "x-mutability" = "online", "x-mutability-while" = { "condition": ".loadBalancers == true", "mutability": "create-only" }))]
    pub load_balancer_class: String,
    /// From where the load balancers let clients in, such as `192.0.2.0/24`. Empty: from everywhere. Ports of nodes are not guarded.
    #[schemars(title = "Source ranges", inner(regex(pattern = RANGE_PATTERN), length(max = 49)), length(max = 64), extend("uniqueItems" = true))]
    #[schemars(extend("x-visible-if" = ".loadBalancers == true", "x-title-zh" = "来源网段", "x-help-zh" = "负载均衡器允许的客户端网段，如 192.0.2.0/24。空表示不限。不限制节点端口。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub source_ranges: Vec<String>,
    /// Whether the name servers together and each broker have ports of every node. Brokers then listen at the ports that they
    /// have there, so it is chosen when the release is installed.
    #[schemars(title = "Node ports")]
    #[schemars(extend("x-title-zh" = "节点端口", "x-help-zh" = "名称服务器（共用）和每个 Broker 是否拥有每个节点上的端口。Broker 也在该端口监听，因此安装时决定。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub node_ports: bool,
    /// The node port of the name servers. Each broker has the fourth port after that of the one before it, and the second below its own:
    /// 20 ports for each group, whatever its replicas are.
    #[schemars(title = "First node port", range(min = 1, max = 32767))]
    #[schemars(extend("x-visible-if" = ".nodePorts == true", "x-title-zh" = "首个节点端口", "x-help-zh" = "名称服务器的节点端口。其后每四个端口对应一个 Broker（使用该端口及其减二的端口），每组占 20 个端口。", "x-level" = "advanced", "x-mutability" = "create-only"))]
    pub first_node_port: u16,
    /// Whether each of these Services tells `ExternalDNS`, by its annotation, the name that clients are given.
    #[schemars(title = "External DNS")]
    #[schemars(extend("x-title-zh" = "ExternalDNS", "x-help-zh" = "这些 Service 是否通过注解把客户端使用的名称告知 ExternalDNS。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub external_dns: bool,
    /// Annotations of these Services, by which load balancers are set up.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "注解", "x-help-zh" = "这些 Service 的注解，负载均衡器由此设置。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub annotations: BTreeMap<String, String>,
}

/// What brokers and proxies tell Prometheus.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Metrics {
    /// Whether brokers and proxies serve metrics in the format of Prometheus, at port 5557. Since version 5.1.
    #[schemars(title = "Metrics")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "Broker 和代理是否在端口 5557 以 Prometheus 格式提供指标。自 5.1 起。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub enabled: bool,
    /// How an operator of Prometheus finds the metrics.
    #[schemars(title = "Service monitor", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "ServiceMonitor", "x-help-zh" = "Prometheus Operator 如何找到指标。"))]
    pub service_monitor: ServiceMonitor,
}

/// Every value of the chart `rocketmq`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Values {
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
    /// Who may connect to the servers.
    #[schemars(title = "Network policy", extend("x-title-zh" = "网络策略", "x-help-zh" = "谁可以连接服务器。"))]
    pub network_policy: NetworkPolicy,
    /// The name servers.
    #[schemars(title = "Name servers", extend("x-title-zh" = "名称服务器", "x-help-zh" = "名称服务器的设置。"))]
    pub name_servers: NameServers,
    /// The brokers.
    #[schemars(title = "Brokers", extend("x-title-zh" = "Broker", "x-help-zh" = "Broker 的设置。"))]
    pub brokers: Brokers,
    /// Servers that make a replica the master of its group when the master stops. Since version 5.2.0.
    #[schemars(transform = rolled_out)]
    #[schemars(title = "Controllers", extend("x-title-zh" = "控制器", "x-help-zh" = "主节点停止时，将副本提升为组的主节点的服务器。自 5.2.0 起。"))]
    pub controllers: Controllers,
    /// Servers without a state, through which clients reach all brokers over one address. Since version 5.1.1.
    #[schemars(transform = rolled_out)]
    #[schemars(title = "Proxies", extend("x-title-zh" = "代理", "x-help-zh" = "无状态的服务器，客户端经由一个地址访问所有 Broker。自 5.1.1 起。"))]
    pub proxy: Proxy,
    /// The product's dashboard, on which people look at topics, groups and messages, and change them.
    #[schemars(transform = rolled_out)]
    #[schemars(title = "Console", extend("x-title-zh" = "控制台", "x-help-zh" = "产品的 dashboard，供人查看和更改主题、消费组和消息。"))]
    pub console: Console,
    /// How clients outside the cluster reach name servers and brokers, which they then know by the same names as those inside.
    #[schemars(title = "Outside", extend("x-title-zh" = "集群外访问", "x-help-zh" = "集群外的客户端如何访问名称服务器和 Broker；使用的名称与集群内相同。"))]
    pub outside: Outside,
    /// Who may do what at brokers and proxies. Since version 5.3.3.
    #[schemars(title = "Access control", extend("x-title-zh" = "访问控制", "x-help-zh" = "谁可以对 Broker 和代理做什么。自 5.3.3 起。"))]
    pub access_control: AccessControl,
    /// How servers, clients and operations keep what they say to themselves.
    #[schemars(title = "TLS", extend("x-title-zh" = "TLS", "x-help-zh" = "服务器、客户端和各项操作之间的加密。"))]
    pub tls: Tls,
    /// What brokers and proxies tell Prometheus.
    #[schemars(title = "Metrics", extend("x-title-zh" = "指标", "x-help-zh" = "Broker 和代理向 Prometheus 提供的指标。"))]
    pub metrics: Metrics,
    /// The program that carries out operations before and after an upgrade.
    #[schemars(title = "Hook program", extend("x-title-zh" = "钩子程序", "x-help-zh" = "升级前后执行操作的程序。"))]
    pub hook: Hook,
}

/// What is known of every field of the chart.
///
/// # Errors
/// When a field's condition cannot be read: a fault of this crate.
pub fn description() -> Result<Description, DescriptionError> {
    Description::of::<Values>(CHART)
}

/// What the hook program reads at start: the release's names and its values.
pub type Desired = crate::desired::Desired<Values>;

fn image(repository: &str, tag: &str) -> Image {
    Image {
        repository: repository.to_owned(),
        tag: tag.to_owned(),
        pull_policy: PullPolicy::IfNotPresent,
    }
}

fn resources(cpu: &str, memory: &str, cpu_limit: &str, memory_limit: &str) -> Resources {
    Resources {
        requests: Requests {
            cpu: Cpu(cpu.to_owned()),
            memory: Bytes(memory.to_owned()),
        },
        limits: Limits {
            cpu: Cpu(cpu_limit.to_owned()),
            memory: Bytes(memory_limit.to_owned()),
        },
    }
}

fn storage(size: &str) -> Storage {
    Storage {
        mode: StorageMode::StorageClass,
        size: Bytes(size.to_owned()),
        class_name: String::new(),
        access_mode: AccessMode::ReadWriteOnce,
        host_path: String::new(),
        on_scale_in: Retention::Retain,
        on_uninstall: Retention::Retain,
    }
}

impl Default for Values {
    /// The chart's defaults: the only place where they stand.
    fn default() -> Self {
        Self {
            image_registry: String::new(),
            image_pull_secrets: Vec::new(),
            cluster_domain: "cluster.local".to_owned(),
            common_labels: BTreeMap::new(),
            common_annotations: BTreeMap::new(),
            network_policy: NetworkPolicy {
                enabled: true,
                clients: Vec::new(),
            },
            name_servers: NameServers {
                source: NameServerSource::Own,
                count: 2,
                release: OtherRelease {
                    name: String::new(),
                    namespace: String::new(),
                    count: 2,
                },
                addresses: Vec::new(),
                key_value_namespaces: Vec::new(),
                image: image("apache/rocketmq", APP_VERSION),
                resources: resources("100m", "256Mi", "", "512Mi"),
                heap_megabytes: 0,
                storage: storage("1Gi"),
                pod: Pod::default(),
            },
            brokers: Brokers {
                enabled: true,
                cluster_name: String::new(),
                groups: 2,
                replicas_per_group: 1,
                replication: Timing::Asynchronous,
                flush: Timing::Asynchronous,
                allow_restart: true,
                new_groups_from: 0,
                ordered_topics: OrderedTopics::Leave,
                kept_volumes: KeptVolumes::Refuse,
                drain_minutes: 30,
                discard_dead_letters: false,
                client_route_refresh_seconds: 30,
                commit_log_file_megabytes: 1024,
                configuration: BTreeMap::new(),
                image: image("apache/rocketmq", APP_VERSION),
                resources: resources("250m", "1Gi", "", "2Gi"),
                heap_megabytes: 0,
                direct_memory_megabytes: 0,
                storage: storage("20Gi"),
                pod: Pod {
                    anti_affinity: AntiAffinity::Soft,
                    ..Pod::default()
                },
            },
            controllers: Controllers::default(),
            proxy: Proxy {
                enabled: false,
                replicas: 2,
                configuration: BTreeMap::new(),
                service: ProxyService {
                    kind: ServiceType::ClusterIP,
                    grpc_node_port: 0,
                    load_balancer_class: String::new(),
                    annotations: BTreeMap::new(),
                },
                remoting_host: String::new(),
                image: image("apache/rocketmq", APP_VERSION),
                resources: resources("100m", "512Mi", "", "1Gi"),
                heap_megabytes: 0,
                pod: Pod::default(),
            },
            console: Console::default(),
            outside: Outside {
                load_balancers: false,
                load_balancer_class: String::new(),
                source_ranges: Vec::new(),
                node_ports: false,
                first_node_port: FIRST_NODE_PORT,
                external_dns: false,
                annotations: BTreeMap::new(),
            },
            access_control: AccessControl::default(),
            tls: Tls::default(),
            metrics: Metrics {
                enabled: false,
                service_monitor: ServiceMonitor {
                    enabled: false,
                    interval_seconds: 30,
                    labels: BTreeMap::new(),
                },
            },
            hook: Hook {
                image: image("midships/hook", env!("CARGO_PKG_VERSION")),
                resources: resources("20m", "32Mi", "", "128Mi"),
                deadline_seconds: 0,
                labels: BTreeMap::new(),
                annotations: BTreeMap::new(),
                node_selector: BTreeMap::new(),
                tolerations: Vec::new(),
            },
        }
    }
}

/// A heap in MB: as set, else two fifths of the memory limit.
fn two_fifths_unless_set(set: u32, resources: &Resources) -> Option<u64> {
    match set {
        0 => Some(resources.limits.memory.mebibytes()? * 2 / 5),
        set => Some(set.into()),
    }
}

impl Values {
    /// How many seconds an operation takes at most, as an estimate: every broker is restarted, one at a time.
    #[must_use]
    pub fn estimate_seconds(&self) -> u32 {
        let brokers = if self.brokers.enabled {
            self.brokers.groups * (self.brokers.replicas_per_group + 1)
        } else {
            0
        };
        let restart = self.brokers.client_route_refresh_seconds * 3 + RESTART_SECONDS;
        OPERATION_SECONDS + brokers * restart.next_multiple_of(60)
    }

    /// The same when groups leave, whose consumers have their time before.
    #[must_use]
    pub fn removal_seconds(&self) -> u32 {
        let drain = if self.brokers.enabled {
            self.brokers.drain_minutes * 60
        } else {
            0
        };
        self.estimate_seconds() + drain
    }

    /// Seconds that a hook Job may run: as set, else an hour or somewhat more than the estimate with a drain.
    #[must_use]
    pub fn deadline_seconds(&self) -> u32 {
        match self.hook.deadline_seconds {
            0 => LEAST_DEADLINE_SECONDS.max(self.removal_seconds() + DEADLINE_MARGIN_SECONDS),
            set => set,
        }
    }
}

impl Brokers {
    /// The heap of each broker in MB: as set, else two fifths of the memory limit.
    #[must_use]
    pub fn heap(&self) -> Option<u64> {
        two_fifths_unless_set(self.heap_megabytes, &self.resources)
    }

    /// The direct memory of each broker in MB: as set, else a quarter of the memory limit.
    #[must_use]
    pub fn direct_memory(&self) -> Option<u64> {
        match self.direct_memory_megabytes {
            0 => Some(self.resources.limits.memory.mebibytes()? / 4),
            set => Some(set.into()),
        }
    }

    /// Seconds that a drained broker waits so that every producer has seen it leave.
    #[must_use]
    pub fn drain_seconds(&self) -> u32 {
        self.client_route_refresh_seconds + DRAIN_MARGIN_SECONDS
    }

    /// Seconds that a broker may take to stop, its drain among them.
    #[must_use]
    pub fn stop_seconds(&self) -> u32 {
        self.drain_seconds() + DRAIN_LOOK_SECONDS + SHUTDOWN_SECONDS
    }
}

impl Outside {
    /// The last port of nodes that name servers and brokers have, whatever the replicas are.
    #[must_use]
    pub fn last_node_port(&self, brokers: &Brokers) -> u32 {
        if brokers.enabled {
            self.broker_port(brokers.groups - 1, MOST_REPLICAS)
        } else {
            self.first_node_port.into()
        }
    }

    /// The port at which a broker listens, and which it registers.
    #[must_use]
    pub fn broker_port(&self, group: u32, id: u32) -> u32 {
        if self.node_ports {
            let before = group * (MOST_REPLICAS + 1) + id;
            u32::from(self.first_node_port) + u32::from(NODE_PORTS_OF_BROKER) * (before + 1)
        } else {
            BROKER_PORT.into()
        }
    }
}

impl Proxy {
    /// The heap of each proxy in MB: as set, else two fifths of the memory limit.
    #[must_use]
    pub fn heap(&self) -> Option<u64> {
        two_fifths_unless_set(self.heap_megabytes, &self.resources)
    }

    /// The direct memory in MB of each of the two servers in a proxy: an eighth of the memory limit.
    #[must_use]
    pub fn direct_memory(&self) -> Option<u64> {
        Some(self.resources.limits.memory.mebibytes()? / 8)
    }

    /// Seconds that a proxy may take to stop.
    #[must_use]
    pub const fn stop_seconds() -> u32 {
        PROXY_LEAVE_SECONDS + PROXY_CALLS_SECONDS + PROXY_STOP_SECONDS
    }
}

impl ChartValues for Values {
    const CHART: &'static str = CHART;
    const RULES: &'static [Rule<Self>] = rules::RULES;

    fn estimate(&self, operations: &[String]) -> Option<u32> {
        let removes = operations.iter().any(|name| name == REMOVE_BROKERS);
        Some(if removes {
            self.removal_seconds()
        } else {
            self.estimate_seconds()
        })
    }
}
