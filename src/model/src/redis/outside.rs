//! How clients outside the cluster reach a server that is alone.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::annotations_schema;
use crate::fields::network::{KEY_OR_EMPTY_PATTERN, RANGE_PATTERN, ServiceType};

/// How clients outside the cluster reach the server. Those inside go on with the Service that they have.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Outside {
    /// From where the server is reached. Beyond the cluster, it is by a Service of its own.
    #[schemars(title = "Reached from")]
    #[schemars(extend("x-title-zh" = "访问范围", "x-help-zh" = "从何处可以访问服务器。集群外经由另一个 Service 访问。", "x-level" = "basic", "x-mutability" = "online"))]
    #[serde(rename = "type")]
    pub kind: ServiceType,
    /// The port of every node that leads to the server, from 30000 to 32767. 0: the cluster chooses one. Not used where TLS is
    /// enforced.
    #[schemars(title = "Node port", range(min = 0, max = 32767))]
    #[schemars(extend("x-visible-if" = ".type == NodePort", "x-title-zh" = "节点端口", "x-help-zh" = "每个节点上通往服务器的端口，30000 到 32767。0 表示由集群选择。强制 TLS 时不使用。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub node_port: u16,
    /// The same for TLS, where there is a certificate.
    #[schemars(title = "Node port for TLS", range(min = 0, max = 32767))]
    #[schemars(extend("x-visible-if" = ".type == NodePort", "x-title-zh" = "TLS 节点端口", "x-help-zh" = "同上，用于 TLS（须有证书）。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub tls_node_port: u16,
    /// The class of the load balancer. Empty: the cluster's own. It cannot be changed as long as the Service is balanced.
    #[schemars(title = "Load balancer class", regex(pattern = KEY_OR_EMPTY_PATTERN), length(max = 317))]
    #[schemars(extend("x-visible-if" = ".type == LoadBalancer", "x-title-zh" = "负载均衡器类", "x-help-zh" = "空表示集群默认。Service 使用负载均衡器期间不可更改。", "x-level" = "advanced", "x-mutability" = "online", "x-mutability-while" = { "condition": ".type == LoadBalancer", "mutability": "create-only" }))]
    pub load_balancer_class: String,
    /// From where the load balancer lets clients in, such as `192.0.2.0/24`. Empty: from everywhere.
    #[schemars(title = "Source ranges", inner(regex(pattern = RANGE_PATTERN), length(max = 49)), length(max = 64), extend("uniqueItems" = true))]
    #[schemars(extend("x-visible-if" = ".type == LoadBalancer", "x-title-zh" = "来源地址段", "x-help-zh" = "负载均衡器允许的客户端地址段，如 192.0.2.0/24。空表示不限制。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub source_ranges: Vec<String>,
    /// Annotations of that Service, by which load balancers are set up.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-visible-if" = ".type in [NodePort, LoadBalancer]", "x-title-zh" = "注解", "x-help-zh" = "该 Service 的注解，负载均衡器由此设置。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub annotations: BTreeMap<String, String>,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            kind: ServiceType::ClusterIP,
            node_port: 0,
            tls_node_port: 0,
            load_balancer_class: String::new(),
            source_ranges: Vec::new(),
            annotations: BTreeMap::new(),
        }
    }
}
