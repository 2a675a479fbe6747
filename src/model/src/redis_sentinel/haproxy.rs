//! HAProxy before the servers: addresses that always lead to the master, and to replicas, for clients that ask no Sentinels.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sentinels::SentinelPod;
use crate::fields::network::{KEY_OR_EMPTY_PATTERN, RANGE_PATTERN, ServiceType};
use crate::fields::{Image, Resources, annotations_schema};
use crate::redis::{image, resources};

/// The port that leads to replicas.
pub const READ_PORT: u16 = 6389;
/// The same for clients that speak TLS.
pub const READ_TLS_PORT: u16 = 6390;
/// The user and the group of HAProxy in the official images.
pub const USER: u32 = 99;
/// How long connections may last when a pod of HAProxy stops, in seconds.
pub const LAST_SECONDS: u32 = 20;
/// Seconds that a pod of HAProxy may take to stop: until no node sends anybody there any more, and until its last connection ends.
pub const STOP_SECONDS: u32 = 40;

/// How HAProxy is reached.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HaproxyService {
    /// From where clients reach HAProxy. Clients inside the cluster use the same name whatever it is.
    #[schemars(title = "Reached from")]
    #[schemars(extend("x-title-zh" = "访问范围", "x-help-zh" = "客户端从何处访问 HAProxy。集群内的客户端始终使用同一名称。", "x-level" = "basic", "x-mutability" = "online"))]
    #[serde(rename = "type")]
    pub kind: ServiceType,
    /// The port of every node that leads to the master, from 30000 to 32767. 0: the cluster chooses one. Not used where TLS is enforced.
    #[schemars(title = "Node port", range(min = 0, max = 32767))]
    #[schemars(extend("x-visible-if" = ".type == NodePort", "x-title-zh" = "节点端口", "x-help-zh" = "每个节点上通往主节点的端口，30000 到 32767。0 表示由集群选择。强制 TLS 时不使用。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub node_port: u16,
    /// The same for TLS, where there is a certificate.
    #[schemars(title = "Node port for TLS", range(min = 0, max = 32767))]
    #[schemars(extend("x-visible-if" = ".type == NodePort", "x-title-zh" = "TLS 节点端口", "x-help-zh" = "同上，用于 TLS（须有证书）。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub tls_node_port: u16,
    /// The port of every node that leads to replicas, in the same way.
    #[schemars(title = "Node port for reads", range(min = 0, max = 32767))]
    #[schemars(extend("x-visible-if" = ".type == NodePort", "x-title-zh" = "只读节点端口", "x-help-zh" = "每个节点上通往副本的端口，规则同上。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub read_node_port: u16,
    /// The same for TLS.
    #[schemars(title = "Node port for reads by TLS", range(min = 0, max = 32767))]
    #[schemars(extend("x-visible-if" = ".type == NodePort", "x-title-zh" = "只读 TLS 节点端口", "x-help-zh" = "同上，用于 TLS。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub read_tls_node_port: u16,
    /// The class of the load balancer. Empty: the cluster's own. It cannot be changed as long as the Service is balanced.
    #[schemars(title = "Load balancer class", regex(pattern = KEY_OR_EMPTY_PATTERN), length(max = 317))]
    #[schemars(extend("x-visible-if" = ".type == LoadBalancer", "x-title-zh" = "负载均衡器类", "x-help-zh" = "空表示集群默认。Service 使用负载均衡器期间不可更改。", "x-level" = "advanced", "x-mutability" = "online", "x-mutability-while" = { "condition": ".type == LoadBalancer", "mutability": "create-only" }))]
    pub load_balancer_class: String,
    /// From where the load balancer lets clients in, such as `192.0.2.0/24`. Empty: from everywhere.
    #[schemars(title = "Source ranges", inner(regex(pattern = RANGE_PATTERN), length(max = 49)), length(max = 64), extend("uniqueItems" = true))]
    #[schemars(extend("x-visible-if" = ".type == LoadBalancer", "x-title-zh" = "来源地址段", "x-help-zh" = "负载均衡器允许的客户端地址段，如 192.0.2.0/24。空表示不限制。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub source_ranges: Vec<String>,
    /// Annotations of the Service, by which load balancers are set up.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "注解", "x-help-zh" = "Service 的注解，负载均衡器由此设置。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub annotations: BTreeMap<String, String>,
}

/// HAProxy, which asks every server once a second what it is and passes connections on to the master. Clients that ask Sentinels go on
/// as before.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Haproxy {
    /// Whether the release has it.
    #[schemars(title = "HAProxy")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否部署 HAProxy。向 Sentinel 查询的客户端不受影响。", "x-level" = "basic", "x-mutability" = "online"))]
    pub enabled: bool,
    /// How many of it there are.
    #[schemars(title = "Number", range(min = 1, max = 32))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "数量", "x-help-zh" = "HAProxy 的数量。", "x-level" = "basic", "x-mutability" = "online"))]
    pub replicas: u32,
    /// How many connections each of them passes on at most; further ones wait.
    #[schemars(title = "Connections", range(min = 10, max = 1_000_000))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "连接数", "x-help-zh" = "每个 HAProxy 最多转发的连接数，超出的连接等待。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub max_connections: u32,
    /// How clients reach it.
    #[schemars(title = "Service", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "服务", "x-help-zh" = "客户端如何访问 HAProxy。"))]
    pub service: HaproxyService,
    /// Its image.
    #[schemars(title = "Image", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "镜像", "x-help-zh" = "HAProxy 的镜像。"))]
    pub image: Image,
    /// CPU and memory of each of them.
    #[schemars(title = "Resources", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "资源", "x-help-zh" = "每个 HAProxy 的 CPU 和内存。"))]
    pub resources: Resources,
    /// The usual places to extend its pods.
    #[schemars(title = "Pods", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "Pod", "x-help-zh" = "扩展 Pod 的常用位置。"))]
    pub pod: SentinelPod,
}

impl Default for Haproxy {
    fn default() -> Self {
        Self {
            enabled: false,
            replicas: 2,
            max_connections: 4000,
            service: HaproxyService {
                kind: ServiceType::ClusterIP,
                node_port: 0,
                tls_node_port: 0,
                read_node_port: 0,
                read_tls_node_port: 0,
                load_balancer_class: String::new(),
                source_ranges: Vec::new(),
                annotations: BTreeMap::new(),
            },
            image: image("library/haproxy", "3.0-alpine"),
            resources: resources("50m", "64Mi", "256Mi"),
            pod: SentinelPod::default(),
        }
    }
}
