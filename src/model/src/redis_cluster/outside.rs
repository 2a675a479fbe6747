//! How clients outside the pods' network reach the servers of a cluster.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shards::{MOST_REPLICAS, Shards};
use crate::fields::annotations_schema;
use crate::fields::network::{FIRST_NODE_PORT, LAST_NODE_PORT};
use crate::redis::tls::Tls;

/// By how much the default of each first node port is above that of the one before it: more than the most servers need.
const APART: u16 = 400;

/// How clients outside the pods' network reach each server. The servers announce the addresses of their nodes then, which lead to them
/// from inside too.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Outside {
    /// Whether each server has ports of every node, which it announces with the address of its own. Servers reach each other there too,
    /// so that it cannot be taken away from a release that has it.
    #[schemars(title = "Node ports")]
    #[schemars(extend("x-title-zh" = "节点端口", "x-help-zh" = "每台服务器是否拥有每个节点上的端口，并以所在节点的地址公布。服务器之间也经由这些端口互通，因此启用后不可取消。", "x-level" = "basic", "x-mutability" = "restart", "x-mutability-while" = { "condition": ".nodePorts == true", "mutability": "create-only" }))]
    pub node_ports: bool,
    /// The node port for clients of the first server. Each shard has five ports, whatever its replicas are: one for each server, in the
    /// order of shards and pods. Not used where TLS is enforced.
    #[schemars(title = "First node port", range(min = FIRST_NODE_PORT, max = LAST_NODE_PORT))]
    #[schemars(extend("x-visible-if" = ".nodePorts == true", "x-title-zh" = "首个节点端口", "x-help-zh" = "第一台服务器面向客户端的节点端口。无论副本数量，每个分片占五个端口，按分片和 Pod 的顺序每台服务器一个。强制 TLS 时不使用。", "x-level" = "basic", "x-mutability" = "restart", "x-mutability-while" = { "condition": ".nodePorts == true", "mutability": "create-only" }))]
    pub first_node_port: u16,
    /// The same for clients that speak TLS, where there is a certificate.
    #[schemars(title = "First node port for TLS", range(min = FIRST_NODE_PORT, max = LAST_NODE_PORT))]
    #[schemars(extend("x-visible-if" = ".nodePorts == true", "x-title-zh" = "首个 TLS 节点端口", "x-help-zh" = "同上，用于 TLS 客户端（须有证书）。", "x-level" = "advanced", "x-mutability" = "restart", "x-mutability-while" = { "condition": ".nodePorts == true", "mutability": "create-only" }))]
    pub first_tls_node_port: u16,
    /// The same for the other servers. Nobody else has any business there: without TLS, what is said there is believed without a password.
    #[schemars(title = "First node port for servers", range(min = FIRST_NODE_PORT, max = LAST_NODE_PORT))]
    #[schemars(extend("x-visible-if" = ".nodePorts == true", "x-title-zh" = "首个集群总线节点端口", "x-help-zh" = "同上，用于服务器之间的通信。其他人不应访问这些端口：未使用 TLS 时，其中的内容无需密码即被信任。", "x-level" = "advanced", "x-mutability" = "restart", "x-mutability-while" = { "condition": ".nodePorts == true", "mutability": "create-only" }))]
    pub first_bus_node_port: u16,
    /// Annotations of the Services that have these ports.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-visible-if" = ".nodePorts == true", "x-title-zh" = "注解", "x-help-zh" = "拥有这些端口的 Service 的注解。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub annotations: BTreeMap<String, String>,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            node_ports: false,
            first_node_port: FIRST_NODE_PORT,
            first_tls_node_port: FIRST_NODE_PORT + APART,
            first_bus_node_port: FIRST_NODE_PORT + 2 * APART,
            annotations: BTreeMap::new(),
        }
    }
}

impl Outside {
    /// The ports of nodes that the first server may have: the field of each, it, and whether servers have such ones.
    #[must_use]
    pub const fn first_ports(&self, tls: &Tls) -> [(&'static str, u16, bool); 3] {
        [
            (
                "outside.firstNodePort",
                self.first_node_port,
                self.node_ports && !tls.enforced,
            ),
            (
                "outside.firstTlsNodePort",
                self.first_tls_node_port,
                self.node_ports && !tls.secret_name.is_empty(),
            ),
            (
                "outside.firstBusNodePort",
                self.first_bus_node_port,
                self.node_ports,
            ),
        ]
    }
}

/// How far the port of the last server is above that of the first one.
#[must_use]
pub fn last_above(shards: &Shards) -> u32 {
    (shards.count - 1) * (MOST_REPLICAS + 1) + shards.replicas_per_shard
}
