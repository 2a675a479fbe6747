//! The chart `rocketmq`: name servers, brokers, and the hook Jobs that run operations on them.

use midships_model::fields::Resources;
use midships_model::model::Model;
use midships_model::rocketmq::controllers;
use midships_model::rocketmq::rules::{
    ACCESS_CONFIGURATION, OWNED_CONFIGURATION, OWNED_PROXY_CONFIGURATION,
};
use midships_model::rocketmq::{
    self, NameServerSource, Proxy, Values, access_control, console, settings,
};
use serde_json::{Value, json};

use super::{
    Entry, Facts, administrator_and_accounts, reference, requested, secret_of_tls, sources, version,
};

/// The chart in the registry.
pub(super) const ENTRY: Entry = Entry {
    model: Model::of::<Values>(),
    title: "RocketMQ",
    about: "RocketMQ name servers and brokers, and name servers changed under load without a controller.",
    keywords: &[
        "rocketmq",
        "message queue",
        "messaging",
        "streaming",
        "middleware",
    ],
    icon: include_str!("../templates/rocketmq/icon.svg"),
    sources: sources!(
        "rocketmq":
        "macros",
        "about.md",
        "Chart.yaml",
        "scripts/broker.sh",
        "scripts/controller.sh",
        "scripts/credentials.sh",
        "scripts/drain.sh",
        "scripts/java.sh",
        "scripts/name-server.sh",
        "scripts/proxy.sh",
        "scripts/remoting.bash",
        "scripts/remoting.sh",
        "templates/NOTES.txt",
        "templates/_names.tpl",
        "templates/_rules.tpl",
        "templates/brokers.yaml",
        "templates/check.yaml",
        "templates/configuration.yaml",
        "templates/console.yaml",
        "templates/controllers.yaml",
        "templates/hooks.yaml",
        "templates/metrics.yaml",
        "templates/name-servers.yaml",
        "templates/network-policy.yaml",
        "templates/operations.yaml",
        "templates/outside.yaml",
        "templates/proxy.yaml",
        "templates/service-account.yaml",
    ),
    read_by_the_hook: &[
        "brokers.allowRestart",
        "brokers.discardDeadLetters",
        "brokers.keptVolumes",
        "brokers.newGroupsFrom",
        "brokers.orderedTopics",
        "nameServers.keyValueNamespaces",
    ],
    facts,
};

