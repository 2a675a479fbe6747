//! The chart `redis-sentinel`: a master of Redis or Valkey with replicas, and the Sentinels that replace it.

use midships_model::model::Model;
use midships_model::redis::servers::Servers;
use midships_model::redis_sentinel::{self, Values, haproxy, sentinels, servers};
use serde_json::{Value, json};

use super::redis::Family;
use super::{Entry, Facts, sources};

/// The product's own priority of a replica: among those that are to be promoted, all are alike.
const REPLICA_PRIORITY: u32 = 100;

/// The chart in the registry.
pub(super) const ENTRY: Entry = Entry {
    model: Model::of::<Values>(),
    title: "Redis Sentinel",
    about: "A master of Redis or Valkey with replicas, and Sentinels that put another one in its place when it is gone.",
    keywords: &[
        "redis",
        "valkey",
        "sentinel",
        "cache",
        "database",
        "key-value",
        "middleware",
    ],
    icon: include_str!("../templates/redis/icon.svg"),
    sources: sources!(
        "redis-sentinel":
        "about.md",
        "Chart.yaml",
        "scripts/haproxy.sh",
        "scripts/join.sh",
        "scripts/leave.sh",
        "scripts/sentinel-probe.sh",
        "scripts/sentinel.sh",
        "scripts/sentinels.sh",
        "scripts/server-of-set.sh",
        "scripts/watch.sh",
        "templates/NOTES.txt",
        "templates/haproxy.yaml",
        "templates/sentinels.yaml",
        "templates/servers.yaml";
        "redis":
        "macros",
        "scripts/certificates.sh",
        "scripts/data.sh",
        "scripts/probe.sh",
        "scripts/repair.sh",
        "scripts/server.sh",
        "scripts/start.sh",
        "templates/_names.tpl",
        "templates/_rules.tpl",
        "templates/configuration.yaml",
        "templates/hooks.yaml",
        "templates/metrics.yaml",
        "templates/network-policy.yaml",
        "templates/operations.yaml",
        "templates/password.yaml",
        "templates/service-account.yaml",
    ),
    read_by_the_hook: &[],
    facts,
};

/// What values amount to.
fn facts(values: &Value) -> Result<Facts, serde_json::Error> {
    let values: Values = serde_json::from_value(values.clone())?;
    let proxies = if values.haproxy.enabled {
        values.haproxy.replicas
    } else {
        0
    };
    let family = Family {
        chart: redis_sentinel::CHART,
        groups: values.groups(),
        servers: values.servers.count(),
        registry: &values.image_registry,
        others: &[
            (values.sentinels.count, &values.sentinels.resources),
            (proxies, &values.haproxy.resources),
        ],
        who_asks: "What the servers, the Sentinels and one hook Job ask for",
    };
    Ok(family.facts(json!({
        "isCluster": false,
        "isSentinel": true,
        "scripts": [
            "certificates.sh", "data.sh", "haproxy.sh", "join.sh", "leave.sh", "probe.sh", "repair.sh", "sentinel-probe.sh",
            "sentinel.sh", "sentinels.sh",
            "server-of-set.sh", "server.sh", "start.sh", "watch.sh",
        ],
        "sentinelPort": redis_sentinel::SENTINEL_PORT,
        "sentinelTlsPort": redis_sentinel::SENTINEL_TLS_PORT,
        "sentinelRestart": redis_sentinel::SENTINEL_RESTART_SECONDS,
        "readPort": haproxy::READ_PORT,
        "readTlsPort": haproxy::READ_TLS_PORT,
        "haproxyUser": haproxy::USER,
        "haproxyLast": haproxy::LAST_SECONDS,
        "haproxyStop": haproxy::STOP_SECONDS,
        "replicaPriority": REPLICA_PRIORITY,
        "mostReplicas": servers::MOST_REPLICAS,
        "mostSentinels": sentinels::MOST_SENTINELS,
    })))
}
