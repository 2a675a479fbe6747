//! The chart `redis-cluster`: shards of Redis or Valkey, and the hook Jobs that run operations on them.

use midships_model::model::Model;
use midships_model::redis::servers::Servers;
use midships_model::redis_cluster::{self, Values, shards};
use serde_json::{Value, json};

use super::redis::Family;
use super::{Entry, Facts, sources};

/// The chart in the registry.
pub(super) const ENTRY: Entry = Entry {
    model: Model::of::<Values>(),
    title: "Redis Cluster",
    about: "A cluster of Redis or Valkey, whose shards grow and shrink under load and find each other again by themselves.",
    keywords: &[
        "redis",
        "valkey",
        "cluster",
        "cache",
        "database",
        "key-value",
        "middleware",
    ],
    icon: include_str!("../templates/redis/icon.svg"),
    sources: sources!(
        "redis-cluster":
        "about.md",
        "Chart.yaml",
        "scripts/cluster.sh",
        "scripts/leave.sh",
        "scripts/meet.sh",
        "templates/NOTES.txt",
        "templates/outside.yaml",
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
    let family = Family {
        chart: redis_cluster::CHART,
        groups: values.groups(),
        servers: values.shards.servers(),
        registry: &values.image_registry,
        others: &[],
        who_asks: "What the servers and one hook Job ask for",
    };
    Ok(family.facts(json!({
        "isCluster": true,
        "isSentinel": false,
        "scripts": [
            "certificates.sh", "cluster.sh", "data.sh", "leave.sh", "meet.sh", "probe.sh", "repair.sh", "server.sh", "start.sh",
        ],
        "busAbove": redis_cluster::BUS_ABOVE,
        "mostShards": shards::MOST_SHARDS,
        "mostReplicas": shards::MOST_REPLICAS,
        "megabytesMovedASecond": redis_cluster::MEGABYTES_MOVED_A_SECOND,
    })))
}