/// What values amount to, and the constants of the model.
fn facts(values: &Value) -> Result<Facts, serde_json::Error> {
    let values: Values = serde_json::from_value(values.clone())?;
    let server = if values.brokers.enabled {
        &values.brokers.image
    } else {
        &values.name_servers.image
    };
    let (requested_cpu, requested_memory) = requested(&pods(&values));
    let registry = &values.image_registry;
    Ok(Facts {
        product: "RocketMQ",
        app_version: version(server).to_owned(),
        what_notes_say: "addresses for clients, and what to run next",
        what_test_does: Some("sends a message to every master and reads it back"),
        who_asks: "What the servers and one hook Job ask for",
        requested_cpu,
        requested_memory,
        credentials: administrator_and_accounts(),
        own: json!({
            "rocketmqImage": reference(registry, server),
            "hookImage": reference(registry, &values.hook.image),
            "ownedConfiguration": OWNED_CONFIGURATION.join(" "),
            "ownedProxyConfiguration": OWNED_PROXY_CONFIGURATION.join(" "),
            "accessConfiguration": ACCESS_CONFIGURATION.join(" "),
            "authentication": "org.apache.rocketmq.auth.authentication",
            "authorization": "org.apache.rocketmq.auth.authorization",
            "accessKey": access_control::ACCESS_KEY,
            "secretKey": access_control::SECRET_KEY,
            "accessKeyMarks": access_control::ACCESS_KEY_MARKS,
            "secretKeyMarks": access_control::SECRET_KEY_MARKS,
            "longestCredential": access_control::LONGEST_CREDENTIAL,
            "accounts": accounts(),
            "tls": secret_of_tls(),
            "onlineConfiguration": settings::online_keys(),
            "mostNameServers": rocketmq::MOST_NAME_SERVERS,
            "nameServerPort": rocketmq::NAME_SERVER_PORT,
            "brokerPort": rocketmq::BROKER_PORT,
            "replicationPort": rocketmq::BROKER_REPLICATION_PORT,
            "fastPort": rocketmq::BROKER_FAST_PORT,
            "replicationAbove": rocketmq::BROKER_REPLICATION_PORT - rocketmq::BROKER_PORT,
            "fastBelow": rocketmq::BROKER_PORT - rocketmq::BROKER_FAST_PORT,
            "nodePortsOfBroker": rocketmq::NODE_PORTS_OF_BROKER,
            "controller": {
                "port": controllers::CONTROLLER_PORT,
                "raftPort": controllers::CONTROLLER_RAFT_PORT,
                "settle": controllers::SETTLE_SECONDS,
                "most": controllers::MOST_CONTROLLERS,
            },
            "console": {
                "port": console::CONSOLE_PORT,
                "users": console::USERS_KEY,
            },
            "proxyGrpcPort": rocketmq::PROXY_GRPC_PORT,
            "proxyRemotingPort": rocketmq::PROXY_REMOTING_PORT,
            "proxyLeave": rocketmq::PROXY_LEAVE_SECONDS,
            "proxyCalls": rocketmq::PROXY_CALLS_SECONDS,
            "proxyStop": Proxy::stop_seconds(),
            "metricsPort": rocketmq::METRICS_PORT,
            "mostProxies": rocketmq::MOST_PROXIES,
            "mostGroups": rocketmq::MOST_GROUPS,
            "mostReplicas": rocketmq::MOST_REPLICAS,
            "drainMargin": rocketmq::DRAIN_MARGIN_SECONDS,
            "drainLook": rocketmq::DRAIN_LOOK_SECONDS,
            "shutdown": rocketmq::SHUTDOWN_SECONDS,
            "restartSeconds": rocketmq::RESTART_SECONDS,
            "operationSeconds": rocketmq::OPERATION_SECONDS,
            "leastDeadline": rocketmq::LEAST_DEADLINE_SECONDS,
            "deadlineMargin": rocketmq::DEADLINE_MARGIN_SECONDS,
        }),
    })
}

/// The servers of a release and one hook Job: how many of each, and what each asks for.
fn pods(values: &Values) -> [(u32, &Resources); 6] {
    let brokers = if values.brokers.enabled {
        values.brokers.groups * (values.brokers.replicas_per_group + 1)
    } else {
        0
    };
    let name_servers = match values.name_servers.source {
        NameServerSource::Own => values.name_servers.count,
        NameServerSource::Release | NameServerSource::Addresses => 0,
    };
    let controllers = if values.controllers.enabled {
        values.controllers.count
    } else {
        0
    };
    let proxies = if values.proxy.enabled {
        values.proxy.replicas
    } else {
        0
    };
    [
        (name_servers, &values.name_servers.resources),
        (brokers, &values.brokers.resources),
        (controllers, &values.controllers.resources),
        (proxies, &values.proxy.resources),
        (values.console.enabled.into(), &values.console.resources),
        (1, &values.hook.resources),
    ]
}

/// Where accounts stand, and what brokers that read them from a file ask of it.
fn accounts() -> Value {
    json!({
        "key": access_control::ACCOUNTS_KEY,
        "home": access_control::ACCOUNTS_HOME,
        "readBy": access_control::READS_ACCOUNTS,
        "shortest": access_control::SHORTEST_OF_ACCOUNTS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_chart_asks_for_is_the_sum_of_its_pods() {
        let mut values = Values::default();
        values.name_servers.count = 2;
        values.brokers.groups = 3;
        values.brokers.replicas_per_group = 1;
        for (resources, cpu, memory) in [
            (&mut values.name_servers.resources, "100m", "512Mi"),
            (&mut values.brokers.resources, "1", "1Gi"),
            (&mut values.hook.resources, "", "32Mi"),
        ] {
            cpu.clone_into(&mut resources.requests.cpu.0);
            memory.clone_into(&mut resources.requests.memory.0);
        }
        let memory = 2 * 512 + 6 * 1024 + 32;
        let expected = ("6200m".to_owned(), format!("{memory}Mi"));
        assert_eq!(requested(&pods(&values)), expected);
    }
}
